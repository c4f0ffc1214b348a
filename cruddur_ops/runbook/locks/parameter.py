"""The lock in AWS: a parameter of Systems Manager, which only one caller can create (SSM API Reference, PutParameter).

A dead holder's is overwritten, and so is one without a sign of life for minutes.
"""

from __future__ import annotations

import getpass
import json
import os
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any
from uuid import uuid4

import psutil
from botocore.exceptions import ClientError

from cruddur_ops import aws, tags
from cruddur_ops.errors import OpsError, RunInProgress
from cruddur_ops.runbook.evidence import caller
from cruddur_ops.runbook.locks import Hold, renewed
from cruddur_ops.targets import Target

STALE = 5 * 60  # seconds without a sign of life
SETTLE = 2  # seconds in which somebody else who takes over at the same moment would do so

Holder = Mapping[str, Any]


@contextmanager
def held(target: Target, notebooks: Sequence[str]) -> Iterator[Hold]:
    """Hold the target while the block runs."""
    since = datetime.now(UTC).isoformat(sep=" ", timespec="seconds")
    who = caller(target) or getpass.getuser()
    own = {"token": uuid4().hex, "who": who, **process(), "since": since, "notebooks": list(notebooks)}
    take(target, own)
    try:
        with renewed(partial(renew, target, own)) as hold:
            yield hold
    finally:
        with suppress(OpsError):  # where AWS is out of reach, it grows stale
            free(target, own)


def take(target: Target, own: Holder) -> None:
    """Create the parameter, or follow a holder that is dead or silent."""
    if _create(target, own):
        return
    holder, silent = _read(target)
    if holder and (_is_dead(holder) or silent > STALE):
        _put(target, own, Overwrite=True)
        time.sleep(SETTLE)
        holder, _ = _read(target)
    if holder != own:
        raise RunInProgress(_message(target, holder))


def renew(target: Target, own: Holder) -> str:
    """Give a sign of life; returns how the lock was lost, or "". AWS out of reach is no reason to stop at once."""
    with suppress(OpsError):
        holder, _ = _read(target)
        if holder != own:
            return _message(target, holder)
        _put(target, own, Overwrite=True)
    return ""


def free(target: Target, own: Holder) -> None:
    """Delete the parameter, where it is still ours."""
    if _read(target)[0] == own:
        aws.find(target, "ssm", "delete_parameter", "ParameterNotFound", Name=_name(target))


def process() -> dict[str, object]:
    """This process as others can recognise it: a process id alone is given away again."""
    return {"host": platform.node(), "pid": os.getpid(), "began": psutil.Process().create_time()}


def _is_dead(holder: Holder) -> bool:
    """Whether the holder ran on this machine, and runs no more."""
    if holder["host"] != platform.node():
        return False
    try:
        return bool(psutil.Process(holder["pid"]).create_time() != holder["began"])
    except psutil.NoSuchProcess:
        return True


def _name(target: Target) -> str:
    return f"/cruddur-ops/lock/{target.db_instance_identifier}"


def _create(target: Target, own: Holder) -> bool:
    labels = tags.as_list(tags.wanted(target.owner, 1, tags.today()))
    description = "Held by a run of cruddur-ops: safe to delete when that has ended"
    try:
        _put(target, own, Description=description, Tags=labels)
    except ClientError as error:
        if aws.error_code(error) == "ParameterAlreadyExists":
            return False
        raise
    return True


def _put(target: Target, own: Holder, **others: Any) -> None:
    aws.client(target, "ssm").put_parameter(Name=_name(target), Value=json.dumps(own), Type="String", **others)


def _read(target: Target) -> tuple[Holder | None, float]:
    """The holder, and how many seconds ago it gave a sign of life, both by AWS's clock; None where there is none."""
    answer = aws.find(target, "ssm", "get_parameter", "ParameterNotFound", Name=_name(target))
    if answer is None:
        return None, 0.0
    now = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
    found = answer["Parameter"]
    return json.loads(found["Value"]), (now - found["LastModifiedDate"]).total_seconds()


def _message(target: Target, holder: Holder | None) -> str:
    if holder is None:
        return f'another run has just ended on target "{target.name}": repeat the command'
    return (
        f'another run holds target "{target.name}" ({holder["who"]} on {holder["host"]}, process {holder["pid"]}, '
        f"since {holder['since']}, notebooks {', '.join(holder['notebooks'])}): wait until it has ended, or end it there"
    )
