"""The seed: the rows of sql/seed.sql, brought to what the file says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from psycopg.errors import UndefinedTable

from cruddur_ops.change import Action, Change
from cruddur_ops.database import doings, scripts
from cruddur_ops.database.connection import Connection
from cruddur_ops.database.errors import SchemaMissing
from cruddur_ops.database.planning import planned
from cruddur_ops.errors import WrongInput
from cruddur_ops.plan import Plan, step
from cruddur_ops.target import Target

BOOKKEEPING = "schema_migrations"
TELLS = {"action", "resource"}  # the columns in which a seed tells what became of each of its rows


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
    """Seed, and tell what that came to."""
    before = doings.state(connection)
    try:
        told = scripts.run(connection, "seed", as_owner=False)
    except WrongInput as error:
        if isinstance(error.__cause__, UndefinedTable) and BOOKKEEPING not in {row["name"] for row in before.values()}:
            raise SchemaMissing("the database has no schema yet: run 03_load_schema_and_seed") from error.__cause__
        raise
    done = tuple(doings.changes(before, doings.state(connection)))
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
