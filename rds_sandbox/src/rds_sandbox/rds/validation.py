"""What RDS refuses when a DB instance is created or modified; pure functions over botocore's parameter names.

The codes are those of the RDS API Reference (CreateDBInstance, ModifyDBInstance: their errors and the constraints of each
parameter). Where it names none, they are `InvalidParameterValue` and `InvalidParameterCombination`, with the message that RDS is
known to give; where no report quotes one, the message is our own.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from moto.rds.exceptions import InvalidParameterCombination, InvalidParameterValue, RDSClientError

from rds_sandbox.errors import NotInSandbox
from rds_sandbox.rds import facts, windows
from rds_sandbox.rds.facts import Version
from rds_sandbox.rds.master_user_rules import check_master_user, check_name, check_password_change, check_present
from rds_sandbox.rds.storage_rules import check_copied_storage, check_storage, check_storage_change
from rds_sandbox.tables import limits

Parameters = Mapping[str, Any]

_LIMITS = limits("rds")
_EXTENDED_SUPPORT = "open-source-rds-extended-support"


def check_create(parameters: Parameters, region: str, today: date | None = None) -> None:
    """Check the parameters of CreateDBInstance; `today` (UTC) decides which majors are past their support."""
    check_identifier("DBInstanceIdentifier", parameters.get("DBInstanceIdentifier"))
    version = _check_engine(parameters)
    _check_lifecycle(parameters.get("EngineLifecycleSupport"), version, today or datetime.now(UTC).date())
    _check_class(parameters.get("DBInstanceClass"), version, region)
    _check_zone(parameters, region)
    check_storage(parameters)
    check_master_user(parameters)
    if "DBName" in parameters:
        check_name("DBName", parameters["DBName"], facts.reserved("databases"))
    if "KmsKeyId" in parameters and not parameters.get("StorageEncrypted"):
        raise InvalidParameterCombination("KmsKeyId can't be specified without StorageEncrypted.")
    _check_settings(parameters, {})
    _check_log_types(parameters.get("EnableCloudwatchLogsExports"), version)


def check_modify(parameters: Parameters, current: Parameters, region: str) -> None:
    """Check the parameters of ModifyDBInstance against the instance as DescribeDBInstances shows it."""
    if "NewDBInstanceIdentifier" in parameters:
        check_identifier("NewDBInstanceIdentifier", parameters["NewDBInstanceIdentifier"])
    running = _version(current["EngineVersion"])
    _keep_engine(parameters, "converted")
    _check_lifecycle(parameters.get("EngineLifecycleSupport"), running, datetime.now(UTC).date())
    allow_major = bool(parameters.get("AllowMajorVersionUpgrade"))
    resolve_upgrade(parameters.get("EngineVersion"), str(running), allow_major)
    if parameters.get("DBInstanceClass") not in {None, current["DBInstanceClass"]}:
        _check_class(parameters["DBInstanceClass"], running, region)
    check_storage_change(parameters, current)
    check_password_change(parameters, managed=bool(current.get("ManageMasterUserPassword")))
    _check_settings(parameters, current)
    logs = parameters.get("CloudwatchLogsExportConfiguration") or {}
    _check_log_types([each for types in logs.values() for each in types], running)


def check_restore(parameters: Parameters, source: Parameters, region: str) -> None:
    """Check what makes an instance of another's data, in this region: a restore, or a read replica.

    What the parameters leave out is as the source has it, the instance or snapshot, as DescribeDBInstances shows it.
    """
    target = "TargetDBInstanceIdentifier" if "TargetDBInstanceIdentifier" in parameters else "DBInstanceIdentifier"
    check_identifier(target, parameters.get(target))
    version = _version(source["EngineVersion"])
    _keep_engine(parameters, "restored")
    _check_class(parameters.get("DBInstanceClass", source["DBInstanceClass"]), version, region)
    _check_zone(parameters, region)
    if parameters.get("AllocatedStorage", source["AllocatedStorage"]) < source["AllocatedStorage"]:
        raise InvalidParameterValue("The allocated storage size can't be less than the source snapshot or backup size.")
    check_copied_storage(parameters, source)
    if "DBName" in parameters:  # reported by Terraform
        raise InvalidParameterValue("DBName must be null when Restoring for this Engine.")
    _check_lifecycle(parameters.get("EngineLifecycleSupport"), version, datetime.now(UTC).date(), restored=True)
    _check_settings(parameters, {})
    _check_log_types(parameters.get("EnableCloudwatchLogsExports"), version)


def check_copy(parameters: Parameters, source: Parameters, version: str, region: str) -> None:
    """Check what the green instance of a blue/green deployment is to have, under the names of CreateDBInstance."""
    _check_class(parameters.get("DBInstanceClass", source["DBInstanceClass"]), _version(version), region)
    check_copied_storage(parameters, source)


def check_identifier(name: str, value: str | None) -> None:
    """Check an identifier: 1 to 63 letters, digits, hyphens; a letter first, no hyphen last or doubled."""
    check_present(name, value)
    fault = f"The parameter {name} is not a valid identifier"
    if value and len(value) > _LIMITS["identifier_characters"]:
        raise InvalidParameterValue(f"{fault} because it is longer than {_LIMITS['identifier_characters']} characters.")
    if value and not re.fullmatch(_LIMITS["identifier"], value):
        raise InvalidParameterValue(
            f"{fault}. Identifiers must begin with a letter; must contain only ASCII letters, digits, and hyphens; and must not "
            "end with a hyphen or contain two consecutive hyphens."
        )


def resolve_version(version: str | None) -> str:
    """The version to create: None and a bare major mean RDS's default minor."""
    if version is None:
        return str(facts.default_version())
    if version in map(str, facts.majors()):
        return str(facts.default_version(int(version)))
    if not any(v.offered and str(v) == version for v in facts.versions()):
        raise InvalidParameterCombination(f"Cannot find version {version} for postgres")
    return version


def resolve_upgrade(wanted: str | None, running: str, allow_major: bool = False) -> str:
    """The version that ModifyDBInstance leads to; None and the running one mean no change.

    A bare major means its default minor, but never a step back within the major.
    """
    if wanted in {None, running}:
        return running
    before, target = _version(running), _version(resolve_version(wanted))
    if wanted == str(before.major) and target <= before:
        return running
    if target not in facts.upgrade_targets(before):
        raise InvalidParameterCombination(f"Cannot find upgrade path from {running} to {target}.")
    if target.major != before.major and not allow_major:
        message = "The AllowMajorVersionUpgrade flag must be present when upgrading to a new major version."
        raise InvalidParameterCombination(message)
    return str(target)


def _version(text: str) -> Version:
    return next(v for v in facts.versions() if str(v) == text)


def _check_engine(parameters: Parameters) -> Version:
    engine = parameters.get("Engine")
    facts.require_engine(engine)
    if engine != facts.tables()["engine"]["name"]:
        raise InvalidParameterValue(f"Invalid DB engine: {engine}")
    return _version(resolve_version(parameters.get("EngineVersion")))


def _keep_engine(parameters: Parameters, made: str) -> None:
    """Refuse another engine: a restore has its source's, and a modification is from Oracle to Oracle alone."""
    if parameters.get("Engine", facts.tables()["engine"]["name"]) != facts.tables()["engine"]["name"]:
        raise InvalidParameterCombination(f"The engine {parameters['Engine']} cannot be {made} from postgres.")


def _check_lifecycle(lifecycle: str | None, version: Version, today: date, *, restored: bool = False) -> None:
    disabled = f"{_EXTENDED_SUPPORT}-disabled"
    if lifecycle not in {None, _EXTENDED_SUPPORT, disabled}:
        valid = f"{_EXTENDED_SUPPORT}, {disabled}"
        raise InvalidParameterValue(f"Invalid EngineLifecycleSupport: {lifecycle}. Valid values: {valid}")
    if lifecycle == disabled and today > facts.majors()[version.major].standard_end:
        if restored:  # RDS would upgrade it (API Reference, RestoreDBInstanceFromDBSnapshot)
            raise NotInSandbox(f"the upgrade of a restored {version} is not in the sandbox: restore it with {_EXTENDED_SUPPORT}")
        raise InvalidParameterCombination(
            f"Engine version {version} is past its RDS end of standard support date, "
            "and EngineLifecycleSupport disables RDS Extended Support."
        )


def _check_class(name: str | None, version: Version, region: str) -> None:
    facts.require(name, region)
    instance_class = facts.instance_classes().get(name or "")
    if instance_class is None:
        raise InvalidParameterValue(f"Invalid DB Instance class: {name}")
    if not instance_class.orderable(version, region):
        raise InvalidParameterCombination(
            f"RDS does not support creating a DB instance with the following combination: DBInstanceClass={name}, "
            f"Engine=postgres, EngineVersion={version}, LicenseModel=postgresql-license. For supported combinations of instance "
            "class and database engine version, see the documentation."
        )


def _check_zone(parameters: Parameters, region: str) -> None:
    zone = parameters.get("AvailabilityZone")
    if zone and parameters.get("MultiAZ"):
        raise InvalidParameterCombination("Requesting a specific availability zone is not valid for Multi-AZ instances.")
    if zone and zone not in facts.zones(region):
        message = f"Availability zone '[{zone}]' is unavailable in this region, please choose another"
        raise RDSClientError("InvalidVPCNetworkStateFault", f"{message} zone set.")


def _check_settings(parameters: Parameters, current: Parameters) -> None:
    check_ranges(parameters)
    _check_insights(parameters, current)
    _check_monitoring(parameters, current)
    windows.check(*({**current, **parameters}.get(f"Preferred{kind}Window") for kind in ("Maintenance", "Backup")))
    licence = parameters.get("LicenseModel")
    if licence not in {None, facts.tables()["engine"]["license_model"]}:
        raise InvalidParameterCombination(f"Invalid license model '{licence}' for engine 'postgres'")
    if "MasterUserSecretKmsKeyId" in parameters and not parameters.get("ManageMasterUserPassword"):
        raise InvalidParameterCombination("MasterUserSecretKmsKeyId can't be specified without ManageMasterUserPassword.")
    authority = parameters.get("CACertificateIdentifier")
    if authority not in {None, *(c["CertificateIdentifier"] for c in facts.tables()["certificate"])}:
        raise RDSClientError("CertificateNotFound", f"Certificate not found: {authority}")


def check_ranges(parameters: Parameters) -> None:
    """Check the numbers that have a lowest and a highest value."""
    for name, (low, high) in _LIMITS["ranges"].items():
        if name in parameters and not low <= parameters[name] <= high:
            raise InvalidParameterValue(f"Invalid value {parameters[name]} for {name}. Must be between {low} and {high}")


def _check_monitoring(parameters: Parameters, current: Parameters) -> None:
    interval = parameters.get("MonitoringInterval", current.get("MonitoringInterval") or 0)
    if interval not in _LIMITS["monitoring_intervals"]:
        valid = ", ".join(map(str, _LIMITS["monitoring_intervals"]))
        raise InvalidParameterValue(f"Invalid value {interval} for MonitoringInterval. Valid values: {valid}")
    if parameters.get("MonitoringRoleArn") and not interval:
        message = "You must specify a MonitoringInterval value other than 0 when you specify a MonitoringRoleARN value."
        raise InvalidParameterCombination(message)
    if interval and not (parameters.get("MonitoringRoleArn") or current.get("MonitoringRoleArn")):
        message = "A MonitoringRoleARN value is required if you specify a MonitoringInterval value other than 0."
        raise InvalidParameterCombination(message)


def _check_insights(parameters: Parameters, current: Parameters) -> None:
    days, wanted = _LIMITS["insights_days"], {**current, **parameters}
    enabled, retention = wanted.get("EnablePerformanceInsights"), parameters.get("PerformanceInsightsRetentionPeriod")
    for name in ("PerformanceInsightsRetentionPeriod", "PerformanceInsightsKMSKeyId"):
        if name in parameters and not enabled:
            raise InvalidParameterCombination(f"{name} can't be specified without Performance Insights.")
    key = current.get("PerformanceInsightsKMSKeyId")
    if key and wanted["PerformanceInsightsKMSKeyId"] != key:  # reported by Terraform (terraform-provider-aws #9746)
        raise InvalidParameterCombination("You can't change your Performance Insights KMS key.")
    if retention not in {None, *days}:
        valid = f"{days[0]}, months * {days[1]}, {days[-1]}"
        raise InvalidParameterValue(f"Invalid Performance Insights retention period: {retention}. Valid: {valid}")
    kept = (wanted.get("PerformanceInsightsRetentionPeriod") or 0) if enabled else 0
    if wanted.get("DatabaseInsightsMode") == "advanced" and kept < _LIMITS["advanced_insights_days"]:
        raise InvalidParameterCombination(
            "To enable the Advanced mode of Database Insights, enable Performance Insights and set the "
            f"retention period for Performance Insights to at least {_LIMITS['advanced_insights_days']} days."
        )


def _check_log_types(types: list[str] | None, version: Version) -> None:
    unknown = sorted(set(types or ()) - set(facts.tables()["engine"]["exportable_log_types"]))
    if unknown:
        raise InvalidParameterCombination(
            f"You cannot use the log types '{', '.join(unknown)}' with engine version postgres {version}. "
            "For supported log types, see the documentation."
        )
