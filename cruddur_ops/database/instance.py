"""What a step on the DB instance wants to know of the database: whether it answers, who is connected, how far a replica is.

It raises what connecting does; and InstanceNotReady where the server is no replica, or cannot be seen into.
"""

import time
from typing import Any

from cruddur_ops import progress
from cruddur_ops.database.connection import APPLICATION_NAME, CONNECT_TIMEOUT, connect, session
from cruddur_ops.database.errors import ConnectionTimedOut, DatabaseMissing, DatabaseUnreachable
from cruddur_ops.database.planning import on_server
from cruddur_ops.database.roles import APP
from cruddur_ops.database.sessions import Session, sessions
from cruddur_ops.database.statements import ask
from cruddur_ops.errors import InstanceNotReady, OpsError
from cruddur_ops.rds import health, instances
from cruddur_ops.target import Target

FUNCTION = "post-confirmation"  # the application_name of cruddur_ops.lambdas.post_confirmation
CLOSING_SECONDS = 0.3  # a session that has ended is listed for a moment
OWN_SECONDS = 5.0  # a notebook's kernel ends while the next notebook runs, and its sessions with it


def connected(target: Target) -> tuple[str, ...]:
    """Who is connected besides the caller and AWS, in words; nobody where the server does not run.

    The post-confirmation function does not count while it idles: it keeps its connection for the next user, who has a new one
    made where that is gone.
    """
    found = instances.describe(target)
    if not found or not found.ready:
        return ()
    session(target).close()  # our own idle connection is nobody
    try:
        return tuple(map(str, _remaining(target)))
    except DatabaseUnreachable as error:
        message = f"who is connected to {found.identifier} cannot be seen ({error})"
        raise InstanceNotReady(f"{message}; or go on without looking, with --force") from error


def connected_or_counted(target: Target) -> tuple[str, ...]:
    """The same where CloudWatch counts anybody; and where the database cannot be asked, as many as it has counted."""
    counted = health.counted(target)
    try:
        return connected(target) if counted else ()
    except OpsError:
        return tuple(counted)


def _remaining(target: Target) -> list[Session]:
    """The others that are not just about to go."""
    began = time.monotonic()
    while others := _others(target):
        own = all(one.application == APPLICATION_NAME for one in others)
        if time.monotonic() - began > (OWN_SECONDS if own else CLOSING_SECONDS):
            return others
        time.sleep(0.1)
    return []


def _others(target: Target) -> list[Session]:
    return [one for one in sessions(target).all if (one.user, one.application, one.state) != (APP, FUNCTION, "idle")]


def replica_lag(target: Target) -> float:
    """How many seconds a replica is behind what it has received."""
    with on_server(target) as connection:
        return float(_replica(target, ask(connection, "operations/replica_lag"))["seconds"])


def wait_until_caught_up(target: Target, replica: Target, timeout: float = 600) -> None:
    """Wait until a replica has replayed all that the target's instance has written so far."""
    with on_server(target) as source:
        position = ask(source, "operations/write_position")[0]["position"]

    def overdue(status: str) -> InstanceNotReady:
        message = f"{replica.db_instance_identifier} is {status} after {timeout:.0f} s"
        return InstanceNotReady(f"{message}: see its log with `cruddur-ops rds logs`, or wait again")

    with on_server(replica) as connection:

        def look() -> tuple[str, bool | None]:
            left = _replica(replica, ask(connection, "operations/bytes_behind", position=position))["bytes"]
            return f"{left} bytes behind", left <= 0 or None

        progress.poll(replica.db_instance_identifier, look, timeout, overdue)


def _replica(target: Target, rows: list[dict[str, Any]]) -> dict[str, Any]:
    if not rows[0]["replica"]:
        raise InstanceNotReady(f"{target.db_instance_identifier} is no replica: name one, `cruddur-ops rds status` tells")
    return rows[0]


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
    if isinstance(error, DatabaseUnreachable):
        return not error.passing
    found = instances.describe(target)
    return found is None or found.ready or found.broken or found.status in instances.AT_REST
