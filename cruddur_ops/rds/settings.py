"""The settings of a DB instance: a row for each, from which creation, comparison, modification and notes follow.

A new one is a row here, and a field of Target. What nobody asked for is wanted as it is found, see `resolved`: defaults are
for creation alone. Names and rules are those of CreateDBInstance, ModifyDBInstance and DBInstance in the RDS API Reference,
and of "Settings for DB instances" in the RDS User Guide.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from cruddur_ops import tags
from cruddur_ops.network.groups import Group
from cruddur_ops.rds import offers
from cruddur_ops.rds.instances import PORT, Instance, read
from cruddur_ops.rds.offers import ENGINE, LARGE
from cruddur_ops.target import Target

LOGS = "CloudwatchLogsExportConfiguration"
OPTIMIZING = "storage-optimization"
LARGE_IOPS = 12_000  # that large gp3 comes with ("gp3 storage", RDS User Guide)
NO_GROWTH = 0  # MaxAllocatedStorage of an instance whose storage does not grow by itself; RDS leaves it out


@dataclass(frozen=True)
class Wish:
    """What a DB instance is to be."""

    target: Target  # as `resolved` gives it
    version: str = ""  # that is wanted next; empty where a copy takes that of its source
    group: Group | None = None  # the security group that it is to have besides others; None where nobody asked for one
    found: Instance | None = None  # what is there

    @property
    def fits(self) -> bool:
        """Whether the group is of the instance's VPC."""
        return not (self.group and self.found) or self.group.vpc_id == self.found.vpc_id

    @cached_property
    def present(self) -> dict[str, Any]:
        """The settings as found, by name, counting what RDS has accepted already."""
        return present(self.found) if self.found else {}


@dataclass(frozen=True)
class Setting:
    """A setting of a DB instance."""

    name: str  # what ModifyDBInstance and plans call it
    source: str = ""  # the target's attribute that it follows; empty where there is none
    value: Callable[[Wish], Any] | None = None  # what is wanted, where that is not simply the attribute; None where nothing is
    found: str = ""  # where DBInstance has it (JMESPath); under its name where this is empty
    created: str = ""  # what CreateDBInstance and PendingModifiedValues call it; likewise
    note: str = ""  # what a change of it interrupts or costs
    deferred: bool = False  # whether it waits for the maintenance window unless asked for at once; RDS makes all others at once
    abrupt: bool = False  # whether clients notice one of those others
    copied: bool = True  # whether a restore takes it; else the restored instance is modified
    fixed: str = ""  # what is said of one that cannot be modified, where another value is found

    def __post_init__(self) -> None:
        object.__setattr__(self, "found", self.found or self.name)
        object.__setattr__(self, "created", self.created or self.name)

    def wanted(self, wish: Wish) -> Any:
        """The wanted value; None where nothing is wanted."""
        value = self.value(wish) if self.value else getattr(wish.target, self.source)
        return None if value == "" else value


def _version(wish: Wish) -> str:
    """RDS never goes back: what runs is wanted, where it is as new."""
    running = wish.present.get("EngineVersion", "")
    return str(running) if offers.meets(running, wish.version) else wish.version


def _storage(wish: Wish) -> int:
    """It only grows."""
    return max(wish.target.allocated_storage, int(wish.present.get("AllocatedStorage", 0)))


def _iops(wish: Wish) -> int | None:
    """Where large gp3 takes the place of another type, what it comes with, if nobody asks for more: RDS wants to be told."""
    target, kind = wish.target, wish.target.storage_type
    replaced = kind == "gp3" and wish.present.get("Iops") and wish.present["StorageType"] != kind
    if replaced and offers.provisions(kind, _storage(wish)) and not target.asked("iops"):
        return LARGE_IOPS
    return target.iops or None


def _limit(wish: Wish) -> int | None:
    """Up to which the storage grows by itself; nothing is wanted where it has grown to more already."""
    target = wish.target
    if target.max_allocated_storage <= target.allocated_storage:
        return NO_GROWTH if wish.found else None
    return target.max_allocated_storage if target.max_allocated_storage > _storage(wish) else None


def _managed(wish: Wish) -> bool | None:
    """RDS manages no master password of an instance that replicates, nor one that is kept in a secret of the operator's."""
    if wish.found and (wish.found.replicas or wish.found.source):
        return None
    return wish.target.manage_master_password and not wish.target.master_user_secret


def _insights_days(wish: Wish) -> int | None:
    return wish.target.performance_insights_retention_period if wish.target.performance_insights else None


def _logs(wish: Wish) -> list[str] | None:
    """Those that others export stay."""
    return sorted({*re.findall(r"[\w-]+", wish.target.log_exports), *wish.present.get(LOGS, [])}) or None


def _groups(wish: Wish) -> list[str]:
    """One that was asked for is added to those that the instance has, if it is of the same VPC."""
    return sorted({*wish.present.get("VpcSecurityGroupIds", []), *([wish.group.id] if wish.group and wish.fits else [])})


def _key(wish: Wish) -> str:
    """What a key is called otherwise cannot be told from its ARN: an id is its end, an alias may be any."""
    wanted, there = wish.target.kms_key_id or "", wish.present.get("KmsKeyId") or ""
    return there if there and (there.endswith(f"/{wanted}") or "alias/" in wanted) else wanted


RESTARTS = "restarts the server: interrupts connections for some minutes"
NEXT_STORAGE = "the next change of storage has to wait about 6 hours"
NEW_ADDRESS = "the endpoint's address changes: connections through the old one end"
GROWTH = "MaxAllocatedStorage != AllocatedStorage && MaxAllocatedStorage || `0`"
CHOSEN = f'(StorageType != `"gp3"` || AllocatedStorage >= `{LARGE}`) && {{}} || `null`'
# fmt: off
SETTINGS = (
    Setting("DBInstanceClass", "db_instance_class", note=RESTARTS, deferred=True),
    Setting("EngineVersion", "engine_version", _version, note=f"{RESTARTS}, and cannot be undone", deferred=True, copied=False),
    Setting("MultiAZ", "multi_az", found="MultiAZ || `false`", note="a standby costs as much again", deferred=True),
    Setting("StorageType", "storage_type", note=NEXT_STORAGE, deferred=True),
    Setting("AllocatedStorage", "allocated_storage", _storage, note=f"cannot be undone; {NEXT_STORAGE}", deferred=True),
    Setting("MaxAllocatedStorage", "max_allocated_storage", _limit, GROWTH, copied=False),
    Setting("Iops", "iops", _iops, CHOSEN.format("Iops"), note=NEXT_STORAGE, deferred=True),
    Setting("StorageThroughput", "storage_throughput", lambda wish: wish.target.storage_throughput or None,
            CHOSEN.format("StorageThroughput"), note=NEXT_STORAGE, deferred=True),
    Setting("PubliclyAccessible", "publicly_accessible", note=NEW_ADDRESS, abrupt=True),
    Setting("NetworkType", "network_type", note="may interrupt connections", abrupt=True),
    Setting("DBParameterGroupName", "db_parameter_group_name", found="DBParameterGroups[0].DBParameterGroupName",
            note="its static parameters wait for a reboot"),
    Setting("OptionGroupName", value=lambda _: None, found="OptionGroupMemberships[0].OptionGroupName"),
    Setting("CACertificateIdentifier", "ca_certificate_identifier", note="may restart the server", deferred=True),
    Setting("EnableIAMDatabaseAuthentication", "iam_database_authentication", found="IAMDatabaseAuthenticationEnabled",
            deferred=True),
    Setting("PreferredMaintenanceWindow", "preferred_maintenance_window", copied=False),
    Setting("PreferredBackupWindow", "preferred_backup_window"),
    Setting("BackupRetentionPeriod", "backup_retention_period", deferred=True),
    Setting("CopyTagsToSnapshot", "copy_tags_to_snapshot"),
    Setting("DeletionProtection", "deletion_protection"),
    Setting("AutoMinorVersionUpgrade", "auto_minor_version_upgrade"),
    Setting("EngineLifecycleSupport", "engine_lifecycle_support"),
    Setting("ManageMasterUserPassword", "manage_master_password", _managed, "MasterUserSecret.SecretArn != `null`",
            note="RDS makes a new password: the present one stops working", abrupt=True, copied=False),
    Setting("MonitoringInterval", "monitoring_interval", found="MonitoringInterval || `0`", copied=False),
    Setting("MonitoringRoleArn", "monitoring_role_arn",
            lambda wish: wish.target.monitoring_interval and wish.target.monitoring_role_arn or None, copied=False),
    Setting("EnablePerformanceInsights", "performance_insights", found="PerformanceInsightsEnabled || `false`", copied=False),
    Setting("PerformanceInsightsRetentionPeriod", "performance_insights_retention_period", _insights_days, copied=False),
    Setting("DBPortNumber", "port", found=PORT, created="Port", note="restarts the server", abrupt=True),
    Setting(LOGS, "log_exports", _logs, "EnabledCloudwatchLogsExports || `[]`", "EnableCloudwatchLogsExports"),
    Setting("VpcSecurityGroupIds", value=_groups, found="VpcSecurityGroups[].VpcSecurityGroupId"),
    Setting("DBName", "db_name", copied=False,
            fixed="it was not created with the database {wanted}: 03_load_schema_and_seed creates it"),
    Setting("MasterUsername", "master_username", copied=False,
            fixed="its master user is {found}, for good: set master_username to that"),
    Setting("StorageEncrypted", "storage_encrypted", copied=False,
            fixed="it is {no}encrypted, for good: restore an encrypted copy of a snapshot, or set storage_encrypted"),
    Setting("KmsKeyId", "kms_key_id", _key, copied=False, fixed="its key is {found}, for good: set kms_key_id to that"),
    Setting("DBSubnetGroupName", "db_subnet_group_name", found="DBSubnetGroup.DBSubnetGroupName",
            fixed="it is in the DB subnet group {found}, from which it is not moved: set db_subnet_group_name to that"),
    Setting("AvailabilityZone", "availability_zone",
            lambda wish: None if wish.target.multi_az else wish.target.availability_zone,
            fixed="it is in {found}, for good: set availability_zone to that"),
)
# fmt: on
BY_NAME = {row.name: row for row in SETTINGS}
FOLLOWED = {row.source: row.name for row in SETTINGS if row.source}
# By the names that they have in PendingModifiedValues.
DEFERRED = frozenset(name for row in SETTINGS if row.deferred for name in (row.created, row.found))


def present(found: Instance) -> dict[str, Any]:
    """The settings of an instance by name, counting what RDS has accepted already."""
    raw, pending = found.raw, found.pending
    return {row.name: pending.get(row.created, pending.get(row.found, read(raw, row.found))) for row in SETTINGS}


def as_found(found: Instance) -> dict[str, Any]:
    """What a target would ask for to have this very instance, by attribute; None for what RDS does not describe."""
    there = present(found)
    values = {source: there[name] for source, name in FOLLOWED.items()}
    return {source: ", ".join(value) if isinstance(value, list) else value for source, value in values.items()}


def resolved(target: Target, found: Instance | None, *, major: bool = True) -> Target:
    """The target, where whatever nobody asked for is as it is found.

    Args:
        major: whether another major version is wanted, where it is asked for.
    """
    if found is None:
        return target
    kept = {source: value for source, value in as_found(found).items() if not target.asked(source)}
    if not major and not offers.meets(found.engine_version, offers.major(target.engine_version)):
        kept["engine_version"] = found.engine_version
    return replace(target, **kept)


def creation(wish: Wish) -> dict[str, Any]:
    """The parameters of CreateDBInstance. No password is among them: RDS keeps one, or the operator's is read then."""
    named = {"DBInstanceIdentifier": wish.target.db_instance_identifier, "Engine": ENGINE}
    wanted = {row.created: value for row in SETTINGS if (value := row.wanted(wish)) is not None}
    if not wanted["ManageMasterUserPassword"]:
        del wanted["ManageMasterUserPassword"]
    return named | wanted | {"Tags": tags.as_list(tags.of(wish.target))}


def restoration(target: Target) -> dict[str, Any]:
    """Those of them that both kinds of restore take."""
    return {row.created: value for row in SETTINGS if row.copied and (value := row.wanted(Wish(target))) is not None}


def modification(wish: Wish) -> dict[str, Any]:
    """What is wanted of an instance that is there, as far as it can be modified now."""
    rests = not (wish.found and wish.found.status == OPTIMIZING)
    rows = [row for row in SETTINGS if not row.fixed and (rests or NEXT_STORAGE not in row.note)]
    return {row.name: value for row in rows if (value := row.wanted(wish)) is not None}


def unlike(one: Instance, other: Instance) -> Iterator[str]:
    """A line for each setting in which two instances differ."""
    mine, theirs = present(one), present(other)
    for name, value in mine.items():
        if value != theirs[name]:
            yield f"{name} is {value} on {one.identifier}, and {theirs[name]} on {other.identifier}"
