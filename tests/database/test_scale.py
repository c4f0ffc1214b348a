"""`seed --scale`: a generated crowd in a real database."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC
from typing import Any

import pytest
from click.testing import CliRunner

from cruddur_ops import activities, database
from cruddur_ops.cli import main
from cruddur_ops.database import scale
from cruddur_ops.database.connection import connect, engine
from cruddur_ops.database.crowd import Activity, Crowd
from cruddur_ops.database.explain import IndexUnused, explain
from cruddur_ops.database.refusals import ConnectionLost
from cruddur_ops.database.scale import ScaleOutOfRange, SeedNumberTaken
from cruddur_ops.database.stamp import StampDiffers
from cruddur_ops.database.statements import SchemaMissing
from cruddur_ops.errors import ConfirmationRequired, OpsError
from cruddur_ops.plan import Outcome
from cruddur_ops.targets import Target
from tests.unit.headless import until

SCALED = 1234
USERS = 62


@pytest.fixture
def loaded(empty: Target) -> Target:
    """A target with schema and without rows."""
    database.load_schema(empty)
    return empty


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


def test_the_rows_are_those_of_the_crowd(loaded: Target) -> None:
    """What PostgreSQL has afterwards is what was generated, and it ends just before the server's time."""
    assert Outcome(created=SCALED + USERS) == scale.load(loaded, SCALED)
    assert {"activities": SCALED, "users": USERS} == database.counts(loaded)

    wanted = {a.uuid: (a.user_uuid, a.message.decode(), a.replies, a.reply_to) for a in generated(loaded)}
    found = fetch(loaded, "SELECT uuid, user_uuid, message, replies_count, reply_to_activity_uuid FROM activities")
    assert wanted == {row[0].bytes: (row[1].bytes, row[2], row[3], row[4].bytes if row[4] else b"") for row in found}
    assert [(True,)] == fetch(loaded, "SELECT max(created_at) BETWEEN now() - interval '1 h' AND now() FROM activities")


def generated(target: Target) -> Iterator[Activity]:
    """The activities of the crowd."""
    (now,) = fetch(target, "SELECT now()")[0]
    for block in Crowd(SCALED).blocks(now.astimezone(UTC)):
        yield from block


def test_replies_are_counted(loaded: Target) -> None:
    """Each activity has as many replies as it says, and there are some."""
    scale.load(loaded, SCALED)
    wrong = (
        "SELECT count(*) FILTER (WHERE replies_count <> (SELECT count(*) FROM activities AS replies"
        " WHERE replies.reply_to_activity_uuid = activities.uuid)), sum(replies_count) FROM activities"
    )

    ((differing, replies),) = fetch(loaded, wrong)
    assert (0, True) == (differing, replies > SCALED / 10)


def test_the_same_again_changes_nothing(seeded: Target) -> None:
    """It stands beside other rows, and is loaded once."""
    scale.load(seeded, SCALED)
    before = content(seeded)

    assert Outcome(unchanged=SCALED + USERS) == scale.load(seeded, SCALED)
    assert 0 == len(scale.plan_load(seeded, SCALED).mutating)
    assert before == content(seeded)


def test_another_database_gets_the_same(loaded: Target, at: Any) -> None:
    """Same number, same data; another number, other data beside it."""
    scale.load(loaded, SCALED, seed_number=7)
    first = content(loaded)
    other = at("another_scale")
    database.create(other)
    database.load_schema(other)
    scale.load(other, SCALED, seed_number=7)
    assert first == content(other)

    assert Outcome(created=SCALED + USERS) == scale.load(other, SCALED, seed_number=8)
    assert {"activities": 2 * SCALED, "users": 2 * USERS} == database.counts(other)


def test_plans_say_what_is_loaded(loaded: Target) -> None:
    """Rows of both tables; and a plan loads nothing."""
    lines = str(scale.plan_load(loaded, 1_000_000)).splitlines()

    assert ["  + users: rows = 50,001  (seed number 1)", "  + activities: rows = 1,000,000  (seed number 1)"] == lines[1:]
    assert {"activities": 0, "users": 0} == database.counts(loaded)


@pytest.mark.parametrize(("count", "number"), [(0, 1), (-1, 1), (100_000_001, 1), (1, -1), (1, 65_536)])
def test_no_such_crowd(count: int, number: int) -> None:
    """Refused before anything is asked."""
    nowhere = Target("nowhere")
    for step in (scale.load, scale.plan_load):
        with pytest.raises(ScaleOutOfRange):
            step(nowhere, count, number)


def test_a_seed_number_gives_one_crowd(loaded: Target) -> None:
    """Another size of the same number is refused, with the ways out; also where somebody else has a handle of it."""
    scale.load(loaded, 100)
    for step in (scale.plan_load, scale.load):
        with pytest.raises(SeedNumberTaken, match="use another --seed-number, or `cruddur-ops db setup`"):
            step(loaded, 200)
    with connect(loaded) as connection:
        connection.execute("INSERT INTO users (handle, display_name, email) VALUES ('BELA_2_1', 'B', 'b@example.org')")
    with pytest.raises(SeedNumberTaken, match="bela_2_1"):
        scale.load(loaded, 100, seed_number=2)
    assert {"activities": 100, "users": 7} == database.counts(loaded)


def test_protected_targets_need_their_identifier(loaded: Target) -> None:
    """And another environment's database is refused."""
    protected = replace(loaded, protected=True)
    with pytest.raises(ConfirmationRequired):
        scale.load(protected, 10)
    with pytest.raises(StampDiffers):
        scale.load(replace(loaded, name="prod"), 10)
    assert {"activities": 0, "users": 0} == database.counts(loaded)
    assert Outcome(created=11) == scale.load(protected, 10, confirm=protected.db_instance_identifier)


def test_without_a_schema(empty: Target) -> None:
    """The sentence says what loads it; the plan does without."""
    assert 1 == len(scale.plan_load(empty, 10).mutating)
    with pytest.raises(SchemaMissing):
        scale.load(empty, 10)


def test_two_at_once(loaded: Target) -> None:
    """One waits for the other, and finds its rows."""
    with ThreadPoolExecutor() as pool:
        outcomes = list(pool.map(lambda _: scale.load(loaded, SCALED), range(2)))

    count = SCALED + USERS
    assert {Outcome(created=count), Outcome(unchanged=count)} == set(outcomes)


def test_a_server_that_goes_in_the_middle(loaded: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence, and nothing remains; the next run does it all."""

    def end_sessions(self: Crowd, now: Any) -> Iterator[list[Activity]]:
        yield from blocks(Crowd(SCALED), now)
        fetch(loaded, "SELECT pg_terminate_backend(pid) FROM pg_stat_progress_copy WHERE datname = current_database()")
        yield from blocks(Crowd(SCALED, 2), now)

    blocks = Crowd.blocks
    with monkeypatch.context() as patch:
        patch.setattr(Crowd, "blocks", end_sessions)
        with pytest.raises(ConnectionLost, match="nothing half done was kept"):
            scale.load(loaded, SCALED)
    assert {"activities": 0, "users": 0} == database.counts(loaded)
    assert Outcome(created=SCALED + USERS) == scale.load(loaded, SCALED)


def test_killed_in_the_middle(loaded: Target) -> None:
    """Nothing remains of it: neither rows nor locks."""
    command = [sys.executable, "-m", "cruddur_ops", "db", "seed", "--scale", "1000000"]
    copying = "SELECT count(*) FROM pg_stat_progress_copy WHERE datname = current_database()"
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        until(lambda: [(0,)] != fetch(loaded, copying))
        process.kill()
    until(lambda: [(0,)] == fetch(loaded, copying))

    assert {"activities": 0, "users": 0} == database.counts(loaded)
    assert Outcome(created=101 + 6) == scale.load(loaded, 101)


def test_the_verb(loaded: Target) -> None:
    """It says where, what, and how quickly; a wrong number is wrong input."""
    done = CliRunner().invoke(main, ["db", "seed", "--scale", "1000", "--seed-number", "3"])
    assert (0, "seed on local: database ") == (done.exit_code, done.stdout[:24])
    assert "  + activities: rows = 1,000  (seed number 3)\n1051 created, " in done.stdout
    assert done.stdout.endswith(" rows a second\n")

    for wrong in (["0"], ["-5"], ["many"], ["100000001"], ["10", "--seed-number", "70000"]):
        assert 2 == CliRunner().invoke(main, ["db", "seed", "--scale", *wrong]).exit_code
    assert {"activities": 1000, "users": 51} == database.counts(loaded)


def test_the_planner_itself_takes_the_indexes(loaded: Target) -> None:
    """On many rows, unasked, for every query of the application, once autovacuum has been there."""
    scale.load(loaded, 20_000)
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

    with pytest.raises(IndexUnused, match="compare the indexes with those of sql/schema.sql"):
        activities.explain_home(loaded).require_index("activities")


def test_any_failure_is_a_sentence(loaded: Target) -> None:
    """A user without the rights to load is told so."""
    database.ensure_roles(loaded)
    application = replace(loaded, db_role="cruddur_app")
    with pytest.raises(OpsError):
        scale.load(application, 10)
    engine(application).dispose()
