"""Every operation of every service: whatever is sent, the answer is one of its protocol, and never a failure of the sandbox.

Source: the services' API references, "Common Errors"; an operation's protocol is in botocore's service model.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support import REGION, reset

OURS = (
    "rds", "lambda", "cognito-idp", "ec2", "logs", "cloudwatch", "secretsmanager", "iam", "sts", "ssm", "scheduler", "kms",
    "resourcegroupstaggingapi",
)  # fmt: skip
MOST = 8  # operations of a service, unless all are asked for
KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
NOT_IN_PATHS = "/?#%\\."


@pytest.fixture(scope="module", autouse=True)
def _empty(sandbox: Mapping[str, str]) -> Iterator[None]:
    yield
    reset(sandbox)


def client_of(sandbox: Mapping[str, str], service: str, *, signed: bool = True) -> Any:
    """A client that sends whatever it is given, once."""
    more = {} if signed else {"signature_version": UNSIGNED}
    config = Config(parameter_validation=False, retries={"total_max_attempts": 1}, inject_host_prefix=False, **more)
    keys = {name.lower(): sandbox[name] for name in KEYS} if signed else {}
    return boto3.client(service, endpoint_url=sandbox["AWS_ENDPOINT_URL"], region_name=REGION, config=config, **keys)


def verdict(client: Any, operation: str, parameters: dict[str, Any]) -> str:
    """What is wrong with the answer; empty where nothing is."""
    try:
        client._make_api_call(operation, parameters)
    except ClientError as error:
        status, code = error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]
        return f"{operation} {parameters}: {status} {code}" if status == 500 or code.isdecimal() else ""
    except (ParamValidationError, TypeError):
        return ""  # it cannot be sent
    except BotoCoreError as error:
        return f"{operation} {parameters}: {error!r}"
    return ""


def some(operations: list[str], config: pytest.Config) -> list[str]:
    """All of them, or as many as take no long time, always the same."""
    everything = config.getoption("--operations")
    return operations if everything else random.Random(0).sample(operations, min(MOST, len(operations)))


@pytest.mark.parametrize("signed", [True, False], ids=["signed", "unsigned"])
@pytest.mark.parametrize("service", OURS)
def test_no_parameters(sandbox: Mapping[str, str], service: str, signed: bool, pytestconfig: pytest.Config) -> None:
    """A documented error, or an answer, where nothing is given that the path does not ask for."""
    client = client_of(sandbox, service, signed=signed)
    names = some(list(client.meta.service_model.operation_names), pytestconfig)
    paths = {name: in_path(client.meta.service_model.operation_model(name).input_shape) for name in names}
    assert [] == [found for name in names if (found := verdict(client, name, paths[name]))]


def in_path(shape: Any) -> dict[str, Any]:
    """A value for each parameter that is a part of the path."""
    members = shape.members.items() if shape else ()
    return {name: "x" for name, member in members if member.serialization.get("location") == "uri"}


def values(shape: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    """Values such as the model has them, mostly; structures without what is optional where they are deep."""
    kind, limits = shape.type_name, shape.metadata
    if kind == "structure":
        if depth > 3 or getattr(shape, "is_document_type", False):
            return st.just({})
        members = {name: values(member, depth + 1) for name, member in shape.members.items()}
        needed = {name: members.pop(name) for name in shape.required_members if name in members}
        return st.fixed_dictionaries(needed, optional=members)
    if kind in ("list", "map"):
        least = min(int(limits.get("min", 0)), 2)
        if kind == "list":
            return st.lists(values(shape.member, depth + 1), min_size=least, max_size=2)
        return st.dictionaries(values(shape.key, depth + 1), values(shape.value, depth + 1), min_size=least, max_size=2)
    return scalars(shape, limits)


def scalars(shape: Any, limits: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """A number, a text, a moment ...; a text that stands in the path has no slash."""
    kind = shape.type_name
    if kind == "string":
        if shape.enum:
            return st.sampled_from(shape.enum)
        least, most = min(int(limits.get("min", 0)), 64), min(int(limits.get("max", 20)), 64)
        alphabet = st.characters(codec="utf-8", categories=("L", "N", "P", "S"), exclude_characters=NOT_IN_PATHS)
        return st.text(alphabet, min_size=max(least, 1), max_size=max(least, most, 1)) | st.just("x" * max(least, 1))
    if kind in ("integer", "long"):
        return st.integers(int(limits.get("min", -1)), int(min(limits.get("max", 40000), 40000)))
    return {
        "boolean": st.booleans(),
        "timestamp": st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2030, 1, 1)),
        "blob": st.binary(max_size=20),
        "float": st.floats(0, 100, width=32),
        "double": st.floats(0, 100),
    }[kind]


@pytest.mark.parametrize("service", OURS)
def test_generated_parameters(sandbox: Mapping[str, str], service: str, pytestconfig: pytest.Config) -> None:
    """A documented error, or an answer, whatever the parameters are."""
    client = client_of(sandbox, service)
    model, thorough = client.meta.service_model, pytestconfig.getoption("--operations")

    @settings(suppress_health_check=list(HealthCheck), max_examples=1000 if thorough else MOST, derandomize=not thorough)
    @given(data=st.data())
    def call(data: st.DataObject) -> None:
        operation = model.operation_model(data.draw(st.sampled_from(model.operation_names)))
        assert "" == verdict(client, operation.name, data.draw(values(operation.input_shape)) if operation.input_shape else {})

    call()
