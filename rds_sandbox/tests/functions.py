"""What the tests of functions do over and over: package, deploy, invoke; with plain boto3."""

from __future__ import annotations

import io
import json
import textwrap
import zipfile
from collections.abc import Iterable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from tests.support import Client

TRUST = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
INTERFACES = ("CreateNetworkInterface", "DescribeNetworkInterfaces", "DeleteNetworkInterface")
SOON = {"Delay": 0.05, "MaxAttempts": 100}


def package(**modules: str) -> bytes:
    """A zip of these modules; always the same bytes, which are part of some tests' names."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, source in modules.items():
            file = zipfile.ZipInfo(f"{name}.py")
            file.external_attr = 0o600 << 16
            archive.writestr(file, textwrap.dedent(source))
    return content.getvalue()


def make_role(iam: Client, name: str, *statements: Mapping[str, Any]) -> str:
    """The ARN of a new role with this trust policy; Lambda's, where none is given."""
    policy = {"Version": "2012-10-17", "Statement": list(statements) or [TRUST]}
    role: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(policy))["Role"]["Arn"]
    return role


def permit_interfaces(iam: Client, role: str, actions: Iterable[str] = INTERFACES) -> None:
    """Give the role, by name, what Lambda needs to connect a function inside a VPC."""
    statement = {"Effect": "Allow", "Action": [f"ec2:{action}" for action in actions], "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName=role, PolicyName="interfaces", PolicyDocument=policy)


def wanted(name: str, role: str, runtime: str, source: str, **changes: Any) -> dict[str, Any]:
    """A small valid CreateFunction request; None takes a parameter out."""
    request = {
        "FunctionName": name,
        "Role": role,
        "Runtime": runtime,
        "Handler": "app.handler",
        "Code": {"ZipFile": package(app=source)},
        **changes,
    }
    return {key: value for key, value in request.items() if value is not None}


def deploy(functions: Client, request: Mapping[str, Any]) -> str:
    """Create a function and wait until it is active; its ARN."""
    arn: str = functions.create_function(**request)["FunctionArn"]
    functions.get_waiter("function_active_v2").wait(FunctionName=request["FunctionName"], WaiterConfig=SOON)
    return arn


def settle(functions: Client, name: str) -> None:
    """Wait until an update is through."""
    functions.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig=SOON)


def invoke(functions: Client, name: str, event: Any = None, **more: Any) -> Any:
    """The function's answer, which must be no error."""
    answer = functions.invoke(FunctionName=name, Payload=json.dumps(event), **more)
    payload = answer["Payload"].read()
    assert "FunctionError" not in answer, payload
    return json.loads(payload)


def failure(functions: Client, name: str, event: Any = None) -> dict[str, Any]:
    """The error that the function answers."""
    answer = functions.invoke(FunctionName=name, Payload=json.dumps(event))
    assert answer["FunctionError"] == "Unhandled"
    error: dict[str, Any] = json.loads(answer["Payload"].read())
    return error


def code_of(error: ClientError) -> str:
    """The code of an AWS error."""
    code: str = error.response["Error"]["Code"]
    return code
