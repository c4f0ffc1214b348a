"""The lock in the database: an advisory lock that the server frees when the connection ends (PostgreSQL 18, chapter 13.3.5)."""

import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import psycopg

from cruddur_ops import progress
from cruddur_ops.database.connection import Connection, connect
from cruddur_ops.database.location import MAINTENANCE_DATABASE, database_name
from cruddur_ops.database.statements import ask
from cruddur_ops.errors import RunInProgress
from cruddur_ops.locks import Hold, renewed
from cruddur_ops.state import user
from cruddur_ops.target import Target

FREED = 5  # seconds in which the server notices that a holder is gone
LOST = "the connection that held the lock on the target broke off: see what the database did, and go on when it is quiet"


@contextmanager
def held(target: Target, doing: str) -> Iterator[Hold]:
    """Hold the target while the block runs, in the maintenance database since its own may not exist yet."""
    holder = f"lock of {user()}@{platform.node()} process {os.getpid()}: {doing}"  # of which the server keeps 63 bytes
    name = database_name(target)
    with connect(target, MAINTENANCE_DATABASE, autocommit=True) as connection:
        ask(connection, "operations/name_runner", holder=holder)
        _take(target, connection, name)
        try:
            with renewed(lambda: _ask_again(connection)) as hold:
                yield hold
        finally:
            with suppress(psycopg.OperationalError):  # lost, and free
                ask(connection, "operations/unlock_run", database=name)


def _take(target: Target, connection: Connection, name: str) -> None:
    def look() -> tuple[str, bool | None]:
        (row,) = ask(connection, "operations/lock_run", database=name)
        holders = [] if row["locked"] else ask(connection, "operations/run_holder", database=name)
        if holders:
            raise RunInProgress(_message(target, holders[0]))
        return "the server frees it", row["locked"] or None

    progress.poll("lock", look, FREED, lambda _: RunInProgress(f'somebody keeps changing target "{target.name}": repeat'))


def _ask_again(connection: psycopg.Connection[Any]) -> str:
    try:
        connection.execute("")
    except psycopg.OperationalError:
        return LOST
    return ""


def _message(target: Target, row: Mapping[str, Any]) -> str:
    since = f", since {row['since']:%Y-%m-%d %H:%M:%S %Z}" if row["since"] else ""
    held = f'target "{target.name}" is being changed ({row["holder"].removeprefix("lock of ")}{since})'
    return f"{held}: wait until that has ended, or end it there"
