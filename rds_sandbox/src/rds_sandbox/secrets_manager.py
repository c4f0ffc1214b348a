"""What moto lets pass of Secrets Manager.

Source: Secrets Manager API Reference, the errors of each action: InvalidRequestException where a secret is scheduled for
deletion or is managed by another service; User Guide, "Secrets managed by other services".
What ListSecrets and ListSecretVersionIds list and sort by: there, too.
"""

import json
import re
import time
from collections.abc import Mapping
from typing import Any

from moto.secretsmanager import models, responses
from moto.secretsmanager.exceptions import (
    InvalidParameterException,
    InvalidRequestException,
    ResourceExistsException,
    SecretsManagerClientError,
    ValidationException,
)
from moto.secretsmanager.models import FakeSecret, SecretsManagerBackend
from moto.secretsmanager.utils import get_secret_name_from_partial_arn

from rds_sandbox import (  # noqa: F401 - random_passwords patches
    authorization,
    pages,
    policies,
    random_passwords,
    resource_policies,
    secret_rotation,
    secret_states,
    staging_labels,
)
from rds_sandbox.errors import NotInSandbox
from rds_sandbox.patches import JSON, MOTO, Request, action, replaces
from rds_sandbox.request_model import Refused
from rds_sandbox.tables import limits

DAY = 86400
OWN = ("RotateSecret", "UpdateSecretVersionStage")  # answered here
CHANGES = {*secret_states.VALUES, *secret_states.ANYBODY, "DeleteSecret", "RestoreSecret"}.difference(OWN)

_to_dict, _add_secret, _error = FakeSecret.to_dict, SecretsManagerBackend._add_secret, SecretsManagerClientError.__init__
_tag_resource: Any = SecretsManagerBackend.tag_resource
FakeSecret.rules = {}  # type: ignore[attr-defined]


@replaces(SecretsManagerClientError, "__init__")
def say(error: Any, code: str, message: str) -> None:
    """The service's sentence alone, where moto has what boto3 makes of it."""
    _error(error, code, " ".join(message.rpartition(" operation: ")[2].split()))


@replaces(FakeSecret, "to_dict")
def to_dict(secret: Any) -> dict[str, Any]:
    """With the day of the last access, and the rules of rotation as they were given.

    The API Reference leaves it out of a secret that nobody has read; the tests of Ansible's community.aws, which run on AWS,
    find it in one that was just made, and are followed.
    """
    found = {**_to_dict(secret), "LastAccessedDate": getattr(secret, "accessed", secret.created_date) // DAY * DAY}
    return {**found, "RotationRules": secret.rules} if "RotationRules" in found else found


@replaces(SecretsManagerBackend, "_add_secret")
def add(backend: Any, *positional: Any, **named: Any) -> tuple[Any, bool]:
    """To the millisecond, where moto's times are whole seconds."""
    secret: Any
    secret, is_new_version = _add_secret(backend, *positional, **named)
    secret.last_changed_date = now = round(time.time(), 3)
    secret.created_date = now if isinstance(secret.created_date, int) else secret.created_date
    for version in secret.versions.values():
        version["createdate"] = now if isinstance(version["createdate"], int) else version["createdate"]
    secret.tags = secret.tags and [{"Value": "", **each} for each in secret.tags]
    return secret, is_new_version


@replaces(SecretsManagerBackend, "tag_resource")
def tag(backend: Any, arn: str, tags: dict[str, str | None]) -> None:
    """The value of a tag that is given without one is empty; moto could not filter by none."""
    _tag_resource(backend, arn, {key: value or "" for key, value in tags.items()})


@action("secretsmanager", "CreateSecret")
def create(request: Request) -> object:
    _check_name(request.parameters["Name"])
    there: Any = request.backend.secrets.get(request.parameters["Name"])
    if there is not None and there.is_deleted():
        reason = "a secret with this name is already scheduled for deletion"
        raise InvalidRequestException(f"You can't create this secret because {reason}.")
    secret_states.check_value(request)
    _check_tags(request.parameters.get("Tags") or [], [])
    return MOTO


def _check_tags(given: list[dict[str, str]], there: list[dict[str, str]]) -> None:
    """As many as a secret may have (API Reference, TagResource), each key once."""
    keys = [each["Key"] for each in given]
    if len(set(keys)) < len(keys):
        raise InvalidParameterException("You can't use a tag key more than once.")
    most = limits("secretsmanager")["tags"]
    if len({*keys, *(each["Key"] for each in there)}) > most:
        raise InvalidParameterException(f"A secret can have {most} tags at most.")


@replaces(models, "get_secret_name_from_partial_arn")
def name_of(secret_id: str) -> str:
    """Whatever looks for a secret asks this; it is an ARN, or what may be a name."""
    if not secret_id.startswith("arn:"):
        _check_name(secret_id)
    return get_secret_name_from_partial_arn(secret_id)


def _check_name(name: str) -> None:
    if not re.fullmatch(limits("secretsmanager")["name"], name):
        allowed = "Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!"
        raise ValidationException(f"Invalid name. {allowed}")


@action("secretsmanager", "DescribeSecret")
def describe(request: Request) -> tuple[int, dict[str, str], str]:
    """What a secret does not have is left out."""
    secret = request.backend.describe_secret(request.parameters["SecretId"]).to_dict()
    found = {key: value for key, value in secret.items() if value not in (None, "") and key != "SecretVersionsToStages"}
    return 200, {"Content-Type": JSON["json"]}, json.dumps(found)


@action("secretsmanager", "ListSecrets")
def list_secrets(request: Request) -> dict[str, Any]:
    """In the order that is asked for; by the day of creation where none is."""
    asked, backend = request.parameters, request.backend
    filters, key = asked.get("Filters") or [], (asked.get("SortBy") or "created-date").title().replace("-", "")
    responses._validate_filters(filters)
    found, _ = backend.list_secrets(filters, len(backend.secrets) or 1, None, asked.get("IncludePlannedDeletion", False))
    found = sorted(found, key=lambda one: one.get(key) or 0)
    return _paged("SecretList", found[::-1] if asked.get("SortOrder") == "desc" else found, asked)


@action("secretsmanager", "ListSecretVersionIds")
def list_versions(request: Request) -> dict[str, Any]:
    """Those that have labels; with IncludeDeprecated all of them."""
    asked = request.parameters
    backend, secret = request.backend, request.backend.describe_secret(asked["SecretId"])
    key = getattr(secret, "kms_key_id", None)  # a replica has none
    shown = "DefaultEncryptionKey" if key in (None, backend.DEFAULT_KMS_KEY_ALIAS) else key  # a key's form: not verified
    rows = [
        {
            "VersionId": version,
            "VersionStages": its["version_stages"] or None,
            "CreatedDate": its["createdate"],
            "LastAccessedDate": its.get("accessed"),
            "KmsKeyIds": [shown],
        }
        for version, its in list(secret.versions.items())
        if its["version_stages"] or asked.get("IncludeDeprecated")
    ]
    return {"ARN": secret.arn, "Name": secret.name, **_paged("Versions", rows, asked)}


def _paged(key: str, rows: list[Any], asked: dict[str, Any]) -> dict[str, Any]:
    """The page that MaxResults and NextToken ask for; 100 rows at most (API Reference, ListSecrets)."""
    wrong = SecretsManagerClientError("InvalidNextTokenException", "The NextToken value is invalid.")
    page, rest = pages.cut(rows, asked.get("NextToken"), asked.get("MaxResults", limits("secretsmanager")["page"]), wrong)
    return {key: page, "NextToken": rest}


@action("secretsmanager", "UpdateSecretVersionStage")
def move_label(request: Request) -> dict[str, str]:
    asked, secret = request.parameters, secret_states.found(request)
    label, to = asked["VersionStage"], asked.get("MoveToVersionId", "")
    staging_labels.check_move(staging_labels.of(secret), label, asked.get("RemoveFromVersionId", ""), to)
    staging_labels.move(secret, [label], to)
    return {"ARN": secret.arn, "Name": secret.name}


@action("secretsmanager", "RotateSecret")
def rotate(request: Request) -> dict[str, Any]:
    """By RDS, what it manages; else by a function."""
    return secret_rotation.rotate(request, secret_states.found(request))


@action("secretsmanager", "PutResourcePolicy")
def put_policy(request: Request) -> object:
    """With BlockPublicPolicy none that lets everybody in (API Reference, PutResourcePolicy)."""
    secret_states.require_changeable(request)
    asked, document = request.parameters, request.parameters["ResourcePolicy"]
    if asked.get("PolicyName", "default") != "default":
        raise InvalidParameterException("You can only attach the policy that is named default.")
    if problem := resource_policies.problem(document, request.iam):
        raise SecretsManagerClientError("MalformedPolicyDocumentException", problem)
    public = policies.is_public(document) if asked.get("BlockPublicPolicy") else False
    if public is None:
        raise NotInSandbox("whether the conditions of a policy keep the public out is not in the sandbox")
    if public:
        message = "The resource policy grants broad access: name principals other than *, or leave BlockPublicPolicy out."
        raise SecretsManagerClientError("PublicPolicyException", message)
    return MOTO


@action("secretsmanager", "BatchGetSecretValue")
def batch(request: Request) -> tuple[int, dict[str, str], str]:
    """Those that are listed or found, each of which is asked about as GetSecretValue is; what failed of one is told beside."""
    asked, filters = request.parameters, request.parameters.get("Filters")
    if bool(filters) is bool(asked.get("SecretIdList")):
        raise InvalidParameterException("Either 'SecretIdList' or 'Filters' must be provided, but not both.")
    if "MaxResults" in asked and not filters:
        raise InvalidParameterException("'Filters' must also be specified when 'MaxResults' is provided.")
    if filters:
        _ask(request, "ListSecrets", {})
        responses._validate_filters(filters)
        found, _ = request.backend.list_secrets(filters, len(request.backend.secrets) or 1)
    size = limits("secretsmanager")["batch"]
    page = _paged("Ids", [one["ARN"] for one in found] if filters else asked["SecretIdList"], {"MaxResults": size, **asked})
    read = [_read(request, each) for each in page.pop("Ids")]
    values, errors = ([one for one in read if ("ErrorCode" in one) is failed] for failed in (False, True))
    answer = {"SecretValues": values, "Errors": errors, **{key: value for key, value in page.items() if value}}
    return 200, {"Content-Type": JSON["json"]}, json.dumps(answer)


def _read(request: Request, secret_id: str) -> dict[str, Any]:
    """The value of a secret, or why there is none for whoever asks."""
    try:
        _ask(request, "GetSecretValue", {"SecretId": secret_id})
        change(Request("GetSecretValue", request.moto, {"SecretId": secret_id}))
        value: dict[str, Any] = request.backend.get_secret_value(secret_id, None, None)
    except SecretsManagerClientError as error:
        return {"SecretId": secret_id, "ErrorCode": error.error_type, "Message": error.message}
    except Refused as error:
        return {"SecretId": secret_id, "ErrorCode": error.code, "Message": error.message}
    return value


def _ask(request: Request, name: str, parameters: Mapping[str, Any]) -> None:
    """With `--iam`, whether whoever asks may call this action too."""
    if request.host.iam:
        authorization.require(request.moto, "secretsmanager", name, parameters, request.host.keys.owner.key_id)


@action("secretsmanager", "ReplicateSecretToRegions", "RemoveRegionsFromReplication")
def replicate(request: Request) -> dict[str, Any]:
    """Answered with the ARN, however the secret was called."""
    secret, asked, backend = secret_states.found(request), request.parameters, request.backend
    if request.name == "ReplicateSecretToRegions":
        if any("Region" not in one for one in asked["AddReplicaRegions"]):
            raise InvalidParameterException("You must specify the Region of each replica.")
        force = asked.get("ForceOverwriteReplicaSecret", False)
        arn, statuses = backend.replicate_secret_to_regions(secret.arn, asked["AddReplicaRegions"], force)
    else:
        arn, statuses = backend.remove_regions_from_replication(secret.arn, asked["RemoveReplicaRegions"])
    return {"ARN": arn, "ReplicationStatus": statuses}


@action("secretsmanager", *CHANGES)
def change(request: Request) -> object:
    """What its owner alone may do, and what nobody may while it waits for its deletion."""
    secret, given = secret_states.require_changeable(request), request.parameters
    if secret and request.name == "GetSecretValue":
        _require_label(secret, given)
        _note_access(secret, given)
    if secret and request.name == "TagResource":
        _check_tags(given["Tags"], secret.tags or [])
    version = secret.versions.get(given.get("ClientRequestToken"), {}) if secret else {}
    if version.keys() & {"secret_string", "secret_binary"} and {"SecretString", "SecretBinary"} & given.keys():
        return _repeated(request, secret, version)
    if secret and given.get("Description") == "":  # which moto takes for one that is not given
        secret.description = ""
    return MOTO


def _repeated(request: Request, secret: Any, version: Mapping[str, Any]) -> dict[str, Any]:
    """The version of this token, which nothing changes, whatever its labels."""
    asked = [request.moto._get_param(name) for name in ("SecretString", "SecretBinary")]
    if asked != [version.get("secret_string"), version.get("secret_binary")]:
        token = request.parameters["ClientRequestToken"]
        reason = f"that value is already in use for a version of secret {secret.arn}"
        raise ResourceExistsException(f"You can't use ClientRequestToken {token} because {reason}.")
    found = {"VersionId": version["version_id"], "VersionStages": version["version_stages"]}
    return {"ARN": secret.arn, "Name": secret.name, **found}


def _require_label(secret: Any, asked: dict[str, Any]) -> None:
    label = asked.get("VersionStage")
    if label and "VersionId" not in asked and not staging_labels.holder(staging_labels.of(secret), label):
        reason = f"can't find the specified secret value for staging label: {label}"
        raise SecretsManagerClientError("ResourceNotFoundException", f"Secrets Manager {reason}")


def _note_access(secret: Any, asked: dict[str, Any]) -> None:
    """The day, of the secret and of its version."""
    secret.accessed = int(time.time())
    label = asked.get("VersionStage", staging_labels.CURRENT)
    version = asked.get("VersionId") or staging_labels.holder(staging_labels.of(secret), label)
    if version in secret.versions:
        secret.versions[version]["accessed"] = secret.accessed // DAY * DAY
