"""Waiting until the server lets one in, for as long as waiting can help."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from cruddur_ops.database.connection import CONNECT_TIMEOUT, connect
from cruddur_ops.database.unreachable import DatabaseMissing, DatabaseUnreachable, LoginRefused, TlsFailed
from cruddur_ops.errors import InstanceNotReady, OpsError
from cruddur_ops.progress import waiting
from cruddur_ops.rds import instances

if TYPE_CHECKING:
    from cruddur_ops.targets import Target

POLL_SECONDS = 1.0
FINAL = (LoginRefused, TlsFailed, DatabaseMissing)  # the server has answered: it will not answer otherwise by itself


class NoAnswer(OpsError):
    """The server did not answer in the time that one was ready to wait."""


def wait(target: Target, timeout: float = 300) -> bool:
    """Wait until the server answers, and return whether it has the target's database.

    A server that is starting, an instance that is being created, a firewall that is being opened:
    these are waited for. A refused login, a certificate that fails, an instance that is stopped or
    missing end the wait at once.

    Args:
        target: whose server.
        timeout: seconds.

    Raises:
        NoAnswer: the time is up; the message holds the last failure with its remedy.
        OpsError: waiting cannot help.
    """
    deadline = time.monotonic() + timeout
    with waiting("server") as show:
        while True:
            try:
                return _answers(target, deadline - time.monotonic())
            except (DatabaseUnreachable, InstanceNotReady) as error:
                if not worth_waiting(error, target):
                    raise
                show(_shown(error))
                if time.monotonic() + POLL_SECONDS > deadline:
                    raise NoAnswer(f"no answer within {timeout:g} seconds: {error}") from None
            time.sleep(POLL_SECONDS)


def _answers(target: Target, left: float) -> bool:
    try:
        connect(target, connect_timeout=max(1, min(CONNECT_TIMEOUT, int(left)))).close()
    except DatabaseMissing:
        return False
    return True


def worth_waiting(error: OpsError, target: Target) -> bool:
    """Whether the failure may pass by itself."""
    if isinstance(error, DatabaseUnreachable):
        return not isinstance(error, FINAL)
    found = instances.describe(target)
    return found is not None and not (found.ready or found.broken or found.status in instances.AT_REST)


def _shown(error: OpsError) -> str:
    """The part of the sentence before its remedy."""
    return str(error).partition(": ")[0]
