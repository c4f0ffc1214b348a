"""How the server finds a page of the feeds."""

from __future__ import annotations

from cruddur_ops.activities.feeds import LIMIT, position
from cruddur_ops.database.explain import QueryPlan, explain
from cruddur_ops.targets import Target


def explain_home(target: Target, cursor: str = "", limit: int = LIMIT, *, as_if_large: bool = True) -> QueryPlan:
    """How a page of the home feed is found; see `explain` for `as_if_large`.

    Raises:
        CursorMalformed: the cursor is none.
        LimitOutOfRange: the limit is none.
        DatabaseUnreachable: no connection came about.
    """
    return explain(target, "activities/home", as_if_large=as_if_large, **position(cursor, limit))
