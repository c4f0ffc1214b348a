"""Plans of queries: what counts as reading by an index."""

from __future__ import annotations

from typing import Any

import pytest

from cruddur_ops.database.explain import QueryPlan
from cruddur_ops.errors import NotVerified

INDEX = {"Node Type": "Index Scan", "Relation Name": "activities", "Index Name": "activities_feed"}
ONLY_INDEX = {**INDEX, "Node Type": "Index Only Scan"}
TABLE = {"Node Type": "Seq Scan", "Relation Name": "activities"}
BITMAP = {"Node Type": "Bitmap Heap Scan", "Relation Name": "activities"}
USERS = {"Node Type": "Seq Scan", "Relation Name": "users"}
LIMIT = {"Node Type": "Limit"}


def plan(*nodes: dict[str, Any]) -> QueryPlan:
    """A plan of these nodes."""
    return QueryPlan("activities/home", nodes)


@pytest.mark.parametrize("nodes", [(LIMIT, INDEX), (LIMIT, ONLY_INDEX), (LIMIT, INDEX, USERS), (INDEX, INDEX)])
def test_by_an_index(nodes: tuple[dict[str, Any], ...]) -> None:
    """In its order; how other tables are read is no matter."""
    assert plan(*nodes) == plan(*nodes).require_index("activities")
    assert all(read.endswith("using activities_feed on activities") for read in plan(*nodes).reads("activities"))


@pytest.mark.parametrize(
    ("nodes", "found"),
    [
        ((LIMIT, TABLE), "Seq Scan on activities"),
        ((LIMIT, BITMAP), "Bitmap Heap Scan on activities"),
        ((LIMIT, INDEX, TABLE), "Index Scan using activities_feed on activities, Seq Scan on activities"),
        ((LIMIT, {"Node Type": "Sort"}, INDEX), "Index Scan using activities_feed on activities, sorted"),
        ((LIMIT, {"Node Type": "Incremental Sort"}, INDEX), "Index Scan using activities_feed on activities, sorted"),
        ((LIMIT, USERS), "nothing"),
        ((), "nothing"),
    ],
)
def test_otherwise(nodes: tuple[dict[str, Any], ...], found: str) -> None:
    """Refused with what the plan does instead, and what to compare."""
    with pytest.raises(NotVerified, match=f"^activities/home reads activities by {found}: compare the indexes with"):
        plan(*nodes).require_index("activities")
