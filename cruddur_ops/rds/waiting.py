"""Waits for RDS, with a bar that shows what it is waited for and since when."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from cruddur_ops import progress
from cruddur_ops.errors import InstanceNotReady
from cruddur_ops.rds import instances, power, snapshots
from cruddur_ops.rds.instances import Instance

if TYPE_CHECKING:
    from cruddur_ops.targets import Target

HOUR = 3600.0
Found = TypeVar("Found")


def wait(
    target: Target, status: str = "available", timeout: float = HOUR, *, settled: bool = False, renamed: bool = False
) -> Instance:
    """Wait until the DB instance has the status.

    "available" is taken for every status in which the server answers.

    Args:
        target: whose instance.
        status: "available" or "stopped".
        timeout: seconds.
        settled: whether it must also have made all changes that RDS has accepted; those for the window are never made soon.
        renamed: whether it is about to be given this identifier, and may not be there yet.

    Raises:
        InstanceNotReady: there is no instance, it will not get there by itself, or the time is over.
    """

    def look() -> tuple[str, Instance | None]:
        found = instances.describe(target) if renamed else instances.require(target)
        if found is None:
            return "renaming", None
        reached = found.status == status or (status == "available" and found.ready)
        if not reached and (status == "available" or found.broken):
            instances.require_recoverable(found)
        if reached and settled and found.pending:
            return f"{found.status}, {', '.join(sorted(found.pending))} to come", None
        return found.status, found if reached else None

    identifier = target.db_instance_identifier
    return _until(identifier, look, timeout, status, f"see why with {instances.log_command(identifier)}, or wait again")


def wait_until_steady(target: Target, *others: str, timeout: float = HOUR) -> None:
    """Wait until RDS is done with what it is doing: each instance is available, stopped, broken or not there.

    Args:
        target: whose instance.
        others: identifiers of further instances.
        timeout: seconds.

    Raises:
        InstanceNotReady: the time is over.
    """
    identifier = target.db_instance_identifier

    def look() -> tuple[str, bool | None]:
        found = instances.describe_all(target)
        statuses = {name: found[name].status for name in (identifier, *others) if name in found}
        busy = [f"{name} {status}" for name, status in statuses.items() if status in (*power.BUSY, "stopping")]
        return ", ".join(busy) or "steady", None if busy else True

    _until(identifier, look, timeout, "steady", f"see why with {instances.log_command(identifier)}, or wait again")


def wait_until_promoted(target: Target, timeout: float = HOUR) -> Instance:
    """Wait until a replica has become an instance of its own; RDS begins some seconds after it has accepted that.

    Raises:
        InstanceNotReady: there is no instance, it will not get there by itself, or the time is over.
    """

    def look() -> tuple[str, Instance | None]:
        found = instances.require(target)
        if not found.ready:
            instances.require_recoverable(found)
        done = found.ready and not found.source
        return f"{found.status}{', a replica still' if found.source else ''}", found if done else None

    identifier = target.db_instance_identifier
    return _until(identifier, look, timeout, "promoted", f"see why with {instances.log_command(identifier)}, or wait again")


def wait_until_gone(target: Target, timeout: float = HOUR) -> None:
    """Wait until there is no DB instance of this identifier.

    Raises:
        InstanceNotReady: it is not being deleted, or the time is over.
    """
    identifier = target.db_instance_identifier

    def look() -> tuple[str, bool | None]:
        found = instances.describe(target)
        if found and not found.status.startswith("delet"):
            message = f"{identifier} is {found.status}, and nobody is deleting it: run 09_teardown again"
            raise InstanceNotReady(message)
        return ("gone", True) if found is None else (found.status, None)

    _until(identifier, look, timeout, "gone", f"see why with {instances.log_command(identifier)}, or wait again")


def wait_for_snapshot(target: Target, name: str, timeout: float = HOUR) -> snapshots.Snapshot:
    """Wait until a snapshot can be restored.

    Raises:
        InstanceNotReady: there is none of this name, it failed, or the time is over.
    """

    def look() -> tuple[str, snapshots.Snapshot | None]:
        found = snapshots.require(target, name)
        if found.status == "failed":
            raise InstanceNotReady(f"the snapshot {name} failed: remove it, and take another")
        return f"{found.status} {found.percent} %", found if found.status == "available" else None

    return _until(name, look, timeout, "available", "wait again")


def wait_until_restorable(target: Target, moment: datetime, timeout: float = HOUR) -> None:
    """Wait until the instance can be restored to this moment; RDS uploads the write-ahead log every five minutes.

    Raises:
        InstanceNotReady: there is no instance, it has no backups, or the time is over.
    """

    def look() -> tuple[str, bool | None]:
        found = instances.require(target)
        if not found.backup_retention_period:
            message = f"{found.identifier} keeps no backups: set backup_retention_period, then run 01_provision_rds"
            raise InstanceNotReady(message)
        until = found.restorable_until
        return f"restorable until {until or 'nothing yet'}", True if until and until >= moment else None

    _until(target.db_instance_identifier, look, timeout, f"restorable to {moment}", "wait again")


def _until(name: str, look: Callable[[], tuple[str, Found | None]], timeout: float, wanted: str, remedy: str) -> Found:
    """Look again and again until there is a result; meanwhile show the status that came with none."""
    deadline = time.monotonic() + timeout
    with progress.waiting(name) as show:
        for pause in progress.pauses():
            status, found = look()
            show(status)
            if found is not None:
                return found
            if time.monotonic() + pause > deadline:
                raise InstanceNotReady(f"{name} is {status} after {timeout:.0f} s, not {wanted}: {remedy}")
            time.sleep(pause)
    raise AssertionError("the pauses never end")
