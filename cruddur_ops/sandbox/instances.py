"""A DB instance whose status follows a real server: moto's, with a machine behind it."""

from __future__ import annotations

import base64
import json
import logging
import secrets
import subprocess
import threading
from collections.abc import Callable, Iterable
from typing import Any

import psycopg
from moto.core.utils import utcnow
from moto.ec2.models import ec2_backends
from moto.rds import models

from cruddur_ops.sandbox.access import admits
from cruddur_ops.sandbox.gateway import Door
from cruddur_ops.sandbox.machine import Host, Machine
from cruddur_ops.sandbox.postgres import Server, ServerFailed

log = logging.getLogger(__name__)

GP3_BASELINE = 3000, 125  # IOPS and MiB/s below 400 GiB (Amazon RDS User Guide, "gp3 storage")
FORCE_SSL_MAJOR = 15  # `rds.force_ssl` is 1 by default from this major on (Amazon RDS User Guide)


class SandboxDBInstance(models.DBInstance):
    """A DB instance with a machine; what moto leaves out of DescribeDBInstances is filled in."""

    backup_target = "region"
    network_type = "IPV4"
    dedicated_log_volume = False
    customer_owned_ip_enabled = False
    database_insights_mode = "standard"
    activity_stream_status = "stopped"

    port: int
    iops: Any

    def __init__(self, backend: models.RDSBackend, host: Host, **parameters: Any) -> None:
        """Register the instance; `begin` starts the work."""
        major = parameters["engine_version"].split(".")[0]
        defaults = {"ca_certificate_identifier": "rds-ca-rsa2048-g1", "license_model": "postgresql-license"}
        if parameters.get("storage_encrypted"):
            defaults["kms_key_id"] = backend.kms.describe_key("alias/aws/rds").arn
        super().__init__(backend, **{**defaults, **parameters})
        self.status = "creating"
        self.option_group_name = parameters.get("option_group_name") or f"default:postgres-{major}"
        if self.storage_type == "gp3" and not self.iops:
            self.iops, self.storage_throughput = GP3_BASELINE
        self.dbi_resource_id = "db-" + base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=")
        self.engine_lifecycle_support = parameters.get("engine_lifecycle_support") or "open-source-rds-extended-support"
        self.performance_insights_enabled = bool(parameters.get("enable_performance_insights"))
        self.performance_insights_retention_period = (
            parameters.get("performance_insights_retention_period", 7) if self.performance_insights_enabled else None
        )
        if self.publicly_accessible is None:
            self.publicly_accessible = parameters.get("db_subnet_group_name") in (None, "default")
        self._restorable_since: Any = None
        self.ec2: Any = ec2_backends[self.account_id][self.region]  # looked up once: moto's look-up takes a lock
        self.machine = Machine(host, self.dbi_resource_id.lower(), Door(self.admits, self.seen_as, self.requires_tls))

    @property
    def endpoint(self) -> dict[str, Any] | None:  # type: ignore[override]
        """Address and port, from the moment that the machine has them."""
        place = self.machine.endpoint
        return {"Address": place[0], "Port": place[1], "HostedZoneId": "SANDBOX"} if place else None

    @property
    def db_instance_port(self) -> int:
        """0, as on AWS outside clusters; the port asked for where the endpoint could not have it."""
        place = self.machine.endpoint
        return self.port if place and place[1] != self.port else 0

    @property
    def latest_restorable_time(self) -> Any:
        """The end of the last backup; absent without backups."""
        return self._restorable_since

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
        self.machine.running_server().set_password(str(self.master_username), self.current_password)


class GeneratedSecret(models.MasterUserSecret):
    """The managed secret of a master user, with a password of its own and the right name."""

    def _generate_secret_string(self) -> str:
        return json.dumps({"username": self.resource.master_username, "password": secrets.token_urlsafe(24)})

    def rotate_secret(self) -> None:
        """Put a new password in place at once; the instance hands it to the server."""
        self.secretsmanager.put_secret_value(self.secret.arn, self._generate_secret_string(), "", "", ["AWSCURRENT"])
