"""DeleteBlueGreenDeployment: with the green environment, or without.

Source: Amazon RDS User Guide, "Deleting a blue/green deployment".
"""

import threading
import time
from typing import Any

from moto.core.utils import utcnow
from moto.rds.exceptions import InvalidParameterCombination

from rds_sandbox.patches import Request, action
from rds_sandbox.rds import lifecycle, parameter_groups
from rds_sandbox.rds.blue_green.deployments import COMPLETED, DELETING, IN_PROGRESS, PROVISIONING, Deployment, find, wrong_state
from rds_sandbox.rds.blue_green.switchover import leave, stop_following
from rds_sandbox.rds.requests import given


@action("rds", "DeleteBlueGreenDeployment")
def delete(request: Request) -> dict[str, Any]:
    """After a switchover the instances stay; before, the green ones do unless DeleteTarget is given."""
    asked = given(request)
    deployment = find(request.backend, asked["BlueGreenDeploymentIdentifier"])
    with_target = bool(asked.get("DeleteTarget"))
    if deployment.status in (PROVISIONING, IN_PROGRESS, DELETING):
        raise wrong_state(f"The blue/green deployment {deployment.identifier} can't be deleted: it is {deployment.status}.")
    if with_target and deployment.status == COMPLETED:
        raise wrong_state("You can't specify DeleteTarget if the blue/green deployment status is SWITCHOVER_COMPLETED.")
    if with_target and any(each.deletion_protection for each in deployment.greens):
        raise InvalidParameterCombination(lifecycle.PROTECTED)
    switched = deployment.status == COMPLETED
    deployment.enter(DELETING)
    deployment.deleted = utcnow()
    for each in deployment.greens if with_target else ():
        each.status = "deleting"
    answer = {"BlueGreenDeployment": deployment.described()}
    threading.Thread(target=_perform, args=(deployment, switched, with_target), daemon=True).start()
    return answer


def _perform(deployment: Deployment, switched: bool, with_target: bool) -> None:
    began = time.monotonic()
    there = deployment.backend.instances()
    if with_target:
        for each in reversed([green for green in deployment.greens if green in there]):
            with each.at_work:
                each.status = "deleting"
                lifecycle.remove(each)
                lifecycle.forget(each)
    elif not switched and deployment.greens[:1] and deployment.green.machine.serving:
        _keep(deployment)
    if not switched:
        leave(deployment)
    deployment.blue.machine.host.let_last(began)
    deployment.say("deployment_deleted")
    deployment.backend.blue_green_deployments.pop(deployment.identifier, None)


def _keep(deployment: Deployment) -> None:
    green = deployment.green
    if deployment.slots or green.source is deployment.blue:
        stop_following(deployment)
    green.read_only = False
    parameter_groups.reload(green)
