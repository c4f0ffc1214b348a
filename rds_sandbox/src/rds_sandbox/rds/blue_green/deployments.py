"""Blue/green deployments as DescribeBlueGreenDeployments shows them.

Source: RDS API Reference, BlueGreenDeployment, SwitchoverDetail, BlueGreenDeploymentTask, and the examples of the four actions.
"""

import secrets
import string
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

import psycopg
from moto.rds.exceptions import BlueGreenDeploymentNotFoundFault, RDSClientError
from moto.rds.models import RDSBaseModel

from rds_sandbox.patches import Request, action
from rds_sandbox.postgres import Server, logical
from rds_sandbox.rds import events, replicas
from rds_sandbox.rds.backend import SandboxRDSBackend
from rds_sandbox.rds.instances import SandboxDBInstance, Work
from rds_sandbox.rds.requests import filters, given, paged

PROVISIONING, AVAILABLE, INVALID, DELETING = "PROVISIONING", "AVAILABLE", "INVALID_CONFIGURATION", "DELETING"
IN_PROGRESS, COMPLETED, FAILED = "SWITCHOVER_IN_PROGRESS", "SWITCHOVER_COMPLETED", "SWITCHOVER_FAILED"
READY = (AVAILABLE, FAILED)  # to be switched over
DEGRADED = "Replication degraded: {} in the blue environment. Delete the blue/green deployment and all green databases."
FILTERS = {
    "blue-green-deployment-identifier": "BlueGreenDeploymentIdentifier",
    "blue-green-deployment-name": "BlueGreenDeploymentName",
    "source": "Source",
    "target": "Target",
}


def drawn(length: int) -> str:
    """So many small letters and digits, as RDS has them in the names that it makes."""
    return "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(length))


class Deployment(RDSBaseModel):
    """A blue/green deployment."""

    resource_type = "deployment"
    event_source_type = "blue-green-deployment"
    backend: Any
    details: str  # what there is to say of the status
    reached: str  # the last status that its members share
    resource_id = property(lambda self: self.identifier)
    say = events.say  # record an event; its message

    def __init__(self, backend: Any, name: str, blue: SandboxDBInstance, tasks: Iterable[str], tags: Any) -> None:
        super().__init__(backend)
        self.identifier = f"bgd-{drawn(16)}"
        # Of its publications and subscriptions, and what the names of its slots begin with.
        self.replication_name = self.identifier.replace("-", "_")
        self.name, self.tags = name, tags
        # Each blue instance with its green one, where there is one yet; replicas come after their source.
        self.pairs: list[tuple[SandboxDBInstance, SandboxDBInstance | None]] = [(blue, None)]
        self.slots: dict[str, str] = {}  # the logical slot of each of the blue's databases; none where replication is physical
        # What the blue held, of what logical replication does not carry, when the green began to follow.
        self.known: tuple[list[str], list[str]] = ([], [])
        self.deleted: datetime | None = None
        self.enter(PROVISIONING)
        self.tasks = dict.fromkeys(tasks, "PENDING")
        backend.resource_map[Deployment] = backend.blue_green_deployments  # where moto looks for what has tags
        backend.blue_green_deployments[self.identifier] = self

    @property
    def blue(self) -> SandboxDBInstance:
        """The primary instance of the blue environment."""
        return self.pairs[0][0]

    @property
    def green(self) -> SandboxDBInstance:
        """That of the green environment; there is one, once the deployment is available."""
        green = self.pairs[0][1]
        assert green is not None
        return green

    @property
    def greens(self) -> list[SandboxDBInstance]:
        """The green environment that there is."""
        return [green for _, green in self.pairs if green]

    @property
    def members(self) -> list[SandboxDBInstance]:
        """All instances of both environments."""
        return [each for pair in self.pairs for each in pair if each]

    @property
    def servers(self) -> tuple[Server, Server]:
        """The blue one and the green one."""
        return self.blue.machine.running_server(), self.green.machine.running_server()

    @property
    def streaming(self) -> bool:
        """Whether the green server takes what the blue one sends."""
        slots = list(self.slots.values()) or [replicas.slot(self.green)]
        return bool(self.servers[0].ask("streaming", slots=slots)[0][0])

    def enter(self, status: str, details: str = "") -> None:
        """Have another status."""
        self.status, self.details = status, details
        if status not in (INVALID, DELETING):
            self.reached = status

    def fail(self, reason: str) -> None:
        """It will not become available."""
        self.tasks = {name: "FAILED" if status == "IN_PROGRESS" else status for name, status in self.tasks.items()}
        self.enter(INVALID, self.say("deployment_failed", reason=reason))

    def task(self, name: str, work: Work) -> None:
        """Do the work of a task, unless an earlier one has failed."""
        if self.status == PROVISIONING:
            self.tasks[name] = "IN_PROGRESS"
            work()
            if self.status == PROVISIONING:
                self.tasks[name] = "COMPLETED"

    def look(self) -> None:
        """Find out whether it can still be switched over; RDS tells once that it cannot."""
        problem = next(self._problems(), "") if self.status in READY else ""
        if problem and self.status in READY:  # not where a switchover has begun meanwhile
            self.enter(INVALID, problem)
            self.say("deployment_degraded", problem=problem)

    def _problems(self) -> Iterator[str]:
        for each in (each for pair in self.pairs for each in pair):
            if each not in self.backend.instances():
                yield "A resource of the blue/green deployment has been deleted."
        if not self.slots and self.green.source is not self.blue:
            yield "The green DB instance was promoted: replication between the environments has ended."
        with suppress(psycopg.OperationalError):  # where the server has just ended
            found = logical.fingerprints(self.servers[0], self.slots) if self.slots else self.known
            if found[0] != self.known[0]:
                yield DEGRADED.format("DDL changes were made")
            if found[1] != self.known[1]:
                yield DEGRADED.format("large objects were created or modified")

    def described(self) -> dict[str, Any]:
        """What the API shows."""
        there = self.backend.instances()
        return {
            "BlueGreenDeploymentIdentifier": self.identifier,
            "BlueGreenDeploymentName": self.name,
            "Source": self.blue.arn,
            "Target": self.pairs[0][1].arn if self.pairs[0][1] else None,
            "SwitchoverDetails": [self._detail(there, *pair) for pair in self.pairs],
            "Tasks": [{"Name": name, "Status": status} for name, status in self.tasks.items()],
            "Status": self.status,
            "StatusDetails": self.details or None,
            "CreateTime": self.created,
            "DeleteTime": self.deleted,
            "TagList": self.tags,
        }

    def _detail(self, there: list[Any], blue: SandboxDBInstance, green: SandboxDBInstance | None) -> dict[str, Any]:
        status = "MISSING_SOURCE" if blue not in there else "MISSING_TARGET" if green not in there else self.reached
        return {"SourceMember": blue.arn} | ({"TargetMember": green.arn, "Status": status} if green else {})


def find(backend: SandboxRDSBackend, identifier: str) -> Deployment:
    """The deployment of this identifier."""
    found = backend.blue_green_deployments.get(identifier)
    if not isinstance(found, Deployment):
        raise BlueGreenDeploymentNotFoundFault(identifier)
    return found


def wrong_state(message: str) -> RDSClientError:
    """The refusal of what a deployment cannot do in its present state."""
    return RDSClientError("InvalidBlueGreenDeploymentStateFault", message)


@action("rds", "DescribeBlueGreenDeployments")
def describe(request: Request) -> dict[str, Any]:
    """One, or those that the filters let through."""
    asked, backend = given(request), request.backend
    wanted = {FILTERS[name]: values for name, values in filters(asked, FILTERS).items()}
    identifier = asked.get("BlueGreenDeploymentIdentifier")
    found = [find(backend, identifier)] if identifier else list(backend.blue_green_deployments.values())
    for each in found:
        each.look()
    rows = [row for row in (each.described() for each in found) if all(row[key] in values for key, values in wanted.items())]
    return paged({"BlueGreenDeployments": rows}, asked)
