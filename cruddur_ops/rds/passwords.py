"""The master password without RDS: made here, kept in a secret of our own, given to the instance.

RDS makes no read replica of an instance whose master password it manages (RDS User Guide, "Password management with
Amazon RDS and AWS Secrets Manager", limitations). The password stands in no plan: it is made, or read from its secret,
in the moment of the call.

A plan raises InstanceNotReady where there is no instance, it cannot be modified now, or nobody knows its password; and
WrongInput for one that replicates.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from cruddur_ops import credentials, tags
from cruddur_ops.credentials import Secret
from cruddur_ops.errors import InstanceNotReady, WrongInput
from cruddur_ops.plan import Action, Call, Change, Plan, step
from cruddur_ops.rds import instances, pending, waiting
from cruddur_ops.rds.instances import Instance
from cruddur_ops.rds.restores import ORIGIN
from cruddur_ops.target import Target

MANAGE = "let RDS manage it first, with `cruddur-ops rds managed-password`, then repeat"


def secret_name(instance: Instance) -> str:
    """The name of the secret that keeps the master password; a replica has that of its source."""
    return f"{instance.source or instance.identifier}/{instance.master_username}"


@step
def plan_own(target: Target) -> Plan:
    """Take the master password out of RDS's management, into a secret of our own; one that a run before this one made is used."""
    found = instances.require(target)
    if found.source:
        raise WrongInput(f"{found.identifier} is a read replica, and has the password of {found.source}: name that")
    name, resource = secret_name(found), f"DB instance {found.identifier}"
    settle = partial(waiting.wait, target, settled=True)
    if _is_the_operators(target, found):
        return _left_alone(target, found)
    if not found.secret_arn:
        _require_known(target, found)
    secret, others = credentials.changes(target, name, partial(_members, target)), tuple[Change, ...]()
    note = "is being given its own password" if found.secret_arn else "has its own password"
    change = Change(Action.NONE, resource, note=note, settle=settle)
    if found.secret_arn and pending.PASSWORD not in found.pending:
        instances.require_ready(found)  # else its secret would be made, and the call refused
        own = {"DBInstanceIdentifier": found.identifier, "ManageMasterUserPassword": False, "ApplyImmediately": True}
        call = Call("rds", "modify_db_instance", own, fill=partial(_password, target, name))
        note = "RDS no longer rotates it; the present one stops working at once"
        settle = partial(settle, lacks=lambda one: "managed still" if one.secret_arn else "")
        change = Change(Action.MODIFY, resource, "ManageMasterUserPassword", "True", "False", note, (call,), settle=settle)
        others = tuple(pending.changes(found))
    return Plan(f"master password on {target.name}", (*secret, change, *others))


def _require_known(target: Target, found: Instance) -> None:
    """Refuse to write a new password into a secret, where the instance would keep another."""
    secret = credentials.find(target, secret_name(found))
    if not (secret.scheduled or credentials.read(target, secret.name)):
        raise InstanceNotReady(f"{secret}, and so nobody knows the password of {found.identifier}: {MANAGE}")


def _is_the_operators(target: Target, found: Instance) -> bool:
    """Whether the operator keeps the password, in a secret that the target names, and nobody else is to make another."""
    return bool(target.master_user_secret) and not found.secret_arn


def _left_alone(target: Target, found: Instance) -> Plan:
    note = f"its password is the operator's, in the secret {target.master_user_secret}, and stays"
    return Plan(f"master password on {target.name}", (Change(Action.NONE, f"DB instance {found.identifier}", note=note),))


def _members(target: Target) -> dict[str, Any]:
    """What the secret says besides the password: where to log in with it."""
    found = instances.require(target)
    where = {"engine": "postgres", "host": found.host, "port": found.endpoint_port, "dbname": found.db_name}
    return {**where, "username": found.master_username}


def chosen(target: Target) -> Callable[[], dict[str, str]]:
    """What gives RDS the password of the operator's own secret, in the moment of the call."""
    if not target.master_user_secret:
        remedy = "name it in master_user_secret, or make one with `cruddur-ops rds own-password` once the instance is there"
        raise WrongInput(f"manage_master_password is false, and no secret has the master password: {remedy}")
    return partial(_password, target, target.master_user_secret, "correct master_user_secret")


def _password(target: Target, name: str, remedy: str = "plan again, which makes it") -> dict[str, str]:
    return {"MasterUserPassword": credentials.require(target, name, remedy)["password"]}


def removals(target: Target, found: Sequence[Secret]) -> Iterator[Change]:
    """Secrets away, but for one whose password another has: a replica, also once its source is gone, or what had the name."""
    name = target.db_instance_identifier
    others = [one for one in instances.describe_all(target).values() if one.identifier != name and not one.secret_arn]
    kin = [one for one in others if one.tags.get(ORIGIN) == name or tags.ours(target, one.tags)]
    used = {f"{name}/{one.master_username}": one.identifier for one in kin}
    yield from credentials.deletions(target, (one for one in found if one.name not in used))
    for one in found:
        if one.name in used:
            yield Change(Action.NONE, f"secret {one.name}", note=f"stays: {used[one.name]} has this password")


@step
def plan_managed(target: Target) -> Plan:
    """Give the master password back to RDS, and remove our own secret."""
    found = instances.require(target)
    if found.replicas or found.source:
        message = f"RDS manages no master password of {found.identifier} while it replicates"
        raise WrongInput(f"{message}: promote or delete the replica first")
    if _is_the_operators(target, found):
        return _left_alone(target, found)
    resource, settle = f"DB instance {found.identifier}", partial(waiting.wait, target, settled=True)
    changes = [Change(Action.NONE, resource, note="has a password that RDS manages", settle=settle)]
    if not found.secret_arn:
        back = {"DBInstanceIdentifier": found.identifier, "ManageMasterUserPassword": True, "ApplyImmediately": True}
        call = Call("rds", "modify_db_instance", back)
        settle = partial(settle, lacks=lambda one: "" if one.secret_arn else "not managed yet")
        change = Change(Action.MODIFY, resource, "ManageMasterUserPassword", "False", "True", calls=(call,), settle=settle)
        changes = [change, *pending.changes(found)]
    secret = credentials.find(target, secret_name(found))
    return Plan(f"master password on {target.name}", (*changes, *removals(target, [secret])))
