"""What stands behind one DB instance: a PostgreSQL server and the gateway in front of it."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import shutil
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from cruddur_ops.sandbox.callers import Callers
from cruddur_ops.sandbox.certificates import Authority
from cruddur_ops.sandbox.gateway import Door, Gateway, listening_socket
from cruddur_ops.sandbox.postgres import Server, ServerFailed
from cruddur_ops.sandbox.programs import Programs

log = logging.getLogger(__name__)


class Stock:
    """Servers that are initialised ahead, since initdb is most of what a new instance waits for."""

    def __init__(self, root: Path, programs: Programs) -> None:
        """Begin with the first one."""
        self._folders = (root / f"server-{number}" for number in itertools.count(1))
        self._programs = programs
        self._workers = ThreadPoolExecutor(1, "initdb")
        self._next = self._workers.submit(self._initialise)

    def _initialise(self) -> Server:
        server = Server(next(self._folders), self._programs)
        server.initialise()
        return server

    def take(self) -> Server:
        """A server that is initialised and was never started; the next one is begun.

        Raises:
            ServerFailed: initdb said no.
        """
        taken, self._next = self._next, self._workers.submit(self._initialise)
        return taken.result()

    def close(self) -> None:
        """Begin no more; wait for the one under way."""
        self._workers.shutdown(cancel_futures=True)


@dataclass(frozen=True)
class Host:
    """What all machines of one sandbox share.

    Attributes:
        root: the sandbox's folder; everything that it writes is in it.
        programs: PostgreSQL's programs.
        authority: signs the gateways' certificates.
        callers: who connects from where.
        loop: the event loop on which the gateways run, in a thread of its own.
        stock: where machines take their servers from.
    """

    root: Path
    programs: Programs
    authority: Authority
    callers: Callers
    loop: asyncio.AbstractEventLoop
    stock: Stock

    def snapshot_folder(self, name: str) -> Path:
        """Where a copy of a server's data goes; PostgreSQL's account can write there."""
        folder = self.root / "snapshots"
        folder.mkdir(exist_ok=True)
        os.chown(folder, self.programs.account.uid, self.programs.account.gid)
        return folder / name


@dataclass
class Machine:
    """A server with its gateway. Its methods return when what they name has happened."""

    host: Host
    name: str
    door: Door
    server: Server | None = field(default=None, init=False)
    gateway: Gateway | None = field(default=None, init=False)
    endpoint: tuple[str, int] | None = field(default=None, init=False)
    removed: bool = field(default=False, init=False)
    _one_at_a_time: threading.RLock = field(default_factory=threading.RLock, init=False, repr=False)

    def create(self, port: int, set_up: Callable[[Server], None]) -> None:
        """Start a server, set it up, and open the gateway.

        Raises:
            ServerFailed: the server's programs said no.
        """
        with self._one_at_a_time:
            if self.removed:
                raise ServerFailed(f"{self.name} was removed before it was created")
            self.server = self.host.stock.take()
            self.server.start()
            set_up(self.server)
            self.open_gateway(port)

    def open_gateway(self, port: int) -> None:
        """Listen; on the address of last time where the instance had one."""
        listener = listening_socket(port, self.endpoint[0] if self.endpoint else None)
        address, port = listener.getsockname()[:2]
        certificate = self.host.authority.context(address)
        self.gateway = Gateway(listener, self.running_server().socket, self.door, certificate)
        self.gateway.open(self.host.loop)
        self.endpoint = (address, port)
        log.info("%s answers on %s:%s", self.name, address, port)

    def running_server(self) -> Server:
        """The server.

        Raises:
            ServerFailed: there is none, since its creation failed.
        """
        if self.server is None:
            raise ServerFailed(f"{self.name} has no server")
        return self.server

    def close_gateway(self) -> None:
        """End its connections and listen no more; the address stays the instance's own."""
        if self.gateway:
            self.gateway.close(self.host.loop)
            self.gateway = None

    def stop(self) -> None:
        """End connections and server; the data stay."""
        with self._one_at_a_time:
            self.close_gateway()
            self.running_server().stop()

    def start(self, port: int) -> None:
        """Bring the server back with its data, at the same endpoint."""
        with self._one_at_a_time:
            if not self.removed:
                self.running_server().start()
                self.open_gateway(port)

    def remove(self) -> None:
        """End everything and delete the data; whatever was under way comes first."""
        with self._one_at_a_time:
            self.removed = True
            self.close_gateway()
            if self.server:
                self.server.stop(signal.SIGQUIT)
                shutil.rmtree(self.server.folder, ignore_errors=True)
