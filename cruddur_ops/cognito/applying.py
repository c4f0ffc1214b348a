"""Makes the calls of these plans: with the package in the place of its name, and the patience that IAM and EC2 ask for."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cruddur_ops import applying, aws, calls, progress
from cruddur_ops.calls import Call
from cruddur_ops.cognito.packaging import package
from cruddur_ops.errors import OpsError, RunInProgress
from cruddur_ops.plan import Outcome, Plan

if TYPE_CHECKING:
    from cruddur_ops.targets import Target

# Answers that pass with time. A role that was just made is not known everywhere yet (IAM User Guide, "Troubleshoot
# IAM": eventually consistent); a function's network interfaces outlive it by up to 20 minutes (Lambda Developer Guide,
# "Giving Lambda functions access to resources in an Amazon VPC"), and their security group with them.
PASSING = {
    "create_function": ("InvalidParameterValueException", 60.0),
    "delete_security_group": ("DependencyViolation", 1800.0),
}
SETTLING_SECONDS = 600
UNSETTLED = ("create_function", "update_function_code", "update_function_configuration")


class FunctionFailed(OpsError):
    """Lambda took the function, and could not make it ready."""


def apply(plan: Plan, target: Target, confirm: str = "") -> Outcome:
    """Make the changes of a plan of this package.

    Raises:
        ConfirmationRequired: the target is protected and `confirm` is not its DB instance identifier.
        FunctionFailed: Lambda could not make the function ready.
        RunInProgress: what is to be uploaded is not what was planned any more.
        OpsError: as `applying.apply`.
    """
    return applying.apply(plan, target, confirm, send=send)


def send(target: Target, call: Call) -> None:
    """Make one call, and wait until what it made can be used."""
    code, seconds = PASSING.get(call.operation, ("", 0.0))
    parameters = unpacked(target, call.parameters)
    calls.send(target, replace(call, parameters=parameters, retry_code=code, retry_seconds=seconds))
    if call.operation in UNSETTLED:
        _settle(target, call.parameters["FunctionName"])


def unpacked(target: Target, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters with the package's bytes.

    Raises:
        RunInProgress: the package is another one now.
    """
    if "Code" in parameters:
        return {**parameters, "Code": unpacked(target, parameters["Code"])}
    if "ZipFile" not in parameters:
        return dict(parameters)
    packed = package(target)
    if packed.reference != parameters["ZipFile"]:
        raise RunInProgress("the function's files were changed since the plan was computed: compute it again")
    return {**parameters, "ZipFile": packed.content}


def _settle(target: Target, name: str) -> None:
    """Wait until Lambda has made the function ready; until then it takes no further change.

    Raises:
        FunctionFailed: it could not, or not in time.
    """
    functions = aws.client(target, "lambda")
    deadline = time.monotonic() + SETTLING_SECONDS
    with progress.waiting(name) as show:
        for pause in progress.pauses():
            found = functions.get_function_configuration(FunctionName=name)
            states = {found.get("State"), found.get("LastUpdateStatus")}
            show(" ".join(sorted(state for state in states if state)))
            if not states & {"Pending", "InProgress", "Failed"}:
                return
            if "Failed" in states or time.monotonic() > deadline:
                raise FunctionFailed(_reason(name, found))
            time.sleep(pause)


def _reason(name: str, found: Mapping[str, Any]) -> str:
    said = found.get("StateReason") or found.get("LastUpdateStatusReason") or "Lambda gives no reason"
    return f"{name} is not ready ({said.rstrip('.')}): mend that, then run 05_post_confirmation_lambda again"
