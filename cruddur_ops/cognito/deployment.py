"""The deployment as plans: the pool, what the function is given, the function itself, the trigger; each, or all from one look.

They raise NotFound or WrongInput for a pool that cannot be used, see `pool`; and
WrongInput where a name, a runtime or a package is none that AWS takes.
"""

from dataclasses import dataclass

from cruddur_ops import aws, credentials, tags
from cruddur_ops.cognito import function, function_network, names, policies, pool, role
from cruddur_ops.cognito.function import Function
from cruddur_ops.cognito.function_network import Network
from cruddur_ops.cognito.names import Arns
from cruddur_ops.cognito.packaging import Package, package
from cruddur_ops.cognito.pool import Pool
from cruddur_ops.cognito.role import LogGroup
from cruddur_ops.database.location import secret_name
from cruddur_ops.database.roles import APP
from cruddur_ops.plan import Change, Plan, step
from cruddur_ops.roles import Role
from cruddur_ops.target import Target


@dataclass(frozen=True)
class Found:
    """All that a deployment consists of and stands on, as found."""

    arns: Arns
    pool: Pool | None
    secret_arn: str  # of the secret that 03_load_schema_and_seed made for the application's role; empty where none can be read
    key_arn: str  # of the KMS key that encrypts it; empty for Secrets Manager's own
    network: Network
    role: Role | None
    log_group: LogGroup | None
    function: Function | None


def describe(target: Target) -> Found:
    """Look at everything, with calls that only read."""
    identity = aws.caller_identity(target)
    arns = Arns(identity["Arn"].split(":")[1], identity["Account"], target.region, names.function_name(target))
    found_pool = pool.describe(target)
    pool.require_free(target, found_pool, arns.function)
    secret = credentials.find(target, secret_name(target.db_instance_identifier, APP))
    found = Found(
        arns=arns,
        pool=found_pool,
        secret_arn=secret.arn if secret.usable and tags.ours(target, secret.tags) else "",
        key_arn=arns.key(secret.kms_key),
        network=function_network.describe(target),
        role=role.describe(target),
        log_group=role.describe_log_group(target),
        function=function.describe(target),
    )
    _require_ours(target, found)
    return found


def _require_ours(target: Target, found: Found) -> None:
    """Refuse what has one of the names and is somebody else's; a log group is the function's, which may have made it."""
    name, log_group = found.arns.name, None if found.function else found.log_group
    named = {
        "role": found.role,
        "function": found.function,
        "security group": found.network.group,
        "log group of": log_group,
    }
    tags.require_all_ours(target, {f"{kind} {name}": one.tags for kind, one in named.items() if one is not None})


@step
def plan_pool(target: Target) -> Plan:
    """Use the user pool that is named, or create one for rehearsals; not before all the rest can be made, too."""
    return Plan(f"user pool on {target.name}", (_pool(target, describe(target)),))


def _pool(target: Target, found: Found) -> Change:
    return pool.creation(target, found.pool, "" if found.secret_arn else role.AFTER_THE_SECRET)


@step
def plan_identity(target: Target) -> Plan:
    """What the function is given: a role, a log group, a security group."""
    return Plan(f"role of the function on {target.name}", _identity(target, describe(target)))


def plan_function(target: Target) -> Plan:
    """Admit the function to the database, create or update it, and let the pool call it; with the package of now."""
    return _plan_function(target, package(target))


@step
def _plan_function(target: Target, packed: Package) -> Plan:
    return Plan(f"function on {target.name}", _function(target, describe(target), packed))


@step
def plan_trigger(target: Target) -> Plan:
    """Make the pool call the function, and leave its other settings as they are."""
    found = describe(target)
    return Plan(f"trigger on {target.name}", (pool.trigger_change(target, found.pool, found.arns.function),))


def plan(target: Target) -> Plan:
    """All of it, from one look: empty of changes where the deployment is as wanted."""
    return _plan(target, package(target))


@step
def _plan(target: Target, packed: Package) -> Plan:
    found = describe(target)
    changes = (
        _pool(target, found),
        *_identity(target, found),
        *_function(target, found, packed),
        pool.trigger_change(target, found.pool, found.arns.function),
    )
    return Plan(f"post-confirmation function on {target.name}", changes)


def _identity(target: Target, found: Found) -> tuple[Change, ...]:
    return (
        *role_changes(target, found),
        role.log_change(target, found.log_group),
        function_network.group_change(target, found.network),
    )


def role_changes(target: Target, found: Found) -> list[Change]:
    """The role, with the right to read the secret that was found."""
    arns = found.arns
    wanted = policies.execution(arns.function, arns.log_group, found.secret_arn, found.key_arn) if found.secret_arn else None
    return role.changes(target, found.role, wanted)


def _function(target: Target, found: Found, packed: Package) -> tuple[Change, ...]:
    return (
        *function_network.access_changes(target, found.network),
        *function.changes(target, packed, found.arns, found.network, found.secret_arn, found.function, found.role),
        *function.permission_changes(found.arns, found.pool, found.function),
    )
