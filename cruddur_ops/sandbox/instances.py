"""DB instances whose status follows a real server: moto's RDS backend with a machine behind each."""

from __future__ import annotations

import base64
import json
import logging
import secrets
import subprocess
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

import psycopg
from moto.core.utils import utcnow
from moto.ec2.models import ec2_backends
from moto.rds import models
from moto.rds.exceptions import (
    DBInstanceAlreadyExists,
    DBInstanceNotFoundError,
    InvalidParameterCombination,
    RDSClientError,
)

from cruddur_ops.sandbox import validation
from cruddur_ops.sandbox.access import admits
from cruddur_ops.sandbox.gateway import Door
from cruddur_ops.sandbox.machine import Host, Machine
from cruddur_ops.sandbox.postgres import Server, ServerFailed

log = logging.getLogger(__name__)

FORCE_SSL_MAJOR = 15  # `rds.force_ssl` is 1 by default from this major on (Amazon RDS User Guide)
MODIFIABLE = ("available", "stopped", "storage-optimization")


class SandboxDBInstance(models.DBInstance):
    """A DB instance with a machine; what moto leaves out of DescribeDBInstances is filled in."""

    backup_target = "region"
    network_type = "IPV4"
    dedicated_log_volume = False
    customer_owned_ip_enabled = False
    database_insights_mode = "standard"
    activity_stream_status = "stopped"

    def __init__(self, backend: SandboxRDSBackend, **parameters: Any) -> None:
        """Register the instance; `begin` starts the work."""
        major = parameters["engine_version"].split(".")[0]
        parameters.setdefault("option_group_name", None)
        parameters["license_model"] = "postgresql-license"
        super().__init__(backend, **parameters)
        self.status = "creating"
        self.option_group_name = parameters["option_group_name"] or f"default:postgres-{major}"
        self.dbi_resource_id = "db-" + base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=")
        self.engine_lifecycle_support = parameters.get("engine_lifecycle_support") or "open-source-rds-extended-support"
        self.performance_insights_enabled = bool(parameters.get("enable_performance_insights"))
        self.performance_insights_retention_period = (
            parameters.get("performance_insights_retention_period", 7) if self.performance_insights_enabled else None
        )
        if self.publicly_accessible is None:
            self.publicly_accessible = parameters.get("db_subnet_group_name") in (None, "default")
        self._restorable_since: Any = None
        self.machine = Machine(backend.host, self.dbi_resource_id.lower(), Door(self.admits, self.seen_as, self.requires_tls))

    @property
    def endpoint(self) -> dict[str, Any] | None:  # type: ignore[override]
        """Address and port, from the moment that the machine has them."""
        place = self.machine.endpoint
        return {"Address": place[0], "Port": place[1], "HostedZoneId": "SANDBOX"} if place else None

    @property
    def db_instance_port(self) -> int:
        """Always 0: it is filled for clusters' members only."""
        return 0

    @property
    def latest_restorable_time(self) -> Any:
        """The end of the last backup; absent without backups."""
        return self._restorable_since

    @property
    def ec2(self) -> Any:
        """The EC2 backend of the instance's region."""
        return ec2_backends[self.account_id][self.region]

    @property
    def current_password(self) -> str:
        """The master user's password, managed or given."""
        if self.manage_master_user_password:
            secret = self.backend.secretsmanager.get_secret_value(self.master_user_secret.secret_arn, "", "AWSCURRENT")
            return str(json.loads(secret["SecretString"])["password"])
        return str(self._master_user_password)

    def admits(self, address: str) -> bool:
        """Whether a connection from this loopback address gets through, by the rules of this moment."""
        caller = self.machine.host.callers.identify(address, self.ec2)
        if not (caller.inside_vpc or self.publicly_accessible):
            return False
        ports = {self.port, self.machine.endpoint[1] if self.machine.endpoint else self.port}
        return any(admits(self.vpc_security_group_ids, caller, port, self.ec2) for port in ports)

    def seen_as(self, address: str) -> str:
        """The address that the server would see for a connection from this loopback address."""
        return str(self.machine.host.callers.identify(address, self.ec2).address)

    def requires_tls(self) -> bool:
        """`rds.force_ssl`: that of the parameter group, else by the major version."""
        parameter = self.db_parameter_groups()[0].parameters.get("rds.force_ssl")
        if parameter:
            return str(parameter["ParameterValue"]) == "1"
        return int(self.engine_version.split(".")[0]) >= FORCE_SSL_MAJOR

    def begin(self, steps: Iterable[tuple[str, Callable[[], None]]], end: str | None) -> None:
        """Do the steps in a thread of their own, each under its status; then show the last status.

        Args:
            steps: status to show, and the work that belongs to it.
            end: the status afterwards; None where the instance is gone.
        """
        steps = tuple(steps)
        self.status = steps[0][0]
        threading.Thread(target=self._perform, args=(steps, end), name=self.dbi_resource_id, daemon=True).start()

    def _perform(self, steps: tuple[tuple[str, Callable[[], None]], ...], end: str | None) -> None:
        try:
            for status, work in steps:
                self.status = status
                work()
        except (ServerFailed, OSError, psycopg.Error, subprocess.SubprocessError) as error:
            log.error("%s failed while %s: %s", self.db_instance_identifier, self.status, error)
            self.status = "failed"
        else:
            self.status = end or self.status

    def creation(self) -> Iterable[tuple[str, Callable[[], None]]]:
        """The steps of CreateDBInstance."""
        yield "creating", lambda: self.machine.create(self.port, self._set_up)
        if self.backup_retention_period:
            yield "backing-up", self._first_backup

    def _set_up(self, server: Server) -> None:
        server.create_master_user(str(self.master_username), self.current_password, self.db_name)

    def _first_backup(self) -> None:
        self.save_automated_backup()
        self._restorable_since = utcnow()

    def save_automated_backup(self) -> None:
        """A copy of the server's data, listed as an automated snapshot."""
        name = f"rds:{self.db_instance_identifier}-{utcnow():%Y-%m-%d-%H-%M-%S}"
        self.back_up(name)
        super().save_automated_backup()

    def back_up(self, name: str) -> None:
        """Copy the running server's data into the sandbox's folder of snapshots."""
        folder = self.machine.host.snapshot_folder(f"{self.dbi_resource_id.lower()}-{secrets.token_hex(4)}")
        self.machine.running_server().back_up(folder)
        log.info("%s is backed up as %s", self.db_instance_identifier, name)

    def take_over_password(self) -> None:
        """Give the server the password that the API now knows."""
        if self.machine.running_server().running:
            self.machine.running_server().set_password(str(self.master_username), self.current_password)


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
        instance = SandboxDBInstance(self, **parameters)
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

    def create_db_snapshot(self, db_instance_identifier: str, db_snapshot_identifier: str, **parameters: Any) -> Any:
        """CreateDBSnapshot: a copy of the running server's data."""
        instance = self.find(db_instance_identifier)
        snapshot = super().create_db_snapshot(db_instance_identifier, db_snapshot_identifier, **parameters)
        if parameters.get("snapshot_type") != "automated":
            instance.back_up(db_snapshot_identifier)
        return snapshot

    def delete_db_instance(
        self,
        db_instance_identifier: str,
        final_db_snapshot_identifier: str | None = None,
        skip_final_snapshot: bool | None = False,
        delete_automated_backups: bool | None = True,
    ) -> SandboxDBInstance:
        """DeleteDBInstance: protection and the rule of the final snapshot are obeyed."""
        instance = self.find(db_instance_identifier, *MODIFIABLE, "failed")
        check_delete(instance, final_db_snapshot_identifier, bool(skip_final_snapshot))

        def work() -> None:
            if final_db_snapshot_identifier:
                self.create_db_snapshot(db_instance_identifier, final_db_snapshot_identifier)
            instance.machine.remove()
            super(SandboxRDSBackend, self).delete_db_instance(
                db_instance_identifier, None, True, delete_automated_backups
            )

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


class GeneratedSecret(models.MasterUserSecret):
    """The managed secret of a master user, with a password of its own and the right name."""

    def _generate_secret_string(self) -> str:
        return json.dumps({"username": self.resource.master_username, "password": secrets.token_urlsafe(24)})

    def rotate_secret(self) -> None:
        """Put a new password in place at once; the instance hands it to the server."""
        self.secretsmanager.put_secret_value(self.secret.arn, self._generate_secret_string(), None, None, ["AWSCURRENT"])


def install(host: Host) -> None:
    """Put this backend in place of moto's, before moto makes the first one."""
    SandboxRDSBackend.host = host
    models.MasterUserSecret = GeneratedSecret  # type: ignore[misc]
    models.rds_backends.backend = SandboxRDSBackend


SandboxRDSBackend.__module__ = "moto.rds.models"  # where moto looks for the service's URLs
