"""The pytest plugin: a sandbox for a project's tests."""

from collections.abc import Iterator

import pytest

from rds_sandbox import Sandbox, sandbox


@pytest.fixture(scope="session")
def rds_sandbox() -> Iterator[Sandbox]:
    """A sandbox for all tests: `.environment` is a mapping, `.client("rds")` a boto3 client, `.reset()` empties it."""
    with sandbox() as it:
        yield it
