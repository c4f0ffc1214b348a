"""The seed: the rows of sql/seed.sql, brought to what the file says."""

from __future__ import annotations

import sqlalchemy

from cruddur_ops.database.connection import engine
from cruddur_ops.database.planning import look, planned, require_agreement
from cruddur_ops.database.statements import fetch
from cruddur_ops.plan import Action, Change, Outcome, Plan
from cruddur_ops.targets import Target


def plan_seed(target: Target) -> Plan:
    """What `seed` would do: it is done, and the transaction rolled back."""
    absent = Change(Action.CREATE, "seed rows", note="known after the schema is loaded")
    return planned(target, "Seed", lambda: look(target, _seeded), absent)


def seed(target: Target, confirm: str = "") -> Outcome:
    """Insert the rows of sql/seed.sql that are missing, and bring back those that were changed, in one transaction.

    Raises:
        ConfirmationRequired: the target is protected and `confirm` is not its DB instance identifier.
        SchemaMissing: the schema has not been loaded.
        DatabaseUnreachable: no connection came about.
    """
    with engine(target).begin() as connection:
        plan = Plan(f"Seed on {target.name}", _seeded(connection))
        return require_agreement(plan, target, confirm)  # not committed yet: a refusal rolls back


def _seeded(connection: sqlalchemy.Connection) -> tuple[Change, ...]:
    """Seed, and tell what that came to."""
    fetch(connection, "operations/lock_schema")
    return tuple(Change(Action(row["action"]), row["resource"]) for row in fetch(connection, "seed"))
