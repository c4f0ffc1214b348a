"""The roles in the database: an owner, what the application may, what a reader may.

Roles belong to the server, their rights to each database (PostgreSQL 18, chapters 21 and 5.8). On RDS each login role has a
secret; behind a connection URL nobody logs in as one, and SET ROLE takes it on.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from psycopg import sql

from cruddur_ops import credentials
from cruddur_ops.database.connection import Connection, connect
from cruddur_ops.database.errors import LoginRefused
from cruddur_ops.database.location import secret_name
from cruddur_ops.database.planning import PLAN_SECONDS, by_statement, planned
from cruddur_ops.database.statements import ask, compose
from cruddur_ops.errors import InstanceNotReady
from cruddur_ops.plan import Action, Change, Plan, step
from cruddur_ops.rds import instances
from cruddur_ops.target import Target

OWNER, APP, READER = "cruddur_owner", "cruddur_app", "cruddur_reader"
LOGINS = (APP, READER)


@step
def plan_roles(target: Target) -> Plan:
    """The roles, their secrets, and their rights in this database, which they get back where they lost them.

    On RDS a password is made where a secret has none, and reaches the server as its SCRAM verifier alone.
    """
    absent = Change(Action.CREATE, "roles", note="known after the database is created")
    return planned(target, "Roles", partial(_changes, target), absent)


def require_secrets(target: Target) -> None:
    """Refuse secrets with the roles' names that are somebody else's, or hold no password."""
    for role in LOGINS if not target.connection_url else ():
        credentials.changes(target, secret_name(target.db_instance_identifier, role), _members(target, role))


def _changes(target: Target, connection: Connection) -> Iterator[Change]:
    """All that is there, compared with all that is wanted."""
    found = ask(connection, "roles/state")
    logins = [row for row in found if row["role"] in LOGINS and not target.connection_url]
    for row in found:
        yield from _compared(connection, row, login=row in logins)
    for row in logins:
        yield from _login(target, connection, row["role"], row["login"])
    for row in ask(connection, "roles/grants"):
        yield by_statement(connection, _right(row), sql.SQL(row["statement"]))


def owner_changes(connection: Connection) -> Iterator[Change]:
    """The owner as it is, compared with what it should be: a database needs one from the start."""
    for row in ask(connection, "roles/state"):
        if row["role"] == OWNER:
            yield from _compared(connection, row, login=False)


def _compared(connection: Connection, row: Mapping[str, Any], *, login: bool) -> Iterator[Change]:
    """What a role lacks. Where it may log in already, it stays so: somebody else may rely on it."""
    role, resource = row["role"], f"role {row['role']}"
    action = Action.MODIFY if row["found"] else Action.CREATE
    monitors = role == READER and row["grantable"]
    lacking = {
        "create": (not row["found"], Change(action, resource)),
        "login": (login and not row["login"], Change(action, resource, "login", after="allowed")),
        "membership": (not row["usable"], Change(action, resource, "member", after="whoever connects now")),
        "monitor": (monitors and not row["monitor"], Change(action, resource, "member of", after="pg_monitor")),
    }
    if not any(lacks for lacks, _ in lacking.values()):
        yield Change(Action.NONE, resource)
    for query, (lacks, change) in lacking.items():
        if lacks:
            yield by_statement(connection, change, compose(f"roles/{query}", role=role))


def _login(target: Target, connection: Connection, role: str, login: bool) -> Iterator[Change]:
    """The secret of a role, and whether the role's password is that of the secret."""
    name = secret_name(target.db_instance_identifier, role)
    description = f"The password of {role} on {target.db_instance_identifier}"
    yield from credentials.changes(target, name, _members(target, role), description)
    if not (login and _logs_in(target, role)):
        action, note = Action.MODIFY if login else Action.CREATE, "that of its secret"
        yield Change(action, f"role {role}", "password", note=note, make=partial(_set_password, target, connection, role))


def _members(target: Target, role: str) -> Callable[[], Mapping[str, Any]]:
    """What a role's secret says but for the password: where the instance is now."""

    def members() -> Mapping[str, Any]:
        instance = instances.require(target)
        place = {"host": instance.host, "port": instance.endpoint_port, "dbname": target.db_name}
        return {"engine": "postgres", **place, "username": role}

    return members


def _logs_in(target: Target, role: str) -> bool:
    try:
        connect(replace(target, db_role=role), connect_timeout=PLAN_SECONDS).close()
    except (LoginRefused, InstanceNotReady):  # a secret that cannot be read is the second
        return False
    return True


def _set_password(target: Target, connection: Connection, role: str) -> None:
    """Bring a role to the password in its secret.

    What is sent is the SCRAM verifier: neither the statement nor a log of it holds the password.
    """
    name = secret_name(target.db_instance_identifier, role)
    password = credentials.require(target, name, "repeat, since it has gone at this moment")["password"]
    verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
    connection.execute(compose("roles/password", role=role, verifier=sql.Literal(verifier.decode())))


def grant(connection: Connection) -> None:
    """Give the roles that are there their rights on what there is now."""
    for row in ask(connection, "roles/grants"):
        if row["found"] and row["statement"]:
            connection.execute(row["statement"].encode())


def _right(row: Mapping[str, Any]) -> Change:
    """A role's rights on something as they are, compared with sql/roles/grants.sql."""
    before, after = row["before"], row["after"]
    one_sided = Action.CREATE if after else Action.DELETE
    action = Action.NONE if before == after else Action.MODIFY if before and after else one_sided
    return Change(action, f"rights of {row['resource']}", after=after, before=None if before == after else before)
