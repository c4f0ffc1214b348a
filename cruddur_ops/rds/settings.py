"""The settings of a DB instance: as wanted, and which of them cannot be had in place.

Names and rules are those of CreateDBInstance and DBInstance in the RDS API Reference.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cruddur_ops import tags
from cruddur_ops.rds import offers
from cruddur_ops.rds.instances import Instance
from cruddur_ops.rds.offers import ENGINE, Offer

if TYPE_CHECKING:
    from cruddur_ops.targets import Target

# By default RDS charges for a major version past its standard support; this refuses instead.
NO_EXTENDED_SUPPORT = "open-source-rds-extended-support-disabled"
LOG_EXPORTS = ("postgresql",)


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
    if not found.secret_arn and (found.replicas or found.source):
        yield "its master password is our own as long as it replicates: RDS manages none with read replicas"
