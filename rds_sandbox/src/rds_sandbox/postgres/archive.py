"""What any moment of a DB instance can be restored from: base backups, and the WAL since the first of them."""

import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Lock

from moto.core.utils import utcnow

from rds_sandbox.folders import discard
from rds_sandbox.postgres.server import Server, ServerFailed

ARCHIVE_SECONDS = 60


@dataclass
class Archive:
    """The base backups and the WAL of one server; its times are UTC without a zone, as moto's are."""

    server: Server  # archives its WAL for as long as the archive's folder exists
    backups: dict[datetime, Path] = field(default_factory=dict)  # where each base backup is, by when it was complete
    turn: Lock = field(default_factory=Lock)
    closed: datetime | None = None  # until when it reaches, where the server has ended

    def open(self) -> None:
        """Archive WAL from now on."""
        for folder in (self.server.archive.parent, self.server.archive):
            if not folder.exists():
                self.server.make_folder(folder)

    @property
    def earliest(self) -> datetime | None:
        """The first moment that can be restored; None before the first backup is complete."""
        return min(self.backups, default=None)

    @property
    def latest(self) -> datetime | None:
        """The last moment that can be restored: now, while the server runs."""
        return (self.closed or utcnow()) if self.backups else None

    def base(self, moment: datetime) -> Path:
        """The last base backup that was complete at this moment, which is not before the earliest."""
        return self.backups[max(complete for complete in self.backups if complete <= moment)]

    def flush(self) -> None:
        """Archive all that has been written until now, and a commit after it, at which recovery can stop.

        What a server has written that has ended is archived.
        """
        with self.turn:
            if self.server.running and not self.closed:
                self._flush()

    def _flush(self) -> None:
        self.server.ask("commit")
        name = self.server.ask("switch_wal")[0][0]
        deadline = time.monotonic() + ARCHIVE_SECONDS
        while not (self.server.archive / name).exists():
            if time.monotonic() > deadline or not self.server.running:
                raise ServerFailed(f"{name} was not archived in {ARCHIVE_SECONDS} seconds")
            time.sleep(0.01)

    def close(self) -> None:
        """The server is about to end: whatever was committed until now can be restored."""
        with self.turn:
            self.closed = utcnow()
            self._flush()

    def settings(self, moment: datetime | None) -> dict[str, str]:
        """What makes another server replay the WAL until this moment, or to its end, before it takes any connection.

        Source: PostgreSQL 18, chapter 25.3.5 "Recovering Using a Continuous Archive Backup".
        """
        replay = {
            "restore_command": f'cp "{self.server.archive}/%f" "%p"',
            "recovery_min_apply_delay": "0",  # which is a replica's alone
            "recovery_target_action": "promote",
            "hot_standby": "off",
        }
        return replay if moment is None else {**replay, "recovery_target_time": f"{moment.isoformat()}+00"}

    def remove(self) -> None:
        """Delete the WAL; the base backups are snapshots, which have an end of their own."""
        discard(self.server.archive, self.server.folder.parent)
