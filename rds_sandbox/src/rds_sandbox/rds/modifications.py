"""ModifyDBInstance: changes at once or in the maintenance window, each under the status that AWS shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from moto.core.utils import utcnow
from moto.rds.exceptions import DBInstanceAlreadyExists, InvalidParameterCombination

from rds_sandbox.patches import Request, action
from rds_sandbox.rds import backups, changes, validation
from rds_sandbox.rds.backend import MODIFIABLE, SandboxRDSBackend, described
from rds_sandbox.rds.instances import GP3_BASELINE, SandboxDBInstance, Work
from rds_sandbox.rds.requests import attributes, given

OPTIMIZATION = timedelta(hours=6)  # after a change of storage (RDS User Guide, "Increasing DB instance storage capacity")

Values = Mapping[str, Any]
# What is named in the events "Applying modification to ..." and "Finished applying modification to ..."
NOUNS = {
    "DBInstanceClass": "database instance class",
    "AllocatedStorage": "allocated storage",
    "MultiAZ": "convert to a Multi-AZ DB instance",
}


@action("rds", "ModifyDBInstance")
def modify(request: Request) -> dict[str, Any]:
    """Checked as AWS checks it before anything is changed."""
    asked, backend = given(request), request.backend
    if "PreferredMaintenanceWindow" in asked:
        asked["PreferredMaintenanceWindow"] = asked["PreferredMaintenanceWindow"].lower()
    instance = backend.find(asked["DBInstanceIdentifier"], *MODIFIABLE)
    validation.check_modify(asked, described(instance), backend.region_name)
    backend.require_groups(asked.get("VpcSecurityGroupIds") or [], instance.db_subnet_group.name)
    _check(backend, instance, asked)
    planned = changes.plan(asked, described(instance), instance.pending)
    plain = {**planned.plain, "ApplyImmediately": asked.get("ApplyImmediately", False)}
    backend.modify_db_instance(instance.db_instance_identifier, attributes(plain))
    if "EnablePerformanceInsights" in planned.plain:
        instance.performance_insights_enabled = planned.plain["EnablePerformanceInsights"]
    masked = {"MasterUserPassword": "****"} if "MasterUserPassword" in planned.plain else {}
    instance.pending = {**planned.waiting, **planned.applied, **masked}
    if planned.plain or planned.applied:
        instance.begin(_steps(instance, planned), instance.status)
    return {"DBInstance": instance}


def _check(backend: SandboxRDSBackend, instance: SandboxDBInstance, asked: Values) -> None:
    """Refuse what depends on more than the instance's own settings."""
    name = asked.get("NewDBInstanceIdentifier")
    if name and backend.databases.get(name, instance) is not instance:
        raise DBInstanceAlreadyExists()
    if instance.source and set(changes.CREDENTIALS) & asked.keys():
        raise InvalidParameterCombination(
            "Cannot change master user password on an RDS postgres Read Replica because it uses physical "
            "replication and therefore cannot differ from its parent."
        )
    if asked.get("RotateMasterUserPassword") and not instance.manage_master_user_password:
        raise InvalidParameterCombination("You can't rotate a master user password that Secrets Manager doesn't manage.")
    if instance.followers and asked.get("BackupRetentionPeriod") == 0:
        raise InvalidParameterCombination("Backups cannot be disabled on a DB instance that has read replicas.")
    _check_storage_rests(instance, asked)
    _check_parameter_group(instance, asked)


def _check_storage_rests(instance: SandboxDBInstance, asked: Values) -> None:
    rests = instance.optimizing_since is None or utcnow() - instance.optimizing_since > OPTIMIZATION
    wanted = changes.plan(asked, described(instance), {})
    if not rests and set(changes.STORAGE) & {*wanted.applied, *wanted.waiting}:
        raise InvalidParameterCombination(
            "You can't currently modify the storage of this DB instance because the previous storage change is being optimized."
        )


def _check_parameter_group(instance: SandboxDBInstance, asked: Values) -> None:
    """A major upgrade needs a parameter group of the new family, where one is used that is not the default."""
    version = asked.get("EngineVersion", instance.engine_version)
    same_major = version.split(".")[0] == instance.engine_version.split(".")[0]
    group = instance.db_parameter_group_name
    if same_major or "DBParameterGroupName" in asked or not group or instance.is_default_parameter_group(group):
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
    applied = dict(planned.applied)
    version, name = applied.pop("EngineVersion", None), applied.pop("NewDBInstanceIdentifier", None)
    begins_backups = bool(applied.get("BackupRetentionPeriod")) and not instance.backup_retention_period
    if set(changes.CREDENTIALS) & planned.plain.keys():
        yield "resetting-master-credentials", lambda: _reset_credentials(instance)
    if applied or (not planned.applied and set(planned.plain) - set(changes.CREDENTIALS)):
        yield "modifying", lambda: _apply(instance, applied)
    if version:
        yield "upgrading", lambda: _apply(instance, {"EngineVersion": version})
    if name:
        yield "renaming", lambda: _rename(instance, name)
    if begins_backups:
        yield "backing-up", lambda: backups.enable(instance)


def _apply(instance: SandboxDBInstance, values: Values) -> None:
    """Change these settings; the server restarts where it does on AWS."""
    nouns = [noun for key, noun in NOUNS.items() if key in values]
    for noun in nouns:
        instance.say("configuration change", f"Applying modification to {noun}")
    for key, value in attributes(changes.ordered(values)).items():
        setattr(instance, {"db_port_number": "port"}.get(key, key), value)
    if set(changes.STORAGE) & values.keys():
        _optimize(instance)
    if values.get("BackupRetentionPeriod") == 0:
        backups.discard(instance)
    if {*changes.RESTARTING, "EngineVersion"} & values.keys():
        instance.restart()
    if "DBPortNumber" in values:
        instance.machine.move(instance.address_name, instance.port)
    _done(instance, values)
    for noun in nouns:
        instance.say("configuration change", f"Finished applying modification to {noun}")


def _rename(instance: SandboxDBInstance, name: str) -> None:
    """Give the instance another name, hence another address; the old address belongs to the old name."""
    before, databases = instance.db_instance_identifier, instance.backend.databases
    instance.halt()
    instance.db_instance_identifier = name
    instance.machine.move(instance.address_name, instance.port)
    databases[name] = databases.pop(before)
    instance.resume()
    _done(instance, {"NewDBInstanceIdentifier": name})
    instance.say("configuration change", f"Renamed instance from {before} to {name}.")


def _optimize(instance: SandboxDBInstance) -> None:
    instance.optimizing_since = utcnow()
    if instance.storage_type == "gp3" and not instance.iops:
        instance.iops, instance.storage_throughput = GP3_BASELINE


def _reset_credentials(instance: SandboxDBInstance) -> None:
    instance.take_over_password()
    _done(instance, {"MasterUserPassword": None})


def _done(instance: SandboxDBInstance, values: Values) -> None:
    instance.pending = {key: value for key, value in instance.pending.items() if key not in values}
