"""The lock in AWS: a parameter of Systems Manager, whose versions say who holds it.

PutParameter compares nothing, but gives each version the next number (SSM API Reference, PutParameter). Whoever writes says
which version was read last, and the write counts where it became the very next one: of many who read the same, one. Whoever
finds a version that does not count looks at the one before. So no two hold the lock, however late they read.

The parameter stays when it is free, for nothing (AWS Systems Manager Pricing): deleted, it would count from 1 again, and AWS
refuses its name for 30 seconds. A dead holder is followed, and so is one without a sign of life for minutes.
"""

import json
import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from botocore.exceptions import ClientError

from cruddur_ops import aws, progress, tags
from cruddur_ops.errors import OpsError, RunInProgress
from cruddur_ops.locks import Hold, instance, renewed
from cruddur_ops.state import began, user
from cruddur_ops.target import Target

STALE = 5 * 60  # seconds without a sign of life
LATE = 40  # seconds in which AWS may still answer as before, or refuse the name of a parameter that somebody deleted
PROCESS = ("host", "pid", "began")  # what tells one process from all others
ABSENT_CODES = ("ParameterNotFound", "ParameterVersionNotFound")

Holder = Mapping[str, Any]


@dataclass(frozen=True)
class Found:
    """The parameter as read."""

    version: int = 0  # the last one; 0 where there is none
    holder: Holder | None = None  # by the last version that counts; None where that says the lock is free
    silent: float = 0.0  # the seconds since that version, by AWS's clock


@dataclass
class Lock:
    """A target's lock, and the version that we wrote last."""

    target: Target
    own: Holder
    version: int = field(default=0, init=False)

    def take(self) -> None:
        """Take it, or follow a holder that is dead or silent."""

        def look() -> tuple[str, bool | None]:
            found = _read(self.target)
            if self._holds(found):  # we were told late that it was written
                return "", True
            if found.holder and not (self._is_over(found.holder) or found.silent > STALE):
                raise RunInProgress(_message(self.target, found.holder))
            return "somebody else was quicker", self._write(found.version, self.own) or None

        progress.poll("lock", look, LATE, lambda _: RunInProgress(_message(self.target, _read(self.target).holder)))

    def renew(self) -> str:
        """Give a sign of life; returns how the lock was lost, or "". AWS out of reach is no reason to stop at once."""
        with suppress(OpsError):
            found = _read(self.target)
            if found.version >= self.version:  # else it is an answer that comes late
                if not self._holds(found):
                    return _message(self.target, found.holder)
                self._write(found.version, self.own)
        return ""

    def free(self) -> None:
        """Say that nobody holds it, where it is still ours."""

        def look() -> tuple[str, bool | None]:
            found = _read(self.target)
            late = found.version < self.version
            return "freeing it", None if late else (not self._holds(found) or self._write(found.version, None) or None)

        if not self._write(self.version, None):
            progress.poll("lock", look, LATE, RunInProgress)

    def _is_over(self, holder: Holder) -> bool:
        """Whether the holder is dead, or this process, which has freed it since and is told so late."""
        return all(holder[name] == self.own[name] for name in PROCESS) or _is_dead(holder)

    def _holds(self, found: Found) -> bool:
        return found.holder is not None and found.holder["token"] == self.own["token"]

    def _write(self, after: int, holder: Holder | None) -> bool:
        """Write after the version that was read; whether that counts."""
        value = json.dumps({"after": after, "by": self.own["token"], "holder": holder})
        try:
            self.version = _put(self.target, value) if after else _create(self.target, value)
        except ClientError as error:
            if aws.error_code(error) != "ParameterAlreadyExists":
                raise
        else:
            if self.version == after + 1:
                return True
        written = _get(self.target, after + 1)  # ours where its answer was lost, and the call repeated
        return written is not None and written["Parameter"]["Value"] == value


@contextmanager
def held(target: Target, doing: str) -> Iterator[Hold]:
    """Hold the target while the block runs."""
    since = datetime.now(UTC).isoformat(sep=" ", timespec="seconds")
    who = aws.caller_identity(target).get("Arn", user())
    lock = Lock(target, {"token": uuid4().hex, "who": who, **process(), "since": since, "doing": doing})
    lock.take()
    try:
        with renewed(lock.renew) as hold:
            yield hold
    finally:
        with suppress(OpsError):  # where AWS is out of reach, it grows stale
            lock.free()


def process() -> dict[str, object]:
    """This process as others can recognise it: a process id alone is given away again."""
    return {"host": platform.node(), "pid": os.getpid(), "began": began(os.getpid())}


def _is_dead(holder: Holder) -> bool:
    """Whether the holder ran on this machine, and runs no more."""
    return bool(holder["host"] == platform.node() and began(holder["pid"]) != holder["began"])


def _name(target: Target) -> str:
    return f"/cruddur-ops/lock/{instance(target)}"


def _create(target: Target, value: str) -> int:
    labels = tags.as_list(tags.wanted(target.owner, 0, tags.today()))
    description = "Who runs cruddur-ops on this target; safe to delete while its holder is null"
    made = aws.client(target, "ssm").put_parameter(
        Name=_name(target), Value=value, Type="String", Description=description, Tags=labels
    )
    return int(made["Version"])


def _put(target: Target, value: str) -> int:
    return int(aws.client(target, "ssm").put_parameter(Name=_name(target), Value=value, Type="String", Overwrite=True)["Version"])


def _get(target: Target, version: int = 0) -> dict[str, Any] | None:
    """A version, else the last one."""
    name = f"{_name(target)}:{version}" if version else _name(target)
    return aws.find(target, "ssm", "get_parameter", *ABSENT_CODES, Name=name)


def _read(target: Target) -> Found:
    """The last version, and the holder by the last one that counts."""
    last = _get(target)
    if last is None:
        return Found()
    version: int = last["Parameter"]["Version"]
    for number in range(version, 0, -1):
        answer = last if number == version else _get(target, number)
        if answer is None:
            raise RunInProgress(f'the lock of target "{target.name}" cannot be read just now: repeat the command')
        said = json.loads(answer["Parameter"]["Value"])
        if said.get("after") == number - 1:
            silence = aws.answered(answer) - answer["Parameter"]["LastModifiedDate"]
            return Found(version, said["holder"], silence.total_seconds())
    return Found(version)


def _message(target: Target, holder: Holder | None) -> str:
    if holder is None:
        return f'somebody has just changed target "{target.name}": repeat the command'
    return (
        f'target "{target.name}" is being changed ({holder["who"]} on {holder["host"]}, process {holder["pid"]}, '
        f"since {holder['since']}: {holder.get('doing', 'a run')}): wait until that has ended, or end it there"
    )
