"""NAT gateways: which there are.

Source: Amazon EC2 API Reference, DescribeNatGateways, DeleteNatGateway and "Error codes for the Amazon EC2 API".
"""

from collections.abc import Iterable
from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.nat_gateways import NatGateway, NatGatewayBackend
from moto.ec2.utils import generic_filter

from rds_sandbox.patches import MOTO, Request, action, replaces

replaces(NatGateway, "nat_gateway_id")(property(lambda gateway: gateway.id))  # the name of a filter


@replaces(NatGatewayBackend, "describe_nat_gateways")
def describe(ec2: Any, filters: Any, nat_gateway_ids: Iterable[str] | None) -> list[Any]:
    """Those of these ids, or all, as the filters let them through, tags among them."""
    found = [_find(ec2, each) for each in nat_gateway_ids or ec2.nat_gateways]
    return generic_filter(filters, found)


@action("ec2", "DeleteNatGateway")
def delete(request: Request) -> object:
    _find(request.backend, request.parameters["NatGatewayId"])
    return MOTO


def _find(ec2: Any, identifier: str) -> Any:
    if identifier not in ec2.nat_gateways:
        raise EC2ClientError("NatGatewayNotFound", f"NAT gateway {identifier} was not found")
    return ec2.nat_gateways[identifier]
