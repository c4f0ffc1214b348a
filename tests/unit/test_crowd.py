"""The crowd: what is generated is the same each time, and as an application would have posted it."""

from __future__ import annotations

import hashlib
import itertools
import tracemalloc
from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cruddur_ops.database import crowd
from cruddur_ops.database.crowd import HOUR, Activity, Crowd

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
END = (NOW - crowd.EPOCH) // timedelta(microseconds=1)
crowds = st.builds(Crowd, st.integers(1, 3000), st.integers(0, 65_535))


def activities(generated: Crowd, now: datetime = NOW) -> list[Activity]:
    """All activities."""
    return list(itertools.chain.from_iterable(generated.blocks(now)))


def users(generated: Crowd) -> set[bytes]:
    """The uuids of all users."""
    return {bytes.fromhex(line.partition("\t")[0]) for line in generated.user_lines(NOW)}


@given(crowds, st.timedeltas(timedelta(), timedelta(days=10_000)))
def test_the_same_seed_number_is_the_same_data(generated: Crowd, later: timedelta) -> None:
    """At another moment only the times differ, all by as much."""
    moved = activities(generated, NOW + later)
    shift = later // timedelta(microseconds=1)
    for one in moved:
        one.created_at, one.expires_at = one.created_at - shift, one.expires_at - shift

    assert activities(generated) == moved
    assert list(generated.user_lines(NOW)) == list(generated.user_lines(NOW))


@given(crowds)
def test_it_is_as_many_as_asked_for(generated: Crowd) -> None:
    """No uuid comes twice, and each author is there."""
    made = activities(generated)

    assert generated.activities == len({activity.uuid for activity in made}) == len(made)
    assert generated.users == len(users(generated))
    assert {activity.user_uuid for activity in made} <= users(generated)


@given(crowds)
def test_replies_are_counted_and_end_with_their_parents(generated: Crowd) -> None:
    """Each parent came before, was live, counts its replies, and expires with them."""
    made = activities(generated)
    by_uuid = {activity.uuid: activity for activity in made}
    replies = [activity for activity in made if activity.reply_to]

    assert Counter(reply.reply_to for reply in replies) == Counter({a.uuid: a.replies for a in made if a.replies})
    for reply in replies:
        parent = by_uuid[reply.reply_to]
        assert parent.created_at < reply.created_at < reply.expires_at == parent.expires_at


@given(crowds)
def test_times_are_those_of_the_last_days(generated: Crowd) -> None:
    """From thirty days ago to just before now, in order; each expires after it was posted, within thirty days."""
    made = activities(generated)
    times = [activity.created_at for activity in made]

    assert sorted(times) == times
    assert END - crowd.DAYS * 24 * HOUR <= times[0]
    assert times[-1] < END
    assert all(0 < activity.expires_at - activity.created_at <= crowd.DAYS * 24 * HOUR for activity in made)


@given(st.integers(1, 1000), st.sets(st.integers(0, 65_535), min_size=2, max_size=2))
def test_seed_numbers_share_nothing(count: int, numbers: set[int]) -> None:
    """Neither users nor handles nor activities."""
    one, other = (Crowd(count, number) for number in numbers)

    assert set() == users(one) & users(other)
    assert set() == {one.handle(number) for number in range(one.users)} & {other.handle(number) for number in range(other.users)}
    assert set() == {a.uuid for a in activities(one)} & {a.uuid for a in activities(other)}


def test_it_stays_the_same_from_release_to_release() -> None:
    """On every Python, and every machine: data of a seed number mean the same to all who talk of them."""
    digest = hashlib.sha256()
    for activity in activities(Crowd(5000)):
        digest.update(bytes(activity))
    for line in Crowd(5000).user_lines(NOW):
        digest.update(line.encode())

    assert "e66bffd9e9b309d8" == digest.hexdigest()[:16]


def test_authors_are_skewed_and_replies_are_many() -> None:
    """The first eighth of the users posts half, and three in ten activities are replies or nearly so."""
    generated = Crowd(20_000)
    made = activities(generated)
    first = {generated.user_uuid(number) for number in range(generated.users // 8)}

    assert 0.48 < sum(activity.user_uuid in first for activity in made) / len(made) < 0.52
    assert 0.2 < sum(bool(activity.reply_to) for activity in made) / len(made) < 0.3


def test_messages_need_no_escaping() -> None:
    """They fit, and have an emoji among them."""
    texts = [message.decode() for message in crowd.MESSAGES]

    assert all(0 < len(text) <= 280 and "\0" not in text for text in texts)
    assert any("🎉" in text for text in texts)


def test_memory_does_not_grow_with_the_crowd() -> None:
    """No more than a few blocks are ever there."""
    peaks = []
    for count in (5_000, 50_000):
        tracemalloc.start()
        for _ in Crowd(count).blocks(NOW):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    assert peaks[1] < 1.2 * peaks[0] < 5_000_000
