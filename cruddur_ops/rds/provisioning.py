"""The DB instance: the plan that makes it what the target wants.

Planning raises NotOffered where RDS does not offer what is wanted, NotFound where there is no security group or VPC of that
name, InstanceNotReady where the instance is stopped, being deleted or broken, and WrongInput where it is of another engine.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from cruddur_ops import tags
from cruddur_ops.calls import Call
from cruddur_ops.errors import WrongInput
from cruddur_ops.network import groups
from cruddur_ops.plan import Action, Change, Plan, step
from cruddur_ops.rds import instances, modification, offers, settings, waiting
from cruddur_ops.rds.instances import Instance
from cruddur_ops.rds.offers import Offer
from cruddur_ops.rds.settings import Wish
from cruddur_ops.targets import Target

AFTER_THE_GROUP = "known after the security group: apply its plan, then compute this one again"


def offer(target: Target) -> Offer:
    """What RDS offers for the target; for an instance that is there, its own version will do, withdrawn or not."""
    return offers.find(target, instances.describe(target))


def plan_both(target: Target, *, at_once: bool = True) -> Plan:
    """The security group and the DB instance: what differs from what is wanted."""
    both = groups.plan_group(target) + plan_instance(target, at_once=at_once)
    return replace(both, title=f"drift on {target.name}")


@step
def plan_instance(target: Target, *, at_once: bool = True) -> Plan:
    """Create the DB instance, or modify what differs from what is wanted, and wait until that is done.

    Args:
        target: with the wanted settings.
        at_once: whether changes of an instance are made at once; else those that can wait do so for its maintenance window.
    """
    found = instances.describe(target)
    if found:
        instances.require_recoverable(found)
    wish = Wish(target, offers.find(target, found), groups.describe(target), found)
    title, facts = f"DB instance on {target.name}", _facts(target, wish.offer)
    if found is None:
        return Plan(title, (_creation(wish),), facts)
    if found.engine != offers.ENGINE:
        raise WrongInput(f"{found.identifier} is a {found.engine} instance: set another db_instance_identifier")
    same = Change(Action.NONE, f"DB instance {found.identifier}")
    if not found.ready:
        settle = partial(waiting.wait, target)
        return Plan(title, (replace(same, note=f"{found.status}: wait until it is available", settle=settle),), facts)
    changes = tuple(modification.changes(wish, found, at_once))
    return Plan(title, changes or (same,), (*settings.shortfalls(wish, found), *facts), _pending(found))


def _creation(wish: Wish) -> Change:
    """The change that creates the instance; without its call while there is no security group to name."""
    target = wish.target
    storage = f"{target.allocated_storage} GiB {target.storage_type}"
    what = f"PostgreSQL {wish.offer.version} on {target.db_instance_class}, {storage}"
    change = Change(Action.CREATE, f"DB instance {target.db_instance_identifier}", after=what, note=AFTER_THE_GROUP)
    if wish.group is None:
        return change
    call, settle = Call("rds", "create_db_instance", settings.creation(wish)), partial(waiting.wait, target)
    return replace(change, note="takes 5 to 15 minutes on AWS", calls=(call,), settle=settle)


def _pending(found: Instance) -> tuple[str, ...]:
    """What waits for the maintenance window."""
    return (f"{', '.join(sorted(found.pending))} until {found.maintenance_window}",) if found.pending else ()


def _facts(target: Target, offer: Offer) -> tuple[str, ...]:
    """What it costs, how long it is supported, and how it is protected."""
    days = target.backup_retention_period
    backups = f"backups kept for {days} days" if days else "WARNING: no automated backups"
    protection = "deletion protection" if target.deletion_protection else "no deletion protection"
    reach = "publicly accessible" if target.publicly_accessible else "not publicly accessible"
    facts = (
        f"PostgreSQL {offer.then} comes after that: compute this plan again" if offer.then else "",
        f"cost: {offer.monthly_cost}",
        f"{offer.support(tags.today())}; paid Extended Support opted out",
        f"{backups}; {protection}; {reach}",
        f"tagged to expire in {target.instance_days} days" if target.instance_days else "",
    )
    return tuple(filter(None, facts))
