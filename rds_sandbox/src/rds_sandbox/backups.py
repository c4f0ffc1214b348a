"""Automated backups: those of an instance, and those that a deleted one has left behind."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moto.rds.exceptions import RDSClientError

from rds_sandbox.instances import SandboxDBInstance
from rds_sandbox.snapshots import SandboxDBSnapshot, Snapshots

_FILTERS = {"status": "status", "db-instance-id": "db_instance_identifier", "dbi-resource-id": "dbi_resource_id"}


@dataclass(frozen=True)
class AutomatedBackup:
    """The automated backups of an instance; whatever else DescribeDBInstanceAutomatedBackups shows is the instance's."""

    instance: SandboxDBInstance

    def __getattr__(self, name: str) -> Any:
        """What the instance says."""
        return getattr(self.instance, name)

    @property
    def status(self) -> str:
        """`active` while there is an instance, `creating` before its first backup is complete, else `retained`."""
        if self.instance.status == "deleted":
            return "retained"
        return "active" if self.restore_window else "creating"

    @property
    def db_instance_automated_backups_arn(self) -> str:
        """The ARN, which follows from the resource id."""
        digest = hashlib.sha256(self.instance.dbi_resource_id.encode()).digest()[:20]
        region = f"{self.instance.partition}:rds:{self.instance.region}:{self.instance.account_id}"
        return f"arn:{region}:auto-backup:ab-{base64.b32encode(digest).decode().lower()}"

    @property
    def restore_window(self) -> dict[str, Any] | None:
        """From when to when it can be restored."""
        archive = self.instance.archive
        return {"EarliestTime": archive.earliest, "LatestTime": archive.latest} if archive and archive.earliest else None

    @property
    def vpc_id(self) -> str:
        """The VPC of the instance."""
        return str(self.instance.db_subnet_group.vpc_id)

    @property
    def encrypted(self) -> bool:
        """Whether the instance is."""
        return bool(self.instance.storage_encrypted)


class AutomatedBackups(Snapshots):
    """The actions on automated backups."""

    retained: dict[str, SandboxDBInstance]

    def __init__(self, region_name: str, account_id: str) -> None:
        """Begin with none."""
        super().__init__(region_name, account_id)
        self.retained = {}

    def list_automated_backups(self, parameters: Mapping[str, Any]) -> list[AutomatedBackup]:
        """DescribeDBInstanceAutomatedBackups: of the instances that there are, and of deleted ones."""
        found = self._backups()
        resource_id, arn = parameters.get("DbiResourceId"), parameters.get("DBInstanceAutomatedBackupsArn")
        if resource_id or arn:
            found = [AutomatedBackup(self.find_automated_backup(resource_id, arn))]
        wanted = {_FILTERS[f["Name"]]: f["Values"] for f in parameters.get("Filters") or () if f["Name"] in _FILTERS}
        if parameters.get("DBInstanceIdentifier"):
            wanted["db_instance_identifier"] = [parameters["DBInstanceIdentifier"].lower()]
        return [backup for backup in found if all(getattr(backup, key) in values for key, values in wanted.items())]

    def _backups(self) -> list[AutomatedBackup]:
        instances = [*self.instances(), *self.retained.values()]
        return [AutomatedBackup(found) for found in instances if found.archive]

    def find_automated_backup(self, resource_id: str | None, arn: str | None = None) -> SandboxDBInstance:
        """The instance, deleted or not, whose automated backups these are.

        Raises:
            RDSClientError: `DBInstanceAutomatedBackupNotFound`.
        """
        for backup in self._backups():
            if backup.dbi_resource_id == resource_id or backup.db_instance_automated_backups_arn == arn:
                return backup.instance
        raise _not_found(resource_id or str(arn))

    def delete_automated_backup(self, parameters: Mapping[str, Any]) -> AutomatedBackup:
        """DeleteDBInstanceAutomatedBackup: those that a deleted instance has left behind."""
        arn = parameters.get("DBInstanceAutomatedBackupsArn")
        instance = self.find_automated_backup(parameters.get("DbiResourceId"), arn)
        if instance.dbi_resource_id not in self.retained:
            message = f"The automated backups of {instance.db_instance_identifier} are in use: it still exists."
            raise RDSClientError("InvalidDBInstanceAutomatedBackupState", message)
        del self.retained[instance.dbi_resource_id]
        deleted = AutomatedBackup(instance)
        self.discard_backups(instance)
        return deleted

    def discard_backups(self, instance: SandboxDBInstance) -> None:
        """Delete the automated snapshots and the WAL of an instance; it can no longer be restored to a time."""
        if instance.archive:
            instance.archive.remove()
        instance.archive = None
        self.discard_snapshots(self.automated_snapshots(instance))

    def automated_snapshots(self, instance: SandboxDBInstance) -> list[SandboxDBSnapshot]:
        """The automated snapshots of an instance."""
        return [
            found
            for found in self.database_snapshots.values()
            if isinstance(found, SandboxDBSnapshot)
            and (found.snapshot_type, found.dbi_resource_id) == ("automated", instance.dbi_resource_id)
        ]


def _not_found(name: str) -> RDSClientError:
    return RDSClientError("DBInstanceAutomatedBackupNotFound", f"No automated backup {name} was found.")
