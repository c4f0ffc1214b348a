"""AWS as it is on a real day: reads lag behind writes, calls are throttled, answers are lost, new names are unknown for a while.

Everything is drawn from one seed, by the number of the call among those of its kind: a failure can be repeated.
Sources: IAM User Guide, "Troubleshoot IAM" (eventual consistency); EC2 API Reference, "Ensuring idempotency" and "Eventual
consistency"; Secrets Manager User Guide, "Troubleshoot"; SSM API Reference, DeleteParameter; Resource Groups Tagging API
Reference, GetResources.
"""

import io
import json
import random
import re
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import parse_qs

from werkzeug.wrappers import Response

from rds_sandbox import tables
from rds_sandbox.signatures import Refused

FACTOR = 0.05  # by which the times of AWS are shortened
# The seconds of AWS for which a read may still answer as before a write to the service.
LAGS = {
    "cognito-idp": 2.0, "ec2": 10.0, "events": 2.0, "iam": 20.0, "lambda": 5.0, "logs": 5.0, "rds": 30.0, "scheduler": 5.0,
    "secretsmanager": 5.0, "ssm": 5.0, "tagging": 120.0,  # the last is of all services
}  # fmt: skip
NAME_SECONDS = 60.0  # until a new endpoint's name is known
DELETED_PARAMETER_SECONDS = 30.0  # until its name can be used again
THROTTLED, LOST, LOST_READ = 0.015, 0.02, 0.005  # probabilities
READS = ("AdminGet", "BatchGet", "Describe", "Filter", "Get", "List", "Lookup", "Search", "Simulate")
FORM = "application/x-www-form-urlencoded"
ID = re.compile(rb"\b(?:sg|sgr|vpce)-[0-9a-f]{8,17}\b")
# What EC2 makes by a call, and does not know at once.
MADE = {"AuthorizeSecurityGroupIngress": b"sgr-", "CreateSecurityGroup": b"sg-", "CreateVpcEndpoint": b"vpce-"}
# Where a service does not know a role yet.
STRANGER = {"lambda": "POST functions", "scheduler": "POST schedules"}
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Call:
    """A request to AWS, as far as it matters here."""

    service: str
    action: str
    reads: bool
    key: tuple[Any, ...]
    body: bytes


def read_call(environ: dict[str, Any], region: str, service: str) -> Call:
    """Read a request, and leave it to be read again."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    method, path, query = environ["REQUEST_METHOD"], environ["PATH_INFO"], environ.get("QUERY_STRING", "")
    target = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
    form = parse_qs(body.decode(errors="replace")) if environ.get("CONTENT_TYPE", "").startswith(FORM) else {}
    named = target or form.get("Action", [""])[0]
    words = [word for word in path.split("/") if word and not word[0].isdigit()]
    action = named or f"{method} {words[0] if words else ''}"
    reads = named.startswith(READS) if named else method in ("GET", "HEAD")
    return Call(service, action, reads, (region, service, method, path, query, target, body), body)


@dataclass
class Realism:
    """What one sandbox remembers, to answer late."""

    seed: int  # of all that is drawn
    factor: float = FACTOR  # by which the times of AWS are multiplied
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    _writes: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))  # when, and when seen
    _answers: dict[Any, tuple[float, Any]] = field(default_factory=dict)  # what was answered last, and when that was true
    _unknown: dict[bytes, float] = field(default_factory=dict)  # until when EC2 does not know what it has made
    _deleted: dict[str, float] = field(default_factory=dict)  # until when the name of a parameter cannot be used

    def respond(self, call: Call, work: Callable[[], Response]) -> Response:
        """Answer a call, whose work may be done even where it is Refused for now, or its answer lost: ConnectionAbortedError."""
        drawn = self._draw(call)
        if drawn.random() < THROTTLED:
            code, status = tables.code("throttled", call.service)
            raise Refused(code, "Rate exceeded", status)
        self._require_known(call)
        answer = self.seen(call.service, call.key, work) if call.reads else self._written(call, work, drawn)
        if drawn.random() < (LOST_READ if call.reads else LOST):
            raise ConnectionAbortedError("the answer is lost")
        return answer

    def seen(self, service: str, key: Any, look: Callable[[], Answer]) -> Answer:
        """What is there, or was before the last write to the service, while that is not seen everywhere yet."""
        with self._turn:
            told = self._answers.get(key)
            if told and self._lags(service, told[0]):
                return told[1]  # type: ignore[no-any-return]
        now = time.monotonic()
        answer = look()
        with self._turn:
            self._answers[key] = now, answer
        return answer

    def name_seconds(self, name: str) -> float:
        """How long a new endpoint of this name is unknown."""
        return self._draw(Call("dns", name, False, (), b"")).uniform(0, NAME_SECONDS * self.factor)

    def forget(self) -> None:
        """The sandbox was emptied."""
        with self._turn:
            for kept in (self._writes, self._answers, self._unknown, self._deleted):
                kept.clear()

    def _draw(self, call: Call) -> random.Random:
        kind = call.service, call.action
        with self._turn:
            self._calls[kind] += 1
            return random.Random(f"{self.seed} {kind} {self._calls[kind]}")

    def _lags(self, service: str, since: float) -> bool:
        """Whether the first write after that moment is not seen yet."""
        first = next((seen for made, seen in self._writes[service] if made >= since), 0.0)
        return first > time.monotonic()

    def _written(self, call: Call, work: Callable[[], Response], drawn: random.Random) -> Response:
        began = time.monotonic()
        answer = work()
        if answer.status_code >= 400:
            return answer
        done = time.monotonic()
        seen, indexed = (done + drawn.uniform(0, LAGS.get(name, 0)) * self.factor for name in (call.service, "tagging"))
        with self._turn:
            self._writes[call.service].append((began, seen))
            self._writes["tagging"].append((began, indexed))
            if kind := MADE.get(call.action):
                self._unknown |= {found: seen for found in ID.findall(answer.data) if found.startswith(kind)}
            if call.action == "DeleteParameter":
                self._deleted[json.loads(call.body)["Name"]] = done + DELETED_PARAMETER_SECONDS * self.factor
        return answer

    def _require_known(self, call: Call) -> None:
        """Refuse what stands on something that is not known everywhere yet."""
        now = time.monotonic()
        if call.service == "ec2" and not call.reads:
            for named in ID.findall(call.body):
                if self._unknown.get(named, 0) > now:
                    code = tables.code("not_yet", named.decode().partition("-")[0])
                    raise Refused(code, f"{named.decode()} does not exist", 400)
        if STRANGER.get(call.service) == call.action and any(seen > now for _, seen in self._writes["iam"][-5:]):
            raise Refused(tables.code("not_yet", call.service), "The service cannot assume the role.", 400)
        if call.action == "PutParameter" and self._deleted:
            asked = json.loads(call.body)
            if not asked.get("Overwrite") and self._deleted.get(asked["Name"], 0) > now:
                raise Refused("ParameterAlreadyExists", "The parameter was deleted less than 30 seconds ago.", 400)
