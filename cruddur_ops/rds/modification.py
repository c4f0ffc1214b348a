"""The changes that make a DB instance what is wanted: when each takes effect, and what it interrupts."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from cruddur_ops import tags
from cruddur_ops.change import differences
from cruddur_ops.errors import ConfirmationRequired, NotVerified
from cruddur_ops.plan import Action, Call, Change, Plan
from cruddur_ops.rds import logs, offers, passwords, pending, settings, waiting
from cruddur_ops.rds.instances import Instance
from cruddur_ops.rds.settings import NO_GROWTH, Wish
from cruddur_ops.target import Target

MAJOR = "AllowMajorVersionUpgrade"
Fill = Callable[[], Mapping[str, Any]]


def changes(wish: Wish, found: Instance, asked: bool | None) -> Iterator[Change]:
    """A change for each setting and each tag that differs; the first of the settings makes the one call for all of them.

    Args:
        asked: whether all is made at once, with what waits for the maintenance window already; else what can, waits for it. Where
            nothing was asked for, it does so on a protected target alone.
    """
    at_once = not wish.target.protected if asked is None else asked
    resource, wanted = f"DB instance {found.identifier}", settings.modification(wish)
    differing = [replace(change, note=_note(change, found, at_once)) for change in differences(resource, wanted, wish.present)]
    if differing:
        changed = {change.setting: wanted[change.setting] for change in differing}
        differing[0] = replace(differing[0], **_made(wish, found, changed, at_once))
        yield from differing
        yield from pending.changes(found, changed) if at_once else ()
    elif asked:
        yield from _hurried(wish, found)
    yield from _tagging(wish.target, found, resource)


def _made(wish: Wish, found: Instance, changed: Mapping[str, Any], at_once: bool) -> dict[str, Any]:
    """How a change makes these settings so; on a protected target what clients notice, and cannot wait, is refused."""
    abrupt = [name for name in changed if settings.BY_NAME[name].abrupt]
    if abrupt and wish.target.protected and not at_once:
        message = f"{' and '.join(abrupt)} of {found.identifier} cannot wait for the maintenance window"
        remedy = "read its note in the plan, then ask for it with at_once = true, or `cruddur-ops rds modify --at-once`"
        return {"refusal": ConfirmationRequired(f"{message}: {remedy}")}
    fill: Fill | None = passwords.chosen(wish.target) if changed.get("ManageMasterUserPassword") is False else None
    now = {name: value for name, value in changed.items() if at_once or not settings.BY_NAME[name].deferred}
    later, parameters = () if at_once else settings.DEFERRED, _parameters(wish, found, changed, at_once)
    wait = partial(waiting.wait, wish.target, settled=True, later=later, before=found.status)
    if parameters.get(MAJOR) and at_once:
        known: set[str] = set()
        fill = partial(_remembered, wish.target, known, fill)
        news = partial(logs.last_event, wish.target)
        wait = partial(wait, lacks=partial(_upgraded, wish, now, known), timeout=waiting.LONGEST, news=news)
    else:
        if parameters.get(MAJOR):
            now.pop("DBParameterGroupName", None)  # it waits with the version that it is for
        wait = partial(wait, lacks=partial(_lacks, wish, now))
    return {"calls": (Call("rds", "modify_db_instance", parameters, fill=fill),), "settle": wait}


def _remembered(target: Target, known: set[str], fill: Fill | None) -> Mapping[str, Any]:
    """Note directly before the call what earlier upgrades have left in the logs."""
    known.update(logs.of_upgrades(target))
    return fill() if fill else {}


def _upgraded(wish: Wish, wanted: Mapping[str, Any], known: Collection[str], found: Instance) -> str:
    """What it lacks still, while RDS has not said why it will never have it: what is refused ends as available, too."""
    left = _lacks(wish, wanted, found)
    reason = logs.upgrade_failure(wish.target, known) if left else ""
    if reason:
        message = f"RDS did not upgrade {found.identifier}, which runs {found.engine_version} as before"
        rest = f"look at the rest with `cruddur-ops rds diagnose --upgrade {wish.version}`"
        raise NotVerified(f"{message}: {reason}: mend that, {rest}, then plan the upgrade again")
    return left


def _hurried(wish: Wish, found: Instance) -> Iterator[Change]:
    """What waits for the window, made now: a call that names one of the values again, which takes the others along."""
    named = min(found.pending.keys() & settings.BY_NAME, default="")
    for change in pending.changes(found) if named else ():
        if change.setting == named:
            call = Call("rds", "modify_db_instance", _parameters(wish, found, {named: found.pending[named]}, True))
            change = replace(change, calls=(call,), settle=partial(waiting.wait, wish.target, settled=True))
        yield change


def _lacks(wish: Wish, wanted: Mapping[str, Any], found: Instance) -> str:
    """Which of these settings the instance has not been given yet."""
    present = replace(wish, found=found).present
    left = [name for name, value in wanted.items() if present[name] != value]
    return f"{', '.join(left)} to come" if left else ""


def _parameters(wish: Wish, found: Instance, changed: Mapping[str, Any], at_once: bool) -> dict[str, Any]:
    """The parameters of the ModifyDBInstance call that makes these settings so."""
    parameters, logs = {"DBInstanceIdentifier": found.identifier, **changed, "ApplyImmediately": at_once}, settings.LOGS
    if logs in changed:
        parameters[logs] = {"EnableLogTypes": sorted({*changed[logs]} - {*wish.present[logs]})}
    if changed.get("MaxAllocatedStorage") == NO_GROWTH:  # a limit that is reached already switches growth off
        parameters["MaxAllocatedStorage"] = changed.get("AllocatedStorage", wish.present["AllocatedStorage"])
    kind, size, iops = (changed.get(name, wish.present[name]) for name in ("StorageType", "AllocatedStorage", "Iops"))
    storage = {"StorageType", "AllocatedStorage", "Iops"} & changed.keys()
    if storage and wish.present["Iops"] and offers.provisions(kind, size):  # neither is changed without the other
        parameters |= {"AllocatedStorage": size, "Iops": iops}
    if offers.major(changed.get("EngineVersion", found.engine_version)) != offers.major(found.engine_version):
        parameters[MAJOR] = True
    return parameters


def _note(change: Change, found: Instance, at_once: bool) -> str:
    row = settings.BY_NAME[change.setting]
    waits = row.deferred and not at_once
    effects = [f"waits for the maintenance window {found.maintenance_window}".rstrip() if waits else "at once", row.note]
    if change.setting == "BackupRetentionPeriod" and "0" in (change.before, change.after):
        effects.append("restarts the server" if change.before == "0" else "removes all automated backups; restarts the server")
    return "; ".join(filter(None, effects))


def _tagging(target: Target, found: Instance, resource: str) -> Iterator[Change]:
    """A change for each tag that is missing, or that another project's hand has changed."""
    for key, value in tags.missing(tags.of(target), found.tags).items():
        call = Call("rds", "add_tags_to_resource", {"ResourceName": found.arn, "Tags": tags.as_list({key: value})})
        yield Change(Action.MODIFY, resource, f"tag {key}", found.tags.get(key), value, calls=(call,))


def major_version(plan: Plan) -> str:
    """The other major version to which a plan goes, whose pre-checks come first, see `database.prechecks`; else empty."""
    versions = [change for change in plan.mutating if change.setting == "EngineVersion"]
    return next((str(one.after) for one in versions if offers.major(str(one.before)) != offers.major(str(one.after))), "")
