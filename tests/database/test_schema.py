"""sql/schema.sql in a database: what is recorded, and what stands in its way."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cruddur_ops import database, queries
from cruddur_ops.change import Action, Outcome
from cruddur_ops.database import migrations, schema
from cruddur_ops.database.errors import NotPermitted
from cruddur_ops.database.schema import compare
from cruddur_ops.database.tokens import statements
from cruddur_ops.errors import WrongInput
from cruddur_ops.target import Target
from tests.database.conftest import USER
from tests.database.support import TABLES, append, execute

LAST = queries.load("schema").text.count("\n") + 1


def test_schema_is_recorded(seeded: Target) -> None:
    """Version, checksum of the file and who loaded it; and all migrations as applied."""
    newest = migrations.newest()
    names = [(migration.version, migration.name, USER) for migration in migrations.available()]

    history = "SELECT version, checksum, loaded_by FROM schema_history"
    assert [(newest, database.schema_checksum(), USER)] == execute(seeded, history)
    assert names == execute(seeded, "SELECT version, name, applied_by FROM schema_migrations ORDER BY version")


def test_everything_belongs_to_the_owner(seeded: Target) -> None:
    """No table, view or function is the master user's."""
    owners = "SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    functions = "SELECT DISTINCT pg_get_userbyid(proowner) FROM pg_proc WHERE pronamespace = 'public'::regnamespace"

    assert [("cruddur_owner",)] == execute(seeded, owners) == execute(seeded, functions)


def test_another_schema_is_refused(seeded: Target, files: Path) -> None:
    """Over another checksum nothing is loaded, and the message tells the way out."""
    append(files / "schema.sql", "-- changed\n")

    with pytest.raises(WrongInput, match=r"restore the file .* `cruddur-ops db migrate`"):
        database.plan_schema(seeded)
    assert {"activities": 12, "users": 5} == database.counts(seeded)


def test_tables_from_elsewhere_are_refused(empty: Target) -> None:
    """A table of the same name that this package did not make is named, and kept."""
    execute(empty, "CREATE TABLE users (id integer)")

    with pytest.raises(WrongInput, match="tables from elsewhere: users"):
        database.plan_schema(empty).apply()


def test_other_tables_are_no_obstacle(empty: Target) -> None:
    """Tables of other names may be there."""
    execute(empty, "CREATE TABLE something_else (id integer)")

    assert Outcome(created=1) == database.plan_schema(empty).apply()


FAULTS = {
    "unknown column": ("SELECT nothing_like_it;", WrongInput, 'column "nothing_like_it" does not exist: correct the file'),
    "syntax": ("CREATE TABEL x ();", WrongInput, 'syntax error at or near "TABEL"'),
    "missing table": ("DROP TABLE nowhere;", WrongInput, 'table "nowhere" does not exist'),
    "violated check": ("INSERT INTO users (display_name, handle, email) VALUES ('', '', '');", WrongInput, "check constraint"),
    "no transaction": ("VACUUM users;", WrongInput, "VACUUM cannot run inside a transaction block"),
    "superuser only": ("COPY users FROM PROGRAM 'true';", NotPermitted, "permission denied .*: take the statement out"),
    "no extension": ("CREATE EXTENSION file_fdw;", NotPermitted, 'permission denied to create extension "file_fdw"'),
}


@pytest.mark.parametrize("name", FAULTS)
def test_an_error_on_the_last_line_leaves_nothing(empty: Target, files: Path, name: str) -> None:
    """The file is one transaction with its record; the sentence says line and what."""
    statement, kind, sentence = FAULTS[name]
    append(files / "schema.sql", f"{statement}\n")

    with pytest.raises(kind, match=rf"^sql/schema\.sql, line {LAST}: .*{sentence}"):
        database.plan_schema(empty).apply()
    assert [] == execute(empty, TABLES)


def test_without_the_owner_the_first_step_is_named(empty: Target, files: Path) -> None:
    """On a database that was never prepared."""
    (files / "roles" / "act_as_owner.sql").write_text("SET LOCAL ROLE cruddur_nobody;\n")

    with pytest.raises(WrongInput, match='role "cruddur_nobody" does not exist: run `cruddur-ops db create`'):
        database.plan_schema(empty).apply()


@pytest.mark.parametrize(
    ("found", "expected"), [(None, Action.CREATE), ((3, "same"), Action.NONE), ((3, "other"), "restore the file"),
                            ((2, "same"), "cruddur-ops db migrate"), ((4, "same"), "update your copy")]
)  # fmt: skip
def test_comparison(found: tuple[int, str] | None, expected: Action | str) -> None:
    """Nothing, the same, an edited one, an older one, a newer one: each its own way out."""
    wanted = (3, "same")
    if isinstance(expected, Action):
        assert expected == compare(found, wanted)
    else:
        with pytest.raises(WrongInput, match=expected):
            compare(found, wanted)


STATEMENTS = [
    "SELECT ';'", "SELECT 'it''s;'", r"SELECT E'\';'", 'SELECT ";"', "/* ; */ SELECT 1", "DO $$ BEGIN; END $$", "DO $a$;$$;$a$",
    "SELECT 1 - 2 / 3", "-- ;\nSELECT 1", "SELECT\n1",
]  # fmt: skip


@given(st.lists(st.sampled_from(STATEMENTS)))
def test_lines_of_statements(pieces: list[str]) -> None:
    """Each statement is found on the line where its first word stands, whatever its strings hold."""
    text = "".join(f"{piece};\n" for piece in pieces)
    starts, line = [], 1
    for piece in pieces:
        starts.append(line + piece.startswith("--"))
        line += piece.count("\n") + 1

    assert starts == [one.line for one in statements(text, "the file")]


@given(st.text())
def test_any_text_has_lines(text: str) -> None:
    """Whatever the file holds, no line is beyond its end; or it is told what is wrong with it."""
    with suppress(WrongInput):
        assert all(1 <= line <= text.count("\n") + 1 for line in (one.line for one in statements(text, "the file")))


def test_loading_again_says_unchanged(seeded: Target) -> None:
    """With the checksum that a plan shows."""
    assert Outcome(unchanged=1) == database.plan_schema(seeded).apply()
    assert database.schema_checksum()[:12] in str(database.plan_schema(seeded))
    assert schema.schema_checksum() == database.schema_checksum()
