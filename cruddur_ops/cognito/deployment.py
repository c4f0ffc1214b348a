"""The deployment as a plan: the pool, what the function is given, the function itself, the trigger; and its undoing."""

from __future__ import annotations

from dataclasses import dataclass

from cruddur_ops import aws
from cruddur_ops.cognito import function, names, place, policies, pool, role
from cruddur_ops.cognito.function import Function
from cruddur_ops.cognito.names import Arns
from cruddur_ops.cognito.packaging import Package, package
from cruddur_ops.cognito.place import Place
from cruddur_ops.cognito.pool import Pool
from cruddur_ops.cognito.role import Role
from cruddur_ops.database.location import secret_name
from cruddur_ops.database.roles import APP
from cruddur_ops.plan import Plan
from cruddur_ops.targets import Target, require_proven


@dataclass(frozen=True)
class Secret:
    """The secret of the database user that the function connects as; both empty where it is not there.

    Attributes:
        arn: Secrets Manager's.
        key_arn: of the KMS key that encrypts it; empty for Secrets Manager's own.
    """

    arn: str = ""
    key_arn: str = ""


@dataclass(frozen=True)
class Found:
    """All that a deployment consists of and stands on, as found."""

    arns: Arns
    pool: Pool | None
    secret: Secret
    place: Place
    role: Role | None
    retention: int | None
    function: Function | None


def describe(target: Target) -> Found:
    """Look at everything, with calls that only read.

    Raises:
        PoolElsewhere: the user pool is in another region.
        PoolMissing: user_pool_id names none.
        NotProven: the target is outside the sandbox.
        WrongInput: a name cannot be used.
    """
    require_proven(target, "the post-confirmation function")
    identity = aws.caller_identity(target)
    name = names.function_name(target)
    arns = Arns(identity["Arn"].split(":")[1], identity["Account"], target.region, name)
    return Found(
        arns=arns,
        pool=pool.describe(target),
        secret=describe_secret(target, arns),
        place=place.describe(target),
        role=role.describe(target),
        retention=role.describe_retention(target),
        function=function.describe(target),
    )


def describe_secret(target: Target, arns: Arns) -> Secret:
    """The secret that 03_load_schema_and_seed made for the application's role."""
    manager = aws.client(target, "secretsmanager")
    try:
        found = manager.describe_secret(SecretId=secret_name(target.db_instance_identifier, APP))
    except manager.exceptions.ResourceNotFoundException:
        return Secret()
    if "DeletedDate" in found:  # nobody can read it
        return Secret()
    key = found.get("KmsKeyId", "")
    own = not key or key.endswith("alias/aws/secretsmanager")
    return Secret(found["ARN"], "" if own else _key_arn(key, arns))


def _key_arn(key: str, arns: Arns) -> str:
    return key if key.startswith("arn:") else f"arn:{arns.partition}:kms:{arns.region}:{arns.account}:key/{key}"


def plan_pool(target: Target) -> Plan:
    """Use the user pool that is there, or create one for rehearsals.

    Raises:
        PoolElsewhere: the user pool is in another region.
        PoolMissing: user_pool_id names none, or the target is protected and there is none.
    """
    require_proven(target, "the post-confirmation function")
    return Plan(f"user pool on {target.name}", (pool.creation(target, pool.describe(target)),))


def plan_identity(target: Target) -> Plan:
    """What the function is given: a role, a log group, a security group."""
    return _identity(target, describe(target))


def plan_function(target: Target) -> Plan:
    """Admit the function to the database, create or update it, and let the pool call it.

    Raises:
        NotOffered: Lambda does not offer the runtime, or there are no wheels for it.
        PackageTooLarge: Lambda would refuse the package.
    """
    return _function(target, describe(target), package(target))


def plan_trigger(target: Target) -> Plan:
    """Make the pool call the function, and leave its other settings as they are."""
    return _trigger(target, describe(target))


def plan(target: Target) -> Plan:
    """All of it, from one look: empty of changes where the deployment is as wanted.

    Raises:
        OpsError: as the plans of the steps.
    """
    found, packed = describe(target), package(target)
    steps = (_identity(target, found), _function(target, found, packed), _trigger(target, found))
    whole = Plan(f"post-confirmation function on {target.name}", (pool.creation(target, found.pool),))
    for step in steps:
        whole += step
    return whole


def _identity(target: Target, found: Found) -> Plan:
    arns, secret = found.arns, found.secret
    wanted = policies.execution(arns.function, arns.log_group, secret.arn, secret.key_arn) if secret.arn else None
    changes = (
        *role.changes(target, found.role, wanted),
        role.log_change(target, found.retention),
        place.group_change(target, found.place),
    )
    return Plan(f"role of the function on {target.name}", changes)


def _function(target: Target, found: Found, packed: Package) -> Plan:
    changes = (
        *place.access_changes(target, found.place),
        *function.changes(target, packed, found.arns, found.place, found.secret.arn, found.function),
        *function.permission_changes(found.arns, found.pool, found.function),
    )
    return Plan(f"function on {target.name}", changes)


def _trigger(target: Target, found: Found) -> Plan:
    title = f"trigger on {target.name}"
    if found.pool is None:
        return Plan(title, (pool.trigger_later(target),))
    return Plan(title, (pool.trigger_change(target, found.pool, pool.update_members(target), found.arns.function),))
