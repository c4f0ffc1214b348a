"""The settings of a DB instance: a row for each, from which creation, comparison, modification and notes follow.

A new one is a row here, and a field of Target where somebody may choose its value. Names and rules are those of
CreateDBInstance, ModifyDBInstance and DBInstance in the RDS API Reference, and of "Settings for DB instances" in the RDS
User Guide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cruddur_ops import tags
from cruddur_ops.network.groups import Group
from cruddur_ops.rds import offers
from cruddur_ops.rds.instances import PORT, Instance, read
from cruddur_ops.rds.offers import ENGINE, Offer
from cruddur_ops.targets import Target

# By default RDS charges for a major version past its standard support; this refuses instead.
NO_EXTENDED_SUPPORT = "open-source-rds-extended-support-disabled"
LOGS, LOG_EXPORTS = "CloudwatchLogsExportConfiguration", ("postgresql",)
NO_GROWTH = 0  # MaxAllocatedStorage of an instance whose storage does not grow by itself; RDS leaves it out


@dataclass(frozen=True)
class Wish:
    """What a DB instance is to be: the target, the version that is wanted next, the runbook's security group, what is there."""

    target: Target
    offer: Offer
    group: Group | None = None
    found: Instance | None = None

    @cached_property
    def present(self) -> dict[str, Any]:
        """The settings as found, by name, counting what RDS has accepted already."""
        found = self.found
        return {row.name: found.pending.get(row.created, read(found.raw, row.found)) for row in SETTINGS} if found else {}


@dataclass(frozen=True)
class Setting:
    """A setting of a DB instance.

    Attributes:
        name: what ModifyDBInstance and plans call it.
        source: the target's attribute that it follows; empty for what the runbook decides.
        value: what is wanted, where that is not simply the attribute; None where nothing is.
        found: where DBInstance has it (JMESPath); under its name where this is empty.
        created: what CreateDBInstance and PendingModifiedValues call it; likewise.
        note: what a change of it interrupts or costs.
        deferred: whether it waits for the maintenance window unless asked for at once; RDS makes all others at once.
        fixed: what is said of one that cannot be modified, where another value is found.
    """

    name: str
    source: str = ""
    value: Callable[[Wish], Any] | None = None
    found: str = ""
    created: str = ""
    note: str = ""
    deferred: bool = False
    fixed: str = ""

    def __post_init__(self) -> None:
        """Take the name for what is called the same."""
        object.__setattr__(self, "found", self.found or self.name)
        object.__setattr__(self, "created", self.created or self.name)

    def wanted(self, wish: Wish) -> Any:
        """The wanted value; None where nothing is wanted."""
        value = self.value(wish) if self.value else getattr(wish.target, self.source)
        return None if value == "" else value


def _version(wish: Wish) -> str:
    """RDS never goes back: what runs is wanted, where it is as new."""
    running = wish.present.get("EngineVersion", "")
    return str(running) if offers.meets(running, wish.offer.version) else wish.offer.version


def _storage(wish: Wish) -> int:
    """It only grows."""
    return max(wish.target.allocated_storage, int(wish.present.get("AllocatedStorage", 0)))


def _limit(wish: Wish) -> int | None:
    """Up to which the storage grows by itself; nothing is wanted where it has grown to more already."""
    target = wish.target
    if target.max_allocated_storage <= target.allocated_storage:
        return NO_GROWTH if wish.found else None
    return target.max_allocated_storage if target.max_allocated_storage > _storage(wish) else None


def _managed(wish: Wish) -> bool | None:
    """RDS manages no master password of an instance that replicates."""
    return None if wish.found and (wish.found.replicas or wish.found.source) else True


def _insights_days(wish: Wish) -> int | None:
    return wish.target.performance_insights_retention_period if wish.target.performance_insights else None


def _logs(wish: Wish) -> list[str]:
    """Those that others export stay."""
    return sorted({*LOG_EXPORTS, *wish.present.get(LOGS, [])})


def _groups(wish: Wish) -> list[str]:
    """The runbook's own is added to those that the instance has, if it is of the same VPC."""
    fits = wish.group and (wish.found is None or wish.group.vpc_id == wish.found.vpc_id)
    return sorted({*wish.present.get("VpcSecurityGroupIds", []), *([wish.group.id] if wish.group and fits else [])})


RESTARTS = "restarts the server: interrupts connections for some minutes"
NEXT_STORAGE = "the next change of storage has to wait about 6 hours"
NEW_ADDRESS = "the endpoint's address changes: connections through the old one end"
GROWTH = "MaxAllocatedStorage != AllocatedStorage && MaxAllocatedStorage || `0`"
SETTINGS = (
    Setting("DBInstanceClass", "db_instance_class", note=RESTARTS, deferred=True),
    Setting("EngineVersion", "engine_version", _version, note=f"{RESTARTS}, and cannot be undone", deferred=True),
    Setting("StorageType", "storage_type", note=NEXT_STORAGE, deferred=True),
    Setting("AllocatedStorage", "allocated_storage", _storage, note=f"cannot be undone; {NEXT_STORAGE}", deferred=True),
    Setting("MaxAllocatedStorage", "max_allocated_storage", _limit, found=GROWTH),
    Setting("PubliclyAccessible", "publicly_accessible", note=NEW_ADDRESS),
    Setting("BackupRetentionPeriod", "backup_retention_period", deferred=True),
    Setting("CopyTagsToSnapshot", value=lambda _: True),
    Setting("DeletionProtection", "deletion_protection"),
    Setting("AutoMinorVersionUpgrade", value=lambda _: True),
    Setting("EngineLifecycleSupport", value=lambda _: NO_EXTENDED_SUPPORT),
    Setting(
        "ManageMasterUserPassword",
        value=_managed,
        found="MasterUserSecret.SecretArn != `null`",
        note="RDS makes a new password: the present one stops working",
    ),
    Setting("EnablePerformanceInsights", "performance_insights", found="PerformanceInsightsEnabled || `false`"),
    Setting("PerformanceInsightsRetentionPeriod", "performance_insights_retention_period", _insights_days),
    Setting("DBPortNumber", "port", found=PORT, created="Port", note="restarts the server"),
    Setting(LOGS, value=_logs, found="EnabledCloudwatchLogsExports || `[]`", created="EnableCloudwatchLogsExports"),
    Setting("VpcSecurityGroupIds", value=_groups, found="VpcSecurityGroups[].VpcSecurityGroupId"),
    Setting("DBName", "db_name", fixed="it was not created with the database {wanted}: 03_load_schema_and_seed creates it"),
    Setting("MasterUsername", "master_username", fixed="its master user is {found}, for good: set master_username to that"),
    Setting(
        "StorageEncrypted",
        "storage_encrypted",
        fixed="it is {no}encrypted, for good: restore an encrypted copy of a snapshot, or set storage_encrypted",
    ),
    Setting("AvailabilityZone", "availability_zone", fixed="it is in {found}, for good: set availability_zone to that"),
)
BY_NAME = {row.name: row for row in SETTINGS}
# By the names that they have in PendingModifiedValues.
DEFERRED = frozenset(row.created for row in SETTINGS if row.deferred)


def creation(wish: Wish) -> dict[str, Any]:
    """The parameters of CreateDBInstance. No password is among them: RDS keeps one in Secrets Manager."""
    named = {"DBInstanceIdentifier": wish.target.db_instance_identifier, "Engine": ENGINE}
    wanted = {row.created: value for row in SETTINGS if (value := row.wanted(wish)) is not None}
    return named | wanted | {"Tags": tags.as_list(tags.of(wish.target))}


def modification(wish: Wish) -> dict[str, Any]:
    """What is wanted of an instance that is there, as far as it can be modified."""
    return {row.name: value for row in SETTINGS if not row.fixed and (value := row.wanted(wish)) is not None}


def shortfalls(wish: Wish, found: Instance) -> Iterator[str]:
    """Lines about what is wanted and cannot be had by modifying the instance, each with the way out."""
    target = wish.target
    for row in SETTINGS:
        wanted, there = row.wanted(wish), wish.present[row.name]
        if row.fixed and wanted not in (None, there):
            yield row.fixed.format(wanted=wanted, found=there, no="" if there else "not ")
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
