"""The execution environments of all functions: idle ones are used again, others are started when none is idle."""

import copy
import dataclasses
import functools
import itertools
import random
import threading
import time
import uuid
import zipfile
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from rds_sandbox import interpreters, patches
from rds_sandbox.host import Host
from rds_sandbox.lambdas import accounts, logs, runtime
from rds_sandbox.lambdas.execution_environment import ExecutionEnvironment, Outcome
from rds_sandbox.lambdas.functions import SandboxFunction

IDLE_SECONDS = 300.0  # Lambda names no figure; some minutes are what people see


class Throttled(Exception):
    """As many invocations as the reserved concurrency allows are under way."""


@dataclass(frozen=True)
class Event:
    """What a function is run on.

    Attributes:
        event: JSON text.
        client: the context of a mobile client, as JSON text; empty where there is none.
    """

    event: str
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    client: str = ""


@dataclass
class Fleet:
    """The environments of one state; a retired one takes no more events, an ended one kills what it has."""

    idle: list[ExecutionEnvironment] = field(default_factory=list)
    busy: list[ExecutionEnvironment] = field(default_factory=list)
    retired: bool = False
    ended: bool = False


class Fleets:
    """Those of one sandbox, by state of a function."""

    def __init__(self, host: Host) -> None:
        """Nothing is made before the first invocation."""
        self._host = host
        self._folder = host.root / "functions"
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._unpacking = threading.Lock()
        self._fleets: dict[str, Fleet] = {}

    def invoke(self, function: SandboxFunction, event: Event) -> tuple[Outcome, list[str]]:
        """Run the function, as it is now: what came of it, and the lines of its log."""
        function = copy.copy(function)
        fleet = self._reserve(function)
        environment = None
        try:
            environment = self._take(fleet, function)
            deadline = int((time.time() + function.timeout) * 1000)
            request = {**dataclasses.asdict(event), "arn": function.function_arn, "deadline": deadline}
            outcome = environment.invoke(request)
            lines = logs.log_lines(event.request_id, str(function.version), environment, outcome)
            logs.write(function, environment.log_stream, lines)
        finally:
            self._put_back(fleet, function, environment)
        return outcome, lines

    def retire(self, state: str) -> None:
        """Use this state of a function no more: idle environments end now, busy ones after their event."""
        with self._lock:
            fleet = self._fleets.pop(state, Fleet())
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

    def count(self, state: str) -> int:
        """How many environments a state of a function has."""
        fleet = self._fleets.get(state, Fleet())
        return len(fleet.idle) + len(fleet.busy)

    def _reserve(self, function: SandboxFunction) -> Fleet:
        with self._lock:
            fleet = self._fleets.setdefault(function.state_id, Fleet())
            limit, common = function.reserved_concurrency, function.common
            if limit is not None and common.running >= limit:
                raise Throttled
            common.running += 1
            return fleet

    def _take(self, fleet: Fleet, function: SandboxFunction) -> ExecutionEnvironment:
        """An idle environment, else a new one; from here on its connections are the function's."""
        with self._lock:
            environment = fleet.idle.pop() if fleet.idle else None
        environment = environment or self._start(function)
        with self._lock:
            fleet.busy.append(environment)
            if fleet.ended:  # while it was being started
                environment.kill()
        self._host.callers.processes[environment.process_id] = environment.interface
        if not environment.used:
            environment.initialise()
        return environment

    def _put_back(self, fleet: Fleet, function: SandboxFunction, environment: ExecutionEnvironment | None) -> None:
        """Frozen, it connects to nothing: so it is looked for no more."""
        with self._lock:
            function.common.running -= 1
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

    def _start(self, function: SandboxFunction) -> ExecutionEnvironment:
        task, folder = self._unpacked(function), self._folder / f"environment-{next(self._numbers)}"
        interfaces, stream = function.interfaces(), logs.stream_name(str(function.version))
        interface = random.choice(interfaces) if interfaces else None
        environment = ExecutionEnvironment(folder, stream, int(function.memory_size), float(function.timeout), interface)
        variables = {
            **function.variables(),
            "LAMBDA_TASK_ROOT": str(task),
            "AWS_LAMBDA_LOG_STREAM_NAME": stream,
            "HOME": str(folder),
            "TMPDIR": str(folder),
        }
        libraries = interpreters.library_folder(self._folder)
        interpreter, account = accounts.runner(str(function.run_time), libraries)
        command = [interpreter, *interpreters.ISOLATED, str(runtime.__file__)]
        environment.start(command, [str(task), str(libraries)], variables, account)
        return environment

    def _unpacked(self, function: SandboxFunction) -> Path:
        """The folder of the function's code, unpacked once for each package."""
        folder = self._folder / f"code-{function.code_digest}"
        with self._unpacking:
            if not folder.exists():
                self._folder.mkdir(0o711, exist_ok=True)  # whoever may pass through knows no name in it
                part = folder.with_suffix(".part")
                with zipfile.ZipFile(BytesIO(function.code_bytes)) as package:
                    package.extractall(part)
                part.rename(folder)
        return folder


@functools.cache
def fleets() -> Fleets:
    """Those of this sandbox."""
    return Fleets(patches.host)
