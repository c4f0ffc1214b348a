"""The policies of functions: one of each function, version and alias, with a revision of its own.

Source: AWS Lambda API Reference (AddPermission, RemovePermission, GetPolicy); Developer Guide, "Working with resource-based IAM
policies in Lambda"; the texts are those that AWS answers.
"""

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.awslambda.exceptions import (
    GenericResourcNotFound,
    InvalidParameterValueException,
    UnknownAliasException,
    UnknownFunctionException,
    UnknownPolicyException,
)

from rds_sandbox.lambdas import names
from rds_sandbox.lambdas.functions import SandboxFunction
from rds_sandbox.lambdas.validation import CONFLICT_CODE, LIMITS, refusal
from rds_sandbox.lambdas.versions import check_revision
from rds_sandbox.patches import Request, action
from rds_sandbox.policies import Statement


@dataclass
class Policy:
    """The policy of a function, a version or an alias; one without statements is none."""

    statements: list[Statement] = field(default_factory=list)
    revision_id: str = ""


@action("lambda", "AddPermission")
def add(request: Request) -> dict[str, str]:
    """A statement id is used once in a policy."""
    given = request.parameters
    function, qualifier = _place(request)
    statement = _statement(given, names.arn(request.backend, function.function_name, qualifier))
    policy = function.common.policies.get(qualifier) or Policy()
    _check_revision(request, function, qualifier)
    if any(each["Sid"] == given["StatementId"] for each in policy.statements):
        advice = "Please provide a new statement id, or remove the existing statement."
        raise refusal(409, CONFLICT_CODE, f"The statement id ({given['StatementId']}) provided already exists. {advice}")
    function.common.policies[qualifier] = Policy([*policy.statements, statement], str(uuid.uuid4()))
    return {"Statement": json.dumps(statement)}


@action("lambda", "RemovePermission")
def remove(request: Request) -> dict[str, Any]:
    """What has no statement any more is no policy."""
    try:
        function, qualifier = _place(request)
    except UnknownFunctionException as error:
        message = error.message.replace("Function not found", "No policy found for")
        raise refusal(404, names.NOT_FOUND_CODE, message) from error
    policy = function.common.policies.get(qualifier)
    if policy is None:
        raise UnknownPolicyException
    sid = request.parameters["StatementId"]
    left = [each for each in policy.statements if each["Sid"] != sid]
    if left == policy.statements:
        raise refusal(404, names.NOT_FOUND_CODE, f"Statement {sid} is not found in resource policy.")
    _check_revision(request, function, qualifier)
    function.common.policies[qualifier] = Policy(left, str(uuid.uuid4()))
    if not left:
        del function.common.policies[qualifier]
    return {}


@action("lambda", "GetPolicy")
def get(request: Request) -> dict[str, str]:
    """Of exactly what is called."""
    policy = request.backend.policy(request.parameters["FunctionName"], request.parameters.get("Qualifier"))
    if not policy:
        raise GenericResourcNotFound
    document = {"Version": "2012-10-17", "Id": "default", "Statement": policy.statements}
    return {"Policy": json.dumps(document), "RevisionId": policy.revision_id}


def _place(request: Request) -> tuple[SandboxFunction, str | None]:
    """What the policy is of: a function, and a version or an alias of it."""
    backend = request.backend
    name, qualifier = names.read(backend, request.parameters["FunctionName"], request.parameters.get("Qualifier"))
    if qualifier == names.LATEST:
        raise InvalidParameterValueException("We currently do not support adding policies for $LATEST.")
    function = backend.get_function(name)
    if qualifier and names.may_be_alias(qualifier) and qualifier not in function.common.aliases:
        raise UnknownAliasException(names.arn(backend, name, qualifier))
    return backend.get_function(name, qualifier), qualifier


def _check_revision(request: Request, function: SandboxFunction, qualifier: str | None) -> None:
    """That of the policy; where there is none yet, that of the alias or the function."""
    common = function.common
    known = common.policies.get(qualifier) or common.aliases.get(qualifier or "") or function
    check_revision(request.parameters.get("RevisionId"), known.revision_id, "GetPolicy")


def _statement(given: Mapping[str, Any], arn: str) -> Statement:
    """The statement that a request adds."""
    if not re.fullmatch(LIMITS["principal"], given["Principal"]):
        advice = "Please check the principal and try again."
        raise InvalidParameterValueException(f"The provided principal was invalid. {advice}")
    asked = ("StringEquals", "SourceAccount"), ("ArnLike", "SourceArn")
    conditions = {operator: {f"AWS:{key}": given[key]} for operator, key in asked if given.get(key)}
    return {
        "Sid": given["StatementId"],
        "Effect": "Allow",
        "Principal": _principal(given["Principal"]),
        "Action": given["Action"],
        "Resource": arn,
        **({"Condition": conditions} if conditions else {}),
    }


def _principal(given: str) -> str | dict[str, str]:
    """As a policy names it."""
    if given == "*":
        return given
    if given.isdecimal():
        return {"AWS": f"arn:aws:iam::{given}:root"}
    return {"AWS" if given.startswith("arn:") else "Service": given}
