"""Keys of KMS, in the states that they have: moto encrypts with whatever it finds.

Source: KMS API Reference, the page of each action; Developer Guide, "Key states of AWS KMS keys".
"""

from typing import Any

from botocore import xform_name
from moto.core.exceptions import JsonRESTError
from moto.kms import models
from moto.kms.exceptions import ValidationException
from moto.kms.models import KmsBackend
from moto.kms.utils import decrypt as _decrypt
from moto.kms.utils import encrypt as _encrypt

from rds_sandbox import pages
from rds_sandbox.errors import NotInSandbox
from rds_sandbox.patches import MOTO, Request, action, replaces
from rds_sandbox.tables import limits

OWN, RESERVED = "AWS_KMS", "alias/aws/"
PENDING, SYMMETRIC = "PendingDeletion", "SYMMETRIC_DEFAULT"
LIMITS = limits("kms")
_create = KmsBackend.create_key


@replaces(KmsBackend, "create_key")
def create(backend: Any, policy: str | None, key_usage: str | None, key_spec: str | None, *given: Any, **named: Any) -> Any:
    """For encryption, unless the request says for what, which it must of any but the usual kind."""
    if key_usage is None and (key_spec or SYMMETRIC) != SYMMETRIC:
        raise ValidationException(f"You must specify a KeyUsage value for a key of the KeySpec {key_spec}.")
    return _create(backend, policy, key_usage or "ENCRYPT_DECRYPT", key_spec or SYMMETRIC, *given, **named)


@action("kms", "CreateKey")
def require_own_material(request: Request) -> object:
    """moto has no place for key material that comes from elsewhere."""
    if (origin := request.parameters.get("Origin", OWN)) != OWN:
        raise NotInSandbox(f"key material of the origin {origin} is not in the sandbox")
    return MOTO


@action("kms", "CreateAlias", "DeleteAlias", "UpdateAlias")
def require_own_alias(request: Request) -> object:
    """Those of the keys that AWS manages are nobody else's (API Reference, CreateAlias)."""
    if request.parameters["AliasName"].startswith(RESERVED):
        raise JsonRESTError("NotAuthorizedException", f"Aliases that begin with {RESERVED} are reserved for AWS.")
    return MOTO


@action("kms", "CreateGrant", "ListGrants", "RevokeGrant")
def check_grant(request: Request) -> object:
    """Of a key that there is, and that can be used where it is new, to an ARN."""
    asked, backend = request.parameters, request.backend
    request.moto._validate_cmk_id(asked["KeyId"])
    if request.name == "CreateGrant":
        require_enabled(backend.keys[backend.get_key_id(asked["KeyId"])])
        for name in ("GranteePrincipal", "RetiringPrincipal"):
            if not asked.get(name, "arn:").startswith("arn:"):
                raise JsonRESTError("InvalidArnException", f"{name} must be an ARN: {asked[name]}")
    return MOTO


@action("kms", "EnableKey", "DisableKey", "ScheduleKeyDeletion", "CancelKeyDeletion")
def change(request: Request) -> dict[str, Any]:
    """By the id or the ARN; what waits for its deletion takes nothing but that this is cancelled, and nothing else takes that."""
    asked, backend = request.parameters, request.backend
    request.moto._validate_cmk_id(asked["KeyId"])
    key = backend.keys[backend.get_key_id(asked["KeyId"])]
    if (key.key_state == PENDING) is not (request.name == "CancelKeyDeletion"):
        raise _invalid(key)
    if request.name == "ScheduleKeyDeletion":
        return _schedule(backend, key, asked.get("PendingWindowInDays", LIMITS["window"]["most"]))
    getattr(backend, xform_name(request.name))(key.id)  # enable_key, disable_key, cancel_key_deletion
    return {"KeyId": key.arn} if request.name == "CancelKeyDeletion" else {}


def _schedule(backend: Any, key: Any, days: int) -> dict[str, Any]:
    least, most = LIMITS["window"]["least"], LIMITS["window"]["most"]
    if not least <= days <= most:
        raise ValidationException(f"PendingWindowInDays is {days}: it must be between {least} and {most}, inclusive.")
    date = backend.schedule_key_deletion(key.id, days)
    return {"KeyId": key.arn, "DeletionDate": date, "KeyState": key.key_state, "PendingWindowInDays": days}


@replaces(KmsBackend, "get_key_rotation_status")
def rotates(backend: Any, key_id: str) -> bool:
    """Not while the key waits for its deletion (GetKeyRotationStatus)."""
    key = backend.keys[backend.get_key_id(key_id)]
    return bool(key.key_rotation_status) and key.key_state != PENDING


@action("kms", "ListKeys")
def listed(request: Request) -> dict[str, Any]:
    asked, keys = request.parameters, list(request.backend.list_keys())
    wrong = JsonRESTError("InvalidMarkerException", "The marker is invalid: take it from the answer before.")
    page, rest = pages.cut(keys, asked.get("Marker"), asked.get("Limit", LIMITS["page"]), wrong)
    rows = [{"KeyArn": key.arn, "KeyId": key.id} for key in page]
    return {"Keys": rows, "NextMarker": rest, "Truncated": rest is not None}


@action("kms", "Sign", "Verify", "GenerateMac", "VerifyMac")
def use(request: Request) -> object:
    backend = request.backend
    require_enabled(backend.keys.get(backend.any_id_to_key_id(request.parameters["KeyId"])))
    return MOTO


@replaces(models, "encrypt")
def encrypt(master_keys: Any, key_id: str, *given: Any, **named: Any) -> bytes:
    require_enabled(master_keys.get(key_id))
    return _encrypt(master_keys, key_id, *given, **named)


@replaces(models, "decrypt")
def decrypt(master_keys: Any, *given: Any, **named: Any) -> tuple[bytes, str]:
    found, key_id = _decrypt(master_keys, *given, **named)
    require_enabled(master_keys[key_id])
    return found, key_id


def usable(backend: Any, key_id: str) -> bool:
    """Whether there is the key, by its id, ARN or alias, in the account and region of a service's backend, and enabled."""
    try:
        return bool(models.kms_backends[backend.account_id][backend.region_name].describe_key(key_id).key_state == "Enabled")
    except (AttributeError, KeyError):
        return False


def require_enabled(key: Any) -> None:
    """Refuse one that is disabled, or waits for its deletion; moto knows what to say of one that there is not."""
    if key is not None and key.key_state == PENDING:
        raise _invalid(key)
    if key is not None and not key.enabled:
        raise JsonRESTError("DisabledException", f"{key.arn} is disabled.")


def _invalid(key: Any) -> JsonRESTError:
    said = "is pending deletion" if key.key_state == PENDING else "is not pending deletion"
    return JsonRESTError("KMSInvalidStateException", f"{key.arn} {said}.")
