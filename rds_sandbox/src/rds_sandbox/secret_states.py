"""What may be done with a secret in the state that it is in: by whom, with which key, and until it waits for its deletion.

Source: Secrets Manager API Reference, the page of each action.
"""

from typing import Any

from moto.secretsmanager.exceptions import (
    InvalidParameterException,
    InvalidRequestException,
    OperationNotPermittedOnReplica,
    SecretsManagerClientError,
)
from moto.secretsmanager.models import ReplicaSecret

from rds_sandbox import kms
from rds_sandbox.patches import Request

VALUES = ("CancelRotateSecret", "PutSecretValue", "RotateSecret", "UpdateSecret", "UpdateSecretVersionStage")
ANYBODY = ("GetSecretValue", "RotateSecret", "TagResource", "UntagResource")  # whoever owns the secret
# What needs the key of the secret, and the error where that cannot be used.
KEYED = {"GetSecretValue": "DecryptionFailure", "PutSecretValue": "EncryptionFailure", "UpdateSecret": "EncryptionFailure"}


def check_value(request: Request) -> None:
    """One of two kinds of value, a key that there is."""
    given = request.parameters
    if {"SecretString", "SecretBinary"} <= given.keys():
        both = "You can't specify both a binary secret value and a string secret value in the same secret."
        raise InvalidParameterException(both)
    if given.get("KmsKeyId"):
        _require_key(request, given["KmsKeyId"], "EncryptionFailure")


def _require_key(request: Request, key_id: str, code: str) -> None:
    """One that there is, and that is neither disabled nor waits for its deletion."""
    if not kms.usable(request.backend, key_id):
        verb = code.removesuffix("ionFailure").lower()
        message = f"Secrets Manager can't {verb} the protected secret text using the provided KMS key: {key_id}"
        raise SecretsManagerClientError(code, message)


def require_changeable(request: Request) -> Any:
    """The secret, which may be changed as is asked for; None where there is none."""
    check_value(request)
    secret: Any = request.backend.secrets.get(request.parameters["SecretId"])
    if secret is None:
        return None
    if isinstance(secret, ReplicaSecret) and request.name in VALUES:
        raise OperationNotPermittedOnReplica
    if secret.owning_service and request.name not in ANYBODY:
        service = secret.owning_service
        raise InvalidRequestException(f"This secret is managed by {service}, and you must use that service to change it.")
    if secret.is_deleted() and request.name not in ("DeleteSecret", "RestoreSecret"):
        raise InvalidRequestException("You can't perform this operation on the secret because it was marked for deletion.")
    if request.name in KEYED and (key_id := getattr(secret, "kms_key_id", None)):
        _require_key(request, request.parameters.get("KmsKeyId") or key_id, KEYED[request.name])
    return secret


def found(request: Request) -> Any:
    """The same; an error where there is none."""
    return require_changeable(request) or request.backend.describe_secret(request.parameters["SecretId"])
