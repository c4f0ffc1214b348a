"""The roles of a server, as RDS sets them up and changes them."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from rds_sandbox.postgres.extensions import FIRST_MAJOR, PRELOADED
from rds_sandbox.postgres.server import Server, compose

REPLICATOR = "rdsrepladmin"  # the role of that name on RDS


def create_master_user(server: Server, name: str, password: str, database: str | None) -> None:
    """Set up what a new DB instance has: rds_superuser, the master user, its database.

    Source: Amazon RDS User Guide, "Understanding PostgreSQL roles and permissions".
    """
    if PRELOADED in server.settings.get("shared_preload_libraries", "") and server.programs.major() < FIRST_MAJOR:
        _create_extension(server)
    with server.administrator() as connection:
        for step in ("roles", "master_user", "ownership"):
            connection.execute(compose(step, master=name))
        _set_password(connection, name, password)
        if database and database != "postgres":
            connection.execute(compose("database", master=name, database=database))


def _create_extension(server: Server) -> None:
    """Create in every database what the master user cannot."""
    for database in ("template1", "postgres"):
        with server.administrator(database) as connection:
            connection.execute(compose("preloaded_extension"))


def set_password(server: Server, name: str, password: str) -> None:
    """Give a role another password."""
    with server.administrator() as connection:
        _set_password(connection, name, password)


def allow_replication(server: Server, password: str) -> None:
    """Let read replicas stream from this server."""
    with server.administrator() as connection:
        connection.execute(compose("replicator", role=REPLICATOR, verifier=_verifier(connection, REPLICATOR, password)))


def _set_password(connection: psycopg.Connection[Any], name: str, password: str) -> None:
    connection.execute(compose("password", master=name, verifier=_verifier(connection, name, password)))


def _verifier(connection: psycopg.Connection[Any], name: str, password: str) -> sql.Literal:
    """The SCRAM verifier, which is sent instead of the password: no log can hold that."""
    verifier: bytes = connection.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256")
    return sql.Literal(verifier.decode())
