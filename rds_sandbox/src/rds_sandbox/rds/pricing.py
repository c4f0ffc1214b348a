"""The AWS Price List Query API's `GetProducts` for RDS for PostgreSQL, from the prices of catalog.toml.

Source: AWS Price List API Reference (GetProducts), and the price list's file format in the AWS Billing
User Guide ("Reading your price list files"). Each item of `PriceList` is a JSON document in a string.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import cache
from typing import Any

from moto.core.exceptions import ServiceException

from rds_sandbox.rds.facts import InstanceClass, instance_classes, tables

_ON_DEMAND, _PER_UNIT = "JRTCKXETXF", "6YS6EN2CT7"  # codes of every on-demand term and of its one dimension
_SERVICE = "AmazonRDS"
_DEPLOYMENTS = {"Single-AZ": 1, "Multi-AZ": 2}
_VOLUMES = {"GP2": "General Purpose", "GP3": "General Purpose-GP3"}
_MATCHES: Mapping[str, Callable[[str, str], bool]] = {
    "TERM_MATCH": lambda value, wanted: value == wanted,
    "EQUALS": lambda value, wanted: value == wanted,
    "CONTAINS": lambda value, wanted: wanted in value,
    "ANY_OF": lambda value, wanted: value in wanted.split(","),
    "NONE_OF": lambda value, wanted: value not in wanted.split(","),
}


def get_products(request: Mapping[str, Any]) -> dict[str, Any]:
    """The products that all filters match, `MaxResults` (100) of them, and the token of the next page."""
    known = _products() if request.get("ServiceCode") == _SERVICE else ()
    found = [text for fields, text in known if all(_fits(fields, f) for f in request.get("Filters") or ())]
    start, limit = _start(request.get("NextToken"), len(found)), request.get("MaxResults") or 100
    page = {"FormatVersion": "aws_v1", "PriceList": found[start : start + limit]}
    return page | ({"NextToken": str(start + limit)} if start + limit < len(found) else {})


def _start(token: str | None, count: int) -> int:
    if token is None:
        return 0
    if not token.isdecimal() or not 0 < int(token) < count:
        raise ServiceException("InvalidNextTokenException", "The pagination token is invalid.")
    return int(token)


def _fits(fields: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    if wanted.get("Type") not in _MATCHES:
        raise ServiceException("InvalidParameterException", f"Unknown filter type: {wanted.get('Type')}")
    value = fields.get(wanted["Field"])
    return value is not None and _MATCHES[wanted["Type"]](value, wanted["Value"])


@cache
def _products() -> tuple[tuple[Mapping[str, str], str], ...]:
    """Every product: the fields that filters may name, and its document as JSON."""
    regions = tables()["prices"]["region"]
    documents = [d for region in regions for d in (*_instances(region), *_volumes(region))]
    return tuple((_fields(d["product"]), json.dumps(d)) for d in documents)


def _fields(product: Mapping[str, Any]) -> Mapping[str, str]:
    return {**product["attributes"], "productFamily": product["productFamily"], "ServiceCode": _SERVICE}


def _instances(region: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for instance_class in instance_classes().values():
        price = _hourly(instance_class, region)
        for deployment, copies in _DEPLOYMENTS.items() if price else ():
            attributes = _instance_attributes(instance_class, region, deployment)
            what = f"RDS {instance_class.name} {deployment} instance hour (or partial hour)"
            yield _document("Database Instance", attributes, price * copies, "Hrs", what)


def _hourly(instance_class: InstanceClass, region: Mapping[str, Any]) -> Decimal:
    """USD an hour, Single-AZ; 0 where the class is not sold there."""
    name = instance_class.name
    if region["code"] in instance_class.missing:
        return Decimal(0)
    if name in region.get("exact", {}):
        return Decimal(str(region["exact"][name]))
    return round(_base_price(instance_class) * Decimal(str(region["factor"])), 3)


def _base_price(instance_class: InstanceClass) -> Decimal:
    """USD an hour in us-east-1, from which the other regions' prices are derived; 0 where the class is not sold any more."""
    price = Decimal(str(tables()["prices"]["hourly"].get(instance_class.family, 0)))
    return round(price * instance_class.memory / instance_classes()[f"{instance_class.family}.2xlarge"].memory, 3)


def _instance_attributes(instance_class: InstanceClass, region: Mapping[str, Any], deployment: str) -> dict[str, str]:
    usage = "InstanceUsage" if deployment == "Single-AZ" else "Multi-AZUsage"
    return _attributes("Database Instance", region, deployment) | {
        "instanceType": instance_class.name,
        "vcpu": str(instance_class.vcpus),
        "memory": f"{instance_class.memory} GiB",
        "physicalProcessor": instance_class.processor,
        "usagetype": f"{region['prefix']}{usage}:{instance_class.name.replace('xlarge', 'xl')}",
    }


def _volumes(region: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for deployment, copies in _DEPLOYMENTS.items():
        for kind, volume in _VOLUMES.items():
            usage = f"{region['prefix']}RDS:{'' if copies == 1 else 'Multi-AZ-'}{kind}-Storage"
            attributes = _attributes("Database Storage", region, deployment) | {"volumeType": volume, "usagetype": usage}
            price = Decimal(str(region["gib_month"])) * copies
            what = f"GB-month of provisioned {kind.lower()} storage for {deployment} deployments"
            yield _document("Database Storage", attributes, price, "GB-Mo", what)


def _attributes(family: str, region: Mapping[str, Any], deployment: str) -> dict[str, str]:
    own = {"location": region["location"], "regionCode": region["code"], "deploymentOption": deployment}
    return {**tables()["prices"]["attributes"], **tables()["prices"]["of"][family], **own}


def _document(family: str, attributes: dict[str, str], price: Decimal, unit: str, what: str) -> dict[str, Any]:
    sku = hashlib.sha256(f"{attributes['usagetype']} PostgreSQL".encode()).hexdigest()[:16].upper()
    term, rate = f"{sku}.{_ON_DEMAND}", f"{sku}.{_ON_DEMAND}.{_PER_UNIT}"
    effective = f"{tables()['prices']['effective']}T00:00:00Z"
    dimension = tables()["prices"]["dimension"] | {
        "rateCode": rate,
        "description": f"${price.normalize():f} per {what} running PostgreSQL",
        "unit": unit,
        "pricePerUnit": {"USD": f"{price:.10f}"},
    }
    offer = {"sku": sku, "offerTermCode": _ON_DEMAND, "effectiveDate": effective, "termAttributes": {}}
    return {
        "product": {"productFamily": family, "attributes": attributes, "sku": sku},
        "serviceCode": _SERVICE,
        "terms": {"OnDemand": {term: offer | {"priceDimensions": {rate: dimension}}}},
        "version": effective,
        "publicationDate": effective,
    }
