"""Teardown: the DB instance goes, and with it everything that was made for it alone.

A plan raises WrongInput where it was not said what becomes of the data, or the name of the last snapshot is taken;
InstanceNotReady where RDS does not delete the instance in its state; and NotProven outside of the sandbox, see `targets`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from cruddur_ops import credentials
from cruddur_ops.calls import Call
from cruddur_ops.errors import InstanceNotReady, WrongInput
from cruddur_ops.network import groups
from cruddur_ops.network.rules import MADE_HERE, rules_of
from cruddur_ops.plan import Action, Change, Plan, step
from cruddur_ops.rds import instances, inventory, schedule, snapshots, waiting
from cruddur_ops.rds.instances import Instance
from cruddur_ops.targets import Target, require_proven

NONE = "none"


@step
def plan_teardown(target: Target, final_snapshot: str) -> Plan:
    """Take the DB instance away, with its schedule, secrets, log groups, retained backups and security group.

    The Lambda and its trigger are not this layer's: `cognito.plan_undeploy` comes first. Snapshots that somebody took
    stay; `inventory.find` names them. Where the instance is protected from deletion, its name is asked for on any target.

    Args:
        target: whose instance; where it is gone already, the rest goes.
        final_snapshot: the name of the last snapshot, or "none" for none.
    """
    require_proven(target, "the teardown")
    found = instances.describe(target)
    changes = (
        *schedule.removals(target),
        *_instance(target, found, final_snapshot),
        *credentials.deletions([item["Name"] for item in inventory.secrets(target)]),
        *_log_groups(target),
        *_automated_backups(target),
        *_rules(target),
        *_groups(target),
    )
    replicas = found.replicas if found else ()
    facts = tuple(f"the replica {name} becomes an instance of its own, and goes on billing" for name in replicas)
    return Plan(f"teardown on {target.name}", changes, facts, asks_always=bool(found and found.deletion_protection))


def _instance(target: Target, found: Instance | None, final_snapshot: str) -> Iterator[Change]:
    """Protection off, then the instance away; it is gone before what it used is removed."""
    resource, gone = f"DB instance {target.db_instance_identifier}", partial(waiting.wait_until_gone, target)
    if found is None or found.status.startswith("delet"):
        note = "is being deleted" if found else "is not there"
        yield Change(Action.NONE, resource, note=note, settle=gone)
        return
    _require_deletable(target, found, final_snapshot)
    if found.deletion_protection:
        off = {"DBInstanceIdentifier": found.identifier, "DeletionProtection": False, "ApplyImmediately": True}
        call, ready = Call("rds", "modify_db_instance", off), partial(waiting.wait, target, lacks=_protection)
        yield Change(Action.MODIFY, resource, "DeletionProtection", "True", "False", calls=(call,), settle=ready)
    last = {"SkipFinalSnapshot": True} if final_snapshot == NONE else {"FinalDBSnapshotIdentifier": final_snapshot}
    parameters = {"DBInstanceIdentifier": found.identifier, **last, "DeleteAutomatedBackups": True}
    kept = "its data are lost" if final_snapshot == NONE else f"its data stay in the snapshot {final_snapshot}"
    call = Call("rds", "delete_db_instance", parameters)
    yield Change(Action.DELETE, resource, note=f"for good; {kept}", calls=(call,), settle=gone)


def _protection(found: Instance) -> str:
    return "protected still" if found.deletion_protection else ""


def _require_deletable(target: Target, found: Instance, final_snapshot: str) -> None:
    if not final_snapshot:
        raise WrongInput(f'say what becomes of the data: final_snapshot is a name for the last snapshot, or "{NONE}" for none')
    if final_snapshot != NONE and snapshots.describe(target, final_snapshot):
        raise WrongInput(f"there is a snapshot {final_snapshot} already: choose another name for the last one")
    if not (found.ready or found.broken or found.status == "stopped"):
        raise InstanceNotReady(f"{found.identifier} is {found.status}, and RDS would not delete it: wait, then repeat")
    if found.deletion_protection and not found.ready:
        instances.require_recoverable(found)


def _log_groups(target: Target) -> Iterator[Change]:
    for name in inventory.log_groups(target):
        call = Call("logs", "delete_log_group", {"logGroupName": name})
        yield Change(Action.DELETE, f"log group {name}", calls=(call,))


def _automated_backups(target: Target) -> Iterator[Change]:
    """Those that outlived an instance; those of a live one go with it."""
    for item in inventory.automated_backups(target):
        if item.get("Status") == "retained":
            call = Call("rds", "delete_db_instance_automated_backup", {"DbiResourceId": item["DbiResourceId"]})
            yield Change(Action.DELETE, f"automated backups {item['DbiResourceId']}", calls=(call,))


def _rules(target: Target) -> Iterator[Change]:
    """The runbook's rules for addresses in a group that DB_SG_ID names; those in its own group go with that."""
    group = target.security_group_id
    for rule in rules_of(target, {"group-id": [group]} | MADE_HERE) if group else []:
        if "/" in rule.source:  # that for the function's group goes with the function
            yield Change(Action.DELETE, f"security-group rule {rule.id}", calls=(rule.revocation(),))


def _groups(target: Target) -> Iterator[Change]:
    """The runbook's own group, unless another DB instance has it; one that DB_SG_ID names is somebody else's."""
    for group in groups.own(target):
        others = [one for one in instances.describe_all(target).values() if group.id in one.security_group_ids]
        names = [one.identifier for one in others if one.identifier != target.db_instance_identifier]
        resource = f"security group {group.name}"
        if names:
            note = f"stays with {', '.join(names)}: delete it first, as with `cruddur-ops rds delete {names[0]}`"
            yield Change(Action.NONE, resource, note=note)
        else:
            call = Call("ec2", "delete_security_group", {"GroupId": group.id})
            yield Change(Action.DELETE, resource, note="waits until the DB instance is gone", calls=(call,))
