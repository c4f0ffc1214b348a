"""What the target's server and database are like at this moment, however much of them is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg

from cruddur_ops import pictures
from cruddur_ops.database import label
from cruddur_ops.database.connection import Connection, connect, session
from cruddur_ops.database.errors import NotPermitted, SchemaMissing, told
from cruddur_ops.database.location import locate
from cruddur_ops.database.planning import UNKNOWN_YET, on_server, require_no_silence
from cruddur_ops.database.schema import schema_checksum
from cruddur_ops.database.sessions import all_sessions, others, whole_seconds
from cruddur_ops.database.statements import ask, compose, qualified, rows
from cruddur_ops.errors import RunInProgress
from cruddur_ops.figures import Figures
from cruddur_ops.pictures import BLUE, ORANGE, Picture
from cruddur_ops.progress import waiting
from cruddur_ops.target import Target
from cruddur_ops.texttable import pairs

if TYPE_CHECKING:
    from pandas import DataFrame

LISTED = 5  # tables by name
COUNTED = 100_000  # rows of a table, by sql/operations/count.sql
MISSING = "there is none yet, 03_load_schema_and_seed creates it"


@dataclass(frozen=True)
class Status:
    """A server and one database of it."""

    place: str  # where it is; no secret
    version: str  # the server's, such as "18.6"
    up: timedelta  # how long the server has been running
    replica: bool  # whether it only reads
    user: str  # as whom this was asked
    sessions: int  # how many others are connected, without AWS's own
    connection_limit: int  # how many may be
    present: bool  # whether the database is there
    size: int | None = None  # of the database in bytes; None where it is not there, or one may not ask
    environment: str = ""  # the name of the target that it was created for; empty where nobody labelled it
    # Version, checksum, loaded_at and loaded_by; empty where no schema was loaded
    schema: Mapping[str, Any] = field(default_factory=dict)
    unrecorded: tuple[str, ...] = ()  # the tables of a database in which no schema is recorded
    # Rows of each table, by name, as `database.counts` gives them; None where this user may read none
    counts: Mapping[str, int] | None = None

    def __str__(self) -> str:
        lines = {
            "server": f"PostgreSQL {self.version}{', a replica' if self.replica else ''}, up for {whole_seconds(self.up)}",
            "connected as": self.user,
            "sessions": f"{self.sessions} others, of {self.connection_limit} that may connect",
            "database": self.place if self.present else f"{self.place}; {MISSING}",
        }
        return pairs({**lines, **(self._content() if self.present else {})})

    def _content(self) -> dict[str, str]:
        counts = {f"rows of {table}": _counted(count) for table, count in (self.counts or {}).items()}
        return {
            "environment": self.environment or "not labelled",
            "schema": _unrecorded(self.unrecorded) if self.unrecorded else _schema_line(self.schema),
            "size": "not visible" if self.size is None else readable(self.size),
            **counts,
        }

    __repr__ = __str__


def _counted(rows: int) -> str:
    if rows == COUNTED + 1:
        return f"more than {COUNTED:,}"
    return f"{'about ' if rows > COUNTED else ''}{rows:,}"


def _unrecorded(tables: tuple[str, ...]) -> str:
    named = ", ".join(tables[:LISTED]) + (", …" if len(tables) > LISTED else "")
    return f"none recorded, and tables are there ({named}): load into a new database by setting db_name"


def _schema_line(schema: Mapping[str, Any]) -> str:
    if not schema:
        return "none loaded: `cruddur-ops db schema-load` loads it"
    if not schema["checksum"]:
        return f"version {schema['version']}, by migrations alone"
    loaded_at: datetime = schema["loaded_at"]
    same = "that of" if schema["checksum"] == schema_checksum() else "NOT that of"
    when = f"since {loaded_at:%Y-%m-%d %H:%M %Z}, by {schema['loaded_by']}"
    return f"version {schema['version']}, checksum {schema['checksum'][:12]} ({same} sql/schema.sql), {when}"


def readable(size: float) -> str:
    """Bytes in binary units, such as "7.6 MiB"."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.4g} {unit}"
        size /= 1024
    return f"{size:.4g} TiB"


def status(target: Target) -> Status:
    """Ask the server for all this."""
    location = locate(target)
    with on_server(target) as connection, waiting("status") as show:
        (server,) = ask(connection, "operations/server", database=location.database)
        sessions = len(others(all_sessions(connection)))
        environment = label.read(connection, location.database) if server["present"] else ""
        show("counting rows")
        content = _content(connection) if connection.info.dbname == location.database else {}
    return Status(**server, place=str(location), sessions=sessions, environment=environment, **content)


def _content(connection: Connection) -> dict[str, Any]:
    """What is in the database that is connected to, as far as there is a schema and this user may look."""
    try:
        found = ask(connection, "operations/schema_version")
    except (SchemaMissing, NotPermitted):
        found = []
    tables = [f"{row['schema']}.{row['name']}" for row in ask(connection, "operations/ordinary_tables")]
    content = {"schema": found[0] if found else {}, "unrecorded": () if found else tuple(tables)}
    return {**content, "counts": counted(connection) or None}


def counts(target: Target) -> Figures:
    """How many rows each table has, by name; beyond `COUNTED` an estimate. SchemaMissing where there is none to read."""
    with session(target) as cursor:
        found = counted(cursor.connection)
    if not found:
        raise SchemaMissing("the database has no table to count: run 03_load_schema_and_seed")
    return Figures("rows", found)


def counted(connection: Connection) -> dict[str, int]:
    """The same; a large table is not counted to its end, and all are asked for at once."""
    tables = ask(connection, "operations/countable")
    try:
        with told(), connection.pipeline():
            counts = [connection.execute(compose("operations/count", schema=row["schema"], table=row["name"])) for row in tables]
    except psycopg.errors.UndefinedTable as error:
        raise RunInProgress("somebody dropped a table at this moment: repeat") from error
    return {
        qualified(row["schema"], row["name"]): _rows(cursor.fetchall()[0][0], row["estimate"])
        for row, cursor in zip(tables, counts, strict=True)
    }


def _rows(counted: int, estimate: int) -> int:
    return counted if counted <= COUNTED else max(counted, estimate)


def connection_facts(target: Target, database: str | None = None) -> dict[str, Any]:
    """What a new connection is like, seen from this end.

    `tls` is what libpq did (PostgreSQL 18, chapter 32.2, PQsslInUse), `sslmode` what it was asked to
    verify; pg_stat_ssl would tell of the last stretch only, where something ends TLS before the server.
    """
    with connect(target, database) as connection:
        sslmode = connection.info.get_parameters().get("sslmode", "prefer")
        facts = {"tls": bool(connection.pgconn.ssl_in_use), "sslmode": sslmode}
        return {**ask(connection, "operations/connection")[0], **facts}


def connection_limit(target: Target) -> int | None:
    """How many clients may connect to the server at once; None where that of a DB instance cannot be asked yet."""
    try:
        require_no_silence(target)
        with on_server(target, True) as connection:
            (server,) = ask(connection, "operations/server", database=target.db_name)
    except tuple(UNKNOWN_YET):
        if target.connection_url:
            raise
        return None
    limit: int = server["connection_limit"]
    return limit


def sizes(target: Target) -> Picture:
    """The largest tables and their indexes."""
    found = rows(target, "operations/sizes")
    if not found:
        return Picture("there are no tables")
    names = [one["table"] for one in found]
    tables, indexes = ([one[part] for one in found] for part in ("table_bytes", "index_bytes"))
    figure, [axes] = pictures.panels(0.3 * len(found) + 0.6)
    axes.barh(names, tables, color=BLUE, label="table")
    bars = axes.barh(names, indexes, left=tables, color=ORANGE, edgecolor="black", hatch="//", linewidth=0.5, label="its indexes")
    axes.bar_label(bars, [readable(sum(both)) for both in zip(tables, indexes, strict=True)], padding=4)
    axes.set(ylim=(len(found) - 0.5, -0.5), xticks=[], xlim=(0, 1.15 * max(map(sum, zip(tables, indexes, strict=True)))))
    axes.set_title("Size of the tables", loc="left", fontsize=10)
    axes.legend(frameon=False, loc="lower right")
    return Picture(f"the sizes of {len(found)} tables and of their indexes, the largest first", figure)


def inspect(target: Target, what: str) -> DataFrame:
    """A table of "table_sizes", "unused_indexes" or "memory": the file of this name in sql/operations/ says what it is."""
    import pandas as pd

    return pd.DataFrame(rows(target, f"operations/{what}"))
