"""What all DB instances of one sandbox share, and the servers that are initialised ahead for them."""

from __future__ import annotations

import asyncio
import itertools
import os
import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import trustme

from rds_sandbox.callers import Callers
from rds_sandbox.keys import Keys
from rds_sandbox.postgres import Server, extensions
from rds_sandbox.postgres.programs import Majors, Programs
from rds_sandbox.realism import Realism
from rds_sandbox.tables import limits

DELAY = "RDS_SANDBOX_DELAY"
DELAY_SECONDS = "0.3"  # long enough for a waiter that polls to see a status, short enough for tests


class ServerPool:
    """Servers of one major version that are made ahead: the first by initdb, the others as copies, in a tenth of the time."""

    def __init__(self, pools: ServerPools, programs: Programs) -> None:
        self._pools = pools
        self._programs = programs
        self._settings = extensions.settings(programs, pools.root)
        self._template: Server | None = None
        self._workers = ThreadPoolExecutor(1, "initdb")
        self._next = self._workers.submit(self._initialise)

    def _initialise(self) -> Server:
        if self._template is None:
            template = self.vacant()
            template.initialise()
            self._template = template  # not where it failed
        server = self.vacant()
        server.make_folder(server.folder)
        self._programs.copy(self._template.data, server.data)
        return server

    def vacant(self) -> Server:
        """A server without any data, which is to take over a backup."""
        folder = self._pools.root / f"server-{next(self._pools.numbers)}"
        return Server(folder, self._programs, self._pools.password, self._settings)

    def take(self) -> Server:
        """A server that is initialised and was never started; the next one is begun."""
        taken, self._next = self._next, self._workers.submit(self._initialise)
        return taken.result()

    def close(self) -> None:
        """Begin no more; wait for the one under way."""
        self._workers.shutdown(cancel_futures=True)


class ServerPools:
    """A pool for each major version that was asked for; the default's from the start."""

    def __init__(self, root: Path, majors: Majors) -> None:
        """All their servers have the same password, since a copy of the data keeps it."""
        self.root, self.majors = root, majors
        self.numbers = itertools.count(1)
        self.password = secrets.token_hex()
        self._lock = threading.Lock()
        self._pools: dict[Programs, ServerPool] = {}
        self.of(majors.default.major())

    def of(self, major: int) -> ServerPool:
        """That of the nearest major there is."""
        with self._lock:
            programs = self.majors.nearest(major)
            if programs not in self._pools:
                self._pools[programs] = ServerPool(self, programs)
            return self._pools[programs]

    def of_data(self, folder: Path) -> ServerPool:
        """That whose servers can read this data directory, or copy of one."""
        return self.of(int((folder / "PG_VERSION").read_text()))

    def close(self) -> None:
        """Begin no more servers."""
        for pool in self._pools.values():
            pool.close()


@dataclass(eq=False)
class Host:
    """What all DB instances of one sandbox share."""

    root: Path  # the sandbox's folder; everything that it writes is in it
    programs: Programs
    authority: trustme.CA  # signs the certificates of the gateways, in the place of Amazon's; its key never leaves memory
    callers: Callers
    loop: asyncio.AbstractEventLoop  # the event loop on which the gateways run, in a thread of its own
    pools: ServerPools
    # the loopback address of each name, which the name keeps, as its DNS name does on AWS
    addresses: dict[str, str] = field(default_factory=dict)
    # the seconds that a status lasts at least
    delay: float = field(default_factory=lambda: float(os.environ.get(DELAY, DELAY_SECONDS)))
    url: str = ""  # of the AWS API, once it is known
    trigger_seconds: float = limits("cognito-idp")["trigger_seconds"]  # that Cognito waits for a trigger's answer
    realism: Realism | None = None  # how AWS answers late; None where it answers at once
    keys: Keys = field(default_factory=Keys)  # that open the AWS API and the sandbox's own interface
    moto_api: bool = False  # whether moto's own interface is open, to every program of this machine
    iam: bool = False  # whether policies are enforced, for everybody but the owner

    def let_last(self, began: float) -> None:
        """Wait until a status that began at this moment of time.monotonic() has lasted for `delay`."""
        time.sleep(max(0.0, self.delay - (time.monotonic() - began)))

    def snapshot_folder(self, name: str) -> Path:
        """Where a copy of a server's data goes; PostgreSQL's account can write there."""
        folder = self.root / "snapshots"
        folder.mkdir(0o700, exist_ok=True)
        os.chown(folder, self.programs.account.uid, self.programs.account.gid)
        return folder / name
