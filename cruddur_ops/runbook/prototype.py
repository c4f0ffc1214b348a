"""`python -m cruddur_ops.runbook.prototype FD`: the process that the kernels of a run are forked from, on Linux.

It has loaded what the notebooks use, so that a kernel has that from its first moment. The runner
speaks to it over a socket of packets (socketpair(2), SOCK_SEQPACKET), inherited as file descriptor FD:
first what else to load, then a request for each kernel; the answers are a kernel's process id at once, and
its exit code when it has ended. The end of the runner ends this process, and that ends the kernels.
No thread may run here: a fork copies only the one that forks (fork(2)).
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import selectors
import signal
import socket
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import chain
from typing import Any

from cruddur_ops.errors import OpsError
from cruddur_ops.runbook import kernel

LONGEST = 256 * 1024  # bytes of a packet: a request holds the environment
SERVICES = ("sts", "rds", "ec2", "secretsmanager", "pricing", "iam", "lambda", "cognito-idp", "logs", "ssm", "cloudwatch")
KERNEL = (
    "import ipykernel.kernelapp, ipykernel.debugger",
    "import IPython.core.completerlib, IPython.core.oinspect, IPython.extensions.storemagic",
    "import boto3",
)
PR_SET_PDEATHSIG = 1  # prctl(2)


def load(lines: Iterable[str]) -> Iterator[None]:
    """Execute lines that import, one at each step."""
    for line in lines:
        with suppress(ImportError):  # the cell that needs it will say so
            exec(line, {})
        yield


def make_clients(name: str, settings: Mapping[str, Any]) -> Iterator[None]:
    """Make a client of the target at each step: most of the time of a first call is the reading of its service's model."""
    from botocore.exceptions import BotoCoreError

    from cruddur_ops import aws, targets

    for service in SERVICES:
        with suppress(OpsError, BotoCoreError):  # the cell that calls it will say so
            aws.client(targets.load(name, **settings), service)
        yield


def serve(runner: socket.socket, soon: Iterator[None], later: Iterator[None]) -> dict[str, Any]:
    """Fork a kernel for each request, and go on loading between them; ends when the runner does.

    The first kernel is wanted at once. The second one, asked for ahead, waits until everything of
    `soon` is loaded; `later` may come while the others run.

    Returns:
        the request, in the kernel's process.
    """
    ended, note = socket.socketpair()
    note.setblocking(False)
    signal.set_wakeup_fd(note.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    steps, loading = chain(soon, later), True
    with selectors.DefaultSelector() as selector:
        selector.register(ended, selectors.EVENT_READ, lambda: _report(ended, runner))
        selector.register(runner, selectors.EVENT_READ, lambda: _fork(runner))
        while True:
            ready = selector.select(0 if loading else None)
            for key, _ in ready:
                if request := key.data():
                    return _alone(request, runner, ended, note)
                deque(soon, maxlen=0)
            if not ready:
                loading = next(steps, runner) is None


def _report(ended: socket.socket, runner: socket.socket) -> None:
    """Tell the runner of kernels that have ended."""
    ended.recv(4096)
    with suppress(ChildProcessError):  # none is left
        while (found := os.waitpid(-1, os.WNOHANG)) != (0, 0):
            _send(runner, {"pid": found[0], "exit_code": os.waitstatus_to_exitcode(found[1])})


def _fork(runner: socket.socket) -> dict[str, Any] | None:
    """Take a request, and fork; returns the request in the kernel's process, None here."""
    packet = runner.recv(LONGEST)
    if not packet:
        raise SystemExit
    request: dict[str, Any] = json.loads(packet)
    pid = os.fork()
    if pid == 0:
        return request
    _send(runner, {"pid": pid})
    return None


def _send(runner: socket.socket, answer: Mapping[str, int]) -> None:
    runner.send(json.dumps(answer).encode())


def _alone(request: dict[str, Any], *shared: socket.socket) -> dict[str, Any]:
    """Undo in a kernel's process what only the prototype needs."""
    gc.freeze()  # what is loaded stays: the collector need not look at it again
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for one in shared:
        one.close()
    return request


def become_kernel(request: Mapping[str, Any], prototype: int) -> None:
    """Be what a process of its own would be: with its own group, environment, folder and log."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != prototype:  # it ended before that
        return
    os.setsid()
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.argv = request["command"]
    kernel.start(sys.argv[1:])


def main() -> None:
    """Load what every kernel needs, then serve."""
    prototype = os.getpid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to a terminal's whole group
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # numpy would start threads when it is imported
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"  # as ipykernel sets it, but matplotlib looks now
    sys.modules["debugpy"] = None  # type: ignore[assignment]  # ipykernel can do without, and starts in half the time
    runner = socket.socket(fileno=int(sys.argv[1]))
    list(load(KERNEL))
    first = json.loads(runner.recv(LONGEST) or "null")
    if first is None:  # the runner ended before it said anything
        return
    os.environ.update(first["environment"])
    list(load(first["imports"]))
    clients = make_clients(first["target"], first["settings"])
    become_kernel(serve(runner, clients, load(first["later"])), prototype)


if __name__ == "__main__":
    main()
