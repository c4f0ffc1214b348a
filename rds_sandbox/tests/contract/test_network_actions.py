"""EC2's actions on networks: what they refuse, and what they leave behind."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.instance import refused
from tests.networks import make_endpoint, make_gateway, make_subnet, make_table, make_vpc, of
from tests.support import REGION, Client

pytestmark = pytest.mark.usefixtures("emptied")
Call = Callable[..., Any]
INTERFACE = {"VpcEndpointType": "Interface", "PrivateDnsEnabled": False}


@pytest.fixture(scope="module")
def vpc(emptied: None, ec2: Client) -> str:
    """A VPC of our own."""
    return make_vpc(ec2, "10.20.0.0/16")


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


@pytest.mark.parametrize(
    ("operation", "known"),
    [
        ("availability_zones", {"Name": "opt-in-status", "Values": ["opt-in-not-required"]}),
        ("regions", {"Name": "region-name", "Values": ["ca-*"]}),
        ("network_acls", {"Name": "default", "Values": ["true"]}),
        ("route_tables", {"Name": "association.main", "Values": ["true"]}),
        ("network_interfaces", {"Name": "status", "Values": ["in-use"]}),
        ("managed_prefix_lists", {"Name": "owner-id", "Values": ["AWS"]}),
        ("subnets", {"Name": "tag:Name", "Values": ["x"]}),
        ("vpc_endpoints", {"Name": "vpc-endpoint-state", "Values": ["available"]}),
        ("vpcs", {"Name": "is-default", "Values": ["true"]}),
        ("vpcs", {"Name": "isDefault", "Values": ["true"]}),  # as Terraform has it still
        ("vpcs", {"Name": "cidr-block", "Values": ["10.*"]}),  # as Ansible asks
        ("subnets", {"Name": "availabilityZoneId", "Values": ["cac1-az1"]}),
    ],
)
def test_filters(ec2: Client, vpc: str, operation: str, known: dict[str, Any]) -> None:
    """Those that the API Reference lists on the page of each action, and no others."""
    describe = getattr(ec2, f"describe_{operation}")
    describe(Filters=[known])
    assert "InvalidParameterValue" == refused(describe, Filters=[known, {"Name": "bogus", "Values": ["x"]}])


def test_what_is_found(ec2: Client) -> None:
    """By a filter's value that something has, that alone; by another one nothing."""
    own = make_vpc(ec2, "10.77.0.0/16")
    [subnet] = ec2.describe_subnets(SubnetIds=[make_subnet(ec2, own, "10.77.1.0/24")])["Subnets"]
    gateway, table = make_gateway(ec2, own), make_table(ec2, own)
    ec2.associate_route_table(RouteTableId=table, GatewayId=gateway)
    ec2.create_route(RouteTableId=table, DestinationIpv6CidrBlock="2001:db8::/32", GatewayId=gateway)
    [acl] = ec2.describe_network_acls(**of(own))["NetworkAcls"]
    assert [[], []] == [each["PropagatingVgws"] for each in ec2.describe_route_tables(**of(own))["RouteTables"]]
    for kind, name, value, wanted in (
        ("Subnets", "availabilityZoneId", subnet["AvailabilityZoneId"], ("SubnetId", subnet["SubnetId"])),
        ("Subnets", "subnet-arn", subnet["SubnetArn"], ("SubnetId", subnet["SubnetId"])),
        ("RouteTables", "association.gateway-id", gateway, ("RouteTableId", table)),
        ("RouteTables", "route.destination-ipv6-cidr-block", "2001:db8::/32", ("RouteTableId", table)),
        ("NetworkAcls", "network-acl-id", acl["NetworkAclId"], ("NetworkAclId", acl["NetworkAclId"])),
    ):
        describe = getattr(ec2, f"describe_{re.sub('(?<=[a-z])(?=[A-Z])', '_', kind).lower()}")
        here = of(own)["Filters"]
        found = describe(Filters=[*here, {"Name": name, "Values": [value]}])[kind]
        assert [wanted[1]] == [each[wanted[0]] for each in found], name
        assert [] == describe(Filters=[*here, {"Name": name, "Values": ["acl-0123456789abcdef0"]}])[kind], name


def test_zones_and_regions(ec2: Client) -> None:
    """By name and id; of regions those that are open, unless all are asked for (DescribeAvailabilityZones, DescribeRegions)."""
    first, *_ = ec2.describe_availability_zones()["AvailabilityZones"]
    assert ("opt-in-not-required", f"{REGION}-zg-1", REGION) == (
        first["OptInStatus"], first["GroupName"], first["NetworkBorderGroup"],
    )  # fmt: skip
    assert [first] == ec2.describe_availability_zones(ZoneIds=[first["ZoneId"]], ZoneNames=[first["ZoneName"]])[
        "AvailabilityZones"
    ]
    group = [{"Name": "group-name", "Values": ["other"]}]
    assert [] == ec2.describe_availability_zones(Filters=group)["AvailabilityZones"]
    opened, every = (ec2.describe_regions(AllRegions=all_)["Regions"] for all_ in (False, True))
    assert {"opt-in-not-required"} == {one["OptInStatus"] for one in opened} < {one["OptInStatus"] for one in every}
    for call, wrong in (
        (ec2.describe_availability_zones, {"ZoneNames": ["nowhere-1a"]}),
        (ec2.describe_availability_zones, {"ZoneIds": ["no-az1"]}),
        (ec2.describe_regions, {"RegionNames": ["nowhere-1"]}),
    ):
        assert "InvalidParameterValue" == refused(call, **wrong)


def test_the_account(ec2: Client) -> None:
    """Its attributes (DescribeAccountAttributes), and what it says of ids that there are not."""
    [own] = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    asked = {"AttributeNames": ["default-vpc", "supported-platforms"]}
    found = ec2.describe_account_attributes(**asked)["AccountAttributes"]
    assert {"default-vpc": own["VpcId"], "supported-platforms": "VPC"} == {
        each["AttributeName"]: each["AttributeValues"][0]["AttributeValue"] for each in found
    }
    with pytest.raises(ClientError, match="vpc-0123456789abcdef0 does not exist"):
        ec2.describe_vpcs(VpcIds=["vpc-0123456789abcdef0"])


def test_entries_of_icmp(ec2: Client, vpc: str) -> None:
    """They have a type and a code, those of TCP ports (CreateNetworkAclEntry, IcmpTypeCode and PortRange)."""
    [acl] = ec2.describe_network_acls(**of(vpc))["NetworkAcls"]
    entry: dict[str, Any] = {"RuleNumber": 7, "RuleAction": "allow", "Egress": False, "CidrBlock": "0.0.0.0/0"}
    where = {"NetworkAclId": acl["NetworkAclId"], **entry}
    for protocol in ("1", "6"):
        assert "MissingParameter" == refused(ec2.create_network_acl_entry, **where, Protocol=protocol)
    for call, code in ((ec2.create_network_acl_entry, -1), (ec2.replace_network_acl_entry, 0)):
        kind = {"Type": 8, "Code": code}
        call(**where, Protocol="1", IcmpTypeCode=kind)
        [found] = [each for each in ec2.describe_network_acls(**of(vpc))["NetworkAcls"][0]["Entries"] if each["RuleNumber"] == 7]
        assert {**entry, "Protocol": "1", "IcmpTypeCode": kind} == found
    ec2.delete_network_acl_entry(NetworkAclId=acl["NetworkAclId"], RuleNumber=7, Egress=False)


def test_blocks_of_ipv6(ec2: Client, vpc: str) -> None:
    """Of the VPC's own, from /44 to /64 (CreateSubnet, AssociateSubnetCidrBlock; VPC User Guide, "Subnet sizing for IPv6")."""
    made = ec2.create_vpc(CidrBlock="10.25.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]
    whole = made["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"]
    first, where = whole.replace("/56", "/64"), {"VpcId": made["VpcId"], "CidrBlock": "10.25.1.0/24"}
    for code, block in (("InvalidParameterValue", "bogus"), ("InvalidSubnet.Range", "2001:db8::/64")):
        assert code == refused(ec2.create_subnet, **where, Ipv6CidrBlock=block)
    subnet = ec2.create_subnet(**where, Ipv6CidrBlock=first)["Subnet"]
    [found] = subnet["Ipv6CidrBlockAssociationSet"]
    assert (first, {"State": "associated"}) == (found["Ipv6CidrBlock"], found["Ipv6CidrBlockState"])
    again = {"SubnetId": subnet["SubnetId"], "Ipv6CidrBlock": first}
    assert "InvalidSubnet.Conflict" == refused(ec2.associate_subnet_cidr_block, **again)
    ec2.disassociate_subnet_cidr_block(AssociationId=found["AssociationId"])
    assert [] == ec2.describe_subnets(SubnetIds=[subnet["SubnetId"]])["Subnets"][0]["Ipv6CidrBlockAssociationSet"]
    assert first == ec2.associate_subnet_cidr_block(**again)["Ipv6CidrBlockAssociation"]["Ipv6CidrBlock"]
    odd = {"SubnetId": subnet["SubnetId"], "Ipv6CidrBlock": whole.replace("/56", "/65")}
    assert "InvalidSubnet.Range" == refused(ec2.associate_subnet_cidr_block, **odd)


def test_a_subnet_has_one_route_table(ec2: Client, vpc: str) -> None:
    """Another association is refused, and no table of another VPC is taken (EC2 API Reference, AssociateRouteTable)."""
    subnet, first, second = make_subnet(ec2, vpc, "10.20.1.0/24"), make_table(ec2, vpc), make_table(ec2, vpc)
    made = ec2.associate_route_table(RouteTableId=first, SubnetId=subnet)["AssociationId"]
    assert made == ec2.associate_route_table(RouteTableId=first, SubnetId=subnet)["AssociationId"]
    assert "Resource.AlreadyAssociated" == refused(ec2.associate_route_table, RouteTableId=second, SubnetId=subnet)
    elsewhere = make_table(ec2, make_vpc(ec2, "10.22.0.0/16"))
    assert "InvalidParameterValue" == refused(ec2.associate_route_table, RouteTableId=elsewhere, SubnetId=subnet)
    ec2.disassociate_route_table(AssociationId=made)
    ec2.associate_route_table(RouteTableId=second, SubnetId=subnet)


def test_what_a_route_leads_to(ec2: Client, vpc: str) -> None:
    """One target, of the table's VPC; its network in canonical form (EC2 API Reference, CreateRoute)."""
    other = make_vpc(ec2, "10.23.0.0/16")
    table, foreign, subnet = make_table(ec2, vpc), make_gateway(ec2, other), make_subnet(ec2, other, "10.23.1.0/24")
    nat = ec2.create_nat_gateway(SubnetId=subnet, ConnectivityType="private")["NatGateway"]["NatGatewayId"]
    interface = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    calls = [
        ({}, "MissingParameter"),
        ({"NatGatewayId": "nat-0123456789abcdef0"}, "InvalidNatGatewayID.NotFound"),
        ({"TransitGatewayId": "tgw-0123456789abcdef0"}, "InvalidTransitGatewayID.NotFound"),
        ({"GatewayId": "nat-0123456789abcdef0"}, "InvalidGatewayID.NotFound"),
        ({"GatewayId": foreign}, "InvalidParameterValue"),
        ({"NatGatewayId": nat}, "InvalidParameterValue"),
        ({"GatewayId": foreign, "NatGatewayId": "nat-0123456789abcdef0"}, "InvalidParameterCombination"),
        ({"LocalGatewayId": "lgw-0123456789abcdef0"}, "NotInSandbox"),
    ]
    for target, code in calls:
        for call in (ec2.create_route, ec2.replace_route):
            assert code == refused(call, RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", **target), target
    malformed = {"DestinationCidrBlock": "somewhere", "NetworkInterfaceId": interface}
    assert "InvalidParameterValue" == refused(ec2.create_route, RouteTableId=table, **malformed)
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="203.0.113.10/24", GatewayId=make_gateway(ec2, vpc))
    assert {"203.0.113.0/24", "10.20.0.0/16"} == states(ec2, table).keys()


def test_routes_to_what_is_gone(ec2: Client) -> None:
    """They stay, as blackholes (EC2 API Reference, Route, State)."""
    vpc = make_vpc(ec2, "10.24.0.0/16")
    table, gateway, subnet = make_table(ec2, vpc), make_gateway(ec2, vpc), make_subnet(ec2, vpc, "10.24.1.0/24")
    nat = ec2.create_nat_gateway(SubnetId=subnet, ConnectivityType="private")["NatGateway"]["NatGatewayId"]
    interface = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    for number, target in enumerate(({"GatewayId": gateway}, {"NatGatewayId": nat}, {"NetworkInterfaceId": interface})):
        ec2.create_route(RouteTableId=table, DestinationCidrBlock=f"198.51.{number}.0/24", **target)
    assert {"active"} == set(states(ec2, table).values())
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    ec2.delete_nat_gateway(NatGatewayId=nat)
    ec2.delete_network_interface(NetworkInterfaceId=interface)
    assert {"10.24.0.0/16"} == {network for network, state in states(ec2, table).items() if state == "active"}


def states(ec2: Client, table: str) -> dict[str, str]:
    """Of the table's routes, by their networks."""
    [found] = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]
    return {each["DestinationCidrBlock"]: each["State"] for each in found["Routes"]}


def test_teardown(ec2: Client) -> None:
    """What a VPC has keeps it; a subnet takes its associations along (EC2 API Reference, DeleteVpc, DeleteSubnet)."""
    vpc = make_vpc(ec2, "10.25.0.0/16")
    [main] = ec2.describe_route_tables(**of(vpc))["RouteTables"]
    gateway, subnet, table = make_gateway(ec2, vpc), make_subnet(ec2, vpc, "10.25.1.0/24"), make_table(ec2, vpc)
    group = ec2.create_security_group(GroupName="own", Description="test", VpcId=vpc)["GroupId"]
    acl = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    asked = {"ServiceName": f"com.amazonaws.{REGION}.s3", "VpcEndpointType": "Gateway"}
    endpoint = ec2.create_vpc_endpoint(VpcId=vpc, **asked)["VpcEndpoint"]["VpcEndpointId"]
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    acls = ec2.describe_network_acls(Filters=[{"Name": "association.subnet-id", "Values": [subnet]}])["NetworkAcls"]
    ec2.replace_network_acl_association(AssociationId=acls[0]["Associations"][0]["NetworkAclAssociationId"], NetworkAclId=acl)
    for delete, name, one in ((ec2.delete_route_table, "RouteTableId", table), (ec2.delete_network_acl, "NetworkAclId", acl)):
        assert "DependencyViolation" == refused(delete, **{name: one})
    assert "DependencyViolation" == refused(ec2.delete_route_table, RouteTableId=main["RouteTableId"])
    steps: list[tuple[Call, dict[str, Any]]] = [
        (ec2.delete_subnet, {"SubnetId": subnet}),
        (ec2.delete_route_table, {"RouteTableId": table}),
        (ec2.delete_network_acl, {"NetworkAclId": acl}),
        (ec2.delete_security_group, {"GroupId": group}),
        (ec2.delete_vpc_endpoints, {"VpcEndpointIds": [endpoint]}),
        (ec2.detach_internet_gateway, {"InternetGatewayId": gateway, "VpcId": vpc}),
    ]
    for delete, asked in steps:
        assert "DependencyViolation" == refused(ec2.delete_vpc, VpcId=vpc), asked
        delete(**asked)
    ec2.delete_vpc(VpcId=vpc)
    assert ([], []) == (ec2.describe_network_acls(**of(vpc))["NetworkAcls"], ec2.describe_route_tables(**of(vpc))["RouteTables"])
    assert "InvalidVpcID.NotFound" == refused(ec2.delete_vpc, VpcId=vpc)


def test_endpoints_are_of_a_type_of_the_service(ec2: Client, vpc: str) -> None:
    """Gateway by default, which S3 and DynamoDB alone have (EC2 API Reference, CreateVpcEndpoint)."""
    table = make_table(ec2, vpc)
    calls: list[tuple[str, dict[str, Any], str]] = [
        ("secretsmanager", {}, "InvalidParameter"),
        ("secretsmanager", {"VpcEndpointType": "Gateway"}, "InvalidParameter"),
        ("nothing", {}, "NotInSandbox"),
        ("s3", {"VpcEndpointType": "Interface", "RouteTableIds": [table]}, "InvalidParameter"),
        ("s3", {"RouteTableIds": ["rtb-0123456789abcdef0"]}, "InvalidRouteTableID.NotFound"),
        ("secretsmanager", {**INTERFACE, "SecurityGroupIds": ["sg-0123456789abcdef0"]}, "InvalidGroup.NotFound"),
        ("secretsmanager", {**INTERFACE, "IpAddressType": "ipv6"}, "NotInSandbox"),
        ("secretsmanager", {"VpcEndpointType": "Interface"}, "InvalidParameter"),  # private DNS without DNS hostnames
    ]
    for name, asked, code in calls:
        service = f"com.amazonaws.{REGION}.{name}"
        assert code == refused(ec2.create_vpc_endpoint, VpcId=vpc, ServiceName=service, **asked), (name, asked)
    assert "InvalidServiceName" == refused(ec2.create_vpc_endpoint, VpcId=vpc, ServiceName="org.example.nothing")
    made = make_endpoint(ec2, vpc, "s3", RouteTableIds=[table])
    assert ("Gateway", False, [table]) == (made["VpcEndpointType"], made["PrivateDnsEnabled"], made["RouteTableIds"])
    [found] = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]
    assert made["VpcEndpointId"] in [each.get("GatewayId") for each in found["Routes"]]
    answer = ec2.delete_vpc_endpoints(VpcEndpointIds=[made["VpcEndpointId"], "vpce-0123456789abcdef0"])
    [missing] = answer["Unsuccessful"]
    assert ("vpce-0123456789abcdef0", "InvalidVpcEndpoint.NotFound") == (missing["ResourceId"], missing["Error"]["Code"])
    assert {"10.20.0.0/16"} == states(ec2, table).keys()


def test_private_dns_of_endpoints(ec2: Client) -> None:
    """It needs the VPC's DNS attributes, and one endpoint of a service has it (EC2 API Reference, ModifyVpcEndpoint)."""
    vpc = make_vpc(ec2, "10.26.0.0/16")
    both = {"EnableDnsHostnames": {"Value": True}, "EnableDnsSupport": {"Value": True}}
    for changes in (both, {}):
        assert "InvalidParameterCombination" == refused(ec2.modify_vpc_attribute, VpcId=vpc, **changes)
    first, second = (make_endpoint(ec2, vpc, "secretsmanager", **INTERFACE)["VpcEndpointId"] for _ in range(2))
    assert "InvalidParameter" == refused(ec2.modify_vpc_endpoint, VpcEndpointId=first, PrivateDnsEnabled=True)
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    ec2.modify_vpc_endpoint(VpcEndpointId=first, PrivateDnsEnabled=True, PolicyDocument='{"Statement": []}')
    assert "InvalidParameter" == refused(ec2.modify_vpc_endpoint, VpcEndpointId=second, PrivateDnsEnabled=True)
    ec2.modify_vpc_endpoint(VpcEndpointId=first, PrivateDnsEnabled=False, ResetPolicy=True)
    [found] = ec2.describe_vpc_endpoints(VpcEndpointIds=[first])["VpcEndpoints"]
    assert (False, True) == (found["PrivateDnsEnabled"], "Allow" in found["PolicyDocument"])
    make_endpoint(ec2, vpc, "secretsmanager", VpcEndpointType="Interface")
    assert "NotInSandbox" == refused(ec2.modify_vpc_endpoint, VpcEndpointId=first, AddSubnetIds=["subnet-1"])
    ec2.delete_vpc_endpoints(VpcEndpointIds=[first])
    assert "InvalidVpcEndpointId.NotFound" == refused(ec2.modify_vpc_endpoint, VpcEndpointId=first, ResetPolicy=True)


def test_nat_gateways_are_found(ec2: Client, vpc: str) -> None:
    """By tag and state; another id is an error (EC2 API Reference, DescribeNatGateways and "Error codes")."""
    subnet, tags = make_subnet(ec2, vpc, "10.20.2.0/24"), [{"Key": "way", "Value": "out"}]
    given = {"SubnetId": subnet, "ConnectivityType": "private"}
    ec2.create_nat_gateway(**given)
    made = ec2.create_nat_gateway(**given, TagSpecifications=[{"ResourceType": "natgateway", "Tags": tags}])["NatGateway"]
    for filters in ({"tag:way": "out"}, {"tag-key": "way"}, {"nat-gateway-id": made["NatGatewayId"]}):
        listed = [{"Name": name, "Values": [value]} for name, value in (*filters.items(), ("state", "available"))]
        [found] = ec2.describe_nat_gateways(Filters=listed)["NatGateways"]
        assert made["NatGatewayId"] == found["NatGatewayId"]
    assert "NotInSandbox" == refused(ec2.describe_nat_gateways, Filters=[{"Name": "colour", "Values": ["red"]}])
    unknown = "nat-0123456789abcdef0"
    assert "NatGatewayNotFound" == refused(ec2.describe_nat_gateways, NatGatewayIds=[made["NatGatewayId"], unknown])
    assert "NatGatewayNotFound" == refused(ec2.delete_nat_gateway, NatGatewayId=unknown)


def test_tags_are_found_and_deleted(ec2: Client, vpc: str) -> None:
    """By key and value, by type; all of a resource go where none is named (EC2 API Reference, DescribeTags, DeleteTags)."""
    ec2.create_tags(Resources=[vpc], Tags=[{"Key": "team", "Value": "red"}, {"Key": "stage", "Value": "test"}])

    def found(**filters: str) -> list[str]:
        asked = [{"Name": name.replace("_", ":").replace("0", "-"), "Values": [value]} for name, value in filters.items()]
        return sorted(each["Key"] for each in ec2.describe_tags(Filters=asked)["Tags"])

    assert (["team"], []) == (found(tag_team="r*"), found(tag_team="blue"))
    assert (["stage", "team"], ["team"]) == (found(resource0type="vpc"), found(resource0type="vpc", tag_team="red"))
    assert "InvalidParameterValue" == refused(ec2.describe_tags, Filters=[{"Name": "colour", "Values": ["red"]}])
    ec2.delete_tags(Resources=[vpc])
    assert [] == found(resource0id=vpc)


def test_subnets_of_zones_and_sizes(ec2: Client, vpc: str) -> None:
    """In the region's zones, from /16 to /28; no default one (EC2 API Reference, CreateSubnet, ModifySubnetAttribute)."""
    calls: list[tuple[dict[str, Any], str]] = [
        ({"CidrBlock": "10.20.3.0/24", "AvailabilityZone": "us-east-1a"}, "InvalidParameterValue"),
        ({"CidrBlock": "10.20.3.0/24", "AvailabilityZoneId": "use1-az1"}, "InvalidParameterValue"),
        ({"CidrBlock": "10.20.3.0/30"}, "InvalidSubnet.Range"),
        ({"CidrBlock": "10.21.0.0/24"}, "InvalidSubnet.Range"),
        ({"CidrBlock": "somewhere"}, "InvalidParameterValue"),
    ]
    for asked, code in calls:
        assert code == refused(ec2.create_subnet, VpcId=vpc, **asked), asked
    made = ec2.create_subnet(VpcId=vpc, CidrBlock="10.20.3.0/28", AvailabilityZoneId="cac1-az2")["Subnet"]
    assert (False, False) == (made["DefaultForAz"], made["MapPublicIpOnLaunch"])
    there = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
    assert {True} == {each["MapPublicIpOnLaunch"] for each in there}
    on, name = {"Value": True}, {"SubnetId": made["SubnetId"]}
    both = {"MapPublicIpOnLaunch": on, "EnableResourceNameDnsARecordOnLaunch": on}
    assert "InvalidParameterCombination" == refused(ec2.modify_subnet_attribute, **name, **both)
    assert "NotInSandbox" == refused(ec2.modify_subnet_attribute, **name, EnableDns64=on)
    ec2.modify_subnet_attribute(**name, MapPublicIpOnLaunch=on)
    assert ec2.describe_subnets(SubnetIds=[made["SubnetId"]])["Subnets"][0]["MapPublicIpOnLaunch"]
