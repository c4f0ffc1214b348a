"""One AWS API call of a plan: filled in at the last moment, repeated while the answer is one that passes, refused with a remedy.

Making a call raises InstanceNotReady, NotOffered, RunInProgress or WrongInput where AWS refuses it for a reason that an
operator can do something about; what `aws.client` raises; and botocore's ClientError for any other refusal.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cruddur_ops import aws, progress
from cruddur_ops.errors import AwsUnreachable, InstanceNotReady, NotOffered, OpsError, RunInProgress, WrongInput
from cruddur_ops.target import Target

SETTINGS = "correct the setting: `cruddur-ops targets` shows each with its source"
AGAIN = "somebody else was quicker: compute the plan again"
QUOTA = "ask for more in Service Quotas, or delete what is not needed: `cruddur-ops expired` lists it"
TOPIC = "correct alarm_topic_arn, and let RDS publish to that topic"
# Answers that an operator can do something about, by AWS error code.
REFUSALS: dict[str, tuple[type[OpsError], str]] = {
    "BlueGreenDeploymentAlreadyExistsFault": (RunInProgress, AGAIN),
    "BlueGreenDeploymentNotFoundFault": (RunInProgress, AGAIN),
    "CertificateNotFound": (WrongInput, "correct ca_certificate_identifier: `aws rds describe-certificates` lists them"),
    "ConflictException": (RunInProgress, AGAIN),
    "DBInstanceAlreadyExists": (RunInProgress, AGAIN),
    "DBInstanceAutomatedBackupNotFound": (RunInProgress, AGAIN),
    "DBInstanceNotFound": (RunInProgress, AGAIN),
    "DBParameterGroupNotFound": (
        WrongInput,
        "correct db_parameter_group_name: `aws rds describe-db-parameter-groups` lists them",
    ),
    "DBSnapshotAlreadyExists": (RunInProgress, AGAIN),
    "DBSnapshotNotFound": (RunInProgress, AGAIN),
    "DBSubnetGroupDoesNotCoverEnoughAZs": (WrongInput, "add a subnet in another zone to the group, or name another one"),
    "DBSubnetGroupNotFoundFault": (WrongInput, SETTINGS),
    "DBUpgradeDependencyFailure": (WrongInput, "see the log files of the instance, which name what is in the way"),
    "DependencyViolation": (InstanceNotReady, "something uses it still: wait some minutes, then repeat"),
    "EntityAlreadyExists": (RunInProgress, AGAIN),
    "EventSubscriptionQuotaExceeded": (NotOffered, QUOTA),
    "InstanceQuotaExceeded": (NotOffered, "delete an instance, or ask for more in Service Quotas"),
    "InsufficientDBInstanceCapacity": (NotOffered, "try another class or zone, or later"),
    "InvalidBlueGreenDeploymentStateFault": (InstanceNotReady, "wait until all its instances are available, then plan again"),
    "InvalidDBInstanceState": (InstanceNotReady, "wait until the instance is available, then repeat"),
    "InvalidDBParameterGroupState": (InstanceNotReady, "an instance has it still: wait until that is gone, then repeat"),
    "InvalidDBSnapshotState": (InstanceNotReady, "wait until the snapshot is available, then repeat"),
    "InvalidGroup.Duplicate": (RunInProgress, AGAIN),
    "InvalidGroup.NotFound": (RunInProgress, AGAIN),
    "InvalidParameterCombination": (WrongInput, SETTINGS),
    "InvalidParameterException": (WrongInput, "correct what the message names"),
    "InvalidParameterValue": (WrongInput, SETTINGS),
    "InvalidParameterValueException": (WrongInput, "correct what the message names; a new role works after some seconds"),
    "InvalidPermission.Duplicate": (RunInProgress, AGAIN),
    "InvalidRequestException": (InstanceNotReady, "wait a minute, then compute the plan again"),
    "InvalidRestoreFault": (WrongInput, "choose another snapshot or moment"),
    "InvalidSecurityGroupRuleId.NotFound": (RunInProgress, AGAIN),
    "InvalidVPCNetworkStateFault": (WrongInput, SETTINGS),
    "KMSKeyNotAccessibleFault": (NotOffered, "enable the KMS key, or ask for the right to use it"),
    "LimitExceeded": (NotOffered, QUOTA),
    "NetworkTypeNotSupported": (WrongInput, SETTINGS),
    aws.IAM_ABSENT_CODE: (RunInProgress, AGAIN),
    "PointInTimeRestoreNotEnabled": (InstanceNotReady, "set backup_retention_period, or restore a snapshot"),
    "ResourceConflictException": (RunInProgress, AGAIN),
    "ResourceExistsException": (RunInProgress, AGAIN),
    "ResourceNotFoundException": (RunInProgress, AGAIN),
    "RulesPerSecurityGroupLimitExceeded": (NotOffered, "revoke rules, or ask for more in Service Quotas"),
    "SNSInvalidTopic": (WrongInput, TOPIC),
    "SNSNoAuthorization": (WrongInput, TOPIC),
    "SNSTopicArnNotFound": (WrongInput, TOPIC),
    "ServiceQuotaExceededException": (NotOffered, QUOTA),
    "SnapshotQuotaExceeded": (NotOffered, QUOTA),
    "SourceDatabaseNotSupportedFault": (WrongInput, "mend what the message names, or upgrade in place"),
    "StorageQuotaExceeded": (NotOffered, "delete an instance, or ask for more in Service Quotas"),
    "StorageTypeNotSupported": (NotOffered, "set another storage_type"),
    "ValidationException": (WrongInput, "correct the value that the message names"),
}

# Of a VPC endpoint that is gone already (Amazon EC2 API Reference, "Error codes"; the first is what DeleteVpcEndpoints tells).
ENDPOINT_GONE_CODES = ("InvalidVpcEndpoint.NotFound", "InvalidVpcEndpointId.NotFound")


@dataclass(frozen=True)
class Call:
    """One AWS API call, not yet made."""

    service: str  # boto3's name of the service, such as "rds"
    operation: str  # the client's method, such as "create_db_instance"
    parameters: Mapping[str, Any] = field(default_factory=dict)  # its keyword arguments; never a secret
    # Makes the other arguments in the moment of the call, such as a password
    fill: Callable[[], Mapping[str, Any]] | None = field(default=None, compare=False, repr=False)
    # The error code that passes with time, such as that of a role which is not known everywhere yet
    retry_code: str = field(default="", compare=False)
    retry_seconds: float = field(default=0, compare=False)  # after which that code is taken for the truth


def send(target: Target, call: Call, made: Callable[[Exception], bool] = lambda _: False) -> dict[str, Any]:
    """Make the call, and return AWS's answer; nothing where that was lost, and what was asked for is made.

    Args:
        made: tells, where the answer may have been lost, whether what was asked for is made.
    """
    from botocore.exceptions import ClientError

    try:
        answer = _repeat(target, call) if call.retry_code else _send(target, call)
    except (AwsUnreachable, ClientError) as error:
        if aws.uncertain(error) and made(error):
            return {}
        if isinstance(error, AwsUnreachable) or aws.error_code(error) not in REFUSALS:
            raise
        kind, remedy = REFUSALS[aws.error_code(error)]
        reason = error.response["Error"].get("Message", "").rstrip(".")
        raise kind(f"AWS refuses {call.operation} ({aws.error_code(error)}: {reason}): {remedy}") from error
    for item in answer.get("Unsuccessful", []):  # of DeleteVpcEndpoints, which raises nothing
        said = item.get("Error", {})
        if said.get("Code") in ENDPOINT_GONE_CODES:
            continue
        raise OpsError(f"AWS refuses {call.operation} ({said.get('Code')}: {said.get('Message')}): mend that, then plan again")
    return answer


def _send(target: Target, call: Call) -> dict[str, Any]:
    method = getattr(aws.client(target, call.service), call.operation)
    answer: dict[str, Any] = method(**call.parameters, **(call.fill() if call.fill else {}))
    return answer


def _repeat(target: Target, call: Call) -> dict[str, Any]:
    """The answer, as soon as AWS gives another than the one that passes with time; that one when the time is over."""
    from botocore.exceptions import ClientError

    refusals: list[ClientError] = []

    def look() -> tuple[str, dict[str, Any] | None]:
        try:
            return "done", _send(target, call)
        except ClientError as error:
            if aws.error_code(error) != call.retry_code:
                raise
            refusals.append(error)
            return str(error.response["Error"].get("Message") or call.retry_code), None

    return progress.poll(
        call.operation.replace("_", " "), look, call.retry_seconds, lambda _: refusals[-1], passing=(), kept=not target.sandbox
    )
