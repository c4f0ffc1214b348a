"""What resources are found by, and moto does not know: attributes, of the names of the filters.

Source: EC2 API Reference, Filters of DescribeSubnets, DescribeRouteTables, DescribeNetworkAcls, DescribeVpcEndpoints.
"""

from collections.abc import Callable, Mapping
from operator import attrgetter, itemgetter
from typing import Any

from moto.ec2.models.network_acls import NetworkAcl
from moto.ec2.models.route_tables import RouteTable
from moto.ec2.models.subnets import Subnet
from moto.ec2.models.vpcs import VPCEndPoint

from rds_sandbox.ec2.networks import blocks
from rds_sandbox.patches import replaces

IPV6_BLOCK: Mapping[str, Callable[[dict[str, Any]], str]] = {
    "ipv6_cidr_block": itemgetter("ipv6CidrBlock"),
    "association_id": itemgetter("associationId"),
    "state": lambda block: block["ipv6CidrBlockState"]["state"],
}
ROUTES = ("destination_ipv6_cidr_block", "egress_only_internet_gateway_id", "instance_id", "state")


def _of_routes(name: str) -> Callable[[Any], list[Any]]:
    return lambda table: [value for route in table._routes.values() if (value := getattr(route, name)) is not None]


def _of_blocks(value: Callable[[dict[str, Any]], str]) -> Callable[[Any], list[str]]:
    return lambda subnet: [value(each) for each in blocks(subnet)]


replaces(Subnet, "availabilityzoneid")(property(attrgetter("_availability_zone.zone_id")))
replaces(Subnet, "subnet_arn")(property(attrgetter("arn")))
for _name, _value in IPV6_BLOCK.items():
    replaces(Subnet, f"ipv6_cidr_block_association.{_name}")(property(_of_blocks(_value)))
replaces(RouteTable, "association.gateway_id")(property(lambda table: [*table._associations.values()]))
for _name in ROUTES:
    replaces(RouteTable, f"route.{_name}")(property(_of_routes(_name)))
replaces(NetworkAcl, "network_acl_id")(property(attrgetter("id")))
replaces(VPCEndPoint, "vpc_endpoint_id")(property(attrgetter("id")))
