"""Plans of what would change in a database, also while the database cannot be asked yet."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import sqlalchemy
from psycopg import sql

from cruddur_ops.database.connection import connect, engine
from cruddur_ops.database.statements import SchemaMissing
from cruddur_ops.database.unreachable import ConnectionTimedOut, DatabaseMissing
from cruddur_ops.errors import InstanceNotReady, RunInProgress
from cruddur_ops.plan import Change, Outcome, Plan, require_confirmation
from cruddur_ops.targets import Target

PLAN_SECONDS = 3  # a plan must not wait long for a security group that is still closed
MEMORY_SECONDS = 10  # and several plans in a row not each anew
UNKNOWN_YET: dict[type[Exception], str] = {
    InstanceNotReady: "known after 01_provision_rds",
    ConnectionTimedOut: "known after 02_open_security_group",
}
_silent: dict[Target, tuple[float, ConnectionTimedOut]] = {}  # when a server said nothing, and the error of that


@dataclass(frozen=True)
class Step:
    """A change, and the statement that makes it; None for a change that is made otherwise."""

    change: Change
    statement: sql.SQL | sql.Composed | None = None


def planned(target: Target, title: str, find: Callable[[], Iterable[Change]], absent: Change) -> Plan:
    """The plan of a step.

    Args:
        target: where the step acts.
        title: what the step is about.
        find: compares; called once the server lets us in.
        absent: the change where `find` meets no database, or no schema in it. It stands with a note
            where the server cannot be asked yet, so that a plan works before anything exists.
    """
    try:
        _reach(target)
        changes = tuple(find())
    except (DatabaseMissing, SchemaMissing):
        changes = (absent,)
    except tuple(UNKNOWN_YET) as error:
        if target.connection_url:
            raise
        changes = (replace(absent, note=UNKNOWN_YET[type(error)]),)
    return Plan(f"{title} on {target.name}", changes)


def _reach(target: Target) -> None:
    """See that the server answers; a silence is remembered for as long as it takes to plan the next steps."""
    since, error = _silent.get(target, (0.0, None))
    if error and time.monotonic() - since < MEMORY_SECONDS:
        raise error.with_traceback(None)
    try:
        connect(target, connect_timeout=PLAN_SECONDS).close()
    except DatabaseMissing:
        pass
    except ConnectionTimedOut as silence:
        _silent[target] = time.monotonic(), silence
        raise


def look(target: Target, find: Callable[[sqlalchemy.Connection], tuple[Change, ...]]) -> tuple[Change, ...]:
    """Compare in a transaction that is rolled back."""
    with engine(target).connect() as connection:
        return find(connection)


def plan_of(title: str, target: Target, steps: Iterable[Step]) -> Plan:
    """The plan that these steps make."""
    return Plan(f"{title} on {target.name}", tuple(step.change for step in steps))


def perform(connection: psycopg.Connection[Any], steps: Iterable[Step]) -> None:
    """Run the statements of those steps that change anything.

    Raises:
        RunInProgress: somebody else made the same database or role at the same moment.
    """
    for step in steps:
        try:
            if step.change.mutating and step.statement:
                connection.execute(step.statement)
        except (psycopg.errors.DuplicateDatabase, psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation) as error:
            raise RunInProgress(f"somebody else made {step.change.resource} at the same moment: repeat") from error


def require_agreement(plan: Plan, target: Target, confirm: str) -> Outcome:
    """What a plan comes to, once it may be carried out.

    Raises:
        ConfirmationRequired: the target is protected and `confirm` is not its DB instance identifier.
    """
    require_confirmation(plan, protected=target.protected, identifier=target.db_instance_identifier, confirm=confirm)
    return plan.outcome
