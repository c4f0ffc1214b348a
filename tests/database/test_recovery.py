"""Rows that somebody deleted, brought back from a copy: what refers to what, and what has come since."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from click.testing import CliRunner

from cruddur_ops import database
from cruddur_ops.change import Action, Outcome
from cruddur_ops.cli import main
from cruddur_ops.database.connection import session
from cruddur_ops.database.location import database_name
from cruddur_ops.database.recovery import plan_recover
from cruddur_ops.errors import ConfirmationRequired, OpsError, WrongInput
from cruddur_ops.target import Target
from rds_sandbox.postgres import Server
from tests.database.conftest import copy
from tests.database.support import execute, some

ALL = """
SELECT (to_jsonb(activities) - 'updated_at')::text FROM activities
UNION ALL SELECT (to_jsonb(users) - 'updated_at')::text FROM users ORDER BY 1
"""


@pytest.fixture
def copied(seeded: Target, server: Server) -> Iterator[str]:
    """The name of a copy of the seeded database, as it was before the mistake."""
    name = f"{database_name(seeded)}_copy"
    session(seeded).close()
    copy(server, database_name(seeded), name)
    yield name
    with server.administrator() as administrator:
        administrator.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


# A mistake, and the table and condition with which everything is as before.
MISTAKES = {
    "activities of one": ("DELETE FROM activities WHERE message LIKE '%sword%'", "activities", "message LIKE '%sword%'"),
    "a parent and its reply": ("DELETE FROM activities WHERE replies_count = 1", "activities", "true"),
    "a user, with what went by the cascade": ("DELETE FROM users WHERE handle = 'delenn'", "users", "handle = 'delenn'"),
    "the activities of a user who is gone": ("DELETE FROM users WHERE handle = 'delenn'", "activities", "true"),
    "everything": ("TRUNCATE users CASCADE", "users", "true -- all of them"),
}


@pytest.mark.parametrize("name", some(MISTAKES, "a parent and its reply", "everything"))
def test_what_was_deleted_comes_back(seeded: Target, copied: str, name: str) -> None:
    """Keys, references and all that went with it: the database is as it was."""
    mistake, table, condition = MISTAKES[name]
    before = execute(seeded, ALL)
    execute(seeded, mistake)
    plan = plan_recover(seeded, table, condition, copied)

    assert 0 < len(before) - len(execute(seeded, ALL)) == plan.apply().created
    assert before == execute(seeded, ALL)
    plan.verify()
    assert 0 == plan_recover(seeded, table, condition, copied).apply().created


def test_what_was_changed_comes_back(seeded: Target, copied: str) -> None:
    """The plan names row and columns, and no value; what other columns have got since stays."""
    execute(seeded, "UPDATE users SET display_name = 'Nobody', email = 'nobody@example.com' WHERE handle = 'londo'")
    plan = plan_recover(seeded, "users", "true", copied)

    (change,) = plan.mutating
    assert (Action.MODIFY, "display_name, email") == (change.action, change.setting)
    assert "nobody" not in str(plan).lower()
    assert Outcome(changed=1) == plan.apply()
    assert [("Londo Mollari",)] == execute(seeded, "SELECT display_name FROM users WHERE handle = 'londo'")


def test_what_came_since_stays(seeded: Target, copied: str) -> None:
    """Rows that the copy does not know, columns that it does not have, and what a parent has become."""
    execute(seeded, "ALTER TABLE users ADD COLUMN planet text DEFAULT 'Centauri Prime'")
    execute(seeded, "UPDATE users SET display_name = 'Emperor' WHERE handle = 'londo'; DELETE FROM activities")
    execute(seeded, "INSERT INTO activities (user_uuid, message) SELECT uuid, 'new' FROM users WHERE handle = 'londo'")
    plan_recover(seeded, "activities", "true", copied).apply()

    assert {"activities": 13, "users": 5} == database.counts(seeded)
    assert [("Emperor", "Centauri Prime")] == execute(seeded, "SELECT display_name, planet FROM users WHERE handle = 'londo'")


def test_it_is_confirmed(seeded: Target, copied: str) -> None:
    """A protected target changes nothing before."""
    execute(seeded, "DELETE FROM activities")
    with pytest.raises(ConfirmationRequired):
        plan_recover(replace(seeded, protected=True), "activities", "true", copied).apply()
    assert [(0,)] == execute(seeded, "SELECT count(*) FROM activities")


def test_many_rows_are_one_line(seeded: Target, copied: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And are counted."""
    monkeypatch.setattr("cruddur_ops.database.recovery.LISTED", 3)
    execute(seeded, "DELETE FROM activities")
    plan = plan_recover(seeded, "activities", "true", copied)

    assert 1 == len(plan.changes)
    assert Outcome(created=12) == plan.apply()


WRONG: dict[str, tuple[str, str, str]] = {
    "no such table": ("nothing", "true", "there is no table 'nothing'"),
    "a view": ("live_activities", "true", "there is no table 'live_activities'"),
    "no condition": ("users", "planet = 1", "the condition cannot be used .column .planet. does not exist"),
    "a second statement": ("users", "true); DELETE FROM users; SELECT (true", "the condition cannot be used"),
    "a value that is none": ("users", "uuid = 'x'", "the condition cannot be used"),
    "no name": ("a.b.c.d", "true", "'a.b.c.d' is no table's name"),
    "a parameter": ("users", "$1", "the condition cannot be used"),
    "what fails on a row": ("users", "1 / (length(handle) - length(handle)) = 1", "cannot be used .division by zero"),
}


@pytest.mark.parametrize("name", some(WRONG, "no such table", "a second statement"))
def test_what_cannot_be_recovered(seeded: Target, copied: str, name: str) -> None:
    """One sentence, and nothing was touched."""
    table, condition, message = WRONG[name]
    before = execute(seeded, ALL)
    with pytest.raises(WrongInput, match=message):
        plan_recover(seeded, table, condition, copied)
    assert before == execute(seeded, ALL)


# What happened since, and what the server says of the rows that are to come back.
SINCE = {
    "another has the handle": (
        "INSERT INTO users (handle, display_name, email) VALUES ('londo', 'x', 'x@example.com')",
        "users does not take its rows back .duplicate key",
    ),
    "a column is needed": ("ALTER TABLE users ADD COLUMN planet text NOT NULL", "users does not take its rows back .null value"),
    "another type": (
        "ALTER TABLE users RENAME email TO mail; ALTER TABLE users ADD COLUMN email integer",
        "rows of users do not fit",
    ),
}


@pytest.mark.parametrize("name", some(SINCE, "another has the handle", "another type"))
def test_rows_that_the_table_refuses(seeded: Target, copied: str, name: str) -> None:
    """One sentence, and nothing came back."""
    since, message = SINCE[name]
    execute(seeded, f"DELETE FROM users; {since}")
    before = execute(seeded, ALL)
    with pytest.raises(WrongInput, match=message):
        plan_recover(seeded, "users", "handle = 'londo'", copied).apply()
    assert before == execute(seeded, ALL)


def test_a_column_that_no_update_can_set(seeded: Target, copied: str) -> None:
    """What the server numbers itself stays as it is; the others come back."""
    there = replace(seeded, connection_url=seeded.connection_url.replace(f"/{database_name(seeded)}", f"/{copied}"))
    for place in (seeded, there):
        execute(place, "ALTER TABLE users ADD COLUMN number integer GENERATED ALWAYS AS IDENTITY")
    execute(seeded, "UPDATE users SET display_name = 'Nobody' WHERE handle = 'londo'")

    assert Outcome(changed=1) == plan_recover(seeded, "users", "true", copied).apply()


@pytest.mark.parametrize("environment", ["prod", ""])
def test_a_database_of_others_stays_as_it_is(seeded: Target, copied: str, environment: str) -> None:
    """Neither one of another environment nor one of which nobody knows is written to; nor is a copy of another read."""
    execute(seeded, "DELETE FROM activities")
    comment = f"'cruddur-ops environment: {environment}'" if environment else "NULL"
    name, theirs = database_name(seeded), 'belongs to the environment "prod"'
    execute(seeded, f"COMMENT ON DATABASE {name} IS {comment}")
    with pytest.raises(WrongInput, match=theirs if environment else "does not say whose it is"):
        plan_recover(seeded, "activities", "true", copied).apply()

    execute(seeded, f"COMMENT ON DATABASE {name} IS 'cruddur-ops environment: local'")
    execute(seeded, f"COMMENT ON DATABASE {copied} IS 'cruddur-ops environment: prod'")
    with pytest.raises(WrongInput, match=theirs):
        plan_recover(seeded, "activities", "true", copied)
    assert [(0,)] == execute(seeded, "SELECT count(*) FROM activities")


def test_a_copy_that_is_none(seeded: Target) -> None:
    """Neither a database that is not there, nor one that cannot be written is taken for a table without rows."""
    with pytest.raises(WrongInput, match="the copy nowhere cannot be read"):
        plan_recover(seeded, "users", "true", "nowhere")
    for name in ("", database_name(seeded)):
        with pytest.raises(WrongInput, match=f"'{name}' is no copy of"):
            plan_recover(seeded, "users", "true", name)


def test_a_condition_writes_nothing(seeded: Target, copied: str) -> None:
    """The copy is read, and nothing else."""
    there = replace(seeded, connection_url=seeded.connection_url.replace(f"/{database_name(seeded)}", f"/{copied}"))
    execute(there, "CREATE SEQUENCE s")
    with pytest.raises(OpsError, match="read-only transaction"):
        plan_recover(seeded, "users", "nextval('s') > 0", copied)


def test_verb(seeded: Target, copied: str) -> None:
    """`db recover` shows the rows, brings them back and says that they are there."""
    execute(seeded, "DELETE FROM activities WHERE message LIKE 'Cloud%'")
    said = CliRunner().invoke(main, ["db", "recover", "activities", "--where", "message LIKE 'Cloud%'", "--from", copied])

    assert 0 == said.exit_code, said.output
    assert "  + row 00000000-0000-4000-8000-000000000212 of activities\n1 created" in said.stdout
    assert "verified: table activities is as wanted" in said.stdout
