"""`seed --scale`: synthetic data in a real database."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner
from psycopg import sql

from cruddur_ops import activities, database
from cruddur_ops.change import Outcome
from cruddur_ops.cli import main
from cruddur_ops.database import synthetic
from cruddur_ops.database.connection import connect, session
from cruddur_ops.database.errors import SchemaMissing, StatementFailed
from cruddur_ops.database.explain import explain
from cruddur_ops.database.synthetic import plan_load
from cruddur_ops.errors import ConfirmationRequired, NotVerified, OpsError, WrongInput
from cruddur_ops.target import Target
from tests.database.support import Process
from tests.unit.headless import until

SCALED = 1234
USERS = 62
LOADING = (
    "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND xact_start IS NOT NULL AND query LIKE '%INSERT INTO activities%'"
)


def fetch(target: Target, statement: str) -> list[tuple[Any, ...]]:
    """Run a query past the package."""
    with connect(target, autocommit=True) as connection:
        return connection.execute(statement.encode()).fetchall()


def content(target: Target) -> list[Any]:
    """The rows of both tables, times relative to the newest activity's."""
    return [
        *fetch(target, "SELECT uuid, handle, display_name, email FROM users ORDER BY uuid"),
        *fetch(
            target,
            "SELECT uuid, user_uuid, message, replies_count, reply_to_activity_uuid, expires_at - created_at,"
            " created_at - (SELECT max(created_at) FROM activities) FROM activities ORDER BY uuid",
        ),
    ]


def test_it_is_as_many_as_asked_for_over_thirty_days(loaded: Target) -> None:
    """Evenly, in order, until just before the server's time; each expires after it was posted, within thirty days."""
    assert Outcome(created=SCALED + USERS) == plan_load(loaded, SCALED).apply()
    assert {"activities": SCALED, "users": USERS} == database.counts(loaded)

    spread = (
        "SELECT min(created_at) BETWEEN now() - interval '721 h' AND now() - interval '719 h',"
        " max(created_at) BETWEEN now() - interval '1 h' AND now(),"
        " bool_and(expires_at > created_at AND expires_at <= created_at + interval '720 h') FROM activities"
    )
    assert [(True, True, True)] == fetch(loaded, spread)
    a_day = "SELECT count(*) FROM activities GROUP BY floor(extract(epoch FROM now() - created_at) / 86400)"
    assert {SCALED // 30, SCALED // 30 + 1} >= {count for (count,) in fetch(loaded, a_day) if count > 2}


@pytest.mark.parametrize("count", [1, 10, 11, 999, SCALED])
def test_replies_are_counted_and_end_with_their_parents(loaded: Target, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Each parent came before, was live, counts its replies, and expires with them; also where parts of the data meet."""
    monkeypatch.setattr(synthetic, "PART", 100)
    plan_load(loaded, count).apply()
    wrong = (
        "SELECT count(*) FROM activities AS parent WHERE replies_count <> (SELECT count(*) FROM activities AS reply"
        " WHERE reply.reply_to_activity_uuid = parent.uuid)"
    )
    odd = (
        "SELECT count(*) FROM activities AS reply JOIN activities AS parent ON parent.uuid = reply.reply_to_activity_uuid"
        " WHERE NOT (parent.created_at < reply.created_at AND reply.created_at < reply.expires_at"
        " AND reply.expires_at = parent.expires_at AND parent.reply_to_activity_uuid IS NULL)"
    )
    assert [(0,)] == fetch(loaded, wrong) == fetch(loaded, odd)
    assert {"activities": count, "users": 1 + count // 20} == database.counts(loaded)


def test_authors_are_skewed_and_replies_are_many(loaded: Target) -> None:
    """The first eighth of the users posts half, and three in ten activities are replies or nearly so."""
    plan_load(loaded, 20_000).apply()
    shares = (
        "SELECT avg((users.uuid < (SELECT uuid FROM users ORDER BY uuid OFFSET 125 LIMIT 1))::integer)::float8,"
        " avg((reply_to_activity_uuid IS NOT NULL)::integer)::float8, count(DISTINCT message), max(length(message))"
        " FROM activities JOIN users ON users.uuid = user_uuid"
    )

    ((first, replies, messages, longest),) = fetch(loaded, shares)
    assert 0.48 < first < 0.52
    assert 0.2 < replies < 0.3
    assert (343, True) == (messages, longest <= 280)


def test_it_stays_the_same_from_release_to_release(loaded: Target) -> None:
    """On every server: data of a seed number mean the same to all who talk of them. In parts or as a whole."""
    plan_load(loaded, SCALED).apply()

    assert "81478e306e7e8eb6" == hashlib.sha256(repr(content(loaded)).encode()).hexdigest()[:16]


def test_the_same_again_changes_nothing(seeded: Target) -> None:
    """It stands beside other rows, and is loaded once."""
    plan_load(seeded, SCALED).apply()
    before = content(seeded)

    plan = plan_load(seeded, SCALED)
    assert () == plan.mutating
    assert Outcome(unchanged=2) == plan.apply()
    assert "verified: users and activities are as wanted" == repr(plan.verify())
    assert before == content(seeded)


def test_another_database_gets_the_same(loaded: Target, at: Any) -> None:
    """Same number, same data; another number, other data beside it."""
    plan_load(loaded, SCALED, seed_number=7).apply()
    first = content(loaded)
    other = at("another_scale")
    database.plan_create(other).apply()
    database.plan_schema(other).apply()
    plan_load(other, SCALED, seed_number=7).apply()
    assert first == content(other)

    assert Outcome(created=SCALED + USERS) == plan_load(other, SCALED, seed_number=8).apply()
    assert {"activities": 2 * SCALED, "users": 2 * USERS} == database.counts(other)


def test_plans_say_what_is_loaded(loaded: Target) -> None:
    """Rows of both tables; and a plan loads nothing."""
    lines = str(plan_load(loaded, 1_000_000)).splitlines()

    assert ["  + users: rows = 50,001  (seed number 1)", "  + activities: rows = 1,000,000  (seed number 1)"] == lines[1:]
    assert {"activities": 0, "users": 0} == database.counts(loaded)


@pytest.mark.parametrize(("count", "number"), [(0, 1), (-1, 1), (100_000_001, 1), (1, -1), (1, 65_536)])
def test_no_such_data(count: int, number: int) -> None:
    """Refused before anything is asked."""
    nowhere = Target("nowhere")
    with pytest.raises(WrongInput):
        plan_load(nowhere, count, number)


def test_a_seed_number_gives_data_of_one_size(loaded: Target) -> None:
    """Another size of the same number is refused, with the ways out; also where somebody else has a handle of it."""
    plan_load(loaded, 100).apply()
    with pytest.raises(WrongInput, match="use another --seed-number, or an empty database"):
        plan_load(loaded, 200)
    with connect(loaded) as connection:
        connection.execute("INSERT INTO users (handle, display_name, email) VALUES ('BELA_2_1', 'B', 'b@example.org')")
    with pytest.raises(WrongInput, match="bela_2_1"):
        plan_load(loaded, 100, seed_number=2).apply()
    assert {"activities": 100, "users": 7} == database.counts(loaded)


def test_protected_targets_need_their_identifier(loaded: Target) -> None:
    """And another environment's database is refused."""
    protected = replace(loaded, protected=True)
    with pytest.raises(ConfirmationRequired):
        plan_load(protected, 10).apply()
    with pytest.raises(WrongInput):
        plan_load(replace(loaded, name="prod"), 10).apply()
    assert {"activities": 0, "users": 0} == database.counts(loaded)
    assert Outcome(created=11) == plan_load(replace(protected, confirm="cruddur-db-instance"), 10).apply()


def test_without_a_schema(empty: Target) -> None:
    """The sentence says what loads it; the plan does without."""
    assert 1 == len(plan_load(empty, 10).mutating)
    with pytest.raises(SchemaMissing):
        plan_load(empty, 10).apply()


@pytest.mark.usefixtures("unlocked")
def test_two_at_once(loaded: Target) -> None:
    """One waits for the other, and finds its rows."""
    with ThreadPoolExecutor() as pool:
        outcomes = list(pool.map(lambda _: plan_load(loaded, SCALED).apply(), range(2)))

    assert {Outcome(created=SCALED + USERS), Outcome(unchanged=2)} == set(outcomes)


def test_a_server_that_goes_in_the_middle(loaded: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence, and nothing remains; the next run does it all."""

    @contextmanager
    def end_sessions(*_: object) -> Iterator[Callable[[int], object]]:
        yield lambda _: fetch(loaded, f"SELECT pg_terminate_backend(pid, 5000) {LOADING}")

    with monkeypatch.context() as patch:
        patch.setattr(synthetic, "counting", end_sessions)
        with pytest.raises(StatementFailed, match="nothing half done was kept"):
            plan_load(loaded, SCALED).apply()
    assert {"activities": 0, "users": 0} == database.counts(loaded)
    assert Outcome(created=SCALED + USERS) == plan_load(loaded, SCALED).apply()


def test_killed_in_the_middle(loaded: Target) -> None:
    """Nothing remains of it: neither rows nor locks."""
    loading = f"SELECT count(*) {LOADING}"
    process = Process("db", "seed", "--scale", "1000000")
    until(lambda: [(0,)] != fetch(loaded, loading))
    process.kill()
    until(lambda: [(0,)] == fetch(loaded, loading))

    assert {"activities": 0, "users": 0} == database.counts(loaded)
    assert Outcome(created=101 + 6) == plan_load(loaded, 101).apply()


def test_the_verb(loaded: Target) -> None:
    """It says where, what, and how quickly; a wrong number is wrong input."""
    done = CliRunner().invoke(main, ["db", "seed", "--scale", "1000", "--seed-number", "3"])
    assert (0, "seed on local: database ") == (done.exit_code, done.stdout[:24])
    assert "  + activities: rows = 1,000  (seed number 3)\n1051 created, " in done.stdout
    assert done.stdout.endswith(" rows a second\nverified: users and activities are as wanted\n")

    for wrong in (["0"], ["-5"], ["many"], ["100000001"], ["10", "--seed-number", "70000"]):
        assert 2 == CliRunner().invoke(main, ["db", "seed", "--scale", *wrong]).exit_code
    assert {"activities": 1000, "users": 51} == database.counts(loaded)


def test_the_planner_itself_takes_the_indexes(loaded: Target) -> None:
    """On many rows, unasked, for every query of the application, once autovacuum has been there."""
    plan_load(loaded, 20_000).apply()
    with connect(loaded, autocommit=True) as connection:
        connection.execute("VACUUM users, activities")
    page = activities.home(loaded)
    busiest = fetch(loaded, "SELECT user_uuid, handle FROM live_activities GROUP BY 1, 2 ORDER BY count(*) DESC LIMIT 1")[0]

    for cursor in ("", page.next_cursor):
        plan = activities.explain_home(loaded, cursor, as_if_large=False)
        assert ("Index Scan using activities_feed on activities",) == plan.require_index("activities").reads("activities")
    position = {"created_at": "infinity", "uuid": "ffffffff-ffff-ffff-ffff-ffffffffffff", "limit": 21}
    for query, parameters, index in (
        ("users/page", {"handle": busiest[1], **position}, "activities_author"),
        ("activities/replies", {"reply_to": page.activities[0]["uuid"], **position}, "activities_replies"),
        ("operations/expire", {"limit": 10}, "activities_expiry"),
        ("activities/reply", {"handle": "x", "message": "x", "reply_to": page.activities[0]["uuid"]}, "activities_pkey"),
    ):
        reads = [read for read in explain(loaded, query, as_if_large=False, **parameters).reads("activities") if "Scan" in read]
        assert f" using {index} " in reads[0], query
        assert all(" using activities_" in read for read in reads), query


def test_the_feed_without_its_index(loaded: Target) -> None:
    """The check of 04_query_activities fails then, whatever the size, and says what to compare."""
    activities.explain_home(loaded).require_index("activities")
    with connect(loaded, autocommit=True) as connection:
        connection.execute("DROP INDEX activities_feed")

    with pytest.raises(NotVerified, match="compare the indexes with those of sql/schema.sql"):
        activities.explain_home(loaded).require_index("activities")


def test_any_failure_is_a_sentence(loaded: Target) -> None:
    """A user without the rights to load is told so."""
    database.plan_roles(loaded).apply()
    application = replace(loaded, db_role="cruddur_app")
    with pytest.raises(OpsError):
        plan_load(application, 10).apply()
    session(application).close()


def test_a_planner_that_would_rather_sort(seeded: Target) -> None:
    """A few rows are read by a bitmap and sorted, where that costs less: the check asks about a large table."""
    with connect(seeded) as connection:
        name = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("ALTER DATABASE {} SET enable_indexscan = off").format(name))
    activities.explain_home(seeded).require_index("activities")
