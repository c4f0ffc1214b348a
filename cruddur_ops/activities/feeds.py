"""The feeds, newest first and page by page: everybody's, a user's, and the replies to an activity.

A page takes the `next_cursor` of the page before, empty for the first, and a limit of 1 to 100 activities.
"""

from dataclasses import dataclass
from typing import Any

from cruddur_ops.activities import cursor as cursors
from cruddur_ops.activities.posting import activity_uuid, check_handle, user_not_found
from cruddur_ops.database.explain import QueryPlan, explain
from cruddur_ops.database.statements import rows
from cruddur_ops.errors import WrongInput
from cruddur_ops.target import Target

LIMIT, MAX_LIMIT = 20, 100
Activity = dict[str, Any]


@dataclass(frozen=True)
class Page:
    """A stretch of a feed."""

    activities: list[Activity]  # as PostgreSQL's JSON has them: identifiers and times are text
    next_cursor: str  # gets the page that follows; empty where none does


@dataclass(frozen=True)
class UserPage(Page):
    """A user's own page."""

    profile: dict[str, Any]  # uuid, handle, display_name, bio, created_at, activities_count (of those that are live)


def home(target: Target, cursor: str = "", limit: int = LIMIT) -> Page:
    """A page of the home feed: the activities of everybody that have not expired, replies among them."""
    return _page(rows(target, "activities/home", **_position(cursor, limit))[0]["page"], limit)


def explain_home(target: Target, cursor: str = "", limit: int = LIMIT, *, as_if_large: bool = True) -> QueryPlan:
    """How the server finds a page of the home feed; see `explain` for `as_if_large`."""
    return explain(target, "activities/home", as_if_large=as_if_large, **_position(cursor, limit))


def replies(target: Target, reply_to: str, cursor: str = "", limit: int = LIMIT) -> Page:
    """A page of the live replies to an activity, by its uuid; none where the activity is not there."""
    found = rows(target, "activities/replies", reply_to=activity_uuid(reply_to), **_position(cursor, limit))
    return _page(found[0]["page"], limit)


def find(target: Target, handle: str, message: str, reply_to: str | None = None) -> Activity | None:
    """The newest live activity in which a user says exactly this; None where there is none.

    Whoever posts after a look for it can be cut off and begin anew, and has posted once.

    Args:
        handle: of the user, in any case.
        reply_to: the uuid of the activity that it replies to; None for one that replies to none.
    """
    check_handle(handle)
    parent = activity_uuid(reply_to) if reply_to else None
    found = rows(target, "activities/find", handle=handle, message=message, reply_to=parent)
    return found[0]["found"] if found else None


def user(target: Target, handle: str, cursor: str = "", limit: int = LIMIT) -> UserPage:
    """A user's page: the profile, and a page of the user's live activities; the handle is in any case."""
    check_handle(handle)
    found = rows(target, "users/page", handle=handle, **_position(cursor, limit))
    if not found:
        raise user_not_found(handle)
    page = _page(found[0]["page"], limit)
    return UserPage(page.activities, page.next_cursor, found[0]["profile"])


def _position(cursor: str, limit: int) -> dict[str, Any]:
    """The parameters that all feeds take; one activity more than the page has tells whether another follows."""
    if not 1 <= limit <= MAX_LIMIT:
        raise WrongInput(f"limit_out_of_range: ask for 1 to {MAX_LIMIT} activities, not {limit}")
    return {**cursors.parameters(cursor), "limit": limit + 1}


def _page(found: list[Activity], limit: int) -> Page:
    more = len(found) > limit
    return Page(found[:limit], cursors.after(found[limit - 1]).cursor if more else "")
