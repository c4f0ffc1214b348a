"""The DB instance: the plan that makes it what the target wants."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from cruddur_ops import tags
from cruddur_ops.calls import Call
from cruddur_ops.errors import WrongInput
from cruddur_ops.network import groups
from cruddur_ops.network.groups import Group
from cruddur_ops.plan import Action, Change, Plan, step
from cruddur_ops.rds import instances, modification, offers, settings, upgrades, waiting
from cruddur_ops.rds.instances import Instance, describe
from cruddur_ops.rds.offers import Offer

if TYPE_CHECKING:
    from cruddur_ops.targets import Target

AFTER_THE_GROUP = "known after the security group: apply its plan, then compute this one again"


def offer(target: Target) -> Offer:
    """What RDS offers for the target; for an instance that is there, its own version will do, withdrawn or not.

    Raises:
        NotOffered: RDS does not offer what is wanted.
    """
    return _offer(target, describe(target))


def _offer(target: Target, found: Instance | None) -> Offer:
    """What RDS offers; for an instance that is there, the version of the next step towards the wanted one."""
    if found is None:
        return offers.find(target)
    offered = offers.find(target, found.engine_version, found.db_instance_class)
    if offers.meets(found.engine_version, offered.version):
        return offered
    return upgrades.next_step(offered, found.engine_version, upgrades.targets(target, found.engine_version))


def plan_both(target: Target, *, at_once: bool = True) -> Plan:
    """The security group and the DB instance: what differs from what is wanted.

    Raises:
        OpsError: as `plan_instance`.
    """
    both = groups.plan_group(target) + plan_instance(target, at_once=at_once)
    return replace(both, title=f"drift on {target.name}")


@step
def plan_instance(target: Target, *, at_once: bool = True) -> Plan:
    """Create the DB instance, or modify what differs from what is wanted.

    Args:
        target: with the wanted settings.
        at_once: whether changes of an instance are made at once; else those that can wait do so for its maintenance window.

    Raises:
        NotOffered: RDS does not offer what is wanted.
        InstanceNotReady: the instance is stopped, being deleted, or broken.
        NotFound: DB_SG_ID names no security group, or there is no default VPC.
        WrongInput: the instance is of another engine.
    """
    found = describe(target)
    if found:
        instances.require_recoverable(found)
    return instance_plan(target, _offer(target, found), found, groups.describe(target), at_once)


def instance_plan(target: Target, offer: Offer, found: Instance | None, group: Group | None, at_once: bool = True) -> Plan:
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
        settle = partial(waiting.wait, target)
        return Plan(title, (Change(Action.NONE, _name(found.identifier), note=note, settle=settle),), _facts(target, offer))
    facts = (*settings.shortfalls(target, found), *_facts(target, offer))
    changes = tuple(modification.changes(target, offer, found, group, at_once))
    pending = (f"{', '.join(sorted(found.pending))} until {found.maintenance_window}",) if found.pending else ()
    return Plan(title, changes or (Change(Action.NONE, _name(found.identifier)),), facts, pending)


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
    settle = partial(waiting.wait, target)
    return Change(Action.CREATE, resource, after=what, note="takes 5 to 15 minutes on AWS", calls=(call,), settle=settle)


def _facts(target: Target, offer: Offer) -> tuple[str, ...]:
    """What it costs, how long it is supported, and how it is protected."""
    days = target.backup_retention_period
    backups = f"backups kept for {days} days" if days else "WARNING: no automated backups"
    protection = "deletion protection" if target.deletion_protection else "no deletion protection"
    reach = "publicly accessible" if target.publicly_accessible else "not publicly accessible"
    expiry = (f"tagged to expire in {target.instance_days} days",) if target.instance_days else ()
    then = (f"PostgreSQL {offer.then} comes after that: compute this plan again",) if offer.then else ()
    return (
        *then,
        f"cost: {offer.monthly_cost}",
        f"{offer.support(tags.today())}; paid Extended Support opted out",
        f"{backups}; {protection}; {reach}",
        *expiry,
    )
