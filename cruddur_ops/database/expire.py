"""Removing activities that have expired, in batches that nobody has to wait for."""

from __future__ import annotations

from typing import Any

import psycopg

from cruddur_ops.database import stamp
from cruddur_ops.database.connection import connect
from cruddur_ops.database.planning import planned, require_agreement
from cruddur_ops.database.refusals import told
from cruddur_ops.database.statements import ask, rows
from cruddur_ops.errors import WrongInput
from cruddur_ops.plan import Action, Change, Outcome, Plan
from cruddur_ops.progress import counting
from cruddur_ops.targets import Target

TITLE = "Expired activities"
BATCH, MAX_BATCH = 1000, 10_000  # activities; some ten milliseconds for each thousand


class BatchOutOfRange(WrongInput):
    """A batch cannot have as many activities; nothing was removed."""


def plan_expire(target: Target) -> Plan:
    """What `expire` would remove.

    Raises:
        DatabaseUnreachable: no connection came about.
    """
    return planned(target, TITLE, lambda: _changes(rows(target, "operations/expired")), _changes([{"expired": 0}])[0])


def expire(target: Target, confirm: str = "", batch: int = BATCH) -> Outcome:
    """Remove the activities that have expired; a batch is a transaction of its own.

    The feeds go on, and so do posts: none shows or locks what has expired. Killed at any moment it has
    removed whole batches, and the next run goes on from there. Two at once take turns.

    Args:
        target: whose database.
        confirm: the DB instance identifier, for a protected target.
        batch: how many activities are removed at a time, 1 to 10,000.

    Returns:
        How many were removed.

    Raises:
        BatchOutOfRange: the batch has another size.
        StampDiffers: the database belongs to another environment.
        ConfirmationRequired: the target is protected and `confirm` is not its DB instance identifier.
        SchemaMissing: the schema has not been loaded.
        StatementCancelled: a batch was held up for too long; those before it are done.
    """
    if not 1 <= batch <= MAX_BATCH:
        raise BatchOutOfRange(f"a batch of {batch} activities is none: use 1 to {MAX_BATCH}")
    stamp.require(target)
    with told(), connect(target, autocommit=True) as connection:
        found = ask(connection, "operations/expired")
        require_agreement(Plan(f"{TITLE} on {target.name}", _changes(found)), target, confirm)
        ask(connection, "operations/expire_limits")
        return Outcome(deleted=_remove(connection, found[0]["expired"], batch))


def _changes(found: list[dict[str, Any]]) -> tuple[Change, ...]:
    count = found[0]["expired"]
    return (Change(Action.DELETE if count else Action.NONE, "expired activities", "rows", before=f"{count:,}"),)


def _remove(connection: psycopg.Connection[Any], total: int, batch: int) -> int:
    """Batch after batch, until one is not full: then nothing is left but what others have locked."""
    removed: list[int] = []
    with counting("expire", total, " rows") as count:
        while not removed or removed[-1] == batch:
            removed.append(_remove_batch(connection, batch))
            count(removed[-1])
    return sum(removed)


def _remove_batch(connection: psycopg.Connection[Any], batch: int) -> int:
    with connection.transaction():
        ask(connection, "operations/expire_turn")
        removed: int = ask(connection, "operations/expire", limit=batch)[0]["removed"]
    return removed
