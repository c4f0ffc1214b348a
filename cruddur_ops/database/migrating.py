"""Bringing the schema of a database forward and back, one migration in one transaction."""

from __future__ import annotations

import sqlalchemy

from cruddur_ops.database import migrations, schema, scripts, stamp
from cruddur_ops.database.connection import engine
from cruddur_ops.database.migrations import FIRST, Migration
from cruddur_ops.database.planning import look, planned, require_agreement
from cruddur_ops.database.roles import grant
from cruddur_ops.database.statements import SchemaMissing, driver, fetch
from cruddur_ops.errors import WrongInput
from cruddur_ops.plan import Action, Change, Outcome, Plan
from cruddur_ops.targets import Target


class NothingToRollBack(WrongInput):
    """The database has the first schema, or none."""


class MigrationEmpty(WrongInput):
    """A migration says nothing yet."""


def plan_migrations(target: Target) -> Plan:
    """What `migrate` would do. An empty database needs none: schema.sql is what all of them come to.

    Raises:
        MigrationsUnusable: the files are no sequence, or not the one that the database has.
    """
    absent = Change(Action.NONE, "migrations", note="an empty database gets all of them with the schema")
    return planned(target, "Migrations", lambda: look(target, _changes), absent)


def _changes(connection: sqlalchemy.Connection) -> tuple[Change, ...]:
    return _planned(_pending(connection))


def _planned(waiting: tuple[Migration, ...]) -> tuple[Change, ...]:
    current = Change(Action.NONE, "schema", "version", after=str(migrations.newest()))
    return tuple(Change(Action.CREATE, f"migration {migration.name}") for migration in waiting) or (current,)


def migrate(target: Target, confirm: str = "") -> Outcome:
    """Apply the migrations that a database lacks, oldest first, each with its record in a transaction of its own.

    Of two at once each migration is made by one, and found made by the other.

    Raises:
        ConfirmationRequired: the target is protected and `confirm` is not its DB instance identifier.
        MigrationsUnusable: the files are no sequence, or not the one that the database has.
        ScriptFailed: PostgreSQL refused a statement; the migrations before it are kept.
        DatabaseUnreachable: no connection came about.
    """
    done = Outcome()
    while _apply_next(target, confirm):
        done += Outcome(created=1)
    return done if done.created else Outcome(unchanged=1)


def _apply_next(target: Target, confirm: str) -> bool:
    """Apply the oldest migration that is missing; False where none is, or no schema to apply it to."""
    with engine(target).begin() as connection:
        try:
            waiting = _pending(connection)
        except SchemaMissing:
            return False
        if not waiting:
            return False
        require_agreement(Plan(f"Migrations on {target.name}", _planned(waiting)), target, confirm)
        apply(connection, waiting[0])
        return True


def _pending(connection: sqlalchemy.Connection) -> tuple[Migration, ...]:
    """The migrations that the database lacks, which nobody else applies until the transaction ends.

    Raises:
        SchemaMissing: it has no schema yet.
    """
    fetch(connection, "operations/lock_schema")
    if schema.loaded(connection) is None:
        raise SchemaMissing("the database has no schema yet: run `cruddur-ops db schema-load`")
    return migrations.pending(_applied(connection))


def _applied(connection: sqlalchemy.Connection) -> dict[int, str]:
    return {row["version"]: row["name"] for row in fetch(connection, "operations/applied_migrations")}


def apply(connection: sqlalchemy.Connection, migration: Migration) -> None:
    """Apply a migration, record it, and give the roles their rights on what came with it.

    Raises:
        MigrationEmpty: its file has no statement.
        ScriptFailed: PostgreSQL refused a statement of it.
    """
    _run(connection, migration.up)
    fetch(connection, "operations/record_migration", version=migration.version, name=migration.name)
    if migration.version == migrations.newest():
        schema.record(connection)
    else:
        grant(driver(connection))


def _run(connection: sqlalchemy.Connection, name: str) -> None:
    if not scripts.statement_lines(scripts.text(name)):
        raise MigrationEmpty(f"sql/{name}.sql has no statement yet: write it, or delete the pair")
    scripts.run(connection, name)


def plan_rollback(target: Target) -> Plan:
    """What `rollback` would undo.

    Raises:
        NothingToRollBack: the database has the first schema, or none.
        StampDiffers: the database belongs to another environment.
    """
    stamp.require(target)
    absent = Change(Action.NONE, "migrations", note="the database has none")
    return planned(target, "Rollback", lambda: look(target, lambda connection: (_undoing(_last(connection)),)), absent)


def _undoing(migration: Migration) -> Change:
    return Change(Action.DELETE, f"migration {migration.name}", note="what its columns and tables hold goes with them")


def rollback(target: Target, confirm: str = "") -> Outcome:
    """Undo the newest migration of the database, with its record, in one transaction.

    Raises:
        ConfirmationRequired: the target is protected and `confirm` is not its DB instance identifier.
        NothingToRollBack: the database has the first schema, or none.
        StampDiffers: the database belongs to another environment.
        ScriptFailed: PostgreSQL refused a statement; nothing was undone.
        DatabaseUnreachable: no connection came about.
    """
    stamp.require(target)
    with engine(target).begin() as connection:
        migration = _last(connection)
        plan = Plan(f"Rollback on {target.name}", (_undoing(migration),))
        outcome = require_agreement(plan, target, confirm)
        undo(connection, migration)
        return outcome


def undo(connection: sqlalchemy.Connection, migration: Migration) -> None:
    """Undo a migration, and forget it."""
    _run(connection, migration.down)
    fetch(connection, "operations/forget_migration", version=migration.version)
    grant(driver(connection))


def _last(connection: sqlalchemy.Connection) -> Migration:
    """The newest migration that the database has."""
    _pending(connection)  # the lock, and that the files are the database's
    version, name = max(_applied(connection).items())
    if version == FIRST:
        raise NothingToRollBack("the database has the first schema: `cruddur-ops db drop` is what goes further back")
    return Migration(version, name)
