"""The schema: sql/schema.sql for an empty database, and the migrations that bring one forward and back.

schema.sql is what all migrations come to. The database records which of both it has.

Planning raises WrongInput where the files are no sequence, or not what the database has; applying, what `scripts` raises.
"""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import psycopg

from cruddur_ops import queries
from cruddur_ops.database import label, scripts, waits
from cruddur_ops.database.connection import Connection
from cruddur_ops.database.errors import SchemaMissing
from cruddur_ops.database.migrations import FIRST, UPDATE, Migration, available, newest, pending
from cruddur_ops.database.planning import in_database, planned
from cruddur_ops.database.roles import grant
from cruddur_ops.database.statements import ask, compose
from cruddur_ops.errors import RunInProgress, WrongInput
from cruddur_ops.plan import Action, Change, Outcome, Plan, step
from cruddur_ops.target import Target


def schema_checksum() -> str:
    """The SHA-256 of sql/schema.sql, in hexadecimal."""
    return hashlib.sha256(queries.load("schema").text.encode()).hexdigest()


@step
def plan_schema(target: Target) -> Plan:
    """sql/schema.sql in an empty database, with the rights of the roles on it; in one that has it, nothing."""
    change = Change(Action.CREATE, "schema", f"version {newest()}, checksum", after=schema_checksum()[:12])

    def find(connection: Connection) -> Iterator[Change]:
        action = compare(loaded(connection), (newest(), schema_checksum()))
        note = scripts.left_out(connection, "schema") if action is Action.CREATE else ""
        yield replace(change, action=action, note=note, make=partial(_load, connection))

    return planned(target, "Schema", find, change, whose=label.require_labelled)


def compare(found: tuple[int, str] | None, wanted: tuple[int, str]) -> Action:
    """What there is to do about the schema, by version and checksum; WrongInput, with the way out, where another one is there."""
    if found in (None, wanted):
        return Action.NONE if found else Action.CREATE
    assert found is not None
    (version, checksum), (ours, file) = found, wanted
    if version < ours:
        message = f"the database has version {version} of the schema, and sql/ has version {ours}"
        raise WrongInput(f"{message}: bring it forward with `cruddur-ops db migrate`")
    if version > ours:
        raise WrongInput(f"the database has version {version} of the schema, and sql/ knows {ours} at most: {UPDATE}")
    message = f"the database has another schema.sql (checksum {checksum[:12]}, the file now has {file[:12]})"
    remedy = "restore the file with git, write the difference as a migration and run `cruddur-ops db migrate`"
    raise WrongInput(f"{message}: {remedy}")


def loaded(connection: Connection) -> tuple[int, str] | None:
    """Version and checksum of the schema in the database; None where there is none, WrongInput for tables from elsewhere."""
    tables = {row["relname"] for row in ask(connection, "operations/tables")}
    ours = set(re.findall(r"^CREATE (?:TABLE|VIEW) (\w+)", queries.load("schema").text, re.MULTILINE))
    if {"schema_migrations", "schema_history"} <= tables:
        (found,) = ask(connection, "operations/loaded_schema")
        if found["version"] is None:
            message = "the database has schema_migrations, and no migration is recorded there"
            raise WrongInput(f"{message}: load into a new database by setting db_name, or record there what it has")
        return found["version"], found["checksum"]
    if tables & ours:
        message = f"the database has tables from elsewhere: {', '.join(sorted(tables & ours))}"
        raise WrongInput(f"{message}: load into a new database by setting db_name")
    return None


def _load(connection: Connection) -> None:
    scripts.run(connection, "schema")
    record_loaded(connection)


def record_loaded(connection: Connection) -> None:
    """Record that the schema is there, with all of its migrations."""
    for migration in available():
        _record_migration(connection, migration)
    _record(connection)


def _record_migration(connection: Connection, migration: Migration) -> None:
    """Record that the schema has it, in tables beside a schema that brings none."""
    with _recording():
        ask(connection, "operations/create_schema_migrations")
        ask(connection, "operations/create_schema_history")
        ask(connection, "operations/record_migration", version=migration.version, name=migration.name)


@contextmanager
def _recording() -> Iterator[None]:
    """Say what a file has done to the tables of the record."""
    try:
        yield
    except psycopg.errors.UndefinedColumn as error:
        message = "sql/schema.sql makes a table schema_migrations of another tool's, and cruddur-ops needs that name"
        raise WrongInput(f"{message}: take it and its rows out of the file, or rename it there") from error
    except (psycopg.errors.InvalidSchemaName, SchemaMissing) as error:
        message = "the file drops public.schema_migrations, in which cruddur-ops records what the database has"
        raise WrongInput(f"{message}: take that out, or create the schema public again in the file") from error


def _record(connection: Connection) -> None:
    """Record that the schema is that of schema.sql now, and give the roles their rights on what came with it."""
    ask(connection, "operations/record_schema", version=newest(), checksum=schema_checksum())
    grant(connection)


@step
def plan_migrations(target: Target) -> Plan:
    """The migrations that the database lacks, oldest first, each in a transaction of its own.

    Of two operators at once each migration is made by one, and found made by the other. An empty database needs none.
    """
    return planned(target, "Migrations", _migrations, _NO_SCHEMA, in_database)


_NO_SCHEMA = Change(Action.NONE, "list of migrations", note="an empty database gets all of them with the schema")


def _migrations(connection: Connection) -> tuple[Change, ...]:
    if loaded(connection) is None:
        return (_NO_SCHEMA,)
    waiting = pending(_applied(connection))
    return tuple(_forward(connection, one) for one in waiting) or (Change(Action.NONE, "schema", "version", after=str(newest())),)


def _forward(connection: Connection, one: Migration) -> Change:
    if not scripts.is_outside(one.up):
        scripts.require_runnable(one.up)
    note = scripts.left_out(connection, one.up)
    return Change(Action.CREATE, f"migration {one.name}", note=note, make=partial(_in_turn, connection, one, True))


def _applied(connection: Connection) -> dict[int, str]:
    return {row["version"]: row["name"] for row in ask(connection, "operations/applied_migrations")}


def _in_turn(connection: Connection, migration: Migration, forward: bool) -> Outcome | None:
    """Apply or undo a migration, if it still is to be done once it is our turn."""
    if scripts.is_outside(migration.up if forward else migration.down):
        return _outside(connection, migration, forward)

    def once() -> Outcome | None:
        with connection.transaction():
            with waits.shown(connection, "turn"):
                ask(connection, "operations/lock_schema")
            if (migration.version in _applied(connection)) is forward:
                return Outcome(unchanged=1)
            (apply if forward else undo)(connection, migration)
        return None

    return waits.retried(connection, once)


def _outside(connection: Connection, migration: Migration, forward: bool) -> Outcome | None:
    """The same for one statement that runs by itself, and is recorded once it is done.

    Nobody may wait for the lock of that: CREATE INDEX CONCURRENTLY waits for all transactions, also of those who wait.
    """
    script = migration.up if forward else migration.down
    if not ask(connection, "operations/lock_outside")[0]["locked"]:
        raise RunInProgress(f"somebody else is at sql/{script}.sql: repeat when it is done")
    if (migration.version in _applied(connection)) is forward:
        return Outcome(unchanged=1)
    for index in scripts.half_made(connection, script):
        ask(connection, compose("operations/drop_index", **index))
    scripts.run_outside(connection, script)
    with connection.transaction():
        scripts.act_as_owner(connection)
        (_record_applied if forward else _record_undone)(connection, migration)
    return None


def apply(connection: Connection, migration: Migration) -> None:
    """Apply a migration, record it, and give the roles their rights on what came with it."""
    scripts.run(connection, migration.up)
    _record_applied(connection, migration)


def _record_applied(connection: Connection, migration: Migration) -> None:
    _record_migration(connection, migration)
    if migration.version == newest():
        _record(connection)
    else:
        grant(connection)


def plan_rollback(target: Target) -> Plan:
    """Back by the newest migration of the database, with its record.

    WrongInput where it has the first schema alone, or belongs to another environment.
    """
    shown = _plan_undo(target, None)
    newest_of_it = next((change.resource for change in shown.mutating), None)
    return replace(shown, again=partial(_plan_undo, target, newest_of_it))


@step
def _plan_undo(target: Target, resource: str | None) -> Plan:
    """The undoing of the newest migration, or, to verify, of that one if it still is there."""

    def find(connection: Connection) -> Iterator[Change]:
        if resource is None or resource in [f"migration {name}" for name in _applied(connection).values()]:
            yield _undoing(connection)

    return planned(target, "Rollback", find, Change(Action.NONE, "list of migrations", note="the database has none"), in_database)


def _undoing(connection: Connection) -> Change:
    if loaded(connection) is None:
        raise SchemaMissing("the database has no schema yet: run `cruddur-ops db schema-load`")
    applied = _applied(connection)
    pending(applied)  # the files are the database's
    version, name = max(applied.items())
    if version == FIRST:
        raise WrongInput("the database has the first schema, and there is nothing to go back to: leave it as it is")
    note = "what its columns and tables hold goes with them"
    return Change(
        Action.DELETE, f"migration {name}", note=note, make=partial(_in_turn, connection, Migration(version, name), False)
    )


def undo(connection: Connection, migration: Migration) -> None:
    """Undo a migration, and forget it."""
    scripts.run(connection, migration.down)
    _record_undone(connection, migration)


def _record_undone(connection: Connection, migration: Migration) -> None:
    with _recording():
        ask(connection, "operations/forget_migration", version=migration.version)
    grant(connection)
