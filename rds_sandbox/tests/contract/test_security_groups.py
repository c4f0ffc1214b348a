"""Security groups are created, described and deleted as EC2 does it."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from tests.security_group import (
    UNKNOWN_GROUP,
    UNKNOWN_RULE,
    Group,
    Rule,
    cidrs,
    create_vpc,
    default_vpc,
    permission,
    refusal,
)
from tests.support import Client, wanted


@pytest.fixture
def group(ec2: Client) -> Group:
    """A security group in a VPC of its own."""
    return Group.create(ec2, create_vpc(ec2))


def default_group(ec2: Client, vpc: str) -> dict[str, Any]:
    """The security group that came with the VPC."""
    filters = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
    [found] = ec2.describe_security_groups(Filters=filters)["SecurityGroups"]
    return dict(found)


def ids(rules: list[Rule]) -> list[str]:
    """The ids of described rules."""
    return [rule["SecurityGroupRuleId"] for rule in rules]


def test_create_in_an_unknown_vpc(ec2: Client) -> None:
    """A group belongs to a VPC that is there."""
    assert "InvalidVpcID.NotFound" == refusal(Group.create, ec2, "vpc-0123456789abcdef0")


def test_default_group_admits_its_members(ec2: Client, group: Group) -> None:
    """A VPC comes with a group whose members reach one another."""
    default = default_group(ec2, group.vpc)
    [rule] = default["IpPermissions"]
    assert "-1" == rule["IpProtocol"]
    assert [default["GroupId"]] == [pair["GroupId"] for pair in rule["UserIdGroupPairs"]]


def test_fields_of_a_cidr_rule(ec2: Client, group: Group) -> None:
    """Every field that the API has for it, and no other."""
    rule_id = group.add("CidrIpv4", "10.0.0.0/8", Description="ten")
    [rule] = group.rules()
    account = group.described()["OwnerId"]
    expected = {
        "SecurityGroupRuleId": rule_id,
        "SecurityGroupRuleArn": f"arn:aws:ec2:{ec2.meta.region_name}:{account}:security-group-rule/{rule_id}",
        "GroupId": group.id,
        "GroupOwnerId": account,
        "IsEgress": False,
        "IpProtocol": "tcp",
        "FromPort": 5432,
        "ToPort": 5432,
        "CidrIpv4": "10.0.0.0/8",
        "Description": "ten",
        "Tags": [],
    }
    assert expected == rule


def test_fields_of_a_group_rule(group: Group) -> None:
    """A group of the same VPC: its id and its owner."""
    group.add("ReferencedGroupId", group.id)
    [rule] = group.rules()
    assert {"GroupId": group.id, "UserId": rule["GroupOwnerId"]} == rule["ReferencedGroupInfo"]


def test_permissions_of_a_group(group: Group) -> None:
    """Rules of one protocol and port range share an IpPermission; `-1` shows no ports."""
    sources = group.sources()
    ranges = [{"CidrIp": "10.0.0.0/8", "Description": "ten"}, {"CidrIp": "172.16.0.0/12"}]
    lists = [{"PrefixListId": sources["PrefixListId"][0], "Description": "list"}]
    pairs = [{"GroupId": sources["ReferencedGroupId"][0]}]
    group.authorize(permission(IpRanges=ranges, PrefixListIds=lists), {"IpProtocol": "-1", "UserIdGroupPairs": pairs})
    found = group.described()
    nobody: dict[str, Any] = {"IpRanges": [], "Ipv6Ranges": [], "PrefixListIds": [], "UserIdGroupPairs": []}
    owned = [pair | {"UserId": found["OwnerId"]} for pair in pairs]
    assert [
        nobody | permission(IpRanges=ranges, PrefixListIds=lists),
        nobody | {"IpProtocol": "-1", "UserIdGroupPairs": owned},
    ] == found["IpPermissions"]


def test_filters_of_rules(ec2: Client, group: Group) -> None:
    """By group, by rule and by tag; filters and ids all apply."""
    first, second = ids(group.authorize(permission(IpRanges=cidrs("10.0.0.0/8", "172.16.0.0/12"))))
    value = str(uuid4())
    ec2.create_tags(Resources=[second], Tags=[{"Key": "run", "Value": value}])
    by_id = {"Name": "security-group-rule-id", "Values": [first]}
    by_tag = {"Name": "tag:run", "Values": [value]}
    by_group = {"Name": "group-id", "Values": [group.id]}

    def found(*filters: dict[str, Any], **more: list[str]) -> list[str]:
        return ids(ec2.describe_security_group_rules(Filters=filters, **more)["SecurityGroupRules"])

    assert [first] == found(by_id)
    assert [second] == found(by_tag, by_group)
    assert [] == found(by_id, by_tag)
    assert [] == found(by_id, SecurityGroupRuleIds=[second])


def test_pages_of_rules(ec2: Client, group: Group) -> None:
    """A paginator finds every rule once."""
    group.authorize(permission(IpRanges=cidrs(*(f"10.0.{number}.0/24" for number in range(8)))))
    pages = ec2.get_paginator("describe_security_group_rules").paginate(
        Filters=[{"Name": "group-id", "Values": [group.id]}], PaginationConfig={"PageSize": 5}
    )
    found = [ids(page["SecurityGroupRules"]) for page in pages]
    assert [5, 4] == [len(page) for page in found]
    assert 9 == len({rule_id for page in found for rule_id in page})


def test_pages(ec2: Client, group: Group) -> None:
    """MaxResults is 5 to 1000, NextToken leads on; without them all come at once (EC2 API Reference, DescribeSecurityGroups).

    A token that was not given is refused ("Error codes for the Amazon EC2 API", InvalidNextToken).
    """
    made = [group.id, *(Group.create(ec2, group.vpc).id for _ in range(5))]
    ask = {"Filters": [{"Name": "vpc-id", "Values": [group.vpc]}]}
    first = ec2.describe_security_groups(**ask, MaxResults=5)
    second = ec2.describe_security_groups(**ask, MaxResults=5, NextToken=first["NextToken"])
    every = ec2.describe_security_groups(**ask)
    assert (5, 2, None, None) == (
        len(first["SecurityGroups"]), len(second["SecurityGroups"]), second.get("NextToken"), every.get("NextToken"),
    )  # fmt: skip
    assert every["SecurityGroups"] == [*first["SecurityGroups"], *second["SecurityGroups"]]
    assert set(made) < {each["GroupId"] for each in every["SecurityGroups"]}
    for call in (ec2.describe_security_groups, ec2.describe_security_group_rules):
        assert "InvalidParameterValue" == refusal(call, MaxResults=1001)
        assert "InvalidNextToken" == refusal(call, NextToken="elsewhere")


def test_unknown_rule(ec2: Client) -> None:
    """A rule that is not there."""
    code = refusal(ec2.describe_security_group_rules, SecurityGroupRuleIds=[UNKNOWN_RULE])
    assert "InvalidSecurityGroupRuleId.NotFound" == code


def test_unknown_group(ec2: Client) -> None:
    """A group that is not there is named in the error; what is no id of a group is malformed."""
    with pytest.raises(ClientError, match=f"'{UNKNOWN_GROUP}' does not exist") as error:
        ec2.describe_security_groups(GroupIds=[UNKNOWN_GROUP])
    assert "InvalidGroup.NotFound" == error.value.response["Error"]["Code"]
    assert "InvalidGroupId.Malformed" == refusal(ec2.describe_security_groups, GroupIds=["default"])


@pytest.mark.parametrize("operation", ["describe_security_group_rules", "describe_security_groups"])
def test_unknown_filter(operation: str, ec2: Client) -> None:
    """A filter that EC2 does not have is refused, not failed on."""
    filters = [{"Name": "colour", "Values": ["blue"]}]
    assert "InvalidParameterValue" == refusal(getattr(ec2, operation), Filters=filters)


@pytest.mark.parametrize(
    ("source", "name"), [("CidrIpv6", "ip-permission.ipv6-cidr"), ("PrefixListId", "ip-permission.prefix-list-id")]
)
def test_groups_by_source(source: str, name: str, ec2: Client, group: Group) -> None:
    """DescribeSecurityGroups filters by IPv6 CIDR block and by prefix list."""
    value, other = group.sources()[source]
    group.add(source, value)
    by_group = {"Name": "group-id", "Values": [group.id]}

    def found(wanted: str) -> list[str]:
        filters = [{"Name": name, "Values": [wanted]}, by_group]
        return [each["GroupId"] for each in ec2.describe_security_groups(Filters=filters)["SecurityGroups"]]

    assert [group.id] == found(value)
    assert [] == found(other)


def test_delete_an_unused_group(ec2: Client, group: Group) -> None:
    """A group that only refers to itself goes, and the answer names it."""
    group.add("ReferencedGroupId", group.id)
    answer = ec2.delete_security_group(GroupId=group.id)
    assert (True, group.id) == (answer["Return"], answer["GroupId"])
    assert "InvalidGroup.NotFound" == refusal(group.described)


def test_delete_the_default_group(ec2: Client, group: Group) -> None:
    """It cannot be deleted; with its VPC it goes."""
    default = default_group(ec2, group.vpc)["GroupId"]
    assert "CannotDelete" == refusal(ec2.delete_security_group, GroupId=default)
    ec2.delete_security_group(GroupId=group.id)
    ec2.delete_vpc(VpcId=group.vpc)
    assert "InvalidGroup.NotFound" == refusal(ec2.describe_security_groups, GroupIds=[default])


def test_delete_an_unknown_group(ec2: Client) -> None:
    """A group that is not there."""
    assert "InvalidGroup.NotFound" == refusal(ec2.delete_security_group, GroupId=UNKNOWN_GROUP)


@pytest.mark.parametrize("direction", ["ingress", "egress"])
def test_delete_a_group_that_another_refers_to(direction: str, ec2: Client, group: Group) -> None:
    """Not before that rule is revoked."""
    other, pairs = Group.create(ec2, group.vpc), [permission(UserIdGroupPairs=[{"GroupId": group.id}])]
    getattr(ec2, f"authorize_security_group_{direction}")(GroupId=other.id, IpPermissions=pairs)
    assert "DependencyViolation" == refusal(ec2.delete_security_group, GroupId=group.id)
    getattr(ec2, f"revoke_security_group_{direction}")(GroupId=other.id, IpPermissions=pairs)
    ec2.delete_security_group(GroupId=group.id)


def test_delete_a_group_of_a_network_interface(ec2: Client, group: Group) -> None:
    """Not before the interface is deleted."""
    subnet = ec2.create_subnet(VpcId=group.vpc, CidrBlock="10.42.1.0/24")["Subnet"]["SubnetId"]
    made = ec2.create_network_interface(SubnetId=subnet, Groups=[group.id])["NetworkInterface"]
    assert "DependencyViolation" == refusal(ec2.delete_security_group, GroupId=group.id)
    ec2.delete_network_interface(NetworkInterfaceId=made["NetworkInterfaceId"])
    ec2.delete_security_group(GroupId=group.id)


def test_delete_a_group_of_an_instance(ec2: Client, group: Group) -> None:
    """Not before the instance is terminated."""
    subnet = ec2.create_subnet(VpcId=group.vpc, CidrBlock="10.42.1.0/24")["Subnet"]["SubnetId"]
    image = ec2.describe_images(Filters=[{"Name": "name", "Values": ["amzn2*"]}])["Images"][0]["ImageId"]
    where = {"ImageId": image, "SubnetId": subnet, "SecurityGroupIds": [group.id]}
    [instance] = ec2.run_instances(MinCount=1, MaxCount=1, InstanceType="t3.micro", **where)["Instances"]
    assert "DependencyViolation" == refusal(ec2.delete_security_group, GroupId=group.id)
    ec2.terminate_instances(InstanceIds=[instance["InstanceId"]])
    ec2.delete_security_group(GroupId=group.id)


def test_delete_a_group_of_a_db_instance(ec2: Client, rds: Client) -> None:
    """Not before the DB instance is gone."""
    group, identifier = Group.create(ec2, default_vpc(ec2)), f"test-{uuid4().hex[:8]}"
    rds.create_db_instance(**wanted(identifier, VpcSecurityGroupIds=[group.id]))
    assert "DependencyViolation" == refusal(ec2.delete_security_group, GroupId=group.id)
    patience = {"Delay": 1, "MaxAttempts": 60}
    rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=identifier, WaiterConfig=patience)
    rds.delete_db_instance(DBInstanceIdentifier=identifier, SkipFinalSnapshot=True)
    rds.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier=identifier, WaiterConfig=patience)
    ec2.delete_security_group(GroupId=group.id)


def test_delete_a_group_of_a_vpc_endpoint(ec2: Client, group: Group) -> None:
    """Not before the endpoint is deleted."""
    subnet = ec2.create_subnet(VpcId=group.vpc, CidrBlock="10.42.1.0/24")["Subnet"]["SubnetId"]
    service = {"ServiceName": f"com.amazonaws.{ec2.meta.region_name}.rds", "VpcEndpointType": "Interface"}
    where = {"VpcId": group.vpc, "SubnetIds": [subnet], "SecurityGroupIds": [group.id], "PrivateDnsEnabled": False}
    made = ec2.create_vpc_endpoint(**service, **where)["VpcEndpoint"]
    assert "DependencyViolation" == refusal(ec2.delete_security_group, GroupId=group.id)
    ec2.delete_vpc_endpoints(VpcEndpointIds=[made["VpcEndpointId"]])
    ec2.delete_security_group(GroupId=group.id)
