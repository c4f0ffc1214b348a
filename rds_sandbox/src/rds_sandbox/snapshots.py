"""Snapshots: each is a copy of a server's data, made while the status says so."""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

from moto.core.utils import utcnow
from moto.rds import models
from moto.rds.exceptions import DBSnapshotAlreadyExistsError, RDSClientError, SnapshotQuotaExceededFault

from rds_sandbox.folders import discard
from rds_sandbox.instances import FAILURES, SandboxDBInstance
from rds_sandbox.registry import Registry

log = logging.getLogger(__name__)

STATES = ("available", "storage-optimization", "stopped")
Tags = list[dict[str, str]] | None


class SandboxDBSnapshot(models.DBSnapshot):
    """A snapshot with a folder of its own; what moto leaves out of DescribeDBSnapshots is filled in.

    Attributes:
        folder: the copy of the data directory, once it is available.
        size: of what is copied, in bytes.
    """

    snapshot_target = "region"
    dedicated_log_volume = False

    backend: Any

    def __init__(self, backend: models.RDSBackend, instance: SandboxDBInstance, name: str, kind: str, **more: Any) -> None:
        """Register it; `take` makes the copy."""
        super().__init__(backend, instance, name, kind, **more)
        self.status = "creating"
        self.folder = instance.machine.host.snapshot_folder(f"{instance.dbi_resource_id.lower()}-{secrets.token_hex(4)}")
        self.size = 0
        for name in ("availability_zone", "license_model", "option_group_name", "storage_type", "iops", "storage_throughput"):
            setattr(self, name, getattr(instance, name))
        self.vpc_id = instance.db_subnet_group.vpc_id

    @property
    def percent_progress(self) -> int:
        """How much of the data is copied."""
        if self.status == "available":
            return 100
        return min(99, 100 * size_of(self.folder) // self.size) if self.size else 0

    @property
    def full_snapshot_size_in_bytes(self) -> int | None:
        """The size of the copy, once it is complete."""
        return self.size if self.status == "available" else None

    def take(self, source: Path, copy: Callable[[Path], None]) -> None:
        """Fill the folder with a copy of the source."""
        self.size = size_of(source)
        try:
            copy(self.folder)
        except Exception as error:
            log.error("the snapshot %s failed: %s", self.db_snapshot_identifier, error)
            self.status = "failed"
            if isinstance(error, FAILURES):
                return
            raise
        self.size = size_of(self.folder)
        self.status = "available"
        kind = "Automated" if self.snapshot_type == "automated" else "Manual"
        self.backend.say(self, "creation", f"{kind} snapshot created")


class Snapshots(Registry):
    """The actions on snapshots."""

    def create_db_snapshot(
        self, db_instance_identifier: str, db_snapshot_identifier: str, *_: Any, tags: Tags = None, **__: Any
    ) -> SandboxDBSnapshot:
        """CreateDBSnapshot: a copy of the data, of a stopped instance too."""
        instance = self.find(db_instance_identifier, *STATES)
        snapshot = self.register_snapshot(instance, db_snapshot_identifier, "manual", tags=tags)
        instance.begin([("backing-up", lambda: copy_instance(instance, snapshot))], instance.status)
        return snapshot

    def register_snapshot(self, instance: SandboxDBInstance, name: str, kind: str, **more: Any) -> SandboxDBSnapshot:
        """A snapshot that is being created.

        Raises:
            RDSClientError: `DBSnapshotAlreadyExists`, or there are too many.
        """
        if name in self.database_snapshots:
            raise DBSnapshotAlreadyExistsError(name)
        if len(self.database_snapshots) >= self.SNAPSHOT_QUOTA:
            raise SnapshotQuotaExceededFault()
        snapshot = SandboxDBSnapshot(self, instance, name, kind, **more)
        self.database_snapshots[name] = snapshot
        self.say(snapshot, "creation", f"Creating {kind} snapshot")
        return snapshot

    def take_automated_snapshot(self, instance: SandboxDBInstance) -> None:
        """The daily backup: an automated snapshot, which is a base backup of the instance's archive too."""
        assert instance.archive is not None
        name = f"rds:{instance.db_instance_identifier}-{utcnow():%Y-%m-%d-%H-%M-%S}"
        instance.say("backup", "Backing up DB instance")
        snapshot = self.register_snapshot(instance, name, "automated")
        copy_instance(instance, snapshot)
        if snapshot.status == "available":
            instance.archive.backups[utcnow()] = snapshot.folder
            instance.say("backup", "Finished DB instance backup")

    def copy_db_snapshot(
        self,
        source_db_snapshot_identifier: str,
        target_db_snapshot_identifier: str,
        kms_key_id: str | None = None,
        tags: Tags = None,
        copy_tags: bool | None = False,
        **_: Any,
    ) -> SandboxDBSnapshot:
        """CopyDBSnapshot: a copy of the copy, a manual one; of an encrypted one it is encrypted too."""
        source = self.find_snapshot(source_db_snapshot_identifier)
        key = self._validate_kms_key(kms_key_id) if kms_key_id else source.kms_key_id
        instance: Any = source.database
        copy = self.register_snapshot(
            instance,
            target_db_snapshot_identifier,
            "manual",
            tags=tags or (source.tags if copy_tags else None),
            kms_key_id=key,
            original_created_at=source.original_snapshot_create_time,
        )
        programs = self.host.programs
        Thread(target=copy.take, args=(source.folder, lambda folder: programs.copy(source.folder, folder))).start()
        return copy

    def list_snapshots(self, parameters: Mapping[str, Any]) -> list[models.DBSnapshot]:
        """DescribeDBSnapshots."""
        filters = {f["Name"]: f["Values"] for f in parameters.get("Filters") or ()}
        if "DbiResourceId" in parameters:
            filters["dbi-resource-id"] = [parameters["DbiResourceId"]]
        instance, snapshot = parameters.get("DBInstanceIdentifier"), parameters.get("DBSnapshotIdentifier")
        return self.describe_db_snapshots(instance, snapshot, parameters.get("SnapshotType"), filters)

    def find_snapshot(self, identifier: str) -> SandboxDBSnapshot:
        """The snapshot of this name or ARN, which must be available."""
        snapshot = self.get_db_snapshot(identifier)
        assert isinstance(snapshot, SandboxDBSnapshot)
        if snapshot.status != "available":
            raise _wrong_state(f"DB snapshot {identifier} is not available: it is {snapshot.status}.")
        return snapshot

    def delete_db_snapshot(self, db_snapshot_identifier: str) -> models.DBSnapshot:
        """DeleteDBSnapshot: the copy goes; an automated one goes with its instance's backups only."""
        snapshot = self.find_snapshot(db_snapshot_identifier)
        if snapshot.snapshot_type != "manual":
            raise _wrong_state("Automated snapshots cannot be deleted: they go with the automated backups of their instance.")
        self.discard_snapshots([snapshot])
        self.say(snapshot, "deletion", "Deleted manual snapshot")
        snapshot.status = "deleted"
        return snapshot

    def discard_snapshots(self, snapshots: Iterable[SandboxDBSnapshot]) -> None:
        """Delete their copies, and forget them."""
        for snapshot in list(snapshots):
            del self.database_snapshots[snapshot.db_snapshot_identifier]
            discard(snapshot.folder, self.host.root)


def copy_instance(instance: SandboxDBInstance, snapshot: SandboxDBSnapshot) -> None:
    """Make the snapshot's copy of the instance's data."""
    server = instance.machine.running_server()
    snapshot.take(server.data, server.back_up)


def size_of(folder: Path) -> int:
    """The bytes of a folder's files; of those that are there, where others change it meanwhile."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                total += (Path(path) / name).stat().st_size
    return total


def _wrong_state(message: str) -> RDSClientError:
    return RDSClientError("InvalidDBSnapshotState", message)
