"""The monthly cost, read from the Price List's answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cruddur_ops.rds import prices
from cruddur_ops.rds.prices import MonthlyCost
from cruddur_ops.target import Target
from tests.unit.conftest import Stub

TARGET = Target("test")


def product(price: str, engine: str = "PostgreSQL", currency: str = "USD") -> dict[str, Any]:
    """A product of the Price List (AWS Billing User Guide, "Reading your price list files")."""
    dimension = {"unit": "Hrs", "pricePerUnit": {currency: price}}
    terms = {"OnDemand": {"SKU.TERM": {"priceDimensions": {"SKU.TERM.RATE": dimension}}}}
    return {"product": {"attributes": {"databaseEngine": engine}}, "terms": terms}


def test_unit_price_of_the_engine() -> None:
    """PostgreSQL's own price comes before that for any engine, and others do not count."""
    assert 0.02 == prices.unit_price([product("9", "MySQL"), product("0.01", "Any"), product("0.0200")])
    assert 0.01 == prices.unit_price([product("9", "MySQL"), product("0.01", "Any")])


NO_PRICES = [[], [product("9", "Oracle")], [product("9", currency="CNY")], [product("9") | {"terms": {}}]]


@pytest.mark.parametrize("found", NO_PRICES)
def test_no_unit_price(found: list[dict[str, Any]]) -> None:
    """No product, no on-demand term or another currency: no price is made up."""
    assert prices.unit_price(found) is None


def test_cost_of_a_month() -> None:
    """730 hours, the storage that is allocated, and the public address."""
    cost = prices.cost(TARGET, 0.017, 0.127)
    assert "about 19 USD a month (instance 12.41, storage 2.54, public IPv4 3.65)" == str(cost)


def test_cost_without_a_public_address() -> None:
    """Who needs no public address does not pay for it."""
    assert "about 15 USD a month (instance 12.41, storage 2.54)" == str(
        prices.cost(replace(TARGET, publicly_accessible=False), 0.017, 0.127)
    )


@pytest.mark.parametrize(("hour", "gib", "missing"), [(None, 0.1, "db.t4g.micro"), (0.1, None, "gp3")])
def test_cost_without_a_price(hour: float | None, gib: float | None, missing: str) -> None:
    """What has no price is named."""
    expected = MonthlyCost(unknown=f"the Price List has no price of {missing} in ca-central-1")
    assert expected == prices.cost(TARGET, hour, gib)


@pytest.mark.parametrize("region", ["cn-north-1", "us-gov-west-1"])
def test_other_partitions_have_no_price_list(region: str) -> None:
    """Nobody is asked: credentials of theirs are none elsewhere."""
    expected = f"unknown: the Price List does not answer in the partition of {region}"
    assert expected == str(prices.monthly_cost(replace(TARGET, region=region)))


@pytest.mark.parametrize(
    ("code", "reason"),
    [("AccessDeniedException", "AWS denies pricing:GetProducts"), ("InternalErrorException", "InternalErrorException")],
)
def test_a_price_list_that_does_not_answer(code: str, reason: str, stub: Stub) -> None:
    """The cost is then unknown, with the reason, and nothing else fails."""
    stub(replace(TARGET, region="us-east-1"), "pricing").add_client_error("get_products", code)
    cost = str(prices.monthly_cost(TARGET))
    assert cost.startswith("unknown: ")
    assert reason in cost
