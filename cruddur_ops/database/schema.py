"""The schema: sql/schema.sql in the database, and the record of it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

import sqlalchemy

from cruddur_ops import queries
from cruddur_ops.database import migrations, scripts
from cruddur_ops.database.connection import engine
from cruddur_ops.database.planning import look, planned, require_agreement
from cruddur_ops.database.roles import grant
from cruddur_ops.database.statements import driver, fetch
from cruddur_ops.errors import WrongInput
from cruddur_ops.plan import Action, Change, Outcome, Plan
from cruddur_ops.targets import Target


class SchemaDiffers(WrongInput):
    """The database has tables that another schema.sql made; nothing was touched."""


@dataclass(frozen=True)
class Loaded:
    """The schema in a database: the version of its newest migration, and the checksum of the schema.sql it last was."""

    version: int
    checksum: str


def plan_schema(target: Target) -> Plan:
    """What `load_schema` would do.

    Raises:
        SchemaDiffers: the database has another schema.
    """
    return planned(target, "Schema", lambda: look(target, _changes), _change(Action.CREATE))


def load_schema(target: Target, confirm: str = "") -> Outcome:
    """Load sql/schema.sql, give the roles their rights and record it, in one transaction, into an empty database.

    Raises:
        ConfirmationRequired: the target is protected and `confirm` is not its DB instance identifier.
        SchemaDiffers: the database has another schema.
        ScriptFailed: PostgreSQL refused a statement of the file.
        WrongInput: the role that owns the schema is missing, or may not create tables.
        DatabaseUnreachable: no connection came about.
    """
    with engine(target).begin() as connection:
        fetch(connection, "operations/lock_schema")
        plan = Plan(f"Schema on {target.name}", _changes(connection))
        outcome = require_agreement(plan, target, confirm)
        if plan.mutating:
            _load(connection)
        return outcome


def schema_checksum() -> str:
    """The SHA-256 of sql/schema.sql, in hexadecimal."""
    return hashlib.sha256(queries.load("schema").text.encode()).hexdigest()


def _change(action: Action) -> Change:
    return Change(action, "schema", f"version {migrations.newest()}, checksum", after=schema_checksum()[:12])


def _changes(connection: sqlalchemy.Connection) -> tuple[Change, ...]:
    return (_change(compare(loaded(connection), Loaded(migrations.newest(), schema_checksum()))),)


def compare(found: Loaded | None, wanted: Loaded) -> Action:
    """What there is to do about the schema.

    Raises:
        SchemaDiffers: another one is there, with the way out.
    """
    if found in (None, wanted):
        return Action.NONE if found else Action.CREATE
    assert found is not None
    if found.version < wanted.version:
        message = f"the database has version {found.version} of the schema, and sql/ has version {wanted.version}"
        raise SchemaDiffers(f"{message}: bring it forward with `cruddur-ops db migrate`")
    if found.version > wanted.version:
        message = f"the database has version {found.version} of the schema, and sql/ knows {wanted.version} at most"
        raise SchemaDiffers(f"{message}: update your copy of the project")
    message = f"the database has another schema.sql (checksum {found.checksum[:12]}, the file now has {wanted.checksum[:12]})"
    remedy = "restore the file with git, write the difference as a migration and run `cruddur-ops db migrate`"
    raise SchemaDiffers(f"{message}: {remedy}, or start anew with `cruddur-ops db setup` where the target is not protected")


def loaded(connection: sqlalchemy.Connection) -> Loaded | None:
    """The schema in the database; None where there is none.

    Raises:
        SchemaDiffers: tables of the same names are there that this package did not make.
    """
    tables = {row["relname"] for row in fetch(connection, "operations/tables")}
    ours = set(re.findall(r"^CREATE (?:TABLE|VIEW) (\w+)", queries.load("schema").text, re.MULTILINE))
    if {"schema_migrations", "schema_history"} <= tables:
        found = fetch(connection, "operations/loaded_schema")[0]
        return Loaded(found["version"], found["checksum"])
    if tables & ours:
        message = f"the database has tables from elsewhere: {', '.join(sorted(tables & ours))}"
        raise SchemaDiffers(f"{message}: load into a new database by setting db_name")
    return None


def _load(connection: sqlalchemy.Connection) -> None:
    scripts.run(connection, "schema")
    for migration in migrations.available():
        fetch(connection, "operations/record_migration", version=migration.version, name=migration.name)
    record(connection)


def record(connection: sqlalchemy.Connection) -> None:
    """Record that the schema is that of schema.sql now, and give the roles their rights on what came with it."""
    fetch(connection, "operations/record_schema", version=migrations.newest(), checksum=schema_checksum())
    grant(driver(connection))
