"""The cursor of a feed: any place there and back, and nothing else."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cruddur_ops.activities.cursor import BEGINNING, Position, after, parameters, read
from cruddur_ops.errors import WrongInput

positions = st.builds(Position, st.datetimes(timezones=st.just(UTC)), st.uuids())


@given(positions)
def test_a_cursor_leads_back(position: Position) -> None:
    """Whatever the time and the uuid, to the microsecond; and a URL takes it as it is."""
    assert position == read(position.cursor)
    assert re.fullmatch("[A-Za-z0-9_-]{32}", position.cursor)


@given(st.text() | st.text("ABCghi019_-", min_size=32, max_size=32))
def test_any_text_is_a_cursor_or_refused(text: str) -> None:
    """A text that is taken is that of one place alone."""
    try:
        assert text == read(text).cursor
    except WrongInput as error:
        assert str(error).startswith("cursor_malformed: ")


def test_times_in_any_zone_are_one_place() -> None:
    """A session's time zone changes PostgreSQL's JSON, and no cursor."""
    uuid = "00000000-0000-4000-8000-000000000201"
    places = {
        after({"uuid": uuid, "created_at": f"2026-11-22T{time}"}).cursor for time in ("12:00:00.5+00:00", "17:30:00.5+05:30")
    }

    assert {Position(datetime(2026, 11, 22, 12, 0, 0, 500_000, UTC), UUID(uuid)).cursor} == places


def test_an_empty_cursor_is_the_beginning() -> None:
    """Later than any time, and the highest of all identifiers."""
    assert BEGINNING == parameters("")
    assert {"created_at": "infinity", "uuid": "ffffffff-ffff-ffff-ffff-ffffffffffff"} == BEGINNING


@pytest.mark.parametrize("cursor", ["A" * 31 + "\n", "f" + "_" * 31, "+" + "A" * 31, "A" * 28 + "AA=="])
def test_near_misses(cursor: str) -> None:
    """Too far a time, and texts that base64 would let pass."""
    with pytest.raises(WrongInput):
        read(cursor)
