"""Networks of our own, one call each."""

from __future__ import annotations

from typing import Any

from tests.support import REGION, Client


def make_vpc(ec2: Client, block: str) -> str:
    """The id of a new VPC."""
    made: str = ec2.create_vpc(CidrBlock=block)["Vpc"]["VpcId"]
    return made


def make_subnet(ec2: Client, vpc: str, block: str, **more: Any) -> str:
    """The id of a new subnet."""
    made: str = ec2.create_subnet(VpcId=vpc, CidrBlock=block, **more)["Subnet"]["SubnetId"]
    return made


def make_table(ec2: Client, vpc: str) -> str:
    """The id of a new route table."""
    made: str = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    return made


def make_gateway(ec2: Client, vpc: str) -> str:
    """The id of a new internet gateway of the VPC."""
    made: str = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=made, VpcId=vpc)
    return made


def make_endpoint(ec2: Client, vpc: str, service: str, **more: Any) -> dict[str, Any]:
    """A new endpoint for one of AWS's services."""
    made = ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=f"com.amazonaws.{REGION}.{service}", **more)
    return dict(made["VpcEndpoint"])


def of(vpc: str) -> dict[str, Any]:
    """The filter by this VPC."""
    return {"Filters": [{"Name": "vpc-id", "Values": [vpc]}]}
