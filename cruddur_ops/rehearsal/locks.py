"""Locks of a step that would keep the application waiting: which, on what, since when and until when.

They are sampled from another connection, and after each statement of a file looked at in its own transaction, so that none is too
short to be seen.
"""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psycopg

from cruddur_ops import threads
from cruddur_ops.database.connection import Connection, connect
from cruddur_ops.database.masking import statement_kind
from cruddur_ops.database.scripts import observer
from cruddur_ops.database.statements import ask, qualified
from cruddur_ops.database.tokens import Statement
from cruddur_ops.errors import OpsError
from cruddur_ops.target import Target

EVERY = 0.02  # seconds between two samples
# Who waits for a table as long as somebody has such a lock on it (PostgreSQL 18, chapter 13.3.1).
EXCLUSIVE = "AccessExclusiveLock"
WAITING = {
    EXCLUSIVE: "whoever reads or writes",
    "ExclusiveLock": "whoever writes",
    "ShareRowExclusiveLock": "whoever writes",
    "ShareLock": "whoever writes",
}


@dataclass(frozen=True)
class Lock:
    """A lock on a table."""

    relation: str
    mode: str  # as pg_locks has it
    began: float  # in seconds since the step began
    ended: float  # likewise
    keeping: tuple[str, ...] = ()  # the application's statements that would have waited, by their names in sql/

    @property
    def seconds(self) -> float:
        """For how long it was held, as far as it was seen."""
        return self.ended - self.began

    @property
    def words(self) -> str:
        """The mode as PostgreSQL's manual writes it, such as "ACCESS EXCLUSIVE"."""
        return "".join(f" {letter}" if letter.isupper() else letter for letter in self.mode.removesuffix("Lock")).strip().upper()

    def __str__(self) -> str:
        such = f", such as {', '.join(self.keeping)}" if self.keeping else ""
        return f"{self.words} on {self.relation} for {self.seconds:.2f} s: {WAITING[self.mode]} would have waited{such}"


@dataclass(frozen=True)
class Timed:
    """A statement of a file."""

    file: str  # below sql/
    line: int  # where it begins
    kind: str  # such as "ALTER TABLE"; its text may hold somebody's data
    seconds: float  # how long it took
    scanned: tuple[str, ...] = ()  # the tables that it read from end to end
    rewritten: tuple[str, ...] = ()  # those that it wrote anew
    # Those that its transaction has then, by table: the strongest mode of each
    locks: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Watch:
    """What was seen while a step ran."""

    began: float = field(default_factory=time.monotonic)
    statements: list[Timed] = field(default_factory=list)
    _locks: list[Lock] = field(default_factory=list)
    _scans: dict[str, int] = field(default_factory=dict)
    _files: dict[str, int] = field(default_factory=dict)  # where each table is that was there in the beginning
    _turn: threading.Lock = field(default_factory=threading.Lock)

    @property
    def locks(self) -> tuple[Lock, ...]:
        """Those seen, in their order."""
        return tuple(sorted(self._locks, key=lambda one: (one.began, one.relation)))

    def see(self, relation: str, mode: str, since: float = 0.0) -> None:
        """Count a lock that is held now, and was perhaps since so many seconds."""
        now = time.monotonic() - self.began
        with self._turn:
            for number, one in enumerate(self._locks):
                if (one.relation, one.mode) == (relation, mode) and now - since - one.ended < 10 * EVERY:
                    self._locks[number] = Lock(relation, mode, one.began, now)
                    return
            self._locks.append(Lock(relation, mode, now - since, now))

    def sample(self, connection: Connection) -> None:
        """Look at everybody's locks."""
        for row in ask(connection, "rehearsal/locks"):
            self.see(qualified(row["schema"], row["name"]), row["mode"])

    def after(self, connection: Connection, file: str, one: Statement, seconds: float) -> None:
        """Look at what a statement has left in its transaction."""
        found = {qualified(row["schema"], row["name"]): row["scans"] for row in ask(connection, "rehearsal/scans")}
        scanned = sorted(name for name, scans in found.items() if scans != self._scans.get(name, 0))
        now = files(connection)
        rewritten = [name for name, file in self._files.items() if now.get(name, file) != file]
        self._scans, self._files = found, {name: now[name] for name in self._files if name in now}
        modes: dict[str, str] = {}
        for row in sorted(ask(connection, "rehearsal/own_locks"), key=lambda row: -[*WAITING].index(row["mode"])):
            modes[qualified(row["schema"], row["name"])] = row["mode"]
            self.see(qualified(row["schema"], row["name"]), row["mode"], seconds)
        held = {name: mode for name, mode in modes.items() if name in self._files}  # for a new table nobody waits
        kind = statement_kind(" ".join(one.words))
        self.statements.append(Timed(file, one.line, kind, seconds, tuple(scanned), tuple(rewritten), held))


def files(connection: Connection) -> dict[str, int]:
    """Where each table is."""
    found = [row for row in ask(connection, "rehearsal/relations") if row["kind"] == "r"]
    return {qualified(row["schema"], row["name"]): row["file"] for row in found}


@contextmanager
def watching(target: Target) -> Iterator[Watch]:
    """Look at the locks of the target's database as long as the block runs."""
    with connect(target, autocommit=True) as connection:
        watch = Watch(_files=files(connection))

        def look(over: threading.Event) -> None:
            with suppress(psycopg.Error, OpsError):  # a server that goes down meanwhile has no locks to tell
                while not over.wait(EVERY):
                    watch.sample(connection)

        token = observer.set(watch.after)
        try:
            with threads.beside(look):
                yield watch
        finally:
            observer.reset(token)
