"""The roles of a server, as RDS sets them up and changes them."""

import hashlib
from typing import Any

import psycopg
from psycopg import sql

from rds_sandbox.postgres import queries
from rds_sandbox.postgres.extensions import FIRST_MAJOR, preloaded
from rds_sandbox.postgres.server import ADMINISTRATOR, Server, compose

ADMIN_MAJOR = 16  # before it, CREATEROLE alone may grant all roles but superusers
REPLICATOR = "rdsrepladmin"  # the role of that name on RDS


def create_master_user(server: Server, name: str, password: str, database: str | None) -> None:
    """Set up what a new DB instance has: rds_superuser, the master user, its database.

    Source: Amazon RDS User Guide, "Understanding PostgreSQL roles and permissions".
    """
    create_preloaded(server, "template1", "postgres")
    with server.administrator() as connection:
        for step in ("roles", *_grants(server), "master_user", "ownership"):
            connection.execute(compose(step, master=name))
        _set_password(connection, name, password)
        if database and database != "postgres":
            connection.execute(compose("database", master=name, database=database))


def _grants(server: Server) -> tuple[str, ...]:
    return ("grantable_roles", "subscribing_roles") if server.programs.major() >= ADMIN_MAJOR else ("closed_roles",)


def renew_grants(server: Server) -> None:
    """Let rds_superuser grant, after an upgrade to another major, what it does on a new server of that."""
    for step in _grants(server):
        server.ask(step)


def create_preloaded(server: Server, *databases: str) -> None:
    """Create what is preloaded, where the master user cannot."""
    for database in databases if preloaded(server.settings) and server.programs.major() < FIRST_MAJOR else ():
        server.ask("preloaded_extension", database)


def set_password(server: Server, name: str, password: str) -> None:
    """Give a role another password."""
    with server.administrator() as connection:
        _set_password(connection, name, password)


def allow_replication(server: Server, password: str) -> None:
    """Let read replicas stream from this server."""
    with server.administrator() as connection:
        verifier = sql.Literal(_verifier(connection, REPLICATOR, password))
        connection.execute(compose("replicator", role=REPLICATOR, verifier=verifier))


def prepare_login(server: Server, name: str, *, iam: bool, known: str | None) -> str | None:
    """Before a role, where there is one, logs in: give PostgreSQL what RDS takes from its memberships.

    `iam` says whether members of rds_iam log in by token; of one who does, the verifier of `iam_password` is returned, which is
    `known` where this has given it to the role already.
    """
    with server.administrator() as connection:
        row = connection.execute(queries.load("login"), {"user": name}).fetchone()
        if row is None:
            return None
        of_iam, replicates, may_replicate, verifier = row
        if replicates is not may_replicate and name not in (ADMINISTRATOR, REPLICATOR):
            connection.execute(compose("allow_replication" if replicates else "forbid_replication", role=name))
        if not (iam and of_iam):
            return None
        if known is None or verifier != known:
            known = _verifier(connection, name, iam_password(server, name))
            connection.execute(compose("password", master=name, verifier=sql.Literal(known)))
        return known


def iam_password(server: Server, name: str) -> str:
    """With which the gateway logs in whoever has shown a token: on RDS too, such a role has no other password that counts."""
    return hashlib.sha256(f"iam {name} {server.password}".encode()).hexdigest()


def _set_password(connection: psycopg.Connection[Any], name: str, password: str) -> None:
    connection.execute(compose("password", master=name, verifier=sql.Literal(_verifier(connection, name, password))))


def _verifier(connection: psycopg.Connection[Any], name: str, password: str) -> str:
    """The SCRAM verifier, which is sent instead of the password: no log can hold that."""
    verifier: bytes = connection.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256")
    return verifier.decode()
