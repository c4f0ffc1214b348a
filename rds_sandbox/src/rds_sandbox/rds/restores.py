"""Restores: a new instance from a snapshot, or from a base backup and the WAL up to a moment."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from moto.core.utils import utcnow
from moto.rds.exceptions import InvalidParameterCombination, InvalidParameterValue, RDSClientError

from rds_sandbox.patches import Request, action
from rds_sandbox.postgres import Server
from rds_sandbox.rds import backups, creation, snapshots, storage_rules, validation
from rds_sandbox.rds.backend import described, wrong_state
from rds_sandbox.rds.instances import SandboxDBInstance
from rds_sandbox.rds.requests import attributes, given

RECOVERY_SECONDS = 600
# What a restored instance has of the one it comes from, unless the call says otherwise. Groups are not among them
# (RDS User Guide, "Restoring to a DB instance": security groups, parameter group). IOPS and throughput are worked out.
INHERITED = (
    "allocated_storage", "auto_minor_version_upgrade", "backup_retention_period", "copy_tags_to_snapshot",
    "db_instance_class", "db_name", "engine", "engine_lifecycle_support", "engine_version", "kms_key_id", "license_model",
    "master_username", "port", "preferred_backup_window", "preferred_maintenance_window", "storage_encrypted", "storage_type",
)  # fmt: skip


@action("rds", "RestoreDBInstanceFromDBSnapshot")
def from_snapshot(request: Request) -> dict[str, Any]:
    """A new instance with the data of the snapshot, and its source's tags (RDS User Guide, "Tagging RDS resources")."""
    asked = given(request)
    if "DBSnapshotIdentifier" not in asked:
        raise InvalidParameterCombination("DBSnapshotIdentifier or DBClusterSnapshotIdentifier must be specified.")
    snapshot: Any = snapshots.find(request.backend, asked["DBSnapshotIdentifier"])

    def prepare(instance: SandboxDBInstance, server: Server) -> None:
        server.take_over(snapshot.folder)
        server.start()

    kept = {"Tags": snapshot.source_tags, "StorageEncrypted": snapshot.encrypted, "KmsKeyId": snapshot.kms_key_id}
    event = {"name": "restored", "source": snapshot.db_snapshot_identifier}
    answer = _restored(request, snapshot.database, snapshot.folder, {**kept, **asked}, prepare, event)
    snapshot.restored.append(answer["DBInstance"])
    return answer


@action("rds", "RestoreDBInstanceToPointInTime")
def to_point_in_time(request: Request) -> dict[str, Any]:
    """A new instance with the data of a moment, of a deleted one's backups too."""
    asked = given(request)
    source = _source(request, asked)
    moment = _moment(source, asked)
    assert source.archive is not None
    archive, base = source.archive, source.archive.base(moment or utcnow())

    def prepare(instance: SandboxDBInstance, server: Server) -> None:
        archive.flush()
        server.take_over(base)
        (server.data / "recovery.signal").touch()
        server.start(archive.settings(moment), seconds=RECOVERY_SECONDS)

    target = asked["TargetDBInstanceIdentifier"]
    event = {"name": "restored_to_time", "source": source.db_instance_identifier, "target": target.lower()}
    answer = _restored(request, source, base, {"DBInstanceIdentifier": target, **asked}, prepare, event)
    source.restored.append(answer["DBInstance"])
    return answer


def _source(request: Request, asked: Mapping[str, Any]) -> SandboxDBInstance:
    identifier, resource_id = asked.get("SourceDBInstanceIdentifier"), asked.get("SourceDbiResourceId")
    arn = asked.get("SourceDBInstanceAutomatedBackupsArn")
    if sum(map(bool, (identifier, arn, resource_id))) != 1:
        names = "SourceDBInstanceIdentifier, SourceDbiResourceId, SourceDBInstanceAutomatedBackupsArn"
        raise InvalidParameterCombination(f"Exactly one of {names} must be specified.")
    found = request.backend.find(identifier) if identifier else backups.find(request.backend, resource_id, arn).instance
    assert isinstance(found, SandboxDBInstance)
    return found


def _restored(
    request: Request, source: Any, data: Path, asked: Mapping[str, Any], prepare: creation.Prepare, event: Mapping[str, str]
) -> dict[str, Any]:
    """The new instance has the source's settings, those of the call over them, and a server that can read the data."""
    before = described(source)
    asked = storage_rules.meant(asked, before, copied=True)
    validation.check_restore(asked, before, request.backend.region_name)
    inherited = {name: getattr(source, name) for name in INHERITED}
    asked = {**storage_rules.provisioned(asked, before), **request.backend.with_keys(asked)}
    parameters = {**inherited, **attributes(asked)}
    return creation.create(request, parameters, lambda: request.host.pools.of_data(data).vacant(), prepare, event)


def _moment(source: SandboxDBInstance, asked: Mapping[str, Any]) -> datetime | None:
    """The moment to restore, which a backup must reach; None for the latest."""
    moment, latest = asked.get("RestoreTime"), bool(asked.get("UseLatestRestorableTime"))
    if bool(moment) is latest:
        raise InvalidParameterCombination("Exactly one of RestoreTime and UseLatestRestorableTime must be specified.")
    name = source.db_instance_identifier
    if source.archive is None or source.source:
        raise RDSClientError("PointInTimeRestoreNotEnabled", f"Automated backups are not enabled for DB instance {name}.")
    if source.archive.earliest is None or source.archive.latest is None:
        raise wrong_state(f"DB instance {name} has no complete backup yet.")
    refusal = "The specified instance cannot be restored to a time"
    if moment and moment > source.archive.latest:
        raise InvalidParameterValue(f"{refusal} later than {_text(source.archive.latest)}.")
    if moment and moment < source.archive.earliest:
        reason = f"because its backup retention period is set to {source.backup_retention_period} days"
        raise InvalidParameterValue(f"{refusal} earlier than {_text(source.archive.earliest)} {reason}.")
    return moment


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
