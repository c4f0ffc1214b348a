"""Snapshots: each is a copy of a server's data, made while the status says so."""

import logging
import os
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any, cast

from moto.core.utils import utcnow
from moto.rds import models
from moto.rds.exceptions import DBSnapshotAlreadyExistsError, InvalidParameterValue, RDSClientError, SnapshotQuotaExceededFault

from rds_sandbox import folders
from rds_sandbox.errors import NotInSandbox
from rds_sandbox.patches import Request, action
from rds_sandbox.rds import events
from rds_sandbox.rds.descriptions import DescribedDBInstance
from rds_sandbox.rds.instances import FAILURES, SandboxDBInstance
from rds_sandbox.rds.requests import filters, given, paged

log = logging.getLogger(__name__)

# What it shows of the instance as that was.
COPIED = (
    "availability_zone", "backup_retention_period", "iops", "license_model", "option_group_name", "preferred_backup_window",
    "storage_throughput", "storage_type",
)  # fmt: skip
POLL_SECONDS = 0.02
RESTORE = "restore"  # the one attribute of a snapshot (ModifyDBSnapshotAttribute)
STATES = ("available", "storage-optimization", "stopped")  # of an instance that snapshots can be made of


class SandboxDBSnapshot(models.DBSnapshot):
    """A snapshot with a folder of its own; what moto leaves out of DescribeDBSnapshots is filled in."""

    snapshot_target = "region"
    dedicated_log_volume = False
    processor_features: tuple[str, ...] = ()
    storage_encryption_type = DescribedDBInstance.storage_encryption_type
    # The ARN of the original, of every copy: so Ansible's rds_instance_snapshot and the AWS CLI's example have it; the API
    # Reference has it of those from elsewhere alone. And its region, be it this one, as in that example.
    source_db_snapshot_identifier = property(lambda self: self.original and self.original.arn)
    source_region = property(lambda self: self.original and self.original.region)
    # The size of the copy, once it is complete.
    full_snapshot_size_in_bytes = property(lambda self: self.size if self.status == "available" else None)

    backend: Any

    def __init__(self, backend: Any, instance: Any, name: str, kind: str, original: Any = None, **more: Any) -> None:
        super().__init__(backend, instance, name, kind, **more)
        self.status, self.original = "creating", original  # None where it is made of an instance
        self.host = instance.machine.host
        # The copy of the data directory, once it is available; and the size of what is copied, in bytes.
        self.folder: Path = self.host.snapshot_folder(f"{instance.dbi_resource_id.lower()}-{secrets.token_hex(4)}")
        self.size = 0
        self.restored: list[SandboxDBInstance] = []  # the instances made from it
        # Those of the instance, when it was made.
        self.source_tags: list[dict[str, str]] = original.source_tags if original else list(instance.tags or ())
        for name in COPIED:
            setattr(self, name, getattr(instance, name))
        self.vpc_id = instance.db_subnet_group.vpc_id
        self.backend.database_snapshots[self.db_snapshot_identifier] = self
        self.say("begins")

    def say(self, what: str) -> None:
        """Record the event that it begins or ends."""
        if self.original is None:
            events.say(self, f"{self.snapshot_type}_{what}")
            return
        kind = "copy" if self.source_region == self.region else "distant_copy"
        minutes = (utcnow() - self.created).seconds // 60
        events.say(self, f"{kind}_{what}", name=self.original.resource_id, region=self.source_region, minutes=minutes)

    @property
    def percent_progress(self) -> int:
        """How much of the data is copied."""
        if self.status == "available":
            return 100
        return min(99, 100 * size_of(self.folder) // self.size) if self.size else 0

    def take(self, instance: SandboxDBInstance) -> None:
        """Copy the instance's data."""
        server = instance.machine.running_server()
        self.fill(server.data, server.back_up)

    def fill(self, source: Path, copy: Callable[[Path], None]) -> None:
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
        self.say("ends")

    def discard(self) -> None:
        """Forget it, and delete the copy, once those that are restored from it have their own."""
        self.backend.database_snapshots.pop(self.db_snapshot_identifier, None)
        if being_made(self.restored):
            Thread(target=self._delete, daemon=True).start()
        else:
            self._delete()

    def _delete(self) -> None:
        wait_until_made(self.restored)
        folders.discard(self.folder, self.host.root)


def being_made(instances: Iterable[SandboxDBInstance]) -> bool:
    """Whether any of them has no data of its own yet."""
    return any(each.status == "creating" and not each.machine.removed for each in instances)


def wait_until_made(instances: Iterable[SandboxDBInstance]) -> None:
    """Those that are restored from data which is about to go: until each has its own."""
    while being_made(instances):
        time.sleep(POLL_SECONDS)


def size_of(folder: Path) -> int:
    """The bytes of a folder's files; of those that are there, where others change it meanwhile."""
    total = 0
    for file in (Path(path) / name for path, _, names in os.walk(folder) for name in names):
        with suppress(FileNotFoundError):
            total += file.stat().st_size
    return total


def register(backend: Any, instance: Any, asked: Mapping[str, Any], parameter: str, **more: Any) -> SandboxDBSnapshot:
    """The manual snapshot that this parameter of a request names, which is being created."""
    name = asked[parameter]
    backend.validate_db_snapshot_identifier(name, parameter_name=parameter)
    if name in backend.database_snapshots:
        raise DBSnapshotAlreadyExistsError(name)
    if len(backend.database_snapshots) >= backend.SNAPSHOT_QUOTA:
        raise SnapshotQuotaExceededFault()
    return SandboxDBSnapshot(backend, instance, name, "manual", **more)


def find(backend: Any, identifier: str) -> SandboxDBSnapshot:
    """The snapshot of this name or ARN, which must be available."""
    snapshot: SandboxDBSnapshot = backend.get_db_snapshot(identifier)
    if snapshot.status != "available":
        raise _wrong_state(f"DB snapshot {identifier} is not available: it is {snapshot.status}.")
    return snapshot


@action("rds", "CreateDBSnapshot")
def create(request: Request) -> dict[str, Any]:
    """A copy of the data, of a stopped instance too."""
    asked = given(request)
    instance = request.backend.find(asked["DBInstanceIdentifier"], *STATES)
    snapshot = register(request.backend, instance, asked, "DBSnapshotIdentifier", tags=asked.get("Tags"))
    instance.begin([("backing-up", lambda: snapshot.take(instance))], instance.status)
    return {"DBSnapshot": snapshot}


@action("rds", "CopyDBSnapshot")
def copy(request: Request) -> dict[str, Any]:
    """A copy of the copy, a manual one; of an encrypted one it is encrypted too."""
    asked, backend = given(request), request.backend
    source = find(_home(backend, asked["SourceDBSnapshotIdentifier"]), asked["SourceDBSnapshotIdentifier"])
    if "OptionGroupName" in asked:
        backend.require_option_group(asked["OptionGroupName"], source.engine_version)
    snapshot, programs = _copy_of(source, backend, asked), request.host.programs
    Thread(target=snapshot.fill, args=(source.folder, lambda folder: programs.copy(source.folder, folder))).start()
    return {"DBSnapshot": snapshot}


def _copy_of(source: SandboxDBSnapshot, backend: Any, asked: Mapping[str, Any]) -> SandboxDBSnapshot:
    """The copy, which is empty still, under its original's key or another one, with the tags that are asked for alone.

    The refusal is as users of AWS report it.
    """
    key = asked.get("KmsKeyId")
    if source.encrypted and source.region != backend.region_name and not key:
        raise InvalidParameterValue("Must specify new KMS key for cross region encrypted snapshot copy.")
    made, instance = source.original_snapshot_create_time, cast(SandboxDBInstance, source.database)
    more = {"original": source, "original_created_at": made}
    more["kms_key_id"] = backend._validate_kms_key(key) if key else source.kms_key_id
    snapshot = register(backend, instance, asked, "TargetDBSnapshotIdentifier", **more)
    snapshot.tags = asked.get("Tags") or (source.tags if asked.get("CopyTags") else [])  # moto would give it the instance's
    return snapshot


def _home(backend: Any, identifier: str) -> Any:
    """The backend of the region that an ARN names; a name is one of this region."""
    regions = list(models.rds_backends[backend.account_id].values())
    return next((each for each in regions if identifier.startswith(f"arn:{each.partition}:rds:{each.region_name}:")), backend)


@action("rds", "DescribeDBSnapshots")
def describe(request: Request) -> dict[str, Any]:
    """Those that the parameters and filters name."""
    asked = given(request)
    wanted = filters(asked) | ({"dbi-resource-id": [asked["DbiResourceId"]]} if "DbiResourceId" in asked else {})
    instance, snapshot, kind = (asked.get(name) for name in ("DBInstanceIdentifier", "DBSnapshotIdentifier", "SnapshotType"))
    if kind not in (None, "automated", "manual", "shared", "public", "awsbackup"):
        raise InvalidParameterValue(f"Invalid snapshot type: {kind}")
    if snapshot and snapshot.startswith("arn:"):
        snapshot = request.backend.get_db_snapshot(snapshot).db_snapshot_identifier
    return paged({"DBSnapshots": request.backend.describe_db_snapshots(instance, snapshot, kind, wanted)}, asked)


@action("rds", "DescribeDBSnapshotAttributes", "ModifyDBSnapshotAttribute")
def attributes(request: Request) -> dict[str, Any]:
    """The accounts that may restore it: none, since there is no other in the sandbox to share it with."""
    asked = given(request)
    snapshot: SandboxDBSnapshot = request.backend.get_db_snapshot(asked["DBSnapshotIdentifier"])
    if asked.get("AttributeName", RESTORE) != RESTORE:
        raise InvalidParameterValue(f"Invalid attribute name: {asked['AttributeName']}")
    if asked.get("ValuesToAdd"):
        raise NotInSandbox("to share a DB snapshot with another account is not in the sandbox")
    found = {"AttributeName": RESTORE, "AttributeValues": []}
    described = {"DBSnapshotIdentifier": snapshot.db_snapshot_identifier, "DBSnapshotAttributes": [found]}
    return {"DBSnapshotAttributesResult": described}


@action("rds", "DeleteDBSnapshot")
def delete(request: Request) -> dict[str, Any]:
    """The copy goes; an automated one goes with its instance's backups only."""
    snapshot = find(request.backend, request.parameters["DBSnapshotIdentifier"])
    if snapshot.snapshot_type != "manual":
        raise _wrong_state("Automated snapshots cannot be deleted: they go with the automated backups of their instance.")
    snapshot.discard()
    events.say(snapshot, "snapshot_deleted")
    snapshot.status = "deleted"
    return {"DBSnapshot": snapshot}


def _wrong_state(message: str) -> RDSClientError:
    return RDSClientError("InvalidDBSnapshotState", message)
