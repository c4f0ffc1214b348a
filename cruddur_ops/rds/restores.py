"""Restores: from a snapshot or to a point in time, always as a new DB instance, a sibling of the original.

A restore takes from the call, or from defaults, what the original had (RDS User Guide, "Restoring to a DB instance"): so all
of it is asked for. Its master password is that of the moment: `plan_instance` of the new one then brings it under Secrets
Manager, and adds what a restore cannot take.

A plan raises WrongInput for an identifier or a moment that cannot be used, and InstanceNotReady where backups or a security
group are missing.
"""

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import jmespath

from cruddur_ops import aws, limits, tags
from cruddur_ops.errors import InstanceNotReady, WrongInput
from cruddur_ops.network import groups
from cruddur_ops.plan import Action, Call, Change, Plan, step
from cruddur_ops.rds import instances, settings, snapshots, waiting
from cruddur_ops.rds.instances import Instance
from cruddur_ops.rds.snapshots import Snapshot
from cruddur_ops.target import Target

Window = tuple[datetime, datetime]
ABSENT_CODE = "DBInstanceAutomatedBackupNotFound"
ORIGIN = "RestoredFrom"  # the tag of a copy, a replica among them; it tells a second run that this restore was begun already
DEFAULT_GROUP = "default:"  # which the restored instance gets by itself
COPY_OF = "CopyOf"  # the tag that names the original by its DbiResourceId, which is never given twice and outlives a rename
FACTS = ("the original is not touched; the new instance is billed as long as it is there",)


def sibling(target: Target, identifier: str, *, keep: bool = False, snapshot: str = "") -> Target:
    """The same target for a sibling instance, a restored one or a replica: what the original has is asked for.

    It is confirmed by its own name, where the target is by its. Where the original is gone, the target's settings are asked for.

    Args:
        keep: whether it is there to stay, and so protected from deletion where the original is; a drill's is not.
        snapshot: what it is restored from; one of an older major version has that, and the parameter group of then.
    """
    if identifier == target.db_instance_identifier:
        raise WrongInput(f"{identifier} is the original: give the other instance another identifier")
    if not limits.NAME.holds(identifier):
        raise WrongInput(f"{identifier[:60]!a} cannot be an instance's identifier: it is {limits.NAME.words}")
    source = instances.describe(target)
    wanted = settings.as_found(source) if source else {name: getattr(target, name) for name in settings.FOLLOWED}
    protected = keep and wanted["deletion_protection"]
    wanted |= {"manage_master_password": target.manage_master_password, "deletion_protection": protected}
    wanted |= snapshots.of_then(target, snapshot, wanted["engine_version"] or "") if snapshot else {}
    kept = {name: value for name, value in wanted.items() if value is not None}
    confirm = identifier if target.confirm == target.db_instance_identifier else target.confirm
    new = target.asking(f"DB instance {target.db_instance_identifier}", **kept)
    # A tunnel leads to the original.
    new = replace(new, db_instance_identifier=identifier, confirm=confirm, tunnel_address="", tunnel_port=0)
    return replace(new, original=target.original or target.db_instance_identifier)


def is_copy(found: Instance, original: Instance | None) -> bool:
    """Whether the runbook made an instance as a copy of this very original."""
    ids = original.identities if original else frozenset()
    return found.tags.get("ManagedBy") == tags.MANAGED_BY and found.tags.get(COPY_OF) in ids


@step
def plan_restore(target: Target, snapshot: str, identifier: str) -> Plan:
    """Restore a snapshot as a new DB instance.

    Args:
        target: whose instance; it may be gone.
        snapshot: its name; while it is not available, the plan can be shown and not applied.
    """
    new, origin = sibling(target, identifier, snapshot=snapshot), f"snapshot {snapshot}"
    found = snapshots.describe(target, snapshot)
    change = _begun(new, origin, found.resource_id if found else None) or from_snapshot(target, new, found, origin)
    return Plan(f"restore on {target.name}", (change,), FACTS)


def from_snapshot(target: Target, new: Target, found: Snapshot | None, origin: str) -> Change:
    """The change that makes the new instance of a snapshot."""
    identifier = new.db_instance_identifier
    if found is None or found.status != "available":
        note = f"known after the snapshot, which is {found.status if found else 'not there'}: `cruddur-ops rds snapshots`"
        return Change(Action.CREATE, f"DB instance {identifier}", after=origin, note=note)
    own = _parameters(target, new, instances.describe(target), {ORIGIN: origin, COPY_OF: found.resource_id})
    parameters = {"DBSnapshotIdentifier": found.name, "DBInstanceIdentifier": identifier, **own}
    return _creation(new, origin, Call("rds", "restore_db_instance_from_db_snapshot", parameters))


@step
def plan_restore_to_time(target: Target, moment: datetime, identifier: str) -> Plan:
    """Restore the target's DB instance as it was at a moment, as a new one.

    Args:
        moment: with a time zone; RDS counts whole seconds. What was committed by then is there.
    """
    if moment.tzinfo is None:
        raise WrongInput(f"{moment} has no time zone: write it as {moment.isoformat()}+00:00")
    new, second = sibling(target, identifier), moment.astimezone(UTC).replace(microsecond=0)
    origin = f"{target.db_instance_identifier} at {second:%Y-%m-%dT%H:%M:%SZ}"
    source = instances.describe(target)
    change = _begun(new, origin, source.resource_id if source else None) or from_backups(target, new, moment, origin)
    return Plan(f"restore on {target.name}", (change,), FACTS)


def from_backups(target: Target, new: Target, moment: datetime, origin: str) -> Change:
    """The change that makes the new instance as the original was at a moment."""
    source = instances.require(target)
    _require_restorable(target, source, moment)
    parameters = {
        "SourceDBInstanceIdentifier": source.identifier,
        "TargetDBInstanceIdentifier": new.db_instance_identifier,
        "RestoreTime": moment.astimezone(UTC).replace(microsecond=0),
        **_parameters(target, new, source, {ORIGIN: origin, COPY_OF: source.resource_id}),
    }
    return _creation(new, origin, Call("rds", "restore_db_instance_to_point_in_time", parameters))


def window(target: Target, source: Instance) -> Window | None:
    """The first and the last moment that the instance can be restored to; None while there are none."""
    operation = "describe_db_instance_automated_backups"
    found = aws.find(target, "rds", operation, ABSENT_CODE, DbiResourceId=source.resource_id)
    starts = jmespath.search("DBInstanceAutomatedBackups[].RestoreWindow.EarliestTime", found)
    return (min(starts), source.restorable_until) if starts and source.restorable_until else None


def _require_restorable(target: Target, source: Instance, moment: datetime) -> None:
    """Refuse a moment that RDS would refuse, each case in its own words."""
    name = source.identifier
    if not source.backup_retention_period:
        message = f"{name} keeps no backups, so that it cannot be restored to a moment: restore a snapshot"
        raise InstanceNotReady(f"{message}, and set backup_retention_period for the next time")
    found = window(target, source)
    if found is None:
        raise InstanceNotReady(f"{name} has no backup yet: wait some minutes, `cruddur-ops rds status` shows the first")
    earliest, latest = found
    if moment < earliest:
        raise WrongInput(f"the backups of {name} begin at {earliest}, after {moment}: restore an older snapshot")
    if moment > latest:  # by AWS's clock: this machine's may be wrong
        if moment > datetime.now(UTC):
            raise WrongInput(f"{moment} is in the future: name a moment that has been")
        message = f"{name} can be restored up to {latest} so far, and not to {moment}"
        raise InstanceNotReady(f"{message}: repeat in five minutes")


def _parameters(target: Target, new: Target, source: Instance | None, labels: dict[str, str]) -> dict[str, Any]:
    """What both kinds of restore take: all that the original has, where it is there, else what the target wants."""
    group_ids = source.security_group_ids if source else _group_ids(target)
    own = {"VpcSecurityGroupIds": list(group_ids), "Tags": tags.as_list(tags.of(new) | labels)}
    options = (settings.present(source)["OptionGroupName"] if source else None) or DEFAULT_GROUP
    custom = {} if options.startswith(DEFAULT_GROUP) else {"OptionGroupName": options}
    return settings.restoration(new) | custom | own


def _group_ids(target: Target) -> tuple[str, ...]:
    group = groups.describe(target, {})
    if group is None:
        raise InstanceNotReady("there is no security group for the new instance: run 01_provision_rds up to its first step")
    return (group.id,)


def _begun(new: Target, origin: str, copied: str | None) -> Change | None:
    """That an earlier run began this restore, which is left to finish; None where there is no such instance yet."""
    found, identifier = instances.describe(new), new.db_instance_identifier
    if found and (found.tags.get(ORIGIN) != origin or copied not in (None, found.tags.get(COPY_OF))):
        raise WrongInput(f"there is a DB instance {identifier} already, which was not restored from {origin}: name another")
    if not found:
        return None
    note, settle = f"is {found.status} already", partial(waiting.wait, new)
    return Change(Action.NONE, f"DB instance {identifier}", after=origin, note=note, settle=settle)


def _creation(new: Target, origin: str, call: Call) -> Change:
    resource, settle = f"DB instance {new.db_instance_identifier}", partial(waiting.wait, new)
    note = "minutes on AWS, and slower at first: blocks are fetched from S3 when they are first read"
    return Change(Action.CREATE, resource, after=origin, note=note, calls=(call,), settle=settle)
