"""The plans of what changes in a database: what is found on a connection, where the server can be asked.

To show a plan, `find` looks in a transaction that is rolled back. To apply it, `find` looks once more: in a transaction that
is committed when its changes are made, after whoever had the lock before. Only what is labelled as the target's is changed;
`changing` compares that, with WrongInput, and whatever else changes a database begins with it too.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import psycopg
from psycopg import sql

from cruddur_ops.database import label
from cruddur_ops.database.connection import CONNECT_TIMEOUT, Connection, connect, session, transaction
from cruddur_ops.database.errors import ConnectionTimedOut, DatabaseMissing, SchemaMissing, told
from cruddur_ops.database.location import MAINTENANCE_DATABASE
from cruddur_ops.database.statements import ask, rows
from cruddur_ops.errors import InstanceNotReady, RunInProgress
from cruddur_ops.plan import Change, Outcome, Plan
from cruddur_ops.target import Target

PLAN_SECONDS = 3  # a plan must not wait long for a security group that is still closed
MEMORY_SECONDS = 10  # and several plans in a row not each anew
UNKNOWN_YET: dict[type[Exception], str] = {
    InstanceNotReady: "known after 01_provision_rds",
    ConnectionTimedOut: "known after 02_open_security_group",
}
Find = Callable[[Connection], Iterable[Change]]
Whose = Callable[[Target, Connection], object]
Where = Callable[[Target, bool], AbstractContextManager[Connection]]  # the second: whether it is for looking alone
_silent: dict[Target, tuple[float, ConnectionTimedOut]] = {}  # when a server said nothing, and the error of that


@contextmanager
def in_transaction(target: Target, looking: bool) -> Iterator[Connection]:
    """The transaction of a step in the target's database, one step at a time; rolled back where it only looks."""
    session(target).open(_seconds(looking))
    with transaction(target, keep=not looking) as connection:
        if not looking:
            ask(connection, "operations/lock_schema")
        yield connection


@contextmanager
def in_database(target: Target, looking: bool) -> Iterator[Connection]:
    """A connection on which each statement commits by itself: one of its own, or to look the kept one."""
    opened = _kept(target) if looking else connect(target, autocommit=True)
    with told(), opened as connection:
        yield connection


@contextmanager
def on_server(target: Target, looking: bool = False, database: str | None = None) -> Iterator[Connection]:
    """The same, to the server as a whole: by way of the maintenance database where the target's is missing.

    Args:
        looking: whether the kept connection will do, which whoever lists sessions must not be on.
        database: another one of its databases.
    """
    seconds = _seconds(looking)
    opened: AbstractContextManager[Connection]
    try:
        kept = looking and database is None
        opened = _kept(target) if kept else connect(target, database, connect_timeout=seconds, autocommit=True)
    except DatabaseMissing:
        opened = connect(target, MAINTENANCE_DATABASE, connect_timeout=seconds, autocommit=True)
    with told(), opened as connection:
        yield connection


def _kept(target: Target) -> AbstractContextManager[Connection]:
    """The turn on the kept connection, which is open by now."""
    session(target).open(PLAN_SECONDS)
    return _turn(target)


@contextmanager
def _turn(target: Target) -> Iterator[Connection]:
    with session(target) as cursor:
        yield cursor.connection


def _seconds(looking: bool) -> int:
    return PLAN_SECONDS if looking else CONNECT_TIMEOUT


@contextmanager
def changing(target: Target, where: Where = in_transaction) -> Iterator[Connection]:
    """A connection on which to change the target's database, and nobody else's."""
    with where(target, False) as connection:
        label.require(target, connection)
        yield connection


def write(target: Target, statement: str, **parameters: object) -> list[dict[str, Any]]:
    """`statements.rows` of a statement that changes something; whose database it is, is asked once for each connection."""
    label.require_once(target)
    return rows(target, statement, **parameters)


def planned(
    target: Target,
    title: str,
    find: Find,
    absent: Change,
    where: Where = in_transaction,
    *,
    asks: str = "",
    whose: Whose = label.require,
) -> Plan:
    """The plan of a step. What somebody else has made since it was shown is found made when it is applied.

    Args:
        find: compares, and gives changes that are made on its connection.
        absent: the change where there is no database, or no schema in it. It stands with a note where the server cannot be
            asked yet, so that a plan works before anything exists.
        asks: the name to be typed, see `Plan`.
        whose: refuses a database that must not be changed.
    """
    shown = Plan(f"{title} on {target.name}", _look(target, find, absent, where), asks=asks)

    @contextmanager
    def acting() -> Iterator[Plan]:
        with where(target, False) as connection:
            if shown.mutating or any(change.unknown for change in shown.changes):
                whose(target, connection)
            now = tuple(find(connection))
            yield replace(shown, changes=(*_made_by_others(shown.mutating, now), *now))

    return replace(shown, session=acting)


def _look(target: Target, find: Find, absent: Change, where: Where) -> tuple[Change, ...]:
    try:
        require_no_silence(target)
        with where(target, True) as connection:
            label.compare(target, connection)
            return tuple(find(connection))
    except (DatabaseMissing, SchemaMissing):
        return (absent,)
    except tuple(UNKNOWN_YET) as error:
        if target.connection_url:
            raise
        if isinstance(error, ConnectionTimedOut):
            _silent.setdefault(target, (time.monotonic(), error))
        return (replace(absent, note=UNKNOWN_YET[type(error)]),)


def require_no_silence(target: Target) -> None:
    """A silence is remembered for as long as it takes to plan the next steps."""
    since, error = _silent.get(target, (0.0, None))
    if error and time.monotonic() - since < MEMORY_SECONDS:
        raise error.with_traceback(None)
    _silent.pop(target, None)


def _made_by_others(shown: Iterable[Change], now: tuple[Change, ...]) -> Iterator[Change]:
    """The changes that are no longer to be made; each resource counts as unchanged, once."""
    left, counted = {change.compared for change in now}, {change.resource for change in now}
    for change in shown:
        if change.compared not in left and not change.unknown:
            yield replace(change, calls=(), make=partial(Outcome, unchanged=int(change.resource not in counted)))
            counted.add(change.resource)


def by_statement(connection: Connection, change: Change, statement: sql.SQL | sql.Composed) -> Change:
    """The change, made by a statement on this connection."""
    return replace(change, make=partial(_execute, connection, change.resource, statement))


def _execute(connection: Connection, resource: str, statement: sql.SQL | sql.Composed) -> None:
    try:
        connection.execute(statement)
    except (psycopg.errors.DuplicateDatabase, psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation) as error:
        raise RunInProgress(f"somebody else made {resource} at the same moment: repeat") from error
