"""The secrets of the login roles, in the form that RDS gives to its own (AWS Secrets Manager User Guide, "Structure of secrets").

A plan says that a secret is to be made, never its value: that is generated when the plan is applied.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from cruddur_ops import applying, aws, tags
from cruddur_ops.calls import Call
from cruddur_ops.errors import InstanceNotReady, WrongInput
from cruddur_ops.plan import Action, Change, Plan
from cruddur_ops.rds import instances
from cruddur_ops.rds.instances import Instance

if TYPE_CHECKING:
    from cruddur_ops.targets import Target

ABSENT_CODE = "ResourceNotFoundException"  # of the secret, and of a value that was never put
BYTES = 32


@dataclass(frozen=True)
class Secret:
    """A secret as it was found.

    Attributes:
        name: `{db_instance_identifier}/{role}`.
        role: whose it is.
        found: whether there is one, be it scheduled for deletion.
        deleted: whether it is scheduled for deletion; nobody can read it then.
        value: the members of its JSON; empty where it has none yet.
    """

    name: str
    role: str
    found: bool = False
    deleted: bool = False
    value: Mapping[str, Any] = field(default_factory=dict, repr=False)


def secret_name(target: Target, role: str) -> str:
    """Such as "cruddur-db-instance/cruddur_app"."""
    return _name(target.db_instance_identifier, role)


def _name(identifier: str, role: str) -> str:
    return f"{identifier}/{role}"


def find(target: Target, role: str, identifier: str = "") -> Secret:
    """A role's secret on the target's DB instance, or on the one that is named.

    Raises:
        AccessDenied: the caller may not read it.
        WrongInput: it is none that this package wrote.
    """
    from botocore.exceptions import ClientError

    name = _name(identifier or target.db_instance_identifier, role)
    try:
        described = aws.client(target, "secretsmanager").describe_secret(SecretId=name)
    except ClientError as error:
        if aws.error_code(error) == ABSENT_CODE:
            return Secret(name, role)
        raise
    secret = Secret(name, role, found=True, deleted="DeletedDate" in described)
    return secret if secret.deleted else replace(secret, value=_value(target, name))


def _value(target: Target, name: str) -> dict[str, Any]:
    from botocore.exceptions import ClientError

    try:
        text = aws.client(target, "secretsmanager").get_secret_value(SecretId=name)["SecretString"]
    except ClientError as error:
        if aws.error_code(error) == ABSENT_CODE:
            return {}
        raise
    try:
        found: dict[str, Any] = json.loads(text)
    except ValueError:
        found = {}
    if not found.get("password"):
        raise WrongInput(f"the secret {name} holds no JSON with a password: delete it, so that it can be made anew")
    return found


def require(target: Target, instance: Instance, role: str) -> Mapping[str, Any]:
    """The members of a role's secret, to log in with; a read replica has the roles of its source.

    Raises:
        InstanceNotReady: there is none that can be read.
    """
    secret = find(target, role, instance.source)
    if not secret.value:
        state = "is scheduled for deletion" if secret.deleted else "does not exist"
        remedy = "run 03_load_schema_and_seed, which sees to the secrets of cruddur_app and cruddur_reader, or unset db_role"
        raise InstanceNotReady(f"the secret {secret.name} {state}: {remedy}")
    return secret.value


def changes(target: Target, secret: Secret) -> Iterator[Change]:
    """What there is to do about a secret, apart from its value."""
    resource = f"secret {secret.name}"
    if not secret.found:
        yield Change(Action.CREATE, resource, note="0.40 USD a month", calls=(_creation(target, secret),))
    elif secret.deleted:
        restoration = Call("secretsmanager", "restore_secret", {"SecretId": secret.name})
        yield Change(Action.MODIFY, resource, "deletion", "scheduled", "called off", calls=(restoration,))
    elif _wanted(target, secret) != secret.value:
        yield Change(Action.MODIFY, resource, "endpoint", after="that of the DB instance")
    else:
        yield Change(Action.NONE, resource)


def _creation(target: Target, secret: Secret) -> Call:
    parameters = {
        "Name": secret.name,
        "Description": f"The password of {secret.role} on {target.db_instance_identifier}",
        "Tags": tags.as_list(tags.wanted(target.owner, target.instance_days, tags.today())),
    }
    return Call("secretsmanager", "create_secret", parameters)


def _wanted(target: Target, secret: Secret) -> dict[str, Any]:
    """The secret's members as they should be: where the instance is now, and the password that there is."""
    instance = instances.require(target)
    return {
        "engine": "postgres",
        "host": instance.host,
        "port": instance.endpoint_port,
        "dbname": target.db_name,
        "username": secret.role,
        **{name: secret.value[name] for name in ("dbname", "password") if name in secret.value},
    }


def make(plan: Plan, target: Target, confirm: str) -> None:
    """Make the AWS API calls of a plan, and only those.

    Raises:
        ConfirmationRequired: the target is protected and `confirm` is not its DB instance identifier.
        RunInProgress: somebody else made the same secret at the same moment.
    """
    applying.apply(replace(plan, changes=tuple(change for change in plan.changes if change.calls)), target, confirm)


def write(target: Target, role: str) -> str:
    """Bring a secret's value up to date, with a new password where it has none; returns the password."""
    secret = find(target, role)
    wanted = _wanted(target, secret)
    password: str = wanted.setdefault("password", secrets.token_urlsafe(BYTES))
    if wanted != secret.value:
        client = aws.client(target, "secretsmanager")
        client.put_secret_value(SecretId=secret.name, SecretString=json.dumps(wanted))
    return password
