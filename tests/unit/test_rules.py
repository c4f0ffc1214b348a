"""The security-group rule as a value."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cruddur_ops.network.rules import Rule
from tests.unit import aws_calls
from tests.unit.aws_state import authorized, described_rule

PORTS = st.tuples(st.integers(0, 65535), st.integers(0, 65535)).map(sorted)
CIDRS = st.one_of(
    st.tuples(st.ip_addresses(v=4), st.integers(0, 32)),
    st.tuples(st.ip_addresses(v=6), st.integers(0, 128)),
).map(lambda pair: f"{pair[0]}/{pair[1]}")
IDS = st.integers(0, 16**17 - 1).map(lambda number: f"{number:017x}")
SOURCES = st.one_of(CIDRS, IDS.map("pl-{}".format), IDS.map("sg-{}".format))
TEXTS = st.text("abc XYZ0189._-:/()#,@[]+=&;{}!$*", max_size=40)
RULES = st.builds(
    lambda protocol, ports, source, text: Rule(protocol, ports[0], ports[1], source, text),
    st.sampled_from(["tcp", "udp", "icmp", "icmpv6", "-1", "6", "17", "50", "TCP"]),
    PORTS,
    SOURCES,
    TEXTS,
)


@given(RULES)
def test_what_is_authorized_is_described_as_the_same_rule(rule: Rule) -> None:
    """A rule that EC2 makes from our IpPermission reads back as that rule."""
    parameters = {"GroupId": "sg-1", "IpPermissions": [rule.permission()]}
    assert "" == aws_calls.invalid("ec2", "authorize_security_group_ingress", parameters)
    [item] = authorized(parameters)
    found = Rule.described(item)
    assert (rule, rule.description) == (found, found.description)


@given(RULES)
def test_what_is_modified_is_described_as_the_same_rule(rule: Rule) -> None:
    """A rule that EC2 makes from our SecurityGroupRuleRequest reads back as that rule."""
    update = {"SecurityGroupRuleId": "sgr-1", "SecurityGroupRule": rule.request()}
    parameters = {"GroupId": "sg-1", "SecurityGroupRules": [update]}
    assert "" == aws_calls.invalid("ec2", "modify_security_group_rules", parameters)
    found = Rule.described(described_rule(rule.request(), "sgr-1", "sg-1"))
    assert (rule, "sgr-1", "sg-1") == (found, found.id, found.group_id)


@given(RULES)
def test_rules_are_equal_by_what_they_admit(rule: Rule) -> None:
    """Ids, groups, tags and descriptions do not count, in comparison and in sets."""
    other = replace(rule, id="sgr-2", group_id="sg-2", description="other", tags={"Owner": "bob"})
    assert {rule} == {other}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Rule("6", 5432, 5432, "10.0.0.0/8"), Rule("tcp", 5432, 5432, "10.1.2.3/8")),
        (Rule("-1", 0, 65535, "::/0"), Rule("-1", -1, -1, "0:0::0/0")),
        (Rule("58", -1, -1, "sg-1"), Rule("ICMPv6", -1, -1, "sg-1")),
    ],
)
def test_spellings_of_the_same_rule_are_equal(one: Rule, other: Rule) -> None:
    """Protocol numbers, ports that do not count and host bits make no difference."""
    assert one == other


@pytest.mark.parametrize(
    ("source", "everybody"),
    [("0.0.0.0/0", True), ("::/0", True), ("203.0.113.0/24", False), ("10.0.0.0/10", False), ("sg-0", False)],
)
def test_open_to_everybody(source: str, everybody: bool) -> None:
    """Only all of IPv4 and all of IPv6 are everybody."""
    assert everybody is Rule("tcp", 5432, 5432, source).open_to_everybody


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (Rule("tcp", 5432, 5432, "203.0.113.7/32"), "tcp 5432 from 203.0.113.7/32"),
        (Rule("udp", 1, 99, "2001:DB8::7/128"), "udp 1-99 from 2001:db8::7/128"),
        (Rule("-1", 0, 0, "sg-0abc"), "all traffic from sg-0abc"),
        (Rule("icmp", -1, -1, "pl-0abc"), "icmp all from pl-0abc"),
    ],
)
def test_text(rule: Rule, text: str) -> None:
    """A rule reads as people say it."""
    assert text == str(rule)
