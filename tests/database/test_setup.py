"""The verb that makes everything anew: its verdicts, its lock, and what it refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from cruddur_ops import database
from cruddur_ops.change import Outcome
from cruddur_ops.cli import main
from cruddur_ops.database import steps
from cruddur_ops.database.connection import close_sessions, connect, session
from cruddur_ops.database.errors import NotPermitted
from cruddur_ops.database.location import database_name
from cruddur_ops.database.migrations import newest
from cruddur_ops.database.roles import OWNER
from cruddur_ops.database.steps import setup
from cruddur_ops.errors import InUse, WrongInput
from cruddur_ops.state import PROJECT
from cruddur_ops.target import Target
from rds_sandbox.postgres import Server
from tests.database.conftest import PASSWORD
from tests.database.support import TABLES, append, execute, write

DATABASES = "SELECT datname FROM pg_database ORDER BY datname"
STEPS = ["drop", *steps.STEPS]


def verdicts(target: Target, **options: bool) -> list[tuple[str, str]]:
    """The steps of a setup, each with its verdict; what ended it is swallowed."""
    lines: list[str] = []
    with suppress(WrongInput):
        setup(target, tell=lines.append, **options)
    return [(line.split()[0], line.split()[1]) for line in lines]


def test_from_nothing_and_again(at: Callable[..., Target]) -> None:
    """Both times every step passes; what was added in between is gone."""
    target = at('odd "name"; drop')
    assert [(step, "passed") for step in STEPS] == verdicts(target)
    execute(target, "INSERT INTO users (handle, display_name, email) VALUES ('x', 'X', 'x')")

    assert [(step, "passed") for step in STEPS] == verdicts(target)
    assert {"activities": 12, "users": 5} == database.counts(target)
    assert Outcome(unchanged=1) == database.plan_schema(target).apply() == database.plan_migrations(target).apply()


@pytest.mark.parametrize("file", ["schema.sql", "seed.sql"])
@pytest.mark.parametrize("statement", ["COMMIT", "CREATE ROLE somebody; SELECT nothing_like_it"])
def test_a_file_that_cannot_be_run(seeded: Target, files: Path, file: str, statement: str) -> None:
    """It is found before the database goes, be it by the server; of the trial nothing is left, whose file may then be right."""
    there = execute(seeded, DATABASES)
    append(files / file, f"{statement};\n")

    assert [] == verdicts(seeded, force=True)
    assert {"activities": 12, "users": 5} == database.counts(seeded)
    assert there == execute(seeded, DATABASES)
    assert [] == execute(seeded, "SELECT 1 FROM pg_roles WHERE rolname = 'somebody'")


def test_a_trial_that_was_cut_off(seeded: Target, at: Callable[..., Target]) -> None:
    """What it has left is ours, goes with the next one, and is no hindrance."""
    trial = at(f"{database_name(seeded)}_trial")
    execute(seeded, f'CREATE DATABASE "{database_name(trial)}"')
    execute(seeded, f"COMMENT ON DATABASE \"{database_name(trial)}\" IS '{steps.TRIAL}'")

    assert [(step, "passed") for step in STEPS] == verdicts(seeded)
    assert [] == execute(seeded, f"SELECT 1 FROM pg_database WHERE datname = '{database_name(trial)}'")


def test_a_database_of_the_name_of_the_trial(seeded: Target, at: Callable[..., Target]) -> None:
    """It is this target's too, and nobody has asked for its end: it stays, and so does the other."""
    there = at(f"{database_name(seeded)}_trial")
    database.plan_create(there).apply()

    with pytest.raises(WrongInput, match="one of that name is there: rename that one"):
        setup(seeded, force=True)
    assert Outcome(unchanged=2) == database.plan_create(there).apply()
    assert {"activities": 12, "users": 5} == database.counts(seeded)


@pytest.fixture
def tenant(server: Server) -> Iterator[str]:
    """A role that may do all in the databases of the owner, and make none."""
    with server.administrator() as administrator:
        administrator.execute(f"CREATE ROLE tenant LOGIN PASSWORD '{PASSWORD}' IN ROLE {OWNER}".encode())
        yield "tenant"
        close_sessions()
        administrator.execute("DROP ROLE tenant")


def test_somebody_who_could_drop_and_not_create(seeded: Target, at: Callable[..., Target], tenant: str) -> None:
    """The owner of a database may drop it; without CREATEDB there would be none afterwards."""
    name = database_name(seeded)
    with pytest.raises(NotPermitted, match="tenant may not create databases and roles: connect as a role with"):
        setup(at(name, tenant))
    assert {"activities": 12, "users": 5} == database.counts(seeded)


def test_the_first_failure_ends_it(target: Target, files: Path) -> None:
    """The steps before it stand, with what they made; none comes after."""
    append(files / "schema.sql", "SELECT nothing_like_it;\n")

    assert [*((step, "passed") for step in STEPS[:4]), ("schema-load", "failed")] == verdicts(target)
    assert [] == execute(target, TABLES)


def test_a_protected_target_is_refused(seeded: Target) -> None:
    """Whatever is confirmed; nothing is touched."""
    with pytest.raises(WrongInput, match="is protected and its database is never set up anew: .* db migrate"):
        setup(replace(seeded, protected=True), force=True)
    assert {"activities": 12, "users": 5} == database.counts(seeded)


def test_another_environment_is_refused(seeded: Target) -> None:
    """Both are named, nothing is touched."""
    with pytest.raises(WrongInput, match='"local", and the target is "staging"'):
        setup(replace(seeded, name="staging"), force=True)
    assert {"activities": 12, "users": 5} == database.counts(seeded)


def test_somebody_who_is_connected_is_not_thrown_out(seeded: Target) -> None:
    """Without force; with it the session ends."""
    with connect(seeded) as connection:
        with pytest.raises(InUse):
            setup(seeded)
        assert {"activities": 12, "users": 5} == database.counts(seeded)
        session(seeded).close()
        setup(seeded, force=True)
        connection.close()


def test_the_notebook_shows_the_same_steps() -> None:
    """In the same order, one by one."""
    cells = json.loads((PROJECT / "notebooks" / "03_load_schema_and_seed.ipynb").read_text())["cells"]
    planned = [re.findall(r"database\.(plan_\w+)", "".join(cell["source"])) for cell in cells if cell["cell_type"] == "code"]

    assert [plan.__name__ for plan in steps.STEPS.values()] == [name for names in planned for name in names]


@pytest.mark.parametrize("verb", ["create", "roles", "schema-load", "migrate", "seed", "setup", "rollback"])
def test_verbs_say_what_they_do_and_where(seeded: Target, verb: str) -> None:
    """The verb, the target, server and database; what changed, and that it holds; never the password."""
    session(seeded).close()
    result = CliRunner().invoke(main, ["db", verb])

    name = database_name(seeded)
    assert 0 == result.exit_code, result.output
    assert result.output.startswith(f"{verb} on local: database {name} on /")
    assert "unchanged\n" in result.output
    assert (verb != "setup") == result.output.splitlines()[-1].startswith("verified: ")
    assert PASSWORD not in result.output


def test_migration_says_what_it_wrote(files: Path) -> None:
    """Both files; it needs no server."""
    result = CliRunner().invoke(main, ["db", "migration", "add_boards"])

    assert [f"wrote {files}/migrations/0002_add_boards.{way}.sql" for way in ("up", "down")] == result.output.splitlines()


@pytest.mark.parametrize("file", ["schema.sql", "seed.sql"])
def test_the_notebook_refuses_a_file_before_its_first_step(target: Target, files: Path, file: str) -> None:
    """One that is run last, too: nothing is made that would be left behind."""
    append(files / file, "COMMIT;\n")
    with pytest.raises(WrongInput, match=file):
        database.require_possible(target)


def test_the_notebook_refuses_a_schema_of_somebody_else_before_its_first_step(empty: Target) -> None:
    """Which the fourth step would find."""
    execute(empty, "CREATE TABLE users (id int)")
    with pytest.raises(WrongInput, match="tables from elsewhere: users"):
        database.require_possible(empty)


def test_the_notebook_refuses_a_migration_before_its_first_step(seeded: Target, files: Path) -> None:
    """The second of two that the database lacks: the first would be made by then."""
    for number, text in ((newest() + 1, "SELECT 1;"), (newest() + 2, "COMMIT;")):
        write(files / f"migrations/{number:04}_more.up.sql", f"-- More.\n{text}\n")
        write(files / f"migrations/{number:04}_more.down.sql", "-- Less.\nSELECT 1;\n")
    with pytest.raises(WrongInput, match=r"_more\.up\.sql, line 2: COMMIT"):
        database.require_possible(seeded)


def test_the_notebook_refuses_who_may_not_make_what_is_missing(seeded: Target, at: Callable[..., Target], tenant: str) -> None:
    """A database; where all is there already, nobody needs the right."""
    assert "verified" in repr(database.require_possible(at(database_name(seeded), tenant)))
    with pytest.raises(NotPermitted, match="tenant may not create databases and roles: connect as a role with CREATEDB"):
        database.require_possible(at("missing", tenant))


def test_the_notebook_asks_before_its_first_step() -> None:
    """In a cell that every run and every plan has."""
    cells = json.loads((PROJECT / "notebooks" / "03_load_schema_and_seed.ipynb").read_text())["cells"]
    tagged = [tag for cell in cells if "require_possible" in "".join(cell["source"]) for tag in cell["metadata"]["tags"]]
    assert ["preflight"] == tagged
