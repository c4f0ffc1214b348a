"""Against a real AWS account, reading only: the target `prod`, with the credentials of the ordinary chain."""

from __future__ import annotations

import pytest

from cruddur_ops import network, preflight, rds, targets
from cruddur_ops.target import Target


@pytest.fixture
def target() -> Target:
    """The project's `prod`."""
    return targets.load("prod")


def test_caller_is_known(target: Target) -> None:
    """AWS knows who calls."""
    assert preflight.check(target).caller.startswith("arn:aws")


def test_something_is_on_offer(target: Target) -> None:
    """RDS offers the wanted major and class in the region, with a price and an end of support."""
    offer = rds.offer(target)

    assert offer.version.startswith(f"{target.engine_version}.")
    assert offer.zones
    assert offer.end_of_standard_support


def test_plans_can_be_computed(target: Target) -> None:
    """Whatever exists there, the plans say what would change, and change nothing."""
    assert rds.plan_group(target).changes
    assert rds.plan_instance(target).changes
    assert network.plan_access(target).changes
