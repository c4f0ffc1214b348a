"""One execution environment of a function: a process of its own, which answers one event after another.

Source: AWS Lambda Developer Guide, "Understanding the Lambda execution environment lifecycle": between two
invocations the process is frozen; a timeout, too much memory or its own end are the end of it.
"""

import dataclasses
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import psutil

from rds_sandbox.postgres.programs import Account
from rds_sandbox.tables import limits

LOOK_SECONDS = 0.05  # how often the memory in use is looked at
CHUNK = 65536
MEBIBYTE = 1 << 20


@dataclass(frozen=True)
class Outcome:
    """What came of one event: the payload as JSON text, what was printed, the time without initialisation, the bytes in use."""

    payload: str
    output: tuple[str, ...]
    seconds: float
    memory: int
    error: Mapping[str, Any] | None = None
    status: str = ""


class _Ended(Exception):
    """The process is gone; the text is Lambda's for how it went."""


@dataclass
class ExecutionEnvironment:
    """A process that runs the function's code, with its variables alone.

    Attributes:
        folder: its own: the file with its process id, and what it writes (HOME and TMPDIR).
        memory_size: in MiB; a process that uses more is killed.
        timeout: in seconds, for each event.
        interface: the id of the network interface that it connects from; None outside a VPC.
        used: how many events it was given.
    """

    folder: Path
    log_stream: str
    memory_size: int
    timeout: float
    interface: str | None = None
    init_seconds: float = 0.0
    used: int = 0
    usable: bool = True
    _process: psutil.Popen = field(init=False, repr=False)
    _channel: socket.socket = field(init=False, repr=False)
    _watched: list[Any] = field(default_factory=list, repr=False)
    _received: bytearray = field(default_factory=bytearray, repr=False)
    _printed: bytearray = field(default_factory=bytearray, repr=False)
    _most_memory: int = 0
    _init_error: Mapping[str, Any] | None = None
    _broken: Exception | None = None

    @property
    def process_id(self) -> int:
        """Of the process, which leads a process group of its own."""
        return int(self._process.pid)

    def start(
        self, command: Sequence[str], script_arguments: Sequence[str], variables: Mapping[str, str], account: Account
    ) -> None:
        """Start the process in the function's folder, the first of the arguments; `initialise` waits for it."""
        self.folder.mkdir(0o700)
        os.chown(self.folder, account.uid, account.gid)
        self._channel, theirs = socket.socketpair()
        with theirs:
            self._process = psutil.Popen(
                [*command, str(theirs.fileno()), *script_arguments, str(self.folder)],
                env=dict(variables),
                cwd=script_arguments[0],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
                **account.switch,
            )
        self._watched = [self._channel, self._process.stdout]
        (self.folder / "pid").write_text(str(self.process_id))

    def initialise(self) -> None:
        """Wait until the handler is loaded; what went wrong is the answer to the first event."""
        began = time.monotonic()
        try:
            self._init_error = self._receive(max(limits("lambda")["initialisation"], self.timeout))
        except (_Ended, TimeoutError) as error:
            self._broken = error
        self.init_seconds = time.monotonic() - began

    def invoke(self, request: Mapping[str, Any]) -> Outcome:
        """Answer one event; `request` is what the runtime reads, its `request_id` among it."""
        began = time.monotonic()
        self.used += 1
        prefix = f"RequestId: {request['request_id']} Error:"
        try:
            reply = self._ask(request)
        except TimeoutError:
            message = f"{prefix} Task timed out after {self.timeout:.2f} seconds"
            return self._failed(began, "timeout", errorType="Sandbox.Timedout", errorMessage=message)
        except (_Ended, OSError) as error:
            return self._failed(began, "error", errorType="Runtime.ExitError", errorMessage=f"{prefix} {error}")
        if self._init_error:
            return self._failed(began, "error", **self._init_error, requestId=request["request_id"])
        self._signal(signal.SIGSTOP)
        return self._outcome(began, reply.get("error"), reply.get("result", ""))

    def _ask(self, request: Mapping[str, Any]) -> Any:
        if self._broken:
            raise self._broken
        if self._init_error:
            return {}
        self._signal(signal.SIGCONT)
        self._channel.sendall(json.dumps(request).encode() + b"\n")
        return self._receive(self.timeout)

    def kill(self) -> None:
        """Kill the process and all that it started; whoever waits for its answer hears of it."""
        self.usable = False
        self._signal(signal.SIGKILL)

    def end(self) -> None:
        """Kill the process and remove what it wrote."""
        self.kill()
        self._process.wait()
        self._channel.close()
        self._process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _failed(self, began: float, status: str, **error: Any) -> Outcome:
        self.kill()
        return dataclasses.replace(self._outcome(began, error, ""), status=status)

    def _outcome(self, began: float, error: Mapping[str, Any] | None, result: str) -> Outcome:
        while self._read(0):  # it is frozen or killed, so that this comes to an end
            pass
        lines = tuple(self._printed.decode(errors="replace").splitlines())
        self._printed.clear()
        payload = result if error is None else json.dumps(error)
        return Outcome(payload, lines, time.monotonic() - began, self._most_memory, error)

    def _receive(self, seconds: float) -> Any:
        """The next message of the process; what it prints meanwhile is kept."""
        deadline = time.monotonic() + seconds
        while b"\n" not in self._received:
            if self._channel not in self._watched:
                raise _Ended(_how_it_ended(self._process.wait()))
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._read(min(left, LOOK_SECONDS))
            self._look_at_memory()
        line, _, rest = self._received.partition(b"\n")
        self._received[:] = rest
        return json.loads(line)

    def _read(self, seconds: float) -> bool:
        """A piece of what is there to be read, after at most this time; False where there is nothing."""
        ready: list[Any] = wait(self._watched, seconds)
        for source in ready:
            chunk = os.read(source.fileno(), CHUNK)
            kept = self._received if source is self._channel else self._printed
            kept += chunk
            if not chunk:  # closed at the other end
                self._watched.remove(source)
        return bool(ready)

    def _look_at_memory(self) -> None:
        with suppress(psutil.Error):
            used = self._process.memory_info().rss
            self._most_memory = max(self._most_memory, used)
            if used > self.memory_size * MEBIBYTE:
                self.kill()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):  # macOS says the latter of a group whose members are gone
            os.killpg(self.process_id, number)


def _how_it_ended(code: int) -> str:
    """In Lambda's words, by the exit status that Python gives: negative for a signal."""
    if code == 0:
        return "Runtime exited without providing a reason"
    how = f"signal: {(signal.strsignal(-code) or str(-code)).lower()}" if code < 0 else f"exit status {code}"
    return f"Runtime exited with error: {how}"
