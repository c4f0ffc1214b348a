"""What is there, however little of it is there; where the time goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from click.testing import CliRunner

from cruddur_ops import database
from cruddur_ops.change import Outcome
from cruddur_ops.cli import main
from cruddur_ops.database import statement_statistics as counting
from cruddur_ops.database.connection import session
from cruddur_ops.database.location import locate
from cruddur_ops.database.status import readable
from cruddur_ops.errors import ConfirmationRequired, WrongInput
from cruddur_ops.target import Target
from rds_sandbox.postgres import Server, standalone
from tests.database.conftest import PASSWORD, USER
from tests.database.people import PASSWORD as GUESTS
from tests.database.people import People
from tests.database.support import execute
from tests.unit.headless import until

SECRET = "canary-in-a-statement"


def test_all_there_is_to_know(seeded: Target) -> None:
    """Server, database, environment, schema, rows, size, sessions."""
    session(seeded).close()
    until(lambda: not database.sessions(seeded).all)  # a session that has ended is listed for a moment
    found = database.status(seeded)

    expected = (USER, False, True, "local", {"activities": 12, "users": 5}, 0)
    assert expected == (found.user, found.replica, found.present, found.environment, found.counts, found.sessions)
    assert database.schema_checksum() == found.schema["checksum"]
    assert (True, True) == (found.version.startswith("18"), 0 < (found.size or 0) < 2**30)
    assert 50 < found.connection_limit < 100
    lines = str(found).splitlines()
    names = ["server", "connected as", "sessions", "database", "environment", "schema", "size"]
    assert [*names, "rows of activities", "rows of users"] == [line.partition("  ")[0] for line in lines]
    assert "(that of sql/schema.sql)" in str(found)
    assert PASSWORD not in str(found)


def test_without_the_database(target: Target) -> None:
    """What the server is is told all the same, with the way to a database."""
    found = database.status(target)
    assert (False, {}, None) == (found.present, found.schema, found.counts)
    assert str(found).endswith("there is none yet, 03_load_schema_and_seed creates it")


def test_without_a_schema(empty: Target) -> None:
    """An empty database has a size and an environment."""
    found = database.status(empty)
    assert (True, "local", {}) == (found.present, found.environment, found.schema)
    assert "none loaded: `cruddur-ops db schema-load` loads it" in str(found)


def test_another_schema_is_told(seeded: Target) -> None:
    """A checksum that is not the file's stands out."""
    execute(seeded, "UPDATE schema_history SET checksum = 'another'")
    assert "(NOT that of sql/schema.sql)" in str(database.status(seeded))


def test_for_somebody_without_rights(seeded: Target, people: People, at: Callable[..., Target]) -> None:
    """Whoever may not read the tables sees the server."""
    execute(seeded, f"GRANT CONNECT ON DATABASE {locate(seeded).database} TO {people.role('guest')}")
    found = database.status(at(locate(seeded).database, "guest", GUESTS))
    assert (True, "local", {}, None) == (found.present, found.environment, found.schema, found.counts)


def test_verb(seeded: Target) -> None:
    """The lines are those of the value; a server that is not there is one sentence."""
    assert "rows of users       5\n" in CliRunner().invoke(main, ["db", "status"]).stdout


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1 KiB"), (7.5 * 2**20, "7.5 MiB"), (2**40, "1 TiB"), (2**50, "1024 TiB")],
)
def test_sizes(size: float, text: str) -> None:
    """Binary units."""
    assert text == readable(size)


@pytest.mark.parametrize(
    ("value", "text"), [(0, "under 1"), (0.99, "under 1"), (1, "1+"), (9.9, "1+"), (10, "10+"), (12345, "10000+")]
)
def test_magnitudes(value: float, text: str) -> None:
    """Rounded down to a power of ten."""
    assert text == counting.magnitude(value)


def test_what_is_known_of_tables_and_indexes(seeded: Target) -> None:
    """Every table with its size; no index that holds a constraint up among the unused; no trouble with memory."""
    sizes, unused = database.inspect(seeded, "table_sizes"), database.inspect(seeded, "unused_indexes")

    assert ["activities", "schema_history", "schema_migrations", "users"] == list(sizes["table"])
    assert "64 kB" == sizes["table, up to"][0]
    assert "the sizes of 4 tables and of their indexes, the largest first" == database.sizes(seeded).text
    assert {"activities_expiry"} <= set(unused["index"])
    assert not [name for name in unused["index"] if name.endswith(("_pkey", "_key"))]
    assert [False, False, False] == list(database.inspect(seeded, "memory").iloc[0])
    with pytest.raises(WrongInput, match="sql/ has no query"):
        database.inspect(seeded, "nothing_like_it")


def test_where_nobody_counts(seeded: Target) -> None:
    """A server that has not loaded the library gets no extension; the way to it is told."""
    plan = database.plan_statement_statistics(seeded)

    assert ((), (counting.LOAD,)) == (plan.changes, plan.facts)
    assert Outcome() == plan.apply()
    assert "verified: nothing is left to do for Statistics of statements on local" == repr(plan.verify())
    assert f"no statement was counted: {counting.LOAD}" == repr(database.slowest(seeded))


@pytest.fixture(scope="module")
def counting_server() -> Iterator[Server]:
    """A server that has the library loaded, as on RDS."""
    with standalone(USER, PASSWORD, "counted", preloaded=True) as server:
        yield server


@pytest.fixture
def counted(counting_server: Server, at: Callable[..., Target]) -> Target:
    """A target on that server."""
    return at("counted", host=str(counting_server.folder))


def test_where_the_time_goes(counted: Target) -> None:
    """After the extension is created, once, the slowest statement comes first, without its values; `create` may still come."""
    assert "CREATE EXTENSION" in counting.CREATE
    assert [Outcome(created=1), Outcome(unchanged=1)] == [database.plan_statement_statistics(counted).apply() for _ in range(2)]
    execute(counted, f"SELECT pg_sleep(0.3), '{SECRET}'")
    execute(counted, f"DO $$ BEGIN PERFORM pg_sleep(0.2), '{SECRET}'; END $$")
    execute(counted, f"ALTER ROLE {USER} PASSWORD '{PASSWORD}'")
    found = database.slowest(counted)

    assert ("SELECT pg_sleep($1), $2", 1) == (found.statements[0].text, found.statements[0].calls)
    assert 300 <= found.statements[0].mean == found.statements[0].total
    assert {"DO", "ALTER ROLE"} <= {one.text for one in found.statements}
    assert SECRET not in f"{found!r} {found.statements}"
    assert PASSWORD not in f"{found!r} {found.statements}"
    assert ["calls", "each", "statement"] == repr(found).splitlines()[0].split()
    assert database.plan_create(counted).apply().changed


def test_protected_target_needs_its_identifier(counted: Target) -> None:
    """An extension is a change."""
    execute(counted, "DROP EXTENSION IF EXISTS pg_stat_statements")
    with pytest.raises(ConfirmationRequired):
        database.plan_statement_statistics(replace(counted, protected=True)).apply()


def test_who_may_not_create_it_is_told_who_may(counted: Target, counting_server: Server, at: Callable[..., Target]) -> None:
    """Somebody without the right changes nothing."""
    execute(counted, "DROP EXTENSION IF EXISTS pg_stat_statements")
    with counting_server.administrator() as administrator:
        administrator.execute("CREATE ROLE guest LOGIN PASSWORD 'guest'")
    guest = at("counted", "guest", "guest", host=str(counting_server.folder))

    assert Outcome() == database.plan_statement_statistics(guest).apply()
    assert f"no statement was counted: {counting.CREATE}" == repr(database.slowest(guest))
