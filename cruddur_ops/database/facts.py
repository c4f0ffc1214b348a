"""What a database and a connection to it are like, and what PostgreSQL counts about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cruddur_ops.database.connection import Connection, connect, session
from cruddur_ops.database.errors import SchemaMissing
from cruddur_ops.database.statements import ask, compose, rows
from cruddur_ops.target import Target

if TYPE_CHECKING:
    from pandas import DataFrame

COUNTED = 100_000  # rows of a table, by sql/operations/count.sql


def counts(target: Target) -> dict[str, int]:
    """How many rows each table has, by name; beyond `COUNTED` an estimate. SchemaMissing where there is none to read."""
    with session(target) as cursor:
        found = counted(cursor.connection)
    if not found:
        raise SchemaMissing("the database has no table to count: run 03_load_schema_and_seed")
    return found


def counted(connection: Connection) -> dict[str, int]:
    """The same; a large table is not counted to its end."""
    return dict(_counted(connection, **row) for row in ask(connection, "operations/countable"))


def _counted(connection: Connection, schema: str, name: str, estimate: int) -> tuple[str, int]:
    [row] = ask(connection, compose("operations/count", schema=schema, table=name))
    rows: int = row["rows"]
    return name if schema == "public" else f"{schema}.{name}", rows if rows <= COUNTED else max(rows, estimate)


def connection_facts(target: Target, database: str | None = None) -> dict[str, Any]:
    """What a new connection is like, seen from this end.

    `tls` is what libpq did (PostgreSQL 18, chapter 32.2, PQsslInUse), `sslmode` what it was asked to
    verify; pg_stat_ssl would tell of the last stretch only, where something ends TLS before the server.
    """
    with connect(target, database) as connection:
        sslmode = connection.info.get_parameters().get("sslmode", "prefer")
        facts = {"tls": bool(connection.pgconn.ssl_in_use), "sslmode": sslmode}
        return {**ask(connection, "operations/connection")[0], **facts}


def inspect(target: Target, what: str) -> DataFrame:
    """A table of "table_sizes", "unused_indexes" or "memory": the file of this name in sql/operations/ says what it is."""
    import pandas as pd

    return pd.DataFrame(rows(target, f"operations/{what}"))
