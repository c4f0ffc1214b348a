"""SwitchoverBlueGreenDeployment: guardrails, an end to writes, and the exchange of names; or all as it was.

Source: Amazon RDS User Guide, "Switching a blue/green deployment".
"""

import threading
import time
from typing import Any

from rds_sandbox.patches import Request, action
from rds_sandbox.postgres import logical, replication
from rds_sandbox.rds import backups, modifications, replicas, validation
from rds_sandbox.rds.blue_green.deployments import COMPLETED, FAILED, IN_PROGRESS, READY, Deployment, find, wrong_state
from rds_sandbox.rds.instances import FAILURES
from rds_sandbox.rds.requests import given
from rds_sandbox.tables import limits

SECONDS = limits("rds")["switchover_seconds"]
LONG_SECONDS = 3  # open for longer, a transaction that has written is long-running: RDS says no number
POLL_SECONDS = 0.02


class Canceled(Exception):
    """The switchover cannot be done, for this reason; nothing that cannot be undone has happened."""


@action("rds", "SwitchoverBlueGreenDeployment")
def switchover(request: Request) -> dict[str, Any]:
    """Where the deployment is ready for it; the guardrails are checked after the answer."""
    asked, backend = given(request), request.backend
    deployment = find(backend, asked["BlueGreenDeploymentIdentifier"])
    validation.check_ranges(asked)
    deployment.look()
    if deployment.status not in READY:
        reason = f"{deployment.status}. {deployment.details}".strip()
        raise wrong_state(f"The blue/green deployment {deployment.identifier} can't be switched over: it is {reason}")
    for each in deployment.members:
        each.begun.wait()
        if each.status != "available":
            raise wrong_state(f"DB instance {each.db_instance_identifier} is not in available state")
    deployment.enter(IN_PROGRESS)
    for each in deployment.members:
        each.status = "modifying"
    answer = {"BlueGreenDeployment": deployment.described()}
    threading.Thread(target=_perform, args=(deployment, asked.get("SwitchoverTimeout", SECONDS)), daemon=True).start()
    return answer


def _perform(deployment: Deployment, seconds: float) -> None:
    """Switch over, or leave all as it was; the instances are available again before the deployment has its new status."""
    began = time.monotonic()
    names = [each.db_instance_identifier for each in (deployment.blue, deployment.green)]
    what = f"{names[0]} to {names[1]}"
    deployment.say("switching", what=what)
    deployment.say("primary_switching", what=what)
    try:
        _check(deployment, seconds)
        old, reason = _switch(deployment, began + seconds, what), ""
    except (Canceled, *FAILURES) as error:
        reason = str(error)
        for each in (deployment.blue, deployment.green):
            each.machine.serving = True  # whose server has ended is started again, as any other
    deployment.blue.machine.host.let_last(began)
    for each in deployment.members:
        each.status = "available"
    if reason:
        said = deployment.say("primary_canceled", what=what, reason=reason)
        deployment.say("canceled")
        deployment.enter(FAILED, said)
    else:
        deployment.say("primary_switched", what=what, blue=names[0], green=names[1], old=old)
        deployment.say("switched")
        deployment.enter(COMPLETED, "Switchover completed")


def _check(deployment: Deployment, seconds: float) -> None:
    blue, green = deployment.servers
    slots = list(deployment.slots.values())
    if blue.ask("external_replication", slots=slots, own=deployment.replication_name)[0][0]:
        raise Canceled("external replication on the blue primary instance")
    if not deployment.streaming:
        raise Canceled("replication that is not healthy")
    if not slots and replication.lag(green) > seconds:
        raise Canceled("a replication lag above the switchover timeout")
    for server, where in ((blue, "blue"), (green, "green")):
        if server.ask("long_writes", seconds=LONG_SECONDS if server is blue else 0)[0][0]:
            raise Canceled(f"active writes on the {where} primary instance")


def _switch(deployment: Deployment, deadline: float, what: str) -> str:
    """End all writes, let the green have them all, exchange the names; what the blue is called then."""
    blue, green = deployment.blue, deployment.green
    _close(deployment, deadline)
    if deployment.slots:
        deployment.say("sequences_begin", what=what)
        logical.copy_sequences(*deployment.servers, deployment.slots)
        deployment.say("sequences_end", what=what)
    blue.machine.stop()  # which sends what is left
    stop_following(deployment)
    blue.read_only, green.read_only = True, False
    for one, other in deployment.pairs:
        assert other is not None
        name = one.db_instance_identifier
        modifications.rename(one, _free(deployment, name))
        modifications.rename(other, name)
        other.tags = one.tags
    leave(deployment)
    return blue.db_instance_identifier


def _close(deployment: Deployment, deadline: float) -> None:
    """Let nobody in, end the sessions, and wait until the green has everything; Canceled where that takes too long."""
    blue, green = deployment.servers
    for each in (deployment.blue, deployment.green):
        each.machine.serving = False
    slots, position = list(deployment.slots.values()), ""
    while True:
        sessions = sum(server.ask("end_sessions")[0][0] for server in (blue, green))
        if not sessions:
            position = position or blue.ask("wal_position")[0][0]
            server, step = (blue, "confirmed") if slots else (green, "replayed")
            if server.ask(step, lsn=position, slots=slots)[0][0]:
                return
        if time.monotonic() > deadline:
            raise Canceled("the switchover timeout")
        time.sleep(POLL_SECONDS)


def _free(deployment: Deployment, name: str) -> str:
    number = 1
    while f"{name}-old{number}" in deployment.backend.databases:
        number += 1
    return f"{name}-old{number}"


def stop_following(deployment: Deployment) -> None:
    """Make the green server one of its own, whether the blue one runs or not."""
    server = deployment.green.machine.running_server()
    if deployment.slots:
        logical.unsubscribe(server, deployment.replication_name, deployment.slots)
    else:
        replication.promote(server)


def leave(deployment: Deployment) -> None:
    """Nothing on the blue server waits for the green one any longer; backups of what was a standby begin."""
    if deployment.blue.machine.serving and deployment.slots:
        logical.unpublish(deployment.blue.machine.running_server(), deployment.replication_name, deployment.slots)
    green = deployment.pairs[0][1]
    if green and green.source is deployment.blue:
        replicas.detach(green)
        green.source = None
        if green.machine.serving and green.backup_retention_period:
            backups.enable(green)
