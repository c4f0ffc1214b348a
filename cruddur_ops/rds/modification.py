"""The changes that make a DB instance what is wanted: when each takes effect, and what it interrupts.

Names and rules are those of ModifyDBInstance in the RDS API Reference, and of "Settings for DB instances" in the RDS
User Guide.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from cruddur_ops import tags
from cruddur_ops.calls import Call
from cruddur_ops.network.groups import Group
from cruddur_ops.plan import Action, Change, Plan, differences
from cruddur_ops.rds import offers, settings, waiting
from cruddur_ops.rds.instances import Instance
from cruddur_ops.rds.offers import Offer

if TYPE_CHECKING:
    from cruddur_ops.targets import Target

# These wait for the maintenance window unless they are asked for at once; RDS makes all others at once, whatever is asked.
DEFERRED = frozenset({"AllocatedStorage", "BackupRetentionPeriod", "DBInstanceClass", "EngineVersion", "StorageType"})
# What applying a change interrupts or costs.
NOTES = {
    "AllocatedStorage": "cannot be undone; the next change of storage has to wait about 6 hours",
    "DBInstanceClass": "restarts the server: interrupts connections for some minutes",
    "DBPortNumber": "restarts the server",
    "EngineVersion": "restarts the server: interrupts connections for some minutes, and cannot be undone",
    "ManageMasterUserPassword": "RDS makes a new password: the present one stops working",
    "PubliclyAccessible": "the endpoint's address changes: connections through the old one end",
    "StorageType": "the next change of storage has to wait about 6 hours",
}
NO_GROWTH = 0  # MaxAllocatedStorage of an instance whose storage does not grow by itself; RDS leaves it out


def changes(target: Target, offer: Offer, found: Instance, group: Group | None, at_once: bool) -> Iterator[Change]:
    """A change for each setting and each tag that differs; the first of the settings makes the one call for all of them.

    Args:
        target: with the wanted settings.
        offer: the version that is wanted next.
        found: the instance.
        group: the runbook's security group.
        at_once: whether nothing is to wait for the maintenance window.
    """
    resource = f"DB instance {found.identifier}"
    wanted = modification(target, offer, found, group)
    differing = list(differences(resource, wanted, compared(found)))
    changed = {change.setting: wanted[change.setting] for change in differing}
    noted = [replace(change, note=note(change, found, at_once)) for change in differing]
    if noted:
        call = Call("rds", "modify_db_instance", modify_parameters(found, changed, at_once))
        noted[0] = replace(noted[0], calls=(call,), settle=partial(waiting.wait, target, settled=at_once))
    yield from noted
    yield from _tagging(target, found, resource)


def modification(target: Target, offer: Offer, found: Instance, group: Group | None) -> dict[str, Any]:
    """The wanted parameters of ModifyDBInstance, with those that only grow at least as found.

    The runbook's security group is added to those that the instance has, if it is of the same VPC.
    """
    present = compared(found)
    wanted = settings.common(target, offer) | {"DBPortNumber": target.port}
    wanted["AllocatedStorage"] = max(target.allocated_storage, present["AllocatedStorage"])
    if offers.meets(present["EngineVersion"], offer.version):
        wanted["EngineVersion"] = present["EngineVersion"]
    if target.max_allocated_storage <= target.allocated_storage:
        wanted["MaxAllocatedStorage"] = NO_GROWTH
    elif wanted["MaxAllocatedStorage"] <= wanted["AllocatedStorage"]:
        del wanted["MaxAllocatedStorage"]  # it has grown to more than the limit that is wanted
    if found.replicas or found.source:
        del wanted["ManageMasterUserPassword"]  # RDS manages none of an instance that replicates
    wanted["CloudwatchLogsExportConfiguration"] = sorted({*found.log_exports, *settings.LOG_EXPORTS})
    added = {group.id} if group and group.vpc_id == found.vpc_id else set()
    wanted["VpcSecurityGroupIds"] = sorted({*found.security_group_ids, *added})
    return wanted


def compared(found: Instance) -> dict[str, Any]:
    """The parameters of ModifyDBInstance as found, counting what RDS has accepted already."""
    present = {
        "DBInstanceClass": found.db_instance_class,
        "EngineVersion": found.engine_version,
        "StorageType": found.storage_type,
        "AllocatedStorage": found.allocated_storage,
        "MaxAllocatedStorage": found.max_allocated_storage or NO_GROWTH,
        "PubliclyAccessible": found.publicly_accessible,
        "BackupRetentionPeriod": found.backup_retention_period,
        "CopyTagsToSnapshot": found.copy_tags_to_snapshot,
        "DeletionProtection": found.deletion_protection,
        "AutoMinorVersionUpgrade": found.auto_minor_version_upgrade,
        "EngineLifecycleSupport": found.engine_lifecycle_support,
        "ManageMasterUserPassword": bool(found.secret_arn),
        "EnablePerformanceInsights": found.performance_insights,
        "PerformanceInsightsRetentionPeriod": found.performance_insights_retention_period,
        "DBPortNumber": found.port,
        "CloudwatchLogsExportConfiguration": list(found.log_exports),
        "VpcSecurityGroupIds": list(found.security_group_ids),
    }
    if found.max_allocated_storage == found.allocated_storage:
        present["MaxAllocatedStorage"] = NO_GROWTH
    pending = {"DBPortNumber" if name == "Port" else name: value for name, value in found.pending.items()}
    return present | {name: value for name, value in pending.items() if name in present}


def modify_parameters(found: Instance, changed: Mapping[str, Any], at_once: bool = True) -> dict[str, Any]:
    """The parameters of the ModifyDBInstance call that makes these settings so."""
    parameters = {"DBInstanceIdentifier": found.identifier, **changed, "ApplyImmediately": at_once}
    if "CloudwatchLogsExportConfiguration" in changed:
        missing = sorted(set(changed["CloudwatchLogsExportConfiguration"]) - set(found.log_exports))
        parameters["CloudwatchLogsExportConfiguration"] = {"EnableLogTypes": missing}
    if changed.get("MaxAllocatedStorage") == NO_GROWTH:  # a limit that is reached already switches growth off
        parameters["MaxAllocatedStorage"] = changed.get("AllocatedStorage", compared(found)["AllocatedStorage"])
    version = changed.get("EngineVersion", found.engine_version)
    if offers.major(version) != offers.major(found.engine_version):
        parameters["AllowMajorVersionUpgrade"] = True
    return parameters


def note(change: Change, found: Instance, at_once: bool) -> str:
    """When a setting takes effect, and what that interrupts."""
    waits = not at_once and change.setting in DEFERRED
    when = f"waits for the maintenance window {found.maintenance_window}".rstrip() if waits else "at once"
    effects = [NOTES.get(change.setting, "")]
    if change.setting == "BackupRetentionPeriod" and "0" in (change.before, change.after):
        effects.append("restarts the server" if change.before == "0" else "removes all automated backups; restarts the server")
    return "; ".join([when, *filter(None, effects)])


def is_major(plan: Plan) -> bool:
    """Whether a plan goes to another major version: its pre-checks come first, see `database.upgrade_problems`."""
    versions = [change for change in plan.mutating if change.setting == "EngineVersion"]
    return any(offers.major(str(change.before)) != offers.major(str(change.after)) for change in versions)


def _tagging(target: Target, found: Instance, resource: str) -> Iterator[Change]:
    """A change for each tag that is missing, or that another project's hand has changed."""
    wanted = tags.missing(tags.wanted(target.owner, target.instance_days, tags.today()), found.tags)
    for key, value in wanted.items():
        parameters = {"ResourceName": found.arn, "Tags": tags.as_list({key: value})}
        call = Call("rds", "add_tags_to_resource", parameters)
        yield Change(Action.MODIFY, resource, f"tag {key}", found.tags.get(key), value, calls=(call,))
