"""The roles in the database: an owner, what the application may, what a reader may.

Roles belong to the server, their rights to each database (PostgreSQL 18, chapters 21 and 5.8). On RDS each
login role has a secret; behind a connection URL nobody logs in as one, and SET ROLE takes it on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import psycopg
import sqlalchemy
from psycopg import sql

from cruddur_ops import calls, credentials
from cruddur_ops.database.connection import connect, engine
from cruddur_ops.database.location import secret_name
from cruddur_ops.database.planning import PLAN_SECONDS, Step, look, perform, plan_of, planned, require_agreement
from cruddur_ops.database.refusals import told
from cruddur_ops.database.statements import ask, compose, driver, fetch
from cruddur_ops.database.unreachable import LoginRefused
from cruddur_ops.plan import Action, Change, Outcome, Plan
from cruddur_ops.rds import instances
from cruddur_ops.targets import Target

OWNER, APP, READER = "cruddur_owner", "cruddur_app", "cruddur_reader"
LOGINS = (APP, READER)
PASSWORD = "password"


def plan_roles(target: Target) -> Plan:
    """What `ensure_roles` would do: roles, their secrets, and their rights in this database."""
    absent = Change(Action.CREATE, "roles", note="known after the database is created")
    return planned(target, "Roles", lambda: look(target, lambda connection: _changes(connection, target)), absent)


def _changes(connection: sqlalchemy.Connection, target: Target) -> tuple[Change, ...]:
    return tuple(step.change for step in _steps(driver(connection), target))


def ensure_roles(target: Target, confirm: str = "") -> Outcome:
    """Make the roles that are missing, and give back the rights that they lost.

    The database's part is one transaction. On RDS a password is generated here where a secret has none,
    and reaches the server as its SCRAM verifier alone.

    Raises:
        ConfirmationRequired: the target is protected and `confirm` is not its DB instance identifier.
        NotPermitted: the user may not create roles, or not grant these.
        RunInProgress: somebody else makes the same roles at this moment.
        AccessDenied: the caller may not write to Secrets Manager.
        DatabaseUnreachable: no connection came about.
    """
    with engine(target).begin() as connection, told():
        fetch(connection, "operations/lock_schema")
        session = driver(connection)
        steps = list(_steps(session, target))
        plan = plan_of("Roles", target, steps)
        outcome = require_agreement(plan, target, confirm)
        for call in [call for change in plan.mutating for call in change.calls]:
            calls.send(target, call)
        perform(session, steps)
        _set_passwords(session, target, plan)
        return outcome


def _steps(connection: psycopg.Connection[Any], target: Target) -> Iterator[Step]:
    """All that is there, compared with all that is wanted."""
    on_rds = not target.connection_url
    found = ask(connection, "roles/state")
    for row in found:
        yield from _compared(row, login=on_rds and row["role"] in LOGINS)
    for row in found:
        if on_rds and row["role"] in LOGINS:
            yield from _login_steps(target, row["role"], row["login"])
    yield from (_grant_step(row) for row in ask(connection, "roles/grants"))


def owner_steps(connection: psycopg.Connection[Any]) -> Iterator[Step]:
    """The owner as it is, compared with what it should be: a database needs one from the start."""
    for row in ask(connection, "roles/state"):
        if row["role"] == OWNER:
            yield from _compared(row, login=False)


def _compared(row: Mapping[str, Any], *, login: bool) -> Iterator[Step]:
    """What a role lacks. Where it may log in already, it stays so: somebody else may rely on it."""
    role, resource = row["role"], _resource(row["role"])
    action = Action.MODIFY if row["found"] else Action.CREATE
    lacking = {
        "create": (not row["found"], Change(action, resource)),
        "login": (login and not row["login"], Change(action, resource, "login", after="allowed")),
        "membership": (not row["usable"], Change(action, resource, "member", after="whoever connects now")),
        "monitor": (
            role == READER and row["grantable"] and not row["monitor"],
            Change(action, resource, "member of", after="pg_monitor"),
        ),
    }
    steps = [Step(change, compose(f"roles/{query}", role=role)) for query, (lacks, change) in lacking.items() if lacks]
    yield from steps or [Step(Change(Action.NONE, resource))]


def _login_steps(target: Target, role: str, login: bool) -> Iterator[Step]:
    """The secret of a role, and whether the role's password is that of the secret."""
    changes = credentials.changes(target, *_secret(target, role))
    yield from (Step(change) for change in changes)
    readable = all(not change.mutating or change.setting == "endpoint" for change in changes)
    if not (login and readable and _logs_in(target, role)):
        yield Step(Change(Action.MODIFY if login else Action.CREATE, _resource(role), PASSWORD, note="that of its secret"))


def _secret(target: Target, role: str) -> tuple[str, Callable[[], Mapping[str, Any]], str]:
    """Name, members and description of a role's secret: the members say where the instance is now."""

    def members() -> dict[str, Any]:
        instance = instances.require(target)
        place = {"host": instance.host, "port": instance.endpoint_port, "dbname": target.db_name}
        return {"engine": "postgres", **place, "username": role}

    name = secret_name(target.db_instance_identifier, role)
    return name, members, f"The password of {role} on {target.db_instance_identifier}"


def _logs_in(target: Target, role: str) -> bool:
    try:
        connect(replace(target, db_role=role), connect_timeout=PLAN_SECONDS).close()
    except LoginRefused:
        return False
    return True


def _set_passwords(connection: psycopg.Connection[Any], target: Target, plan: Plan) -> None:
    """Bring roles to the passwords in their secrets.

    What is sent is the SCRAM verifier: neither the statement nor a log of it holds the password.
    """
    changed = {(change.resource, change.setting) for change in plan.mutating}
    for role in LOGINS:
        if (_resource(role), PASSWORD) in changed:
            password = credentials.require(target, _secret(target, role)[0], "repeat: the secret has gone since")["password"]
            verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
            connection.execute(compose("roles/password", role=role, verifier=sql.Literal(verifier.decode())))


def grant(connection: psycopg.Connection[Any]) -> None:
    """Give the roles that are there their rights on what there is now."""
    perform(connection, (_grant_step(row) for row in ask(connection, "roles/grants") if row["found"]))


def _grant_step(row: Mapping[str, Any]) -> Step:
    """A role's rights on something as they are, compared with sql/roles/grants.sql."""
    before, after = row["before"], row["after"]
    action = Action.NONE if before == after else Action.MODIFY if before and after else _one_sided(after)
    change = Change(action, f"rights of {row['resource']}", after=after, before=None if before == after else before)
    return Step(change, sql.SQL(row["statement"]))


def _one_sided(after: str | None) -> Action:
    return Action.CREATE if after else Action.DELETE


def _resource(role: str) -> str:
    return f"role {role}"
