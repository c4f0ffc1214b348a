"""A caller is admitted by one rule that covers the port and knows the caller; rules only ever allow."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.ec2.models import EC2Backend

from rds_sandbox.callers import Caller
from rds_sandbox.ec2.access import Rule, admits, rules_admit

GROUPS = [f"sg-{number:017x}" for number in range(4)]
PORT: Any = 5432  # moto says that it wants text
PORTS = st.integers(0, 65535)
ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))
CALLERS = st.builds(Caller, ADDRESSES, st.frozensets(st.sampled_from(GROUPS)))


@st.composite
def networks(draw: st.DrawFn) -> IPv4Network | IPv6Network:
    """Networks of both families and of every size."""
    address = draw(ADDRESSES)
    length = draw(st.integers(0, address.max_prefixlen))
    return ip_network(f"{address}/{length}", strict=False)


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    """Rules of every protocol and source."""
    protocol = draw(st.sampled_from(["tcp", "6", "udp", "icmp", "50", "-1"]))
    first, last = sorted((draw(PORTS), draw(PORTS)))
    sources, groups = draw(st.frozensets(networks(), max_size=3)), draw(st.frozensets(st.sampled_from(GROUPS)))
    if protocol in ("-1", "50"):
        return Rule(protocol, networks=sources, security_groups=groups)
    return Rule(protocol, first, last, sources, groups)


@given(networks(), ADDRESSES)
def test_addresses_as_ipaddress_sees_them(network: IPv4Network | IPv6Network, address: Any) -> None:
    """A network admits its addresses and no other, those of the other family least of all."""
    rule = Rule("tcp", PORT, PORT, frozenset([network]))
    assert (address in network) == rules_admit([rule], Caller(address), 5432)


@given(networks(), st.data())
def test_every_address_of_a_network(network: IPv4Network | IPv6Network, data: st.DataObject) -> None:
    """From the first to the last."""
    number = data.draw(st.integers(int(network.network_address), int(network.broadcast_address)))
    caller = Caller(type(network.network_address)(number))
    assert rules_admit([Rule("-1", networks=frozenset([network]))], caller, 5432)


@given(PORTS, PORTS, PORTS, st.sampled_from(["tcp", "6"]))
def test_ports_of_a_range(first: int, last: int, port: int, protocol: str) -> None:
    """Both ends included; a range that is upside down has no ports."""
    rule = Rule(protocol, first, last, frozenset([ip_network("0.0.0.0/0")]))
    assert (port in range(first, last + 1)) == rules_admit([rule], Caller(ip_address("192.0.2.1")), port)


@given(PORTS)
def test_all_protocols_are_all_ports(port: int) -> None:
    """`-1` needs no range."""
    rule = Rule("-1", networks=frozenset([ip_network("::/0")]))
    assert rules_admit([rule], Caller(ip_address("2001:db8::1")), port)


@given(st.sampled_from(["udp", "17", "icmp", "icmpv6", "50"]), PORTS)
def test_other_protocols_are_not_tcp(protocol: str, port: int) -> None:
    """A rule for UDP says nothing of TCP."""
    rule = Rule(protocol, 0, 65535, frozenset([ip_network("0.0.0.0/0")]))
    assert not rules_admit([rule], Caller(ip_address("192.0.2.1")), port)


@given(st.frozensets(st.sampled_from(GROUPS)), st.frozensets(st.sampled_from(GROUPS)))
def test_groups_in_common(referenced: frozenset[str], own: frozenset[str]) -> None:
    """A reference admits the members of the group, wherever they are; the internet is a member of none."""
    rule = Rule("tcp", PORT, PORT, security_groups=referenced)
    caller = Caller(ip_address("10.0.0.1"), own, inside_vpc=True)
    assert bool(referenced & own) == rules_admit([rule], caller, 5432)


@given(st.lists(rules(), max_size=4), CALLERS, PORTS, st.randoms())
def test_order_does_not_matter(some: list[Rule], caller: Caller, port: int, random: Any) -> None:
    """Security groups have no order and no deny."""
    shuffled = random.sample(some, len(some))
    assert rules_admit(some, caller, port) == rules_admit(shuffled, caller, port)


@given(st.lists(rules(), min_size=1, max_size=4), CALLERS, PORTS, st.data())
def test_fewer_rules_admit_no_more(some: list[Rule], caller: Caller, port: int, data: st.DataObject) -> None:
    """Who gets in without a rule got in with it."""
    index = data.draw(st.integers(0, len(some) - 1))
    fewer = some[:index] + some[index + 1 :]
    assert rules_admit(fewer, caller, port) <= rules_admit(some, caller, port)


@given(CALLERS, PORTS)
def test_no_rule_admits_nobody(caller: Caller, port: int) -> None:
    """A new group keeps everybody out."""
    assert not rules_admit([], caller, port)


@pytest.fixture(scope="module")
def ec2() -> EC2Backend:
    """The EC2 of moto, in this process."""
    return EC2Backend("ca-central-1", "123456789012")


class Group:
    """A security group with the means to change it."""

    def __init__(self, ec2: EC2Backend, name: str) -> None:
        """Create it in the default VPC."""
        self.ec2 = ec2
        self.id = ec2.create_security_group(name, "for a test").id

    def allow(self, **sources: Any) -> None:
        """Add rules for TCP 5432: `ip_ranges`, `source_groups`, `prefix_list_ids`."""
        self.ec2.authorize_security_group_ingress(self.id, "tcp", PORT, PORT, **({"ip_ranges": []} | sources))

    def admits(self, address: str, *groups: str) -> bool:
        """Whether a caller gets through to port 5432."""
        return admits([self.id], Caller(ip_address(address), frozenset(groups)), 5432, self.ec2)


@pytest.fixture
def group(ec2: EC2Backend, request: pytest.FixtureRequest) -> Group:
    """A security group of the test's own, without ingress rules."""
    return Group(ec2, request.node.name)


def test_read_cidr_rules(group: Group) -> None:
    """IPv4 and IPv6, each its own; a rule that is revoked no longer admits."""
    ranges = [{"CidrIp": "203.0.113.0/24"}, {"CidrIpv6": "2001:db8::/32"}]
    group.allow(ip_ranges=ranges)
    assert group.admits("203.0.113.7")
    assert group.admits("2001:db8::7")
    assert not group.admits("198.51.100.7")
    group.ec2.revoke_security_group_ingress(group.id, "tcp", PORT, PORT, ranges[:1])
    assert not group.admits("203.0.113.7")


def test_read_group_rules(group: Group) -> None:
    """By the groups of the caller, not by its address."""
    group.allow(source_groups=[{"GroupId": group.id}])
    assert group.admits("10.0.0.1", "sg-0123456789abcdef0", group.id)
    assert not group.admits("10.0.0.1", "sg-0123456789abcdef0")


def test_read_prefix_lists(group: Group) -> None:
    """The newest version of the list is what counts, and a list that is gone counts for nothing."""
    made = group.ec2.create_managed_prefix_list("IPv4", [{"Cidr": "203.0.113.0/24"}], "5", "operators")
    group.allow(prefix_list_ids=[{"PrefixListId": made.id}])
    assert group.admits("203.0.113.7")
    removed, added = [{"Cidr": "203.0.113.0/24"}], [{"Cidr": "198.51.100.0/24"}]
    group.ec2.modify_managed_prefix_list(added, removed, made.id)
    assert not group.admits("203.0.113.7")
    assert group.admits("198.51.100.7")
    group.ec2.delete_managed_prefix_list(made.id)
    assert not group.admits("198.51.100.7")


def test_read_prefix_lists_of_aws(group: Group) -> None:
    """They show no version, and have entries."""
    lists = group.ec2.managed_prefix_lists.values()
    [made] = [each for each in lists if each.prefix_list_name == "com.amazonaws.ca-central-1.dynamodb"]
    group.allow(prefix_list_ids=[{"PrefixListId": made.id}])
    assert group.admits("52.94.0.1")


def test_read_malformed_entry(group: Group) -> None:
    """Text that is no network matches nobody, and hides no other entry."""
    entries = [{"Cidr": "somewhere"}, {"Cidr": "203.0.113.0/24"}]
    made = group.ec2.create_managed_prefix_list("IPv4", entries, "5", "mistyped")
    group.allow(prefix_list_ids=[{"PrefixListId": made.id}])
    assert group.admits("203.0.113.7")


def test_read_no_egress_rules(group: Group) -> None:
    """The egress rule that every group has lets nobody in."""
    assert not group.admits("203.0.113.7")


def test_read_several_groups(ec2: EC2Backend, group: Group) -> None:
    """One group that admits is enough, and one that is not there does no harm."""
    group.allow(ip_ranges=[{"CidrIp": "203.0.113.0/24"}])
    others = ["sg-0123456789abcdef0", Group(ec2, "another").id]
    caller = Caller(ip_address("203.0.113.7"))
    assert admits([*others, group.id], caller, 5432, ec2)
    assert not admits(others, caller, 5432, ec2)
