"""Where the server's time goes, statement by statement: pg_stat_statements (PostgreSQL 18, chapter F.32)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cruddur_ops.database.masking import HIDDEN, statement_kind
from cruddur_ops.database.planning import planned, require_agreement
from cruddur_ops.database.statements import compose, rows
from cruddur_ops.plan import Action, Change, Outcome, Plan, apply
from cruddur_ops.targets import Target
from cruddur_ops.texttable import table

EXTENSION = "extension pg_stat_statements"
LOAD = "put pg_stat_statements into shared_preload_libraries (on RDS: of the parameter group), restart, then run 06 again"
CREATE = "let the master user run CREATE EXTENSION pg_stat_statements in this database"
NORMALISED = frozenset({"DELETE", "INSERT", "MERGE", "SELECT", "UPDATE", "VALUES", "WITH"})
WIDTH = 80


@dataclass(frozen=True)
class Statement:
    """A statement as it is counted, whatever its values.

    Attributes:
        text: with $1, $2 … for the values; only the kind where that is not certain.
        mean: milliseconds.
        total: milliseconds.
    """

    text: str
    calls: int
    mean: float
    total: float


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


def plan_statement_statistics(target: Target) -> Plan:
    """What `keep_statement_statistics` would do, and what stands in its way."""
    absent = Change(Action.CREATE, EXTENSION)
    return planned(target, "Statistics of statements", lambda: [_change(target)], absent)


def _change(target: Target) -> Change:
    (found,) = rows(target, "operations/statement_statistics")
    remedy = _remedy(found)
    if found["present"] or remedy:
        return Change(Action.NONE, EXTENSION, note=remedy)
    return Change(Action.CREATE, EXTENSION, note="costs the server a few percent")


def _remedy(found: dict[str, Any]) -> str:
    if not found["loaded"]:
        return LOAD
    return "" if found["present"] or found["creatable"] else CREATE


def keep_statement_statistics(target: Target, confirm: str = "") -> Outcome:
    """Have statements counted from now on, where the server has the library loaded and lets this user.

    Raises:
        ConfirmationRequired: the target is protected and `confirm` is not its DB instance identifier.
        DatabaseUnreachable: no connection came about.
    """
    plan = plan_statement_statistics(target)
    require_agreement(plan, target, confirm)
    return apply(plan, lambda _: _create(target))


def _create(target: Target) -> None:
    rows(target, compose("operations/create_statement_statistics"))


def slowest(target: Target, limit: int = 10) -> Slowest:
    """The statements of the target's database that took most time.

    Raises:
        DatabaseUnreachable: no connection came about.
    """
    (found,) = rows(target, "operations/statement_statistics")
    if not found["present"] or not found["loaded"]:
        return Slowest(remedy=_remedy(found) or CREATE)
    counted = rows(target, "operations/slowest_statements", limit=limit)
    return Slowest(tuple(Statement(shown(row["query"]), row["calls"], row["mean_ms"], row["total_ms"]) for row in counted))


def shown(text: str) -> str:
    """The text on one line where the extension has replaced its values, else the statement's kind."""
    kind = statement_kind(text)
    return " ".join(text.split()) if kind in NORMALISED else kind or HIDDEN
