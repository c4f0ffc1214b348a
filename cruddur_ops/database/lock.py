"""The lock in the database: an advisory lock that the server frees when the connection ends (PostgreSQL 18, chapter 13.3.5)."""

from __future__ import annotations

import getpass
import os
import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

from cruddur_ops.database.connection import connect
from cruddur_ops.database.location import MAINTENANCE_DATABASE, database_name
from cruddur_ops.database.statements import ask
from cruddur_ops.errors import RunInProgress
from cruddur_ops.locks import Hold, renewed
from cruddur_ops.targets import Target

LOST = "the connection that held the lock on the target broke off: see what the database did, and go on when it is quiet"


@contextmanager
def held(target: Target, doing: str) -> Iterator[Hold]:
    """Hold the target while the block runs, in the maintenance database since its own may not exist yet."""
    holder = f"lock of {getpass.getuser()}@{platform.node()} process {os.getpid()}: {doing}"  # of which the server keeps 63 bytes
    name = database_name(target)
    with connect(target, MAINTENANCE_DATABASE, autocommit=True) as connection:
        ask(connection, "operations/name_runner", holder=holder)
        (row,) = ask(connection, "operations/lock_run", database=name)
        if not row["locked"]:
            raise RunInProgress(_message(target, ask(connection, "operations/run_holder", database=name)))
        with renewed(lambda: _ask_again(connection)) as hold:
            yield hold


def _ask_again(connection: psycopg.Connection[Any]) -> str:
    try:
        connection.execute("")
    except psycopg.OperationalError:
        return LOST
    return ""


def _message(target: Target, rows: Sequence[dict[str, Any]]) -> str:
    if not rows:
        return f'somebody has just changed target "{target.name}": repeat the command'
    since = f", since {rows[0]['since']:%Y-%m-%d %H:%M:%S %Z}" if rows[0]["since"] else ""
    held = f'target "{target.name}" is being changed ({rows[0]["holder"].removeprefix("lock of ")}{since})'
    return f"{held}: wait until that has ended, or end it there"
