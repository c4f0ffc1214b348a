"""The environment that a database belongs to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql

from cruddur_ops import activities, database
from cruddur_ops.change import Outcome
from cruddur_ops.cli import main
from cruddur_ops.cli.table import TABLE
from cruddur_ops.cognito import users
from cruddur_ops.cognito.reconciliation import Member
from cruddur_ops.cognito.users import plan_sync
from cruddur_ops.database import label
from cruddur_ops.database.connection import connect, session
from cruddur_ops.database.creation import plan_adopt
from cruddur_ops.database.drop import plan_drop
from cruddur_ops.database.label import labelled, with_label
from cruddur_ops.database.location import MAINTENANCE_DATABASE, database_name
from cruddur_ops.database.synthetic import plan_load
from cruddur_ops.errors import ConfirmationRequired, WrongInput
from cruddur_ops.target import Target
from tests.database.support import execute, some
from tests.unit.headless import until


def require(target: Target) -> None:
    """Look from outside."""
    with connect(target, MAINTENANCE_DATABASE, autocommit=True) as connection:
        label.require(target, connection)


COMMENT = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()"
MEMBER = Member({"sub": "1", "email": "kosh@example.com", "name": "Kosh", "preferred_username": "kosh"}, "CONFIRMED")
NAMES = st.text(st.characters(categories=["L", "N", "P"]), min_size=1)


def test_a_new_database_says_whose_it_is(empty: Target) -> None:
    """Before any schema is loaded, and seen from the maintenance database too."""
    name = database_name(empty)
    with connect(empty) as inside, connect(empty, MAINTENANCE_DATABASE) as outside:
        assert ["local", "local"] == [label.read(inside), label.read(outside, name)]
        assert ["", ""] == [label.read(outside), label.read(outside, "nowhere")]
    require(empty)


def test_another_environment_is_refused(empty: Target) -> None:
    """Both are named, with the way out for a copy; creating over it is refused, too."""
    another = replace(empty, name="prod")

    for step in (require, database.plan_create, plan_drop):
        with pytest.raises(WrongInput, match='"local", and the target is "prod": use --target local.* IS .*prod'):
            step(another)


def test_the_sentence_says_how_to_label_a_copy(empty: Target) -> None:
    """Its statement works as it stands."""
    another = replace(empty, name="staging")
    with pytest.raises(WrongInput) as caught:
        require(another)
    execute(empty, str(caught.value).partition("label it anew: ")[2])

    require(another)


def test_what_says_not_whose_it_is_is_not_filled(empty: Target) -> None:
    """As CreateDBInstance makes one: with a schema and without a label it would be nobody's, and no verb would change it."""
    execute(empty, f'COMMENT ON DATABASE "{database_name(empty)}" IS NULL')
    with pytest.raises(WrongInput, match="does not say yet whose it is, and nothing was loaded: run `cruddur-ops db create`"):
        database.plan_schema(empty).apply()
    database.plan_create(empty).apply()
    database.plan_schema(empty).apply()


def test_a_database_without_one(empty: Target) -> None:
    """Empty, it is nobody's, and `create` labels it; with a table in it, it is left alone."""
    execute(empty, f"COMMENT ON DATABASE {database_name(empty)} IS 'Ask Ivanova first'")
    require(empty)
    execute(empty, "CREATE SCHEMA elsewhere")
    execute(empty, "CREATE TABLE elsewhere.one ()")
    for change in (require, lambda target: database.plan_create(target).apply()):
        with pytest.raises(
            WrongInput, match="holds something and does not say whose it is.*`cruddur-ops db adopt --target local`"
        ):
            change(empty)
    execute(empty, "DROP TABLE elsewhere.one")
    assert 1 == database.plan_create(empty).apply().changed
    assert [("Ask Ivanova first\ncruddur-ops environment: local",)] == execute(empty, COMMENT)


READING = {
    "status",
    "sessions",
    "diagnose",
    "migration",
    "connect",
    "env",
    "exec",
    "url",
    "wait",
    "recover",
}  # the last has tests of its own
VERBS = sorted(verb.name for verb in TABLE if verb.group.name == "db" and verb.name not in READING)
# What lets a verb find something to change, where it would not anyway.
UNSETTLED = {
    "seed": "UPDATE users SET display_name = 'Somebody' WHERE handle = 'andrew'",
    "expire": "UPDATE activities SET created_at = now() - interval '2 days', expires_at = now() - interval '1 day'",
    "migrate": "DELETE FROM schema_migrations WHERE version = 1",
    # Roles are the server's: a test before may have made them, or none.
    "roles": """
        DO $$ BEGIN
            IF to_regrole('cruddur_reader') IS NOT NULL THEN REVOKE SELECT ON users FROM cruddur_reader; END IF;
        END $$""",
}
WRITING: Mapping[str, Callable[[Target], object]] = {
    "post": lambda target: activities.post(target, "andrew", "hello"),
    "reply": lambda target: activities.reply(target, "andrew", "hello", "0b9f2c1e-0000-4000-8000-000000000000"),
    "mark": lambda target: database.mark(target, "before"),
    "forget markers": database.forget_markers,
    "synthetic data": lambda target: plan_load(target, 10).apply(),
    "users sync": lambda target: plan_sync(target).apply(),
}


@pytest.fixture
def another(request: pytest.FixtureRequest, seeded: Target) -> Iterator[Target]:
    """A database of the environment that the test names; with none, one of which nobody knows; somebody is in it."""
    comment = sql.Literal(label.with_label("", request.param) if request.param else "").as_string()
    execute(seeded, f"COMMENT ON DATABASE {database_name(seeded)} IS {comment}")
    with connect(seeded):
        yield seeded


def content(target: Target) -> list[tuple[Any, ...]]:
    """What no verb may change."""
    tables = "SELECT users::text FROM users UNION ALL SELECT activities::text FROM activities"
    others = "SELECT count(*)::text FROM pg_class UNION ALL SELECT count(*)::text FROM pg_stat_activity WHERE datname = %s"
    with connect(target, autocommit=True) as connection:
        return sorted(connection.execute(f"{tables} UNION ALL {others}".encode(), [database_name(target)]).fetchall())


def refused(target: Target, name: str) -> str:
    """What a verb, or a function, says in the place of changing anything."""
    if name not in VERBS:
        with pytest.raises(WrongInput) as caught:
            WRITING[name](target)
        return str(caught.value)
    confirmed = ["--confirm", database_name(target)] if name == "adopt" else []
    result = CliRunner().invoke(main, ["db", name, *confirmed])
    assert 2 == result.exit_code, result.output
    return result.stderr


NOBODYS = [name for name in (*VERBS, *WRITING) if name not in ("adopt", "schema-load")]  # the way out; and it has the schema


@pytest.mark.parametrize("another", ["prod"], indirect=True)
@pytest.mark.parametrize("name", [*VERBS, *WRITING])
def test_only_what_is_ours_is_changed(another: Target, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every verb and every function that changes a database compares its label, and names the way out."""
    assert 'belongs to the environment "prod"' in refusal(another, name, monkeypatch)


@pytest.mark.parametrize("another", [""], indirect=True)
@pytest.mark.parametrize("name", some(NOBODYS, "seed", "setup"))
def test_what_is_nobodys_is_adopted_first(another: Target, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for a database without a label."""
    assert "`cruddur-ops db adopt --target local`" in refusal(another, name, monkeypatch)


def refusal(another: Target, name: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """What it says, having changed nothing."""
    monkeypatch.setattr(users, "list_members", lambda _: [MEMBER])
    if name in UNSETTLED:
        execute(another, UNSETTLED[name])
    before = content(another)
    said = refused(another, name)
    session(another).close()
    until(lambda: before == content(another))  # the server notices a moment later that a session is closed
    return said


@pytest.mark.parametrize("another", [""], indirect=True)
def test_adoption(another: Target) -> None:
    """What nobody labelled is ours from then on, once its name was typed."""
    name = database_name(another)
    for confirm in ("", "cruddur-db-instance"):
        with pytest.raises(ConfirmationRequired, match=f"nothing was changed.*--confirm {name}"):
            plan_adopt(replace(another, confirm=confirm)).apply()
    plan = plan_adopt(replace(another, confirm=name))
    assert f"~ database {name}: environment = local" in str(plan)
    assert Outcome(changed=1, unchanged=1) == plan.apply()
    assert f"database {name} are as wanted" in repr(plan.verify())
    execute(another, UNSETTLED["seed"])
    assert 1 == database.plan_seed(another).apply().changed


def test_nobody_adopts_what_is_not_there(target: Target) -> None:
    """It is created."""
    plan = plan_adopt(target)
    assert () == plan.mutating
    assert "there is none" in str(plan)


def test_a_database_that_is_not_there_is_nobodys(target: Target) -> None:
    """There is nothing to compare."""
    require(target)


@given(st.none() | st.text(), NAMES, NAMES)
def test_a_label_is_read_back(comment: str | None, before: str, after: str) -> None:
    """Whatever else the comment says; a second label replaces the first."""
    assert after == labelled(with_label(with_label(comment, before), after))
