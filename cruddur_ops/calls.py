"""The thin layer that makes the AWS API calls of a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cruddur_ops import aws
from cruddur_ops.errors import InstanceNotReady, NotOffered, OpsError, RunInProgress, WrongInput
from cruddur_ops.plan import Action, Call, Change, Outcome, Plan, require_confirmation
from cruddur_ops.plan import apply as apply_plan

if TYPE_CHECKING:
    from cruddur_ops.targets import Target

SETTINGS = "correct the setting: `cruddur-ops targets` shows each with its source"
AGAIN = "somebody else was quicker: compute the plan again"
# Answers that an operator can do something about, by AWS error code.
REFUSAL_CODES: dict[str, tuple[type[OpsError], str]] = {
    "DBInstanceAlreadyExists": (RunInProgress, AGAIN),
    "InstanceQuotaExceeded": (NotOffered, "delete an instance, or ask for more in Service Quotas"),
    "InsufficientDBInstanceCapacity": (NotOffered, "try another class or zone, or later"),
    "InvalidDBInstanceState": (InstanceNotReady, "wait until the instance is available, then repeat"),
    "InvalidGroup.Duplicate": (RunInProgress, AGAIN),
    "InvalidParameterCombination": (WrongInput, SETTINGS),
    "InvalidParameterValue": (WrongInput, SETTINGS),
    "InvalidPermission.Duplicate": (RunInProgress, AGAIN),
    "InvalidSecurityGroupRuleId.NotFound": (RunInProgress, AGAIN),
    "RulesPerSecurityGroupLimitExceeded": (NotOffered, "revoke rules, or ask for more in Service Quotas"),
    "StorageQuotaExceeded": (NotOffered, "delete an instance, or ask for more in Service Quotas"),
    "StorageTypeNotSupported": (NotOffered, "set another storage_type"),
}


def apply(plan: Plan, target: Target, confirm: str = "") -> Outcome:
    """Make the plan's AWS API calls, in order.

    Args:
        plan: of AWS resources; one that needs another first is refused.
        target: where.
        confirm: the DB instance identifier, for a protected target.

    Raises:
        ConfirmationRequired: the target is protected and `confirm` is not its identifier.
        InstanceNotReady: the plan waits for something that is not there yet, or the instance is busy.
        NotOffered: AWS has no capacity, or the account's quota is used up.
        WrongInput: AWS refuses a value.
        RunInProgress: somebody else changed the same resource since the plan was computed.
    """
    identifier = target.db_instance_identifier
    require_confirmation(plan, protected=target.protected, identifier=identifier, confirm=confirm)
    _require_complete(plan)
    return apply_plan(plan, lambda change: _make(change, target))


def _require_complete(plan: Plan) -> None:
    for change in plan.mutating:
        if change.action is not Action.MODIFY and not change.calls:
            raise InstanceNotReady(f"{change.resource} cannot be changed yet: {change.note}")


def _make(change: Change, target: Target) -> None:
    for call in change.calls:
        _call(target, call)


def _call(target: Target, call: Call) -> None:
    from botocore.exceptions import ClientError

    try:
        aws.call(target, call)
    except ClientError as error:
        refusal = REFUSAL_CODES.get(aws.error_code(error))
        if refusal is None:
            raise
        kind, remedy = refusal
        reason = error.response["Error"].get("Message", "").rstrip(".")
        raise kind(f"AWS refuses {call.operation} ({aws.error_code(error)}: {reason}): {remedy}") from error
