"""ModifyDBInstance: changes at once or in the maintenance window, each under the status that AWS shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from moto.core.parse import XFormedDict
from moto.core.utils import utcnow
from moto.rds.exceptions import DBInstanceAlreadyExists, InvalidParameterCombination

from rds_sandbox import changes, validation
from rds_sandbox.instances import GP3_BASELINE, SandboxDBInstance
from rds_sandbox.registry import MODIFIABLE, described, given
from rds_sandbox.replicas import Replicas

OPTIMIZATION = timedelta(hours=6)  # after a change of storage (RDS User Guide, "Increasing DB instance storage capacity")

Values = Mapping[str, Any]
# What is named in the events "Applying modification to ..." and "Finished applying modification to ..."
NOUNS = {
    "DBInstanceClass": "database instance class",
    "AllocatedStorage": "allocated storage",
    "MultiAZ": "convert to a Multi-AZ DB instance",
}


class Modifications(Replicas):
    """The actions that change an instance."""

    def modify_db_instance(self, db_instance_identifier: str, db_kwargs: Any) -> SandboxDBInstance:
        """ModifyDBInstance, checked as AWS checks it before anything is changed."""
        instance = self.find(db_instance_identifier, *MODIFIABLE)
        request = given(db_kwargs.original_dict())
        if "new_db_instance_identifier" in request:  # moto renames it
            request["NewDBInstanceIdentifier"] = request.pop("new_db_instance_identifier")
        validation.check_modify(request, described(instance), self.region_name)
        self.require_groups(request.get("VpcSecurityGroupIds") or [], instance.db_subnet_group.name)
        self._check_change(instance, request)
        planned = changes.plan(request, described(instance), instance.pending)
        plain = {**planned.plain, "ApplyImmediately": request.get("ApplyImmediately", False)}
        super().modify_db_instance(db_instance_identifier, XFormedDict(plain))  # type: ignore[arg-type]  # as moto's own
        if "EnablePerformanceInsights" in planned.plain:
            instance.performance_insights_enabled = planned.plain["EnablePerformanceInsights"]
        masked = {"MasterUserPassword": "****"} if "MasterUserPassword" in planned.plain else {}
        instance.pending = {**planned.waiting, **planned.applied, **masked}
        if planned.plain or planned.applied:
            instance.begin(self._steps(instance, planned), instance.status)
        return instance

    def _check_change(self, instance: SandboxDBInstance, request: Values) -> None:
        """Refuse what depends on more than the instance's own settings."""
        name = request.get("NewDBInstanceIdentifier")
        if name and self.databases.get(name, instance) is not instance:
            raise DBInstanceAlreadyExists()
        if instance.source and set(changes.CREDENTIALS) & request.keys():
            raise InvalidParameterCombination(
                "Cannot change master user password on an RDS postgres Read Replica because it uses physical "
                "replication and therefore cannot differ from its parent."
            )
        if request.get("RotateMasterUserPassword") and not instance.manage_master_user_password:
            raise InvalidParameterCombination("You can't rotate a master user password that Secrets Manager doesn't manage.")
        if instance.followers and request.get("BackupRetentionPeriod") == 0:
            raise InvalidParameterCombination("Backups cannot be disabled on a DB instance that has read replicas.")
        self._check_storage_rests(instance, request)
        _check_parameter_group(instance, request)

    def _check_storage_rests(self, instance: SandboxDBInstance, request: Values) -> None:
        rests = instance.optimizing_since is None or utcnow() - instance.optimizing_since > OPTIMIZATION
        wanted = changes.plan(request, described(instance), {})
        if not rests and set(changes.STORAGE) & {*wanted.applied, *wanted.waiting}:
            raise InvalidParameterCombination(
                "You can't currently modify the storage of this DB instance "
                "because the previous storage change is being optimized."
            )

    def steps_of_window(self, instance: SandboxDBInstance) -> Iterator[tuple[str, Callable[[], None]]]:
        """What the maintenance window does with the changes that wait for it."""
        return self._steps(instance, changes.Changes(applied=instance.pending)) if instance.pending else iter(())

    def _steps(self, instance: SandboxDBInstance, planned: changes.Changes) -> Iterator[tuple[str, Callable[[], None]]]:
        """The work of a plan, under the statuses of "Viewing DB instance status" (RDS User Guide)."""
        applied = dict(planned.applied)
        version, name = applied.pop("EngineVersion", None), applied.pop("NewDBInstanceIdentifier", None)
        begins_backups = bool(applied.get("BackupRetentionPeriod")) and not instance.backup_retention_period
        if set(changes.CREDENTIALS) & planned.plain.keys():
            yield "resetting-master-credentials", lambda: _reset_credentials(instance)
        if applied or (not planned.applied and set(planned.plain) - set(changes.CREDENTIALS)):
            yield "modifying", lambda: self._apply(instance, applied)
        if version:
            yield "upgrading", lambda: self._apply(instance, {"EngineVersion": version})
        if name:
            yield "renaming", lambda: self._rename(instance, name)
        if begins_backups:
            yield "backing-up", instance.enable_backups

    def _apply(self, instance: SandboxDBInstance, values: Values) -> None:
        """Change these settings; the server restarts where it does on AWS."""
        nouns = [noun for key, noun in NOUNS.items() if key in values]
        for noun in nouns:
            instance.say("configuration change", f"Applying modification to {noun}")
        for key, value in XFormedDict(changes.ordered(values)).items():
            setattr(instance, {"db_port_number": "port"}.get(key, key), value)
        if set(changes.STORAGE) & values.keys():
            _optimize(instance)
        if values.get("BackupRetentionPeriod") == 0:
            self.discard_backups(instance)
        if {*changes.RESTARTING, "EngineVersion"} & values.keys():
            instance.restart()
        if "DBPortNumber" in values:
            instance.machine.move(instance.address_name, instance.port)
        _done(instance, values)
        for noun in nouns:
            instance.say("configuration change", f"Finished applying modification to {noun}")

    def _rename(self, instance: SandboxDBInstance, name: str) -> None:
        """Give the instance another name, hence another address; the old address belongs to the old name."""
        before = instance.db_instance_identifier
        instance.halt()
        instance.db_instance_identifier = name
        instance.machine.move(instance.address_name, instance.port)
        self.databases[name] = self.databases.pop(before)
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


def _check_parameter_group(instance: SandboxDBInstance, request: Values) -> None:
    """A major upgrade needs a parameter group of the new family, where one is used that is not the default."""
    version = request.get("EngineVersion", instance.engine_version)
    same_major = version.split(".")[0] == instance.engine_version.split(".")[0]
    group = instance.db_parameter_group_name
    if same_major or "DBParameterGroupName" in request or not group or instance.is_default_parameter_group(group):
        return
    raise InvalidParameterCombination(
        "The current DB instance parameter group is custom. You must explicitly specify a new parameter group "
        "for the new engine version, either default or custom."
    )
