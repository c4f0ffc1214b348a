"""The services that a VPC endpoint can lead to: those of AWS, under the names that moto knows, and the account's own.

Source: Amazon EC2 API Reference, DescribeVpcEndpointServices; AWS PrivateLink Guide, "AWS services that integrate with AWS
PrivateLink" and "Gateway endpoints".
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from moto.ec2.exceptions import InvalidServiceName
from moto.ec2.models.vpcs import AWS_ENDPOINT_SERVICES

from rds_sandbox.ec2.pages import paged
from rds_sandbox.errors import NotInSandbox
from rds_sandbox.patches import Request, action

WITH_GATEWAY = ("dynamodb", "s3")  # these have a gateway beside the interface that all have
FILTERS: Mapping[str, Callable[[Mapping[str, Any]], set[str]]] = {
    "owner": lambda service: {service["Owner"]},
    "service-name": lambda service: {service["ServiceName"]},
    "service-type": lambda service: {each["ServiceType"] for each in service["ServiceType"]},
}


@action("ec2", "DescribeVpcEndpointServices")
def describe(request: Request) -> dict[str, Any]:
    """Those that are named, or all, as the filters let them through; AWS's in all zones of the region."""
    asked, services = request.parameters, list(_services(request.backend))
    names = asked.get("ServiceNames") or ()
    known = {each["ServiceName"] for each in services}
    if set(asked.get("ServiceRegions") or ()) - {request.backend.region_name}:
        raise NotInSandbox("endpoint services of other regions are not in the sandbox")
    if unknown := next((name for name in names if name not in known), None):
        raise _unknown(request.backend, unknown)
    filters = request.moto._filters_from_querystring()
    if lacking := ", ".join(filters.keys() - FILTERS.keys()):
        raise NotInSandbox(f"endpoint services have no filter {lacking} in the sandbox")
    named = [each for each in services if not names or each["ServiceName"] in names]
    page = paged("ServiceDetails", [each for each in named if _passes(each, filters)], asked)
    return {**page, "ServiceNames": sorted({each["ServiceName"] for each in page["ServiceDetails"]})}


def types_of(ec2: Any, name: str | None) -> list[str]:
    """The types of endpoints that can lead to the service; an error where there is none of the name."""
    found = [kind["ServiceType"] for each in _services(ec2) if each["ServiceName"] == name for kind in each["ServiceType"]]
    if not found:
        raise _unknown(ec2, name or "")
    return found


def _unknown(ec2: Any, name: str) -> Exception:
    if name.startswith(f"com.amazonaws.{ec2.region_name}."):
        return NotInSandbox(f"the endpoint service {name} is not in the sandbox")
    return InvalidServiceName(name)


def _services(ec2: Any) -> Iterator[dict[str, Any]]:
    zones = [zone.name for zone in ec2.describe_availability_zones()]
    for name in sorted(set(AWS_ENDPOINT_SERVICES)):
        for kind in ("Gateway", "Interface") if name in WITH_GATEWAY else ("Interface",):
            yield {
                "ServiceName": f"com.amazonaws.{ec2.region_name}.{name}",
                "ServiceType": [{"ServiceType": kind}],
                "AvailabilityZones": zones,
                "Owner": "amazon",
            }
    for own in ec2.configurations.values():
        yield own.to_dict()


def _passes(service: Mapping[str, Any], filters: Mapping[str, list[str]]) -> bool:
    return all(FILTERS[name](service).intersection(values) for name, values in filters.items())
