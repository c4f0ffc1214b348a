"""What EC2 does not take away from under others, and what goes along: subnets, VPCs, route tables, internet gateways.

Source: Amazon EC2 API Reference, DeleteSubnet, DeleteVpc, DeleteRouteTable, DetachInternetGateway, and "Error codes for the
Amazon EC2 API" (DependencyViolation); the sentences are as users of Terraform report them.
"""

from typing import Any

from moto.ec2.exceptions import DependencyViolationError

from rds_sandbox.ec2.internet import has_gateway
from rds_sandbox.ec2.network_interfaces import endpoints_of, existing, instances_of
from rds_sandbox.patches import MOTO, Request, action


@action("ec2", "DeleteSubnet")
def delete_subnet(request: Request) -> object:
    """Not while a DB instance, a function or anything else has a network interface in it; its associations go along."""
    ec2, subnet = request.backend, request.parameters["SubnetId"]
    if ec2.get_subnet(subnet).id in _occupied(ec2):
        raise DependencyViolationError(f"The subnet '{subnet}' has dependencies and cannot be deleted.")
    for table in ec2.route_tables.values():
        table._associations = {name: each for name, each in table._associations.items() if each != subnet}
    for acl in ec2.network_acls.values():
        acl._associations = {name: each for name, each in acl._associations.items() if each.subnet_id != subnet}
    return MOTO


def _occupied(ec2: Any) -> set[str]:
    """The ids of the subnets with network interfaces."""
    used = {interface.subnet.id for interface in existing(ec2)}
    return used.union(*(instance.occupied_subnets for instance in instances_of(ec2)))


@action("ec2", "DeleteVpc")
def delete_vpc(request: Request) -> object:
    """Not while it has more than its default security group and network ACL and its main route table, which go along."""
    ec2, vpc = request.backend, request.parameters["VpcId"]
    theirs = [
        *(each for zone in ec2.subnets.values() for each in zone.values()),
        *ec2.egress_only_internet_gateways.values(),
        *endpoints_of(ec2).values(),
        *(each for each in ec2.network_acls.values() if not each.default),
        *(each for each in ec2.groups[ec2.get_vpc(vpc).id].values() if not each.is_default),
    ]
    if has_gateway(ec2, vpc) or any(each.vpc_id == vpc for each in theirs):
        raise DependencyViolationError(f"The vpc '{vpc}' has dependencies and cannot be deleted.")
    ec2.delete_vpc(vpc)
    ec2.network_acls = {name: each for name, each in ec2.network_acls.items() if each.vpc_id != vpc}
    return {}


@action("ec2", "DeleteRouteTable")
def delete_route_table(request: Request) -> object:
    table = request.parameters["RouteTableId"]
    if request.backend.get_route_table(table).main_association_id:
        raise DependencyViolationError(f"The routeTable '{table}' has dependencies and cannot be deleted.")
    return MOTO


@action("ec2", "DetachInternetGateway")
def detach_internet_gateway(request: Request) -> object:
    """Not while a DB instance of the VPC has a public address."""
    vpc = request.parameters["VpcId"]
    if any(each.publicly_accessible and each.db_subnet_group.vpc_id == vpc for each in instances_of(request.backend)):
        advice = "Please unmap those public address(es) before detaching the gateway."
        raise DependencyViolationError(f"Network {vpc} has some mapped public address(es). {advice}")
    return MOTO
