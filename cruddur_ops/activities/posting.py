"""Posting: an activity with a time to live, or a reply. What is refused, with WrongInput, was neither posted nor counted."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from cruddur_ops.database.planning import write
from cruddur_ops.errors import WrongInput
from cruddur_ops.target import Target

MAX_CHARS = 280  # code points
TTLS = {
    "30-days": timedelta(days=30),
    "7-days": timedelta(days=7),
    "3-days": timedelta(days=3),
    "1-day": timedelta(days=1),
    "12-hours": timedelta(hours=12),
    "3-hours": timedelta(hours=3),
    "1-hour": timedelta(hours=1),
}
ACTIVITY_NOT_FOUND = "activity_not_found: it has expired or never was: reply to one that the home feed shows"


def post(target: Target, handle: str, message: str, ttl: str = "7-days") -> dict[str, Any]:
    """Post an activity, in one round trip; it comes back as the home feed shows it.

    Args:
        handle: of the user who posts, in any case.
        message: 1 to 280 code points, not blank.
        ttl: how long it is shown, one of TTLS.
    """
    check(handle, message, ttl)
    return _posted(write(target, "activities/create", handle=handle, message=message, ttl=TTLS[ttl]), handle)


def reply(target: Target, handle: str, message: str, reply_to: str) -> dict[str, Any]:
    """Reply to a live activity, by its uuid, and count the reply in it, in one round trip.

    A reply has no time to live of its own: it expires with the activity that it replies to.
    """
    check(handle, message)
    found = write(target, "activities/reply", handle=handle, message=message, reply_to=activity_uuid(reply_to))
    return _posted(found, handle)


def check(handle: str, message: str, ttl: str = "7-days") -> str:
    """Refuse what cannot be posted, before the database is asked; else say what would be."""
    check_handle(handle)
    _require_text(message=message, ttl=ttl)
    if ttl not in TTLS:
        raise WrongInput(f'ttl_blank: "{ttl}" is no time to live: use one of {", ".join(TTLS)}')
    if not message.strip():
        raise WrongInput("message_blank: write something")
    if len(message) > MAX_CHARS:
        over = len(message) - MAX_CHARS
        raise WrongInput(f"message_exceed_max_chars: leave out {over} of {len(message)} characters")
    if not _storable(message):
        raise WrongInput("message_unstorable: take out the NUL character or the half of a surrogate pair")
    return f"@{handle} can say this, in {len(message)} of {MAX_CHARS} characters, for {ttl.replace('-', ' ')}"


def check_handle(handle: str) -> None:
    """Refuse a handle that nobody can have, before the database is asked."""
    _require_text(handle=handle)
    if not handle.strip():
        raise WrongInput("user_handle_blank: name the handle of a user")
    if not _storable(handle):
        raise user_not_found(handle)


def _require_text(**values: object) -> None:
    """Refuse what a parameter became on its way: `papermill -p` makes a number of what looks like one, a truth value too."""
    for name, value in values.items():
        if not isinstance(value, str):
            raise WrongInput(f"{name} is {value!r}, which is no text: with papermill give it as -r {name} {value}")


def user_not_found(handle: str) -> WrongInput:
    """The error for a handle that nobody has."""
    return WrongInput(f"user_not_found: nobody has the handle {handle!a}: use one that the home feed shows")


def activity_uuid(text: str) -> UUID:
    """An activity's identifier; what is not written like one belongs to no activity."""
    _require_text(reply_to=text)
    try:
        return UUID(text)
    except ValueError as error:
        raise WrongInput(ACTIVITY_NOT_FOUND) from error


def _posted(found: list[dict[str, Any]], handle: str) -> dict[str, Any]:
    """The activity of a statement that answers as sql/activities/reply.sql says."""
    if not found:
        raise user_not_found(handle)
    posted: dict[str, Any] | None = found[0]["posted"]
    if posted is None:
        raise WrongInput(ACTIVITY_NOT_FOUND)
    return posted


def _storable(text: str) -> bool:
    """Whether it is UTF-8 without NUL (PostgreSQL 18, chapter 8.3)."""
    return "\0" not in text and text.encode(errors="ignore").decode() == text
