"""Posting activities and reading feeds, on a real database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event

from cruddur_ops import activities, database
from cruddur_ops.database.connection import connect, engine
from cruddur_ops.errors import OpsError
from cruddur_ops.targets import Target


def test_post_returns_what_the_home_feed_shows(seeded: Target) -> None:
    """A posted activity comes back as the object at the top of the feed."""
    posted = activities.post(seeded, "bayko", "Good morning", ttl="1-hour")

    assert posted == activities.home(seeded, limit=1)[0]
    assert ("Andrew Bayko", "bayko", "Good morning", 0) == tuple(
        posted[key] for key in ("display_name", "handle", "message", "likes_count")
    )
    assert timedelta(hours=1) == posted["expires_at"] - posted["created_at"]


def test_home_is_newest_first_without_the_expired(seeded: Target) -> None:
    """Of the twelve seeds one has expired; the others come newest first."""
    feed = activities.home(seeded)

    assert 11 == len(feed)
    assert sorted((activity["created_at"] for activity in feed), reverse=True) == [a["created_at"] for a in feed]
    assert not [activity for activity in feed if "expired" in activity["message"]]


def test_expired_activities_disappear(seeded: Target) -> None:
    """An activity leaves both feeds the moment it expires."""
    activities.post(seeded, "londo", "Soon gone", ttl="1-hour")
    with connect(seeded, autocommit=True) as connection:
        connection.execute(
            "UPDATE activities SET created_at = now() - interval '2 hours', expires_at = now() WHERE message = 'Soon gone'"
        )

    assert "Soon gone" not in [activity["message"] for activity in activities.home(seeded)]
    assert "Soon gone" not in [activity["message"] for activity in activities.home_json(seeded)]


def test_home_json_is_the_same_feed(seeded: Target) -> None:
    """PostgreSQL's JSON has the same activities in the same order, identifiers as text."""
    feed, document = activities.home(seeded), activities.home_json(seeded)

    assert [(str(a["uuid"]), a["message"]) for a in feed] == [(a["uuid"], a["message"]) for a in document]
    assert list(feed[0]) == list(document[0])


def test_feeds_of_an_empty_database(empty: Target) -> None:
    """Without activities both feeds are empty lists."""
    database.load_schema(empty)

    assert ([], []) == (activities.home(empty), activities.home_json(empty))


@pytest.mark.parametrize("message", ["x" * 280, "🎉" * 280, "a:b :c %s {d} '; DROP TABLE users; --", "e\u0301", "two\nlines"])
def test_messages_are_kept_as_they_are(seeded: Target, message: str) -> None:
    """280 code points of any kind are stored unchanged; nothing in them is taken for SQL."""
    assert message == activities.post(seeded, "andrew", message)["message"]


@pytest.mark.parametrize(
    ("handle", "message", "ttl", "error"),
    [
        ("andrew", "", "7-days", activities.MessageBlank),
        ("andrew", " \n\t", "7-days", activities.MessageBlank),
        ("andrew", "x" * 281, "7-days", activities.MessageExceedMaxChars),
        ("andrew", "🎉" * 281, "7-days", activities.MessageExceedMaxChars),
        ("andrew", "a\0b", "7-days", activities.MessageUnstorable),
        ("andrew", "a\ud800b", "7-days", activities.MessageUnstorable),
        ("andrew\0", "hello", "7-days", activities.MessageUnstorable),
        ("andrew", "hello", "", activities.TtlBlank),
        ("andrew", "hello", "8-days", activities.TtlBlank),
        ("", "hello", "7-days", activities.UserHandleBlank),
        ("nobody", "hello", "7-days", activities.UserNotFound),
        ("' OR true --", "hello", "7-days", activities.UserNotFound),
    ],
)
def test_wrong_posts_are_refused(seeded: Target, handle: str, message: str, ttl: str, error: type[OpsError]) -> None:
    """Each kind of wrong input has its error, named first in the message; nothing is posted."""
    with pytest.raises(error, match=f"^{(error.__doc__ or '').partition(':')[0]}: "):
        activities.post(seeded, handle, message, ttl)
    assert {"activities": 12, "users": 4} == database.counts(seeded)


@given(st.text(st.characters(exclude_categories=()), max_size=activities.MAX_CHARS))
def test_every_message_is_judged(message: str) -> None:
    """Any text either passes, and PostgreSQL's text can hold it, or is refused with a named error."""
    try:
        activities.check("andrew", message, "7-days")
    except OpsError:
        assert not message.strip() or "\0" in message or any(0xD800 <= ord(character) < 0xE000 for character in message)


def test_posting_takes_one_statement(seeded: Target) -> None:
    """The author is looked up and the activity inserted and returned by one statement, without BEGIN and COMMIT."""
    statements: list[tuple[str, bool]] = []

    def record(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        statements.append((statement, connection.connection.driver_connection.autocommit))

    event.listen(engine(seeded), "before_cursor_execute", record)
    activities.post(seeded, "andrew", "hello")

    assert [True] == [autocommit for _, autocommit in statements]


def test_over_time_counts_by_day(seeded: Target) -> None:
    """One row for each of the last days, oldest first, with those that have expired."""
    frame = activities.over_time(seeded, days=8)

    assert [7, 6, 5, 4, 3, 2, 1, 0] == frame["days_ago"].tolist()
    assert [0, 2, 1, 3, 1, 2, 2, 1] == frame["activities"].tolist()


def test_users_are_listed_with_their_live_activities(seeded: Target) -> None:
    """By handle; an expired activity does not count."""
    listed = database.rows(seeded, "users/list")

    assert [("andrew", 4), ("bayko", 3), ("delenn", 2), ("londo", 2)] == [(u["handle"], u["live_activities"]) for u in listed]
