"""Statements that take long: shown while they run; and waiting for other sessions' locks: not for long, and told whose they are.

Whoever waits for a table's lock keeps all those waiting who come after it. So it gives up soon, and what can be repeated tries
again after a pause in which the others get through. A lock_timeout that somebody has set is a guard: it is left as it is, and
nothing is tried again.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, TypeVar

import psycopg

from cruddur_ops import progress, threads
from cruddur_ops.database.connection import Connection
from cruddur_ops.database.errors import LATER, StatementFailed
from cruddur_ops.database.sessions import all_sessions

LOCK_TIMEOUT = "3s"
PAUSES = (1.0, 2.0, 4.0, 8.0)  # seconds
FIRST_LOOK, LOOKS, QUIET_LOOKS = 0.5, 0.5, 2  # seconds: what is quicker is not looked at; and looks, before it is shown
Made = TypeVar("Made")


@contextmanager
def shown(connection: Connection, name: str) -> Iterator[list[str]]:
    """Show what the block does under this name, once it takes long or waits for a lock; yields whose locks it has waited for."""
    holders = list[str]()
    with threads.beside(partial(_watch, connection, name, holders)):
        yield holders


@contextmanager
def watched(connection: Connection, name: str) -> Iterator[None]:
    """The same within a transaction, which waits for a lock for a few seconds at most."""
    if guard(connection) == "0":
        connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'".encode())
    holders: list[str] = []
    try:
        with shown(connection, name) as holders:
            yield
    except StatementFailed as error:
        if not _lock_timed_out(error) or not holders:
            raise
        raise StatementFailed(f"{str(error).partition(': ')[0]}, {holders[-1]}: {LATER}") from error.__cause__


def retried(connection: Connection, act: Callable[[], Made]) -> Made:
    """Do it, and again after a pause where a lock was not to be had."""
    for pause in () if guard(connection) != "0" else PAUSES:
        try:
            return act()
        except StatementFailed as error:
            if not _lock_timed_out(error):
                raise
            with progress.waiting("trying again soon") as show:
                show(str(error).partition(": ")[0])
                time.sleep(pause)
    return act()


def guard(connection: Connection) -> str:
    """The lock_timeout that somebody has set for this session; "0" for none."""
    (value,) = connection.execute("SHOW lock_timeout").fetchone() or ("0",)
    return str(value)


def _lock_timed_out(error: StatementFailed) -> bool:
    return isinstance(error.__cause__, psycopg.errors.LockNotAvailable)


def _watch(connection: Connection, name: str, holders: list[str], over: threading.Event) -> None:
    """Look from another connection who is in the way, until it is over."""
    pid, looks = connection.info.backend_pid, 0
    if over.wait(FIRST_LOOK):
        return
    with suppress(psycopg.Error), _beside(connection) as beside:
        while not (found := _holder(beside, pid)) and looks < QUIET_LOOKS:
            if over.wait(LOOKS):
                return
            looks += 1
        with progress.waiting(name) as show:
            while not over.is_set():
                holders += [found] if found else []
                show(f"lock {found}" if found else "at work")
                over.wait(LOOKS)
                found = _holder(beside, pid)


def _beside(connection: Connection) -> Connection:
    info = connection.info
    parameters: dict[str, Any] = {**info.get_parameters(), "password": info.password or None}
    return psycopg.connect(**parameters, autocommit=True)


def _holder(beside: Connection, pid: int) -> str:
    """Whose lock a session waits for, and what that one does; empty where it waits for none."""
    by_pid = {one.pid: one for one in all_sessions(beside)}
    waiting = by_pid.get(pid)
    blocking = [by_pid[other] for other in waiting.blocked_by if other in by_pid] if waiting else []
    return "; ".join(f"held by {one} ({one.doing})" for one in blocking)
