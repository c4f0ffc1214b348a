"""Migrations: what they come to, forward and back, one at a time, and what is no sequence of them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cruddur_ops import database
from cruddur_ops.change import Outcome
from cruddur_ops.database import migrations, schema
from cruddur_ops.database.connection import session, transaction
from cruddur_ops.database.location import database_name
from cruddur_ops.database.migrations import Migration, available, new_migration
from cruddur_ops.database.schema import plan_rollback
from cruddur_ops.errors import ConfirmationRequired, WrongInput
from cruddur_ops.target import Target
from rds_sandbox.postgres import Server
from tests.database.conftest import PASSWORD, USER
from tests.database.support import execute, write

Dump = Callable[[Target], str]


@pytest.fixture
def dump(server: Server) -> Dump:
    """What pg_dump says of a database's objects, owners and rights; not of their rows."""

    def run(target: Target) -> str:
        environment = {**os.environ, "PGPASSWORD": PASSWORD, "PGHOST": str(server.folder), "PGUSER": USER}
        command = [server.programs.path("pg_dump"), "--schema-only", "--restrict-key=x", database_name(target)]
        return subprocess.run(command, check=True, env=environment, capture_output=True, text=True).stdout

    return run


@pytest.fixture
def first(empty: Target) -> Target:
    """A database of the first version, as it was before there were any migrations."""
    with transaction(empty) as connection:
        schema.apply(connection, available()[0])
    return empty


def add(files: Path, name: str, up: str, down: str = "SELECT 1;\n") -> None:
    """Write the next migration into the copy of sql/."""
    for path, text in zip(new_migration(name), (up, down), strict=True):
        write(path, f"-- {name}.\n{text}")
    assert files in path.parents


def versions(target: Target) -> list[int]:
    """The versions that are recorded in the database."""
    return [row[0] for row in execute(target, "SELECT version FROM schema_migrations ORDER BY 1")]


def test_schema_is_what_all_migrations_come_to(first: Target, at: Callable[..., Target], dump: Dump) -> None:
    """The first schema with every migration cannot be told from schema.sql: objects, owners, rights, comments."""
    loaded = at(f"{database_name(first)}_loaded")
    database.plan_create(loaded).apply()
    database.plan_schema(loaded).apply()
    database.plan_migrations(first).apply()

    assert dump(loaded) == dump(first)
    assert versions(loaded) == versions(first)
    assert Outcome(unchanged=1) == database.plan_schema(first).apply()


def test_every_way_down_undoes_its_way_up(first: Target, dump: Dump) -> None:
    """After up and down nothing is different, for each migration in turn."""
    for migration in available()[1:]:
        before = dump(first)
        for change in (schema.apply, schema.undo, schema.apply):
            with transaction(first) as connection:
                change(connection, migration)
            assert (before == dump(first)) == (change is schema.undo)
    assert versions(first) == [migration.version for migration in available()]


def test_a_database_of_before_is_brought_forward(first: Target) -> None:
    """schema-load names the way, migrate goes it, and its rows are kept."""
    execute(first, "INSERT INTO users (handle, display_name, email) VALUES ('ivanova', 'Susan', 'ivanova@example.com')")
    with pytest.raises(WrongInput, match="has version 0 of the schema, .* version 1: .*`cruddur-ops db migrate`"):
        database.plan_schema(first).apply()

    assert ["migration 0001_add_bio_to_users"] == [change.resource for change in database.plan_migrations(first).mutating]
    assert Outcome(created=len(available()) - 1) == database.plan_migrations(first).apply()
    assert [("ivanova", None)] == execute(first, "SELECT handle, bio FROM users")
    assert Outcome(unchanged=1) == database.plan_migrations(first).apply() == database.plan_schema(first).apply()


def test_an_empty_database_needs_no_migration(empty: Target) -> None:
    """schema-load brings all of them; migrate leaves it empty."""
    assert Outcome(unchanged=1) == database.plan_migrations(empty).apply()
    assert "gets all of them with the schema" in str(database.plan_migrations(empty))
    assert Outcome(created=1) == database.plan_schema(empty).apply()


def test_rollback_undoes_the_newest(seeded: Target) -> None:
    """One at a time, down to the first schema; migrate goes the same way up again."""
    execute(seeded, "UPDATE users SET bio = 'I was there, at the dawn of the third age'")
    assert [migrations.newest()] == [int(change.resource[10:14]) for change in plan_rollback(seeded).mutating]
    for migration in reversed(available()[1:]):
        plan = plan_rollback(seeded)
        assert Outcome(deleted=1) == plan.apply()
        assert f"verified: migration {migration.name} is gone" == repr(plan.verify())

    assert [] == execute(seeded, "SELECT 1 FROM pg_attribute WHERE attrelid = 'users'::regclass AND attname = 'bio'")
    with pytest.raises(WrongInput, match="has the first schema"):
        plan_rollback(seeded)
    assert Outcome(created=len(available()) - 1) == database.plan_migrations(seeded).apply()


def test_rollback_compares_the_environment(seeded: Target) -> None:
    """Another target's database is left alone, and both are named."""
    another = replace(seeded, name="staging")

    with pytest.raises(WrongInput, match='belongs to the environment "local", and the target is "staging"'):
        plan_rollback(another)
    assert migrations.newest() == versions(seeded)[-1]


def test_protected_target(first: Target) -> None:
    """Neither way without the identifier."""
    protected = replace(first, protected=True)
    with pytest.raises(ConfirmationRequired):
        database.plan_migrations(protected).apply()
    confirmed = replace(protected, confirm="cruddur-db-instance")
    database.plan_migrations(confirmed).apply()
    with pytest.raises(ConfirmationRequired):
        plan_rollback(protected).apply()

    assert Outcome(deleted=1) == plan_rollback(confirmed).apply()
    session(protected).close()


@pytest.mark.usefixtures("unlocked")
def test_two_at_once(first: Target, files: Path) -> None:
    """Each migration is made by one of the two, and found made by the other."""
    for name in "abc":
        add(files, f"add_{name}", f"CREATE TABLE {name} ();\n")
    plans = [database.plan_migrations(first) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(lambda plan: plan.apply(), plans))

    assert len(available()) - 1 == sum(outcome.created for outcome in outcomes)
    assert "verified: schema is as wanted" == repr(plans[1].verify())
    assert [migration.version for migration in available()] == versions(first)


def test_a_migration_that_fails_leaves_nothing_of_itself(first: Target, files: Path) -> None:
    """Those before it are kept with their records; the sentence has file and line."""
    add(files, "add_boards", "CREATE TABLE boards ();\n")
    add(files, "add_more", "CREATE TABLE more ();\nCREATE TABLE boards ();\n")

    with pytest.raises(WrongInput, match='^sql/migrations/0003_add_more.up.sql, line 3: relation "boards" already exists'):
        database.plan_migrations(first).apply()
    assert [0, 1, 2] == versions(first)
    assert [("boards",)] == execute(first, "SELECT relname FROM pg_class WHERE relname IN ('boards', 'more')")


def test_new_tables_come_with_their_rights(first: Target, files: Path) -> None:
    """The reader reads them, in the same transaction."""
    database.plan_roles(first).apply()
    add(files, "add_boards", "CREATE TABLE boards ();\n", "DROP TABLE boards;\n")
    database.plan_migrations(first).apply()

    may_read = [f"has_table_privilege('{role}', 'boards', 'SELECT')" for role in ("cruddur_reader", "cruddur_app")]
    assert [(True, False)] == execute(first, f"SELECT {', '.join(may_read)}")
    assert [] == list(database.plan_roles(first).mutating)
    assert Outcome(deleted=1) == plan_rollback(first).apply()


def test_an_empty_migration_is_refused(first: Target, files: Path) -> None:
    """What `migration NAME` has just written is not taken for done."""
    new_migration("add_nothing")

    with pytest.raises(WrongInput, match=r"sql/migrations/0002_add_nothing.up.sql has no statement yet"):
        database.plan_migrations(first).apply()


def test_a_copy_that_is_behind_is_told(seeded: Target, files: Path) -> None:
    """A database that is ahead of the files, or went another way."""
    for path in files.glob("migrations/0001*"):
        path.unlink()
    with pytest.raises(WrongInput, match="has the migration 0001_add_bio_to_users, and .* ends before: update"):
        database.plan_migrations(seeded).apply()
    with pytest.raises(WrongInput, match="has version 1 of the schema, and sql/ knows 0 at most: update"):
        database.plan_schema(seeded).apply()
    add(files, "add_other", "SELECT 1;\n")
    with pytest.raises(WrongInput, match="0001_add_bio_to_users, and .* has 0001_add_other"):
        database.plan_migrations(seeded).apply()


def test_the_next_pair_is_written(files: Path) -> None:
    """Numbered on from the last, each file saying what it is for."""
    up, down = new_migration("add_boards")

    assert [files / "migrations/0002_add_boards.up.sql", files / "migrations/0002_add_boards.down.sql"] == [up, down]
    assert ["-- Add boards.\n", "-- Undo: add boards.\n"] == [up.read_text(), down.read_text()]
    assert Migration(2, "0002_add_boards") == available()[-1]


@pytest.mark.parametrize(
    "name", ["", "Add", "1st", "add-bio", "add bio", "../x", "a__b", "_a", "a_", "ä", "x" * 61, "a.up", "a\n", "a;b"]
)
def test_bad_names_are_refused(files: Path, name: str) -> None:
    """Nothing is written."""
    before = sorted(files.rglob("*"))

    with pytest.raises(WrongInput, match="is no name for a migration: use up to 60 small letters"):
        new_migration(name)
    assert before == sorted(files.rglob("*"))


@given(st.from_regex(migrations.NAME, fullmatch=True))
def test_good_names_are_read_back(name: str) -> None:
    """What may be written is understood when it is read."""
    assert Migration(7, f"0007_{name}") == migrations._parsed(f"0007_{name}.up")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("0003_gap.up", "the migration 0002 is missing"),
        ("0001_twice.up", "the migration 0001 is there twice"),
        ("0002_half.up", "0002_half.down.sql is missing: write it"),
        ("2_short.up", "is no NNNN_name.up.sql"),
        ("0002_Name.up", "is no NNNN_name.up.sql"),
        ("0002_name.sideways", "is no NNNN_name.up.sql"),
        ("0002_name", "is no NNNN_name.up.sql"),
    ],
)
def test_files_that_are_no_sequence(files: Path, name: str, sentence: str) -> None:
    """Told before any database is touched."""
    write(files / "migrations" / f"{name}.sql", "-- X.\nSELECT 1;\n")

    with pytest.raises(WrongInput, match=sentence):
        available()


def test_a_folder_that_cannot_be_written_to(files: Path) -> None:
    """The sentence names the file."""
    path = files / "migrations" / "0002_add_x.up.sql"
    path.mkdir()

    with pytest.raises((WrongInput, WrongInput), match="0002_add_x"):
        new_migration("add_x")
