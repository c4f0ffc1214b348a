"""Removing activities that have expired, in batches that nobody has to wait for."""

from collections.abc import Iterator
from functools import partial

from cruddur_ops.database.connection import Connection
from cruddur_ops.database.planning import in_database, planned
from cruddur_ops.database.statements import ask
from cruddur_ops.errors import WrongInput
from cruddur_ops.plan import Action, Change, Outcome, Plan, step
from cruddur_ops.progress import counting
from cruddur_ops.target import Target

BATCH, MAX_BATCH = 1000, 10_000  # activities; some ten milliseconds for each thousand


@step
def plan_expire(target: Target, batch: int = BATCH) -> Plan:
    """The end of the activities that have expired; a batch is a transaction of its own.

    The feeds go on, and so do posts: none shows or locks what has expired. Killed at any moment it has removed whole batches,
    and the next run goes on from there. Two at once take turns. Its outcome counts activities. WrongInput where the batch has
    no such size or the database belongs to another environment; StatementFailed where a batch was held up for too long.

    Args:
        batch: how many activities are removed at a time, 1 to 10,000.
    """
    if not 1 <= batch <= MAX_BATCH:
        raise WrongInput(f"a batch of {batch} activities is none: use 1 to {MAX_BATCH}")

    def find(connection: Connection) -> Iterator[Change]:
        count = ask(connection, "operations/expired")[0]["expired"]
        action = Action.DELETE if count else Action.NONE
        yield Change(action, "expired activities", "rows", f"{count:,}", make=partial(_remove, connection, count, batch))

    return planned(target, "Expired activities", find, Change(Action.NONE, "expired activities"), in_database)


def _remove(connection: Connection, total: int, batch: int) -> Outcome:
    """Batch after batch, until one is not full: then nothing is left but what others have locked."""
    ask(connection, "operations/expire_limits")
    removed: list[int] = []
    with counting("expire", total, " rows") as count:
        while not removed or removed[-1] == batch:
            removed.append(_remove_batch(connection, batch))
            count(removed[-1])
    return Outcome(deleted=sum(removed))


def _remove_batch(connection: Connection, batch: int) -> int:
    with connection.transaction():
        ask(connection, "operations/expire_turn")
        removed: int = ask(connection, "operations/expire", limit=batch)[0]["removed"]
    return removed
