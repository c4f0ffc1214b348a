"""Restores: from a snapshot or to a point in time, always beside the original, as a new DB instance.

A restore takes its security groups and its parameter group from the call, not from the snapshot (RDS User Guide,
"Restoring to a DB instance"); and its master password is that of the moment: `plan_instance` of the new one
then brings it under Secrets Manager, and to whatever else is wanted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cruddur_ops import aws, tags
from cruddur_ops.calls import Call
from cruddur_ops.errors import InstanceNotReady, WrongInput
from cruddur_ops.network import groups
from cruddur_ops.plan import Action, Change, Plan
from cruddur_ops.rds import instances, settings, snapshots
from cruddur_ops.rds.instances import Instance

if TYPE_CHECKING:
    from cruddur_ops.targets import Target

Window = tuple[datetime, datetime]
ABSENT_CODE = "DBInstanceAutomatedBackupNotFound"
ORIGIN = "RestoredFrom"  # the tag of a copy, a replica among them; it tells a second run that this restore was begun already


def beside(target: Target, identifier: str) -> Target:
    """The same target for another DB instance that lets in the same callers: a restored one, or a replica.

    Raises:
        WrongInput: it is the target's own instance.
        NotFound: DB_SG_ID names no security group, or there is no default VPC.
    """
    if identifier == target.db_instance_identifier:
        raise WrongInput(f"{identifier} is the original: give the other instance another identifier")
    group = groups.describe(target)
    security_group_id = group.id if group else target.security_group_id
    return replace(target, db_instance_identifier=identifier, security_group_id=security_group_id)


def plan_restore(target: Target, snapshot: str, identifier: str) -> Plan:
    """Restore a snapshot as a new DB instance beside the target's.

    Args:
        target: whose instance; it may be gone.
        snapshot: its name; while it is not available, the plan can be shown and not applied.
        identifier: of the new instance.

    Raises:
        InstanceNotReady: the security group is missing.
        WrongInput: the identifier is taken.
    """
    new, origin = beside(target, identifier), f"snapshot {snapshot}"
    found = snapshots.describe(target, snapshot)
    if found is None or found.status != "available":
        note = f"known after the snapshot, which is {found.status if found else 'not there'}: `cruddur-ops rds snapshots`"
        return Plan(f"restore on {target.name}", (Change(Action.CREATE, f"DB instance {identifier}", after=origin, note=note),))
    parameters = {"DBSnapshotIdentifier": snapshot, **_parameters(new, instances.describe(target), origin)}
    call = Call("rds", "restore_db_instance_from_db_snapshot", parameters)
    return _restore(target, instances.describe(new), identifier, origin, call)


def plan_restore_to_time(target: Target, moment: datetime, identifier: str) -> Plan:
    """Restore the target's DB instance as it was at a moment, as a new one beside it.

    Args:
        target: whose instance.
        moment: with a time zone; RDS counts whole seconds. What was committed by then is there.
        identifier: of the new instance.

    Raises:
        InstanceNotReady: there is no instance, or it keeps no backups.
        WrongInput: it cannot be restored to this moment, or the identifier is taken.
    """
    source = instances.require(target)
    require_restorable(source, moment, window(target, source), datetime.now(UTC))
    new, second = beside(target, identifier), moment.astimezone(UTC).replace(microsecond=0)
    origin = f"{source.identifier} at {second:%Y-%m-%dT%H:%M:%SZ}"
    own = _parameters(new, source, origin)
    own["TargetDBInstanceIdentifier"] = own.pop("DBInstanceIdentifier")
    parameters = {"SourceDBInstanceIdentifier": source.identifier, "RestoreTime": second, **own}
    call = Call("rds", "restore_db_instance_to_point_in_time", parameters)
    return _restore(target, instances.describe(new), identifier, origin, call)


def window(target: Target, source: Instance) -> Window | None:
    """The first and the last moment that the instance can be restored to; None while there are none."""
    from botocore.exceptions import ClientError

    try:
        answer = aws.client(target, "rds").describe_db_instance_automated_backups(DbiResourceId=source.resource_id)
    except ClientError as error:
        if aws.error_code(error) == ABSENT_CODE:
            return None
        raise
    starts = [item["RestoreWindow"]["EarliestTime"] for item in answer["DBInstanceAutomatedBackups"] if _has_start(item)]
    return (min(starts), source.restorable_until) if starts and source.restorable_until else None


def _has_start(backup: Mapping[str, Any]) -> bool:
    return "EarliestTime" in backup.get("RestoreWindow", {})


def require_restorable(source: Instance, moment: datetime, found: Window | None, now: datetime) -> None:
    """Refuse a moment that RDS would refuse, each case in its own words.

    Raises:
        InstanceNotReady: the instance keeps no backups, or has none yet.
        WrongInput: the moment has no time zone, is in the future, or is outside of what the backups hold.
    """
    name = source.identifier
    if moment.tzinfo is None:
        raise WrongInput(f"{moment} has no time zone: write it as {moment.isoformat()}+00:00")
    if not source.backup_retention_period:
        message = f"{name} keeps no backups, so that it cannot be restored to a moment: restore a snapshot"
        raise InstanceNotReady(f"{message}, and set backup_retention_period for the next time")
    if moment > now:
        raise WrongInput(f"{moment} is in the future: name a moment that has been")
    if found is None:
        raise InstanceNotReady(f"{name} has no backup yet: wait some minutes, `cruddur-ops rds status` shows the first")
    earliest, latest = found
    if moment < earliest:
        raise WrongInput(f"the backups of {name} begin at {earliest}, after {moment}: restore an older snapshot")
    if moment > latest:
        message = f"{name} can be restored up to {latest} so far, and not to {moment}"
        raise InstanceNotReady(f"{message}: repeat in five minutes")


def _parameters(new: Target, source: Instance | None, origin: str) -> dict[str, Any]:
    """What both kinds of restore take: the groups of the original where it is there, else those of the target."""
    group_ids = source.security_group_ids if source else (new.security_group_id,)
    if not all(group_ids):
        raise InstanceNotReady("there is no security group for the new instance: run 01_provision_rds up to its first step")
    labels = tags.wanted(new.owner, new.instance_days, tags.today()) | {ORIGIN: origin}
    parameters = {
        "DBInstanceIdentifier": new.db_instance_identifier,
        "DBInstanceClass": new.db_instance_class,
        "Port": new.port,
        "VpcSecurityGroupIds": list(group_ids),
        "PubliclyAccessible": new.publicly_accessible,
        "CopyTagsToSnapshot": True,
        "DeletionProtection": False,
        "EnableCloudwatchLogsExports": list(settings.LOG_EXPORTS),
        "EngineLifecycleSupport": settings.NO_EXTENDED_SUPPORT,
        "Tags": tags.as_list(labels),
    }
    return parameters | (_placement(source) if source else {})


def _placement(source: Instance) -> dict[str, str]:
    """Subnet group and parameter group of the original; RDS would take its defaults."""
    named = {"DBSubnetGroupName": source.subnet_group, "DBParameterGroupName": source.parameter_group}
    return {name: value for name, value in named.items() if value}


def _restore(target: Target, found: Instance | None, identifier: str, origin: str, call: Call) -> Plan:
    """The plan of a restore; one that an earlier run began is left to finish."""
    title, resource = f"restore on {target.name}", f"DB instance {identifier}"
    facts = ("the original is not touched; the new instance is billed as long as it is there",)
    if found is None:
        note = "minutes on AWS, and slower at first: blocks are fetched from S3 when they are first read"
        return Plan(title, (Change(Action.CREATE, resource, after=origin, note=note, calls=(call,)),), facts)
    if found.tags.get(ORIGIN) != origin:
        raise WrongInput(f"there is a DB instance {identifier} already, which was not restored from {origin}: name another")
    return Plan(title, (Change(Action.NONE, resource, after=origin, note=f"is {found.status} already"),), facts)
