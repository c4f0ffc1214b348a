"""The seed: the rows of sql/seed.sql, brought to what the file says."""

from __future__ import annotations

from collections.abc import Iterator

from cruddur_ops.database.connection import Connection
from cruddur_ops.database.planning import planned
from cruddur_ops.database.statements import ask
from cruddur_ops.plan import Action, Change, Plan, step
from cruddur_ops.targets import Target


@step
def plan_seed(target: Target) -> Plan:
    """The rows of sql/seed.sql that are missing, and those that were changed.

    It is planned by doing it, in a transaction that is rolled back; and applied by doing it again, in one that is committed
    only if that came to what was shown.
    """
    absent = Change(Action.CREATE, "seed rows", note="known after the schema is loaded")
    return planned(target, "Seed", _seeded, absent)


def _seeded(connection: Connection) -> Iterator[Change]:
    """Seed, and tell what that came to."""
    return (Change(Action(row["action"]), row["resource"]) for row in ask(connection, "seed"))
