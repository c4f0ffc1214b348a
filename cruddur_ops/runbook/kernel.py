"""What a kernel's process does: it is ipykernel, which keeps secrets out of all that it sends."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any

from cruddur_ops import redaction
from cruddur_ops.runbook import secrets


def serve(arguments: Sequence[str], folder: str, log: str, environment: Mapping[str, str], pipe: Connection[Any, Any]) -> None:
    """Be what a process of its own would be, with a group of its own, and serve until a request or a signal ends it.

    Args:
        arguments: those of ipykernel.
        folder: where it runs.
        log: the file that has what it prints outside of cells.
        environment: all its variables.
        pipe: takes each secret that this process comes to know, so that the runner masks it too.
    """
    os.setsid()
    threading.Thread(target=_end_with_runner, daemon=True).start()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    output = os.open(log, os.O_WRONLY | os.O_APPEND)
    for descriptor in (1, 2):
        os.dup2(output, descriptor)
    sys.argv = [__file__, *arguments]
    secrets.tell(pipe)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _start(arguments)


def _end_with_runner() -> None:
    """Kill this process and those that it started once the runner is gone, however that ended."""
    runner = multiprocessing.parent_process()
    if runner:
        wait([runner.sentinel])
        os.killpg(0, signal.SIGKILL)


def _start(arguments: Sequence[str]) -> None:
    from ipykernel.kernelapp import IPKernelApp
    from tqdm import tqdm

    tqdm.set_lock(threading.RLock())  # by default a semaphore of multiprocessing's, which would complain of a killed kernel
    kernel: Any = IPKernelApp.instance()
    kernel.initialize(list(arguments))
    if matplotlib := sys.modules.get("matplotlib"):  # it was loaded before ipykernel said, just now, where figures are drawn
        matplotlib.rcParams["backend"] = os.environ["MPLBACKEND"]
    redaction.remember_environment()
    redaction.guard(kernel.session)
    kernel.start()
