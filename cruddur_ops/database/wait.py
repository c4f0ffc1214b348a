"""Waiting until the server lets one in, for as long as waiting can help."""

from __future__ import annotations

import time

from cruddur_ops import progress
from cruddur_ops.database.connection import CONNECT_TIMEOUT, connect
from cruddur_ops.database.errors import ConnectionTimedOut, DatabaseMissing, DatabaseUnreachable
from cruddur_ops.errors import InstanceNotReady, OpsError
from cruddur_ops.rds import instances
from cruddur_ops.target import Target


def wait_until_reachable(target: Target, timeout: float = 300) -> bool:
    """Wait until the server answers, and return whether it has the target's database.

    A server that is starting, an instance that is being created, a firewall that is being opened: these are waited for, and
    ConnectionTimedOut tells the last failure when the time is up. A refused login, a certificate that fails, an instance that
    is stopped or missing end the wait at once.
    """
    deadline, failures, over = time.monotonic() + timeout, [""], [False]

    def look() -> tuple[str, bool | None]:
        try:
            connect(target, connect_timeout=max(1, min(CONNECT_TIMEOUT, int(deadline - time.monotonic())))).close()
        except DatabaseMissing:
            return "", False
        except (DatabaseUnreachable, InstanceNotReady) as error:
            before, over[0] = over[0], _is_over(error, target)
            if over[0] and (before or isinstance(error, DatabaseUnreachable)):  # else it may have become ready after the failure
                raise
            failures.append(str(error))
            return failures[-1].partition(": ")[0], None
        return "", True

    overdue = lambda _: ConnectionTimedOut(f"no answer within {timeout:g} seconds: {failures[-1]}")  # noqa: E731
    return progress.poll("server", look, timeout, overdue)


def _is_over(error: OpsError, target: Target) -> bool:
    """Whether waiting cannot help against this failure."""
    if isinstance(error, DatabaseUnreachable):
        return not error.passing
    found = instances.describe(target)
    return found is None or found.ready or found.broken or found.status in instances.AT_REST
