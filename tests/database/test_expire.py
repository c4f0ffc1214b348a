"""`db expire`: what has expired goes away, and nobody has to wait for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner

from cruddur_ops import activities, database, queries, targets
from cruddur_ops.change import Outcome
from cruddur_ops.cli import main
from cruddur_ops.database.connection import close_sessions, connect, session
from cruddur_ops.database.errors import NotPermitted, SchemaMissing, StatementFailed
from cruddur_ops.database.expire import plan_expire
from cruddur_ops.database.location import database_name
from cruddur_ops.database.statements import ask
from cruddur_ops.database.synthetic import plan_load
from cruddur_ops.errors import ConfirmationRequired, WrongInput
from cruddur_ops.target import Target
from rds_sandbox.postgres import Server
from tests.database.conftest import copy, left, url_of
from tests.database.support import Process
from tests.unit.headless import until

TURNS = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
ANDREW = "(SELECT uuid FROM users WHERE handle = 'andrew')"


@pytest.fixture(scope="module")
def crowd(server: Server, templates: Callable[[Target, str], None]) -> Iterator[str]:
    """The name of a database with 3000 activities, of which a good half has expired."""
    there = replace(targets.load("local"), connection_url=url_of(server, "test_crowd"))
    templates(there, "seeded")
    with closing(session(there)):
        plan_load(there, 3000).apply()
    close_sessions()
    yield "test_crowd"
    left.add("test_crowd")


@pytest.fixture
def crowded(target: Target, server: Server, crowd: str) -> Target:
    """A target with a copy of it."""
    copy(server, crowd, database_name(target))
    return target


def execute(target: Target, statement: str) -> list[tuple[Any, ...]]:
    """Run a statement past the package."""
    with connect(target, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def expired(target: Target) -> int:
    """How many have expired and are there."""
    ((count,),) = execute(target, "SELECT count(*) FROM activities WHERE expires_at <= now()")
    return int(count)


def test_what_has_expired_is_removed(crowded: Target) -> None:
    """All of it, and nothing else; a second run has nothing to do."""
    there = expired(crowded)
    live = execute(crowded, "SELECT uuid FROM live_activities ORDER BY uuid")

    assert 1000 < there
    plan = plan_expire(crowded, batch=100)
    assert Outcome(deleted=there) == plan.apply()
    assert "verified: expired activities is gone" == repr(plan.verify())
    assert (0, live) == (expired(crowded), execute(crowded, "SELECT uuid FROM activities ORDER BY uuid"))
    assert Outcome(unchanged=1) == plan_expire(crowded).apply()


def test_plan_counts_and_removes_nothing(crowded: Target) -> None:
    """As many as the step then removes."""
    there = expired(crowded)

    assert [f"- expired activities: rows = {there:,}"] == [str(change) for change in plan_expire(crowded).mutating]
    assert there == expired(crowded)
    plan_expire(crowded).apply()
    assert () == plan_expire(crowded).mutating


def test_live_replies_outlive_their_parent(seeded: Target) -> None:
    """They become activities of their own; nothing that is live goes with what has expired."""
    parent = activities.post(seeded, "andrew", "Soon gone", ttl="1-hour")
    reply = activities.reply(seeded, "bayko", "Already?", parent["uuid"])
    execute(seeded, f"UPDATE activities SET expires_at = NULL WHERE uuid = '{reply['uuid']}'")
    execute(seeded, "UPDATE activities SET created_at = now() - interval '2 h', expires_at = now() WHERE message = 'Soon gone'")

    assert Outcome(deleted=2) == plan_expire(seeded).apply()
    assert [(None,)] == execute(seeded, f"SELECT reply_to_activity_uuid FROM activities WHERE uuid = '{reply['uuid']}'")


def test_a_conversation_expires_as_a_whole(seeded: Target) -> None:
    """Replies go in the same run as their parents, whatever batch they are in."""
    parent = activities.post(seeded, "andrew", "Anybody there?", ttl="1-hour")
    for _ in range(5):
        activities.reply(seeded, "bayko", "Me.", parent["uuid"])
    execute(seeded, f"UPDATE activities SET created_at = now() - interval '2 h', expires_at = now() WHERE user_uuid = {ANDREW}")
    execute(seeded, "UPDATE activities SET created_at = now() - interval '2 h', expires_at = now() WHERE message = 'Me.'")
    there = expired(seeded)

    assert Outcome(deleted=there) == plan_expire(seeded, batch=2).apply()


@pytest.fixture
def batch(crowded: Target) -> Iterator[psycopg.Connection[Any]]:
    """A batch whose transaction is still open."""
    with connect(crowded) as connection:
        ask(connection, "operations/expire_turn")
        assert [{"removed": 500}] == ask(connection, "operations/expire", limit=500)
        yield connection
        connection.rollback()


def test_the_feeds_answer_while_a_batch_runs(crowded: Target, batch: psycopg.Connection[Any]) -> None:
    """Reading, posting and replying wait for nothing: a lock would end them after a tenth of a second."""
    impatient = replace(crowded, connection_url=f"{crowded.connection_url}&options=-c%20lock_timeout%3D100ms")
    posted = activities.post(impatient, "andrew", "hello")
    activities.reply(impatient, "bayko", "hello", posted["uuid"])

    assert 20 == len(activities.home(impatient).activities)
    assert "andrew" == activities.user(impatient, "andrew").profile["handle"]
    session(impatient).close()


def test_a_reply_to_what_is_being_removed_is_refused(crowded: Target, batch: psycopg.Connection[Any]) -> None:
    """It has expired, so that nobody waits for the end of the batch."""
    ((uuid,),) = execute(crowded, "SELECT uuid FROM activities ORDER BY expires_at LIMIT 1")
    with pytest.raises(WrongInput, match="^activity_not_found: "):
        activities.reply(crowded, "bayko", "hello", str(uuid))


def test_rows_that_others_hold_are_left_for_later(crowded: Target) -> None:
    """The rest is removed; the next run takes them."""
    there = expired(crowded)
    with connect(crowded) as other:
        other.execute("SELECT FROM activities WHERE expires_at <= now() ORDER BY expires_at LIMIT 3 FOR UPDATE")
        assert Outcome(deleted=there - 3) == plan_expire(crowded, batch=100).apply()
    assert Outcome(deleted=3) == plan_expire(crowded).apply()


@pytest.mark.usefixtures("unlocked")
def test_two_at_once_share_the_work(crowded: Target) -> None:
    """They take turns, and do not deadlock: not even where each has the other's replies in its batch."""
    execute(
        crowded,
        "UPDATE activities SET reply_to_activity_uuid = other.uuid FROM (SELECT uuid, row_number() OVER (ORDER BY expires_at)"
        " AS place FROM activities) AS other, (SELECT uuid, row_number() OVER (ORDER BY random()) AS place FROM activities)"
        " AS own WHERE own.uuid = activities.uuid AND own.place = other.place",
    )
    there = expired(crowded)
    with ThreadPoolExecutor() as pool:
        outcomes = list(pool.map(lambda _: plan_expire(crowded, batch=200).apply(), range(3)))

    assert there == sum(outcome.deleted for outcome in outcomes)


def test_a_batch_that_is_held_up_gives_up(crowded: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody holds a live reply to what has expired: those before are gone, the rest waits for another run."""
    monkeypatch.setattr(queries, "load", impatient(queries.load))
    there = expired(crowded)
    execute(
        crowded,
        "UPDATE activities SET expires_at = NULL, message = 'held', reply_to_activity_uuid = (SELECT uuid FROM activities"
        " ORDER BY expires_at DESC OFFSET 1500 LIMIT 1) WHERE uuid IN (SELECT uuid FROM live_activities LIMIT 1)",
    )
    execute(
        crowded,
        "UPDATE activities SET reply_to_activity_uuid = (SELECT uuid FROM activities WHERE expires_at <= now()"
        " ORDER BY expires_at DESC LIMIT 1) WHERE message = 'held'",
    )
    with connect(crowded) as other:
        other.execute("SELECT FROM activities WHERE message = 'held' FOR UPDATE")
        with pytest.raises(StatementFailed, match="`cruddur-ops db sessions`"):
            plan_expire(crowded, batch=100).apply()
    assert 0 < expired(crowded) <= 100 < there
    assert 0 < plan_expire(crowded).apply().deleted <= 100


def impatient(load: Any) -> Any:
    """The loader of sql/, with a shorter time to wait for a lock."""

    def replaced(name: str) -> queries.Query:
        query: queries.Query = load(name)
        return replace(query, text=query.text.replace("5s", "100ms")) if name == "operations/expire_limits" else query

    return replaced


def test_killed_in_the_middle(crowded: Target) -> None:
    """Whole batches are gone, the next run goes on from there."""
    execute(crowded, "UPDATE activities SET created_at = now() - interval '2 h', expires_at = now()")
    there = expired(crowded)
    process = Process("db", "expire", "--batch", "5")
    until(lambda: expired(crowded) < there)
    process.kill()
    until(lambda: [(0,)] == execute(crowded, TURNS))
    left = expired(crowded)

    assert (0, True) == ((there - left) % 5, left > 0)
    assert Outcome(deleted=left) == plan_expire(crowded).apply()


def test_protected_targets_need_their_identifier(crowded: Target) -> None:
    """And another environment's database is refused."""
    there = expired(crowded)
    protected = replace(crowded, protected=True)
    with pytest.raises(ConfirmationRequired):
        plan_expire(protected).apply()
    with pytest.raises(WrongInput):
        plan_expire(replace(crowded, name="prod"))
    assert there == expired(crowded)
    assert Outcome(deleted=there) == plan_expire(replace(protected, confirm="cruddur-db-instance")).apply()


@pytest.mark.parametrize("batch_size", [0, -1, 10_001])
def test_no_such_batch(batch_size: int) -> None:
    """Refused before anything is asked."""
    with pytest.raises(WrongInput):
        plan_expire(Target("nowhere"), batch=batch_size)


def test_the_application_may_not(crowded: Target) -> None:
    """It has no right to delete."""
    database.plan_roles(crowded).apply()
    application = replace(crowded, db_role="cruddur_app")
    with pytest.raises(NotPermitted):
        plan_expire(application).apply()
    session(application).close()


def test_without_a_schema(empty: Target) -> None:
    """The sentence says what loads it."""
    with pytest.raises(SchemaMissing):
        plan_expire(empty).apply()


def test_the_verb(crowded: Target) -> None:
    """It says where, how many, and how quickly; then that there was nothing to do."""
    there = expired(crowded)
    done = CliRunner().invoke(main, ["db", "expire"])
    assert (0, "expire on local: database ") == (done.exit_code, done.stdout[:26])
    assert f"0 created, 0 changed, {there} deleted, 0 unchanged in " in done.stdout
    assert done.stdout.endswith(" rows a second\n")

    again = CliRunner().invoke(main, ["db", "expire"])
    assert "0 created, 0 changed, 0 deleted, 1 unchanged" == again.stdout.splitlines()[-1]
