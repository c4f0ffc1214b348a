"""What a setting may be: checked before anything is asked of AWS, wherever the value comes from."""

import ipaddress
import re
import shlex
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Limit:
    """A rule for a value, and how an operator is told."""

    words: str  # what the value is to be, such as "0 to 35"
    holds: Callable[[Any], bool]


def between(low: int, high: int) -> Limit:
    """Whole numbers, both ends among them."""
    return Limit(f"{low} to {high}", lambda value: low <= value <= high)


def one_of(*values: Any) -> Limit:
    """These values, and no others."""
    return Limit(f"one of {', '.join(str(value) or '(empty)' for value in values)}", lambda value: value in values)


def like(pattern: str, words: str, *, empty: bool = True) -> Limit:
    """Text that a regular expression describes, in ASCII; nothing at all, unless `empty` is false."""
    return Limit(words, lambda value: (empty and value == "") or re.fullmatch(pattern, value, re.ASCII) is not None)


def listed(pattern: str, words: str) -> Limit:
    """Any number of texts of that kind, with commas between them."""
    return like(rf"{pattern}(\s*,\s*{pattern})*", f"{words}, or several with commas between them")


def _is_address(value: str) -> bool:
    with suppress(ValueError):
        return bool(ipaddress.ip_address(value))
    return value == ""


def _is_insights_retention(value: int) -> bool:
    return value in (7, 731) or value in range(31, 24 * 31, 31)


def _is_url(value: str) -> bool:
    with suppress(ValueError):
        parts = urlsplit(value)
        return value == "" or (parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0)
    return False


def is_utf8(text: str) -> bool:
    """Whether a text can be written: what the environment has in another encoding cannot."""
    with suppress(UnicodeEncodeError):
        return text.encode() is not None
    return False


def is_link(value: str) -> bool:
    """Whether it is a URL, of whatever scheme, rather than a command."""
    return "://" in value.partition(" ")[0]


def _is_notice(value: str) -> bool:
    if value.startswith("arn:"):
        return re.fullmatch(r"arn:[\w-]+:sns:[a-z0-9-]+:\d{12}:[\w.-]{1,256}", value, re.ASCII) is not None
    if is_link(value):
        return _is_url(value)
    with suppress(ValueError):
        return value == "" or bool(shlex.split(value))
    return False


NOTICE = Limit("the ARN of an SNS topic, the URL of a webhook, or a command", _is_notice)
URL = Limit("a URL such as http://127.0.0.1:4566", _is_url)
ADDRESS = Limit("an IP address, such as 127.0.0.1", _is_address)
INSIGHTS_DAYS = Limit("7, 731, or months of 31 days up to 713", _is_insights_retention)
ACCOUNT = like(r"\d{12}", "the 12 digits of an account")
ROLE = like(r"arn:[\w-]+:iam::\d+:role/.+", "the ARN of a role")
DAYS = between(0, 3650)
NAME = like(r"[A-Za-z](-?[A-Za-z0-9]){0,62}", "up to 63 letters, digits and single hyphens, a letter first", empty=False)
# Those that RDS and AWS Backup take themselves begin with their names (RDS API Reference, DBSnapshot).
SNAPSHOT = like(
    r"((rds|awsbackup):)?[A-Za-z](-?[A-Za-z0-9]){0,254}",
    "up to 255 letters, digits and single hyphens, a letter first",
    empty=False,
)
NEW_SNAPSHOT = like(
    r"[A-Za-z](-?[A-Za-z0-9]){0,254}",
    "up to 255 letters, digits and single hyphens, a letter first and no hyphen last",
    empty=False,
)
HANDLE = like(r"[A-Za-z0-9]([._-]?[A-Za-z0-9]){0,39}", "up to 40 letters and digits with single . _ - in between", empty=False)
DATABASE = like(
    r"(?!(rdsadmin|template[01])$)[A-Za-z][A-Za-z0-9_]{0,62}",
    "up to 63 letters, digits and underscores, a letter first, and none of the server's own",
    empty=False,
)
MASTER = like(
    r"(?!(?i:admin|rdsadmin)$|(?i:pg_))[A-Za-z][A-Za-z0-9_]{0,62}",
    "up to 63 letters, digits and underscores, a letter first, and not admin, rdsadmin or pg_...",
    empty=False,
)
REGION = like(r"[a-z]{2,}(-[a-z]+)+-\d+", "a region such as ca-central-1", empty=False)
VERSION = like(r"\d{1,3}(\.\d{1,3})?(-rds\.\d+)?", "a major such as 18, or a version such as 18.1", empty=False)
CLASS = like(r"db\.[a-z0-9-]+\.[a-z0-9-]+", "a class such as db.t4g.micro", empty=False)
_TIME, _DAY = r"(?:[01]\d|2[0-3]):[0-5]\d", "(?:mon|tue|wed|thu|fri|sat|sun)"
DAILY_WINDOW = like(f"{_TIME}-{_TIME}", "a time of the day in UTC, such as 03:00-03:30")
WEEKLY_WINDOW = like(f"{_DAY}:{_TIME}-{_DAY}:{_TIME}", "a time of the week in UTC, such as sun:04:00-sun:04:30")
# What both a tag and the description of a security-group rule may hold (Amazon EC2 User Guide, "Tag restrictions"; EC2 API
# Reference, IpRange), in a length that leaves room for a few words around it.
OWNER = like(r"(?!(?i:aws:))[A-Za-z0-9 _.:/=+@-]{1,200}", "up to 200 letters, digits, spaces and _ . : / = + - @")
TAG = r"(?!(ManagedBy|Owner|Project|Expires|DBInstance|Region)=)(?![Aa][Ww][Ss]:)[A-Za-z0-9 _.:/+@-]+=[A-Za-z0-9 _.:/=+@-]*"
