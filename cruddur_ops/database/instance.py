"""What a step on the DB instance wants to know of the database first: who is connected, how far a replica is."""

from __future__ import annotations

import time
from typing import Any

from cruddur_ops import progress, rds
from cruddur_ops.database import server, statements
from cruddur_ops.database.connection import APPLICATION_NAME, engine
from cruddur_ops.database.sessions import Session, sessions
from cruddur_ops.database.unreachable import DatabaseUnreachable
from cruddur_ops.errors import InstanceNotReady, WrongInput
from cruddur_ops.targets import Target

FUNCTION = "post-confirmation"  # the application_name of cruddur_ops.lambdas.post_confirmation

CLOSING_SECONDS = 0.3  # a session that has ended is listed for a moment
OWN_SECONDS = 5.0  # a notebook's kernel ends while the next notebook runs, and its sessions with it


def connected(target: Target) -> tuple[str, ...]:
    """Who is connected besides the caller and AWS, in words; nobody where the server does not run.

    The post-confirmation function does not count while it idles: it keeps its connection for the next user, who has a new one
    made where that is gone.

    Raises:
        InstanceNotReady: the server runs, and does not let the caller in to see.
    """
    found = rds.describe(target)
    if not found or not found.ready:
        return ()
    engine(target).dispose()  # our own idle connection is nobody
    try:
        return tuple(map(str, _remaining(target)))
    except DatabaseUnreachable as error:
        message = f"who is connected to {found.identifier} cannot be seen ({error})"
        raise InstanceNotReady(f"{message}; or go on without looking, with --force") from error


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
    return [one for one in sessions(target).all if not (one.application == FUNCTION and one.state == "idle")]


def replica_lag(target: Target) -> float:
    """How many seconds a replica is behind what it has received.

    Raises:
        InstanceNotReady: it is no replica.
        DatabaseUnreachable: no connection came about.
    """
    with server.on_server(target) as connection:
        return float(_replica(target, statements.ask(connection, "operations/replica_lag"))["seconds"])


def wait_until_caught_up(target: Target, replica: Target, timeout: float = 600) -> None:
    """Wait until a replica has replayed all that the target's instance has written so far.

    Raises:
        InstanceNotReady: it is no replica, or the time is over.
        DatabaseUnreachable: no connection came about.
    """
    with server.on_server(target) as source:
        position = statements.ask(source, "operations/write_position")[0]["position"]
    deadline = time.monotonic() + timeout
    with server.on_server(replica) as connection, progress.waiting(replica.db_instance_identifier) as show:
        for pause in progress.pauses():
            rows = statements.ask(connection, "operations/bytes_behind", position=position)
            bytes_behind = _replica(replica, rows)["bytes"]
            if bytes_behind <= 0:
                return
            if time.monotonic() + pause > deadline:
                message = f"{replica.db_instance_identifier} is {bytes_behind} bytes behind after {timeout:.0f} s"
                raise InstanceNotReady(f"{message}: see its log with `cruddur-ops rds logs`, or wait again")
            show(f"{bytes_behind} bytes behind")
            time.sleep(pause)


def _replica(target: Target, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The one row of a query about a replica."""
    if not rows[0]["replica"]:
        raise InstanceNotReady(f"{target.db_instance_identifier} is no replica: name one, `cruddur-ops rds status` tells")
    return rows[0]


def upgrade_problems(target: Target) -> list[str]:
    """What a major upgrade would stumble over, each with the way out.

    Raises:
        DatabaseUnreachable: no connection came about.
    """
    with server.on_server(target) as connection:
        return [row["problem"] for row in statements.ask(connection, "operations/upgrade_problems")]


def require_upgradable(target: Target) -> None:
    """Refuse a major upgrade that would fail.

    Raises:
        WrongInput: something is in its way; each is named, with the way out.
        DatabaseUnreachable: no connection came about.
    """
    problems = upgrade_problems(target)
    if problems:
        raise WrongInput(f"a major upgrade would fail: {'; '.join(problems)}; then repeat")
