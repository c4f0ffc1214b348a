"""What moto lets pass of Secrets Manager.

Source: Secrets Manager API Reference, the errors of each action: InvalidRequestException where a secret is scheduled for
deletion, is managed by another service, or has no function that rotates it; User Guide, "Secrets managed by other services".
"""

from __future__ import annotations

import json
import re
import time
from typing import Any

from moto.backends import get_backend
from moto.secretsmanager.exceptions import (
    InvalidParameterException,
    InvalidRequestException,
    OperationNotPermittedOnReplica,
    SecretsManagerClientError,
    ValidationException,
)
from moto.secretsmanager.models import FakeSecret, ReplicaSecret

from rds_sandbox.errors import NotInSandbox
from rds_sandbox.patches import JSON, MOTO, Request, action, replaces
from rds_sandbox.tables import limits

DAY = 86400
VALUES = ("CancelRotateSecret", "PutSecretValue", "RotateSecret", "UpdateSecret", "UpdateSecretVersionStage")
ANYBODY = ("GetSecretValue", "TagResource", "UntagResource")  # whoever owns the secret


_to_dict = FakeSecret.to_dict


@replaces(FakeSecret, "to_dict")
def to_dict(secret: Any) -> dict[str, Any]:
    """With the day of the last access.

    The API Reference leaves it out of a secret that nobody has read; the tests of Ansible's community.aws, which run on AWS,
    find it in one that was just made, and are followed.
    """
    day = getattr(secret, "accessed", secret.created_date) // DAY * DAY
    return {**_to_dict(secret), "LastAccessedDate": day}


@action("secretsmanager", "CreateSecret")
def create(request: Request) -> object:
    """Under a name that is one."""
    if not re.fullmatch(limits("secretsmanager")["name"], request.parameters["Name"]):
        allowed = "Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!"
        raise ValidationException(f"Invalid name. {allowed}")
    there: Any = request.backend.secrets.get(request.parameters["Name"])
    if there is not None and there.is_deleted():
        reason = "a secret with this name is already scheduled for deletion"
        raise InvalidRequestException(f"You can't create this secret because {reason}.")
    _check_value(request)
    return MOTO


def _check_value(request: Request) -> None:
    """One of two kinds of value, a key that there is, a policy that is one."""
    given, backend = request.parameters, request.backend
    if {"SecretString", "SecretBinary"} <= given.keys():
        raise InvalidParameterException(
            "You can't specify both a binary secret value and a string secret value in the same secret."
        )
    try:
        if given.get("KmsKeyId"):
            get_backend("kms")[backend.account_id][backend.region_name].describe_key(given["KmsKeyId"])
        json.loads(given.get("ResourcePolicy", "{}"))
    except (AttributeError, KeyError) as error:
        message = f"Secrets Manager can't encrypt the protected secret text using the provided KMS key: {given['KmsKeyId']}"
        raise SecretsManagerClientError("EncryptionFailure", message) from error
    except ValueError as error:
        raise SecretsManagerClientError(
            "MalformedPolicyDocumentException", "This resource policy contains invalid Json."
        ) from error


@action("secretsmanager", "DescribeSecret")
def describe(request: Request) -> tuple[int, dict[str, str], str]:
    """What a secret does not have is left out."""
    secret = request.backend.describe_secret(request.parameters["SecretId"]).to_dict()
    found = {key: value for key, value in secret.items() if value not in (None, "") and key != "SecretVersionsToStages"}
    return 200, {"Content-Type": JSON["json"]}, json.dumps(found)


@action("secretsmanager", *VALUES, *ANYBODY, "DeleteSecret", "PutResourcePolicy", "ReplicateSecretToRegions", "RestoreSecret")
def change(request: Request) -> object:
    """What its owner alone may do, and what nobody may while it waits for its deletion."""
    _check_value(request)
    secret: Any = request.backend.secrets.get(request.parameters["SecretId"])
    if secret is None:
        return MOTO
    if isinstance(secret, ReplicaSecret) and request.name in VALUES:
        raise OperationNotPermittedOnReplica
    if secret.owning_service and request.name not in ANYBODY:
        service = secret.owning_service
        raise InvalidRequestException(f"This secret is managed by {service}, and you must use that service to change it.")
    if secret.is_deleted() and request.name not in ("DeleteSecret", "RestoreSecret"):
        raise InvalidRequestException("You can't perform this operation on the secret because it was marked for deletion.")
    if request.name == "GetSecretValue":
        secret.accessed = int(time.time())
    if request.name == "RotateSecret":
        _check_rotation(request, secret)
    return MOTO


def _check_rotation(request: Request, secret: Any) -> None:
    """moto would take the value away, and call nobody."""
    if not (request.parameters.get("RotationLambdaARN") or secret.rotation_lambda_arn):
        raise InvalidRequestException("No Lambda rotation function ARN is associated with this secret.")
    raise NotInSandbox("rotation of a secret by a function is not in the sandbox")
