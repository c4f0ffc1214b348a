"""Backup and maintenance windows: what RDS refuses of them, and when the next one opens; pure functions, times in UTC.

Source: RDS API Reference, CreateDBInstance and ModifyDBInstance (PreferredBackupWindow, PreferredMaintenanceWindow). Windows that
only touch do not conflict: the examples of Terraform's module for RDS have such ones.
"""

import hashlib
import re
from datetime import datetime, timedelta

from moto.rds import models
from moto.rds.exceptions import InvalidParameterValue

from rds_sandbox.patches import replaces
from rds_sandbox.tables import limits

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LEAST, MOST = limits("rds")["window_minutes"]
DAY = 24 * 60  # minutes
WEEK = len(WEEKDAYS) * DAY
_TIME = "([01][0-9]|2[0-3]):([0-5][0-9])"
_OF_WEEK = f"({'|'.join(WEEKDAYS)}):{_TIME}"
_DAILY, _WEEKLY = re.compile(f"{_TIME}-{_TIME}"), re.compile(f"{_OF_WEEK}-{_OF_WEEK}")

Window = tuple[int, int]  # the minute of the day or week in which it opens, and how many minutes it lasts


@replaces(models, "valid_preferred_maintenance_window")
def check(maintenance: str | None, backup: str | None) -> None:
    """Refuse a window of another form, or that is too short, and two that overlap; None is not checked."""
    weekly, daily = _weekly(maintenance) if maintenance else None, _daily(backup) if backup else None
    if weekly and daily and _overlap(weekly, daily):
        raise InvalidParameterValue("The backup window and maintenance window must not overlap.")


def usual(name: str, maintenance: str | None, backup: str | None) -> dict[str, str]:
    """Half hours of an instance's own, always the same: as on AWS, each has others, and they lie beside one that is given."""
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
    daily = _beside(180 + number % 180, _weekly(maintenance) if maintenance else None)
    weekly = number // 180 % 7 * DAY + _beside(420 + number // 1260 % 180, _daily(backup) if backup else None)
    times = [f"{minute // 60 % 24:02}:{minute % 60:02}" for minute in (daily, daily + LEAST, weekly, weekly + LEAST)]
    days = [WEEKDAYS[minute // DAY % len(WEEKDAYS)] for minute in (weekly, weekly + LEAST)]
    return {
        "preferred_backup_window": f"{times[0]}-{times[1]}",
        "preferred_maintenance_window": f"{days[0]}:{times[2]}-{days[1]}:{times[3]}",
    }


def _beside(minute: int, taken: Window | None) -> int:
    """The minute of the day, or that of a later hour at which half an hour is free; itself where none is."""
    hours = (later % DAY for later in range(minute, minute + DAY, 60))
    return next((hour for hour in hours if not taken or not _overlap(taken, (hour, LEAST))), minute)


def next_opening(maintenance: str, after: datetime) -> datetime:
    """When the window opens next, at this moment at the earliest."""
    midnight = after.replace(hour=0, minute=0, second=0, microsecond=0)
    opening = midnight - timedelta(days=after.weekday()) + timedelta(minutes=_weekly(maintenance)[0])
    return opening if opening >= after else opening + timedelta(minutes=WEEK)


def _weekly(text: str) -> Window:
    found = _WEEKLY.fullmatch(text.lower())
    if not found:
        form = "Should be specified as a range ddd:hh24:mi-ddd:hh24:mi (24H Clock UTC). Example: Sun:23:45-Mon:00:15"
        raise InvalidParameterValue(f"Invalid maintenance window format: {text}. {form}")
    first, last = found.groups()[:3], found.groups()[3:]
    opens, closes = (WEEKDAYS.index(day) * DAY + int(hour) * 60 + int(minute) for day, hour, minute in (first, last))
    if (closes - opens) % WEEK > MOST:
        raise InvalidParameterValue(f"Maintenance window must be less than {MOST // 60} hours.")
    return _long_enough("maintenance", (opens, (closes - opens) % WEEK))


def _daily(text: str) -> Window:
    found = _DAILY.fullmatch(text)
    if not found:
        form = "Should be specified as a range hh24:mi-hh24:mi (24H Clock UTC). Example: 21:05-22:05"
        raise InvalidParameterValue(f"Invalid backup window format: {text}. {form}")
    opens, closes = (int(hour) * 60 + int(minute) for hour, minute in (found.groups()[:2], found.groups()[2:]))
    return _long_enough("backup", (opens, (closes - opens) % DAY))


def _long_enough(kind: str, window: Window) -> Window:
    if window[1] < LEAST:
        raise InvalidParameterValue(f"The {kind} window must be at least {LEAST} minutes.")
    return window


def _overlap(weekly: Window, daily: Window) -> bool:
    """Whether one opens while the other is open, on whichever day."""
    return (weekly[0] - daily[0]) % DAY < daily[1] or (daily[0] - weekly[0]) % DAY < weekly[1]
