"""The database on the server: create it, load its schema, seed it, look at it. Each step plans first."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import psycopg
import sqlalchemy
from psycopg import sql

from cruddur_ops import queries
from cruddur_ops.database.connection import connect, engine
from cruddur_ops.database.location import MAINTENANCE_DATABASE, database_name
from cruddur_ops.database.unreachable import ConnectionTimedOut, DatabaseMissing
from cruddur_ops.errors import InstanceNotReady, OpsError, RunInProgress, WrongInput
from cruddur_ops.plan import Action, Change, Outcome, Plan, apply, require_confirmation
from cruddur_ops.targets import Target

PLAN_SECONDS = 3  # a plan must not wait long for a security group that is still closed
UNKNOWN_YET: dict[type[Exception], str] = {
    InstanceNotReady: "known after 01_provision_rds",
    ConnectionTimedOut: "known after 02_open_security_group",
}


class SchemaDiffers(WrongInput):
    """The database has tables that another schema.sql made; nothing was touched."""


class SchemaMissing(OpsError):
    """The database has no tables yet."""


def rows(target: Target, query: str, **parameters: Any) -> list[dict[str, Any]]:
    """Run a query of sql/ in a transaction of its own, and return its rows.

    Raises:
        SchemaMissing: the schema has not been loaded.
        DatabaseUnreachable: no connection came about.
    """
    with engine(target).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        return _rows(connection, query, **parameters)


def _rows(connection: sqlalchemy.Connection, query: str, **parameters: Any) -> list[dict[str, Any]]:
    statement = sqlalchemy.text(queries.load(query).text)
    try:
        return [dict(row) for row in connection.execute(statement, parameters).mappings()]
    except sqlalchemy.exc.ProgrammingError as error:
        if isinstance(error.orig, psycopg.errors.UndefinedTable):
            raise SchemaMissing("the database has no schema yet: run 03_load_schema_and_seed") from error
        raise


def plan_create(target: Target) -> Plan:
    """What `create` would do."""
    resource = f"database {database_name(target)}"
    return _plan(target, "Database", lambda: [Change(Action.NONE, resource)], Change(Action.CREATE, resource))


def create(target: Target, confirm: str = "") -> Outcome:
    """Create the database where it is missing, in UTF-8 and owned by the user who connects.

    Raises:
        ConfirmationRequired: the target is protected and `confirm` is not its DB instance identifier.
        WrongInput: the user may not create databases.
        RunInProgress: somebody else created it since.
        DatabaseUnreachable: no connection came about.
    """
    action = Action.NONE if _exists(target) else Action.CREATE
    plan = Plan(f"Database on {target.name}", (Change(action, f"database {database_name(target)}"),))
    _require(plan, target, confirm)
    return apply(plan, lambda _: _create(target))


def _exists(target: Target) -> bool:
    """Connecting to it tells: not every user may connect to another database and look it up."""
    try:
        connect(target).close()
    except DatabaseMissing:
        return False
    return True


def _create(target: Target) -> None:
    template = sql.SQL(queries.load("operations/create_database").text)
    statement = template.format(database=sql.Identifier(database_name(target)))
    with connect(target, MAINTENANCE_DATABASE, autocommit=True) as connection, _permitted():
        try:
            connection.execute(statement)
        except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation) as error:
            raise RunInProgress("somebody else created the database at the same moment: repeat") from error


@contextmanager
def _permitted() -> Iterator[None]:
    """Turn PostgreSQL's refusal of a right into the sentence that says who has it."""
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        refusal = error.diag.message_primary
        raise WrongInput(f"{refusal}: connect as a user with CREATEDB, who then owns the database") from error


def plan_schema(target: Target) -> Plan:
    """What `load_schema` would do.

    Raises:
        SchemaDiffers: the database has another schema.
    """
    absent = Change(Action.CREATE, "schema", "checksum", after=schema_checksum()[:12])
    return _plan(target, "Schema", lambda: _look(target, _schema_changes), absent)


def load_schema(target: Target, confirm: str = "") -> Outcome:
    """Load sql/schema.sql and record it, in one transaction; an empty database is what it needs.

    Raises:
        ConfirmationRequired: the target is protected and `confirm` is not its DB instance identifier.
        SchemaDiffers: the database has another schema.
        WrongInput: the user may not create tables.
        DatabaseUnreachable: no connection came about.
    """
    with engine(target).begin() as connection:
        _rows(connection, "operations/lock_schema")
        plan = Plan(f"Schema on {target.name}", _schema_changes(connection))
        _require(plan, target, confirm)
        return apply(plan, lambda _: _load_schema(connection))


def schema_checksum() -> str:
    """The SHA-256 of sql/schema.sql, in hexadecimal."""
    return hashlib.sha256(queries.load("schema").text.encode()).hexdigest()


def _schema_changes(connection: sqlalchemy.Connection) -> tuple[Change, ...]:
    """Compare the checksum that was recorded with that of the file."""
    wanted = schema_checksum()
    found = _loaded_checksum(connection)
    if found in ("", wanted):
        action = Action.NONE if found else Action.CREATE
        return (Change(action, "schema", "checksum", after=wanted[:12]),)
    message = f"the database was loaded from another schema.sql (checksum {found[:12]}, the file now has {wanted[:12]})"
    raise SchemaDiffers(f"{message}: restore the file with git, or load into a new database by setting db_name")


def _loaded_checksum(connection: sqlalchemy.Connection) -> str:
    """The checksum of the schema in the database; empty where there is none.

    Raises:
        SchemaDiffers: tables of the same names are there that this package did not make.
    """
    tables = {row["relname"] for row in _rows(connection, "operations/tables")}
    ours = set(re.findall(r"^CREATE (?:TABLE|VIEW) (\w+)", queries.load("schema").text, re.MULTILINE))
    if "schema_history" in tables:
        found = _rows(connection, "operations/loaded_schema")
        return str(found[0]["checksum"]) if found else ""
    if tables & ours:
        message = f"the database has tables from elsewhere: {', '.join(sorted(tables & ours))}"
        raise SchemaDiffers(f"{message}: load into a new database by setting db_name")
    return ""


def _load_schema(connection: sqlalchemy.Connection) -> None:
    """Run the file as it is; psycopg sends several statements at once where there are no parameters."""
    driver: Any = connection.connection.driver_connection
    with _permitted():
        driver.execute(queries.load("schema").text)
    connection.execute(sqlalchemy.text(queries.load("operations/record_schema").text), {"checksum": schema_checksum()})


def plan_seed(target: Target) -> Plan:
    """What `seed` would do: the rows are inserted, and the transaction rolled back."""
    absent = Change(Action.CREATE, "seed rows", note="known after the schema is loaded")
    return _plan(target, "Seed", lambda: _look(target, _seed_changes), absent)


def seed(target: Target, confirm: str = "") -> Outcome:
    """Insert the rows of sql/seed.sql that this database was never given, in one transaction.

    Raises:
        ConfirmationRequired: the target is protected and `confirm` is not its DB instance identifier.
        SchemaMissing: the schema has not been loaded.
        DatabaseUnreachable: no connection came about.
    """
    with engine(target).begin() as connection:
        plan = Plan(f"Seed on {target.name}", _seed_changes(connection))
        _require(plan, target, confirm)  # not committed yet: a refusal rolls back
        return plan.outcome


def _seed_changes(connection: sqlalchemy.Connection) -> tuple[Change, ...]:
    """Seed, and tell what that came to."""
    _rows(connection, "operations/lock_schema")
    seeded = _rows(connection, "seed")
    return tuple(Change(Action.CREATE if row["created"] else Action.NONE, row["resource"]) for row in seeded)


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
        found = _rows(connection, "operations/connection")[0]
        sslmode = driver.info.get_parameters().get("sslmode", "prefer")
        return {**found, "tls": bool(driver.pgconn.ssl_in_use), "sslmode": sslmode}


def _plan(target: Target, title: str, find: Callable[[], Iterable[Change]], absent: Change) -> Plan:
    """The plan of a step.

    Args:
        target: where the step acts.
        title: what the step is about.
        find: compares; called once the database lets us in.
        absent: the change where there is no database yet, or no schema in it. It stands with a note
            where the database cannot be asked yet, so that a plan works before anything exists.
    """
    try:
        connect(target, connect_timeout=PLAN_SECONDS).close()
        changes = tuple(find())
    except (DatabaseMissing, SchemaMissing):
        changes = (absent,)
    except tuple(UNKNOWN_YET) as error:
        if target.connection_url:
            raise
        changes = (replace(absent, note=UNKNOWN_YET[type(error)]),)
    return Plan(f"{title} on {target.name}", changes)


def _look(target: Target, find: Callable[[sqlalchemy.Connection], tuple[Change, ...]]) -> tuple[Change, ...]:
    """Compare in a transaction that is rolled back."""
    with engine(target).connect() as connection:
        return find(connection)


def _require(plan: Plan, target: Target, confirm: str) -> None:
    require_confirmation(plan, protected=target.protected, identifier=target.db_instance_identifier, confirm=confirm)
