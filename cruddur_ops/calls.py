"""The thin layer that makes the AWS API calls of a plan."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from cruddur_ops import aws, patience
from cruddur_ops.errors import InstanceNotReady, NotOffered, OpsError, RunInProgress, WrongInput
from cruddur_ops.plan import Action, Call, Change, Outcome, Plan, require_confirmation
from cruddur_ops.plan import apply as apply_plan

if TYPE_CHECKING:
    from cruddur_ops.targets import Target

SETTINGS = "correct the setting: `cruddur-ops targets` shows each with its source"
AGAIN = "somebody else was quicker: compute the plan again"
QUOTA = "ask for more in Service Quotas, or delete what is not needed: `cruddur-ops expired` lists it"
# Answers that an operator can do something about, by AWS error code.
REFUSAL_CODES: dict[str, tuple[type[OpsError], str]] = {
    "ConflictException": (RunInProgress, AGAIN),
    "DBInstanceAlreadyExists": (RunInProgress, AGAIN),
    "DBInstanceAutomatedBackupNotFound": (RunInProgress, AGAIN),
    "DBInstanceNotFound": (RunInProgress, AGAIN),
    "DBSnapshotAlreadyExists": (RunInProgress, AGAIN),
    "DBSnapshotNotFound": (RunInProgress, AGAIN),
    "DBUpgradeDependencyFailure": (WrongInput, "see the log files of the instance, which name what is in the way"),
    "DependencyViolation": (InstanceNotReady, "something uses it still: wait some minutes, then repeat"),
    "EntityAlreadyExists": (RunInProgress, AGAIN),
    "InstanceQuotaExceeded": (NotOffered, "delete an instance, or ask for more in Service Quotas"),
    "InsufficientDBInstanceCapacity": (NotOffered, "try another class or zone, or later"),
    "InvalidDBInstanceState": (InstanceNotReady, "wait until the instance is available, then repeat"),
    "InvalidDBSnapshotState": (InstanceNotReady, "wait until the snapshot is available, then repeat"),
    "InvalidGroup.Duplicate": (RunInProgress, AGAIN),
    "InvalidGroup.NotFound": (RunInProgress, AGAIN),
    "InvalidParameterCombination": (WrongInput, SETTINGS),
    "InvalidParameterException": (WrongInput, "correct what the message names"),
    "InvalidParameterValue": (WrongInput, SETTINGS),
    "InvalidParameterValueException": (WrongInput, "correct what the message names; a new role works after some seconds"),
    "InvalidPermission.Duplicate": (RunInProgress, AGAIN),
    "InvalidRestoreFault": (WrongInput, "choose another snapshot or moment"),
    "InvalidSecurityGroupRuleId.NotFound": (RunInProgress, AGAIN),
    "KMSKeyNotAccessibleFault": (NotOffered, "enable the KMS key, or ask for the right to use it"),
    "NoSuchEntity": (RunInProgress, AGAIN),
    "PointInTimeRestoreNotEnabled": (InstanceNotReady, "set backup_retention_period, or restore a snapshot"),
    "ResourceConflictException": (RunInProgress, AGAIN),
    "ResourceExistsException": (RunInProgress, AGAIN),
    "ResourceNotFoundException": (RunInProgress, AGAIN),
    "RulesPerSecurityGroupLimitExceeded": (NotOffered, "revoke rules, or ask for more in Service Quotas"),
    "ServiceQuotaExceededException": (NotOffered, QUOTA),
    "SnapshotQuotaExceeded": (NotOffered, QUOTA),
    "StorageQuotaExceeded": (NotOffered, "delete an instance, or ask for more in Service Quotas"),
    "StorageTypeNotSupported": (NotOffered, "set another storage_type"),
    "ValidationException": (WrongInput, "correct the value that the message names"),
}


def apply(
    plan: Plan,
    target: Target,
    confirm: str = "",
    after: Callable[[Change], None] = lambda _: None,
    send: Callable[[Target, Call], object] = patience.call,
) -> Outcome:
    """Make the plan's AWS API calls, in order.

    Args:
        plan: of AWS resources; one that needs another first is refused.
        target: where.
        confirm: the DB instance identifier, for a protected target.
        after: is called with each change once it is made, to wait for what the next one needs.
        send: makes one call, where that takes more than asking once.

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

    def make(change: Change) -> None:
        for call in change.calls:
            _call(target, call, send)
        after(change)

    return apply_plan(plan, make)


def _require_complete(plan: Plan) -> None:
    for change in plan.mutating:
        if change.action is not Action.MODIFY and not change.calls:
            raise InstanceNotReady(f"{change.resource} cannot be changed yet: {change.note}")


def _call(target: Target, call: Call, send: Callable[[Target, Call], object]) -> None:
    from botocore.exceptions import ClientError

    try:
        send(target, call)
    except ClientError as error:
        refusal = REFUSAL_CODES.get(aws.error_code(error))
        if refusal is None:
            raise
        kind, remedy = refusal
        reason = error.response["Error"].get("Message", "").rstrip(".")
        raise kind(f"AWS refuses {call.operation} ({aws.error_code(error)}: {reason}): {remedy}") from error
