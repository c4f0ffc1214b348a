"""What a database and a connection to it are like, and what PostgreSQL counts about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cruddur_ops.database.connection import connect
from cruddur_ops.database.statements import ask, rows
from cruddur_ops.target import Target

if TYPE_CHECKING:
    from pandas import DataFrame


def counts(target: Target) -> dict[str, int]:
    """How many rows each table of the application has, by name."""
    return {row["table"]: row["rows"] for row in rows(target, "operations/counts")}


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
