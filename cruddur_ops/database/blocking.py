"""A rehearsed jam: one session holds a lock, another waits for it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg

from cruddur_ops.database.connection import Connection, connect
from cruddur_ops.database.statements import ask
from cruddur_ops.errors import OpsError
from cruddur_ops.target import Target

BLOCKER, WAITER = "rehearsal-blocker", "rehearsal-waiter"
POLL_SECONDS = 0.02
TIMEOUT = 30


@contextmanager
def staged_block(target: Target) -> Iterator[None]:
    """While this is open, one session is idle in a transaction and blocks another; both end with it.

    The lock is an advisory one, of a number that nobody else uses: neither tables nor their users notice.
    """
    with connect(target) as blocker, connect(target) as waiter:
        number = blocker.info.backend_pid
        ask(blocker, "operations/stage_lock", application=BLOCKER, number=number)
        waiting = threading.Thread(target=_wait, args=(waiter, number), daemon=True)
        waiting.start()
        try:
            _until_blocked(blocker, waiter.info.backend_pid)
            yield
        finally:
            with suppress(psycopg.Error):  # somebody may have ended the blocker, which is what it is for
                blocker.rollback()
            waiting.join()


def _wait(waiter: Connection, number: int) -> None:
    with suppress(psycopg.Error, OpsError):  # likewise the waiter
        ask(waiter, "operations/stage_lock", application=WAITER, number=number)


def _until_blocked(blocker: Connection, pid: int) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not ask(blocker, "operations/is_blocked", pid=pid)[0]["blocked"] and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
