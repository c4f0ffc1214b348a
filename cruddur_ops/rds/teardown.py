"""Teardown: the DB instance goes, and with it everything that was made for it alone."""

from __future__ import annotations

from cruddur_ops import applying
from cruddur_ops.calls import Call
from cruddur_ops.errors import ConfirmationRequired, InstanceNotReady, WrongInput
from cruddur_ops.network import groups
from cruddur_ops.network.groups import Group
from cruddur_ops.network.rules import MADE_HERE, rules_of
from cruddur_ops.plan import Action, Change, Outcome, Plan
from cruddur_ops.rds import instances, inventory, passwords, schedule, snapshots, waiting
from cruddur_ops.rds.instances import Instance
from cruddur_ops.targets import Target, require_proven

NONE = "none"
GONE_BEFORE = "waits until the DB instance is gone"


def plan_teardown(target: Target, final_snapshot: str) -> Plan:
    """Take the DB instance away, with its schedule, secrets, log groups, retained backups and security group.

    The Lambda and its trigger are not this layer's: `cognito.plan_undeploy` comes first. Snapshots that somebody took
    stay; `inventory.find` names them.

    Args:
        target: whose instance; where it is gone already, the rest goes.
        final_snapshot: the name of the last snapshot, or "none" for none.

    Raises:
        WrongInput: `final_snapshot` is empty, or taken.
        InstanceNotReady: the instance is in a state in which RDS does not delete it.
    """
    require_proven(target, "the teardown")
    found = instances.describe(target)
    taken = snapshots.describe(target, final_snapshot) if final_snapshot not in ("", NONE) else None
    changes = (
        *schedule.plan_unschedule(target).changes,
        *instance_changes(target, found, final_snapshot, bool(taken)),
        *passwords.removals(target, [item["Name"] for item in inventory.secrets(target)]),
        *_log_groups(target),
        *_automated_backups(target),
        *_rules(target),
        *_groups(target),
    )
    replicas = found.replicas if found else ()
    facts = (f"the replica {name} becomes an instance of its own, and goes on billing" for name in replicas)
    return Plan(f"teardown on {target.name}", changes, tuple(facts))


def instance_changes(target: Target, found: Instance | None, final_snapshot: str, taken: bool) -> list[Change]:
    """Protection off, then the instance away: decided from what was described.

    Raises:
        WrongInput: `final_snapshot` is empty, or taken.
        InstanceNotReady: RDS does not delete the instance in this state.
    """
    resource = f"DB instance {target.db_instance_identifier}"
    if found is None or found.status.startswith("delet"):
        note = "is not there" if found is None else "is being deleted already"
        return [Change(Action.NONE, resource, note=note)]
    if not final_snapshot:
        raise WrongInput(f'say what becomes of the data: final_snapshot is a name for the last snapshot, or "{NONE}" for none')
    if taken:
        raise WrongInput(f"there is a snapshot {final_snapshot} already: choose another name for the last one")
    if not (found.ready or found.broken or found.status == "stopped"):
        raise InstanceNotReady(f"{found.identifier} is {found.status}, and RDS would not delete it: wait, then repeat")
    changes = []
    if found.deletion_protection:
        if not found.ready:
            instances.require_recoverable(found)
        off = {"DBInstanceIdentifier": found.identifier, "DeletionProtection": False, "ApplyImmediately": True}
        call = Call("rds", "modify_db_instance", off)
        changes.append(Change(Action.MODIFY, resource, "DeletionProtection", "True", "False", calls=(call,)))
    return [*changes, _deletion(found, resource, final_snapshot)]


def _deletion(found: Instance, resource: str, final_snapshot: str) -> Change:
    """The change that deletes the instance and its automated backups."""
    last = {"SkipFinalSnapshot": True} if final_snapshot == NONE else {"FinalDBSnapshotIdentifier": final_snapshot}
    parameters = {"DBInstanceIdentifier": found.identifier, **last, "DeleteAutomatedBackups": True}
    kept = "its data are lost" if final_snapshot == NONE else f"its data stay in the snapshot {final_snapshot}"
    call = Call("rds", "delete_db_instance", parameters)
    return Change(Action.DELETE, resource, note=f"for good; {kept}", calls=(call,))


def _log_groups(target: Target) -> tuple[Change, ...]:
    names = inventory.log_groups(target)
    made = [Call("logs", "delete_log_group", {"logGroupName": name}) for name in names]
    return tuple(Change(Action.DELETE, f"log group {name}", calls=(one,)) for name, one in zip(names, made, strict=True))


def _automated_backups(target: Target) -> tuple[Change, ...]:
    """Those that outlived an instance; those of a live one go with it."""
    retained = [item for item in inventory.automated_backups(target) if item.get("Status") == "retained"]
    ids = [item["DbiResourceId"] for item in retained]
    made = [Call("rds", "delete_db_instance_automated_backup", {"DbiResourceId": one}) for one in ids]
    return tuple(Change(Action.DELETE, f"automated backups {one}", calls=(call,)) for one, call in zip(ids, made, strict=True))


def _rules(target: Target) -> tuple[Change, ...]:
    """The runbook's rules in a group that DB_SG_ID names; those in its own group go with that."""
    group_id = target.security_group_id
    found = rules_of(target, {"group-id": [group_id]} | MADE_HERE) if group_id else []
    return tuple(Change(Action.DELETE, f"security-group rule {rule.id}", calls=(rule.revocation(),)) for rule in found)


def _groups(target: Target) -> tuple[Change, ...]:
    """The runbook's own group, with its rules; one that DB_SG_ID names is somebody else's."""
    found = groups.own(target)
    attached = {one.identifier: one.security_group_ids for one in instances.describe_all(target).values()} if found else {}
    return tuple(group_change(target, group, [name for name, ids in attached.items() if group.id in ids]) for group in found)


def group_change(target: Target, group: Group, attached: list[str]) -> Change:
    """What becomes of a group: it stays as long as another DB instance has it, such as a restored one.

    Args:
        target: whose instance goes.
        group: the runbook's own.
        attached: the identifiers of the instances that have it.
    """
    others = [identifier for identifier in attached if identifier != target.db_instance_identifier]
    resource = f"security group {group.name}"
    if others:
        remedy = f"delete it first, as with `cruddur-ops rds delete {others[0]}`"
        return Change(Action.NONE, resource, note=f"stays with {', '.join(others)}: {remedy}")
    call = Call("ec2", "delete_security_group", {"GroupId": group.id})
    return Change(Action.DELETE, resource, note=GONE_BEFORE, calls=(call,))


def tear_down(plan: Plan, target: Target, confirm: str = "") -> Outcome:
    """Make the plan; the instance is gone before what it used is removed.

    Args:
        plan: of `plan_teardown`.
        target: where.
        confirm: the DB instance identifier, for a protected target, and wherever the instance itself is protected.

    Raises:
        ConfirmationRequired: the target or the instance is protected, and `confirm` is not its identifier.
        OpsError: AWS refuses, or the instance does not go.
    """
    identifier = target.db_instance_identifier
    if any(change.setting == "DeletionProtection" for change in plan.mutating) and confirm != identifier:
        message = f"{identifier} is protected from deletion, and nothing was changed: read the plan"
        raise ConfirmationRequired(f'{message}, then repeat with confirm = "{identifier}" (--confirm {identifier})')
    if any(change.note == "is being deleted already" for change in plan.changes):
        waiting.wait_until_gone(target)
    return applying.apply(plan, target, confirm, after=lambda change: _settle(target, change))


def _settle(target: Target, change: Change) -> None:
    """Wait for what the next change needs: an instance that can be deleted, then one that is gone."""
    if change.resource == f"DB instance {target.db_instance_identifier}":
        if change.action is Action.DELETE:
            waiting.wait_until_gone(target)
        else:
            waiting.wait(target)
