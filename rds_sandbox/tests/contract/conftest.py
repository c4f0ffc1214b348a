"""What most tests of a DB instance begin with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from tests.instance import open_group
from tests.support import Client, reset


@pytest.fixture(scope="module")
def emptied(sandbox: Mapping[str, str]) -> Iterator[None]:
    """A sandbox that holds nothing when the tests of a module begin, and nothing afterwards."""
    reset(sandbox)
    yield
    reset(sandbox)


@pytest.fixture
def emptied_each_time(sandbox: Mapping[str, str]) -> Iterator[None]:
    """A sandbox that holds nothing when a test begins, and nothing afterwards."""
    reset(sandbox)
    yield
    reset(sandbox)


@pytest.fixture(scope="module")
def group(emptied: None, ec2: Client) -> str:
    """A security group that admits the operator, in a sandbox that holds nothing else."""
    return open_group(ec2)
