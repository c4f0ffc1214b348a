"""EC2's actions on networks: what they refuse, and what they leave behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.instance import refused
from tests.support import Client

pytestmark = pytest.mark.usefixtures("emptied")
Call = Callable[..., Any]
REGION = "ca-central-1"


@pytest.fixture(scope="module")
def vpc(emptied: None, ec2: Client) -> str:
    """A VPC of our own."""
    return make_vpc(ec2, "10.20.0.0/16")


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


def of(vpc: str) -> dict[str, Any]:
    """The filter by this VPC."""
    return {"Filters": [{"Name": "vpc-id", "Values": [vpc]}]}


def test_dry_run(ec2: Client, vpc: str) -> None:
    """Nothing is done, whatever the action (EC2 API Reference, DryRun of every action)."""
    [acl] = ec2.describe_network_acls(**of(vpc))["NetworkAcls"]
    calls: list[tuple[Call, dict[str, Any]]] = [
        (ec2.create_vpc, {"CidrBlock": "10.21.0.0/16"}),
        (ec2.delete_vpc, {"VpcId": vpc}),
        (ec2.create_subnet, {"VpcId": vpc, "CidrBlock": "10.20.200.0/24"}),
        (ec2.create_route_table, {"VpcId": vpc}),
        (ec2.delete_network_acl, {"NetworkAclId": acl["NetworkAclId"]}),
        (ec2.create_managed_prefix_list, {"PrefixListName": "dry", "MaxEntries": 1, "AddressFamily": "IPv4"}),
        (ec2.describe_security_groups, {}),
        (ec2.create_security_group, {"GroupName": "dry", "Description": "dry", "VpcId": vpc}),
    ]
    before = [ec2.describe_vpcs()["Vpcs"], ec2.describe_route_tables()["RouteTables"]]
    for call, asked in calls:
        with pytest.raises(ClientError) as caught:
            call(**asked, DryRun=True)
        found = caught.value.response
        assert ("DryRunOperation", 412) == (found["Error"]["Code"], found["ResponseMetadata"]["HTTPStatusCode"]), asked
    assert before == [ec2.describe_vpcs()["Vpcs"], ec2.describe_route_tables()["RouteTables"]]


@pytest.fixture(scope="module")
def crowded(ec2: Client, vpc: str) -> None:
    """More than five of what there are few of."""
    subnet = make_subnet(ec2, vpc, "10.20.99.0/24")
    for number in range(6):
        tags = [{"Key": "number", "Value": str(number)}]
        ec2.create_internet_gateway(TagSpecifications=[{"ResourceType": "internet-gateway", "Tags": tags}])
        make_vpc(ec2, f"10.{30 + number}.0.0/16")
        ec2.create_network_interface(SubnetId=subnet)


@pytest.mark.parametrize(
    "kind",
    [
        "internet_gateways", "managed_prefix_lists", "nat_gateways", "network_acls", "network_interfaces", "route_tables",
        "subnets", "tags", "vpc_endpoints", "vpcs",
    ],
)  # fmt: skip
def test_pages(ec2: Client, crowded: None, kind: str) -> None:
    """MaxResults and NextToken cut each list; a token of no page is refused (EC2 API Reference, "Pagination")."""
    describe = getattr(ec2, f"describe_{kind}")
    [(member, every)] = [(name, rows) for name, rows in describe().items() if isinstance(rows, list)]
    answers = list(ec2.get_paginator(f"describe_{kind}").paginate(PaginationConfig={"PageSize": 5}))
    assert [5] * (len(every) // 5) == [len(each[member]) for each in answers if len(each[member]) >= 5]
    assert every == [row for each in answers for row in each[member]]
    assert "InvalidNextToken" == refused(describe, MaxResults=5, NextToken="none")
