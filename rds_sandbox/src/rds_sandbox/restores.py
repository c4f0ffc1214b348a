"""Restores: a new instance from a snapshot, or from a base backup and the WAL up to a moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from moto.core.utils import utcnow
from moto.rds.exceptions import InvalidParameterCombination, InvalidParameterValue, RDSClientError

from rds_sandbox import validation
from rds_sandbox.backups import AutomatedBackups
from rds_sandbox.instances import SandboxDBInstance
from rds_sandbox.postgres import RECOVERY_SECONDS, Server
from rds_sandbox.registry import described, given

# What a restored instance has of the one it comes from, unless the call says otherwise. Groups are not among them
# (RDS User Guide, "Restoring to a DB instance": security groups, parameter group).
INHERITED = (
    "allocated_storage", "auto_minor_version_upgrade", "backup_retention_period", "copy_tags_to_snapshot",
    "db_instance_class", "db_name", "engine", "engine_lifecycle_support", "engine_version", "iops", "license_model",
    "master_username", "port", "preferred_backup_window", "preferred_maintenance_window", "storage_encrypted",
    "storage_throughput", "storage_type",
)  # fmt: skip


class Restores(AutomatedBackups):
    """The actions that restore."""

    def restore_db_instance_from_db_snapshot(self, from_snapshot_id: str, overrides: Any) -> SandboxDBInstance:
        """RestoreDBInstanceFromDBSnapshot: a new instance with the data of the snapshot."""
        snapshot: Any = self.find_snapshot(from_snapshot_id)
        tags = {"tags": snapshot.tags}
        instance = self._restored(snapshot.database, overrides, tags)

        def prepare(server: Server) -> None:
            server.take_over(snapshot.folder)
            server.start()
            _hand_over(instance)

        name = snapshot.db_snapshot_identifier
        self._begin(instance, prepare, f"Restored from snapshot {name}")
        return instance

    def restore_db_instance_to_point_in_time(
        self, source_db_identifier: str | None, target_db_identifier: str, overrides: Any
    ) -> SandboxDBInstance:
        """RestoreDBInstanceToPointInTime: a new instance with the data of a moment, of a deleted one's backups too."""
        asked = given(overrides.original_dict())
        source = self._source(source_db_identifier, asked)
        moment = _moment(source, asked)
        assert source.archive is not None
        archive, base = source.archive, source.archive.base(moment or utcnow())
        instance = self._restored(source, overrides, {"db_instance_identifier": target_db_identifier})

        def prepare(server: Server) -> None:
            if archive.server.running and not archive.closed:
                archive.flush()
            server.take_over(base)
            (server.data / "recovery.signal").touch()
            server.start(archive.settings(moment), seconds=RECOVERY_SECONDS)
            _hand_over(instance)

        origin = source.db_instance_identifier
        self._begin(instance, prepare, f"Restored from DB instance {origin} to {instance.db_instance_identifier}")
        return instance

    def _source(self, identifier: str | None, asked: Mapping[str, Any]) -> SandboxDBInstance:
        """The instance whose backups these are, by one of its three names."""
        arn, resource_id = asked.get("SourceDBInstanceAutomatedBackupsArn"), asked.get("SourceDbiResourceId")
        if sum(map(bool, (identifier, arn, resource_id))) != 1:
            names = "SourceDBInstanceIdentifier, SourceDbiResourceId, SourceDBInstanceAutomatedBackupsArn"
            raise InvalidParameterCombination(f"Exactly one of {names} must be specified.")
        return self.find(identifier) if identifier else self.find_automated_backup(resource_id, arn)

    def _restored(self, source: Any, overrides: Any, more: Mapping[str, Any]) -> SandboxDBInstance:
        """Register the new instance: the source's settings, those of the call over them."""
        validation.check_restore(given(overrides.original_dict()), described(source), self.region_name)
        inherited = {name: getattr(source, name) for name in INHERITED}
        return self.add({**inherited, **more, **given(dict(overrides.items()))})

    def _begin(self, instance: SandboxDBInstance, prepare: Callable[[Server], None], message: str) -> None:
        steps = instance.creation(self.host.stock.vacant, prepare, "restoration", message)
        instance.begin(steps, "available")


def _hand_over(instance: SandboxDBInstance) -> None:
    """The password stays that of the backup, unless Secrets Manager is to keep a new one."""
    if instance.manage_master_user_password:
        instance.take_over_password()


def _moment(source: SandboxDBInstance, asked: Mapping[str, Any]) -> datetime | None:
    """The moment to restore; None for the latest.

    Raises:
        RDSClientError: `PointInTimeRestoreNotEnabled`, `InvalidParameterCombination` for neither or both of the
            ways to name it, `InvalidParameterValue` for one that no backup reaches.
    """
    moment, latest = asked.get("RestoreTime"), bool(asked.get("UseLatestRestorableTime"))
    if bool(moment) is latest:
        raise InvalidParameterCombination("Exactly one of RestoreTime and UseLatestRestorableTime must be specified.")
    name = source.db_instance_identifier
    if source.archive is None or source.source:
        raise RDSClientError("PointInTimeRestoreNotEnabled", f"Automated backups are not enabled for DB instance {name}.")
    if source.archive.earliest is None or source.archive.latest is None:
        raise RDSClientError("InvalidDBInstanceState", f"DB instance {name} has no complete backup yet.")
    refusal = "The specified instance cannot be restored to a time"
    if moment and moment > source.archive.latest:
        raise InvalidParameterValue(f"{refusal} later than {_text(source.archive.latest)}.")
    if moment and moment < source.archive.earliest:
        reason = f"because its backup retention period is set to {source.backup_retention_period} days"
        raise InvalidParameterValue(f"{refusal} earlier than {_text(source.archive.earliest)} {reason}.")
    return moment


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
