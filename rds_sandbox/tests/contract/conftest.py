"""What most tests of a DB instance begin with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from tests.instance import open_group
from tests.support import Client, reset


@pytest.fixture(scope="module")
def group(sandbox: Mapping[str, str], ec2: Client) -> Iterator[str]:
    """A security group that admits the operator, in a sandbox that holds nothing else."""
    reset(sandbox)
    yield open_group(ec2)
    reset(sandbox)
