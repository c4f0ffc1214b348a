"""Rules are added to a security group and taken away as EC2 does it: all of a request, or nothing."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.security_group import (
    BAD_CIDRS,
    SOURCES,
    UNKNOWN_GROUP,
    UNKNOWN_PREFIX_LIST,
    UNKNOWN_RULE,
    Group,
    cidrs,
    create_vpc,
    default_vpc,
    permission,
    refusal,
    source_of,
    tagged,
)
from tests.support import Client


@pytest.fixture
def group(ec2: Client) -> Group:
    """A security group in a VPC of its own."""
    return Group.create(ec2, create_vpc(ec2))


@pytest.mark.parametrize("direction", ["ingress", "egress"])
def test_authorize_answers_all_rules(direction: str, ec2: Client, group: Group) -> None:
    """One rule for each source of each permission, as DescribeSecurityGroupRules shows them."""
    sources = group.sources()
    permissions = [
        permission(5432, IpRanges=cidrs("10.0.0.0/8", "172.16.0.0/12")),
        permission(443, Ipv6Ranges=[{"CidrIpv6": "2001:db8::/32"}]),
        permission(80, PrefixListIds=[{"PrefixListId": sources["PrefixListId"][0]}]),
        permission(22, UserIdGroupPairs=[{"GroupId": sources["ReferencedGroupId"][0]}]),
    ]
    call = getattr(ec2, f"authorize_security_group_{direction}")
    added = call(GroupId=group.id, IpPermissions=permissions)["SecurityGroupRules"]
    ids = [rule["SecurityGroupRuleId"] for rule in added]
    assert [5432, 5432, 443, 80, 22] == [rule["FromPort"] for rule in added]
    assert added == ec2.describe_security_group_rules(SecurityGroupRuleIds=ids)["SecurityGroupRules"]


@pytest.mark.parametrize(("source", "cidr"), BAD_CIDRS)
def test_authorize_a_malformed_cidr(source: str, cidr: str, group: Group) -> None:
    """The good permission before the malformed one is not added either."""
    listed_in, key = SOURCES[source]
    bad = permission(443, **{listed_in: [{key: cidr}]})
    assert "InvalidParameterValue" == refusal(group.authorize, permission(IpRanges=cidrs("10.0.0.0/8")), bad)
    assert [] == group.rules()


def test_authorize_an_existing_rule(group: Group) -> None:
    """A duplicate, even one described otherwise and written with host bits, refuses the whole request."""
    group.add("CidrIpv4", "100.68.0.0/18", Description="there")
    ranges = [*cidrs("10.0.0.0/8"), {"CidrIp": "100.68.0.18/18", "Description": "again"}]
    assert "InvalidPermission.Duplicate" == refusal(group.authorize, permission(IpRanges=ranges))
    assert ["100.68.0.0/18"] == [rule["CidrIpv4"] for rule in group.rules()]


def test_authorize_an_existing_group_reference(group: Group) -> None:
    """The description of a referenced group is no part of the rule's terms either."""
    group.add("ReferencedGroupId", group.id, Description="there")
    again = permission(UserIdGroupPairs=[{"GroupId": group.id, "Description": "again"}])
    assert "InvalidPermission.Duplicate" == refusal(group.authorize, again)


def test_authorize_in_both_ways(ec2: Client, group: Group) -> None:
    """One rule in the parameters themselves, beside IpPermissions, is refused."""
    both = {"GroupId": group.id, "IpPermissions": [permission(IpRanges=cidrs("10.9.0.0/16"))], "CidrIp": "10.8.0.0/16"}
    assert "InvalidParameterCombination" == refusal(ec2.authorize_security_group_ingress, **both)


def test_authorize_the_same_twice(group: Group) -> None:
    """A repetition within the request adds nothing."""
    twice = permission(IpRanges=cidrs("10.0.0.0/8")), permission(IpRanges=cidrs("10.0.0.1/8"))
    assert "InvalidParameterValue" == refusal(group.authorize, *twice)
    assert [] == group.rules()


def test_authorize_canonicalizes_cidrs(group: Group) -> None:
    """As the API Reference says of IpRange: 100.68.0.18/18 becomes 100.68.0.0/18."""
    ipv6 = [{"CidrIpv6": "2001:0DB8:0000::1/32"}]
    added = group.authorize(permission(IpRanges=cidrs("100.68.0.18/18"), Ipv6Ranges=ipv6))
    assert [{"CidrIpv4": "100.68.0.0/18"}, {"CidrIpv6": "2001:db8::/32"}] == [source_of(rule) for rule in added]


def test_authorize_tags_every_rule(ec2: Client, group: Group) -> None:
    """TagSpecifications are for all rules of the request."""
    owner = str(uuid4())
    specification = tagged(owner=owner)
    both = permission(IpRanges=cidrs("10.0.0.0/8")), permission(443, IpRanges=cidrs("10.0.0.0/8"))
    added = group.authorize(*both, TagSpecifications=specification)
    filters = [{"Name": "tag:owner", "Values": [owner]}]
    assert [specification[0]["Tags"]] * 2 == [rule["Tags"] for rule in added]
    assert added == ec2.describe_security_group_rules(Filters=filters)["SecurityGroupRules"]


@pytest.mark.parametrize(("given", "stored"), [("6", "tcp"), ("TCP", "tcp"), ("17", "udp"), ("58", "icmpv6")])
def test_authorize_a_protocol_by_number(given: str, stored: str, group: Group) -> None:
    """Four protocols have names, which is how EC2 shows them."""
    [rule] = group.authorize(permission(5432, given, IpRanges=cidrs("10.0.0.0/8")))
    assert stored == rule["IpProtocol"]


@pytest.mark.parametrize("protocol", ["-1", "50"])
def test_authorize_a_protocol_without_ports(protocol: str, group: Group) -> None:
    """Ports given with `-1`, or with a protocol that has none, are not stored."""
    [rule] = group.authorize(permission(5432, protocol, IpRanges=cidrs("10.0.0.0/8")))
    assert (protocol, -1, -1) == (rule["IpProtocol"], rule["FromPort"], rule["ToPort"])


@pytest.mark.parametrize(
    "terms",
    [
        {"IpProtocol": "tcp"},
        {"IpProtocol": "tcp", "FromPort": 80},
        {"IpProtocol": "tcp", "FromPort": 90, "ToPort": 80},
        {"IpProtocol": "tcp", "FromPort": -1, "ToPort": -1},
        {"IpProtocol": "udp", "FromPort": 0, "ToPort": 65536},
        {"IpProtocol": "icmp"},
        {"IpProtocol": "all"},
        {"FromPort": 80, "ToPort": 80},
    ],
)
def test_authorize_bad_terms(terms: dict[str, Any], group: Group) -> None:
    """Protocols and ports that EC2 does not take."""
    assert "InvalidParameterValue" == refusal(group.authorize, {**terms, "IpRanges": cidrs("10.0.0.0/8")})


def test_authorize_nobody(group: Group) -> None:
    """A permission without a source."""
    assert "MissingParameter" == refusal(group.authorize, permission())


def test_authorize_an_unknown_prefix_list(group: Group) -> None:
    """A prefix list that is not there adds nothing."""
    both = permission(IpRanges=cidrs("10.0.0.0/8"), PrefixListIds=[{"PrefixListId": UNKNOWN_PREFIX_LIST}])
    assert "InvalidPrefixListID.NotFound" == refusal(group.authorize, both)
    assert [] == group.rules()


def test_authorize_a_group_of_another_vpc(ec2: Client, group: Group) -> None:
    """Groups are known in their own VPC and, once peered, in the other."""
    other = Group.create(ec2, create_vpc(ec2, "10.43.0.0/16"))
    pair = permission(UserIdGroupPairs=[{"GroupId": other.id}])
    assert "InvalidGroup.NotFound" == refusal(group.authorize, pair)
    peering = ec2.create_vpc_peering_connection(VpcId=group.vpc, PeerVpcId=other.vpc)["VpcPeeringConnection"]
    assert "InvalidGroup.NotFound" == refusal(group.authorize, pair)
    ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=peering["VpcPeeringConnectionId"])
    assert [{"ReferencedGroupId": other.id}] == [source_of(rule) for rule in group.authorize(pair)]


def test_authorize_too_many_rules(group: Group) -> None:
    """The quota of 60 counts all permissions together, IPv4 and IPv6 apart."""
    many = cidrs(*(f"10.0.{number}.0/24" for number in range(59)))
    group.authorize(permission(IpRanges=many, Ipv6Ranges=[{"CidrIpv6": "2001:db8::/32"}]))
    more = [permission(port, IpRanges=cidrs("10.0.0.0/24")) for port in (80, 443)]
    assert "RulesPerSecurityGroupLimitExceeded" == refusal(group.authorize, *more)
    assert 60 == len(group.rules())


def test_authorize_a_rule_in_the_parameters(ec2: Client, group: Group) -> None:
    """The form without IpPermissions."""
    terms = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "CidrIp": "10.0.0.1/8"}
    ec2.authorize_security_group_ingress(GroupId=group.id, **terms)
    assert [{"CidrIpv4": "10.0.0.0/8"}] == [source_of(rule) for rule in group.rules()]


def test_authorize_for_an_unknown_group(ec2: Client) -> None:
    """A group that is not there, and a name in the place of an id."""
    call, permissions = ec2.authorize_security_group_ingress, [permission(IpRanges=cidrs("10.0.0.0/8"))]
    assert "InvalidGroup.NotFound" == refusal(call, GroupId=UNKNOWN_GROUP, IpPermissions=permissions)
    assert "InvalidGroupId.Malformed" == refusal(call, GroupId="default", IpPermissions=permissions)


def test_revoke_several_by_id(ec2: Client, group: Group) -> None:
    """All rules named go, the others stay, and the answer says which went."""
    added = group.authorize(permission(IpRanges=cidrs("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
    ids = [rule["SecurityGroupRuleId"] for rule in added]
    answer = ec2.revoke_security_group_ingress(GroupId=group.id, SecurityGroupRuleIds=ids[:2])
    assert ids[:2] == [rule["SecurityGroupRuleId"] for rule in answer["RevokedSecurityGroupRules"]]
    assert added[2:] == group.rules()


@pytest.mark.parametrize("direction", ["ingress", "egress"])
def test_revoke_an_unknown_id(direction: str, ec2: Client, group: Group) -> None:
    """One id that the group does not have in this direction, and all rules stay."""
    group.add("CidrIpv4", "10.0.0.0/8")
    before = group.rules(egress=direction == "egress")
    ids = [*(rule["SecurityGroupRuleId"] for rule in before), UNKNOWN_RULE]
    call = getattr(ec2, f"revoke_security_group_{direction}")
    code = refusal(call, GroupId=group.id, SecurityGroupRuleIds=ids)
    assert "InvalidSecurityGroupRuleId.NotFound" == code
    assert before == group.rules(egress=direction == "egress")


def test_revoke_by_permission(ec2: Client, group: Group) -> None:
    """By the terms alone: the descriptions need not agree."""
    group.add("ReferencedGroupId", group.id, Description="any")
    terms = permission(UserIdGroupPairs=[{"GroupId": group.id}])
    answer = ec2.revoke_security_group_ingress(GroupId=group.id, IpPermissions=[terms])
    assert [group.id] == [rule["ReferencedGroupId"] for rule in answer["RevokedSecurityGroupRules"]]
    assert [] == group.rules()


def test_revoke_an_unknown_permission(ec2: Client, group: Group) -> None:
    """Outside the default VPC it is an error, and nothing is revoked."""
    group.add("CidrIpv4", "10.0.0.0/8")
    both = [permission(port, IpRanges=cidrs("10.0.0.0/8")) for port in (5432, 443)]
    call = ec2.revoke_security_group_ingress
    assert "InvalidPermission.NotFound" == refusal(call, GroupId=group.id, IpPermissions=both)
    assert 1 == len(group.rules())


def test_revoke_an_unknown_permission_in_the_default_vpc(ec2: Client) -> None:
    """There the answer lists it, and the rest goes."""
    group = Group.create(ec2, default_vpc(ec2))
    group.add("CidrIpv4", "10.0.0.0/8")
    both = [permission(port, IpRanges=cidrs("10.0.0.0/8")) for port in (5432, 443)]
    answer = ec2.revoke_security_group_ingress(GroupId=group.id, IpPermissions=both)
    assert [443] == [each["FromPort"] for each in answer["UnknownIpPermissions"]]
    assert [5432] == [rule["FromPort"] for rule in answer["RevokedSecurityGroupRules"]]


def test_revoke_the_first_egress_rule_as_terraform_does(ec2: Client, group: Group) -> None:
    """It names ports of 0 with `-1`, then tries the same for IPv6 and expects that not to be there."""
    everything = {"IpProtocol": "-1", "FromPort": 0, "ToPort": 0}
    ipv4, ipv6 = {"IpRanges": cidrs("0.0.0.0/0")}, {"Ipv6Ranges": [{"CidrIpv6": "::/0"}]}
    call = ec2.revoke_security_group_egress
    call(GroupId=group.id, IpPermissions=[everything | ipv4])
    assert "InvalidPermission.NotFound" == refusal(call, GroupId=group.id, IpPermissions=[everything | ipv6])
    assert [] == group.described()["IpPermissionsEgress"]


def test_revoke_takes_the_tags_along(ec2: Client, group: Group) -> None:
    """A rule that is gone has no tags."""
    [rule] = group.authorize(permission(IpRanges=cidrs("10.0.0.0/8")), TagSpecifications=tagged(owner="andrew"))
    rule_id = rule["SecurityGroupRuleId"]
    ec2.revoke_security_group_ingress(GroupId=group.id, SecurityGroupRuleIds=[rule_id])
    assert [] == ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [rule_id]}])["Tags"]
