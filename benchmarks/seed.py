r"""`seed --scale` beside psql's \copy of the very rows from ready files, into the same tables, indexes and keys."""

from __future__ import annotations

from collections.abc import Iterator
from tempfile import TemporaryDirectory

from benchmarks import databases
from benchmarks.compare import compare, timed
from benchmarks.databases import Databases

SIZES = 1_000_000, 100_000, 3_000_000
ROUNDS = 3
TABLES = {
    "users": "uuid, handle, display_name, email, created_at",
    "activities": "uuid, user_uuid, message, replies_count, reply_to_activity_uuid, expires_at, created_at",
}


def lines(tiny: bool = False) -> Iterator[str]:
    """The time of a million, then the memory of a hundred thousand and of three million."""
    activities, few, many = (100, 100, 200) if tiny else SIZES
    with databases.databases() as made, TemporaryDirectory(prefix="cruddur-bench-") as folder:
        databases.seed(made.make("ours"), activities)
        _copy(made, "ours", "TO", folder)
        yield compare(
            f"seed --scale {activities:,} : psql \\copy",
            lambda: databases.seed(made.make("ours"), activities),
            lambda: _timed_copy(made, folder),
            1.25,
            1 if tiny else ROUNDS,
        )
        least, most = (databases.memory_of_seed(made.make("ours"), count) for count in (few, many))
        yield f"seed --scale, largest resident memory: {least:.0f} MiB at {few:,}, {most:.0f} MiB at {many:,}"


def _timed_copy(made: Databases, folder: str) -> float:
    made.make("theirs")
    return timed(lambda: _copy(made, "theirs", "FROM", folder))()


def _copy(made: Databases, name: str, direction: str, folder: str) -> None:
    """Copy both tables to or from files, in one transaction."""
    commands = [rf"\copy {table} ({columns}) {direction} '{folder}/{table}'" for table, columns in TABLES.items()]
    made.psql(name, "--single-transaction", *(part for command in commands for part in ("--command", command)))
