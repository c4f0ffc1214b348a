"""Automated backups: those of an instance, and those that a deleted one has left behind."""

import base64
import hashlib
from dataclasses import dataclass
from threading import Thread
from typing import Any

from moto.core.utils import utcnow
from moto.rds.exceptions import InvalidParameterCombination, RDSClientError

from rds_sandbox.patches import Request, action
from rds_sandbox.postgres.archive import Archive
from rds_sandbox.rds.backend import SandboxRDSBackend
from rds_sandbox.rds.instances import SandboxDBInstance
from rds_sandbox.rds.requests import filters, given, paged
from rds_sandbox.rds.snapshots import SandboxDBSnapshot, wait_until_made

_FILTERS = {  # what their values may be
    "status": ("status",),
    "db-instance-id": ("db_instance_identifier", "db_instance_arn"),
    "dbi-resource-id": ("dbi_resource_id", "db_instance_arn"),
}


@dataclass(frozen=True)
class AutomatedBackup:
    """The automated backups of an instance; whatever else DescribeDBInstanceAutomatedBackups shows is the instance's."""

    instance: SandboxDBInstance
    vpc_id = property(lambda self: self.instance.db_subnet_group.vpc_id)
    encrypted = property(lambda self: bool(self.instance.storage_encrypted))

    def __getattr__(self, name: str) -> Any:
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


def enable(instance: SandboxDBInstance) -> None:
    """Archive WAL from now on, and take the first automated snapshot, a base backup of the archive too."""
    instance.archive = Archive(instance.machine.running_server())
    instance.archive.open()
    made = snapshot(instance, _name(instance))
    if made.status == "available":
        instance.archive.backups[utcnow()] = made.folder


def _name(instance: SandboxDBInstance) -> str:
    """To the minute, as on AWS, where there is one a day; more exact where there is one of this minute already."""
    name = f"rds:{instance.db_instance_identifier}-{utcnow():%Y-%m-%d-%H-%M}"
    return f"{name}-{utcnow():%S-%f}" if name in instance.backend.database_snapshots else name


def snapshot(instance: SandboxDBInstance, name: str) -> SandboxDBSnapshot:
    """An automated one."""
    instance.say("backing_up")
    made = SandboxDBSnapshot(instance.backend, instance, name, "automated")
    made.take(instance)
    if made.status == "available":
        instance.say("backed_up")
    return made


def discard(instance: SandboxDBInstance) -> None:
    """Delete the automated snapshots and the WAL of an instance; it can no longer be restored to a time.

    What is being restored already has them until it is made.
    """
    for snapshot in list(instance.backend.database_snapshots.values()):
        if (snapshot.snapshot_type, snapshot.dbi_resource_id) == ("automated", instance.dbi_resource_id):
            snapshot.restored += instance.restored
            snapshot.discard()
    archive, instance.archive = instance.archive, None
    if archive:
        wait_until_made(instance.restored)
        archive.remove()


def find(backend: SandboxRDSBackend, resource_id: str | None, arn: str | None) -> AutomatedBackup:
    """Those of an instance, deleted or not; the case of a resource id does not matter."""
    if not (resource_id or arn):
        raise InvalidParameterCombination("DbiResourceId or DBInstanceAutomatedBackupsArn must be specified.")
    for backup in _all(backend):
        if backup.dbi_resource_id.lower() == (resource_id or "").lower() or backup.db_instance_automated_backups_arn == arn:
            return backup
    raise RDSClientError("DBInstanceAutomatedBackupNotFound", f"No automated backup {resource_id or arn} was found.")


def _all(backend: SandboxRDSBackend) -> list[AutomatedBackup]:
    return [AutomatedBackup(found) for found in (*backend.instances(), *backend.retained.values()) if found.archive]


@action("rds", "DescribeDBInstanceAutomatedBackups")
def describe(request: Request) -> dict[str, Any]:
    """Of the instances that there are, and of deleted ones."""
    asked = given(request)
    resource_id, arn = asked.get("DbiResourceId"), asked.get("DBInstanceAutomatedBackupsArn")
    found = [find(request.backend, resource_id, arn)] if resource_id or arn else _all(request.backend)
    wanted = [(_FILTERS[name], values) for name, values in filters(asked, _FILTERS).items()]
    if "DBInstanceIdentifier" in asked:
        wanted.append((("db_instance_identifier",), [asked["DBInstanceIdentifier"].lower()]))
    chosen = [backup for backup in found if all({getattr(backup, key) for key in keys} & {*values} for keys, values in wanted)]
    return paged({"DBInstanceAutomatedBackups": chosen}, asked)


@action("rds", "DeleteDBInstanceAutomatedBackup")
def delete(request: Request) -> dict[str, Any]:
    """Those that a deleted instance has left behind."""
    asked, backend = given(request), request.backend
    backup = find(backend, asked.get("DbiResourceId"), asked.get("DBInstanceAutomatedBackupsArn"))
    if backup.dbi_resource_id not in backend.retained:
        message = f"The automated backups of {backup.db_instance_identifier} are in use: it still exists."
        raise RDSClientError("InvalidDBInstanceAutomatedBackupState", message)
    del backend.retained[backup.dbi_resource_id]
    Thread(target=discard, args=(backup.instance,), daemon=True).start()
    return {"DBInstanceAutomatedBackup": backup}
