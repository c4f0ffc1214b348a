"""Rules of a security group are modified and described as EC2 does it: all of a request, or nothing."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from tests.security_group import (
    BAD_CIDRS,
    SOURCES,
    UNKNOWN_GROUP,
    UNKNOWN_PREFIX_LIST,
    UNKNOWN_RULE,
    Group,
    cidrs,
    create_prefix_list,
    create_vpc,
    permission,
    refusal,
    request,
    source_of,
    tagged,
)
from tests.support import Client


@pytest.fixture
def group(ec2: Client) -> Group:
    """A security group in a VPC of its own."""
    return Group.create(ec2, create_vpc(ec2))


@pytest.mark.parametrize("source", SOURCES)
def test_modify_changes_everything_but_the_id(source: str, group: Group) -> None:
    """Protocol, ports, source and description are replaced, whatever the type of the source."""
    old, new = group.sources()[source]
    rule_id = group.add(source, old, Description="old")
    change = {"IpProtocol": "udp", "FromPort": 53, "ToPort": 54, "Description": "new"}
    group.modify({rule_id: {**change, source: new}})
    [rule] = group.rules()
    assert rule_id == rule["SecurityGroupRuleId"]
    assert change == {key: rule[key] for key in change}
    assert {source: new} == source_of(rule)


def test_modify_keeps_the_tags(group: Group) -> None:
    """Tags belong to the rule, not to its terms."""
    [rule] = group.authorize(permission(IpRanges=cidrs("10.0.0.0/8")), TagSpecifications=tagged(owner="andrew"))
    group.modify({rule["SecurityGroupRuleId"]: request("CidrIpv4", "10.1.0.0/16")})
    assert [rule["Tags"]] == [each["Tags"] for each in group.rules()]


def test_modify_to_all_protocols(group: Group) -> None:
    """`-1` needs no ports; the API shows -1 for both ends."""
    group.modify({group.add("CidrIpv4", "10.0.0.0/8"): {"IpProtocol": "-1", "CidrIpv4": "10.0.0.0/8"}})
    [rule] = group.rules()
    assert ("-1", -1, -1) == (rule["IpProtocol"], rule["FromPort"], rule["ToPort"])


def test_modify_without_a_description_removes_it(group: Group) -> None:
    """The request is the whole rule."""
    group.modify({group.add("CidrIpv4", "10.0.0.0/8", Description="old"): request("CidrIpv4", "10.0.0.0/8")})
    assert [None] == [rule.get("Description") for rule in group.rules()]


@pytest.mark.parametrize(("source", "cidr"), BAD_CIDRS)
def test_modify_to_a_malformed_cidr(source: str, cidr: str, group: Group) -> None:
    """A CIDR block that is none changes nothing."""
    rule_id = group.add(source, {"CidrIpv4": "10.0.0.0/8", "CidrIpv6": "::/0"}[source])
    before = group.rules()
    assert "InvalidParameterValue" == refusal(group.modify, {rule_id: request(source, cidr)})
    assert before == group.rules()


def test_modify_canonicalizes_cidrs(group: Group) -> None:
    """Host bits are cleared, and IPv6 written short."""
    ipv4, ipv6 = group.add("CidrIpv4", "10.0.0.0/8"), group.add("CidrIpv6", "::/0")
    group.modify({ipv4: request("CidrIpv4", "100.68.0.18/18"), ipv6: request("CidrIpv6", "2001:DB8:0:0::1/64")})
    found = [source_of(rule) for rule in group.rules()]
    assert [{"CidrIpv4": "100.68.0.0/18"}, {"CidrIpv6": "2001:db8::/64"}] == found


@pytest.mark.parametrize(("old", "new"), list(permutations(SOURCES, 2)))
def test_modify_to_another_type_of_source(old: str, new: str, group: Group) -> None:
    """An IPv4 rule stays an IPv4 rule, and so on."""
    sources = group.sources()
    rule_id = group.add(old, sources[old][0])
    before = group.rules()
    assert "InvalidParameterValue" == refusal(group.modify, {rule_id: request(new, sources[new][0])})
    assert before == group.rules()


@pytest.mark.parametrize("source", SOURCES)
def test_modify_to_a_duplicate(source: str, group: Group) -> None:
    """No two rules of a group admit the same, whatever their descriptions."""
    first, second = group.sources()[source]
    group.add(source, first, Description="first")
    rule_id = group.add(source, second, Description="second")
    before = group.rules()
    assert "InvalidPermission.Duplicate" == refusal(group.modify, {rule_id: request(source, first)})
    assert before == group.rules()


def test_modify_two_rules_to_change_places(group: Group) -> None:
    """Duplicates are looked for in what the request results in."""
    first, second = group.add("CidrIpv4", "10.0.0.0/8"), group.add("CidrIpv4", "172.16.0.0/12")
    group.modify({first: request("CidrIpv4", "172.16.0.0/12"), second: request("CidrIpv4", "10.0.0.0/8")})
    found = {rule["SecurityGroupRuleId"]: rule["CidrIpv4"] for rule in group.rules()}
    assert {first: "172.16.0.0/12", second: "10.0.0.0/8"} == found


def test_modify_is_atomic(group: Group) -> None:
    """One bad rule of several, and none is changed."""
    good, bad = group.add("CidrIpv4", "10.0.0.0/8"), group.add("CidrIpv4", "172.16.0.0/12")
    before = group.rules()
    requests = {good: request("CidrIpv4", "10.1.0.0/16"), bad: request("CidrIpv4", "300.1.1.1/32")}
    assert "InvalidParameterValue" == refusal(group.modify, requests)
    assert before == group.rules()


@pytest.mark.parametrize("ports", [{}, {"FromPort": 80}, {"FromPort": 80, "ToPort": 70000}, {"FromPort": 90, "ToPort": 80}])
def test_modify_to_bad_ports(ports: dict[str, int], group: Group) -> None:
    """TCP takes both ends of a range, in order, up to 65535."""
    change: dict[str, Any] = {"IpProtocol": "tcp", "CidrIpv4": "10.0.0.0/8", **ports}
    assert "InvalidParameterValue" == refusal(group.modify, {group.add("CidrIpv4", "10.0.0.0/8"): change})


def test_modify_an_unknown_rule(ec2: Client, group: Group) -> None:
    """A rule id that the group does not have, though another may."""
    elsewhere = Group.create(ec2, group.vpc).add("CidrIpv4", "10.0.0.0/8")
    for rule_id in (UNKNOWN_RULE, elsewhere):
        code = refusal(group.modify, {rule_id: request("CidrIpv4", "10.1.0.0/16")})
        assert "InvalidSecurityGroupRuleId.NotFound" == code


def test_modify_an_unknown_group(ec2: Client, group: Group) -> None:
    """A group id that nothing has."""
    rule_id = group.add("CidrIpv4", "10.0.0.0/8")
    nobody = Group(ec2, group.vpc, UNKNOWN_GROUP)
    assert "InvalidGroup.NotFound" == refusal(nobody.modify, {rule_id: request("CidrIpv4", "10.1.0.0/16")})


@pytest.mark.parametrize(
    ("source", "unknown", "code"),
    [
        ("PrefixListId", UNKNOWN_PREFIX_LIST, "InvalidPrefixListID.NotFound"),
        ("ReferencedGroupId", UNKNOWN_GROUP, "InvalidGroup.NotFound"),
    ],
)
def test_modify_to_an_unknown_source(source: str, unknown: str, code: str, group: Group) -> None:
    """A prefix list or a group that is not there."""
    rule_id = group.add(source, group.sources()[source][0])
    assert code == refusal(group.modify, {rule_id: request(source, unknown)})


def test_modify_an_egress_rule(group: Group) -> None:
    """It is modified in place, and stays one."""
    [rule] = group.rules(egress=True)
    group.modify({rule["SecurityGroupRuleId"]: request("CidrIpv4", "10.0.0.0/8", port=443)})
    [rule] = group.rules(egress=True)
    assert (443, "10.0.0.0/8") == (rule["ToPort"], rule["CidrIpv4"])


@pytest.mark.parametrize("source", SOURCES)
def test_descriptions_come_back(source: str, group: Group) -> None:
    """Of every type of source, from DescribeSecurityGroupRules and from DescribeSecurityGroups."""
    group.add(source, group.sources()[source][0], Description="for the bootcamp")
    assert ["for the bootcamp"] == [rule.get("Description") for rule in group.rules()]
    assert ["for the bootcamp"] == list(group.descriptions())


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("change", [{"Description": "new"}, {}])
def test_descriptions_change_by_rule_id(source: str, change: dict[str, str], ec2: Client, group: Group) -> None:
    """UpdateSecurityGroupRuleDescriptionsIngress sets the description or, where it is left out, removes it."""
    rule_id = group.add(source, group.sources()[source][0], Description="old")
    call = ec2.update_security_group_rule_descriptions_ingress
    updates = [{"SecurityGroupRuleId": rule_id, **change}]
    assert call(GroupId=group.id, SecurityGroupRuleDescriptions=updates)["Return"]
    assert [change.get("Description")] == [rule.get("Description") for rule in group.rules()]
    assert [change.get("Description")] == list(group.descriptions())


def test_descriptions_change_by_permission(ec2: Client, group: Group) -> None:
    """The rules are found by their terms, a prefix list's too; the others keep theirs."""
    prefix_list = create_prefix_list(ec2)
    old = [{"PrefixListId": prefix_list, "Description": "old"}]
    group.authorize(permission(PrefixListIds=old, IpRanges=[{"CidrIp": "10.0.0.0/8", "Description": "kept"}]))
    new = permission(PrefixListIds=[{"PrefixListId": prefix_list, "Description": "new"}])
    ec2.update_security_group_rule_descriptions_ingress(GroupId=group.id, IpPermissions=[new])
    assert {"new", "kept"} == {rule["Description"] for rule in group.rules()}


def test_descriptions_of_an_unknown_rule(ec2: Client, group: Group) -> None:
    """Nothing to describe is an error."""
    call = ec2.update_security_group_rule_descriptions_ingress
    unknown = [permission(IpRanges=[{"CidrIp": "10.0.0.0/8", "Description": "new"}])]
    assert "InvalidPermission.NotFound" == refusal(call, GroupId=group.id, IpPermissions=unknown)
    updates = [{"SecurityGroupRuleId": UNKNOWN_RULE, "Description": "new"}]
    code = refusal(call, GroupId=group.id, SecurityGroupRuleDescriptions=updates)
    assert "InvalidSecurityGroupRuleId.NotFound" == code


@pytest.mark.parametrize("description", ["it's", "a > b", "café", "x" * 256])
def test_descriptions_have_few_characters(description: str, group: Group) -> None:
    """EC2 takes 255 of a small set."""
    assert "InvalidParameterValue" == refusal(group.add, "CidrIpv4", "10.0.0.0/8", Description=description)
