"""The master password without RDS: made here, kept in a secret of our own, given to the instance.

RDS makes no read replica of an instance whose master password it manages (RDS User Guide, "Password management with
Amazon RDS and AWS Secrets Manager", limitations). The password stands in no plan: it is made, or read from its secret,
in the moment of the call.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cruddur_ops import applying, aws, calls, tags
from cruddur_ops.calls import Call
from cruddur_ops.errors import WrongInput
from cruddur_ops.plan import Action, Change, Outcome, Plan
from cruddur_ops.rds import instances
from cruddur_ops.rds.instances import Instance

if TYPE_CHECKING:
    from cruddur_ops.targets import Target

ABSENT_CODE = "ResourceNotFoundException"
BYTES = 24


def secret_name(instance: Instance) -> str:
    """The name of the secret that keeps the master password; a replica has that of its source."""
    return f"{instance.source or instance.identifier}/{instance.master_username}"


def plan_own(target: Target) -> Plan:
    """Take the master password out of RDS's management, into a secret of our own.

    Raises:
        InstanceNotReady: there is no instance, or it cannot be modified now.
    """
    found = instances.require(target)
    name, resource = secret_name(found), f"DB instance {found.identifier}"
    secret = Change(Action.NONE, f"secret {name}")
    if not exists(target, name):
        labels = tags.as_list(tags.wanted(target.owner, target.instance_days, tags.today()))
        call = Call("secretsmanager", "create_secret", {"Name": name, "Tags": labels})
        secret = Change(Action.CREATE, secret.resource, note="0.40 USD a month", calls=(call,))
    if not found.secret_arn:
        return Plan(f"master password on {target.name}", (secret, Change(Action.NONE, resource, note="has its own password")))
    instances.require_recoverable(found)
    own = {"DBInstanceIdentifier": found.identifier, "ManageMasterUserPassword": False, "ApplyImmediately": True}
    note = "RDS no longer rotates it; the present one stops working at once"
    call = Call("rds", "modify_db_instance", own)
    change = Change(Action.MODIFY, resource, "ManageMasterUserPassword", "True", "False", note, (call,))
    return Plan(f"master password on {target.name}", (secret, change))


def plan_managed(target: Target) -> Plan:
    """Give the master password back to RDS, and remove our own secret.

    Raises:
        InstanceNotReady: there is no instance.
        WrongInput: it has read replicas, or is one.
    """
    found = instances.require(target)
    if found.replicas or found.source:
        message = f"RDS manages no master password of {found.identifier} while it replicates"
        raise WrongInput(f"{message}: promote or delete the replica first")
    name, resource = secret_name(found), f"DB instance {found.identifier}"
    managed = Change(Action.NONE, resource, note="has a password that RDS manages")
    if not found.secret_arn:
        back = {"DBInstanceIdentifier": found.identifier, "ManageMasterUserPassword": True, "ApplyImmediately": True}
        call = Call("rds", "modify_db_instance", back)
        managed = Change(Action.MODIFY, resource, "ManageMasterUserPassword", "False", "True", calls=(call,))
    removal = removals(target, [name]) if exists(target, name) else ()
    return Plan(f"master password on {target.name}", (managed, *removal))


def removals(target: Target, names: list[str]) -> tuple[Change, ...]:
    """A change for each secret that is to go for good: without its instance a password is worth nothing."""
    parameters = [{"SecretId": name, "ForceDeleteWithoutRecovery": True} for name in names]
    made = [Call("secretsmanager", "delete_secret", one) for one in parameters]
    return tuple(Change(Action.DELETE, f"secret {name}", calls=(one,)) for name, one in zip(names, made, strict=True))


def apply_password(plan: Plan, target: Target, confirm: str = "") -> Outcome:
    """Make the plan, with the password where the calls need it.

    Raises:
        ConfirmationRequired: the target is protected and `confirm` is not its identifier.
        OpsError: AWS refuses.
    """
    found = instances.require(target)
    return applying.apply(plan, target, confirm, send=lambda on, call: calls.send(on, _with_password(on, found, call)))


def _with_password(target: Target, found: Instance, call: Call) -> Call:
    """The call with the password; one that a run before this one made is used again."""
    if call.operation == "create_secret":
        value = {"engine": "postgres", "host": found.host, "port": found.endpoint_port, "dbname": found.db_name}
        value |= {"username": found.master_username, "password": secrets.token_urlsafe(BYTES)}
        return replace(call, parameters={**call.parameters, "SecretString": json.dumps(value)})
    if call.parameters.get("ManageMasterUserPassword") is False:
        kept = aws.client(target, "secretsmanager").get_secret_value(SecretId=secret_name(found))["SecretString"]
        password: Any = json.loads(kept)["password"]
        return replace(call, parameters={**call.parameters, "MasterUserPassword": password})
    return call


def exists(target: Target, name: str) -> bool:
    """Whether there is a secret of this name."""
    from botocore.exceptions import ClientError

    try:
        aws.client(target, "secretsmanager").describe_secret(SecretId=name)
    except ClientError as error:
        if aws.error_code(error) == ABSENT_CODE:
            return False
        raise
    return True
