"""Waits for RDS, with a bar that shows what it is waited for and since when.

RDS answers before it begins: for up to a minute it goes on telling the status and the values that it had. The waits raise
InstanceNotReady where it will not come about by itself, or the time is over.
"""

import time
from collections.abc import Callable, Collection
from datetime import datetime
from typing import TypeVar

from cruddur_ops import progress
from cruddur_ops.errors import InstanceNotReady
from cruddur_ops.rds import instances
from cruddur_ops.rds.instances import Instance
from cruddur_ops.target import Target

HOUR = 3600.0
LONGEST = 24 * HOUR  # an upgrade with its snapshots: hours were seen, and RDS names no limit
LATE_SECONDS = 120.0  # for which a status from before a call may still be told
Found = TypeVar("Found")
# What RDS does with an instance that is neither at rest nor at work (RDS User Guide, "Viewing DB instance status").
BUSY = {
    "backing-up": "is being backed up",
    "configuring-enhanced-monitoring": "is being set up for monitoring",
    "configuring-iam-database-auth": "is being set up for IAM authentication",
    "configuring-log-exports": "is being set up for log exports",
    "converting-to-vpc": "is being moved to a VPC",
    "creating": "is being created",
    "maintenance": "is in maintenance",
    "modifying": "is being modified",
    "moving-to-vpc": "is being moved to another VPC",
    "rebooting": "is rebooting",
    "renaming": "is being renamed",
    "resetting-master-credentials": "is being given a new master password",
    "starting": "is starting",
    "storage-config-upgrade": "is being given a new layout of its storage",
    "storage-initialization": "is loading its storage from a snapshot",
    "upgrading": "is being upgraded",
}


def wait(
    target: Target,
    status: str = "available",
    timeout: float = HOUR,
    *,
    settled: bool = False,
    later: Collection[str] = (),
    renamed: bool = False,
    before: str = "",
    lacks: Callable[[Instance], str] = lambda _: "",
    news: Callable[[], str] = str,
) -> Instance:
    """Wait until the DB instance has the status; "available" is taken for every status in which the server answers.

    Args:
        status: "available" or "stopped".
        settled: whether it must also have made all changes that RDS has accepted.
        later: the parameters of those that may wait for the maintenance window all the same.
        renamed: whether it is about to be given this identifier, and may not be there yet.
        before: the status that it had before the call, which ends no wait that has just begun.
        lacks: says what it has not yet of what was asked for; not everything stands in PendingModifiedValues.
        news: says what RDS is doing meanwhile, where the status does not tell.
    """
    begun = rested = time.monotonic()

    def missing(found: Instance) -> str:
        nonlocal rested
        if found.status != status and not (status == "available" and found.ready):
            late = found.status == before and time.monotonic() < begun + LATE_SECONDS
            if not late and (status == "available" or found.broken):
                instances.require_recoverable(found)
            rested = time.monotonic()
            return ": ".join(filter(None, [found.status, news()]))
        left = sorted({*found.pending, *_moving(found)} - set(later)) if settled else []
        lacking = f"{', '.join(left)} to come" if left else lacks(found)
        if left or found.status != status:
            rested = time.monotonic()
        elif lacking and time.monotonic() > rested + LATE_SECONDS:  # such as an upgrade whose pre-checks failed
            why = f"see why with {instances.log_command(found.identifier)}"
            raise InstanceNotReady(f"RDS is at rest and has not made {found.identifier} what was asked for ({lacking}): {why}")
        return lacking

    return _until(target, status, missing, timeout, renamed=renamed)


def _moving(found: Instance) -> tuple[str, ...]:
    """Security groups have a status of their own while they are changed."""
    path = "VpcSecurityGroups[?Status == 'adding' || Status == 'removing']"
    return ("VpcSecurityGroupIds",) if instances.read(found.raw, f"length({path} || `[]`)") else ()


def wait_until_promoted(target: Target, timeout: float = HOUR) -> Instance:
    """Wait until a replica has become an instance of its own; RDS begins some seconds after it has accepted that."""

    def missing(found: Instance) -> str:
        if not found.ready:
            instances.require_recoverable(found)
            return found.status
        return "a replica still" if found.source else ""

    return _until(target, "promoted", missing, timeout)


def wait_until_restorable(target: Target, moment: datetime, timeout: float = HOUR) -> Instance:
    """Wait until the instance can be restored to this moment; RDS uploads the write-ahead log every five minutes."""

    def missing(found: Instance) -> str:
        if not found.backup_retention_period:
            raise InstanceNotReady(f"{found.identifier} keeps no backups: set backup_retention_period, then run 01_provision_rds")
        until = found.restorable_until
        return "" if until and until >= moment else f"restorable until {until or 'nothing yet'}"

    return _until(target, f"restorable to {moment}", missing, timeout)


def wait_until_steady(target: Target, *others: str, timeout: float = HOUR) -> None:
    """Wait until RDS is done with what it is doing to these: each is available, stopped, broken or not there."""
    names = (target.db_instance_identifier, *others)

    def look() -> tuple[str, bool | None]:
        found = instances.describe_all(target)
        statuses = {name: found[name].status for name in names if name in found}
        busy = [f"{name} {status}" for name, status in statuses.items() if status in (*BUSY, "stopping")]
        return ", ".join(busy), None if busy else True

    poll(target, "steady", look, timeout)


def wait_until_gone(target: Target, timeout: float = HOUR) -> None:
    """Wait until there is no DB instance of this identifier."""
    identifier, begun = target.db_instance_identifier, time.monotonic()

    def look() -> tuple[str, bool | None]:
        found = instances.describe(target)
        if found and not found.going and time.monotonic() > begun + LATE_SECONDS:
            raise InstanceNotReady(f"{identifier} is {found.status}, and nobody is deleting it any more: plan its removal again")
        return (found.status, None) if found else ("gone", True)

    poll(target, "gone", look, timeout)


def _until(target: Target, wanted: str, missing: Callable[[Instance], str], timeout: float, *, renamed: bool = False) -> Instance:
    """Wait until nothing is missing of the DB instance."""

    def look() -> tuple[str, Instance | None]:
        found = instances.describe(target) if renamed else instances.require(target)
        status = missing(found) if found else "renaming"
        return status, None if status else found

    return poll(target, wanted, look, timeout)


def poll(target: Target, wanted: str, look: Callable[[], tuple[str, Found | None]], timeout: float, name: str = "") -> Found:
    """Look again and again until there is a result, as `progress.poll` does; the name is that of the instance, unless given."""
    name = name or target.db_instance_identifier

    def overdue(status: str) -> InstanceNotReady:
        remedy = f"see why with {instances.log_command(name)}, or wait again"
        return InstanceNotReady(f"{name} is {status} after {timeout:.0f} s, not {wanted}: {remedy}")

    return progress.poll(name, look, timeout, overdue, kept=not target.sandbox)
