"""RotateSecret, of the secrets that RDS manages: their schedule, and a rotation at once. No function rotates any here.

Source: Secrets Manager API Reference, RotateSecret; User Guide, "Managed rotation for AWS Secrets Manager secrets"; RDS User
Guide, "Password management with Amazon RDS and AWS Secrets Manager".
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from moto.backends import get_backend
from moto.rds.exceptions import RDSClientError
from moto.secretsmanager.exceptions import InvalidParameterException, InvalidRequestException

from rds_sandbox import patches
from rds_sandbox.errors import NotInSandbox
from rds_sandbox.patches import Request
from rds_sandbox.rds import managed_secrets, modifications
from rds_sandbox.tables import limits

BY_OTHERS = {"RotationLambdaARN", "ExternalSecretRotationMetadata", "ExternalSecretRotationRoleArn"}


def rotate(request: Request, secret: Any) -> dict[str, Any]:
    """Let RDS rotate it, now unless that is not wanted, and by the rules from now on; those not given stay."""
    asked = request.parameters
    if not secret.owning_service:
        _refuse(asked, secret)
    if asked.keys() & BY_OTHERS:
        raise InvalidRequestException(f"This secret is managed by {secret.owning_service}, which rotates it itself.")
    rules = asked.get("RotationRules") or secret.rules
    check_rules(rules)
    answer = {"ARN": secret.arn, "Name": secret.name}
    if asked.get("RotateImmediately", True):
        answer["VersionId"] = asked.get("ClientRequestToken") or str(uuid.uuid4())
        _begin(request, secret, answer["VersionId"])
    managed_secrets.schedule(secret, rules)
    return answer


def _refuse(asked: Mapping[str, Any], secret: Any) -> None:
    """moto would take the value away, and call nobody."""
    if not (asked.get("RotationLambdaARN") or secret.rotation_lambda_arn):
        raise InvalidRequestException("No Lambda rotation function ARN is associated with this secret.")
    raise NotInSandbox("rotation of a secret by a function is not in the sandbox")


def check_rules(rules: Mapping[str, Any]) -> None:
    """Refuse what is not either a number of days or an expression."""
    if ("AutomaticallyAfterDays" in rules) is ("ScheduleExpression" in rules):
        raise InvalidParameterException("You must specify either AutomaticallyAfterDays or ScheduleExpression, and not both.")
    forms = limits("secretsmanager")
    expression = rules.get("ScheduleExpression")
    if expression and not any(re.fullmatch(forms[form], expression) for form in ("rate", "calendar")):
        raise InvalidParameterException(f"Invalid ScheduleExpression {expression}: write rate() in hours or days, or cron().")


def _begin(request: Request, secret: Any, version: str) -> None:
    """As ModifyDBInstance with RotateMasterUserPassword does."""
    account, region = request.moto.current_account, request.moto.region
    instances = [one for one in get_backend("rds")[account][region].databases.values() if one.manage_master_user_password]
    instance: Any = next((one for one in instances if one.master_user_secret.secret_arn == secret.arn), None)
    if instance is None:
        raise InvalidRequestException("RDS cannot rotate the secret: the DB instance is gone.")
    moto = SimpleNamespace(boto3_service_name="rds", current_account=account, region=region)
    wanted = {"RotateMasterUserPassword": True, "ApplyImmediately": True}
    with patches.turn:
        instance.master_user_secret.version = version
        try:
            modifications.modify(
                Request("ModifyDBInstance", moto, {"DBInstanceIdentifier": instance.db_instance_identifier, **wanted})
            )
        except RDSClientError as error:
            instance.master_user_secret.version = ""
            raise InvalidRequestException(f"RDS cannot rotate the secret now: {error.message}") from error
