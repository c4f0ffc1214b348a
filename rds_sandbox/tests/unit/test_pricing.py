"""The price list as a client reads it."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto.core.exceptions import ServiceException

from rds_sandbox.rds.pricing import get_products


def products(*, kind: str = "TERM_MATCH", **fields: str) -> list[dict[str, Any]]:
    """The documents that these fields match."""
    filters = [{"Type": kind, "Field": field, "Value": value} for field, value in fields.items()]
    answer = get_products({"ServiceCode": "AmazonRDS", "Filters": filters})
    return [json.loads(text) for text in answer["PriceList"]]


def price(product: dict[str, Any]) -> tuple[float, str]:
    """USD and unit of the only on-demand rate."""
    [term] = product["terms"]["OnDemand"].values()
    [rate] = term["priceDimensions"].values()
    return float(rate["pricePerUnit"]["USD"]), rate["unit"]


@pytest.mark.parametrize(
    ("region", "name", "deployment", "expected"),
    [
        ("us-east-1", "db.t3.micro", "Single-AZ", 0.018),
        ("us-east-1", "db.t4g.medium", "Multi-AZ", 0.13),
        ("ca-central-1", "db.t3.micro", "Single-AZ", 0.02),
        ("eu-west-1", "db.t4g.micro", "Single-AZ", 0.017),
        ("eu-central-1", "db.t3.micro", "Single-AZ", 0.021),
    ],
)
def test_an_instance_has_one_price_an_hour(region: str, name: str, deployment: str, expected: float) -> None:
    """The filters that people use find exactly one product."""
    [product] = products(
        regionCode=region,
        instanceType=name,
        deploymentOption=deployment,
        databaseEngine="PostgreSQL",
        productFamily="Database Instance",
    )
    assert (expected, "Hrs") == price(product)


@pytest.mark.parametrize(("deployment", "expected"), [("Single-AZ", 0.137), ("Multi-AZ", 0.274)])
def test_storage_has_a_price_a_gigabyte_month(deployment: str, expected: float) -> None:
    """gp3 in eu-central-1; Multi-AZ keeps two copies."""
    [product] = products(
        regionCode="eu-central-1",
        productFamily="Database Storage",
        volumeType="General Purpose-GP3",
        deploymentOption=deployment,
    )
    assert (expected, "GB-Mo") == price(product)


def test_a_product_is_named_as_on_the_bill() -> None:
    """Usage types carry the region's prefix and the short size."""
    [product] = products(regionCode="ca-central-1", instanceType="db.m6g.2xlarge", deploymentOption="Multi-AZ")
    assert "CAN1-Multi-AZUsage:db.m6g.2xl" == product["product"]["attributes"]["usagetype"]


def test_codes_hang_together() -> None:
    """The SKU starts the key of the term, the term's that of the rate, as in the real list."""
    [product] = products(regionCode="us-east-1", usagetype="InstanceUsage:db.t3.micro")
    sku = product["product"]["sku"]
    [(term_key, term)] = product["terms"]["OnDemand"].items()
    [(rate_key, rate)] = term["priceDimensions"].items()
    assert (f"{sku}.JRTCKXETXF", f"{sku}.JRTCKXETXF.6YS6EN2CT7") == (term_key, rate_key)
    assert (sku, rate_key, "0", "Inf") == (term["sku"], rate["rateCode"], rate["beginRange"], rate["endRange"])


def test_every_sku_is_of_one_product() -> None:
    """No two products share a SKU."""
    skus = [json.loads(text)["product"]["sku"] for text in all_texts()]
    assert len(set(skus)) == len(skus)


def all_texts() -> list[str]:
    """The whole price list, page by page."""
    texts: list[str] = []
    request: dict[str, Any] = {"ServiceCode": "AmazonRDS", "MaxResults": 30}
    while True:
        answer = get_products(request)
        texts += answer["PriceList"]
        if "NextToken" not in answer:
            return texts
        request["NextToken"] = answer["NextToken"]


def test_pages_follow_each_other() -> None:
    """All pages together are more than one page, and no product comes twice."""
    texts = all_texts()
    assert len(texts) > 100
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize(
    "request_",
    [
        {"ServiceCode": "AmazonEC2"},
        {
            "ServiceCode": "AmazonRDS",
            "Filters": [{"Type": "TERM_MATCH", "Field": "instanceType", "Value": "db.t2.micro"}],
        },
        {
            "ServiceCode": "AmazonRDS",
            "Filters": [{"Type": "TERM_MATCH", "Field": "noSuchField", "Value": "x"}],
        },
    ],
    ids=["another service", "a class that is not sold", "a field that no product has"],
)
def test_nothing_found_is_an_empty_list(request_: dict[str, Any]) -> None:
    """As in AWS, a filter that nothing matches is no error."""
    assert {"FormatVersion": "aws_v1", "PriceList": []} == get_products(request_)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("EQUALS", "CAN1-RDS:GP3-Storage", {"CAN1-RDS:GP3-Storage"}),
        ("CONTAINS", "CAN1-RDS:GP", {"CAN1-RDS:GP2-Storage", "CAN1-RDS:GP3-Storage"}),
        ("ANY_OF", "CAN1-RDS:GP2-Storage,nothing", {"CAN1-RDS:GP2-Storage"}),
    ],
)
def test_the_other_kinds_of_filter_work(kind: str, value: str, expected: set[str]) -> None:
    """Equality, substring and list."""
    assert expected == {p["product"]["attributes"]["usagetype"] for p in products(kind=kind, usagetype=value)}


def test_none_of_leaves_the_rest() -> None:
    """Everything but one engine is nothing, here."""
    assert [] == products(kind="NONE_OF", databaseEngine="PostgreSQL,MySQL")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (
            {"Filters": [{"Type": "LIKE", "Field": "regionCode", "Value": "ca-%"}]},
            "InvalidParameterException",
        ),
        ({"NextToken": "page two"}, "InvalidNextTokenException"),
    ],
)
def test_wrong_requests_are_refused(change: dict[str, Any], code: str) -> None:
    """With the codes of the Price List API."""
    with pytest.raises(ServiceException) as raised:
        get_products({"ServiceCode": "AmazonRDS", **change})
    assert code == raised.value.code


def test_the_answer_has_the_shape_of_the_service_model() -> None:
    """The service model knows each member."""
    client = boto3.client("pricing", region_name="us-east-1")
    with Stubber(client) as stubber:
        stubber.add_response("get_products", get_products({"ServiceCode": "AmazonRDS"}))
