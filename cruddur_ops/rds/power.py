"""Stop and start of the DB instance: what each comes to in every status, when AWS starts it again, what still bills.

A plan raises InstanceNotReady where the status does not allow it, InUse where somebody is connected, and WrongInput for an
instance that replicates.
"""

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial

from cruddur_ops.errors import InstanceNotReady, InUse, WrongInput
from cruddur_ops.plan import Action, Call, Change, Plan, step
from cruddur_ops.rds import instances, prices, schedule, waiting
from cruddur_ops.rds.instances import Instance
from cruddur_ops.rds.prices import MonthlyCost
from cruddur_ops.rds.waiting import BUSY
from cruddur_ops.target import Target

LONGEST_DAYS = 7  # RDS User Guide, "Stopping an Amazon RDS DB instance temporarily"


def nobody(target: Target) -> Sequence[str]:
    """Who is connected, where nobody asks."""
    return ()


@step
def plan_stop(
    target: Target, connected: Callable[[Target], Sequence[str]] = nobody, *, force: bool = False, keep: bool = False
) -> Plan:
    """Stop the DB instance.

    Args:
        connected: tells who is connected besides the caller, as `database.connected` does; asked again before the stop.
        force: whether to stop it although somebody is connected.
        keep: whether to make the schedule that stops it anew when AWS has started it.
    """
    found = instances.require(target)
    changes = [_stop(target, found, nobody if force else connected)]
    facts = [_restart(found), _bill(prices.monthly_cost(target))]
    if keep:
        changes += schedule.creations(target, found)
        facts.append(schedule.COST)
    return Plan(f"stop on {target.name}", tuple(changes), tuple(facts))


def _stop(target: Target, found: Instance, connected: Callable[[Target], Sequence[str]]) -> Change:
    resource, settle = f"DB instance {found.identifier}", partial(waiting.wait, target, "stopped")
    if found.status in ("stopped", "stopping"):
        return Change(Action.NONE, resource, note=f"is {found.status} already", settle=settle)
    _require_stoppable(found)
    _require_unused(found, connected(target))
    call = Call("rds", "stop_db_instance", {"DBInstanceIdentifier": found.identifier})
    note = "connections end, also the one that the function keeps idle; minutes on AWS"
    return Change(Action.MODIFY, resource, "status", found.status, "stopped", note, (call,), settle=settle)


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
        state = BUSY.get(found.status, f"is {found.status}")
        raise InstanceNotReady(f"{name} {state} and cannot be stopped: wait until it is available, then repeat")


def _require_unused(found: Instance, connected: Sequence[str]) -> None:
    if connected:
        who = f"{', '.join(sorted(set(connected)))} ({len(connected)} in all)"
        remedy = "ask them, end their sessions with `cruddur-ops db kill-sessions`, or stop it all the same with --force"
        raise InUse(f"somebody is connected to {found.identifier}: {who}: {remedy}")


@step
def plan_start(target: Target, stop: Plan | None = None) -> Plan:
    """Start the DB instance, and remove the schedule that would stop it anew.

    Args:
        stop: a plan that is applied before this one; while it is not, what follows cannot be told.
    """
    found, title = instances.require(target), f"start on {target.name}"
    if stop and stop.mutating and found.ready:
        resource, note = f"DB instance {found.identifier}", "known after the stop"
        return Plan(title, (Change(Action.MODIFY, resource, "status", "stopped", "available", note),))
    change = _start(target, found)
    facts = (f"billed again: {prices.monthly_cost(target)}",) if change.mutating else ()
    return Plan(title, (*schedule.removals(target), change), facts)  # in this order: the schedule might stop it while it starts


def _start(target: Target, found: Instance) -> Change:
    resource, settle = f"DB instance {found.identifier}", partial(waiting.wait, target)
    if found.status == "stopping":
        message = f"{found.identifier} is stopping: wait until it is stopped (`cruddur-ops rds stop` does), then start it"
        raise InstanceNotReady(message)
    if found.status != "stopped":
        instances.require_recoverable(found)
        note = "runs already" if found.ready else f"{BUSY.get(found.status, f'is {found.status}')}: it will run by itself"
        return Change(Action.NONE, resource, note=note, settle=settle)
    call = Call("rds", "start_db_instance", {"DBInstanceIdentifier": found.identifier})
    note, started = "minutes on AWS; the endpoint keeps its name, its address may change", partial(settle, before="stopped")
    return Change(Action.MODIFY, resource, "status", "stopped", "available", note, (call,), settle=started)


def _restart(found: Instance) -> str:
    """When AWS starts it by itself: a stopped instance would miss its maintenance."""
    left = found.restart_time - datetime.now(UTC) if found.restart_time else None
    days = math.ceil(left.total_seconds() / 86400) if left else LONGEST_DAYS
    way = "`cruddur-ops rds stop --keep` makes the schedule that stops it anew"
    return f"AWS starts it again by itself in {days} days at most: {way}"


def _bill(cost: MonthlyCost) -> str:
    """What a stopped instance costs a month: its hours do not, all else does."""
    if cost.unknown:
        return "still billed while it is stopped: storage, backups and snapshots"
    storage = f"storage {cost.parts['storage']:.2f} USD a month"
    return f"still billed while it is stopped: {storage}, backups and snapshots; saved: {cost.parts['instance']:.2f}"
