"""Faults at one API call of a step: AWS throttles or fails, the connection breaks, the answer is lost, the process is killed.

The faults happen inside botocore, below its retries: what reaches the package is what it would get from AWS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

from cruddur_ops import aws, ledger
from cruddur_ops.target import Target

ERROR = "<Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error>"
XML = f"<ErrorResponse>{ERROR}<Errors>{ERROR}</Errors></ErrorResponse>".encode()  # as RDS writes it, and as EC2 does
JSON = b'{"__type": "ThrottlingException", "message": "Rate exceeded"}'


class Fault(StrEnum):
    """What goes wrong at a call."""

    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    BROKEN = "broken"
    LOST = "answer lost"
    KILLED = "killed after it"


# Before a call is done, and after it. While nothing has changed yet, each is tried; later, when each costs a repetition
# of the whole step, one of those before, since they come to the same, and at a change those after.
BEFORE = (Fault.THROTTLED, Fault.UNAVAILABLE, Fault.BROKEN)
AFTER = (Fault.LOST, Fault.KILLED)


@dataclass(frozen=True)
class Strike:
    """A fault at one call of a step.

    Attributes:
        number: of the call.
        name: of it, such as "rds.DescribeDBInstances".
        fault: what happens there.
        early: whether nothing can have changed yet: it only reads, and so did all calls before it.
    """

    number: int
    name: str
    fault: Fault
    early: bool

    def __str__(self) -> str:
        """For the message of a failing test."""
        return f"{self.fault} at call {self.number}, {self.name}"


DISPENSABLE = ("pricing.GetProducts",)  # a plan without prices says so, and goes on
ANSWERS = {Fault.THROTTLED: 400, Fault.UNAVAILABLE: 503}


class Killed(BaseException):
    """The process ends here: nothing of the package catches it."""


@dataclass
class Line:
    """The line to AWS: it notes each call, and breaks at one of them, until botocore has tried that as often as it does.

    Attributes:
        calls: what was called, such as "rds.DescribeDBInstances"; calls of the same operation in a row, as those
            of a wait, are one.
        strike: the fault that is to happen; None for none.
        has_struck: whether it did, and is over.
        tries: how often a fault that comes before a call has met it.
    """

    calls: list[str] = field(default_factory=list)
    strike: Strike | None = None
    has_struck: bool = False
    tries: int = 0
    _known: set[int] = field(default_factory=set)

    def watch(self, client: Any) -> Any:
        """Listen to a client's events; once for each."""
        if id(client) not in self._known:
            self._known.add(id(client))
            events, session = client.meta.events, client._endpoint.http_session
            events.register_first("before-call", self._begin)
            events.register_first("before-send", lambda request, **_: self._send(request, session))
            events.register_first("after-call", self._end)
        return client

    def _begin(self, model: Any, **_: Any) -> None:
        name = f"{model.service_model.service_name}.{model.name}"
        if not self.calls or self.calls[-1] != name:
            self.calls.append(name)

    def _fault(self) -> Fault | None:
        """The fault of the call that is being made."""
        here = self.strike and not self.has_struck and len(self.calls) - 1 == self.strike.number
        return self.strike.fault if self.strike and here else None

    def _send(self, request: Any, session: Any) -> AWSResponse | None:
        """What the line does with a request: None lets it through."""
        fault = self._fault()
        if fault is Fault.LOST:
            self.has_struck = True
            session.send(request)
            raise ReadTimeoutError(endpoint_url=request.url)
        if fault is Fault.BROKEN or fault in ANSWERS:
            self.tries += 1
            self.has_struck = self.tries == aws.ATTEMPTS
        if fault is Fault.BROKEN:
            raise ConnectTimeoutError(endpoint_url=request.url)
        if fault in ANSWERS:
            body = XML if b"urlencoded" in request.headers.get("Content-Type", b"") else JSON
            return AWSResponse(request.url, ANSWERS[fault], {}, SimpleNamespace(stream=lambda: iter([body])))
        return None

    def _end(self, **_: Any) -> None:
        if self._fault() is Fault.KILLED:
            self.has_struck = True
            raise Killed

    @contextmanager
    def struck(self, strike: Strike) -> Iterator[None]:
        """Let the fault happen; calls are counted from now."""
        self.calls, self.strike, self.has_struck, self.tries = [], strike, False, 0
        try:
            yield
        finally:
            self.strike = None


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Line:
    """The line of all clients that the package makes; retries lose no time, and their quota is never used up."""
    made, real = Line(), aws.client
    aws._client.cache_clear()
    monkeypatch.setattr(aws, "client", lambda target, service: made.watch(real(target, service)))
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None))
    monkeypatch.setattr("botocore.retries.quota.RetryQuota.acquire", lambda *_: True)
    return made


Step = Callable[[Target], object]


def faults_of(calls: list[str]) -> Iterator[Strike]:
    """The faults to try at the calls of a step."""
    first = next((number for number, name in enumerate(calls) if changes(name)), len(calls))
    for number, name in enumerate(calls):
        if name not in DISPENSABLE:
            before = BEFORE if number <= first else (BEFORE[number % len(BEFORE)],)
            yield from (Strike(number, name, fault, number <= first) for fault in before)
            yield from (Strike(number, name, fault, False) for fault in AFTER if changes(name))


def some_of(strikes: Iterable[Strike]) -> list[Strike]:
    """Those that stand for all: throttled at once, the answer to the first change lost, killed after the last one."""
    found = list(strikes)
    late = [[one for one in found if one.fault is fault] for fault in AFTER]
    return [*found[:1], *(one for kind, index in zip(late, (0, -1), strict=True) if kind for one in [kind[index]])]


def changes(call: str) -> bool:
    """Whether a call changes anything."""
    return ledger.mutating(call.partition(".")[2])
