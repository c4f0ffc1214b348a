"""Routes and route tables: what a route may lead to, whether that is still there, and which table a subnet has.

Source: Amazon EC2 API Reference, CreateRoute, ReplaceRoute, AssociateRouteTable, Route (state) and "Error codes for the Amazon
EC2 API"; the sentences are as users of Terraform and CloudFormation report them.
"""

from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import Any

from moto.ec2.exceptions import EC2ClientError, InvalidParameterCombination, InvalidParameterValue, MissingParameter
from moto.ec2.models.route_tables import Route, RouteBackend, RouteTable

from rds_sandbox.ec2.sources import canonical_cidr
from rds_sandbox.patches import MOTO, Request, action, replaces

TARGETS = (
    "GatewayId", "NatGatewayId", "NetworkInterfaceId", "InstanceId", "VpcPeeringConnectionId", "TransitGatewayId",
    "EgressOnlyInternetGatewayId",
)  # fmt: skip
UNCHECKED = {"NatGatewayId": ("nat_gateways", "NatGateway"), "TransitGatewayId": ("transit_gateways", "TransitGateway")}
_create_route = RouteBackend.create_route


@replaces(RouteBackend, "create_route")
def create_route(ec2: Any, route_table_id: str, destination_cidr_block: str | None, *more: Any, **target: Any) -> Any:
    block = destination_cidr_block and canonical_cidr(destination_cidr_block, IPv4Network)
    return _create_route(ec2, route_table_id, block, *more, **target)


@action("ec2", "CreateRoute", "ReplaceRoute")
def lead(request: Request) -> object:
    """To one target, which there is in the VPC of the table."""
    asked, ec2 = request.parameters, request.backend
    table, given = ec2.get_route_table(asked["RouteTableId"]), [each for each in TARGETS if asked.get(each)]
    if len(given) != 1:
        kind = InvalidParameterCombination if given else MissingParameter
        raise kind(f"The request must contain exactly one of {', '.join(TARGETS)}")
    _check_target(ec2, table, asked)
    return MOTO


def _check_target(ec2: Any, table: Any, asked: Mapping[str, str]) -> None:
    """Where moto does not: a NAT gateway, a transit gateway, an internet gateway."""
    for name, (where, kind) in UNCHECKED.items():
        found = getattr(ec2, where).get(asked.get(name))
        if asked.get(name) and (found is None or found.state == "deleted"):
            raise EC2ClientError(f"Invalid{kind}ID.NotFound", f"The {kind} ID '{asked[name]}' does not exist")
        if getattr(found, "vpc_id", table.vpc_id) != table.vpc_id:
            raise _elsewhere(table, asked[name])
    gateway = asked.get("GatewayId")
    if gateway and not gateway.startswith(("igw-", "vgw-")):
        raise EC2ClientError("InvalidGatewayID.NotFound", f"The gateway ID '{gateway}' does not exist")
    if gateway and gateway.startswith("igw-") and not _attached(ec2.get_internet_gateway(gateway), table):
        raise _elsewhere(table, gateway)


def _elsewhere(table: Any, gateway: str) -> InvalidParameterValue:
    return InvalidParameterValue(f"route table {table.id} and network gateway {gateway} belong to different networks")


def _attached(gateway: Any, table: Any) -> bool:
    return bool(gateway.vpc and gateway.vpc.id == table.vpc_id)


def state_of(route: Any) -> str:
    """`blackhole` where what it leads to is gone, or an internet gateway is detached, else `active`."""
    ec2 = route.route_table.ec2_backend
    gone = (
        route.gateway and route.gateway.id.startswith("igw-") and not _attached(route.gateway, route.route_table),
        route.nat_gateway and route.nat_gateway.state == "deleted",
        route.interface and route.interface.id not in ec2.enis,
        route.instance and route.instance.state == "terminated",
        route.transit_gateway and route.transit_gateway.id not in ec2.transit_gateways,
    )
    return "blackhole" if any(gone) else "active"


replaces(Route, "state")(property(state_of))
replaces(RouteTable, "propagating_vgws")(())  # which is there where it is empty, too (Ansible's ec2_vpc_route_table)


@action("ec2", "AssociateRouteTable")
def associate(request: Request) -> object:
    """A subnet of the table's VPC that has no other table than the main one."""
    asked, ec2 = request.parameters, request.backend
    table, subnet = ec2.get_route_table(asked["RouteTableId"]), asked.get("SubnetId")
    if not subnet:
        return MOTO
    if ec2.get_subnet(subnet).vpc_id != table.vpc_id:
        raise InvalidParameterValue(f"route table {table.id} and subnet {subnet} belong to different networks")
    if any(subnet in each._associations.values() for each in ec2.route_tables.values() if each is not table):
        reason = f"the specified association for route table {table.id} conflicts with an existing association"
        raise EC2ClientError("Resource.AlreadyAssociated", reason)
    return MOTO
