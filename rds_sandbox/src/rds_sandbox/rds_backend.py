"""RDS whose actions act on machines: moto's backend, checked and refused as AWS checks and refuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.rds import models

from rds_sandbox import actions, log_files
from rds_sandbox.lifecycle import Lifecycle
from rds_sandbox.machine import Host
from rds_sandbox.managed_secrets import GeneratedSecret


class SandboxRDSBackend(Lifecycle):
    """All actions on DB instances, their snapshots, backups, replicas and log files."""

    def list_log_files(self, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
        """DescribeDBLogFiles: the server's own."""
        return log_files.describe(self.find(parameters["DBInstanceIdentifier"]), parameters)

    def download_log_file(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """DownloadDBLogFilePortion."""
        return log_files.download(self.find(parameters["DBInstanceIdentifier"]), parameters)


def install(host: Host) -> None:
    """Put this backend in place of moto's, before moto makes the first one."""
    SandboxRDSBackend.host = host
    models.MasterUserSecret = GeneratedSecret  # type: ignore[misc]
    actions.install()
    models.rds_backends.backend = SandboxRDSBackend


SandboxRDSBackend.__module__ = "moto.rds.models"  # where moto looks for the service's URLs
