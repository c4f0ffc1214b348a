"""What Lambda refuses of a function, with its error codes and in its words.

Source: AWS Lambda API Reference (CreateFunction, UpdateFunctionCode, UpdateFunctionConfiguration) and botocore's service model.
"""

import json
import re
import zipfile
import zlib
from collections.abc import Mapping
from functools import cache
from io import BytesIO
from typing import Any

from moto.awslambda.exceptions import InvalidParameterValueException, LambdaClientError, ValidationException
from moto.core.exceptions import JsonRESTError
from moto.core.utils import get_service_model

from rds_sandbox.errors import NotInSandbox
from rds_sandbox.interpreters import find_interpreter
from rds_sandbox.lambdas import policies
from rds_sandbox.patches import replaces
from rds_sandbox.service_roles import assumable
from rds_sandbox.tables import limits

LIMITS = limits("lambda")
# What the sandbox keeps no promise about: a function that asks for it is not in the sandbox.
UNSUPPORTED = (
    "CapacityProviderConfig", "CodeSigningConfigArn", "DeadLetterConfig", "DurableConfig", "FileSystemConfigs",
    "ImageConfig", "KMSKeyArn", "Layers", "PublishTo", "SnapStart", "TenancyConfig",
)  # fmt: skip
EXEC_WRAPPER = "AWS_LAMBDA_EXEC_WRAPPER"
INTERFACE_ACTIONS = ("CreateNetworkInterface", "DescribeNetworkInterfaces", "DeleteNetworkInterface")


CONFLICT_CODE = "ResourceConflictException"


def refusal(status: int, code: str, message: str) -> LambdaClientError:
    """An error that is answered with another status than 400."""
    error = LambdaClientError(code, message)
    error.code = status
    return error


@replaces(LambdaClientError, "__init__")
def as_modelled(error: Any, code: str, message: str) -> None:
    """The members that botocore's model gives the error: in some it is Message, in others message."""
    JsonRESTError.__init__(error, code, message)
    shape = get_service_model("lambda").shape_for_error_code(code)
    texts = {"Type": "User", "Message": message, "message": message}
    said = {name: texts[name] for name in shape.members if name in texts} if shape else {"message": message}
    error.description = json.dumps({"__type": code, **said})


def check_create(spec: Mapping[str, Any]) -> None:
    """What is wrong with a CreateFunction request by itself."""
    name, most = str(spec["FunctionName"]), LIMITS["name"]
    if len(name) > most:
        problem = f"Member must have length less than or equal to {most}"
        raise InvalidParameterValueException(ValidationException(name, "functionName", problem).message)
    if spec.get("PackageType", "Zip") != "Zip":
        raise NotInSandbox("a function from a container image is not in the sandbox")
    if not spec.get("Runtime") or not spec.get("Handler"):
        message = "Runtime and Handler are mandatory parameters for functions created with deployment packages."
        raise InvalidParameterValueException(message)
    check_configuration(spec)


def check_configuration(spec: Mapping[str, Any]) -> None:
    """What is wrong with what a function's configuration is set to; parameters that are not given are right."""
    for parameter in UNSUPPORTED:
        if spec.get(parameter):
            raise NotInSandbox(f"{parameter} of a function is not in the sandbox")
    if (spec.get("LoggingConfig") or {}).get("LogFormat", "Text") != "Text":
        raise NotInSandbox("the log format JSON is not in the sandbox")
    _check_ranges(spec)
    handler = spec.get("Handler")
    if handler is not None and not re.fullmatch(LIMITS["handler"], handler):
        raise ValidationException(handler, "handler", f"Member must satisfy regular expression pattern: {LIMITS['handler']}")
    if spec.get("Runtime") is not None:
        check_runtime(spec["Runtime"])
    check_variables((spec.get("Environment") or {}).get("Variables") or {})


def _check_ranges(spec: Mapping[str, Any]) -> None:
    for parameter, (least, most) in LIMITS["ranges"].items():
        value = spec.get(parameter, least)
        bound = "greater" if value < least else "less"
        if not least <= value <= most:
            limit = least if value < least else most
            member = parameter[0].lower() + parameter[1:]
            raise ValidationException(str(value), member, f"Member must have value {bound} than or equal to {limit}")


def check_runtime(runtime: str) -> None:
    """Known, still offered, and one that this machine can run."""
    if runtime not in known_runtimes():
        names = ", ".join(name for name in known_runtimes() if not re.fullmatch(LIMITS["withdrawn"], name))
        message = f"Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [{names}]"
        raise InvalidParameterValueException(f"{message} or be a valid ARN")
    if re.fullmatch(LIMITS["withdrawn"], runtime):
        message = f"The runtime parameter of {runtime} is no longer supported for creating or updating AWS Lambda functions."
        advice = "We recommend you use a supported runtime while creating or updating functions."
        raise InvalidParameterValueException(f"{message} {advice}")
    if not runtime.startswith("python"):
        raise NotInSandbox(f"the runtime {runtime} is not in the sandbox, which runs Python functions")
    find_interpreter(runtime)


@cache
def known_runtimes() -> tuple[str, ...]:
    """All that the API has a name for."""
    return tuple(get_service_model("lambda").shape_for("Runtime").enum)


def check_variables(variables: Mapping[str, str]) -> None:
    """Names, reserved names, size; no value stands in a message."""
    prefix = "Lambda was unable to configure your environment variables because the environment variables you have provided"
    reserved = sorted(variables.keys() & set(LIMITS["reserved"]))
    if reserved:
        message = f"{prefix} contains reserved keys that are currently not supported for modification."
        raise InvalidParameterValueException(f"{message} Reserved keys used in this request: {', '.join(reserved)}")
    if EXEC_WRAPPER in variables:
        raise NotInSandbox(f"{EXEC_WRAPPER} is not in the sandbox: no program stands between Lambda and its runtime there")
    for name in variables:
        if not re.fullmatch(LIMITS["variable"], name):
            pattern = f"Member must satisfy regular expression pattern: {LIMITS['variable']}"
            raise ValidationException(name, "environment.variables", pattern)
    if len(json.dumps(dict(variables), separators=(",", ":"), ensure_ascii=False).encode()) > LIMITS["environment"]:
        raise InvalidParameterValueException(f"{prefix} exceeded the {LIMITS['environment'] // 1024}KB limit.")


def check_package(package: bytes) -> None:
    """A zip with something in it, not too large once unpacked."""
    try:
        with zipfile.ZipFile(BytesIO(package)) as unzipped:
            entries = unzipped.infolist()
            if sum(entry.file_size for entry in entries) > LIMITS["unzipped"]:
                raise InvalidParameterValueException(f"Unzipped size must be smaller than {LIMITS['unzipped']} bytes")
            if unzipped.testzip():
                raise EOFError
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:  # damaged, encrypted …
        message = "Could not unzip uploaded file. Please check your file, then try to upload again."
        raise InvalidParameterValueException(message) from error
    if not entries:
        raise InvalidParameterValueException("Uploaded file must be a non-empty zip")


def uploaded(package: bytes, operation: str) -> bytes:
    """The package in a request for the operation, not larger than a direct upload may be."""
    if len(package) > LIMITS["zipped"]:
        message = f"Request must be smaller than {LIMITS['request']} bytes for the {operation} operation"
        raise refusal(413, "RequestEntityTooLargeException", message)
    return package


def check_role(iam: Any, arn: str, *, in_vpc: bool) -> None:
    """There, with a trust policy that lets Lambda assume it; in a VPC, with what Lambda needs for interfaces."""
    role = assumable(iam, arn, "lambda.amazonaws.com")
    if role is None:
        raise InvalidParameterValueException("The role defined for the function cannot be assumed by Lambda.")
    for action in INTERFACE_ACTIONS if in_vpc else ():
        if not policies.allows(role, f"ec2:{action}"):
            message = f"The provided execution role does not have permissions to call {action} on EC2"
            raise InvalidParameterValueException(message)


def check_vpc(ec2: Any, config: Mapping[str, Any]) -> None:
    """Subnets and groups that are there, of one VPC; both or neither."""
    subnets, groups = config.get("SubnetIds") or [], config.get("SecurityGroupIds") or []
    if bool(subnets) != bool(groups):
        raise InvalidParameterValueException("SubnetIds and SecurityIds must coexist or be both empty list.")
    known = {subnet.id: subnet.vpc_id for subnet in ec2.describe_subnets()}
    for subnet in subnets:
        if subnet not in known:
            raise _ec2_error("DescribeSubnets", "InvalidSubnetID.NotFound", f"The subnet ID '{subnet}' does not exist")
    found = {group: ec2.get_security_group_from_id(group) for group in groups}
    for group in groups:
        if found[group] is None:
            raise _ec2_error("DescribeSecurityGroups", "InvalidGroup.NotFound", f"The security group '{group}' does not exist")
    vpcs = {known[subnet] for subnet in subnets} | {str(group.vpc_id) for group in found.values()}
    if len(vpcs) > 1:
        raise InvalidParameterValueException("Subnets and security groups must be in the same VPC.")


def _ec2_error(action: str, code: str, message: str) -> InvalidParameterValueException:
    return InvalidParameterValueException(f"Error occurred while {action}. EC2 Error Code: {code}. EC2 Error Message: {message}")
