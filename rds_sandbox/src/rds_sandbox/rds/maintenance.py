"""Pending maintenance of DB instances: none, until somebody announces it; the window applies it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from moto.core.utils import utcnow
from moto.rds.exceptions import InvalidParameterValue, RDSClientError

from rds_sandbox import patches
from rds_sandbox.patches import Request, action
from rds_sandbox.rds import facts, modifications, validation, windows
from rds_sandbox.rds.backend import MODIFIABLE, SandboxRDSBackend, wrong_state
from rds_sandbox.rds.instances import SandboxDBInstance
from rds_sandbox.rds.requests import filters, given, paged

ACTIONS: Mapping[str, str] = facts.tables()["maintenance"]
ROTATION = "ca-certificate-rotation"
WINDOW = timedelta(days=7)  # the longest that a weekly window can be away
OPT_INS = ("immediate", "next-maintenance", "undo-opt-in")


def announce(instance: SandboxDBInstance, name: str) -> None:
    """Let an instance have a pending action, as AWS announces one."""
    if name not in ACTIONS:
        raise InvalidParameterValue(f"Invalid action: {name}. Valid: {', '.join(ACTIONS)}")
    due = {"Action": name, "Description": ACTIONS[name], "AutoAppliedAfterDate": utcnow() + WINDOW}
    instance.maintenance[name] = due


def open_window(instance: SandboxDBInstance) -> None:
    """Do all that waits for the window, which comes after storage is optimized too; the next one is a week later."""
    with patches.turn:
        instance.backend.find(instance.db_instance_identifier, *MODIFIABLE)
        instance.optimizing_since = None
        steps = list(modifications.steps_of_window(instance))
        if due := [name for name, each in instance.maintenance.items() if _is_due(each)]:
            steps.append(("maintenance", lambda: _perform(instance, due)))
        for each in instance.maintenance.values():
            each["AutoAppliedAfterDate"] -= WINDOW
        waited = instance.pending
        if steps:
            instance.begin(steps, instance.status, lambda: modifications.done(instance, waited))


def _is_due(due: Mapping[str, Any]) -> bool:
    """Whether the window applies it: somebody opted in, or it is past the date from which it is applied unasked."""
    return "OptInStatus" in due or due["AutoAppliedAfterDate"] <= utcnow()


@action("rds", "DescribePendingMaintenanceActions")
def describe(request: Request) -> dict[str, Any]:
    """The instances that have any."""
    asked = given(request)
    arn = asked.get("ResourceIdentifier")
    found = [_by_arn(request.backend, arn)] if arn else request.backend.instances()
    wanted = {name for values in filters(asked, ("db-cluster-id", "db-instance-id")).values() for name in values}
    chosen = [_described(i) for i in found if i.maintenance and (not wanted or {i.db_instance_identifier, i.arn} & wanted)]
    return paged({"PendingMaintenanceActions": chosen}, asked)


@action("rds", "ApplyPendingMaintenanceAction")
def apply(request: Request) -> dict[str, Any]:
    """At once, or in the next window; or not yet after all."""
    asked = given(request)
    instance = _by_arn(request.backend, asked["ResourceIdentifier"])
    name, opt_in = asked["ApplyAction"], asked["OptInType"]
    if name not in instance.maintenance:
        raise RDSClientError("ResourceNotFoundFault", f"{instance.arn} has no pending action {name}.")
    if opt_in not in OPT_INS:
        raise InvalidParameterValue(f"Invalid opt-in type: {opt_in}. Valid: {', '.join(OPT_INS)}")
    if opt_in == "immediate":
        request.backend.find(instance.db_instance_identifier, *MODIFIABLE)
    _opt(instance, instance.maintenance[name], opt_in)
    if opt_in == "immediate":
        instance.begin([("maintenance", lambda: _perform(instance, [name]))], instance.status)
    return {"ResourcePendingMaintenanceActions": _described(instance)}


def _opt(instance: SandboxDBInstance, due: dict[str, Any], opt_in: str) -> None:
    """Keep an opt-in, or undo it; an immediate one cannot be undone (API Reference, ApplyPendingMaintenanceAction)."""
    if opt_in != "undo-opt-in":
        due["OptInStatus"] = opt_in
    elif due.get("OptInStatus") == "immediate":
        raise wrong_state(f"{due['Action']} is being applied to {instance.db_instance_identifier}: it can't be undone.")
    else:
        due.pop("OptInStatus", None)


def _by_arn(backend: SandboxRDSBackend, arn: str) -> SandboxDBInstance:
    for instance in backend.instances():
        if instance.arn == arn:
            return instance
    raise RDSClientError("ResourceNotFoundFault", f"The specified resource {arn} was not found.")


def _perform(instance: SandboxDBInstance, names: list[str]) -> None:
    """Upgrade, to the version that has AutoUpgrade (UpgradeTarget), where that is among them; a certificate restarts nothing."""
    instance.say("maintaining")
    if ROTATION in names:
        instance.machine.certify()
    before = instance.engine_version
    version = validation.resolve_upgrade(str(facts.major(before)), before) if "db-upgrade" in names else before
    if version != before:
        modifications.upgrade(instance, {"EngineVersion": version})
    elif set(names) != {ROTATION}:
        instance.restart()
    for name in names:
        del instance.maintenance[name]
    instance.say("maintained")


def _applied(instance: SandboxDBInstance, due: Mapping[str, Any]) -> datetime:
    """In the next window once somebody opted in, else in the first one after the date from which it is applied unasked.

    Source: API Reference, PendingMaintenanceAction: AutoAppliedAfterDate, CurrentApplyDate.
    """
    opted = due.get("OptInStatus")
    if opted == "immediate":
        return utcnow()
    return windows.next_opening(instance.preferred_maintenance_window, utcnow() if opted else due["AutoAppliedAfterDate"])


def _described(instance: SandboxDBInstance) -> dict[str, Any]:
    details = [{**due, "CurrentApplyDate": _applied(instance, due)} for due in list(instance.maintenance.values())]
    return {"ResourceIdentifier": instance.arn, "PendingMaintenanceActionDetails": details}
