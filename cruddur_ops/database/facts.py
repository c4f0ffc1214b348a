"""What a database and a connection to it are like, and what PostgreSQL counts about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import psycopg

from cruddur_ops.database.connection import Connection, connect, session
from cruddur_ops.database.errors import SchemaMissing
from cruddur_ops.database.refusals import told
from cruddur_ops.database.statements import ask, compose, rows
from cruddur_ops.errors import RunInProgress
from cruddur_ops.figures import Figures
from cruddur_ops.target import Target

if TYPE_CHECKING:
    from pandas import DataFrame

COUNTED = 100_000  # rows of a table, by sql/operations/count.sql


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
    return {_name(row): _rows(cursor.fetchall()[0][0], row["estimate"]) for row, cursor in zip(tables, counts, strict=True)}


def _name(row: Mapping[str, Any]) -> str:
    return str(row["name"] if row["schema"] == "public" else f"{row['schema']}.{row['name']}")


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


def inspect(target: Target, what: str) -> DataFrame:
    """A table of "table_sizes", "unused_indexes" or "memory": the file of this name in sql/operations/ says what it is."""
    import pandas as pd

    return pd.DataFrame(rows(target, f"operations/{what}"))
