"""The execution environments of all functions: idle ones are used again, others are started when none is idle."""

from __future__ import annotations

import functools
import itertools
import random
import threading
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from rds_sandbox import interpreters, patches
from rds_sandbox.lambdas import logs, runtime
from rds_sandbox.lambdas.execution_environment import ExecutionEnvironment, Outcome
from rds_sandbox.machine import Host

IDLE_SECONDS = 300.0  # Lambda names no figure; some minutes are what people see


@dataclass(frozen=True)
class Deployment:
    """A function as it is run: one state of its code and configuration.

    Attributes:
        revision: differs between any two states.
        arn: as it was invoked.
        digest: of the package, in hexadecimal.
        package: the zip's bytes.
        variables: makes its environment, but for what belongs to one process.
        interfaces: ids of its network interfaces; none outside a VPC.
        limit: the reserved concurrency.
        logs: moto's backend of CloudWatch Logs of its region.
    """

    revision: str
    arn: str
    version: str
    runtime: str
    memory_size: int
    timeout: float
    digest: str
    package: bytes = field(repr=False)
    variables: Callable[[], Mapping[str, str]] = field(repr=False)
    log_group: str
    interfaces: Sequence[str]
    limit: int | None
    logs: Any = field(repr=False)


@dataclass(frozen=True)
class Invocation:
    """The answer to an event, and the log of how it came about."""

    outcome: Outcome
    log: list[str]


class Throttled(Exception):
    """As many invocations as the reserved concurrency allows are under way."""


@dataclass
class Fleet:
    """The environments of one deployment; a retired one takes no more events, an ended one kills what it has."""

    idle: list[ExecutionEnvironment] = field(default_factory=list)
    busy: list[ExecutionEnvironment] = field(default_factory=list)
    running: int = 0
    retired: bool = False
    ended: bool = False


class ExecutionEnvironments:
    """Those of one sandbox."""

    def __init__(self, host: Host) -> None:
        """Nothing is made before the first invocation."""
        self._host = host
        self._folder = host.root / "functions"
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._unpacking = threading.Lock()
        self._fleets: dict[str, Fleet] = {}

    def invoke(self, deployment: Deployment, event: str, request_id: str) -> Invocation:
        """Run the function on an event, which is JSON text, and log it.

        Raises:
            Throttled: the reserved concurrency is used up.
            InterpreterMissing: nothing here can run it.
        """
        fleet = self._reserve(deployment)
        environment = None
        try:
            environment = self._take(fleet, deployment)
            deadline = int((time.time() + deployment.timeout) * 1000)
            request = {"event": event, "request_id": request_id, "arn": deployment.arn, "deadline": deadline}
            outcome = environment.invoke(request)
            lines = logs.log_lines(request_id, deployment.version, environment, outcome)
            logs.write(deployment.logs, deployment.log_group, environment.log_stream, lines)
        finally:
            self._put_back(fleet, environment)
        return Invocation(outcome, lines)

    def retire(self, revision: str) -> None:
        """Use this state of a function no more: idle environments end now, busy ones after their event."""
        with self._lock:
            fleet = self._fleets.pop(revision, Fleet())
            fleet.retired = True
        for environment in fleet.idle:
            environment.end()

    def end_all(self) -> None:
        """End every environment, busy or not."""
        with self._lock:
            fleets, self._fleets = self._fleets, {}
            for fleet in fleets.values():
                fleet.retired = fleet.ended = True
                for environment in fleet.busy:
                    environment.kill()
        for environment in [each for fleet in fleets.values() for each in fleet.idle]:
            environment.end()

    def count(self, revision: str) -> int:
        """How many environments a state of a function has."""
        fleet = self._fleets.get(revision, Fleet())
        return len(fleet.idle) + len(fleet.busy)

    def _reserve(self, deployment: Deployment) -> Fleet:
        with self._lock:
            fleet = self._fleets.setdefault(deployment.revision, Fleet())
            if deployment.limit is not None and fleet.running >= deployment.limit:
                raise Throttled
            fleet.running += 1
            return fleet

    def _take(self, fleet: Fleet, deployment: Deployment) -> ExecutionEnvironment:
        """An idle environment, else a new one; from here on its connections are the function's."""
        with self._lock:
            environment = fleet.idle.pop() if fleet.idle else None
        environment = environment or self._start(deployment)
        with self._lock:
            fleet.busy.append(environment)
            if fleet.ended:  # while it was being started
                environment.kill()
        self._host.callers.processes[environment.process_id] = environment.interface
        if not environment.used:
            environment.initialise()
        return environment

    def _put_back(self, fleet: Fleet, environment: ExecutionEnvironment | None) -> None:
        """Frozen, it connects to nothing: so it is looked for no more."""
        with self._lock:
            fleet.running -= 1
            if environment is None:
                return
            self._host.callers.processes.pop(environment.process_id, None)
            fleet.busy.remove(environment)
            keep = environment.usable and not fleet.retired
            if keep:
                fleet.idle.append(environment)
        if keep:
            later = (IDLE_SECONDS, self._end_idle, fleet, environment, environment.used)
            self._host.loop.call_soon_threadsafe(self._host.loop.call_later, *later)
        else:
            environment.end()

    def _end_idle(self, fleet: Fleet, environment: ExecutionEnvironment, used: int) -> None:
        """End it unless it was given another event meanwhile."""
        with self._lock:
            if environment not in fleet.idle or environment.used != used:
                return
            fleet.idle.remove(environment)
        environment.end()

    def _start(self, deployment: Deployment) -> ExecutionEnvironment:
        task = self._unpacked(deployment)
        folder = self._folder / f"environment-{next(self._numbers)}"
        interface = random.choice(deployment.interfaces) if deployment.interfaces else None
        stream = logs.stream_name(deployment.version)
        environment = ExecutionEnvironment(folder, stream, deployment.memory_size, deployment.timeout, interface)
        variables = {
            **deployment.variables(),
            "LAMBDA_TASK_ROOT": str(task),
            "AWS_LAMBDA_LOG_STREAM_NAME": stream,
            "HOME": str(folder),
            "TMPDIR": str(folder),
        }
        command = [interpreters.find_interpreter(deployment.runtime), *interpreters.ISOLATED, str(runtime.__file__)]
        environment.start(command, [str(task), str(interpreters.library_folder(self._folder))], variables)
        return environment

    def _unpacked(self, deployment: Deployment) -> Path:
        """The folder of the function's code, unpacked once for each package."""
        folder = self._folder / f"code-{deployment.digest}"
        with self._unpacking:
            if not folder.exists():
                part = folder.with_suffix(".part")
                with zipfile.ZipFile(BytesIO(deployment.package)) as package:
                    package.extractall(part)
                part.rename(folder)
        return folder


@functools.cache
def environments() -> ExecutionEnvironments:
    """Those of this sandbox."""
    return ExecutionEnvironments(patches.host)
