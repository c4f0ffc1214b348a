"""A real sandbox, seen through plain boto3 and psycopg."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.request import Request, urlopen

import pytest

from cruddur_ops import targets
from cruddur_ops.sandbox.control import throwaway
from cruddur_ops.targets import Target
from tests.sandbox.support import Client, make_client, reset


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Mapping[str, str]]:
    """The environment of a sandbox that all sandbox tests share."""
    with throwaway() as environment:
        yield environment


@pytest.fixture(scope="session")
def rds(sandbox: Mapping[str, str]) -> Client:
    """boto3's RDS client."""
    return make_client(sandbox, "rds")


@pytest.fixture(scope="session")
def ec2(sandbox: Mapping[str, str]) -> Client:
    """boto3's EC2 client."""
    return make_client(sandbox, "ec2")


@pytest.fixture(scope="session")
def secretsmanager(sandbox: Mapping[str, str]) -> Client:
    """boto3's Secrets Manager client."""
    return make_client(sandbox, "secretsmanager")


@pytest.fixture(scope="session")
def control(sandbox: Mapping[str, str]) -> Callable[..., Any]:
    """The sandbox's own interface: method, path, body to the answer."""

    def request(method: str, path: str, body: Mapping[str, str] | None = None) -> Any:
        url = f"{sandbox['AWS_ENDPOINT_URL']}/_sandbox{path}"
        with urlopen(Request(url, json.dumps(body).encode() if body else None, method=method), timeout=10) as answer:
            return json.loads(answer.read())

    return request


@pytest.fixture
def target(sandbox: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> Target:
    """The target `local` on an empty sandbox."""
    reset(sandbox)
    for name, value in sandbox.items():
        monkeypatch.setenv(name, value)
    return targets.load("local")
