"""The roles of the database: what each may do, and how they get back what they lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from cruddur_ops import database
from cruddur_ops.change import Outcome
from cruddur_ops.database.connection import connect, session
from cruddur_ops.database.errors import DatabaseMissing, DatabaseUnreachable, LoginRefused, NotPermitted
from cruddur_ops.database.location import database_name, locate
from cruddur_ops.fleet import facts
from cruddur_ops.target import Target
from rds_sandbox.postgres import Server
from tests.database.conftest import USER
from tests.database.support import Planner, execute


@pytest.fixture
def prepared(seeded: Target) -> Target:
    """A seeded target with its roles."""
    database.plan_roles(seeded).apply()
    return seeded


def test_a_target_acts_in_its_role(prepared: Target) -> None:
    """SET ROLE takes it on, whoever logs in; through an engine as well."""
    reader = replace(prepared, db_role="cruddur_reader")

    assert [("cruddur_reader", USER)] == execute(reader, "SELECT current_user, session_user")
    assert "cruddur_reader" == database.connection_facts(reader)["user"]
    assert {"activities": 12, "users": 5} == database.counts(reader)
    session(reader).close()


def test_what_a_fleet_compares_of_rights(prepared: Target) -> None:
    """As they are on this target, where somebody took one away and gave another."""
    execute(prepared, "REVOKE SELECT ON users FROM cruddur_reader")
    execute(prepared, "GRANT DELETE ON users TO cruddur_app")
    found = facts.gather(prepared)["facts"]
    assert "lacks SELECT" == found["grant: cruddur_reader on users"]
    assert "DELETE, INSERT, SELECT, UPDATE" == found["grant: cruddur_app on users"]


APPLICATION = {
    "SELECT count(*) FROM live_activities": True,
    "SELECT count(*) FROM users": True,
    "INSERT INTO users (handle, display_name, email) VALUES ('x', 'X', 'x@example.com')": True,
    "UPDATE users SET display_name = 'X' WHERE handle = 'bayko'": True,
    "INSERT INTO activities (user_uuid, message) SELECT uuid, 'hello' FROM users": True,
    "UPDATE activities SET replies_count = replies_count + 1": True,
    "UPDATE activities SET message = 'mine'": False,
    "DELETE FROM activities": False,
    "DELETE FROM users": False,
    "TRUNCATE users, activities": False,
    "SELECT count(*) FROM schema_history": False,
    "CREATE TABLE more ()": False,
    "DROP TABLE activities": False,
    "ALTER TABLE users ADD COLUMN more text": False,
    "CREATE ROLE more": False,
}


def permitted(connection: psycopg.Connection[Any], statement: str) -> bool:
    """Whether PostgreSQL lets the statement through; what it did is rolled back."""
    try:
        connection.execute(statement.encode())
    except psycopg.errors.InsufficientPrivilege:
        return False
    finally:
        connection.rollback()
    return True


def test_the_application_may_what_it_needs(prepared: Target) -> None:
    """And nothing else."""
    with connect(replace(prepared, db_role="cruddur_app")) as connection:
        assert APPLICATION == {statement: permitted(connection, statement) for statement in APPLICATION}


def test_the_reader_reads_all_and_writes_nothing(prepared: Target) -> None:
    """Every table and view, the sessions of others, and not one row is changed."""
    reader = replace(prepared, db_role="cruddur_reader")
    execute(reader, "SELECT * FROM live_activities")
    for table in ("users", "activities", "schema_history", "schema_migrations"):
        execute(reader, f"SELECT * FROM {table}")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            execute(reader, f"DELETE FROM {table}")

    assert [(True,)] == execute(reader, "SELECT pg_has_role('pg_monitor', 'USAGE')")


@pytest.mark.parametrize("planner", [database.plan_seed, database.plan_roles])
def test_a_reader_is_told_to_step_aside(prepared: Target, planner: Planner) -> None:
    """Where a step needs more than the role has."""
    reader = replace(prepared, db_role="cruddur_reader")
    execute(prepared, "REVOKE SELECT ON users FROM cruddur_app")

    with pytest.raises(NotPermitted, match=": connect as .* without db_role"):
        planner(reader).apply()
    session(reader).close()


LOST = {
    "a right": "REVOKE SELECT ON users FROM cruddur_app",
    "one of a column": "REVOKE UPDATE (replies_count) ON activities FROM cruddur_app",
    "all rights": "REVOKE ALL ON users FROM cruddur_reader",
    "too much": "GRANT DELETE ON activities TO cruddur_app",
    "too much of a column": "GRANT UPDATE (email) ON users TO cruddur_reader",
    "a table of its own": "GRANT INSERT ON schema_history TO cruddur_app",
    "the membership": f"REVOKE cruddur_reader FROM {USER}",
}


def test_what_was_lost_or_added_is_mended(prepared: Target) -> None:
    """The plan says what, one run mends it, and the next finds nothing to do."""
    for name, statement in LOST.items():
        execute(prepared, statement)
        plan = database.plan_roles(prepared)

        assert 1 == len(plan.mutating), name
        assert plan.outcome == database.plan_roles(prepared).apply(), name
        assert [] == list(database.plan_roles(prepared).mutating), name


def test_the_schema_of_the_database_lost_its_doors(prepared: Target) -> None:
    """Where somebody closed database and schema to everybody, the roles are let in by name."""
    execute(prepared, f"REVOKE CONNECT ON DATABASE {database_name(prepared)} FROM PUBLIC")
    execute(prepared, "REVOKE USAGE ON SCHEMA public FROM PUBLIC")

    assert 4 == database.plan_roles(prepared).apply().created
    assert [] == list(database.plan_roles(prepared).mutating)


def test_a_second_database_shares_the_roles(prepared: Target, at: Callable[..., Target]) -> None:
    """They are the server's; the rights are each database's."""
    second = at(f"{database_name(prepared)}_second")

    assert Outcome(created=1, unchanged=1) == database.plan_create(second).apply()
    assert Outcome(unchanged=3) == database.plan_roles(second).apply()
    database.plan_schema(second).apply()
    assert [] == list(database.plan_roles(second).mutating)


def test_nobody_logs_in_as_a_role_behind_a_url(prepared: Target) -> None:
    """They have no password there; one that somebody lets log in stays so."""
    logins = "SELECT rolname FROM pg_roles WHERE rolname LIKE 'cruddur\\_%' AND rolcanlogin"
    assert [] == execute(prepared, logins)
    execute(prepared, "ALTER ROLE cruddur_app LOGIN")
    database.plan_roles(prepared).apply()

    assert [("cruddur_app",)] == execute(prepared, logins)
    execute(prepared, "ALTER ROLE cruddur_app NOLOGIN")


@pytest.fixture
def outsider(server: Server) -> Iterator[str]:
    """A user who has databases and roles of its own, and none of ours."""
    with server.administrator() as administrator:
        administrator.execute("CREATE ROLE outsider LOGIN CREATEDB CREATEROLE PASSWORD 'outsider'")
        yield "outsider"
        administrator.execute("DROP OWNED BY outsider")
        administrator.execute("DROP ROLE outsider")


def test_roles_of_another_master(prepared: Target, at: Callable[..., Target], outsider: str) -> None:
    """Who did not make them may not take them."""
    with pytest.raises(NotPermitted, match='permission denied to grant role "cruddur_owner": connect as'):
        database.plan_create(at("outsiders", outsider, outsider)).apply()


def test_an_unknown_role_is_told(prepared: Target) -> None:
    """Not as a wrong password; and a missing database not as a wrong role."""
    wrong = replace(prepared, db_role="cruddur writer")
    with pytest.raises(DatabaseUnreachable, match='refused the role .*"cruddur writer".*: run 03_load_schema_and_seed'):
        connect(wrong)
    with pytest.raises(DatabaseMissing):
        connect(replace(wrong, connection_url=wrong.connection_url.replace(database_name(wrong), "nowhere")))
    with pytest.raises(LoginRefused):
        connect(replace(wrong, connection_url=wrong.connection_url.replace(USER, "nobody")))


def test_a_role_beside_other_options(prepared: Target, at: Callable[..., Target]) -> None:
    """What the URL asks for stays."""
    reader = replace(at(database_name(prepared), options="-c statement_timeout=7s"), db_role="cruddur_reader")

    assert [("cruddur_reader", "7s")] == execute(reader, "SELECT current_user, current_setting('statement_timeout')")
    assert "-c statement_timeout=7s -c role=cruddur_reader" == locate(reader).parameters["options"]
