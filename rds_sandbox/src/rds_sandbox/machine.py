"""What stands behind one DB instance: a PostgreSQL server and the gateway in front of it."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rds_sandbox import extensions
from rds_sandbox.callers import Callers
from rds_sandbox.certificates import Authority
from rds_sandbox.gateway import Door, Gateway, listening_socket
from rds_sandbox.postgres import Server, ServerFailed
from rds_sandbox.programs import Programs

log = logging.getLogger(__name__)

PACE = "RDS_SANDBOX_DELAY"
PACE_SECONDS = 0.3  # long enough for a waiter that polls to see a status, short enough for tests
CERTIFICATE_DAYS = 365  # of a server certificate under rds-ca-rsa2048-g1 (Amazon RDS User Guide, "Using SSL/TLS")


class Stock:
    """Servers that are initialised ahead, since initdb is most of what a new instance waits for."""

    def __init__(self, root: Path, programs: Programs) -> None:
        """Begin with the first one."""
        self._root = root
        self._numbers = itertools.count(1)
        self._programs = programs
        self._password = secrets.token_hex()
        self._settings = extensions.settings(programs, root)
        self._workers = ThreadPoolExecutor(1, "initdb")
        self._next = self._workers.submit(self._initialise)

    def _initialise(self) -> Server:
        server = self.vacant()
        server.initialise()
        return server

    def vacant(self) -> Server:
        """A server without any data, which is to take over a backup."""
        return Server(self._root / f"server-{next(self._numbers)}", self._programs, self._password, self._settings)

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


def _pace() -> float:
    return float(os.environ.get(PACE, PACE_SECONDS))


@dataclass
class Pace:
    """How quickly statuses follow each other.

    Attributes:
        seconds: that each lasts at least; at first RDS_SANDBOX_DELAY, else a short time.
    """

    seconds: float = field(default_factory=_pace)


@dataclass(eq=False)
class Host:
    """What all machines of one sandbox share.

    Attributes:
        root: the sandbox's folder; everything that it writes is in it.
        programs: PostgreSQL's programs.
        authority: signs the gateways' certificates.
        callers: who connects from where.
        loop: the event loop on which the gateways run, in a thread of its own.
        stock: where machines take their servers from.
        addresses: the loopback address of each name, which the name keeps, as its DNS name does on AWS.
        pace: how long a status lasts at least.
        url: of the AWS API, once it is known.
    """

    root: Path
    programs: Programs
    authority: Authority
    callers: Callers
    loop: asyncio.AbstractEventLoop
    stock: Stock
    addresses: dict[str, str] = field(default_factory=dict)
    pace: Pace = field(default_factory=Pace)
    url: str = ""

    def snapshot_folder(self, name: str) -> Path:
        """Where a copy of a server's data goes; PostgreSQL's account can write there."""
        folder = self.root / "snapshots"
        folder.mkdir(exist_ok=True)
        os.chown(folder, self.programs.account.uid, self.programs.account.gid)
        return folder / name


@dataclass
class Machine:
    """A server with its gateway. Its methods return when what they name has happened.

    Attributes:
        serving: whether connections are passed on to the server; the gateway is silent otherwise.
        valid_till: the end of the server certificate (UTC).
    """

    host: Host
    name: str
    door: Door
    server: Server | None = field(default=None, init=False)
    gateway: Gateway | None = field(default=None, init=False)
    endpoint: tuple[str, int] | None = field(default=None, init=False)
    serving: bool = field(default=False, init=False)
    removed: bool = field(default=False, init=False)
    valid_till: datetime | None = field(default=None, init=False)
    _one_at_a_time: threading.RLock = field(default_factory=threading.RLock, init=False, repr=False)

    def create(self, name: str, port: int, obtain: Callable[[], Server], prepare: Callable[[Server], None]) -> None:
        """Obtain a server, prepare it, which includes its start, and open the gateway under this name.

        Raises:
            ServerFailed: the server's programs said no.
        """
        with self._one_at_a_time:
            if self.removed:
                raise ServerFailed(f"{self.name} was removed before it was created")
            self.server = obtain()
            prepare(self.server)
            self.open_gateway(name, port)
            self.serving = True

    def open_gateway(self, name: str, port: int) -> None:
        """Listen, on the address that belongs to the name where it has one already."""
        listener = listening_socket(port, self.host.addresses.get(name))
        address, port = listener.getsockname()[:2]
        self.host.addresses[name] = address
        self.valid_till = datetime.now(UTC) + timedelta(days=CERTIFICATE_DAYS)
        certificate = self.host.authority.context(address, self.valid_till)
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
        """End its connections and listen no more."""
        if self.gateway:
            self.gateway.close(self.host.loop)
            self.gateway = None

    def move(self, name: str, port: int) -> None:
        """Listen under another name or port; connections end."""
        with self._one_at_a_time:
            if not self.removed:
                self.close_gateway()
                self.open_gateway(name, port)

    def stop(self) -> None:
        """End the server, and with it the connections; the data stay, and the gateway, which is silent now."""
        with self._one_at_a_time:
            self.serving = False
            self.running_server().stop()

    def start(self) -> None:
        """Bring the server back with its data, at the same endpoint."""
        with self._one_at_a_time:
            if not self.removed:
                self.running_server().start()
                self.serving = True

    def remove(self) -> None:
        """End everything and delete the data; whatever was under way comes first."""
        with self._one_at_a_time:
            self.removed = True
            self.serving = False
            self.close_gateway()
            if self.server:
                self.server.remove()
