r"""`seed --scale` beside psql's \copy of the very rows from ready files, into the same tables, indexes and keys."""

from __future__ import annotations

from collections.abc import Iterator
from tempfile import TemporaryDirectory

from benchmarks import databases
from benchmarks.compare import compare, timed
from benchmarks.databases import Databases

ACTIVITIES, FEW, MANY = 1_000_000, 100_000, 3_000_000
ROUNDS = 3
TABLES = {
    "users": "uuid, handle, display_name, email, created_at",
    "activities": "uuid, user_uuid, message, replies_count, reply_to_activity_uuid, expires_at, created_at",
}


def lines() -> Iterator[str]:
    """The time of a million, then the memory of a hundred thousand and of three million."""
    with databases.databases() as made, TemporaryDirectory(prefix="cruddur-bench-") as folder:
        databases.seed(made.make("ours"), ACTIVITIES)
        _copy(made, "ours", "TO", folder)
        yield compare(
            f"seed --scale {ACTIVITIES:,} : psql \\copy",
            lambda: databases.seed(made.make("ours"), ACTIVITIES),
            lambda: _timed_copy(made, folder),
            1.25,
            ROUNDS,
        )
        few, many = (databases.memory_of_seed(made.make("ours"), count) for count in (FEW, MANY))
        yield f"seed --scale, largest resident memory: {few:.0f} MiB at {FEW:,}, {many:.0f} MiB at {MANY:,}"


def _timed_copy(made: Databases, folder: str) -> float:
    made.make("theirs")
    return timed(lambda: _copy(made, "theirs", "FROM", folder))()


def _copy(made: Databases, name: str, direction: str, folder: str) -> None:
    """Copy both tables to or from files, in one transaction."""
    commands = [rf"\copy {table} ({columns}) {direction} '{folder}/{table}'" for table, columns in TABLES.items()]
    made.psql(name, "--single-transaction", *(part for command in commands for part in ("--command", command)))
