"""Windows of backups and maintenance: their form and length, which overlap, and when one opens next."""

from __future__ import annotations

from datetime import datetime

import pytest
from moto.rds.exceptions import RDSClientError

from rds_sandbox.rds.windows import check, next_opening, usual


@pytest.mark.parametrize(
    ("maintenance", "backup", "passes"),
    [
        ("sun:23:45-mon:00:15", None, True),
        ("Sun:23:45-Mon:00:15", "12:00-12:30", True),
        ("mon:00:00-tue:00:00", None, True),
        ("mon:00:00-tue:00:01", None, False),
        ("mon:00:00-mon:00:29", None, False),
        ("mon:00:30-mon:00:00", None, False),
        ("mon:05:00-mon:05:00", None, False),
        ("day:05:00-day:06:00", None, False),
        ("mon:24:00-tue:01:00", None, False),
        (None, "23:45-00:15", True),
        (None, "05:00-05:29", False),
        (None, "05:00-05:00", False),
        (None, "5:00-6:00", False),
        ("mon:00:00-mon:03:00", "03:00-06:00", True),
        ("mon:03:00-mon:06:00", "00:00-03:00", True),
        ("mon:02:00-mon:04:00", "03:00-03:30", False),
        ("mon:03:00-mon:03:30", "02:00-04:00", False),
        ("sun:23:45-mon:00:15", "00:00-00:30", False),
        ("wed:00:00-wed:00:30", "23:45-00:15", False),
    ],
)
def test_what_rds_takes(maintenance: str | None, backup: str | None, passes: bool) -> None:
    """API Reference, CreateDBInstance: the form, half an hour at least, and no conflict between the two."""
    if passes:
        check(maintenance, backup)
    else:
        with pytest.raises(RDSClientError) as caught:
            check(maintenance, backup)
        assert "InvalidParameterValue" == caught.value.code


@pytest.mark.parametrize("given", ["sun:03:00-sun:06:30", "mon:02:00-mon:23:00", None])
def test_the_window_that_is_not_asked_for(given: str | None) -> None:
    """It lies beside the one that is (API Reference, CreateDBInstance: one is assigned); so do both where none is."""
    for number in range(50):
        found = usual(f"instance-{number}", given, None)
        check(given or found["preferred_maintenance_window"], found["preferred_backup_window"])
        backup = "06:00-12:00" if given else None
        check(usual(f"instance-{number}", None, backup)["preferred_maintenance_window"], backup)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (datetime(2026, 11, 23), datetime(2026, 11, 25, 5)),  # a Monday
        (datetime(2026, 11, 25, 5), datetime(2026, 11, 25, 5)),
        (datetime(2026, 11, 25, 5, 1), datetime(2026, 12, 2, 5)),
        (datetime(2026, 11, 29, 23, 59), datetime(2026, 12, 2, 5)),
    ],
)
def test_when_it_opens_next(after: datetime, expected: datetime) -> None:
    """In this week, else in the next."""
    assert expected == next_opening("wed:05:00-wed:05:30", after)
