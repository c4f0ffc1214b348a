"""Whether the security groups of an instance admit a TCP connection.

The decision is pure: rules as plain values, a caller, a port. One thin reader takes the rules from EC2 at the
moment of asking. Source: Amazon VPC User Guide, "Security group rules" and "Prefix lists".
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from moto.ec2.models import EC2Backend
from moto.ec2.models.security_groups import SecurityGroupRule

from rds_sandbox.callers import Caller

TCP = ("tcp", "6")
ANY_PROTOCOL = "-1"


@dataclass(frozen=True)
class Rule:
    """An ingress rule, its prefix list resolved to networks."""

    protocol: str  # name or number; `-1` is every protocol on every port
    from_port: int | None = None  # the first port admitted
    to_port: int | None = None  # the last port admitted
    networks: frozenset[IPv4Network | IPv6Network] = frozenset()  # the sources, by address
    security_groups: frozenset[str] = frozenset()  # the sources, by id of the security group of their network interface

    def covers(self, port: int) -> bool:
        """Whether TCP to this port is what the rule is about."""
        if self.protocol == ANY_PROTOCOL:
            return True
        if self.protocol not in TCP or self.from_port is None or self.to_port is None:
            return False
        return self.from_port <= port <= self.to_port

    def knows(self, caller: Caller) -> bool:
        """Whether the caller is one of the sources."""
        by_address = any(caller.address in network for network in self.networks)
        return by_address or not self.security_groups.isdisjoint(caller.security_groups)


def rules_admit(rules: Iterable[Rule], caller: Caller, port: int) -> bool:
    """Whether one rule at least admits the caller: rules only ever allow."""
    return any(rule.covers(port) and rule.knows(caller) for rule in rules)


def admits(group_ids: Sequence[str], caller: Caller, port: int, ec2: EC2Backend) -> bool:
    """Whether the security groups, as they are now, let the caller reach this TCP port."""
    return rules_admit(ingress_rules(group_ids, ec2), caller, port)


def ingress_rules(group_ids: Sequence[str], ec2: EC2Backend) -> Iterator[Rule]:
    """The ingress rules of these groups, read from EC2 now; a group that does not exist has none."""
    for group_id in group_ids:
        group = ec2.get_security_group_from_id(group_id)
        for rule in group.ingress_rules if group else ():
            yield _rule(rule, ec2)


def _rule(rule: SecurityGroupRule, ec2: EC2Backend) -> Rule:
    cidrs = [cidr for cidr in (rule.cidr_ipv4, rule.cidr_ipv6) if cidr]
    if rule.prefix_list_id:
        cidrs += [entry["Cidr"] for entry in _entries(rule.prefix_list_id, ec2)]
    group_id = rule.source_group.get("GroupId")
    return Rule(
        protocol=str(rule.ip_protocol),
        from_port=rule.from_port,
        to_port=rule.to_port,
        networks=frozenset(_networks(cidrs)),
        security_groups=frozenset([group_id] if group_id else []),
    )


def _entries(prefix_list_id: str, ec2: EC2Backend) -> Sequence[Mapping[str, str]]:
    """The entries of the newest version; AWS's own lists show no version number and have one."""
    prefix_list = ec2.managed_prefix_lists.get(prefix_list_id)
    if prefix_list is None or prefix_list.state == "delete-complete" or not prefix_list.entries:
        return ()
    return prefix_list.entries[max(prefix_list.entries)]


def _networks(cidrs: Iterable[str]) -> Iterator[IPv4Network | IPv6Network]:
    """The networks written so; moto lets a prefix list hold text that is none, which matches nobody."""
    for cidr in cidrs:
        with suppress(ValueError):
            yield ip_network(cidr, strict=False)
