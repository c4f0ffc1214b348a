"""One run at a time changes a target: a lock in the database where a URL names it, else in AWS, where other machines see it.

A run that changes nothing needs none. RunInProgress is raised where another run holds the target, and whatever the database or
AWS says where it cannot be asked.
"""

from __future__ import annotations

import importlib
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from cruddur_ops.targets import Target

__all__ = ["Hold", "held", "renewed"]

RENEWAL = 60  # seconds between two signs of life


@dataclass
class Hold:
    """A lock that is held; `lost` says how it was lost, and is empty as long as it is not."""

    lost: str = ""


def held(target: Target, notebooks: Sequence[str]) -> AbstractContextManager[Hold]:
    """Hold the target while the block runs; others are told of the notebooks."""
    place = "advisory" if target.connection_url else "parameter"  # each brings its own driver, which takes time to import
    found: AbstractContextManager[Hold] = importlib.import_module(f"{__name__}.{place}").held(target, notebooks)
    return found


@contextmanager
def renewed(renew: Callable[[], str]) -> Iterator[Hold]:
    """Give a sign of life every minute while the block runs; a lost lock interrupts it as Ctrl-C would.

    Args:
        renew: gives it, and returns how the lock was lost, or "".
    """
    hold, ended = Hold(), threading.Event()

    def keep() -> None:
        while not hold.lost and not ended.wait(RENEWAL):
            hold.lost = renew()
        if hold.lost:
            os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=keep, daemon=True)
    thread.start()
    try:
        yield hold
    finally:
        ended.set()
        thread.join()
