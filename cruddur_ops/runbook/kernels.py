"""Kernels for a run: each is started while the notebook before it runs, and spoken to over IPC.

IPC spares the TCP ports, on which parallel kernels collide, and is readable for this user only.
RunFailed is raised where a kernel does not start.
"""

import asyncio
import multiprocessing
import os
import sys
import threading
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from jupyter_core.utils import ensure_event_loop, run_sync

from cruddur_ops.errors import RunFailed
from cruddur_ops.redaction import redact
from cruddur_ops.runbook import forkserver, kernel, secrets

START_TIMEOUT = 60  # seconds, as papermill's
TICK = 0.005  # seconds between two looks whether all is done
NOT_STARTED, REPAIR = "the notebook's kernel did not start", "`make env` repairs the environment"

Variables = Mapping[str, str]


class Manager(AsyncKernelManager):
    """Starts our kernels, whichever kernelspecs this machine has."""

    @property
    def kernel_spec(self) -> KernelSpec:
        """The arguments of ipykernel, after a name, as its own specification has them; without history on disk."""
        argv = [sys.executable, "-f", "{connection_file}", "--HistoryManager.hist_file=:memory:"]
        return KernelSpec(argv=argv, language="python")


class Provisioner(LocalProvisioner):
    """Starts a kernel from the fork server."""

    process: Any

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start a process of multiprocessing's; it leads a group."""
        told, pipe = forkserver.CONTEXT.Pipe(duplex=False)
        given = (cmd[1:], kwargs["cwd"], kwargs["stdout"].name, kwargs["env"], pipe)
        self.process = forkserver.CONTEXT.Process(target=kernel.serve, args=given)
        try:
            with pipe:
                self.process.start()
        except (EOFError, OSError) as error:  # the server ended before it could fork
            raise RunFailed(f"{NOT_STARTED} ({error!r}): {REPAIR}") from error
        secrets.follow(told)
        return self.connection_info

    async def poll(self) -> int | None:
        """The exit code; None while it runs."""
        return self.process.exitcode if self.process else 0

    async def wait(self) -> int | None:
        """Wait for the exit code."""
        while (code := await self.poll()) is None:
            await asyncio.sleep(TICK)
        self.process = None
        return code

    async def send_signal(self, signum: int) -> None:
        """Signal the process and those that it started."""
        if await self.poll() is None:
            try:
                os.killpg(self.process.pid, signum)
            except ProcessLookupError:  # it has no group of its own yet, or has ended just now
                with suppress(ProcessLookupError):
                    os.kill(self.process.pid, signum)


@dataclass
class Kernel:
    """A kernel process, the channels to it, and whether it answers yet."""

    manager: Manager
    client: AsyncKernelClient
    ready: asyncio.Task[None]
    log: Path
    waited: threading.Event

    def wait(self) -> None:
        """Wait until the kernel answers."""
        try:
            ensure_event_loop().run_until_complete(self.ready)
        except RuntimeError as error:
            reason = (self.log.read_text(errors="replace").strip() or str(error)).splitlines()[-1]
            raise RunFailed(redact(f"{NOT_STARTED} ({reason}): {REPAIR}")) from error
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

    def __init__(self, cwd: Path) -> None:
        """Prepare for kernels in `cwd`."""
        self.cwd = cwd
        self.environment = dict(os.environ)
        self.loop = ensure_event_loop()
        self.alive: list[Kernel] = []
        self.ending: set[asyncio.Task[None]] = set()
        self.ahead: tuple[Variables, asyncio.Task[Kernel]] | None = None
        self.waited = threading.Event()  # set once the first one answers, or does not

    def __enter__(self) -> Self:
        """Start what they come from, where it does not run yet."""
        forkserver.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End those that are left."""
        self.stop()

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
        for process in multiprocessing.active_children():  # whose start was interrupted: Python would wait for it at its end
            process.kill()
        self.alive.clear()
        self.ending.clear()
        self.ahead = None

    def take(self, variables: Variables, following: Variables | None = None) -> Kernel:
        """A kernel with these variables besides those of this process; the following one starts meanwhile."""
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
        log = forkserver.folder() / f"{name}.log"
        manager = Manager(kernel_id=name, transport="ipc", connection_file=str(log.with_suffix(".json")))
        manager.provisioner = Provisioner(kernel_id=name, kernel_spec=manager.kernel_spec, parent=manager)
        with log.open("w") as output:
            await manager.start_kernel(cwd=str(self.cwd), env={**self.environment, **variables}, stdout=output)
        client = manager.client()
        client.start_channels(hb=False)  # its thread would hold up the end by a second; the process is watched instead
        ready = self.loop.create_task(_greet(client))
        self.alive.append(Kernel(manager, client, ready, log, self.waited))
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
