"""Kernels for a run: each is started while the notebook before it runs, and spoken to over IPC.

IPC spares the TCP ports, on which parallel kernels collide, and is readable for this user only.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import ensure_event_loop, run_sync

from cruddur_ops.errors import RunFailed

START_TIMEOUT = 60  # seconds, as papermill's
# sockaddr_un holds 104 bytes on macOS and 108 on Linux (unix(7)); a socket's name takes up to 32 of them.
LONGEST_FOLDER = 70
PREFIX = "cruddur-ops-"


class Manager(AsyncKernelManager):
    """Starts the interpreter that runs us, whichever kernelspecs this machine has."""

    @property
    def kernel_spec(self) -> KernelSpec:
        """What ipykernel's own specification says, without history on disk."""
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=[*argv, "--HistoryManager.hist_file=:memory:"], language="python")


@dataclass
class Kernel:
    """A kernel process, the channels to it, and whether it answers yet."""

    manager: Manager
    client: AsyncKernelClient
    ready: asyncio.Task[None]
    log: Path

    def wait(self) -> None:
        """Wait until the kernel answers.

        Raises:
            RunFailed: it never does.
        """
        try:
            ensure_event_loop().run_until_complete(self.ready)
        except RuntimeError as error:
            said = self.log.read_text(errors="replace").strip().splitlines() or [str(error)]
            raise RunFailed(f"the notebook's kernel did not start ({said[-1]}): `make env` repairs the environment") from error

    def exit_code(self) -> int | None:
        """How the process ended; None while it runs."""
        provisioner = self.manager.provisioner
        return run_sync(provisioner.poll)() if provisioner else None

    def end(self) -> None:
        """End the process: an interrupt to the running cell, then a request, then force after some seconds."""
        self.client.stop_channels()
        run_sync(self.manager.shutdown_kernel)()


class Kernels:
    """So many kernels, one after the other; none outlives the block.

    A kernel whose starter was killed ends by itself: ipykernel watches its parent process.
    """

    def __init__(self, imports: Sequence[str], cwd: Path) -> None:
        """Prepare for a kernel for each of these sources, which it loads while it waits for its turn, in `cwd`."""
        self.imports = list(imports)
        self.cwd = cwd
        self.loop = ensure_event_loop()
        self.alive: list[Kernel] = []

    def __enter__(self) -> Self:
        """Start the first one."""
        remove_abandoned()
        self.folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=socket_folder()))
        self._start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End those that are left."""
        _cancel_tasks(self.loop)
        while self.alive:
            self.end(self.alive[-1])
        shutil.rmtree(self.folder, ignore_errors=True)

    def take(self) -> Kernel:
        """The next kernel, answering; the one after it starts meanwhile."""
        kernel = self.alive[-1]
        self._start()
        kernel.wait()
        return kernel

    def end(self, kernel: Kernel) -> None:
        """End a kernel that was taken."""
        self.alive.remove(kernel)
        kernel.end()

    def _start(self) -> None:
        if not self.imports:
            return
        file = self.folder / f"{len(self.imports)}.json"
        log = file.with_suffix(".log")
        manager = Manager(transport="ipc", connection_file=str(file))
        with log.open("w") as output:
            run_sync(manager.start_kernel)(cwd=str(self.cwd), stdout=output, stderr=output)
        client = manager.client()
        client.start_channels()
        self.alive.append(Kernel(manager, client, self.loop.create_task(_greet(client, self.imports.pop(0))), log))


async def _greet(client: AsyncKernelClient, imports: str) -> None:
    """Wait until the kernel answers. It has nobody to ask: input() in a cell fails."""
    await client.wait_for_ready(timeout=START_TIMEOUT)
    client.allow_stdin = False


def _cancel_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """End what an interrupted notebook left waiting, and the greetings of kernels that nobody took."""
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))


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
