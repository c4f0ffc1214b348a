"""What the application does with its database: post an activity, show the home feed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cruddur_ops.database import rows
from cruddur_ops.errors import WrongInput
from cruddur_ops.targets import Target

if TYPE_CHECKING:
    import pandas as pd

MAX_CHARS = 280
TTLS = {
    "30-days": timedelta(days=30),
    "7-days": timedelta(days=7),
    "3-days": timedelta(days=3),
    "1-day": timedelta(days=1),
    "12-hours": timedelta(hours=12),
    "3-hours": timedelta(hours=3),
    "1-hour": timedelta(hours=1),
}


class MessageBlank(WrongInput):
    """message_blank: the message has nothing to read in it."""


class MessageExceedMaxChars(WrongInput):
    """message_exceed_max_chars: the message is longer than MAX_CHARS code points."""


class MessageUnstorable(WrongInput):
    """message_unstorable: PostgreSQL's text type cannot hold a character of it."""


class TtlBlank(WrongInput):
    """ttl_blank: the time to live is none of TTLS."""


class UserHandleBlank(WrongInput):
    """user_handle_blank: nobody is named who posts."""


class UserNotFound(WrongInput):
    """user_not_found: no user has this handle."""


def post(target: Target, handle: str, message: str, ttl: str = "7-days") -> dict[str, Any]:
    """Post an activity, in one round trip.

    Args:
        target: whose database.
        handle: of the user who posts.
        message: 1 to 280 code points, not blank.
        ttl: how long it is shown, one of TTLS.

    Returns:
        The activity as the home feed shows it.

    Raises:
        WrongInput: one of the kinds above; nothing was posted.
    """
    check(handle, message, ttl)
    posted = rows(target, "activities/create", handle=handle, message=message, ttl=TTLS[ttl])
    if not posted:
        raise UserNotFound(f'user_not_found: nobody has the handle "{handle}": use one that users/list shows')
    return posted[0]


def check(handle: str, message: str, ttl: str) -> None:
    """Refuse what cannot be posted, before the database is asked.

    Raises:
        WrongInput: one of the kinds above.
    """
    if not handle.strip():
        raise UserHandleBlank("user_handle_blank: name the handle of the user who posts")
    if ttl not in TTLS:
        raise TtlBlank(f'ttl_blank: "{ttl}" is no time to live: use one of {", ".join(TTLS)}')
    if not message.strip():
        raise MessageBlank("message_blank: write something")
    if len(message) > MAX_CHARS:
        over = len(message) - MAX_CHARS
        raise MessageExceedMaxChars(f"message_exceed_max_chars: leave out {over} of {len(message)} characters")
    if not _storable(message) or not _storable(handle):
        raise MessageUnstorable("message_unstorable: take out the NUL character or the half of a surrogate pair")


def _storable(text: str) -> bool:
    """Whether it is UTF-8 without NUL (PostgreSQL 18, chapter 8.3)."""
    return "\0" not in text and text.encode(errors="ignore").decode() == text


def home(target: Target, limit: int = 20) -> list[dict[str, Any]]:
    """The home feed: activities that have not expired, newest first."""
    return rows(target, "activities/home", limit=limit)


def home_json(target: Target, limit: int = 20) -> list[dict[str, Any]]:
    """The same as JSON that PostgreSQL built: identifiers and times are text."""
    feed: list[dict[str, Any]] = rows(target, "activities/home_json", limit=limit)[0]["feed"]
    return feed


def over_time(target: Target, days: int = 7) -> pd.DataFrame:
    """How many activities were posted on each of the last days (UTC), today included.

    Returns:
        One row a day, oldest first: day, days_ago, activities.
    """
    import pandas as pd

    return pd.DataFrame(rows(target, "activities/over_time", days=days))
