"""Kernels for a run: each is started while the notebook before it runs, and spoken to over IPC.

IPC spares the TCP ports, on which parallel kernels collide, and is readable for this user only.
On Linux they are forked from a prototype that has loaded what they need; elsewhere each is a new
interpreter, since a fork is not safe with the system's own libraries (macOS's among them).
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import psutil
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from jupyter_core.utils import ensure_event_loop, run_sync

from cruddur_ops.errors import RunFailed
from cruddur_ops.runbook.forks import Prototype

START_TIMEOUT = 60  # seconds, as papermill's
# sockaddr_un holds 104 bytes on macOS and 108 on Linux (unix(7)); a socket's name takes up to 45 of them.
LONGEST_FOLDER = 58
TICK = 0.005  # seconds between two looks whether all is done
PREFIX = "cruddur-ops-"

Variables = Mapping[str, str]


class Manager(AsyncKernelManager):
    """Starts the interpreter that runs us, whichever kernelspecs this machine has."""

    @property
    def kernel_spec(self) -> KernelSpec:
        """What ipykernel's own specification says, without history on disk."""
        argv = [sys.executable, "-m", "cruddur_ops.runbook.kernel", "-f", "{connection_file}"]
        return KernelSpec(argv=[*argv, "--HistoryManager.hist_file=:memory:"], language="python")


class Provisioner(LocalProvisioner):
    """Starts kernels from a prototype rather than from nothing."""

    prototype: Prototype
    process: Any

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Fork a kernel with what would be its command line: Python, -m, the module, and its arguments."""
        self.process = self.prototype.fork(cmd[2:], kwargs["cwd"], kwargs["stdout"].name, kwargs["env"])
        return self.connection_info


@dataclass
class Kernel:
    """A kernel process, the channels to it, and whether it answers yet."""

    manager: Manager
    client: AsyncKernelClient
    ready: asyncio.Task[None]
    log: Path
    prototype: Prototype | None
    waited: threading.Event

    def wait(self) -> None:
        """Wait until the kernel answers.

        Raises:
            RunFailed: it never does.
        """
        try:
            ensure_event_loop().run_until_complete(self.ready)
        except RuntimeError as error:
            said = (self.prototype.said() if self.prototype else "") + self.log.read_text(errors="replace")
            reason = (said.strip() or str(error)).splitlines()[-1]
            raise RunFailed(f"the notebook's kernel did not start ({reason}): `make env` repairs the environment") from error
        finally:
            self.waited.set()

    def exit_code(self) -> int | None:
        """How the process ended; None while it runs."""
        provisioner = self.manager.provisioner
        return run_sync(provisioner.poll)() if provisioner else None

    async def end(self) -> None:
        """End the process: an interrupt to the running cell, then a request, then force after some seconds."""
        self.client.stop_channels()
        await self.manager.shutdown_kernel()


class Kernels:
    """So many kernels, one after the other; none outlives the block, nor the process that starts them."""

    def __init__(self, cwd: Path, prototype: Prototype | None = None) -> None:
        """Prepare for kernels in `cwd`, forked from the prototype where there is one."""
        self.cwd = cwd
        self.prototype = prototype
        self.environment = dict(os.environ)
        self.loop = ensure_event_loop()
        self.alive: list[Kernel] = []
        self.ending: set[asyncio.Task[None]] = set()
        self.ahead: tuple[Variables, asyncio.Task[Kernel]] | None = None
        self.waited = threading.Event()  # set once the first one answers, or does not

    def __enter__(self) -> Self:
        """Make the folder of their sockets."""
        remove_abandoned()
        self.folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=socket_folder()))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End those that are left."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def stop(self) -> None:
        """End them all, and what they are doing."""
        left = asyncio.all_tasks(self.loop)  # by an interrupted notebook, and the greetings of kernels that nobody took
        _complete(self.loop, self.ending)  # whole: a cancelled one could not be ended again
        left |= asyncio.all_tasks(self.loop)
        for task in left:
            task.cancel()
        _complete(self.loop, left)
        ended = self.ending | {self.loop.create_task(kernel.end()) for kernel in self.alive}
        _complete(self.loop, ended)
        for task in ended:
            task.result()
        self.alive.clear()
        self.ending.clear()
        self.ahead = None

    def take(self, variables: Variables, following: Variables | None = None) -> Kernel:
        """A kernel with these variables besides those of this process; `Kernel.wait` waits until it answers.

        Args:
            variables: which of them this one is for.
            following: what the next one will be taken with, which starts meanwhile.
        """
        if self.ahead and self.ahead[0] == variables:
            start, self.ahead = self.ahead[1], None
        else:
            start = self.loop.create_task(self._start(variables))
        kernel = self.loop.run_until_complete(start)
        if following is not None and self.ahead is None:
            self.ahead = (following, self.loop.create_task(self._start(following)))
        return kernel

    def end(self, kernel: Kernel) -> None:
        """End a kernel that was taken, while the next notebook runs."""
        self.alive.remove(kernel)
        self.ending.add(self.loop.create_task(kernel.end()))

    async def _start(self, variables: Variables) -> Kernel:
        name = uuid4().hex[:8]
        log = self.folder / f"{name}.log"
        manager = Manager(transport="ipc", connection_file=str(self.folder / f"{name}.json"))
        if self.prototype:
            manager.kernel_id = name
            manager.provisioner = Provisioner(kernel_id=name, kernel_spec=manager.kernel_spec, parent=manager)
            manager.provisioner.prototype = self.prototype
        with log.open("w") as output:
            await manager.start_kernel(cwd=str(self.cwd), env={**self.environment, **variables}, stdout=output, stderr=output)
        client = manager.client()
        client.start_channels(hb=False)  # its thread would hold up the end by a second; the process is watched instead
        ready = self.loop.create_task(_greet(client))
        self.alive.append(Kernel(manager, client, ready, log, self.prototype, self.waited))
        return self.alive[-1]


async def _greet(client: AsyncKernelClient) -> None:
    """Wait until the kernel answers. It has nobody to ask: input() in a cell fails."""
    await client.wait_for_ready(timeout=START_TIMEOUT)
    client.allow_stdin = False


def _complete(loop: asyncio.AbstractEventLoop, tasks: Collection[asyncio.Task[Any]]) -> None:
    """Run the loop until all tasks are done, after an interrupt too.

    asyncio keeps a KeyboardInterrupt in the task that it met, and raises it out of the loop once more for each task that
    waits for that one; and each time it may leave a stop behind, which would end the next `run_until_complete` too early.
    """
    done = False
    while not done:
        stop = loop.call_later(TICK, loop.stop)
        with suppress(KeyboardInterrupt):
            loop.run_forever()
        stop.cancel()
        done = all(task.done() for task in tasks)
    for task in tasks:
        task.cancelled() or task.exception()  # it is looked at: asyncio need not tell of it


def socket_folder() -> str:
    """A folder with a name short enough for sockets: the ordinary temporary folder, else /tmp."""
    folder = tempfile.gettempdir()
    return "/tmp" if len(os.fsencode(folder)) > LONGEST_FOLDER else folder


def remove_abandoned() -> None:
    """Remove the folders of runs that were killed: their names hold the process that made them."""
    for folder in Path(socket_folder()).glob(f"{PREFIX}*-*"):
        number = folder.name.removeprefix(PREFIX).partition("-")[0]
        if number.isdecimal() and not psutil.pid_exists(int(number)):
            shutil.rmtree(folder, ignore_errors=True)  # another user's stays: it is not ours to remove
