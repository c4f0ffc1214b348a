"""What an instance costs a month, from the AWS Price List."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from cruddur_ops import aws
from cruddur_ops.errors import AccessDenied, AwsUnreachable
from cruddur_ops.target import Target

# The Price List answers in three regions only (AWS Billing User Guide, "Price List Query API endpoints"), to accounts of theirs.
PRICING_REGION = "us-east-1"
HOURS_A_MONTH = 730  # AWS Pricing Calculator
PUBLIC_IPV4_A_MONTH = 0.005 * HOURS_A_MONTH  # Amazon VPC pricing, "Public IPv4 addresses": USD an hour
# RDS's storage types as the Price List calls them.
VOLUME_TYPES = {
    "gp2": "General Purpose",
    "gp3": "General Purpose-GP3",
    "io1": "Provisioned IOPS",
    "io2": "Provisioned IOPS-IO2",
    "standard": "Magnetic",
}


@dataclass(frozen=True)
class MonthlyCost:
    """On-demand list prices in USD a month, without backups beyond the free share, traffic and tax."""

    parts: Mapping[str, float] = field(default_factory=dict)  # by what is paid for
    unknown: str = ""  # why the cost is not known; empty where it is

    def __str__(self) -> str:
        """Such as "about 19 USD a month (instance 12.41, storage 2.54, public IPv4 3.65)"."""
        if self.unknown:
            return f"unknown: {self.unknown}"
        parts = ", ".join(f"{name} {amount:.2f}" for name, amount in self.parts.items())
        return f"about {sum(self.parts.values()):.0f} USD a month ({parts})"


def monthly_cost(target: Target) -> MonthlyCost:
    """The cost of the target's instance; unknown where the Price List denies it, fails or has no price."""
    volume_type = VOLUME_TYPES.get(target.storage_type, target.storage_type)
    instances, unknown = products(target, "Database Instance", instanceType=target.db_instance_class)
    volumes, unknown = ([], unknown) if unknown else products(target, "Database Storage", volumeType=volume_type)
    return MonthlyCost(unknown=unknown) if unknown else cost(target, unit_price(instances), unit_price(volumes))


def an_hour(target: Target) -> str:
    """Such as "0.02 USD an hour"."""
    found = monthly_cost(target)
    return f"unknown: {found.unknown}" if found.unknown else f"{sum(found.parts.values()) / HOURS_A_MONTH:.2f} USD an hour"


def products(target: Target, family: str, **attributes: str) -> tuple[list[dict[str, Any]], str]:
    """The products of Amazon RDS in the target's region, for one zone or two, with these attributes; or why they are unknown."""
    from botocore.exceptions import ClientError

    if aws.partition(target.region) != "aws":
        return [], f"the Price List does not answer in the partition of {target.region}"
    option = "Multi-AZ" if target.multi_az else "Single-AZ"
    place = {"regionCode": target.region, "locationType": "AWS Region", "deploymentOption": option}
    wanted = {"productFamily": family, **place, **attributes}
    filters = [{"Type": "TERM_MATCH", "Field": name, "Value": value} for name, value in wanted.items()]
    there = replace(target, region=PRICING_REGION)
    try:
        found = aws.pages(there, "pricing", "get_products", ServiceCode="AmazonRDS", Filters=filters)
    except (AccessDenied, AwsUnreachable) as error:
        return [], str(error)
    except ClientError as error:
        return [], f"the Price List answers {aws.error_code(error)}"
    return [json.loads(one) for one in found], ""


def vcpus(target: Target, instance_class: str) -> tuple[int, str]:
    """Those of a class, which the Price List tells alone; 0 where it does not, and why."""
    found, unknown = products(target, "Database Instance", instanceType=instance_class)
    return (int(found[0]["product"]["attributes"].get("vcpu", 0)), "") if found else (0, unknown or "the Price List has none")


def unit_price(found: Iterable[Mapping[str, Any]]) -> float | None:
    """The on-demand price of one unit, in USD, of the product for PostgreSQL, else of that for any engine."""
    for engine in ("PostgreSQL", "Any"):
        for product in found:
            if product["product"]["attributes"].get("databaseEngine") == engine:
                return _on_demand(product)
    return None


def _on_demand(product: Mapping[str, Any]) -> float | None:
    """The first price dimension of the product's on-demand terms; None where it has none in USD."""
    for term in product["terms"].get("OnDemand", {}).values():
        for dimension in term["priceDimensions"].values():
            if "USD" in dimension["pricePerUnit"]:
                return float(dimension["pricePerUnit"]["USD"])
    return None


def cost(target: Target, hour: float | None, gib_month: float | None) -> MonthlyCost:
    """The monthly cost at these unit prices: an hour of the instance, a GiB of storage for a month."""
    if hour is None or gib_month is None:
        missing = target.db_instance_class if hour is None else target.storage_type
        return MonthlyCost(unknown=f"the Price List has no price of {missing} in {target.region}")
    parts = {"instance": hour * HOURS_A_MONTH, "storage": gib_month * target.allocated_storage}
    return MonthlyCost(parts | ({"public IPv4": PUBLIC_IPV4_A_MONTH} if target.publicly_accessible else {}))
