"""How PostgreSQL runs a query: by an index, or by reading a whole table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from cruddur_ops import queries
from cruddur_ops.database.connection import connect
from cruddur_ops.database.statements import ask, compose
from cruddur_ops.errors import NotVerified
from cruddur_ops.target import Target

SCANS_OF_INDEXES = ("Index Scan", "Index Only Scan")


@dataclass(frozen=True)
class QueryPlan:
    """What the planner made of a query."""

    query: str  # its name in sql/
    nodes: tuple[Mapping[str, Any], ...]  # those of the plan, from the top down (PostgreSQL 18, chapter 14.1)

    def reads(self, table: str) -> tuple[str, ...]:
        """How the table is read, such as "Index Scan using activities_feed on activities"."""
        return tuple(described(node) for node in self.nodes if node.get("Relation Name") == table)

    def require_index(self, table: str) -> QueryPlan:
        """Refuse a plan that reads the table otherwise than by an index, in the order of that.

        A page then costs what is on it, however large the table is.
        """
        reads = self.reads(table)
        if reads and all(read.startswith(SCANS_OF_INDEXES) for read in reads) and not self._sorts():
            return self
        found = ", ".join(reads) + (", sorted" if self._sorts() else "")
        remedy = "compare the indexes with those of sql/schema.sql (`%sql \\d " + table + "`), and make what is missing"
        raise NotVerified(f"{self.query} reads {table} by {found or 'nothing'}: {remedy}")

    def _sorts(self) -> bool:
        return any("Sort" in node["Node Type"] for node in self.nodes)


def explain(target: Target, query: str, *, as_if_large: bool = True, **parameters: Any) -> QueryPlan:
    """Have a query planned, and not run.

    Args:
        query: its name in sql/.
        as_if_large: whether the planner is to do without reading whole tables, if an index will do. On a
            few rows it would rather read them all: that is quicker, and tells nothing of a million.
    """
    statement = compose("operations/explain", statement=sql.SQL(queries.load(query).text))
    with connect(target) as connection:
        if as_if_large:
            ask(connection, "operations/prefer_indexes")
        found = ask(connection, statement, **parameters)
    return QueryPlan(query, tuple(nodes(found[0]["QUERY PLAN"][0]["Plan"])))


def nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The node and all below it."""
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def described(node: Mapping[str, Any]) -> str:
    """Such as "Index Scan using activities_feed on activities", or "Sort"."""
    index = f" using {node['Index Name']}" if "Index Name" in node else ""
    table = f" on {node['Relation Name']}" if "Relation Name" in node else ""
    return f"{node['Node Type']}{index}{table}"
