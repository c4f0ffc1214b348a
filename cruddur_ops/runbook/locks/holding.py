"""Who holds a lock, and the thread that keeps it."""

from __future__ import annotations

import os
import platform
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

RENEWAL = 60  # seconds between two signs of life


@dataclass
class Hold:
    """A lock that is held; `lost` says how it was lost, and is empty as long as it is not."""

    lost: str = ""


def process() -> dict[str, object]:
    """This process as others can recognise it: a process id alone is given away again."""
    return {"host": platform.node(), "pid": os.getpid(), "began": psutil.Process().create_time()}


def is_dead(holder: dict[str, object]) -> bool:
    """Whether the holder ran on this machine, and runs no more."""
    if holder["host"] != platform.node():
        return False
    try:
        return bool(psutil.Process(int(str(holder["pid"]))).create_time() != holder["began"])
    except psutil.NoSuchProcess:
        return True


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
