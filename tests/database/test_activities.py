"""Posting activities and reading feeds, on a real database."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import URL

from cruddur_ops import activities, database, targets
from cruddur_ops.activities.feeds import Page
from cruddur_ops.activities.posting import MAX_CHARS, TTLS
from cruddur_ops.database.connection import connect, session
from cruddur_ops.errors import WrongInput
from cruddur_ops.target import Target
from rds_sandbox.postgres import Server
from tests.database.conftest import PASSWORD, USER

REPLIED = "00000000-0000-4000-8000-000000000204"  # by andrew, with two replies
EXPIRED = "00000000-0000-4000-8000-000000000207"


@pytest.fixture(scope="module")
def shared(server: Server) -> Iterator[Target]:
    """A seeded database that tests share which change nothing in it, or only add to it."""
    url = URL.create("postgresql", USER, PASSWORD, database="shared_activities", query={"host": str(server.folder)})
    target = replace(targets.load("local"), connection_url=url.render_as_string(hide_password=False))
    for plan in (database.plan_create, database.plan_schema, database.plan_seed):
        plan(target).apply()
    yield target
    session(target).close()


def execute(target: Target, statement: str, *values: Any) -> None:
    """Run a statement past the package."""
    with connect(target, autocommit=True) as connection:
        connection.execute(statement.encode(), values)


def duration(activity: dict[str, Any]) -> timedelta:
    """How long an activity is shown."""
    return datetime.fromisoformat(activity["expires_at"]) - datetime.fromisoformat(activity["created_at"])


def messages(page: Page) -> list[str]:
    """What the activities of a page say."""
    return [activity["message"] for activity in page.activities]


def test_post_returns_what_the_home_feed_shows(seeded: Target) -> None:
    """A posted activity comes back as the object at the top of the feed."""
    posted = activities.post(seeded, "bayko", "Good morning", ttl="1-hour")

    assert posted == activities.home(seeded, limit=1).activities[0]
    assert ("Andrew Bayko", "bayko", "Good morning", 0) == tuple(
        posted[key] for key in ("display_name", "handle", "message", "likes_count")
    )


def test_every_time_to_live(seeded: Target) -> None:
    """An activity expires after the time that was chosen, to the microsecond."""
    posted = {ttl: duration(activities.post(seeded, "bayko", "Good morning", ttl)) for ttl in TTLS}

    assert TTLS == posted


def test_home_is_newest_first_without_the_expired(seeded: Target) -> None:
    """Of the twelve seeds one has expired; the others come newest first."""
    feed = activities.home(seeded).activities

    assert 11 == len(feed)
    assert sorted((activity["created_at"] for activity in feed), reverse=True) == [a["created_at"] for a in feed]
    assert not [activity for activity in feed if "expired" in activity["message"]]


def test_expired_activities_disappear(seeded: Target) -> None:
    """An activity leaves all feeds, and its author's count, the moment it expires."""
    activities.post(seeded, "londo", "Soon gone", ttl="1-hour")
    before = activities.user(seeded, "londo").profile["activities_count"]
    execute(seeded, "UPDATE activities SET created_at = now() - interval '2 h', expires_at = now() WHERE message = 'Soon gone'")

    assert "Soon gone" not in messages(activities.home(seeded))
    assert "Soon gone" not in messages(activities.user(seeded, "londo"))
    assert before - 1 == activities.user(seeded, "londo").profile["activities_count"]


def test_feeds_of_an_empty_database(loaded: Target) -> None:
    """Without activities a feed is one empty page."""
    assert Page([], "") == activities.home(loaded)
    assert Page([], "") == activities.replies(loaded, REPLIED)


@pytest.mark.parametrize("message", ["x" * 280, "🎉" * 280, "a:b :c %s {d} '; DROP TABLE users; --", "e\u0301", "two\nlines"])
def test_messages_are_kept_as_they_are(shared: Target, message: str) -> None:
    """280 code points of any kind are stored unchanged; nothing in them is taken for SQL."""
    assert message == activities.post(shared, "andrew", message)["message"]
    assert message == activities.reply(shared, "andrew", message, REPLIED)["message"]


@pytest.mark.parametrize(
    ("handle", "message", "ttl", "error"),
    [
        ("andrew", "", "7-days", "message_blank"),
        ("andrew", " \n\t", "7-days", "message_blank"),
        ("andrew", "x" * 281, "7-days", "message_exceed_max_chars"),
        ("andrew", "🎉" * 281, "7-days", "message_exceed_max_chars"),
        ("andrew", "a\0b", "7-days", "message_unstorable"),
        ("andrew", "a\ud800b", "7-days", "message_unstorable"),
        ("andrew\0", "hello", "7-days", "user_not_found"),
        ("andrew", "hello", "", "ttl_blank"),
        ("andrew", "hello", "8-days", "ttl_blank"),
        ("", "hello", "7-days", "user_handle_blank"),
        ("nobody", "hello", "7-days", "user_not_found"),
        ("' OR true --", "hello", "7-days", "user_not_found"),
    ],
)
def test_wrong_posts_are_refused(shared: Target, handle: str, message: str, ttl: str, error: str) -> None:
    """Each kind of wrong input has its error, named first in the message; nothing is posted."""
    before = database.counts(shared)
    with pytest.raises(WrongInput, match=f"^{error}: "):
        activities.post(shared, handle, message, ttl)
    assert before == database.counts(shared)


@given(st.text(st.characters(exclude_categories=()), max_size=MAX_CHARS))
def test_every_message_is_judged(message: str) -> None:
    """Any text either passes, and PostgreSQL's text can hold it, or is refused with a named error."""
    try:
        activities.check("andrew", message, "7-days")
    except WrongInput:
        assert not message.strip() or "\0" in message or any(0xD800 <= ord(character) < 0xE000 for character in message)


def test_a_reply_is_counted_and_shown(seeded: Target) -> None:
    """The parent counts it, its replies begin with it, and so does the home feed."""
    reply = activities.reply(seeded, "Delenn", "So it is.", REPLIED)

    assert (REPLIED, "So it is.") == (reply["reply_to_activity_uuid"], reply["message"])
    assert reply == activities.home(seeded).activities[0] == activities.replies(seeded, REPLIED).activities[0]
    assert [3] == [a["replies_count"] for a in activities.home(seeded).activities if REPLIED == a["uuid"]]
    assert 3 == len(activities.replies(seeded, REPLIED).activities)


def test_a_reply_expires_with_its_parent(seeded: Target) -> None:
    """Also the reply to a reply; a reply to what is kept for good is kept for good."""
    parent = activities.post(seeded, "andrew", "Anybody there?", "1-hour")
    reply = activities.reply(seeded, "bayko", "Yes.", parent["uuid"])
    again = activities.reply(seeded, "andrew", "Good.", reply["uuid"])
    assert parent["expires_at"] == reply["expires_at"] == again["expires_at"]

    execute(seeded, "UPDATE activities SET expires_at = NULL WHERE uuid = %s", parent["uuid"])
    assert activities.reply(seeded, "londo", "Yes.", parent["uuid"])["expires_at"] is None


@pytest.mark.parametrize(
    ("handle", "message", "reply_to", "error"),
    [
        ("andrew", "hello", "00000000-0000-4000-8000-000000000000", "activity_not_found"),
        ("andrew", "hello", EXPIRED, "activity_not_found"),
        ("andrew", "hello", "no identifier", "activity_not_found"),
        ("andrew", "hello", "", "activity_not_found"),
        ("nobody", "hello", REPLIED, "user_not_found"),
        ("nobody", "hello", EXPIRED, "user_not_found"),
        ("", "hello", REPLIED, "user_handle_blank"),
        ("andrew", " ", REPLIED, "message_blank"),
        ("andrew", "x" * 281, REPLIED, "message_exceed_max_chars"),
        ("andrew", "a\0b", REPLIED, "message_unstorable"),
    ],
)
def test_wrong_replies_are_refused(shared: Target, handle: str, message: str, reply_to: str, error: str) -> None:
    """Each kind has its error; nothing is posted, and nothing counted."""
    before = replies_counted(shared)
    with pytest.raises(WrongInput, match=f"^{error}: "):
        activities.reply(shared, handle, message, reply_to)

    assert before == replies_counted(shared)


def replies_counted(target: Target) -> Any:
    """How many activities there are, and how many replies they count."""
    with connect(target, autocommit=True) as connection:
        return connection.execute("SELECT count(*), sum(replies_count) FROM activities").fetchone()


def test_replies_at_once_are_all_counted(seeded: Target) -> None:
    """Two who reply at the same moment wait for each other."""
    others = [replace(seeded, owner=f"operator {number}") for number in range(4)]
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda target: [activities.reply(target, "bayko", "Me too", REPLIED) for _ in range(5)], others))
    for target in others:
        session(target).close()

    assert [22] == [a["replies_count"] for a in activities.home(seeded, limit=100).activities if REPLIED == a["uuid"]]


@pytest.mark.parametrize("handle", ["andrew", "Andrew", "ANDREW"])
def test_a_handle_in_any_case_is_the_same_user(shared: Target, handle: str) -> None:
    """For posts, replies and the page; it is shown as it was chosen."""
    assert "andrew" == activities.post(shared, handle, "hello")["handle"]
    assert "andrew" == activities.reply(shared, handle, "hello", REPLIED)["handle"]
    assert "andrew" == activities.user(shared, handle).profile["handle"]


def test_a_users_page(seeded: Target) -> None:
    """Who it is, how many live activities there are, and the latest; no email address."""
    page = activities.user(seeded, "londo", limit=1)

    expected = {"handle": "londo", "display_name": "Londo Mollari", "bio": None, "activities_count": 2}
    assert expected == {key: page.profile[key] for key in expected}
    assert {"uuid", "created_at"} == page.profile.keys() - expected.keys()
    assert ["My shoes are too tight, but at least my instances are small."] == messages(page)
    assert ["A republic is only as good as its backups."] == messages(activities.user(seeded, "londo", page.next_cursor))


@pytest.mark.parametrize(
    ("handle", "error"),
    [("", "user_handle_blank"), (" ", "user_handle_blank")]
    + [(handle, "user_not_found") for handle in ("nobody", "andrew\0", "\ud800", "%", "andre_")],
)
def test_pages_of_nobody(shared: Target, handle: str, error: str) -> None:
    """A blank handle and an unknown one have their errors."""
    with pytest.raises(WrongInput, match=f"^{error}: "):
        activities.user(shared, handle)


@pytest.mark.parametrize("limit", [1, 3, 11, 100])
def test_pages_join_to_the_whole_feed(seeded: Target, limit: int) -> None:
    """Whatever their size, nothing is shown twice and nothing left out, also among activities of one moment."""
    execute(seeded, "UPDATE activities SET created_at = date_trunc('day', created_at), expires_at = NULL")
    whole = activities.home(seeded, limit=100)

    shown, cursor = list(walk(seeded, limit)), whole.next_cursor
    assert (12, "") == (len(whole.activities), cursor)
    assert whole.activities == shown


def walk(target: Target, limit: int) -> list[dict[str, Any]]:
    """The activities of all pages."""
    page = activities.home(target, limit=limit)
    shown = page.activities
    while page.next_cursor:
        page = activities.home(target, page.next_cursor, limit)
        assert page.activities
        shown = shown + page.activities
    return shown


def test_pages_stay_while_others_post(seeded: Target) -> None:
    """What is posted meanwhile shifts nothing: the second page is the same."""
    first = activities.home(seeded, limit=5)
    second = activities.home(seeded, first.next_cursor, limit=5)
    activities.post(seeded, "andrew", "In between")

    assert second == activities.home(seeded, first.next_cursor, limit=5)


def test_a_page_beyond_the_end_is_empty(seeded: Target) -> None:
    """A cursor outlives the activities that it led to."""
    cursor = activities.home(seeded, limit=10).next_cursor
    of_user = activities.user(seeded, "andrew", limit=3).next_cursor
    execute(seeded, "DELETE FROM activities WHERE created_at < now() - interval '6 days'")

    assert Page([], "") == activities.home(seeded, cursor)
    assert ([], "", 3) == (
        (page := activities.user(seeded, "andrew", of_user)).activities,
        page.next_cursor,
        page.profile["activities_count"],
    )


@pytest.mark.parametrize("limit", [0, -1, 101])
def test_limits(shared: Target, limit: int) -> None:
    """A page has one to a hundred activities."""
    with pytest.raises(WrongInput, match="^limit_out_of_range: "):
        activities.home(shared, limit=limit)


@pytest.mark.parametrize("cursor", ["x", "0", "' OR true --", "A" * 31, "A" * 33, "f" + "_" * 31, "é" * 32])
def test_malformed_cursors(shared: Target, cursor: str) -> None:
    """All feeds refuse what no page gave."""
    for read in (activities.home, lambda *a: activities.user(a[0], "andrew", a[1])):
        with pytest.raises(WrongInput, match="^cursor_malformed: "):
            read(shared, cursor)


def test_posting_and_reading_take_one_round_trip(seeded: Target) -> None:
    """One statement each, by itself; before the first that changes something, another asks whose the database is."""
    activities.post(seeded, "andrew", "first")
    with session(seeded) as cursor:
        own = cursor.connection
    steps = [
        lambda: activities.post(seeded, "andrew", "hello"),
        lambda: activities.reply(seeded, "andrew", "hello", REPLIED),
        lambda: activities.home(seeded),
        lambda: activities.user(seeded, "andrew"),
    ]

    assert [1, 1, 1, 1] == [round_trips(own, step) for step in steps]


def round_trips(connection: psycopg.Connection[Any], step: Any) -> int:
    """How often a step makes the server ready for the next query (PostgreSQL 18, chapter 54.7)."""
    import tempfile

    with tempfile.TemporaryFile("w+b") as file:
        connection.pgconn.trace(file.fileno())
        step()
        connection.pgconn.untrace()
        file.seek(0)
        return file.read().count(b"ReadyForQuery")


def test_the_application_may_do_all_of_it(seeded: Target) -> None:
    """The rights of cruddur_app suffice for every query of the application, and for no more than that."""
    database.plan_roles(seeded).apply()
    application = replace(seeded, db_role="cruddur_app")
    parent = activities.post(application, "andrew", "hello")
    activities.reply(application, "bayko", "hello", parent["uuid"])

    assert 1 == len(activities.replies(application, parent["uuid"]).activities)
    assert "bayko" == activities.home(application).activities[0]["handle"]
    assert 5 == activities.user(application, "andrew").profile["activities_count"]
    for statement in ("DELETE FROM activities", "UPDATE activities SET message = 'mine'", "TRUNCATE activities"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            execute(application, statement)
    session(application).close()


def test_what_was_posted_is_found(seeded: Target) -> None:
    """By the user in any case and the whole message; the newest of several, and not once it has expired."""
    assert activities.find(seeded, "andrew", "Say it twice.") is None
    activities.post(seeded, "andrew", "Say it twice.")
    posted = activities.post(seeded, "andrew", "Say it twice.")
    assert posted == activities.find(seeded, "Andrew", "Say it twice.")
    assert activities.find(seeded, "bayko", "Say it twice.") is None
    assert activities.find(seeded, "andrew", "Say it") is None
    execute(seeded, "UPDATE activities SET expires_at = now() WHERE message = 'Say it twice.'")
    assert activities.find(seeded, "andrew", "Say it twice.") is None


def test_a_reply_is_found_with_its_parent(seeded: Target) -> None:
    """The same words elsewhere are another activity."""
    parent = activities.post(seeded, "andrew", "Hello?")
    assert activities.find(seeded, "bayko", "Yes.", parent["uuid"]) is None
    reply = activities.reply(seeded, "bayko", "Yes.", parent["uuid"])
    assert reply == activities.find(seeded, "bayko", "Yes.", parent["uuid"])
    assert activities.find(seeded, "bayko", "Yes.") is None


def test_over_time_counts_by_day(seeded: Target) -> None:
    """One row for each of the last days, oldest first, with those that have expired."""
    frame = activities.over_time(seeded, days=8)

    assert [7, 6, 5, 4, 3, 2, 1, 0] == frame["days_ago"].tolist()
    assert [0, 2, 1, 3, 1, 2, 2, 1] == frame["activities"].tolist()


def test_over_time_of_an_empty_database(loaded: Target) -> None:
    """Each day has a row, with nothing; and nobody is the author of anything."""
    assert [0, 0] == activities.over_time(loaded, days=2)["activities"].tolist()
    assert (0, ["handle", "activities"]) == (len(activities.by_author(loaded)), list(activities.by_author(loaded).columns))


def test_by_author_counts_the_last_days(seeded: Target) -> None:
    """Who posted most comes first, equal ones by handle; who posted nothing is left out."""
    counted = activities.by_author(seeded, days=8)
    assert {"andrew": 4, "bayko": 3, "londo": 3, "delenn": 2} == dict(zip(counted["handle"], counted["activities"], strict=True))
    assert ["andrew", "bayko", "londo", "delenn"] == counted["handle"].tolist()
    assert ["andrew"] == activities.by_author(seeded, days=8, limit=1)["handle"].tolist()
