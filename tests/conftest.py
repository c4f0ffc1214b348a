"""What all tests share: a clean environment, and tests that cost money or minutes only with a flag."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("project", deadline=None)  # a busy machine is no failure
settings.load_profile("project")

FOREIGN = ("AWS_", "CRUDDUR_", "DB_SG_", "PG", "RDS_SANDBOX_")
ADDRESSES = ("LOCAL_IP", "GITPOD_IP", "CONNECTION_URL", "PROD_CONNECTION_URL")
TESTS = Path(__file__).parent
ON_REQUEST = {
    TESTS / "benchmarks": "takes minutes, and measures nothing",
    TESTS / "live": "acts on a real AWS account",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """A flag for each folder of tests that runs only on request."""
    parser.addoption("--live", action="store_true", help="run the tests that act on a real AWS account")
    parser.addoption("--benchmarks", action="store_true", help="run each benchmark once, with little data: minutes")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that cost money or minutes unless they are asked for."""
    for folder, reason in ON_REQUEST.items():
        if not config.getoption(f"--{folder.name}"):
            skip = pytest.mark.skip(reason=f"{reason}: run it with --{folder.name}")
            for item in items:
                if item.path.is_relative_to(folder):
                    item.add_marker(skip)


@pytest.fixture(scope="session", autouse=True)
def _clean_environment(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[pytest.MonkeyPatch]:
    """No variable of the developer's shell, no file of the developer's home reaches a test that is not live."""
    import os

    with pytest.MonkeyPatch.context() as patch:
        if pytestconfig.getoption("--live"):
            yield patch
            return
        for name in list(os.environ):
            if name.startswith(FOREIGN) and name != "RDS_SANDBOX_PG_BIN" or name in ADDRESSES:
                patch.delenv(name)
        home = tmp_path_factory.mktemp("home")
        patch.setenv("CRUDDUR_STATE_DIR", str(home / "state"))
        patch.setenv("RDS_SANDBOX_STATE_DIR", str(home / "sandboxes"))
        patch.setenv("AWS_CONFIG_FILE", str(home / "aws-config"))
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(home / "aws-credentials"))
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield patch


@pytest.fixture(scope="session", autouse=True)
def no_session_left() -> Iterator[None]:
    """Close the sessions that single statements left open: their sockets would be told at the end."""
    from cruddur_ops.database import connection

    yield
    connection.close_sessions()
