"""The copy on which a step is rehearsed: a sibling of the DB instance, made for that, and cleared away after it.

Its name is made from the identifier of the original, and proves nothing: it says in its tags that it is a copy of this very
original, for a rehearsal. Whoever holds the target's lock knows that nobody else rehearses on it: what an earlier rehearsal has
left goes before the next one begins. Its Expires tag lets `cruddur-ops expired` find it where none does.

A plan raises WrongInput where what has its name is something else, and InstanceNotReady where nothing can be copied.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from cruddur_ops import database, ledger, tags
from cruddur_ops.change import absent, later
from cruddur_ops.database.connection import session
from cruddur_ops.errors import InstanceNotReady, WrongInput
from cruddur_ops.plan import Action, Change, Outcome, Plan, step
from cruddur_ops.rds import drill, instances, prices, provisioning, replicas, restores, snapshots, waiting
from cruddur_ops.rds.instances import Instance
from cruddur_ops.target import Target

DAYS = 1  # after which nobody wants a copy any more
PURPOSE, REHEARSAL = "Purpose", "rehearsal"  # a tag, and its value


def copy_of(target: Target) -> Target:
    """The target for its copy: what the original has is asked for, but protection, and for a day."""
    require_copyable(target)
    copy = restores.sibling(target, drill.name(target, REHEARSAL))
    extra = ",".join(filter(None, [target.extra_tags, f"{PURPOSE}={REHEARSAL}"]))
    return replace(copy, instance_days=DAYS, extra_tags=extra)


def require_copyable(target: Target) -> None:
    """Refuse what has no copy, before AWS is asked anything, and so before the target's lock is taken."""
    if target.connection_url:
        raise WrongInput(f"{target.name} is a database at a URL, and RDS copies DB instances alone: name a target without one")


def plan_later(target: Target) -> tuple[Plan, ...]:
    """What a rehearsal does to its copy, by kind, to be approved before it begins; each is shown in full in its time."""
    name, copy = target.name, drill.name(target, REHEARSAL)
    titles = {
        f"copy of {name}": Action.CREATE,
        f"DB instance on {name}": Action.MODIFY,
        f"upgrade of {copy}": Action.MODIFY,
        f"removal of the copy of {name}": Action.DELETE,
    }
    return tuple(Plan(title, (later(action, f"DB instance {copy}"),)) for title, action in titles.items())


@step
def plan_copy(target: Target, snapshot: str = "") -> Plan:
    """Make the copy: of the latest moment that RDS can restore, where it keeps backups, else of the newest snapshot.

    Args:
        snapshot: the name of one to make it of instead.
    """
    copy, source = copy_of(target), instances.require(target)
    found, name = instances.describe(copy), copy.db_instance_identifier
    if found:
        require_own(found, source)
        settle = partial(waiting.wait, copy)
        return Plan(f"copy of {target.name}", (Change(Action.NONE, f"DB instance {name}", note="is there", settle=settle),))
    backed_up = not snapshot and source.backup_retention_period
    changes = _of_now(target, copy, source) if backed_up else (_of_snapshot(target, copy, source, snapshot),)
    cost = f"cost: {prices.an_hour(copy)}, until it is cleared away after the rehearsal; the original is not touched"
    return Plan(f"copy of {target.name}", changes, (cost,))


def _of_now(target: Target, copy: Target, source: Instance) -> tuple[Change, ...]:
    """The copy, once what is in the database now has come into the backups."""
    if not source.restorable_until:
        raise InstanceNotReady(f"{source.identifier} has no backup yet: wait some minutes, `cruddur-ops rds status` shows it")
    change = restores.from_backups(target, copy, source.restorable_until, source.identifier)
    parameters = {name: value for name, value in change.calls[0].parameters.items() if name != "RestoreTime"}
    call = replace(change.calls[0], parameters={**parameters, "UseLatestRestorableTime": True})
    waited = Change(
        Action.NONE,
        f"backups of {source.identifier}",
        note="minutes until they reach to now",
        settle=lambda: waiting.wait_until_restorable(target, database.next_second(target)),
    )
    return waited, replace(change, after=f"{source.identifier} as it is now", calls=(call,))


def _of_snapshot(target: Target, copy: Target, source: Instance, name: str) -> Change:
    found = snapshots.describe(target, name) if name else _newest(target, source)
    if found is None:
        remedy = "name one of `cruddur-ops rds snapshots`" if name else "take one with `cruddur-ops rds snapshot NAME`"
        what = f"no snapshot {name}" if name else f"neither a backup nor a snapshot of {source.identifier}"
        raise InstanceNotReady(f"there is {what} to make a copy from: {remedy}, or set backup_retention_period")
    if found.resource_id != source.resource_id:
        raise WrongInput(f"{found.name} is a snapshot of {found.instance}, which is another instance: name one of this target's")
    return restores.from_snapshot(target, copy, found, f"snapshot {found.name}")


def _newest(target: Target, source: Instance) -> snapshots.Snapshot | None:
    mine = [one for one in snapshots.of_instance(target) if one.status == "available" and one.resource_id == source.resource_id]
    return mine[-1] if mine else None


@step
def plan_removal(target: Target) -> Plan:
    """Delete the copy for good; where there is none, that is no change."""
    copy = copy_of(target)
    found, title = instances.describe(copy), f"removal of the copy of {target.name}"
    if found is None or found.going:
        gone = partial(waiting.wait_until_gone, copy)
        return Plan(title, (absent(f"DB instance {copy.db_instance_identifier}", found, gone),))
    require_own(found, instances.describe(target))
    return Plan(title, (replicas.removal(target, found),))


def require_own(found: Instance, original: Instance | None) -> None:
    """Refuse to use or delete what was not made for a rehearsal of this very original, whatever its name."""
    if not restores.is_copy(found, original) or found.tags.get(PURPOSE) != REHEARSAL:
        whose = original.resource_id if original else "the DbiResourceId of the original"
        marks = f"ManagedBy={tags.MANAGED_BY}, {restores.COPY_OF}={whose} and {PURPOSE}={REHEARSAL}"
        remedy = "give it another name, or tag it so if it is a copy that may go"
        raise WrongInput(f"there is a DB instance {found.identifier} already, which does not say {marks} by its tags: {remedy}")


@contextmanager
def copied(target: Target, snapshot: str, show: Callable[[Plan], object]) -> Iterator[Target]:
    """A copy as long as the block runs: made as the original is, and cleared away whatever happens.

    Args:
        snapshot: see `plan_copy`.
        show: is given each plan before it is applied.
    """
    clear(target, show)
    try:
        copy = copy_of(target)
        plan = plan_copy(target, snapshot)
        show(plan)
        bring_up(plan, copy, show)
        yield copy
        session(copy).close()
    finally:
        clear(target, show)


@ledger.told()
def bring_up(plan: Plan, copy: Target, show: Callable[[Plan], object] = print) -> Outcome:
    """Make a restored instance, and all that a restore cannot give it; its password comes under Secrets Manager.

    Args:
        plan: of the restore, which was shown.
        copy: the sibling that it makes.
        show: is given the plan of the rest, before that is applied.
    """
    restored = plan.apply()
    completed = _apply(provisioning.plan_instance(copy, at_once=True), show)
    database.wait_until_reachable(copy)
    return restored + completed


def clear(target: Target, show: Callable[[Plan], object]) -> None:
    """Remove the copy, where there is one; one that is being made is waited for, since RDS deletes none before that."""
    removal = plan_removal(target)
    if removal.mutating:
        waiting.wait_until_steady(copy_of(target))
        removal = plan_removal(target)
    _apply(removal, show)


def _apply(plan: Plan, show: Callable[[Plan], object]) -> Outcome:
    if plan.mutating:
        show(plan)
    return plan.apply()
