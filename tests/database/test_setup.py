"""The verb that makes everything anew: its verdicts, its lock, and what it refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from cruddur_ops import database
from cruddur_ops.change import Outcome
from cruddur_ops.cli import main
from cruddur_ops.database import steps
from cruddur_ops.database.connection import connect, session
from cruddur_ops.database.errors import NotPermitted
from cruddur_ops.database.location import database_name
from cruddur_ops.database.roles import OWNER
from cruddur_ops.database.steps import setup
from cruddur_ops.errors import InUse, WrongInput
from cruddur_ops.state import PROJECT
from cruddur_ops.target import Target
from rds_sandbox.postgres import Server
from tests.database.conftest import PASSWORD
from tests.database.support import TABLES, append, execute

STEPS = ["drop", *steps.STEPS]


def verdicts(target: Target, **options: bool) -> list[tuple[str, str]]:
    """The steps of a setup, each with its verdict; what ended it is swallowed."""
    lines: list[str] = []
    with suppress(WrongInput):
        setup(target, tell=lines.append, **options)
    return [(line.split()[0], line.split()[1]) for line in lines]


@pytest.mark.parametrize("name", ["setup_of_nothing", 'odd "name"; drop'])
def test_from_nothing_and_again(at: Callable[..., Target], name: str) -> None:
    """Both times every step passes; what was added in between is gone."""
    target = at(name)
    assert [(step, "passed") for step in STEPS] == verdicts(target)
    execute(target, "INSERT INTO users (handle, display_name, email) VALUES ('x', 'X', 'x')")

    assert [(step, "passed") for step in STEPS] == verdicts(target)
    assert {"activities": 12, "users": 5} == database.counts(target)
    assert Outcome(unchanged=1) == database.plan_schema(target).apply() == database.plan_migrations(target).apply()


@pytest.mark.parametrize("file", ["schema.sql", "seed.sql"])
def test_a_file_that_cannot_be_run(seeded: Target, files: Path, file: str) -> None:
    """It is found before the database goes."""
    append(files / file, "COMMIT;\n")

    assert [] == verdicts(seeded, force=True)
    assert {"activities": 12, "users": 5} == database.counts(seeded)


def test_somebody_who_could_drop_and_not_create(seeded: Target, at: Callable[..., Target], server: Server) -> None:
    """The owner of a database may drop it; without CREATEDB there would be none afterwards."""
    name = database_name(seeded)
    with server.administrator() as administrator:
        administrator.execute("DROP ROLE IF EXISTS tenant")
        administrator.execute(f"CREATE ROLE tenant LOGIN PASSWORD '{PASSWORD}' IN ROLE {OWNER}".encode())
    with pytest.raises(NotPermitted, match="tenant may not create databases and roles, and so nothing was dropped"):
        setup(at(name, "tenant"))
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
