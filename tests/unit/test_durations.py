"""Lengths of time, read and shown."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cruddur_ops.database import durations
from cruddur_ops.errors import WrongInput


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("30m", 1800), ("2h", 7200), ("1h30m", 5400), ("1d", 86400), ("1d1h1m1s", 90061), ("0s", 0), (" 5m ", 300)],
)
def test_what_operators_write(text: str, seconds: int) -> None:
    """Days, hours, minutes and seconds, alone or together."""
    assert timedelta(seconds=seconds) == durations.parse(text)


@pytest.mark.parametrize("text", ["", " ", "30", "m", "-5m", "1.5h", "5 m", "5m1h", "30min", "1e3s", "٣m", "9999999d", "5m\n5s"])
def test_what_is_refused(text: str) -> None:
    """Without a unit, with a fraction, out of order: wrong input, with examples."""
    with pytest.raises(WrongInput, match="write it as 90s, 30m, 1h30m or 2d"):
        durations.parse(text)


@given(st.text())
def test_any_text_is_a_length_or_refused(text: str) -> None:
    """There is no third way."""
    try:
        assert timedelta(0) <= durations.parse(text)
    except WrongInput:
        return


@given(st.integers(0, 999_999), st.integers(0, 999_999), st.integers(0, 999_999), st.integers(0, 999_999))
def test_every_sum_is_read(days: int, hours: int, minutes: int, seconds: int) -> None:
    """What is written in full is what is meant."""
    expected = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    assert expected == durations.parse(f"{days}d{hours}h{minutes}m{seconds}s")


@given(st.timedeltas(timedelta(0), timedelta(days=999_999)))
def test_what_is_shown_is_read_again(length: timedelta) -> None:
    """Two units, rounded down: never more than the length, and less by no more than an hour in a day."""
    shown = durations.parse(durations.show(length))
    assert shown <= length
    assert length - shown < max(timedelta(seconds=1), length / 24)


def test_what_clocks_that_differ_make_of_it() -> None:
    """A negative length is none."""
    assert "0s" == durations.show(timedelta(seconds=-3))
