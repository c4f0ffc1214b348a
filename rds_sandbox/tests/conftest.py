"""A real sandbox, seen through plain boto3 and psycopg; tests that take minutes run only with a flag."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from hypothesis import settings

from rds_sandbox import Sandbox
from tests.support import Client, make_client

settings.register_profile("project", deadline=None)  # a busy machine is no failure
settings.register_profile("some", deadline=None, max_examples=15)
settings.load_profile("project")

FOREIGN = ("AWS_", "RDS_SANDBOX_", "PG")
TESTS = Path(__file__).parent
ON_REQUEST = {
    TESTS / "terraform": "takes minutes, by the delays of Terraform's AWS provider",
    TESTS / "wheels": "takes a minute, and needs a package index",
}
collect_ignore = ["example"]  # a project of its own


def pytest_addoption(parser: pytest.Parser) -> None:
    """A flag for each folder of tests that runs only on request."""
    parser.addoption("--terraform", action="store_true", help="run the test that applies Terraform to the sandbox: minutes")
    parser.addoption("--operations", action="store_true", help="call every operation, not a sample of them: minutes")
    parser.addoption("--wheels", action="store_true", help="run the tests that install wheels: a minute, and a package index")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that take minutes unless they are asked for."""
    for folder, reason in ON_REQUEST.items():
        if not config.getoption(f"--{folder.name}"):
            skip = pytest.mark.skip(reason=f"{reason}: run it with --{folder.name}")
            for item in items:
                if item.path.is_relative_to(folder):
                    item.add_marker(skip)


@pytest.fixture(scope="session", autouse=True)
def _clean_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No variable of the developer's shell, no file of the developer's home reaches a test."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(FOREIGN) and name != "RDS_SANDBOX_PG_BIN":
                patch.delenv(name)
        home = tmp_path_factory.mktemp("home")
        patch.setenv("RDS_SANDBOX_STATE_DIR", str(home / "state"))
        patch.setenv("AWS_CONFIG_FILE", str(home / "aws-config"))
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(home / "aws-credentials"))
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("RDS_SANDBOX_DELAY", "0")  # a test that looks at a status says how long it is to last
        yield


@pytest.fixture(scope="session")
def sandbox(rds_sandbox: Sandbox) -> Mapping[str, str]:
    """The environment of the sandbox that all tests share."""
    return rds_sandbox.environment


@pytest.fixture
def slow(rds_sandbox: Sandbox) -> Iterator[None]:
    """Statuses that last long enough for another call to meet them, on a busy machine too."""
    rds_sandbox.simulate("delay", seconds=3)
    yield
    rds_sandbox.simulate("delay", seconds=0)


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
        headers = {"Authorization": f"Bearer {sandbox['RDS_SANDBOX_TOKEN']}"}
        with urlopen(Request(url, json.dumps(body).encode() if body else None, headers, method=method), timeout=10) as answer:
            return json.loads(answer.read())

    return request
