"""The upgrade to another major version, which is made by nothing else: checked, in the window or now, with its parameter group.

Planning raises what `upgrade_paths` and `offers` raise, and InstanceNotReady where the instance is in no state for it. Applying
raises WrongInput where something blocks it; NotVerified, with the sentence of RDS's log, where RDS refused it or undid it.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from cruddur_ops.change import Action, Change, later
from cruddur_ops.errors import WrongInput
from cruddur_ops.plan import Plan, step
from cruddur_ops.rds import instances, modification, parameter_groups, pending, settings, snapshots, waiting
from cruddur_ops.rds.instances import Instance
from cruddur_ops.rds.offers import major
from cruddur_ops.rds.practice import practising
from cruddur_ops.rds.settings import Wish
from cruddur_ops.rds.upgrade_paths import Problems, UpgradePath, upgrade_path
from cruddur_ops.target import Target

FRESH_HOURS = 6
MAKING = ("Database", "Practice data", "Schema", "Synthetic data", "snapshot")


@step
def plan_upgrade(target: Target, version: str, problems: Problems, *, snapshot: str = "", at_once: bool | None = None) -> Plan:
    """Go the next step towards a version.

    Args:
        target: whose instance.
        version: see `upgrade_path`.
        problems: tells what blocks the upgrade to a version, see `database.blockers`.
        snapshot: the one that is the way back.
        at_once: whether it is made now; else it waits for the maintenance window. By default now, unless the target is protected.
    """
    title, found = f"upgrade of {target.db_instance_identifier}", instances.describe(target)
    resource = f"DB instance {target.db_instance_identifier}"
    if found is None:
        note = "known after the DB instance is there"
        return Plan(title, (Change(Action.MODIFY, resource, "EngineVersion", after=version or "the newest", note=note),))
    instances.require_recoverable(found)
    if not found.ready:
        note, settle = f"{found.status}: wait until it is available", partial(waiting.wait, target, timeout=waiting.LONGEST)
        return Plan(title, (Change(Action.NONE, resource, note=note, settle=settle),))
    path, waits = upgrade_path(target, version), pending.until(found)
    if not path.steps or (found.pending.get("EngineVersion") == path.steps[0] and not at_once):
        note = f"waits for {found.maintenance_window}" if path.steps else f"runs PostgreSQL {path.running} already"
        return Plan(title, (Change(Action.NONE, resource, note=note),), pending=waits)
    changes = tuple(_changes(target, found, path.steps[0], at_once))
    blocked = problems(target, path.steps[0])
    if blocked:
        sentence = f"the upgrade to {path.steps[0]} would fail, and nothing was changed: {'; '.join(blocked)}; then plan it again"
        changes = (replace(changes[0], refusal=WrongInput(sentence)), *changes[1:])
    return Plan(title, changes, (*_facts(path, found), *_age(target, snapshot)), waits)


def _changes(target: Target, found: Instance, version: str, at_once: bool | None) -> Iterator[Change]:
    """The version and the group alone: whatever else somebody wants is 01's."""
    group = parameter_groups.wanted(target, found, version)
    named = {"db_parameter_group_name": group} if group else {}
    asked = replace(target, sources={}).asking("the upgrade", engine_version=version, **named)
    wish = Wish(settings.resolved(asked, found), version, None, found)
    return (change for change in modification.changes(wish, found, at_once) if not change.setting.startswith("tag "))


def _age(target: Target, snapshot: str) -> Iterator[str]:
    """That the way back leads too far back, or is not there."""
    taken = snapshots.describe(target, snapshot) if snapshot else None
    if snapshot and taken is None:
        yield f"there is no snapshot {snapshot} yet, which is the way back: it comes before this"
    elif taken and taken.taken and (hours := (datetime.now(UTC) - taken.taken).total_seconds() / 3600) > FRESH_HOURS:
        yield f"WARNING: the snapshot {snapshot} is {hours:.0f} hours old, and what was written since is not in it: take another"


def plan_later(target: Target, copy: str, *, blue_green: bool = False) -> tuple[Plan, ...]:
    """What comes with an upgrade besides its rehearsal, by kind, to be approved before; each is shown in full in its time.

    Args:
        target: whose instance.
        copy: on which the way back is tried.
        blue_green: whether it is made so.
    """
    name = target.name
    steps = {
        f"After the upgrade on {name}": (Action.MODIFY, "extensions and statistics"),
        f"restore on {name}": (Action.CREATE, f"DB instance {copy}"),
        f"removal of the practice on {name}": (Action.DELETE, f"DB instance {copy}"),
    }
    if blue_green:
        steps[f"removal of the blue/green deployment on {name}"] = (Action.DELETE, f"what was {target.db_instance_identifier}")
    if practising(target):
        making = (*MAKING, *(["master password"] if blue_green else []))
        steps |= {f"{kind} on {name}": (Action.CREATE, "something to practise on") for kind in making}
    return tuple(Plan(title, (later(action, what),)) for title, (action, what) in steps.items())


def _facts(path: UpgradePath, found: Instance) -> Iterator[str]:
    if len(path.steps) > 1:
        yield f"PostgreSQL {path.wanted} comes after that: plan this again then"
    yield "RDS looks first, and takes a snapshot where it keeps backups; then nobody gets in, for minutes as a rule"
    yield "it cannot be undone: the way back is a snapshot of before, restored beside, without what was written since"
    if found.replicas and major(path.next) != major(path.running):
        yield f"{', '.join(found.replicas)} go along: nobody gets in until all are done"
