"""One change at a time of a target: a lock in the database where a URL names it, else in AWS, where other machines see it.

A run holds it from its first notebook to its last, and its kernels inherit it; whatever else applies a plan holds it meanwhile.
RunInProgress is raised where somebody else holds the target, and whatever the database or AWS says where it cannot be asked.
"""

import importlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from cruddur_ops import ledger, threads
from cruddur_ops.target import Target

VARIABLE = "CRUDDUR_LOCK"  # names the lock that a process inherits
RENEWAL = 60  # seconds between two signs of life
_held: set[str] = set()


@dataclass
class Hold:
    """A lock that is held; `lost` says how it was lost, and is empty as long as it is not."""

    lost: str = ""


@contextmanager
def held(target: Target, doing: str) -> Iterator[Hold]:
    """Hold the target while the block runs, unless this process or its runner does already; see `ledger.told`, too.

    Args:
        target: a sibling instance has the lock of its original.
        doing: what others are told of.
    """
    name = identity(target)
    with ledger.told():
        if name in _held or os.environ.get(VARIABLE) == name:
            yield Hold()
            return
        with _lock(target, doing) as hold:
            _held.add(name)
            try:
                yield hold
            finally:
                _held.remove(name)


def identity(target: Target) -> str:
    """What tells its lock from others: of a URL server and database, without user and password."""
    server = target.connection_url.partition("?")[0].rpartition("@")[2]
    return f"{target.name}: {server or instance(target)}"


def instance(target: Target) -> str:
    """The identifier of the DB instance, or of that which it is a sibling of."""
    return target.original or target.db_instance_identifier


def _lock(target: Target, doing: str) -> AbstractContextManager[Hold]:
    place = "database.lock" if target.connection_url else "locks.parameter"  # each brings its driver, which is slow to import
    found: AbstractContextManager[Hold] = importlib.import_module(f"cruddur_ops.{place}").held(target, doing)
    return found


@contextmanager
def renewed(renew: Callable[[], str]) -> Iterator[Hold]:
    """Give a sign of life every minute while the block runs; a lost lock interrupts it as Ctrl-C would.

    Args:
        renew: gives it, and returns how the lock was lost, or "".
    """
    hold = Hold()

    def keep(ended: threading.Event) -> None:
        while not hold.lost and not ended.wait(RENEWAL):
            hold.lost = renew()
        if hold.lost and not ended.is_set():
            os.kill(os.getpid(), signal.SIGINT)

    with threads.beside(keep):
        yield hold
