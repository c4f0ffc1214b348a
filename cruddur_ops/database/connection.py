"""Connections to a target's database: as many as one asks for, and one that is kept.

Connecting raises DatabaseUnreachable, or one of its kinds, with the remedy; and what `location.locate` raises.
"""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow, dict_row

from cruddur_ops import queries
from cruddur_ops.database.errors import told
from cruddur_ops.database.location import locate
from cruddur_ops.database.unreachable import diagnose
from cruddur_ops.errors import WrongInput
from cruddur_ops.target import Target

CONNECT_TIMEOUT = 10
APPLICATION_NAME = "cruddur-ops"
# A kept connection is known to be lost within a minute and a half, and no firewall takes it for unused: AWS forgets a connection
# after 350 seconds (Amazon VPC User Guide, "NAT gateways"). Seconds; the last is in milliseconds (PostgreSQL 18, chapter 32.1.2).
KEEPALIVES = {"keepalives_idle": 60, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 30_000}
# What the statements of sql/ and the reading of values rely on, whatever a role or a database is set to. Guards are left as they
# are: default_transaction_read_only, statement_timeout, lock_timeout.
PINNED = "-c IntervalStyle=postgres -c search_path=public -c standard_conforming_strings=on"
Connection = psycopg.Connection[Any]
_sessions: dict[Target, Session] = {}


def connect(
    target: Target, database: str | None = None, *, connect_timeout: int = CONNECT_TIMEOUT, autocommit: bool = False
) -> Connection:
    """Open a connection; endpoint and password are looked up anew each time.

    Args:
        database: another database of the same server.
        connect_timeout: seconds; a connect_timeout in the connection URL comes first.
    """
    location = locate(target, database)
    defaults = {"connect_timeout": connect_timeout, "application_name": APPLICATION_NAME, **KEEPALIVES}
    parameters = {**defaults, **location.parameters, "client_encoding": "UTF8"}
    parameters["options"] = f"{parameters.get('options') or os.environ.get('PGOPTIONS', '')} {PINNED}".strip()
    try:
        connection = psycopg.connect(**parameters, autocommit=autocommit)
    except psycopg.OperationalError as error:
        error.__context__ = None  # psycopg's frames would keep the socket of a timeout open
        raise diagnose(error, location, parameters, target.name) from error.with_traceback(None)
    except psycopg.ProgrammingError as error:
        raise WrongInput(f"libpq cannot use the options of the connection URL ({error}): correct them") from error
    settle(connection)
    return connection


def settle(connection: Connection) -> None:
    """Set what cannot be set by connecting; also after RESET ALL, in whose transaction nothing may fail."""
    connection.pgconn.exec_(queries.load("operations/settle").text.encode())


class Session:
    """The connection that is kept for a target's statements, which commit by themselves; threads take turns on it.

    Entering it gives its cursor. That is kept from statement to statement: a new one would have to find out again how
    each type is written and read, which takes a tenth of a quick statement's time.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._turn = threading.RLock()
        self._cursor: psycopg.Cursor[DictRow] | None = None

    def __enter__(self) -> psycopg.Cursor[DictRow]:
        self._turn.acquire()
        try:
            return self.open()
        except BaseException:
            self._turn.release()
            raise

    def __exit__(self, *_: object) -> None:
        self._turn.release()

    def open(self, connect_timeout: int = CONNECT_TIMEOUT) -> psycopg.Cursor[DictRow]:
        """Connect where nothing usable is connected, which is known without asking the server."""
        with self._turn:
            if self._cursor is None or _hung_up(self._cursor.connection) or _cut_off(self._cursor.connection):
                self.close()
                connection = connect(self._target, connect_timeout=connect_timeout, autocommit=True)
                self._cursor = connection.cursor(row_factory=dict_row)
            return self._cursor

    def close(self) -> None:
        """End the connection; the next statement makes another."""
        if self._cursor is not None:
            self._cursor.connection.close()
            self._cursor = None


def session(target: Target) -> Session:
    """The session of a target, one for each target and process."""
    return _sessions.get(target) or _sessions.setdefault(target, Session(target))


@contextmanager
def transaction(target: Target, *, keep: bool = True) -> Iterator[Connection]:
    """A transaction on the kept connection: committed in the end, or rolled back where nothing is to be kept."""
    with session(target) as cursor, told(), cursor.connection.transaction(force_rollback=not keep):
        yield cursor.connection


def close_sessions() -> None:
    """End the connections of all sessions of this process."""
    for one in _sessions.values():
        one.close()


def _hung_up(connection: Connection) -> bool:
    """Whether the server has said anything unasked: that it ends the session, or the end of the stream."""
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection.pgconn.socket, select.POLLIN)
    return bool(poll.poll(0))


def _cut_off(connection: Connection) -> bool:
    """Whether an interrupt has left it in the middle of a statement, whose answer nobody reads any more."""
    return connection.info.transaction_status == TransactionStatus.ACTIVE
