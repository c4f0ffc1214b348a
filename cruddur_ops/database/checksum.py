"""Checksums: that a restored database holds the data of a moment, which were written down with a marker.

The marker and what it says are committed together, while no table takes writes: whoever reads the marker from a copy of the
database knows what else must be in it. All of it raises what connecting does, and what `errors` knows.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from psycopg import IsolationLevel

from cruddur_ops.database.connection import Connection, connect
from cruddur_ops.database.errors import SchemaMissing
from cruddur_ops.database.label import require as require_own
from cruddur_ops.database.statements import ask, compose, qualified
from cruddur_ops.errors import NotFound
from cruddur_ops.target import Target


@dataclass(frozen=True)
class Content:
    """What is in a table: the number of rows, and a checksum that does not depend on their order."""

    rows: int
    checksum: str


@dataclass(frozen=True)
class Marker:
    """A moment of a database."""

    label: str  # its name
    moment: datetime  # by the server's clock, shortly before its transaction was committed
    tables: Mapping[str, Content] = field(repr=False)  # what was in each, by schema and name

    def __repr__(self) -> str:
        """The label and what was there; nothing that differs from run to run."""
        return f"marker {self.label}: " + ", ".join(f"{name} {one.rows}" for name, one in self.tables.items())


@dataclass(frozen=True)
class Proof:
    """A database held against one of its markers."""

    label: str  # of the marker
    # For each table what was in it, and what is; None where it was not or is not there
    tables: Mapping[str, tuple[Content | None, Content | None]] = field(repr=False)

    @property
    def holds(self) -> bool:
        """Whether everything is as it was."""
        return all(before == now for before, now in self.tables.values())

    def __repr__(self) -> str:
        lines = (f"{name}: {_compared(before, now)}" for name, (before, now) in self.tables.items())
        return "\n".join([f"held against the marker {self.label}", *lines])


def _compared(before: Content | None, now: Content | None) -> str:
    if before is None or now is None:
        return "is new" if before is None else "is gone"
    if before == now:
        return f"{now.rows} rows, checksum as it was"
    return f"DIFFERS: {before.rows} rows then, {now.rows} now" if before.rows != now.rows else "DIFFERS: other values"


def mark(target: Target, label: str) -> Marker:
    """Write down what is in every table, and a marker, in one transaction.

    Writers wait meanwhile, readers do not: some seconds for each GiB.
    """
    with connect(target) as connection:
        require_own(target, connection)
        ask(connection, "operations/create_markers")
        names = _tables(connection)
        connection.commit()
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        for schema, table in names:  # before the first query, whose snapshot then has all that was committed
            ask(connection, compose("operations/lock_table", schema=schema, table=table))
        tables = _contents(connection, names)
        value = json.dumps({name: [one.rows, one.checksum] for name, one in tables.items()})
        [row] = ask(connection, "operations/mark", label=label, tables=value)
        return Marker(label, row["marked_at"], tables)


def markers(target: Target) -> list[Marker]:
    """The markers that a database holds, the oldest first; none where nobody made one."""
    with connect(target) as connection:
        try:
            found = ask(connection, "operations/markers")
        except SchemaMissing:
            return []
    return [Marker(row["label"], row["marked_at"], _read(row["tables"])) for row in found]


def prove(target: Target, label: str) -> Proof:
    """Hold a database against one of its markers."""
    found = {one.label: one for one in markers(target)}
    if label not in found:
        message = f"the database of {target.db_instance_identifier} holds no marker {label}"
        raise NotFound(f"{message}: it is of an earlier moment, or `database.mark` was not called")
    with connect(target) as connection:
        now = contents(connection)
    then = found[label].tables
    return Proof(label, {name: (then.get(name), now.get(name)) for name in sorted(then.keys() | now.keys())})


def forget_markers(target: Target, label: str = "") -> None:
    """Remove a marker, or all of them, and their table."""
    with connect(target) as connection:
        require_own(target, connection)
        if label:
            ask(connection, "operations/drop_marker", label=label)
        else:
            ask(connection, "operations/drop_markers")


def next_second(target: Target) -> datetime:
    """Wait for the next whole second of the server's clock, and return it: it parts what was committed from what follows."""
    with connect(target) as connection:
        moment: datetime = ask(connection, "operations/next_second")[0]["moment"]
    return moment


def _tables(connection: Connection) -> list[tuple[str, str]]:
    return [(row["schema"], row["name"]) for row in ask(connection, "operations/ordinary_tables")]


def contents(connection: Connection) -> dict[str, Content]:
    """What is in each table of the database; in a transaction of its own, where none is open."""
    with connection.transaction():
        return _contents(connection, _tables(connection))


def _contents(connection: Connection, names: list[tuple[str, str]]) -> dict[str, Content]:
    ask(connection, "operations/plain_text")
    found = {}
    for schema, table in names:
        [row] = ask(connection, compose("operations/content", schema=schema, table=table))
        found[qualified(schema, table)] = Content(row["rows"], row["checksum"])
    return found


def _read(tables: Mapping[str, tuple[int, str]]) -> dict[str, Content]:
    return {name: Content(rows, checksum) for name, (rows, checksum) in sorted(tables.items())}
