"""A security-group rule as an immutable value, in each of the three forms that EC2 uses; and where there are some."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cruddur_ops import aws, tags
from cruddur_ops.calls import Call
from cruddur_ops.target import Target

# IANA's numbers of the protocols that EC2 gives back by name (EC2 API Reference, IpPermission).
PROTOCOLS = {"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6"}
ALL = -1
# How a source is called in SecurityGroupRuleRequest: its list and its member in IpPermission.
PERMISSION = {
    "CidrIpv4": ("IpRanges", "CidrIp"),
    "CidrIpv6": ("Ipv6Ranges", "CidrIpv6"),
    "PrefixListId": ("PrefixListIds", "PrefixListId"),
    "ReferencedGroupId": ("UserIdGroupPairs", "GroupId"),
}


@dataclass(frozen=True)
class Rule:
    """An inbound rule. Two rules are equal if they admit the same, whatever else differs."""

    protocol: str  # "tcp", "udp", "icmp", "icmpv6", another protocol's number, or "-1" for all
    from_port: int  # or ICMP type; -1 for all
    to_port: int  # or ICMP code; -1 for all
    source: str  # an IPv4 or IPv6 CIDR block, or the id of a prefix list or of a security group
    description: str = field(default="", compare=False)
    tags: Mapping[str, str] = field(default_factory=dict, compare=False)
    id: str = field(default="", compare=False)  # EC2's, empty for a rule that is not there yet
    group_id: str = field(default="", compare=False)  # of the security group that holds it, empty likewise
    outbound: bool = field(default=False, compare=False)  # for connections to what is then no source

    def __post_init__(self) -> None:
        """Bring protocol, ports and CIDR block into the one form in which EC2 keeps them."""
        protocol = PROTOCOLS.get(self.protocol, self.protocol.lower())
        object.__setattr__(self, "protocol", protocol)
        if protocol not in PROTOCOLS.values():
            object.__setattr__(self, "from_port", ALL)
            object.__setattr__(self, "to_port", ALL)
        if "/" in self.source:
            object.__setattr__(self, "source", str(ipaddress.ip_network(self.source, strict=False)))

    @classmethod
    def described(cls, item: Mapping[str, Any]) -> Rule:
        """From an item of DescribeSecurityGroupRules."""
        group = item.get("ReferencedGroupInfo", {}).get("GroupId")
        source = item.get("CidrIpv4") or item.get("CidrIpv6") or item.get("PrefixListId") or group
        return cls(
            protocol=item["IpProtocol"],
            from_port=item.get("FromPort", ALL),
            to_port=item.get("ToPort", ALL),
            source=str(source),
            description=item.get("Description", ""),
            tags=tags.as_mapping(item.get("Tags", [])),
            id=item["SecurityGroupRuleId"],
            group_id=item["GroupId"],
            outbound=item["IsEgress"],
        )

    @property
    def source_type(self) -> str:
        """What SecurityGroupRuleRequest calls this source."""
        if self.source.startswith("pl-"):
            return "PrefixListId"
        if self.source.startswith("sg-"):
            return "ReferencedGroupId"
        return "CidrIpv6" if ":" in self.source else "CidrIpv4"

    @property
    def open_to_everybody(self) -> bool:
        """Whether the source is all of IPv4 or all of IPv6."""
        return self.source.endswith("/0")

    def covers(self, port: int) -> bool:
        """Whether TCP to this port is what the rule is about."""
        return self.protocol == "-1" or (self.protocol == "tcp" and self.from_port <= port <= self.to_port)

    def knows(self, address: ipaddress.IPv4Address | ipaddress.IPv6Address, lists: Mapping[str, Iterable[str]]) -> bool:
        """Whether the address is its source, or in its prefix list; a security group's members come from within the VPC."""
        blocks = [self.source] if "/" in self.source else lists.get(self.source, [])
        return any(address in ipaddress.ip_network(block) for block in blocks)

    def permission(self) -> dict[str, Any]:
        """As an IpPermission, for AuthorizeSecurityGroupIngress."""
        sources, member = PERMISSION[self.source_type]
        return {**self._traffic(), sources: [{member: self.source, **self._description()}]}

    def request(self) -> dict[str, Any]:
        """As a SecurityGroupRuleRequest, for ModifySecurityGroupRules."""
        return {**self._traffic(), self.source_type: self.source, **self._description()}

    def authorization(self, group_id: str) -> Call:
        """The call that makes the rule in a group."""
        labels = [{"ResourceType": "security-group-rule", "Tags": tags.as_list(self.tags)}]
        parameters = {"GroupId": group_id, "IpPermissions": [self.permission()], "TagSpecifications": labels}
        # A group that was just made is not known everywhere yet (EC2 API Reference, "Eventual consistency").
        return Call("ec2", "authorize_security_group_ingress", parameters, retry_code="InvalidGroup.NotFound", retry_seconds=60)

    def revocation(self) -> Call:
        """The call that takes the rule away."""
        parameters = {"GroupId": self.group_id, "SecurityGroupRuleIds": [self.id]}
        if self.outbound:
            return Call("ec2", "revoke_security_group_egress", parameters)
        return Call("ec2", "revoke_security_group_ingress", parameters)

    def _traffic(self) -> dict[str, Any]:
        return {"IpProtocol": self.protocol, "FromPort": self.from_port, "ToPort": self.to_port}

    def _description(self) -> dict[str, str]:
        # An empty one is left out: EC2 takes it for a description.
        return {"Description": self.description} if self.description else {}

    def __str__(self) -> str:
        """Such as "tcp 5432 from 203.0.113.7/32"."""
        if self.protocol == "-1":
            return f"all traffic from {self.source}"
        ports = f"{self.from_port}" if self.from_port == self.to_port else f"{self.from_port}-{self.to_port}"
        return f"{self.protocol} {'all' if ports == '-1' else ports} from {self.source}"


def made_for(target: Target) -> dict[str, list[str]]:
    """The filters for what is this target's, see `tags.ours`."""
    return {"tag:ManagedBy": [tags.MANAGED_BY], f"tag:{tags.INSTANCE}": [target.db_instance_identifier]}


def rules_of(target: Target, filters: Mapping[str, Iterable[str]], *, outbound: bool = False) -> list[Rule]:
    """The inbound rules that pass all filters, such as {"group-id": ["sg-…"]} or `made_for`, by id; outbound ones where asked."""
    found = aws.pages(target, "ec2", "describe_security_group_rules", Filters=aws.as_filters(filters))
    return sorted((Rule.described(item) for item in found if outbound or not item["IsEgress"]), key=lambda rule: rule.id)
