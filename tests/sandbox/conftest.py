"""A real sandbox, seen through plain boto3 and psycopg."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from cruddur_ops import targets
from cruddur_ops.database.connection import session
from cruddur_ops.target import Target
from rds_sandbox import Sandbox
from tests.sandbox.support import Client, make_client, reset


@pytest.fixture(scope="session")
def sandbox(rds_sandbox: Sandbox) -> Mapping[str, str]:
    """The environment of a sandbox that all sandbox tests share."""
    return rds_sandbox.environment


@pytest.fixture
def slow(rds_sandbox: Sandbox) -> Iterator[None]:
    """Statuses that last long enough for another call to meet them, on a busy machine too."""
    rds_sandbox.simulate("delay", seconds=3)
    yield
    rds_sandbox.simulate("delay", seconds=0.02)


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


@pytest.fixture
def target(sandbox: Mapping[str, str]) -> Iterator[Target]:
    """The target `local` on an empty sandbox."""
    with emptied(sandbox) as target:
        yield target


@pytest.fixture(scope="module")
def module_target(sandbox: Mapping[str, str]) -> Iterator[Target]:
    """The same for the tests of a module, which share what it comes to."""
    with emptied(sandbox) as target:
        yield target


@contextmanager
def emptied(sandbox: Mapping[str, str]) -> Iterator[Target]:
    """The target `local`, with the sandbox in the environment and nothing in it."""
    reset(sandbox)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in sandbox.items():
            patch.setenv(name, value)
        target = targets.load("local")
        yield target
        session(target).close()
