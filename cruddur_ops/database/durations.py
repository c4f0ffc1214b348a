"""Lengths of time as operators write and read them: 30m, 1h30m, 2d."""

from __future__ import annotations

import re
from datetime import timedelta

from cruddur_ops.errors import WrongInput

UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
WRITTEN = re.compile(r"(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?", re.ASCII)


def parse(text: str) -> timedelta:
    """Read days, hours, minutes and seconds, in this order and each at most once.

    Raises:
        WrongInput: it is written otherwise.
    """
    found = WRITTEN.fullmatch(text.strip())
    if not found or not any(found.groups()):
        raise WrongInput(f'"{text}" is no length of time: write it as 90s, 30m, 1h30m or 2d')
    return timedelta(seconds=sum(int(count or 0) * UNITS[unit] for count, unit in zip(found.groups(), UNITS, strict=True)))


def show(length: timedelta) -> str:
    """The two largest units that are not zero, rounded down; what is negative, by clocks that differ, counts as none."""
    seconds = max(0, int(length.total_seconds()))
    parts = []
    for unit, size in UNITS.items():
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts[:2]) or "0s"
