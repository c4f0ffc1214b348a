"""The DB instance: the plan that makes it what the target wants.

Planning raises NotOffered where RDS does not offer what is wanted, NotFound where there is no security group or VPC of that
name, InstanceNotReady where the instance is stopped, being deleted or broken, and WrongInput where it is of another engine.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from cruddur_ops import moment, progress, tags
from cruddur_ops.errors import WrongInput
from cruddur_ops.network import groups
from cruddur_ops.plan import Action, Call, Change, Plan, step
from cruddur_ops.rds import instances, modification, offers, passwords, pending, restores, settings, waiting
from cruddur_ops.rds.instances import Instance
from cruddur_ops.rds.offers import Offer
from cruddur_ops.rds.settings import Wish
from cruddur_ops.target import NO_EXTENDED_SUPPORT, Target

AFTER_THE_GROUP = "known after the security group: apply its plan, then compute this one again"


def offer(target: Target) -> Offer:
    """What RDS offers for the target; for an instance that is there, its own version will do, withdrawn or not."""
    found = instances.describe(target)
    return offers.find(settings.resolved(target, found, major=False), found)


@moment.one()
def plan_both(target: Target, *, at_once: bool | None = None, major: bool = False) -> Plan:
    """The security group and the DB instance: what differs from what is wanted."""
    both = groups.plan_group(target) + plan_instance(target, at_once=at_once, major=major)
    return replace(both, title=f"drift on {target.name}")


@step
def plan_instance(target: Target, *, at_once: bool | None = None, major: bool = False) -> Plan:
    """Create the DB instance, or modify what differs from what somebody asked for, and wait until that is done.

    Args:
        at_once: whether changes of an instance are made at once; else those that can wait do so for its maintenance window.
            By default they are, unless the target is protected. Asked for, it hurries what waits for the window already.
        major: whether it may go to another major version.
    """
    found = instances.describe(target)
    if found and found.engine != offers.ENGINE:
        raise WrongInput(f"{found.identifier} is a {found.engine} instance: set another db_instance_identifier")
    if found:
        _require_not_others(target, found)
    if found and found.status != instances.FULL:
        instances.require_recoverable(found)
    wanted = settings.resolved(target, found, major=major)
    offered = offers.find(wanted, found)
    wish = Wish(wanted, offered.version, _group(target, found), found)
    title, facts = f"DB instance on {target.name}", _facts(wanted, offered)
    if found is None:
        instances.require_not_renamed(target)
        return Plan(title, (_creation(wish),), facts)
    same = Change(Action.NONE, f"DB instance {found.identifier}")
    if not found.ready and found.status != instances.FULL:
        settle = partial(waiting.wait, target)
        return Plan(title, (replace(same, note=f"{found.status}: wait until it is available", settle=settle),), facts)
    changes = tuple(modification.changes(wish, found, at_once))
    if "AllocatedStorage" not in [change.setting for change in changes]:
        instances.require_recoverable(found)
    shortfalls = (*_upgrade(target, wanted), *_shortfalls(wish, found))
    return Plan(title, changes or (same,), (*shortfalls, *facts), pending.until(found))


def _require_not_others(target: Target, found: Instance) -> None:
    """Refuse an instance whose tags say that it is another's; one of which they say nothing is adopted. A copy may be renamed."""
    ours = {"ManagedBy": tags.MANAGED_BY} | ({} if restores.COPY_OF in found.tags else {tags.INSTANCE: found.identifier})
    others = [f"{key}={found.tags[key]}" for key, value in ours.items() if found.tags.get(key, value) != value]
    if others:
        message = f"{found.identifier} is somebody else's, by its tags {' and '.join(others)}, and is left alone"
        raise WrongInput(f"{message}: set another db_instance_identifier, or correct these tags if it is this target's")


def _group(target: Target, found: Instance | None) -> groups.Group | None:
    """The group of a new instance; for one that is there, that which was asked for."""
    return groups.describe(target, {}) if found is None or target.asked("security_group_id") else None


def _upgrade(target: Target, wanted: Target) -> Iterator[str]:
    """That a major upgrade is wanted, which is never made by the way."""
    if target.asked("engine_version") and offers.major(wanted.engine_version) != offers.major(target.engine_version):
        what = f"PostgreSQL {target.engine_version} is wanted, and {wanted.engine_version} runs"
        yield f"{what}: a major upgrade is made by 09_upgrade, or `cruddur-ops rds modify`, after its pre-checks"


def _shortfalls(wish: Wish, found: Instance) -> Iterator[str]:
    """Lines about what is wanted and cannot be had by modifying the instance, each with the way out."""
    target = wish.target
    for row in settings.SETTINGS:
        wanted, there = row.wanted(wish), wish.present[row.name]
        if row.fixed and wanted not in (None, there):
            yield row.fixed.format(wanted=wanted, found=there, no="" if there else "not ")
    if wish.group and not wish.fits:
        yield f"the security group {wish.group.name} is of another VPC, and is not attached: set security_group_id to one of this"
    if found.allocated_storage > target.allocated_storage:
        yield f"it has {found.allocated_storage} GiB, more than wanted: storage never shrinks"
    if not offers.meets(target.engine_version, offers.major(found.engine_version)):
        yield f"it runs PostgreSQL {found.engine_version}, newer than wanted: RDS never goes back"
    if found.status == settings.OPTIMIZING:
        yield "its storage is being optimized, for up to some hours: until then no setting of the storage is changed"
    if found.pending:
        yield f"RDS has accepted and not made yet: {', '.join(sorted(found.pending))}"
    if not found.secret_arn and (found.replicas or found.source):
        yield "its master password is our own as long as it replicates: RDS manages none with read replicas"


def _creation(wish: Wish) -> Change:
    """The change that creates the instance; without its call while there is no security group to name."""
    target = wish.target
    storage = f"{target.allocated_storage} GiB {target.storage_type}"
    what = f"PostgreSQL {wish.version} on {target.db_instance_class}, {storage}"
    change = Change(Action.CREATE, f"DB instance {target.db_instance_identifier}", after=what, note=AFTER_THE_GROUP)
    parameters = settings.creation(wish)
    fill = None if "ManageMasterUserPassword" in parameters else passwords.chosen(target)
    if wish.group is None:
        return change
    call, settle = Call("rds", "create_db_instance", parameters, fill=fill), partial(waiting.wait, target)
    return replace(change, note=f"takes {progress.USUAL['creating']} on AWS", calls=(call,), settle=settle)


def _facts(target: Target, offer: Offer) -> tuple[str, ...]:
    """What it costs, how long it is supported, and how it is protected."""
    days = target.backup_retention_period
    backups = f"backups kept for {days} days" if days else "WARNING: no automated backups"
    protection = "deletion protection" if target.deletion_protection else "no deletion protection"
    reach = "publicly accessible" if target.publicly_accessible else "not publicly accessible"
    opted_out = target.engine_lifecycle_support == NO_EXTENDED_SUPPORT
    extended = "paid Extended Support opted out" if opted_out else "then paid Extended Support, which is not opted out"
    facts = (
        f"PostgreSQL {offer.then} comes after that: compute this plan again" if offer.then else "",
        f"cost: {offer.monthly_cost}",
        f"{offer.support(tags.today())}; {extended}",
        f"{backups}; {protection}; {reach}",
        f"tagged to expire in {target.instance_days} days" if target.instance_days else "",
    )
    return tuple(filter(None, facts))
