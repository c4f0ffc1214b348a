"""What all tests share: a clean environment, and live tests only with a flag."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

FOREIGN = ("AWS_", "CRUDDUR_", "DB_SG_", "PG")
ADDRESSES = ("LOCAL_IP", "GITPOD_IP", "CONNECTION_URL", "PROD_CONNECTION_URL")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Live tests act on a real AWS account and cost money."""
    parser.addoption("--live", action="store_true", help="run the tests that act on a real AWS account")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the live tests out unless they are asked for."""
    if not config.getoption("--live"):
        skip = pytest.mark.skip(reason="acts on a real AWS account: run it with --live")
        for item in items:
            if "live" in Path(item.path).parts:
                item.add_marker(skip)


@pytest.fixture(scope="session", autouse=True)
def _clean_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pytest.MonkeyPatch]:
    """No variable of the developer's shell, no file of the developer's home reaches a test."""
    import os

    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(FOREIGN) and name != "CRUDDUR_PG_BIN" or name in ADDRESSES:
                patch.delenv(name)
        home = tmp_path_factory.mktemp("home")
        patch.setenv("CRUDDUR_STATE_DIR", str(home / "state"))
        patch.setenv("AWS_CONFIG_FILE", str(home / "aws-config"))
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(home / "aws-credentials"))
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield patch
