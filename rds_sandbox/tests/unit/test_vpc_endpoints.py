"""Which ways out of a VPC a function has: what a route table says now."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest
from moto.ec2.models import EC2Backend

import rds_sandbox.ec2  # noqa: F401 - it patches moto
from rds_sandbox.callers import Caller
from rds_sandbox.ec2.vpc_endpoints import reaches

CALLER = Caller(ip_address("10.40.1.4"))
S3 = "com.amazonaws.ca-central-1.s3"


@pytest.fixture
def place() -> tuple[Any, Any, Any]:
    """EC2, a network interface in a subnet, and the route table of that."""
    ec2: Any = EC2Backend("ca-central-1", "123456789012")
    vpc = ec2.create_vpc("10.40.0.0/16")
    subnet = ec2.create_subnet(vpc.id, "10.40.1.0/24")
    table = ec2.create_route_table(vpc.id)
    ec2.associate_route_table(table.id, subnet_id=subnet.id)
    return ec2, ec2.create_network_interface(subnet, ""), table


def test_a_gateway_endpoint_serves_subnets_of_its_tables(place: tuple[Any, Any, Any]) -> None:
    """It is a route, and leads to its own service (AWS PrivateLink Guide, "Gateway endpoints")."""
    ec2, interface, table = place
    other = ec2.create_route_table(interface.vpc_id)
    ec2.create_vpc_endpoint(interface.vpc_id, S3, route_table_ids=[other.id])
    assert not reaches(ec2, interface, CALLER, S3)
    ec2.create_vpc_endpoint(interface.vpc_id, S3, route_table_ids=[table.id])
    assert (True, False) == (reaches(ec2, interface, CALLER, S3), reaches(ec2, interface, CALLER, S3.replace("s3", "dynamodb")))


def test_a_deleted_nat_gateway_leads_nowhere(place: tuple[Any, Any, Any]) -> None:
    """Its route is a blackhole (EC2 API Reference, Route, State)."""
    ec2, interface, table = place
    nat = ec2.create_nat_gateway(interface.subnet_id, "")
    ec2.create_route(table.id, "0.0.0.0/0", nat_gateway_id=nat.id)
    assert reaches(ec2, interface, CALLER, S3)
    ec2.delete_nat_gateway(nat.id)
    assert not reaches(ec2, interface, CALLER, S3)
