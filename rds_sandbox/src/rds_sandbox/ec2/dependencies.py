"""What EC2 does not take away from under others: a subnet with network interfaces, the gateway of public addresses.

Source: Amazon EC2 API Reference, DeleteSubnet, DetachInternetGateway, and "Error codes for the Amazon EC2 API"
(DependencyViolation); the sentences are as users of Terraform report them.
"""

from __future__ import annotations

from typing import Any

from moto.ec2.exceptions import DependencyViolationError

from rds_sandbox.ec2 import network_interfaces
from rds_sandbox.ec2.databases import instances_of
from rds_sandbox.patches import MOTO, Request, action


@action("ec2", "DeleteSubnet")
def delete_subnet(request: Request) -> object:
    """Not while a DB instance, a function or anything else has a network interface in it."""
    subnet = request.parameters["SubnetId"]
    if subnet in _occupied(request.backend):
        raise DependencyViolationError(f"The subnet '{subnet}' has dependencies and cannot be deleted.")
    return MOTO


def _occupied(ec2: Any) -> set[str]:
    """The ids of the subnets with network interfaces."""
    used = {interface.subnet.id for interface in network_interfaces.existing(ec2)}
    return used.union(*(instance.occupied_subnets for instance in instances_of(ec2)))


@action("ec2", "DetachInternetGateway")
def detach_internet_gateway(request: Request) -> object:
    """Not while a DB instance of the VPC has a public address."""
    vpc = request.parameters["VpcId"]
    if any(each.publicly_accessible and each.db_subnet_group.vpc_id == vpc for each in instances_of(request.backend)):
        advice = "Please unmap those public address(es) before detaching the gateway."
        raise DependencyViolationError(f"Network {vpc} has some mapped public address(es). {advice}")
    return MOTO
