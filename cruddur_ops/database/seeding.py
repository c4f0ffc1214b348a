"""The seed: the rows of sql/seed.sql, brought to what the file says; what that did is found out from PostgreSQL itself."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from psycopg.errors import UndefinedTable

from cruddur_ops.database import scripts
from cruddur_ops.database.connection import Connection
from cruddur_ops.database.errors import SchemaMissing
from cruddur_ops.database.planning import planned
from cruddur_ops.database.statements import ask
from cruddur_ops.errors import WrongInput
from cruddur_ops.plan import Action, Change, Plan, step
from cruddur_ops.target import Target

BOOKKEEPING = "schema_migrations"
TELLS = {"action", "resource"}  # the columns in which a seed tells what became of each of its rows
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


@step
def plan_seed(target: Target) -> Plan:
    """The rows of sql/seed.sql that are missing, and those that were changed.

    It is planned by doing it, in a transaction that is rolled back; and applied by doing it again, in one that is committed
    only if that came to what was shown. What the file tells of its rows is shown if it is all that PostgreSQL counted;
    otherwise that is.
    """
    absent = Change(Action.CREATE, "seed rows", note="known after the schema is loaded")
    return planned(target, "Seed", _seeded, absent)


def _seeded(connection: Connection) -> Iterator[Change]:
    before = state(connection)
    try:
        told = scripts.run(connection, "seed", as_owner=False)
    except WrongInput as error:
        if isinstance(error.__cause__, UndefinedTable) and BOOKKEEPING not in {row["name"] for row in before.values()}:
            raise SchemaMissing("the database has no schema yet: run 03_load_schema_and_seed") from error.__cause__
        raise
    done = tuple(changes(before, state(connection)))
    yield from _believed(told, done) or done or (Change(Action.NONE, "rows of sql/seed.sql"),)


def _believed(told: Iterable[Mapping[str, str]], done: Iterable[Change]) -> tuple[Change, ...]:
    """What the file tells, where that is all that was done."""
    rows = [row for row in told if row.keys() >= TELLS and row["action"] in list(Action)]
    said = Counter(Action(row["action"]) for row in rows if row["action"] != Action.NONE)
    counted: Counter[Action] = Counter()
    for change in done:
        if not change.after:
            return ()
        counted[change.action] += int(change.after.replace(",", ""))
    return tuple(Change(Action(row["action"]), row["resource"]) for row in rows) if said == counted else ()


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
