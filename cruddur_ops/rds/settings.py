"""The settings of a DB instance: as wanted, as found, and which of them cannot be had in place.

Names and rules are those of CreateDBInstance, ModifyDBInstance and DBInstance in the RDS API Reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from cruddur_ops import tags
from cruddur_ops.rds import offers
from cruddur_ops.rds.groups import Group
from cruddur_ops.rds.instances import Instance
from cruddur_ops.rds.offers import ENGINE, Offer

if TYPE_CHECKING:
    from cruddur_ops.targets import Target

# By default RDS charges for a major version past its standard support; this refuses instead.
NO_EXTENDED_SUPPORT = "open-source-rds-extended-support-disabled"
LOG_EXPORTS = ("postgresql",)
# What applying a change costs (RDS User Guide, "Settings for DB instances").
NOTES = {
    "AllocatedStorage": "cannot be undone; the next change of storage has to wait about 6 hours",
    "DBInstanceClass": "interrupts connections for some minutes",
    "DBPortNumber": "restarts the server",
    "EngineVersion": "interrupts connections for some minutes, and cannot be undone",
    "ManageMasterUserPassword": "RDS makes a new password: the present one stops working",
    "StorageType": "the next change of storage has to wait about 6 hours",
}


def common(target: Target, offer: Offer) -> dict[str, Any]:
    """The wanted parameters that CreateDBInstance and ModifyDBInstance call by the same name."""
    insights: dict[str, Any] = {"EnablePerformanceInsights": target.performance_insights}
    if target.performance_insights:
        insights["PerformanceInsightsRetentionPeriod"] = target.performance_insights_retention_period
    growing = target.max_allocated_storage > target.allocated_storage
    autoscaling = {"MaxAllocatedStorage": target.max_allocated_storage} if growing else {}
    return {
        "DBInstanceClass": offer.db_instance_class,
        "EngineVersion": offer.version,
        "StorageType": target.storage_type,
        "AllocatedStorage": target.allocated_storage,
        **autoscaling,
        "PubliclyAccessible": target.publicly_accessible,
        "BackupRetentionPeriod": target.backup_retention_period,
        "CopyTagsToSnapshot": True,
        "DeletionProtection": target.deletion_protection,
        "AutoMinorVersionUpgrade": True,
        "EngineLifecycleSupport": NO_EXTENDED_SUPPORT,
        "ManageMasterUserPassword": True,
        **insights,
    }


def creation(target: Target, offer: Offer, group_id: str) -> dict[str, Any]:
    """The parameters of CreateDBInstance. No password is among them: RDS keeps one in Secrets Manager."""
    zone = {"AvailabilityZone": target.availability_zone} if target.availability_zone else {}
    return {
        "DBInstanceIdentifier": target.db_instance_identifier,
        "Engine": ENGINE,
        **common(target, offer),
        **zone,
        "DBName": target.db_name,
        "MasterUsername": target.master_username,
        "Port": target.port,
        "StorageEncrypted": target.storage_encrypted,
        "VpcSecurityGroupIds": [group_id],
        "EnableCloudwatchLogsExports": list(LOG_EXPORTS),
        "Tags": tags.as_list(tags.wanted(target.owner, target.instance_days, tags.today())),
    }


def modification(target: Target, offer: Offer, found: Instance, group: Group | None) -> dict[str, Any]:
    """The wanted parameters of ModifyDBInstance, with those that only grow at least as found.

    The runbook's security group is added to those that the instance has, if it is of the same VPC.
    """
    present = compared(found)
    wanted = common(target, offer) | {"DBPortNumber": target.port}
    wanted["AllocatedStorage"] = max(target.allocated_storage, present["AllocatedStorage"])
    if offers.meets(present["EngineVersion"], offer.version):
        wanted["EngineVersion"] = present["EngineVersion"]
    if wanted.get("MaxAllocatedStorage", 0) <= wanted["AllocatedStorage"]:
        wanted.pop("MaxAllocatedStorage", None)
    wanted["CloudwatchLogsExportConfiguration"] = sorted({*found.log_exports, *LOG_EXPORTS})
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
        "MaxAllocatedStorage": found.max_allocated_storage,
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
    pending = {"DBPortNumber" if name == "Port" else name: value for name, value in found.pending.items()}
    return present | {name: value for name, value in pending.items() if name in present}


def modify_parameters(found: Instance, changed: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of the ModifyDBInstance call that makes these settings so, at once."""
    parameters = {"DBInstanceIdentifier": found.identifier, **changed, "ApplyImmediately": True}
    if "CloudwatchLogsExportConfiguration" in changed:
        missing = sorted(set(changed["CloudwatchLogsExportConfiguration"]) - set(found.log_exports))
        parameters["CloudwatchLogsExportConfiguration"] = {"EnableLogTypes": missing}
    version = changed.get("EngineVersion", found.engine_version)
    if offers.major(version) != offers.major(found.engine_version):
        parameters["AllowMajorVersionUpgrade"] = True
    return parameters


def shortfalls(target: Target, found: Instance) -> Iterator[str]:
    """Lines about what is wanted and cannot be had by modifying the instance, each with the way out."""
    if found.db_name != target.db_name:
        yield f"it was not created with the database {target.db_name}: 03_load_schema_and_seed creates it"
    if found.master_username != target.master_username:
        yield f"its master user is {found.master_username}, for good: set master_username to that"
    if found.storage_encrypted != target.storage_encrypted:
        state = "encrypted" if found.storage_encrypted else "not encrypted"
        yield f"it is {state}, for good: restore an encrypted copy of a snapshot, or set storage_encrypted"
    if target.availability_zone and found.availability_zone != target.availability_zone:
        yield f"it is in {found.availability_zone}, for good: set availability_zone to that"
    if found.allocated_storage > target.allocated_storage:
        yield f"it has {found.allocated_storage} GiB, more than wanted: storage never shrinks"
    if not offers.meets(target.engine_version, offers.major(found.engine_version)):
        yield f"it runs PostgreSQL {found.engine_version}, newer than wanted: RDS never goes back"
    if found.status == "storage-full":
        yield "WARNING: its storage is full: set allocated_storage higher"
    if found.pending:
        yield f"RDS has accepted and not made yet: {', '.join(sorted(found.pending))}"
