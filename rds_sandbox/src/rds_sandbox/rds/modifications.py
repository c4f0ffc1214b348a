"""ModifyDBInstance: changes at once or in the maintenance window, each under the status that AWS shows.

The answer has the old values and, in PendingModifiedValues, what is to come; the status follows a moment later.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from moto.core.utils import utcnow
from moto.rds.exceptions import InvalidParameterCombination, RDSClientError

from rds_sandbox.patches import Request, action
from rds_sandbox.rds import (
    backups,
    changes,
    log_exports,
    managed_secrets,
    replicas,
    storage_rules,
    subnet_groups,
    upgrades,
    validation,
)
from rds_sandbox.rds.backend import FULL, MODIFIABLE, SandboxRDSBackend, described, wrong_state
from rds_sandbox.rds.instances import SandboxDBInstance, Work
from rds_sandbox.rds.requests import attributes, given
from rds_sandbox.tables import limits

OPTIMIZATION = timedelta(hours=limits("rds")["optimization_hours"])
Values = Mapping[str, Any]
LOWER = ("DBParameterGroupName", "DBSubnetGroupName", "PreferredMaintenanceWindow")  # stored so, however they are written
TOLD = ("DBInstanceClass", "AllocatedStorage", "MultiAZ")  # by events of their own
# Where the instance has another name for it than the request.
ATTRIBUTES = {
    "db_port_number": "port",
    "enable_performance_insights": "performance_insights_enabled",
    "performance_insights_kms_key_id": "performance_insights_key",
    "performance_insights_retention_period": "performance_insights_days",
}


@action("rds", "ModifyDBInstance")
def modify(request: Request) -> dict[str, Any]:
    """Checked as AWS checks it before anything is changed."""
    asked, backend = given(request), request.backend
    asked = backend.with_keys(asked)
    asked |= {name: asked[name].lower() for name in LOWER if name in asked}
    instance = backend.find(asked["DBInstanceIdentifier"], *MODIFIABLE, FULL)
    now = described(instance)
    asked = dict(storage_rules.meant(asked, now, copied=False))
    validation.check_modify(asked, now, backend.region_name)
    subnet_group = asked.get("DBSubnetGroupName", instance.db_subnet_group.name)
    if subnet_group != instance.db_subnet_group.name:
        _check_move(backend, instance, subnet_group)
        asked.setdefault("VpcSecurityGroupIds", [backend.default_security_group(subnet_group)])
    if "VpcSecurityGroupIds" in asked:
        backend.require_groups(asked["VpcSecurityGroupIds"], subnet_group)
    _check_public(backend, instance, asked, subnet_group)
    if instance.status == FULL:
        _require_growth(instance, asked)
    _check(backend, instance, asked)
    planned = changes.plan(asked, now, instance.pending)
    instance.pending = {**planned.waiting, **planned.applied, **planned.plain}
    if not (planned.applied or planned.plain):
        return {"DBInstance": instance}
    _announce(instance, planned.plain)
    made = {**planned.plain, **planned.applied}
    return {"DBInstance": instance.begin_later(_steps(instance, planned), instance.status, lambda: done(instance, made))}


def _announce(instance: SandboxDBInstance, values: Values) -> None:
    """What the answer shows of changes that are still to come, beside PendingModifiedValues."""
    _set(instance, {key: value for key, value in values.items() if key in changes.IMMEDIATE})
    instance.joining = values.get("VpcSecurityGroupIds")
    if "DBParameterGroupName" in values:
        instance.db_parameter_group_name, instance.parameter_apply_status = values["DBParameterGroupName"], "applying"
    if values.get("ManageMasterUserPassword"):
        managed_secrets.begin(instance, values.get("MasterUserSecretKmsKeyId"))
    if values.get("RotateMasterUserPassword"):
        instance.master_user_secret.status = "rotating"


def _require_growth(instance: SandboxDBInstance, asked: Values) -> None:
    """Of an instance whose storage is full that alone can be changed, to more."""
    grows = asked.get("AllocatedStorage", 0) > instance.allocated_storage or "MaxAllocatedStorage" in asked
    if not grows or asked.keys() - {"MaxAllocatedStorage", *changes.STORAGE, *changes.FLAGS}:
        raise wrong_state(f"Instance {instance.db_instance_identifier} is {FULL}: nothing but more storage can be asked for.")


def _check(backend: SandboxRDSBackend, instance: SandboxDBInstance, asked: Values) -> None:
    # Reported by Terraform and Ansible; by Crossplane (provider-aws #2146) too, but not with ApplyImmediately. Refused here.
    if not asked.keys() - set(changes.FLAGS) and not (instance.pending and asked.get("ApplyImmediately")):
        raise InvalidParameterCombination("No modifications were requested")
    if "NewDBInstanceIdentifier" in asked:
        backend.require_free(asked["NewDBInstanceIdentifier"].lower(), instance)
    if instance.source and set(changes.CREDENTIALS) & asked.keys():
        raise InvalidParameterCombination(
            "Cannot change master user password on an RDS postgres Read Replica because it uses physical "
            "replication and therefore cannot differ from its parent."
        )
    if asked.get("RotateMasterUserPassword") and not instance.manage_master_user_password:
        raise InvalidParameterCombination("You can't rotate a master user password that Secrets Manager doesn't manage.")
    if asked.get("RotateMasterUserPassword") and not asked.get("ApplyImmediately"):
        raise InvalidParameterCombination("You must specify apply immediately when rotating the master user password.")
    replicas.require_backups(instance, asked.get("BackupRetentionPeriod"))
    version = validation.resolve_upgrade(asked.get("EngineVersion"), instance.engine_version, allow_major=True)
    upgrades.check(instance, version)
    watched = asked.get("MonitoringInterval", instance.monitoring_interval)
    if watched and {"MonitoringInterval", "MonitoringRoleArn"} & asked.keys():
        backend.require_monitoring_role(asked.get("MonitoringRoleArn") or instance.monitoring_role_arn or "")
    if "OptionGroupName" in asked:
        backend.require_option_group(asked["OptionGroupName"], version)
    _check_storage_rests(instance, asked)
    _check_parameter_group(backend, instance, asked, version)


def _check_move(backend: SandboxRDSBackend, instance: SandboxDBInstance, name: str) -> None:
    """To another VPC alone (reported by Terraform)."""
    if backend.describe_db_subnet_groups(name)[0].vpc_id == instance.db_subnet_group.vpc_id:
        why = "The specified DB subnet group and DB instance are in the same VPC."
        message = f"You cannot move DB instance {instance.db_instance_identifier} to subnet group {name}. {why}"
        raise RDSClientError("InvalidVPCNetworkStateFault", message)


def _check_public(backend: SandboxRDSBackend, instance: SandboxDBInstance, asked: Values, subnet_group: str) -> None:
    public = asked.get("PubliclyAccessible", instance.publicly_accessible)
    if public and (public, subnet_group) != (instance.publicly_accessible, instance.db_subnet_group.name):
        subnet_groups.require_public(backend, subnet_group)


def _check_storage_rests(instance: SandboxDBInstance, asked: Values) -> None:
    if instance.optimizing_since is None or utcnow() - instance.optimizing_since > OPTIMIZATION:
        return
    wanted = changes.plan(asked, described(instance), {})
    if set(changes.STORAGE) & {*wanted.applied, *wanted.waiting}:
        raise InvalidParameterCombination(
            "You can't currently modify the storage of this DB instance because the previous storage change is being optimized."
        )


def _check_parameter_group(backend: SandboxRDSBackend, instance: SandboxDBInstance, asked: Values, version: str) -> None:
    """It is of the version's family; a major upgrade needs a new one, where one is used that is not the default."""
    if "DBParameterGroupName" in asked:
        backend.require_parameter_group(asked["DBParameterGroupName"], version)
        return
    group = instance.db_parameter_group_name
    if not changes.is_major(version, instance.engine_version) or not group or instance.is_default_parameter_group(group):
        return
    raise InvalidParameterCombination(
        "The current DB instance parameter group is custom. You must explicitly specify a new parameter group "
        "for the new engine version, either default or custom."
    )


def steps_of_window(instance: SandboxDBInstance) -> Iterator[tuple[str, Work]]:
    """What the maintenance window does with the changes that wait for it."""
    return _steps(instance, changes.Changes(applied=instance.pending)) if instance.pending else iter(())


def _steps(instance: SandboxDBInstance, planned: changes.Changes) -> Iterator[tuple[str, Work]]:
    """The work of a plan, under the statuses of "Viewing DB instance status" (RDS User Guide)."""
    left = {**planned.plain, **planned.applied}
    credentials = {key: left.pop(key) for key in changes.CREDENTIALS if key in left}
    name = left.pop("NewDBInstanceIdentifier", None)
    to = {key: left.pop(key) for key in changes.UPGRADE if key in left} if "EngineVersion" in left else {}
    begins_backups = bool(left.get("BackupRetentionPeriod")) and not instance.backup_retention_period
    if credentials:
        yield "resetting-master-credentials", lambda: _reset_credentials(instance, credentials)
    for status, values in changes.by_status(left).items():
        yield status, partial(_apply, instance, values)
    if to:
        yield "upgrading", lambda: upgrade(instance, to)
    if name:
        yield "renaming", lambda: rename(instance, name)
    if begins_backups:
        yield "backing-up", lambda: backups.enable(instance)


def _apply(instance: SandboxDBInstance, values: Values) -> None:
    told = ["SingleAZ" if (key, values[key]) == ("MultiAZ", False) else key for key in TOLD if key in values]
    more = tuple(_changed(instance, values))
    for key in told:
        instance.say(key)
    _set(instance, _completed(instance, values))
    if logs := values.get("CloudwatchLogsExportConfiguration"):
        _export(instance, set(logs.get("EnableLogTypes", ())), set(logs.get("DisableLogTypes", ())))
    if "VpcSecurityGroupIds" in values:
        instance.joining = None
    if "DBSubnetGroupName" in values:
        zones = subnet_groups.zones(instance.db_subnet_group)
        instance.availability_zone = instance.availability_zone if instance.availability_zone in zones else zones[0]
    if "DBParameterGroupName" in values:
        instance.parameter_apply_status = "pending-reboot"
    if set(changes.STORAGE) & values.keys():
        instance.optimizing_since = utcnow()
    if "CACertificateIdentifier" in values:
        instance.machine.certify()
    if values.get("BackupRetentionPeriod") == 0:
        backups.discard(instance)
    if {*changes.RESTARTING, "EngineVersion"} & values.keys():
        instance.restart()
    if "DBPortNumber" in values:
        instance.machine.move(instance.address_name, instance.port)
    for key in told:
        instance.say(f"{key}_done")
    for name, texts in more:
        instance.say(name, **texts)


def _changed(instance: SandboxDBInstance, values: Values) -> Iterator[tuple[str, dict[str, Any]]]:
    """The events of what has no other when it begins: their names and values."""
    if "DBParameterGroupName" in values:
        yield "regrouped", {"group": values["DBParameterGroupName"]}
    if "MonitoringInterval" in values:
        yield "monitored", {"number": values["MonitoringInterval"]}
    days = values.get("BackupRetentionPeriod")
    if days is not None and changes.waits("BackupRetentionPeriod", days, described(instance)):
        yield "backups_enabled" if days else "backups_disabled", {}


def _export(instance: SandboxDBInstance, more: set[str], less: set[str]) -> None:
    before = set(instance.enabled_cloudwatch_logs_exports or ())
    log_exports.skip(instance, more - before)
    instance.enabled_cloudwatch_logs_exports = sorted((before - less) | more)
    log_exports.export(instance)


def _completed(instance: SandboxDBInstance, values: Values) -> Values:
    """The settings, with those that change along with them, in the order in which they are set."""
    more: dict[str, Any] = {}
    if set(changes.STORAGE) & values.keys():
        more |= storage_rules.provisioned(values, described(instance))
    if values.get("EnablePerformanceInsights") is False:
        more["PerformanceInsightsRetentionPeriod"] = None
    return changes.ordered({**values, **more})


def _set(instance: SandboxDBInstance, values: Values) -> None:
    for key, value in attributes(values).items():
        setattr(instance, ATTRIBUTES.get(key, key), value)


def upgrade(instance: SandboxDBInstance, values: Values) -> None:
    """To a minor version, or to a major one, which may turn out to be impossible: then all stays as it was."""
    major = changes.is_major(values["EngineVersion"], instance.engine_version)
    if major and not upgrades.perform(instance, values["EngineVersion"]):
        return
    _apply(instance, values)
    if major:
        upgrades.finish(instance)


def rename(instance: SandboxDBInstance, name: str) -> None:
    """Give the instance another name, hence another address; the old address belongs to the old name."""
    before, databases = instance.db_instance_identifier, instance.backend.databases
    instance.halt()
    instance.db_instance_identifier = name
    instance.machine.move(instance.address_name, instance.port)
    databases[name] = databases.pop(before)
    instance.resume()
    instance.say("renamed", before=before, after=name)


def _reset_credentials(instance: SandboxDBInstance, values: Values) -> None:
    if "MasterUserPassword" in values:
        instance.master_user_password = values["MasterUserPassword"]
    if values.get("ManageMasterUserPassword") is False:
        managed_secrets.end(instance)
    if values.get("RotateMasterUserPassword"):
        instance.master_user_secret.rotate_secret()
    instance.take_over_password()


def done(instance: SandboxDBInstance, values: Values) -> None:
    """These are pending no more, which is seen together with the status that follows, whatever became of them."""
    instance.pending = {key: value for key, value in instance.pending.items() if key not in values}
