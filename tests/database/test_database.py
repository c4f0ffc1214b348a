"""Creating, loading and seeding a database on a real server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy

from cruddur_ops import database, queries
from cruddur_ops.database import setup
from cruddur_ops.database.connection import connect, engine
from cruddur_ops.database.unreachable import DatabaseMissing
from cruddur_ops.errors import ConfirmationRequired, RunInProgress, WrongInput
from cruddur_ops.plan import Action, Outcome
from cruddur_ops.sandbox.postgres import Server
from cruddur_ops.targets import Target
from tests.database.conftest import USER

SEEDED = 16
STEPS = [database.create, database.load_schema, database.seed]
PLANS = [database.plan_create, database.plan_schema, database.plan_seed]


@pytest.fixture
def schema_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of sql/ that a test may change; its schema.sql."""
    for name in queries.names():
        copy = tmp_path / f"{name}.sql"
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(queries.load(name).text)
    monkeypatch.setattr(queries, "FOLDER", tmp_path)
    queries.load.cache_clear()
    yield tmp_path / "schema.sql"
    queries.load.cache_clear()


def execute(target: Target, statement: str) -> list[tuple[Any, ...]]:
    """Run a statement past the package."""
    with connect(target, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def test_from_nothing_to_seeded(target: Target) -> None:
    """The three steps create the database, the schema, and four users with twelve activities."""
    outcomes = [step(target) for step in STEPS]

    assert [Outcome(created=1), Outcome(created=1), Outcome(created=SEEDED)] == outcomes
    assert {"activities": 12, "users": 4} == database.counts(target)


def test_second_run_changes_nothing(seeded: Target) -> None:
    """Each step leaves alone what it made before."""
    outcomes = [step(seeded) for step in STEPS]

    assert [Outcome(unchanged=1), Outcome(unchanged=1), Outcome(unchanged=SEEDED)] == outcomes


def test_plans_say_what_the_steps_do(target: Target) -> None:
    """A plan's counts are those of the step that follows, before and after."""
    for plan, step in [*zip(PLANS, STEPS, strict=True), *zip(PLANS, STEPS, strict=True)]:
        assert plan(target).outcome == step(target)


def test_plans_before_the_database_exists(target: Target) -> None:
    """All three plans work while there is no database, and none makes it."""
    plans = [plan(target) for plan in PLANS]

    assert [Action.CREATE] * 3 == [plan.changes[0].action for plan in plans]
    assert "known after the schema is loaded" == plans[2].changes[0].note
    with pytest.raises(DatabaseMissing):
        connect(target)


def test_plan_of_seed_inserts_nothing(empty: Target) -> None:
    """What the plan tries is rolled back."""
    database.load_schema(empty)

    assert SEEDED == len(database.plan_seed(empty).mutating)
    assert {"activities": 0, "users": 0} == database.counts(empty)
    assert [(0,)] == execute(empty, "SELECT count(*) FROM seed_history")


@pytest.mark.parametrize("name", ["my db; drop", 'quoted "name"', "ünïcode 🎉", "UPPER", "select", "a'b"])
def test_odd_database_names(at: Callable[..., Target], name: str) -> None:
    """A name that needs quoting is quoted."""
    target = at(name)

    assert Outcome(created=1) == database.create(target)
    assert name == database.connection_facts(target)["database"]


def test_database_is_utf8_and_owned_by_the_user(empty: Target) -> None:
    """CREATE DATABASE makes UTF-8 whatever template1 has, for whoever connects."""
    owner = "SELECT pg_get_userbyid(datdba), pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()"

    assert [(USER, "UTF8")] == execute(empty, owner)


def test_connection_facts(seeded: Target) -> None:
    """The facts are those of this connection: no superuser, no TLS on a Unix socket."""
    facts = database.connection_facts(seeded)

    expected = {"user": USER, "superuser": False, "encoding": "UTF8", "tls": False, "sslmode": "prefer"}
    assert expected == {key: facts[key] for key in expected}
    assert 18 <= facts["server_major"]


def test_schema_that_fails_at_its_end_leaves_nothing(empty: Target, schema_file: Path) -> None:
    """The whole of schema.sql is one transaction, with the row that records it."""
    schema_file.write_text(f"{schema_file.read_text()}\nSELECT nothing_like_it;\n")

    with pytest.raises(psycopg.errors.UndefinedColumn):
        database.load_schema(empty)
    assert [] == execute(empty, "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace")


def test_schema_killed_in_the_middle_leaves_nothing(empty: Target, schema_file: Path) -> None:
    """A session that ends half way rolls back; the next run starts afresh."""
    whole = schema_file.read_text()
    schema_file.write_text(f"{whole}\nSELECT pg_terminate_backend(pg_backend_pid());\n")
    with pytest.raises((psycopg.OperationalError, sqlalchemy.exc.DBAPIError)):
        database.load_schema(empty)
    schema_file.write_text(whole)
    queries.load.cache_clear()

    assert Outcome(created=1) == database.load_schema(empty)


def test_another_schema_is_refused(seeded: Target, schema_file: Path) -> None:
    """Over another checksum nothing is loaded, and the message tells the way out."""
    schema_file.write_text(f"{schema_file.read_text()}-- changed\n")

    for step in (database.plan_schema, database.load_schema):
        with pytest.raises(setup.SchemaDiffers, match="restore the file with git"):
            step(seeded)
    assert {"activities": 12, "users": 4} == database.counts(seeded)


def test_tables_from_elsewhere_are_refused(empty: Target) -> None:
    """A table of the same name that this package did not make is named, and kept."""
    execute(empty, "CREATE TABLE users (id integer)")

    with pytest.raises(setup.SchemaDiffers, match="tables from elsewhere: users"):
        database.load_schema(empty)


def test_other_tables_are_no_obstacle(empty: Target) -> None:
    """Tables of other names may be there."""
    execute(empty, "CREATE TABLE something_else (id integer)")

    assert Outcome(created=1) == database.load_schema(empty)


def test_schema_is_recorded(seeded: Target) -> None:
    """schema_history holds the checksum of the file and who loaded it."""
    assert [(1, database.schema_checksum(), USER)] == execute(seeded, "SELECT version, checksum, loaded_by FROM schema_history")


def test_counting_without_a_schema(empty: Target) -> None:
    """A missing table is told as a missing schema, with the notebook that loads it."""
    with pytest.raises(setup.SchemaMissing, match="run 03_load_schema_and_seed"):
        database.counts(empty)
    with pytest.raises(setup.SchemaMissing):
        database.seed(empty)


def test_seed_brings_back_nothing(seeded: Target) -> None:
    """What users deleted or changed since stays as they left it."""
    execute(seeded, "DELETE FROM activities WHERE message LIKE 'Cloud%'")
    execute(seeded, "UPDATE activities SET message = 'mine' WHERE message LIKE 'A republic%'")
    execute(seeded, "DELETE FROM users WHERE handle = 'delenn'")
    execute(seeded, "UPDATE users SET handle = 'lord_mollari' WHERE handle = 'londo'")
    before = execute(seeded, "TABLE users ORDER BY uuid") + execute(seeded, "TABLE activities ORDER BY uuid")

    assert Outcome(unchanged=SEEDED) == database.seed(seeded)
    assert before == execute(seeded, "TABLE users ORDER BY uuid") + execute(seeded, "TABLE activities ORDER BY uuid")


def test_seed_among_users_who_were_first(empty: Target) -> None:
    """A user who signed up under a seed's handle keeps the account, and the seed's activities are this user's."""
    database.load_schema(empty)
    execute(empty, "INSERT INTO users (handle, display_name, email) VALUES ('andrew', 'Another', 'another@example.com')")

    assert Outcome(created=SEEDED - 1, unchanged=1) == database.seed(empty)
    andrews = (
        "SELECT display_name, count(*) FROM users JOIN activities ON user_uuid = users.uuid WHERE handle = 'andrew' GROUP BY 1"
    )
    assert [("Another", 4)] == execute(empty, andrews)


def test_protected_target_needs_its_identifier(empty: Target) -> None:
    """Without the typed identifier a protected target keeps all as it is; with it the step is made."""
    protected = replace(empty, protected=True)
    with pytest.raises(ConfirmationRequired):
        database.load_schema(protected)
    database.load_schema(protected, confirm="cruddur-db-instance")
    with pytest.raises(ConfirmationRequired):
        database.seed(protected, confirm="another")

    assert {"activities": 0, "users": 0} == database.counts(empty)
    engine(protected).dispose()


def test_updated_at_follows_an_update(seeded: Target) -> None:
    """The triggers keep updated_at, also where the statement gives another value."""
    execute(seeded, "UPDATE users SET display_name = 'B', updated_at = 'epoch' WHERE handle = 'bayko'")
    execute(seeded, "UPDATE activities SET likes_count = 1 WHERE message LIKE 'Cloud%'")

    assert [(True, True)] == execute(
        seeded,
        "SELECT bool_and(u.updated_at > u.created_at), bool_and(a.updated_at > a.created_at)"
        " FROM users u, activities a WHERE u.handle = 'bayko' AND a.message LIKE 'Cloud%'",
    )


def test_two_at_once(empty: Target) -> None:
    """Of two loads or seeds at the same moment one does it all, and the other finds it done."""
    with ThreadPoolExecutor(2) as pool:
        loads = [future.result() for future in [pool.submit(database.load_schema, empty) for _ in range(2)]]
        seeds = [future.result() for future in [pool.submit(database.seed, empty) for _ in range(2)]]

    assert [0, 1] == sorted(outcome.created for outcome in loads)
    assert [0, SEEDED] == sorted(outcome.created for outcome in seeds)


def test_database_that_somebody_else_creates_meanwhile(empty: Target) -> None:
    """Between looking and creating somebody else may be quicker."""
    with pytest.raises(RunInProgress, match="repeat"):
        setup._create(empty)


@pytest.fixture
def guest(server: Server, empty: Target, at: Callable[..., Target]) -> Callable[[str], Target]:
    """A target at a database of the server, for a user without any right."""
    with server.administrator() as administrator:
        administrator.execute("DROP ROLE IF EXISTS guest")
        administrator.execute("CREATE ROLE guest LOGIN PASSWORD 'guest'")
    return lambda name: at(name, "guest", "guest")


def test_user_who_may_not(empty: Target, guest: Callable[[str], Target]) -> None:
    """A user without the right is told what is needed, not shown a traceback."""
    name = database.connection_facts(empty)["database"]

    with pytest.raises(WrongInput, match="permission denied to create database: connect as a user with CREATEDB"):
        database.create(guest("nobodys"))
    with pytest.raises(WrongInput, match="permission denied for schema public: connect as"):
        database.load_schema(guest(name))


def test_connections_survive_a_restart(seeded: Target, server: Server) -> None:
    """A connection that the server dropped is replaced before it is used."""
    database.counts(seeded)
    with server.administrator() as administrator:
        administrator.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cruddur-ops'")

    assert {"activities": 12, "users": 4} == database.counts(seeded)
