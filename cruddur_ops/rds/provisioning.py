"""The DB instance: the plan that makes it what the target wants, and the wait until it is so."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from cruddur_ops import progress, tags
from cruddur_ops.errors import InstanceNotReady, WrongInput
from cruddur_ops.plan import Action, Call, Change, Plan, differences
from cruddur_ops.rds import groups, instances, offers, settings
from cruddur_ops.rds.groups import Group
from cruddur_ops.rds.instances import Instance, describe
from cruddur_ops.rds.offers import Offer

if TYPE_CHECKING:
    from cruddur_ops.targets import Target


FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 5.0
AFTER_THE_GROUP = "known after the security group: apply its plan, then compute this one again"


def offer(target: Target) -> Offer:
    """What RDS offers for the target; for an instance that is there, its own version will do, withdrawn or not.

    Raises:
        NotOffered: RDS does not offer what is wanted.
    """
    return _offer(target, describe(target))


def _offer(target: Target, found: Instance | None) -> Offer:
    return offers.find(target, found.engine_version if found else "")


def plan_instance(target: Target) -> Plan:
    """Create the DB instance, or modify what differs from what is wanted.

    Raises:
        NotOffered: RDS does not offer what is wanted.
        InstanceNotReady: the instance is stopped, being deleted, or broken.
        GroupMissing: DB_SG_ID names no security group, or there is no default VPC.
        WrongInput: the instance is of another engine.
    """
    found = describe(target)
    if found:
        instances.require_recoverable(found)
    return instance_plan(target, _offer(target, found), found, groups.describe(target))


def instance_plan(target: Target, offer: Offer, found: Instance | None, group: Group | None) -> Plan:
    """The same, decided from what was described.

    Raises:
        WrongInput: the instance is of another engine.
    """
    title = f"DB instance on {target.name}"
    if found is None:
        return Plan(title, (_creation(target, offer, group),), _facts(target, offer))
    if found.engine != offers.ENGINE:
        message = f"{found.identifier} is a {found.engine} instance: set another db_instance_identifier"
        raise WrongInput(message)
    if not found.ready:
        note = f"{found.status}: wait until it is available"
        return Plan(title, (Change(Action.NONE, _name(found.identifier), note=note),), _facts(target, offer))
    facts = (*settings.shortfalls(target, found), *_facts(target, offer))
    return Plan(title, _modification(target, offer, found, group), facts)


def _name(identifier: str) -> str:
    return f"DB instance {identifier}"


def _creation(target: Target, offer: Offer, group: Group | None) -> Change:
    """The change that creates the instance; without its call while there is no security group to name."""
    storage = f"{target.allocated_storage} GiB {target.storage_type}"
    what = f"PostgreSQL {offer.version} on {offer.db_instance_class}, {storage}"
    resource = _name(target.db_instance_identifier)
    if group is None:
        return Change(Action.CREATE, resource, after=what, note=AFTER_THE_GROUP)
    call = Call("rds", "create_db_instance", settings.creation(target, offer, group.id))
    return Change(Action.CREATE, resource, after=what, note="takes 5 to 15 minutes on AWS", calls=(call,))


def _modification(target: Target, offer: Offer, found: Instance, group: Group | None) -> tuple[Change, ...]:
    """A change for each setting that differs; the first makes the one call for all of them."""
    resource = _name(found.identifier)
    wanted = settings.modification(target, offer, found, group)
    changes = list(differences(resource, wanted, settings.compared(found)))
    if not changes:
        return (Change(Action.NONE, resource),)
    changed = {change.setting: wanted[change.setting] for change in changes}
    parameters = settings.modify_parameters(found, changed)
    first, *others = (replace(change, note=settings.NOTES.get(change.setting, "")) for change in changes)
    return (replace(first, calls=(Call("rds", "modify_db_instance", parameters),)), *others)


def _facts(target: Target, offer: Offer) -> tuple[str, ...]:
    """What it costs, how long it is supported, and how it is protected."""
    days = target.backup_retention_period
    backups = f"backups kept for {days} days" if days else "WARNING: no automated backups"
    protection = "deletion protection" if target.deletion_protection else "no deletion protection"
    reach = "publicly accessible" if target.publicly_accessible else "not publicly accessible"
    expiry = (f"tagged to expire in {target.instance_days} days",) if target.instance_days else ()
    return (
        f"cost: {offer.monthly_cost}",
        f"{offer.support(tags.today())}; paid Extended Support opted out",
        f"{backups}; {protection}; {reach}",
        *expiry,
    )


def wait(target: Target, status: str = "available", timeout: float = 3600) -> Instance:
    """Wait until the DB instance has the status, with a bar that shows what it has and since when.

    "available" is taken for every status in which the server answers.

    Args:
        target: whose instance.
        status: "available" or "stopped".
        timeout: seconds.

    Raises:
        InstanceNotReady: there is no instance, it will not get there by itself, or the time is over.
    """
    deadline = time.monotonic() + timeout
    with progress.waiting(target.db_instance_identifier) as show:
        for pause in _pauses():
            found = instances.require(target)
            show(found.status)
            if found.status == status or (status == "available" and found.ready):
                return found
            _require_hope(found, status)
            if time.monotonic() + pause > deadline:
                raise InstanceNotReady(_too_late(found, status, timeout))
            time.sleep(pause)
    raise AssertionError("the pauses never end")


def _pauses() -> Iterator[float]:
    """Seconds between two looks: short at first, since the sandbox is quick, then as long as AWS deserves."""
    pause = FIRST_PAUSE_SECONDS
    while True:
        yield pause
        pause = min(pause * 1.3, LONGEST_PAUSE_SECONDS)


def _require_hope(found: Instance, status: str) -> None:
    if status == "available" or found.broken:
        instances.require_recoverable(found)


def _too_late(found: Instance, status: str, timeout: float) -> str:
    remedy = f"see why with {instances.log_command(found.identifier)}, or wait again"
    return f"{found.identifier} is {found.status} after {timeout:.0f} s, not {status}: {remedy}"
