"""RDS whose actions act on machines: moto's backend, checked and refused as AWS checks and refuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from moto.ec2.models import ec2_backends
from moto.rds import models
from moto.rds.exceptions import (
    DBInstanceAlreadyExists,
    DBInstanceNotFoundError,
    InvalidParameterCombination,
    RDSClientError,
)

from cruddur_ops.sandbox import validation
from cruddur_ops.sandbox.instances import GeneratedSecret, SandboxDBInstance
from cruddur_ops.sandbox.machine import Host

# A stopped instance cannot be modified (RDS User Guide, "Stopping an Amazon RDS DB instance temporarily").
MODIFIABLE = ("available", "storage-optimization")


class SandboxRDSBackend(models.RDSBackend):
    """RDS whose create, modify, stop, start, reboot and delete act on machines."""

    host: ClassVar[Host]

    def create_db_instance(self, db_kwargs: Any) -> SandboxDBInstance:
        """CreateDBInstance, checked as AWS checks it before anything is made."""
        identifier = db_kwargs["db_instance_identifier"]
        validation.check_create(_given(db_kwargs.original_dict()), self.region_name)
        if identifier in self.databases:
            raise DBInstanceAlreadyExists()
        self._require_groups(db_kwargs.get("vpc_security_group_ids") or [])
        parameters = _given(db_kwargs)
        parameters["engine_version"] = validation.resolve_version(parameters.get("engine_version"))
        parameters.setdefault("db_subnet_group_name", self._default_subnet_group())
        instance = SandboxDBInstance(self, self.host, **parameters)  # type: ignore[abstract]  # as in moto's own
        self.databases[identifier] = instance
        instance.add_event("DB_INSTANCE_CREATE")
        instance.begin(instance.creation(), "available")
        return instance

    def _require_groups(self, group_ids: list[str]) -> None:
        for group_id in group_ids:
            if ec2_backends[self.account_id][self.region_name].get_security_group_from_id(group_id) is None:
                raise RDSClientError("InvalidParameterValue", f"Invalid security group , groupId= {group_id}, groupName=.")

    def _default_subnet_group(self) -> str:
        """RDS makes the group "default" of the default VPC with the first instance."""
        if "default" not in self.subnet_groups:
            ec2 = ec2_backends[self.account_id][self.region_name]
            subnets = [subnet for subnet in ec2.describe_subnets() if subnet.vpc_id == ec2.default_vpc.id]
            self.create_subnet_group("default", "default", subnets, [])
        return "default"

    def find(self, identifier: str, *states: str) -> SandboxDBInstance:
        """The instance; its status must be one of these, where any are given."""
        instance = self.databases.get(identifier)
        if not isinstance(instance, SandboxDBInstance):
            raise DBInstanceNotFoundError(identifier)
        if states and instance.status not in states:
            message = f"Instance {identifier} is not in an allowed state: it is {instance.status}, not {' or '.join(states)}."
            raise RDSClientError("InvalidDBInstanceState", message)
        return instance

    def modify_db_instance(self, db_instance_identifier: str, db_kwargs: Any) -> SandboxDBInstance:
        """ModifyDBInstance; every change is applied at once."""
        instance = self.find(db_instance_identifier, *MODIFIABLE)
        validation.check_modify(db_kwargs.original_dict(), described(instance), self.region_name)
        self._require_groups(db_kwargs.get("vpc_security_group_ids") or [])
        before, port = instance.current_password, instance.port
        super().modify_db_instance(db_instance_identifier, db_kwargs)
        if "enable_performance_insights" in db_kwargs:
            instance.performance_insights_enabled = db_kwargs["enable_performance_insights"]
        instance.port = db_kwargs.get("db_port_number") or port

        def work() -> None:
            if instance.current_password != before:
                instance.take_over_password()
            if instance.port != port:
                instance.machine.close_gateway()
                instance.machine.open_gateway(instance.port)

        instance.begin([("modifying", work)], instance.status)
        return instance

    def stop_db_instance(self, db_instance_identifier: str, db_snapshot_identifier: str | None = None) -> SandboxDBInstance:
        """StopDBInstance: the server ends, its data stay."""
        instance = self.find(db_instance_identifier, "available")
        if db_snapshot_identifier:
            self.create_db_snapshot(db_instance_identifier, db_snapshot_identifier)
        instance.begin([("stopping", instance.machine.stop)], "stopped")
        return instance

    def start_db_instance(self, db_instance_identifier: str) -> SandboxDBInstance:
        """StartDBInstance: the server comes back with its data."""
        instance = self.find(db_instance_identifier, "stopped")
        instance.begin([("starting", lambda: instance.machine.start(instance.port))], "available")
        return instance

    def reboot_db_instance(self, db_instance_identifier: str) -> SandboxDBInstance:
        """RebootDBInstance: connections end, the server starts anew."""
        instance = self.find(db_instance_identifier, "available")

        def work() -> None:
            instance.machine.stop()
            instance.machine.start(instance.port)

        instance.begin([("rebooting", work)], "available")
        return instance

    def create_db_snapshot(
        self, db_instance_identifier: str, db_snapshot_identifier: str, snapshot_type: str = "manual", *others: Any, **more: Any
    ) -> models.DBSnapshot:
        """CreateDBSnapshot: a copy of the running server's data."""
        instance = self.find(db_instance_identifier)
        made = super().create_db_snapshot(db_instance_identifier, db_snapshot_identifier, snapshot_type, *others, **more)
        if snapshot_type != "automated":
            instance.back_up(db_snapshot_identifier)
        return made

    def delete_db_instance(
        self,
        db_instance_identifier: str,
        final_db_snapshot_identifier: str | None = None,
        skip_final_snapshot: bool | None = False,
        delete_automated_backups: bool | None = True,
    ) -> SandboxDBInstance:
        """DeleteDBInstance: protection and the rule of the final snapshot are obeyed."""
        instance = self.find(db_instance_identifier, *MODIFIABLE, "stopped", "failed")
        check_delete(instance, final_db_snapshot_identifier, bool(skip_final_snapshot))

        def work() -> None:
            if final_db_snapshot_identifier:
                self.create_db_snapshot(db_instance_identifier, final_db_snapshot_identifier)
            instance.machine.remove()
            super(SandboxRDSBackend, self).delete_db_instance(db_instance_identifier, None, True, delete_automated_backups)

        instance.begin([("deleting", work)], None)
        return instance

    def reset(self) -> None:
        """/moto-api/reset: no server is left running."""
        for instance in list(self.databases.values()):
            if isinstance(instance, SandboxDBInstance):
                instance.machine.remove()
        super().reset()


def _given(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters without the empty ones, which RDS takes as not sent (Terraform sends `DBName=`)."""
    return {key: value for key, value in parameters.items() if value != ""}


def check_delete(instance: SandboxDBInstance, final_snapshot: str | None, skip: bool) -> None:
    """The rules of DeleteDBInstance (Amazon RDS API Reference)."""
    if instance.deletion_protection:
        raise InvalidParameterCombination(
            "Cannot delete protected DB Instance, please disable deletion protection and try again."
        )
    if bool(final_snapshot) is skip:
        problem = "Only one of" if skip else "One of"
        raise InvalidParameterCombination(f"{problem} FinalDBSnapshotIdentifier and SkipFinalSnapshot must be given.")


def described(instance: SandboxDBInstance) -> dict[str, Any]:
    """What ModifyDBInstance compares with, under the names of the API."""
    return {
        "EngineVersion": instance.engine_version,
        "AllocatedStorage": instance.allocated_storage,
        "StorageType": instance.storage_type,
        "DBInstanceClass": instance.db_instance_class,
        "MasterUsername": instance.master_username,
        "ManageMasterUserPassword": bool(instance.manage_master_user_password),
        "PerformanceInsightsEnabled": instance.performance_insights_enabled,
    }


def install(host: Host) -> None:
    """Put this backend in place of moto's, before moto makes the first one."""
    SandboxRDSBackend.host = host
    models.MasterUserSecret = GeneratedSecret  # type: ignore[misc]
    models.rds_backends.backend = SandboxRDSBackend


SandboxRDSBackend.__module__ = "moto.rds.models"  # where moto looks for the service's URLs
