"""Stop and start of the DB instance: what each comes to in every status, when AWS starts it again, what still bills."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cruddur_ops.calls import Call
from cruddur_ops.errors import InstanceInUse, InstanceNotReady, WrongInput
from cruddur_ops.plan import Action, Change, Plan
from cruddur_ops.rds import instances, prices, schedule
from cruddur_ops.rds.instances import Instance
from cruddur_ops.rds.prices import MonthlyCost

if TYPE_CHECKING:
    from cruddur_ops.targets import Target

LONGEST_DAYS = 7  # RDS User Guide, "Stopping an Amazon RDS DB instance temporarily"
# What RDS does with an instance that is neither at rest nor at work (RDS User Guide, "Viewing DB instance status").
BUSY = {
    "backing-up": "is being backed up",
    "configuring-enhanced-monitoring": "is being set up for monitoring",
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
WAIT = "wait until it is available, then repeat"


def plan_stop(target: Target, connected: Sequence[str] = (), *, force: bool = False, keep: bool = False) -> Plan:
    """Stop the DB instance.

    Args:
        target: whose instance.
        connected: who is connected besides the caller, such as `database.others` tells.
        force: whether to stop it although somebody is connected.
        keep: whether to make the schedule that stops it anew when AWS has started it.

    Raises:
        InstanceNotReady: there is no instance, or its status does not allow it.
        InstanceInUse: somebody is connected.
        WrongInput: it has read replicas, or is one.
    """
    found = instances.require(target)
    plan = stop_plan(target, found, () if force else connected, prices.monthly_cost(target), datetime.now(UTC))
    return plan + schedule.plan_schedule(target, found) if keep else plan


def stop_plan(target: Target, found: Instance, connected: Sequence[str], cost: MonthlyCost, now: datetime) -> Plan:
    """The same, decided from what was described.

    Raises:
        InstanceNotReady: its status does not allow it.
        InstanceInUse: somebody is connected.
        WrongInput: it has read replicas, or is one.
    """
    title, resource = f"stop on {target.name}", f"DB instance {found.identifier}"
    facts = (_restart(found, now), *_bill(cost))
    if found.status in ("stopped", "stopping"):
        note = "is stopped already" if found.status == "stopped" else "is stopping already: wait until it is stopped"
        return Plan(title, (Change(Action.NONE, resource, note=note),), facts)
    _require_stoppable(found)
    if connected:
        who = f"{', '.join(sorted(set(connected)))} ({len(connected)} in all)"
        remedy = "ask them, end their sessions with `cruddur-ops db kill-sessions`, or stop it all the same with --force"
        raise InstanceInUse(f"somebody is connected to {found.identifier}: {who}: {remedy}")
    call = Call("rds", "stop_db_instance", {"DBInstanceIdentifier": found.identifier})
    note = "connections end; minutes on AWS"
    return Plan(title, (Change(Action.MODIFY, resource, "status", found.status, "stopped", note, (call,)),), facts)


def _require_stoppable(found: Instance) -> None:
    """Refuse what RDS would refuse (RDS API Reference, StopDBInstance), each case in its own words."""
    name = found.identifier
    if found.replicas:
        remedy = "delete them or promote them with `cruddur-ops rds promote`"
        raise WrongInput(f"{name} cannot be stopped while it has read replicas ({', '.join(found.replicas)}): {remedy}")
    if found.source:
        raise WrongInput(f"{name} is a read replica of {found.source}, which RDS never stops: delete it, or promote it")
    instances.require_recoverable(found)
    if found.status != "available":
        raise InstanceNotReady(f"{name} {BUSY.get(found.status, f'is {found.status}')} and cannot be stopped: {WAIT}")


def plan_start(target: Target, stop: Plan | None = None) -> Plan:
    """Start the DB instance, and remove the schedule that would stop it anew.

    Args:
        target: whose instance.
        stop: a plan that is applied before this one; while it is not, what follows cannot be told.

    Raises:
        InstanceNotReady: there is no instance, it is stopping, on its way out, or broken.
    """
    found = instances.require(target)
    if stop and stop.mutating and found.ready:
        resource, note = f"DB instance {found.identifier}", "known after the stop"
        return Plan(f"start on {target.name}", (Change(Action.MODIFY, resource, "status", "stopped", "available", note),))
    return start_plan(target, found, prices.monthly_cost(target)) + schedule.plan_unschedule(target)


def start_plan(target: Target, found: Instance, cost: MonthlyCost) -> Plan:
    """The same for the instance alone, decided from what was described.

    Raises:
        InstanceNotReady: it is stopping, on its way out, or broken.
    """
    title, resource = f"start on {target.name}", f"DB instance {found.identifier}"
    if found.status == "stopping":
        message = f"{found.identifier} is stopping: wait until it is stopped (`cruddur-ops rds stop` does), then start it"
        raise InstanceNotReady(message)
    if found.status != "stopped":
        instances.require_recoverable(found)
        note = "runs already" if found.ready else f"{BUSY.get(found.status, f'is {found.status}')}: it will run by itself"
        return Plan(title, (Change(Action.NONE, resource, note=note),))
    call = Call("rds", "start_db_instance", {"DBInstanceIdentifier": found.identifier})
    note = "minutes on AWS; the endpoint keeps its name, its address may change"
    change = Change(Action.MODIFY, resource, "status", "stopped", "available", note, (call,))
    return Plan(title, (change,), (f"billed again: {cost}",))


def _restart(found: Instance, now: datetime) -> str:
    """When AWS starts it by itself: a stopped instance would miss its maintenance."""
    days = math.ceil((found.restart_time - now).total_seconds() / 86400) if found.restart_time else LONGEST_DAYS
    way = "`cruddur-ops rds stop --keep` makes the schedule that stops it anew"
    return f"AWS starts it again by itself in {days} days at most: {way}"


def _bill(cost: MonthlyCost) -> tuple[str, ...]:
    """What a stopped instance costs a month: its hours do not, all else does."""
    if cost.unknown:
        return ("still billed while it is stopped: storage, backups and snapshots",)
    storage = f"storage {cost.parts['storage']:.2f} USD a month"
    return (f"still billed while it is stopped: {storage}, backups and snapshots; saved: {cost.parts['instance']:.2f}",)
