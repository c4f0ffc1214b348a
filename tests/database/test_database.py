"""From nothing to a seeded database: the steps together, and how each of them creates."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psycopg
import pytest

from cruddur_ops import database
from cruddur_ops.change import Action, Change, Outcome
from cruddur_ops.database.connection import connect, session
from cruddur_ops.database.errors import DatabaseMissing, NotPermitted, SchemaMissing
from cruddur_ops.database.location import MAINTENANCE_DATABASE, database_name
from cruddur_ops.database.planning import by_statement
from cruddur_ops.database.statements import compose
from cruddur_ops.errors import ConfirmationRequired, NotVerified, PlanMoved, RunInProgress, WrongInput
from cruddur_ops.target import Target
from rds_sandbox.postgres import Server
from tests.database.conftest import USER
from tests.database.support import execute, some

SEEDED = 17
PLANS = [database.plan_create, database.plan_roles, database.plan_schema, database.plan_migrations, database.plan_seed]


def test_from_nothing_to_seeded(target: Target) -> None:
    """The steps create the database, the schema, and four users with twelve activities."""
    outcomes = [plan(target).apply() for plan in PLANS]

    assert 1 <= outcomes[0].created <= 2  # the owner is the server's, and may be there from another test
    assert [Outcome(created=1), Outcome(unchanged=1), Outcome(created=SEEDED)] == outcomes[2:]
    assert {"activities": 12, "users": 5} == database.counts(target)


def test_second_run_changes_nothing(seeded: Target) -> None:
    """Each step leaves alone what it made before."""
    database.plan_roles(seeded).apply()

    assert [()] * 5 == [plan(seeded).mutating for plan in PLANS]
    assert {Outcome()} == {replace(plan(seeded).apply(), unchanged=0) for plan in PLANS}


def test_plans_say_what_they_do_and_verify_it(target: Target) -> None:
    """A plan's counts are those of its application, before and after; and planning again finds what was wanted."""
    for planner in PLANS * 2:
        plan = planner(target)
        assert plan.outcome == plan.apply()
        assert repr(plan.verify()).endswith(" as wanted")


def test_a_plan_that_was_not_made_does_not_verify(empty: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """The difference that stays is named."""
    monkeypatch.setattr("cruddur_ops.plan.LATE_SECONDS", 0)
    with pytest.raises(NotVerified, match=r"Schema on local is not as wanted yet: \+ schema"):
        database.plan_schema(empty).verify()


def test_what_is_applied_is_what_was_shown(seeded: Target) -> None:
    """Where the database is another than when the plan was made, nothing is changed: not even the seed, which is tried."""
    plan = database.plan_seed(seeded)
    execute(seeded, "DELETE FROM activities WHERE message LIKE 'Cloud%'")
    with pytest.raises(PlanMoved, match=r"new: \+ activity 12 of andrew\): read the plan again"):
        plan.apply()

    assert {"activities": 11, "users": 5} == database.counts(seeded)


def test_plans_before_the_database_exists(target: Target) -> None:
    """All plans work while there is no database, and none makes it."""
    plans = [plan(target) for plan in PLANS]

    assert ["", "known after the database is created", "", "", "known after the schema is loaded"] == [
        plan.changes[-1].note.replace("an empty database gets all of them with the schema", "") for plan in plans
    ]
    with pytest.raises(DatabaseMissing):
        connect(target)


ODD_NAMES = ["my db; drop", 'quoted "name"', "ünïcode 🎉", "UPPER", "select", "a'b", "100%s", '"; DROP DATABASE postgres; --']


@pytest.mark.parametrize("name", some(ODD_NAMES, 'quoted "name"', "100%s"))
def test_odd_database_names(at: Callable[..., Target], name: str) -> None:
    """A name that needs quoting is quoted, by each step and each plan."""
    target = at(name)
    assert Action.CREATE == database.plan_create(target).mutating[-1].action
    for plan in PLANS:
        plan(target).apply()

    assert [0] * 5 == [len(plan(target).mutating) for plan in PLANS]
    assert name == database.connection_facts(target)["database"]
    assert [] == execute(target, "SELECT 1 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'postgres')")


def test_database_is_utf8_and_owned_by_the_owner(empty: Target) -> None:
    """CREATE DATABASE makes UTF-8 whatever template1 has; the role that owns the tables owns it."""
    owner = "SELECT pg_get_userbyid(datdba), pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()"

    assert [("cruddur_owner", "UTF8")] == execute(empty, owner)


def test_a_database_of_somebody_else_gets_its_owner(target: Target) -> None:
    """One that RDS made with the instance belongs to the master user until then."""
    with connect(target, MAINTENANCE_DATABASE, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {database_name(target)}".encode())
    settings = {change.setting: (change.before, change.after) for change in database.plan_create(target).mutating}

    assert (USER, "cruddur_owner") == settings["owner"]
    assert (None, "local") == settings["environment"]
    assert 1 == database.plan_create(target).apply().changed
    assert [] == list(database.plan_create(target).mutating)


def test_connection_facts(seeded: Target) -> None:
    """The facts are those of this connection: no superuser, no TLS on a Unix socket."""
    facts = database.connection_facts(seeded)

    expected = {"user": USER, "superuser": False, "encoding": "UTF8", "tls": False, "sslmode": "prefer"}
    assert expected == {key: facts[key] for key in expected}
    assert 18 <= facts["server_major"]


def test_counting_without_a_schema(empty: Target) -> None:
    """A missing table is told as a missing schema, with the notebook that loads it."""
    with pytest.raises(SchemaMissing, match="run 03_load_schema_and_seed"):
        database.counts(empty)
    with pytest.raises(SchemaMissing):
        database.plan_seed(empty).apply()


def test_protected_target_needs_its_identifier(empty: Target) -> None:
    """Without the typed identifier a protected target keeps all as it is; with it the step is made."""
    protected = replace(empty, protected=True)
    for plan in (database.plan_roles, database.plan_schema):
        execute(empty, f"REVOKE CONNECT ON DATABASE {database_name(empty)} FROM PUBLIC, cruddur_reader")
        with pytest.raises(ConfirmationRequired):
            plan(protected).apply()
        plan(replace(protected, confirm="cruddur-db-instance")).apply()
    with pytest.raises(ConfirmationRequired):
        database.plan_seed(replace(protected, confirm="another")).apply()

    assert {"activities": 0, "users": 0} == database.counts(empty)
    session(protected).close()


def test_updated_at_follows_an_update(seeded: Target) -> None:
    """The triggers keep updated_at, also where the statement gives another value."""
    execute(seeded, "UPDATE users SET display_name = 'B', updated_at = 'epoch' WHERE handle = 'bayko'")
    execute(seeded, "UPDATE activities SET likes_count = 1 WHERE message LIKE 'Cloud%'")

    assert [(True, True)] == execute(
        seeded,
        "SELECT bool_and(u.updated_at > u.created_at), bool_and(a.updated_at > a.created_at)"
        " FROM users u, activities a WHERE u.handle = 'bayko' AND a.message LIKE 'Cloud%'",
    )


@pytest.mark.parametrize("handle", ["Andrew", "ANDREW", "andrew"])
def test_a_handle_in_another_case_is_the_same(seeded: Target, handle: str) -> None:
    """Nobody signs up beside andrew as Andrew."""
    with pytest.raises(psycopg.errors.UniqueViolation, match="users_lower_handle"):
        execute(seeded, f"INSERT INTO users (handle, display_name, email) VALUES ('{handle}', 'A', 'a@example.com')")


@pytest.mark.usefixtures("unlocked")
def test_two_at_once(empty: Target) -> None:
    """Of two loads or seeds at the same moment one does it all, and the other finds it done."""
    with ThreadPoolExecutor(2) as pool:
        for planner, count in ((database.plan_schema, 1), (database.plan_seed, SEEDED)):
            plan = planner(empty)
            outcomes = [future.result() for future in [pool.submit(plan.apply) for _ in range(2)]]

            assert {Outcome(created=count), Outcome(unchanged=count)} == set(outcomes)


def test_what_somebody_else_makes_meanwhile(empty: Target) -> None:
    """Between looking and creating somebody else may be quicker."""
    statement = compose("operations/create_database", database=database_name(empty), owner="cruddur_owner")

    with connect(empty, autocommit=True) as connection:
        change = by_statement(connection, Change(Action.CREATE, "database x"), statement)
        assert change.make
        with pytest.raises(RunInProgress, match="made database x at .*: repeat"):
            change.make()


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

    with pytest.raises(NotPermitted, match=".+: connect as a user with CREATEDB and CREATEROLE"):
        database.plan_create(guest("nobodys")).apply()
    with pytest.raises(WrongInput, match='permission denied to set role "cruddur_owner": .* as the master user'):
        database.plan_schema(guest(name)).apply()


def test_connections_survive_a_restart(seeded: Target, server: Server) -> None:
    """A connection that the server dropped is replaced before it is used."""
    database.counts(seeded)
    with server.administrator() as administrator:
        administrator.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'cruddur-ops'"
        )

    assert {"activities": 12, "users": 5} == database.counts(seeded)
