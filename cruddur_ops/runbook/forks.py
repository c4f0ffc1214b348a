"""The runner's side of the prototype: asks it for kernels, signals them, and learns how they ended."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from types import TracebackType
from typing import Any, Self

LONGEST = 4096  # bytes of an answer
KILLED = -signal.SIGKILL


class Fork:
    """A kernel's process, with the face of subprocess.Popen that jupyter_client needs."""

    stdin = stdout = stderr = None

    def __init__(self, prototype: Prototype) -> None:
        """A process that was asked for; `pid` and `returncode` come with the prototype's answers."""
        self.prototype = prototype
        self.pid: int | None = None
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code; None while it runs."""
        self.prototype.listen()
        return self.returncode

    def wait(self) -> int:
        """Wait for the exit code."""
        while self.returncode is None:
            self.prototype.listen(None)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Signal the process and those that it started: it leads a group."""
        while self.pid is None and self.returncode is None:
            self.prototype.listen(None)
        if self.pid is not None and self.poll() is None:
            try:
                os.killpg(self.pid, number)
            except ProcessLookupError:  # it has no group of its own yet
                with suppress(ProcessLookupError):
                    os.kill(self.pid, number)


def prototype() -> AbstractContextManager[Prototype | None]:
    """A new prototype, where a fork is safe (see kernels.py)."""
    return Prototype() if sys.platform == "linux" else nullcontext()


class Prototype:
    """The process that kernels are forked from; it and they end with the block."""

    def __init__(self) -> None:
        """Start it; it begins to load what every kernel needs."""
        self.asked: deque[Fork] = deque()
        self.running: dict[int, Fork] = {}
        self.log = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the block
        self.socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [sys.executable, "-P", "-m", "cruddur_ops.runbook.prototype", str(theirs.fileno())]
        with theirs:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, pass_fds=[theirs.fileno()]
            )

    def __enter__(self) -> Self:
        """It runs already."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End it, and with it the kernels that are left."""
        self.socket.close()
        self.process.kill()
        self.process.wait()
        self.log.close()

    def load(self, imports: Sequence[str], later: Sequence[str], target: str, settings: Mapping[str, Any]) -> None:
        """Say what else it shall load.

        Args:
            imports: lines of Python, before the first kernel.
            later: others, while there is nothing else to do.
            target: whose clients are made ahead.
            settings: of the target, that this run gives.
        """
        named = {"imports": list(imports), "later": list(later), "target": target, "settings": dict(settings)}
        self._send({**named, "environment": dict(os.environ)})

    def said(self) -> str:
        """What it wrote, such as why it could not start."""
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def fork(self, command: Sequence[str], folder: str, log: str, environment: Mapping[str, str]) -> Fork:
        """Ask for a kernel; the answer comes when the prototype has loaded what every kernel needs."""
        fork = Fork(self)
        self.asked.append(fork)
        self._send({"command": list(command), "folder": folder, "log": log, "environment": dict(environment)})
        return fork

    def listen(self, timeout: float | None = 0) -> None:
        """Take the answers that have come, after at most so many seconds; None waits for one."""
        while select.select([self.socket], [], [], timeout)[0]:
            packet = self.socket.recv(LONGEST)
            if not packet:
                self._die()
                return
            self._take(json.loads(packet))
            timeout = 0

    def _take(self, answer: Mapping[str, int]) -> None:
        pid = answer["pid"]
        if "exit_code" in answer:
            self.running.pop(pid).returncode = answer["exit_code"]
            return
        fork = self.asked.popleft()
        fork.pid = pid
        self.running[pid] = fork

    def _die(self) -> None:
        """The prototype is gone, and the system has killed the kernels."""
        for fork in (*self.asked, *self.running.values()):
            fork.returncode = KILLED
        self.asked.clear()
        self.running.clear()

    def _send(self, message: Mapping[str, Any]) -> None:
        with suppress(BrokenPipeError, ConnectionResetError):  # it has died: `listen` tells
            self.socket.send(json.dumps(message).encode())
