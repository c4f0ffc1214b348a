"""RotateSecret: by RDS, what it manages, and by a function of Lambda, in four steps; no schedule is ever kept.

Source: Secrets Manager API Reference, RotateSecret; User Guide, "Managed rotation for AWS Secrets Manager secrets", "Rotation by
Lambda function" and "Lambda rotation functions"; RDS User Guide, "Password management with Amazon RDS and AWS Secrets Manager".
"""

import json
import logging
import re
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from moto.awslambda.exceptions import LambdaClientError
from moto.backends import get_backend
from moto.rds.exceptions import RDSClientError
from moto.secretsmanager.exceptions import InvalidParameterException, InvalidRequestException, SecretsManagerClientError

from rds_sandbox import patches, staging_labels
from rds_sandbox.errors import NotInSandbox
from rds_sandbox.lambdas import invocations
from rds_sandbox.patches import Request
from rds_sandbox.rds import managed_secrets, modifications
from rds_sandbox.tables import limits

PENDING = "AWSPENDING"
SERVICE = "secretsmanager.amazonaws.com"
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
TRIAL = ("testSecret",)  # of a rotation that is not wanted at once
BY_OTHERS = {"RotationLambdaARN", "ExternalSecretRotationMetadata", "ExternalSecretRotationRoleArn"}

log = logging.getLogger(__name__)


def rotate(request: Request, secret: Any) -> dict[str, Any]:
    """Now, unless that is not wanted, and by the rules from now on; those not given stay."""
    asked, now = request.parameters, request.parameters.get("RotateImmediately", True)
    rules, token = asked.get("RotationRules") or secret.rules, asked.get("ClientRequestToken") or str(uuid.uuid4())
    answer = {"ARN": secret.arn, "Name": secret.name, **({"VersionId": token} if now else {})}
    if token in secret.versions:  # the request comes again
        return answer
    if not secret.owning_service:
        _check_function(request, secret)
    elif asked.keys() & BY_OTHERS:
        raise InvalidRequestException(f"This secret is managed by {secret.owning_service}, which rotates it itself.")
    check_rules(rules)
    if secret.owning_service and now:
        _begin(request, secret, token)
    managed_secrets.schedule(secret, rules)
    if not secret.owning_service:
        secret.rotation_lambda_arn = asked.get("RotationLambdaARN") or secret.rotation_lambda_arn
        secret.rotation_requested = secret.rotation_enabled = True
        _run(secret, token, STEPS if now else TRIAL)
    return answer


def _check_function(request: Request, secret: Any) -> None:
    """Whether there is one that lets Secrets Manager in, and whose last rotation came to its end."""
    arn = request.parameters.get("RotationLambdaARN") or secret.rotation_lambda_arn
    if not arn:
        raise InvalidRequestException("No Lambda rotation function ARN is associated with this secret.")
    if request.parameters.keys() & BY_OTHERS - {"RotationLambdaARN"}:
        raise NotInSandbox("rotation of other services' secrets is not in the sandbox")
    if not invocations.permitted(arn, SERVICE, secret.arn):
        message = "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants access"
        raise SecretsManagerClientError("AccessDeniedException", f"{message} to the principal {SERVICE}.")
    labels = staging_labels.of(secret)
    if staging_labels.holder(labels, PENDING) not in ("", staging_labels.holder(labels, staging_labels.CURRENT)):
        raise InvalidRequestException("A previous rotation isn't complete. That rotation will be reattempted.")


def _run(secret: Any, token: str, steps: Sequence[str]) -> None:
    """A version that waits for its value, and the function's steps; a trial's version goes again."""
    current = secret.versions.get(secret.default_version_id, {}) if steps is TRIAL else {}
    value = {key: current[key] for key in ("secret_string", "secret_binary") if key in current}
    its = {"createdate": round(time.time(), 3), "version_id": token, "version_stages": [PENDING], **value}
    staging_labels.add(secret, its, token)
    threading.Thread(target=_step, args=(secret, token, steps), name=secret.name, daemon=True).start()


def _step(secret: Any, token: str, steps: Sequence[str]) -> None:
    for step in steps:
        event = json.dumps({"Step": step, "SecretId": secret.arn, "ClientRequestToken": token})
        try:
            failed = invocations.call(secret.rotation_lambda_arn, event).error
        except LambdaClientError as error:
            failed = {"errorMessage": error.message}
        if failed:
            log.warning("%s: %s failed, and the rotation with it: %s", secret.name, step, failed["errorMessage"])
            break
    else:
        secret.last_rotation_date = round(time.time(), 3) if steps is STEPS else secret.last_rotation_date
    if steps is TRIAL:
        staging_labels.remove(secret, token)


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
    if instance.master_user_secret.version == version:  # the request comes again
        return
    moto = SimpleNamespace(boto3_service_name="rds", current_account=account, region=region)
    wanted = {"DBInstanceIdentifier": instance.db_instance_identifier, "RotateMasterUserPassword": True, "ApplyImmediately": True}
    with patches.turn:
        instance.master_user_secret.version = version
        try:
            modifications.modify(Request("ModifyDBInstance", moto, wanted))
        except RDSClientError as error:
            instance.master_user_secret.version = ""
            raise InvalidRequestException(f"RDS cannot rotate the secret now: {error.message}") from error
