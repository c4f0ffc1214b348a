"""Where the server's time goes, statement by statement: pg_stat_statements (PostgreSQL 18, chapter F.32)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from cruddur_ops.database.connection import Connection
from cruddur_ops.database.masking import HIDDEN, statement_kind
from cruddur_ops.database.planning import planned
from cruddur_ops.database.statements import ask, compose, rows
from cruddur_ops.plan import Action, Change, Plan, step
from cruddur_ops.target import Target
from cruddur_ops.texttable import table

EXTENSION = "extension pg_stat_statements"
LOAD = "put pg_stat_statements into shared_preload_libraries (on RDS: of the parameter group), restart, then run 06 again"
CREATE = "let the master user run CREATE EXTENSION pg_stat_statements in this database"
NORMALISED = frozenset({"DELETE", "INSERT", "MERGE", "SELECT", "UPDATE", "VALUES", "WITH"})
WIDTH = 80


@dataclass(frozen=True)
class Statement:
    """A statement as it is counted, whatever its values."""

    text: str  # with $1, $2 … for the values; only the kind where that is not certain
    calls: int
    mean: float  # milliseconds
    total: float  # milliseconds


@dataclass(frozen=True)
class Slowest:
    """The statements that took most time; where nobody counts, what to do to have them counted."""

    statements: tuple[Statement, ...] = ()
    remedy: str = ""

    def __repr__(self) -> str:
        """A table in orders of magnitude, which is what one acts on; the figures are in `statements`."""
        shown = [
            {"calls": magnitude(one.calls), "each": f"{magnitude(one.mean)} ms", "statement": one.text[:WIDTH]}
            for one in self.statements
        ]
        return table(shown) or f"no statement was counted: {self.remedy}"


def magnitude(value: float) -> str:
    """The order of magnitude, such as "100+"; "under 1" below one."""
    return f"{10 ** (len(str(int(value))) - 1)}+" if value >= 1 else "under 1"


@step
def plan_statement_statistics(target: Target) -> Plan:
    """The extension that has statements counted, where the server has the library loaded and lets this user create it.

    Where it does not, a fact of the plan says what to do.
    """
    remedies: list[str] = []

    def find(connection: Connection) -> Iterator[Change]:
        (found,) = ask(connection, "operations/statement_statistics")
        remedies[:] = filter(None, [_remedy(found)])
        if found["present"]:
            yield Change(Action.NONE, EXTENSION)
        elif not remedies:
            make = partial(ask, connection, compose("operations/create_statement_statistics"))
            yield Change(Action.CREATE, EXTENSION, note="costs the server a few percent", make=make)

    plan = planned(target, "Statistics of statements", find, Change(Action.CREATE, EXTENSION))
    return replace(plan, facts=tuple(remedies))


def _remedy(found: Mapping[str, Any]) -> str:
    if not found["loaded"]:
        return LOAD
    return "" if found["present"] or found["creatable"] else CREATE


def slowest(target: Target, limit: int = 10) -> Slowest:
    """The statements of the target's database that took most time."""
    (found,) = rows(target, "operations/statement_statistics")
    if not found["present"] or not found["loaded"]:
        return Slowest(remedy=_remedy(found) or CREATE)
    counted = rows(target, "operations/slowest_statements", limit=limit)
    return Slowest(tuple(Statement(shown(row["query"]), row["calls"], row["mean_ms"], row["total_ms"]) for row in counted))


def shown(text: str) -> str:
    """The text on one line where the extension has replaced its values, else the statement's kind."""
    kind = statement_kind(text)
    return " ".join(text.split()) if kind in NORMALISED else kind or HIDDEN
