"""The tags of functions; versions and aliases have none (AWS Lambda API Reference, TagResource)."""

from typing import Any

from moto.awslambda.exceptions import InvalidParameterValueException

from rds_sandbox.lambdas import names
from rds_sandbox.lambdas.functions import SandboxFunction
from rds_sandbox.lambdas.validation import refusal
from rds_sandbox.patches import Request, action


@action("lambda", "TagResource")
def tag(request: Request) -> dict[str, Any]:
    """New values of keys that are there take the place of the old ones."""
    request.backend.tag_resource(_tagged(request).function_arn, request.parameters["Tags"])
    return {}


@action("lambda", "UntagResource")
def untag(request: Request) -> dict[str, Any]:
    """Keys that are not there are no error."""
    request.backend.untag_resource(_tagged(request).function_arn, request.parameters["TagKeys"])
    return {}


@action("lambda", "ListTags")
def list_tags(request: Request) -> dict[str, Any]:
    """Of a function."""
    return {"Tags": _tagged(request).tags}


def _tagged(request: Request) -> SandboxFunction:
    arn = request.parameters["Resource"]
    kind = arn.split(":")[5]
    if kind != "function":
        raise refusal(404, names.NOT_FOUND_CODE, f"{kind.replace('-', ' ').capitalize()} not found: {arn}")
    name, qualifier = names.read(request.backend, arn)
    if qualifier:
        message = "Tags on function aliases and versions are not supported. Please specify a function ARN."
        raise InvalidParameterValueException(message)
    function: SandboxFunction = request.backend.get_function(name)
    return function
