"""What resources are found by, and moto does not know: attributes, of the names of the filters.

Source: EC2 API Reference, Filters of DescribeSubnets, DescribeRouteTables, DescribeNetworkAcls, DescribeVpcEndpoints.
"""

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from moto.ec2.models.network_acls import NetworkAcl
from moto.ec2.models.route_tables import RouteTable
from moto.ec2.models.subnets import Subnet
from moto.ec2.models.vpcs import VPCEndPoint

from rds_sandbox.patches import replaces

ROUTES = ("destination_ipv6_cidr_block", "egress_only_internet_gateway_id", "instance_id", "state")


def _of_routes(name: str) -> Callable[[Any], list[Any]]:
    return lambda table: [value for route in table._routes.values() if (value := getattr(route, name)) is not None]


replaces(Subnet, "availabilityzoneid")(property(attrgetter("_availability_zone.zone_id")))
replaces(Subnet, "subnet_arn")(property(attrgetter("arn")))
replaces(Subnet, "ipv6_cidr_block_association.ipv6_cidr_block")(
    property(lambda subnet: [each["ipv6CidrBlock"] for each in subnet.ipv6_cidr_block_associations.values()])
)
replaces(RouteTable, "association.gateway_id")(property(lambda table: [*table._associations.values()]))
for _name in ROUTES:
    replaces(RouteTable, f"route.{_name}")(property(_of_routes(_name)))
replaces(NetworkAcl, "network_acl_id")(property(attrgetter("id")))
replaces(VPCEndPoint, "vpc_endpoint_id")(property(attrgetter("id")))
