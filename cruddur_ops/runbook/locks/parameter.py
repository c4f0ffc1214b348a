"""The lock in AWS: a parameter of Systems Manager, which only one caller can create (SSM API Reference, PutParameter)."""

from __future__ import annotations

import getpass
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import uuid4

from botocore.exceptions import ClientError

from cruddur_ops import aws, tags
from cruddur_ops.errors import OpsError, RunInProgress
from cruddur_ops.runbook.evidence import caller
from cruddur_ops.runbook.locks.holding import Hold, is_dead, process, renewed
from cruddur_ops.targets import Target

STALE = 5 * 60  # seconds without a sign of life
SETTLE = 2  # seconds in which somebody else who takes over at the same moment would do so


def name(target: Target) -> str:
    """What the parameter is called."""
    return f"/cruddur-ops/lock/{target.db_instance_identifier}"


@contextmanager
def held(target: Target, notebooks: Sequence[str]) -> Iterator[Hold]:
    """Hold the target while the block runs.

    Raises:
        RunInProgress: another run holds it.
        OpsError: AWS does not answer, or does not let us.
    """
    lock = Lock(target, notebooks)
    lock.take()
    try:
        with renewed(lock.renew) as hold:
            yield hold
    finally:
        lock.free()


class Lock:
    """The parameter, and what this run writes into it."""

    def __init__(self, target: Target, notebooks: Sequence[str]) -> None:
        """Prepare it."""
        self.target = target
        since = datetime.now(UTC).isoformat(sep=" ", timespec="seconds")
        who = caller(target) or getpass.getuser()
        self.own = {"token": uuid4().hex, "who": who, **process(), "since": since, "notebooks": list(notebooks)}

    def take(self) -> None:
        """Create the parameter; a dead holder's is taken over.

        Raises:
            RunInProgress: somebody else holds it.
        """
        if self._create():
            return
        holder, silent = self._read()
        if holder and not is_dead(holder) and silent < STALE:
            raise RunInProgress(self._message(holder))
        self._delete()
        if not self._create():
            raise RunInProgress(self._message(self._read()[0]))
        time.sleep(SETTLE)
        winner, _ = self._read()
        if winner != self.own:
            raise RunInProgress(self._message(winner))

    def renew(self) -> str:
        """Give a sign of life; returns how the lock was lost, or "". AWS out of reach is no reason to stop at once."""
        with suppress(OpsError):
            holder, _ = self._read()
            if holder != self.own:
                return self._message(holder)
            aws.client(self.target, "ssm").put_parameter(Name=name(self.target), Value=json.dumps(self.own), Overwrite=True)
        return ""

    def free(self) -> None:
        """Delete the parameter, where it is still ours; where AWS is out of reach, it grows stale."""
        with suppress(OpsError):
            if self._read()[0] == self.own:
                self._delete()

    def _create(self) -> bool:
        labels = tags.as_list(tags.wanted(self.target.owner, 1, tags.today()))
        description = "Held by a run of cruddur-ops: safe to delete when that has ended"
        try:
            aws.client(self.target, "ssm").put_parameter(
                Name=name(self.target), Value=json.dumps(self.own), Type="String", Description=description, Tags=labels
            )
        except ClientError as error:
            if aws.error_code(error) == "ParameterAlreadyExists":
                return False
            raise
        return True

    def _read(self) -> tuple[dict[str, Any] | None, float]:
        """The holder, and how many seconds ago it gave a sign of life, both by AWS's clock; None where there is none."""
        try:
            answer = aws.client(self.target, "ssm").get_parameter(Name=name(self.target))
        except ClientError as error:
            if aws.error_code(error) == "ParameterNotFound":
                return None, 0.0
            raise
        now = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
        return json.loads(answer["Parameter"]["Value"]), (now - answer["Parameter"]["LastModifiedDate"]).total_seconds()

    def _delete(self) -> None:
        try:
            aws.client(self.target, "ssm").delete_parameter(Name=name(self.target))
        except ClientError as error:
            if aws.error_code(error) != "ParameterNotFound":
                raise

    def _message(self, holder: Mapping[str, Any] | None) -> str:
        if holder is None:
            return f'another run has just ended on target "{self.target.name}": repeat the command'
        return (
            f'another run holds target "{self.target.name}" ({holder["who"]} on {holder["host"]}, process {holder["pid"]}, '
            f"since {holder['since']}, notebooks {', '.join(holder['notebooks'])}): wait until it has ended, or end it there"
        )
