"""What a database and a connection to it are like."""

from __future__ import annotations

from typing import Any

from cruddur_ops.database.connection import engine
from cruddur_ops.database.statements import fetch, rows
from cruddur_ops.targets import Target


def counts(target: Target) -> dict[str, int]:
    """How many rows each table of the application has, by name.

    Raises:
        SchemaMissing: the schema has not been loaded.
        DatabaseUnreachable: no connection came about.
    """
    return {row["table"]: row["rows"] for row in rows(target, "operations/counts")}


def connection_facts(target: Target, database: str | None = None) -> dict[str, Any]:
    """What a connection is like, seen from this end.

    `tls` is what libpq did (PostgreSQL 18, chapter 32.2, PQsslInUse), `sslmode` what it was asked to
    verify; pg_stat_ssl would tell of the last stretch only, where something ends TLS before the server.

    Raises:
        DatabaseUnreachable: no connection came about.
    """
    with engine(target, database).connect() as connection:
        driver: Any = connection.connection.driver_connection
        found = fetch(connection, "operations/connection")[0]
        sslmode = driver.info.get_parameters().get("sslmode", "prefer")
        return {**found, "tls": bool(driver.pgconn.ssl_in_use), "sslmode": sslmode}
