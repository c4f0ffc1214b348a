"""What a transaction has done so far, found out from PostgreSQL itself: whatever a script says, or does not say, of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cruddur_ops.change import Action, Change
from cruddur_ops.database.connection import Connection
from cruddur_ops.database.statements import ask

State = Mapping[int, Mapping[str, Any]]  # by an oid
COUNTED = {"inserted": (Action.CREATE, "new"), "updated": (Action.MODIFY, "changed"), "deleted": (Action.DELETE, "deleted")}
NOTHING: Mapping[str, Any] = dict.fromkeys(COUNTED, 0)
# The catalogues that making a table writes to. For a temporary one that is nobody's business, others have a line of their own.
OF_TABLES = frozenset(
    f"pg_catalog.pg_{name}"
    for name in (
        *("attrdef", "attribute", "class", "constraint", "depend", "index", "inherits", "namespace"),
        *("rewrite", "sequence", "shdepend", "statistic", "type"),
    )
)


def state(connection: Connection) -> State:
    """The tables as the transaction sees them, with its counters."""
    return {row["id"]: row for row in ask(connection, "operations/relations")}


def changes(before: State, after: State) -> Iterator[Change]:
    """What was done between two states: a line for each kind of change of each table, and one for all other definitions."""
    lasting = {key: row for key, row in after.items() if not row["temporary"]}
    tables = [change for key, row in lasting.items() if not row["system"] for change in _table(row, before.get(key))]
    gone = [row for key, row in before.items() if key not in after and not row["temporary"]]
    tables += [Change(Action.DELETE, f"{row['kind']} {row['name']}") for row in gone]
    yield from tables
    written = {row["name"] for key, row in lasting.items() if row["system"] and any(_counts(row, before.get(key)).values())}
    if after.keys() - before.keys() or any(not change.after for change in tables):
        written -= OF_TABLES
    if written:
        yield Change(Action.MODIFY, "definitions", note=", ".join(sorted(written)))


def _table(row: Mapping[str, Any], was: Mapping[str, Any] | None) -> Iterator[Change]:
    kind, name = row["kind"], row["name"]
    if was is None:
        yield Change(Action.CREATE, f"{kind} {name}")
    elif was["file"] != row["file"] and kind == "table":
        yield Change(Action.DELETE, f"rows of {name}", note="the table was emptied or written anew")
    elif was["definition"] != row["definition"] and kind != "index":  # which is written anew with its table
        yield Change(Action.MODIFY, f"{kind} {name}")
    for counter, count in _counts(row, was).items():
        action, word = COUNTED[counter]
        if count:
            yield Change(action, f"{word} rows of {name}", counter, after=f"{count:,}")


def _counts(row: Mapping[str, Any], was: Mapping[str, Any] | None) -> dict[str, int]:
    return {name: int(row[name] - (was or NOTHING)[name]) for name in COUNTED}
