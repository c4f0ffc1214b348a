"""What ModifyDBInstance changes at once, what waits for the maintenance window, and what restarts; all pure.

Source: RDS User Guide, "Modifying an Amazon RDS DB instance", the table of settings; API Reference, ModifyDBInstance.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rds_sandbox.rds import facts, validation

Values = Mapping[str, Any]

STORAGE = ("StorageType", "AllocatedStorage", "Iops", "StorageThroughput")  # the type first: throughput depends on it
# These wait, unless ApplyImmediately; beside them BackupRetentionPeriod, where backups are switched on or off.
WAITING = (
    *STORAGE, "DBInstanceClass", "EngineVersion", "MultiAZ", "CACertificateIdentifier", "DBSubnetGroupName",
    "EnableIAMDatabaseAuthentication", "LicenseModel", "NewDBInstanceIdentifier", "OptionGroupName",
)  # fmt: skip
# Of the others these are RDS's own and no server's: DescribeDBInstances has them once the request is answered ("The change occurs
# immediately"; so the tests of Ansible's amazon.aws have met it: rds_instance_states, rds_instance_complex).
IMMEDIATE = (
    "AutoMinorVersionUpgrade", "CopyTagsToSnapshot", "DeletionProtection", "MaxAllocatedStorage", "MonitoringInterval",
    "MonitoringRoleArn", "PreferredMaintenanceWindow",
)  # fmt: skip
# Beside the version and the identifier, which have a status of their own.
RESTARTING = ("DBInstanceClass", "DBSubnetGroupName", "CertificateRotationRestart")
CREDENTIALS = ("MasterUserPassword", "ManageMasterUserPassword", "RotateMasterUserPassword")
UPGRADE = ("EngineVersion", "DBParameterGroupName")  # the group of the new family comes with the new version
FLAGS = ("ApplyImmediately", "AllowMajorVersionUpgrade", "CertificateRotationRestart", "DBInstanceIdentifier")
# The statuses other than "modifying" that RDS shows while it changes a setting, with what it changes along with that (RDS User
# Guide, "Viewing Amazon RDS DB instance status").
STATUSES = {
    "configuring-enhanced-monitoring": ("MonitoringInterval", "MonitoringRoleArn"),
    "configuring-iam-database-auth": ("EnableIAMDatabaseAuthentication",),
    "configuring-log-exports": ("CloudwatchLogsExportConfiguration",),
    "moving-to-vpc": ("DBSubnetGroupName", "VpcSecurityGroupIds"),
}
# ModifyDBInstance's name: that of PendingModifiedValues; what it has no member for is never shown there.
SHOWN_AS = {
    "EnableIAMDatabaseAuthentication": "IAMDatabaseAuthenticationEnabled",
    "NewDBInstanceIdentifier": "DBInstanceIdentifier",
    "DBPortNumber": "Port",
}


@dataclass(frozen=True)
class Changes:
    """A request's changes, under the names of ModifyDBInstance."""

    plain: Values = field(default_factory=dict)  # changed before the request is answered
    applied: Values = field(default_factory=dict)  # changed now, while the status says so
    waiting: Values = field(default_factory=dict)  # what waits for the maintenance window


def plan(request: Values, current: Values, pending: Values) -> Changes:
    """Sort what a request, checked, asks for; what it sets to its present value is no longer pending."""
    asked = {key: value for key, value in _resolved(request, current).items() if key not in FLAGS}
    kept = () if request.get("StorageType") in (None, current["StorageType"]) else STORAGE[2:]  # the new type has others, unasked
    new = {key: value for key, value in asked.items() if key in kept or key not in current or current[key] != value}
    slow = {key: value for key, value in new.items() if waits(key, value, current)}
    if "DBParameterGroupName" in new and is_major(slow.get("EngineVersion", ""), current["EngineVersion"]):
        slow["DBParameterGroupName"] = new["DBParameterGroupName"]
    if "DBSubnetGroupName" in slow and "VpcSecurityGroupIds" in new:  # which are the other VPC's
        slow["VpcSecurityGroupIds"] = new["VpcSecurityGroupIds"]
    known = {key: value for key, value in pending.items() if key not in asked}
    if "CACertificateIdentifier" in asked:
        known.pop("CertificateRotationRestart", None)
    # Without the flag none restarts that can do without (DBEngineVersion, SupportsCertificateRotationWithoutRestart).
    if "CACertificateIdentifier" in slow and request.get("CertificateRotationRestart"):
        slow["CertificateRotationRestart"] = True
    port = {key: value for key, value in new.items() if key == "DBPortNumber"}
    plain = {key: value for key, value in new.items() if key not in slow and key not in port}
    waiting = known | slow
    if request.get("ApplyImmediately"):
        return Changes(plain, waiting | port)
    return Changes(plain, port, waiting)


def waits(name: str, value: Any, current: Values) -> bool:
    """Whether the change waits for the window where it is not to be applied immediately."""
    return name in WAITING or (name == "BackupRetentionPeriod" and 0 in (value, current["BackupRetentionPeriod"]))


def is_major(version: str, running: str) -> bool:
    """Whether a version is of another major than the one that runs."""
    return bool(version) and facts.major(version) != facts.major(running)


def _resolved(request: Values, current: Values) -> dict[str, Any]:
    """The request with the version in full, and storage rounded up to 10 percent more than there is."""
    resolved = dict(request)
    if "EngineVersion" in request:
        allow_major = bool(request.get("AllowMajorVersionUpgrade"))
        resolved["EngineVersion"] = validation.resolve_upgrade(request["EngineVersion"], current["EngineVersion"], allow_major)
    size, before = request.get("AllocatedStorage"), current["AllocatedStorage"]
    if size is not None and size > before:
        resolved["AllocatedStorage"] = max(size, -(-before * 11 // 10))
    if "NewDBInstanceIdentifier" in request:
        resolved["NewDBInstanceIdentifier"] = request["NewDBInstanceIdentifier"].lower()
    return resolved


def shown(values: Values) -> dict[str, Any]:
    """The values as PendingModifiedValues shows them."""
    shown = {SHOWN_AS.get(key, key): value for key, value in values.items()}
    if set(CREDENTIALS) & values.keys():
        shown["MasterUserPassword"] = "****"
    if logs := values.get("CloudwatchLogsExportConfiguration"):
        enabled, disabled = logs.get("EnableLogTypes"), logs.get("DisableLogTypes")
        shown["PendingCloudwatchLogsExports"] = {"LogTypesToEnable": enabled, "LogTypesToDisable": disabled}
    return shown


def by_status(values: Values) -> dict[str, dict[str, Any]]:
    """The values, by the status that RDS shows while it changes them."""
    left, found = dict(values), {}
    for status, (name, *others) in STATUSES.items():
        if name in left:
            found[status] = {key: left.pop(key) for key in (name, *others) if key in left}
    return {"modifying": left, **found} if left else found


def ordered(values: Values) -> dict[str, Any]:
    """The values in the order in which they are set."""
    return {key: values[key] for key in STORAGE if key in values} | {**values}
