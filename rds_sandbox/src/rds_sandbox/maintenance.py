"""Pending maintenance of DB instances: none, until a drill calls for it; the window applies it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from moto.core.utils import utcnow
from moto.rds.exceptions import DBInstanceNotFoundError, InvalidParameterValue, RDSClientError

from rds_sandbox.instances import SandboxDBInstance
from rds_sandbox.modifications import Modifications
from rds_sandbox.registry import MODIFIABLE

# Those of DB instances (API Reference, PendingMaintenanceAction); all of them restart the instance here.
ACTIONS = {
    "ca-certificate-rotation": "Rotation of CA certificate",
    "db-upgrade": "Automatic minor version upgrade",
    "hardware-maintenance": "Hardware maintenance",
    "os-upgrade": "New Operating System update is available",
    "system-update": "New Operating System patch is available",
}
WINDOW = timedelta(days=7)  # the longest that a weekly window can be away
OPT_INS = ("immediate", "next-maintenance", "undo-opt-in")


class Maintenance(Modifications):
    """The actions on pending maintenance, and the window."""

    def announce_maintenance(self, identifier: str, action: str) -> None:
        """Let an instance have a pending action, as AWS announces one."""
        if action not in ACTIONS:
            raise InvalidParameterValue(f"Invalid action: {action}. Valid: {', '.join(ACTIONS)}")
        due = {"Action": action, "Description": ACTIONS[action], "AutoAppliedAfterDate": utcnow() + WINDOW}
        self.find(identifier).maintenance[action] = due

    def list_maintenance(self, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
        """DescribePendingMaintenanceActions: the instances that have any."""
        arn = parameters.get("ResourceIdentifier")
        found = [self._by_arn(arn)] if arn else self.instances()
        wanted = {name for f in parameters.get("Filters") or () for name in f["Values"]}
        return [_described(i) for i in found if i.maintenance and (not wanted or {i.db_instance_identifier, i.arn} & wanted)]

    def apply_maintenance(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """ApplyPendingMaintenanceAction: at once, or in the next window."""
        instance = self._by_arn(parameters["ResourceIdentifier"])
        action, opt_in = parameters["ApplyAction"], parameters["OptInType"]
        if action not in instance.maintenance:
            raise RDSClientError("ResourceNotFoundFault", f"{instance.arn} has no pending action {action}.")
        if opt_in not in OPT_INS:
            raise InvalidParameterValue(f"Invalid opt-in type: {opt_in}. Valid: {', '.join(OPT_INS)}")
        instance.maintenance[action]["OptInStatus"] = opt_in
        if opt_in == "immediate":
            self.find(instance.db_instance_identifier, *MODIFIABLE)
            instance.begin([("maintenance", lambda: _perform(instance, [action]))], instance.status)
        return _described(instance)

    def open_maintenance_window(self, identifier: str) -> None:
        """Do all that waits for the window, which comes after storage is optimized too."""
        instance = self.find(identifier, *MODIFIABLE)
        instance.optimizing_since = None
        steps = list(self.steps_of_window(instance))
        if instance.maintenance:
            steps.append(("maintenance", lambda: _perform(instance, list(instance.maintenance))))
        if steps:
            instance.begin(steps, instance.status)

    def _by_arn(self, arn: str) -> SandboxDBInstance:
        try:
            return self.find(arn.rpartition(":db:")[2])
        except DBInstanceNotFoundError as error:
            raise RDSClientError("ResourceNotFoundFault", f"The specified resource {arn} was not found.") from error


def _perform(instance: SandboxDBInstance, actions: list[str]) -> None:
    instance.restart()
    for action in actions:
        del instance.maintenance[action]
        instance.say("maintenance", f"Applied {ACTIONS[action]}")


def _described(instance: SandboxDBInstance) -> dict[str, Any]:
    details: list[Mapping[str, Any]] = list(instance.maintenance.values())
    return {"ResourceIdentifier": instance.arn, "PendingMaintenanceActionDetails": details}
