"""How statements are run, before a step and after it: the application's with times, those of the live instance as generic plans.

Shown are names of sql/ and normalised texts: no values, and so nobody's data.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from cruddur_ops import queries
from cruddur_ops.database import statement_statistics
from cruddur_ops.database.connection import Connection, connect
from cruddur_ops.database.errors import NotPermitted, SchemaMissing
from cruddur_ops.database.explain import described, nodes
from cruddur_ops.database.statements import ask, compose
from cruddur_ops.errors import OpsError
from cruddur_ops.target import Target

SLOWEST = 10
ROUNDS = 3  # of which the quickest counts
# By how much a statement must have become slower for that to be no chance: less, where something else tells the same.
SLOWER, MUCH_SLOWER, LEAST_MS = 1.5, 4.0, 5.0
GENERIC_SINCE = 160000  # PostgreSQL 16
NAME = re.compile(r"%\((\w+)\)s")
# The first page of a feed, and a week; the other values are somebody's, see sql/rehearsal/samples.sql.
VALUES: Mapping[str, object] = {
    "created_at": "infinity",
    "uuid": "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "limit": 21,
    "days": 7,
    "ttl": None,
}


@dataclass(frozen=True)
class Statement:
    """How a statement is run."""

    name: str  # in sql/, or its normalised text
    nodes: tuple[str, ...]  # of its plan, from the top down, such as "Index Scan using activities_feed on activities"
    reads: frozenset[str]  # the tables that it reads
    writes: frozenset[str]  # the tables that it writes
    cost: float  # what the planner takes it for
    milliseconds: float | None = None  # how long it took; None where it was planned alone
    blocks: int = 0  # how many it read, from memory or disk


@dataclass(frozen=True)
class Changed:
    """A statement before a step and after it."""

    name: str
    before: float  # milliseconds, or the planner's cost where there are none
    after: float  # likewise
    unit: str  # "ms" or "of cost"
    nodes: tuple[str, ...] = ()  # the part of its plan that is gone, and that which is new; empty where it is run as before
    slower: bool = False  # whether it became slower by more than chance

    def __str__(self) -> str:
        """Such as "activities/home: 0.31 ms -> 41.20 ms, SLOWER; Index Scan using … -> Seq Scan on …"."""
        verdict = ", SLOWER" if self.slower else ""
        plan = f"; {' -> '.join(self.nodes)}" if self.nodes else ""
        return f"{self.name}: {self.before:.2f} -> {self.after:.2f} {self.unit}{verdict}{plan}"


def of_live(target: Target) -> tuple[str, ...]:
    """The texts of the statements that take most time on the live instance, where it counts them."""
    try:
        found = statement_statistics.slowest(target, SLOWEST).statements
    except OpsError:  # not allowed to look, or no such extension: a rehearsal does without
        return ()
    return tuple(one.text for one in found if "$" in one.text)


def measure(target: Target, live: tuple[str, ...]) -> tuple[Statement, ...]:
    """Have the planner look at the tables, then all planned, the application's also run, in transactions that are rolled back."""
    with connect(target, autocommit=True) as connection:
        ask(connection, "rehearsal/analyze")
        generic = live if connection.info.server_version >= GENERIC_SINCE else ()
        found = [*_applications(connection), *(_generic(connection, text) for text in generic)]
    return tuple(one for one in found if one)


def _applications(connection: Connection) -> Iterator[Statement | None]:
    try:
        sample = next(iter(ask(connection, "rehearsal/samples")), {"handle": "", "message": "", "reply_to": None})
    except (SchemaMissing, NotPermitted, psycopg.errors.UndefinedColumn):  # another application's schema
        return
    for name in queries.names():
        if name.startswith("activities/"):
            yield _measured(connection, name, {**VALUES, **sample})


def _measured(connection: Connection, name: str, values: Mapping[str, object]) -> Statement | None:
    """None where a statement of sql/ does not fit the schema (yet)."""
    text = queries.load(name).text
    given = {key: values.get(key) for key in NAME.findall(text)}
    statement = compose("rehearsal/measure", statement=sql.SQL(text))
    try:
        with connection.transaction(force_rollback=True):
            found = [ask(connection, statement, **given)[0]["QUERY PLAN"][0] for _ in range(ROUNDS)]
    except (SchemaMissing, NotPermitted, psycopg.errors.ProgrammingError):
        return None
    return _described(name, found[-1]["Plan"], min(one["Execution Time"] for one in found))


def _generic(connection: Connection, text: str) -> Statement | None:
    """None where the statement is none that can be explained, or not of this schema."""
    try:
        found = ask(connection, compose("rehearsal/generic_plan", statement=sql.SQL(text)))
    except (OpsError, psycopg.Error):
        return None
    return _described(text, found[0]["QUERY PLAN"][0]["Plan"])


def _described(name: str, plan: Mapping[str, Any], milliseconds: float | None = None) -> Statement:
    found = list(nodes(plan))
    writes = frozenset(one["Relation Name"] for one in found if one["Node Type"] == "ModifyTable")
    reads = frozenset(one["Relation Name"] for one in found if "Relation Name" in one) - writes
    blocks = plan.get("Shared Hit Blocks", 0) + plan.get("Shared Read Blocks", 0)
    return Statement(name, tuple(map(described, found)), reads, writes, plan["Total Cost"], milliseconds, blocks)


def compared(before: tuple[Statement, ...], after: tuple[Statement, ...]) -> tuple[Changed, ...]:
    """Each statement that could be run both times."""
    then = {one.name: one for one in before}
    return tuple(_compared(then[one.name], one) for one in after if one.name in then)


def _compared(was: Statement, now: Statement) -> Changed:
    gone, new = ([*(Counter(one) - Counter(other))] for one, other in ((was.nodes, now.nodes), (now.nodes, was.nodes)))
    changed = (_telling(gone), _telling(new)) if gone or new else ()
    if was.milliseconds is not None and now.milliseconds is not None:
        factor = SLOWER if changed or now.blocks > SLOWER * was.blocks else MUCH_SLOWER
        slower = now.milliseconds > max(factor * was.milliseconds, was.milliseconds + LEAST_MS)
        return Changed(was.name, was.milliseconds, now.milliseconds, "ms", changed, slower)
    return Changed(was.name, was.cost, now.cost, "of cost", changed, bool(changed) and now.cost > SLOWER * was.cost)


def _telling(nodes: Sequence[str]) -> str:
    """The first that names a table, else the first."""
    return next((node for node in nodes if " on " in node), next(iter(nodes), "nothing"))
