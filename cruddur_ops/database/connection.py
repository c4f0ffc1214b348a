"""How to connect: psycopg for statements one by one, SQLAlchemy's engine for transactions and for %sql."""

from __future__ import annotations

import functools
import select
import threading
from typing import Any

import psycopg
import sqlalchemy
from psycopg.rows import dict_row
from sqlalchemy import event

from cruddur_ops.database.location import locate
from cruddur_ops.database.refusals import refusal
from cruddur_ops.database.unreachable import diagnose
from cruddur_ops.errors import OpsError, WrongInput
from cruddur_ops.targets import Target

CONNECT_TIMEOUT = 10
APPLICATION_NAME = "cruddur-ops"
_sessions: dict[Target, Session] = {}


def connect(
    target: Target, database: str | None = None, *, connect_timeout: int = CONNECT_TIMEOUT, autocommit: bool = False
) -> psycopg.Connection[Any]:
    """Open a connection; endpoint and password are looked up anew each time.

    Args:
        target: whose database.
        database: another database of the same server.
        connect_timeout: seconds; a connect_timeout in the connection URL comes first.
        autocommit: whether each statement is a transaction of its own.

    Raises:
        DatabaseUnreachable: one of its kinds, each with its remedy.
        OpsError: the database could not be located; see `location.locate`.
    """
    location = locate(target, database)
    defaults = {"connect_timeout": connect_timeout, "application_name": APPLICATION_NAME}
    parameters = {**defaults, **location.parameters}
    try:
        return psycopg.connect(**parameters, autocommit=autocommit)
    except psycopg.OperationalError as error:
        error.__context__ = None  # psycopg's frames would keep the socket of a timeout open
        raise diagnose(error, location, parameters) from error.with_traceback(None)
    except psycopg.ProgrammingError as error:
        raise WrongInput(f"libpq cannot use the options of the connection URL ({error}): correct them") from error


@functools.cache
def engine(target: Target, database: str | None = None) -> sqlalchemy.Engine:
    """The engine of a target's database, one for each process.

    It keeps one connection, and proves it alive before it is used again: a restarted server or a
    rotated password go unnoticed. `engine(target).dispose()` closes it, and the session.
    """
    made = new_engine(target, database)
    event.listen(made, "engine_disposed", lambda _: session(target).close())
    return made


class Session:
    """A connection for single statements, which commit by themselves; threads take turns on it.

    Entering it gives its cursor. That is kept from statement to statement: a new one would have to find
    out again how each type is written and read, which takes a tenth of a quick statement's time. An
    engine would take a third.
    """

    def __init__(self, target: Target) -> None:
        """Nothing is connected yet."""
        self._target = target
        self._turn = threading.Lock()
        self._cursor: psycopg.Cursor[dict[str, Any]] | None = None

    def __enter__(self) -> psycopg.Cursor[dict[str, Any]]:
        """Take the turn. A server that has hung up since is noticed without asking it, and called again."""
        self._turn.acquire()
        try:
            if self._cursor is None or _hung_up(self._cursor.connection):
                self.close()
                self._cursor = connect(self._target, autocommit=True).cursor(row_factory=dict_row)
        except BaseException:
            self._turn.release()
            raise
        return self._cursor

    def __exit__(self, *_: object) -> None:
        """Let the next one through."""
        self._turn.release()

    def close(self) -> None:
        """End the connection; the next statement makes another."""
        if self._cursor is not None:
            self._cursor.connection.close()
            self._cursor = None


def session(target: Target) -> Session:
    """The session of single statements, one for each target and process."""
    return _sessions.get(target) or _sessions.setdefault(target, Session(target))


def close_sessions() -> None:
    """End the connections of all sessions of this process."""
    for one in _sessions.values():
        one.close()


def _hung_up(connection: psycopg.Connection[Any]) -> bool:
    """Whether the server has said anything unasked: that it ends the session, or the end of the stream."""
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection.pgconn.socket, select.POLLIN)
    return bool(poll.poll(0))


def new_engine(target: Target, database: str | None = None, **options: Any) -> sqlalchemy.Engine:
    """An engine with connections of its own, and further options of `sqlalchemy.create_engine`."""
    made = sqlalchemy.create_engine(
        "postgresql+psycopg://",
        creator=lambda: connect(target, database),
        pool_size=1,
        pool_pre_ping=True,
        use_native_hstore=False,  # saves a query for a type that nothing here uses
        hide_parameters=True,
        **options,
    )
    event.listen(made, "handle_error", _sentence)
    return made


def _sentence(context: Any) -> BaseException | None:
    """Let our own errors through as they are, and tell PostgreSQL's refusals: SQLAlchemy would wrap both."""
    original = context.original_exception
    if isinstance(original, OpsError):
        return type(original)(*original.args)
    return None if context.is_pre_ping else refusal(original)
