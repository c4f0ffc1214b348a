"""Security group rules and groups as EC2 stores them, in place of moto's."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import moto.ec2.models.security_groups as moto_models
from moto.core.utils import aws_api_matches
from moto.ec2.exceptions import EC2ClientError, RulesPerSecurityGroupLimitExceededError
from moto.ec2.models.security_groups import SecurityGroup, SecurityGroupRule

from rds_sandbox.ec2.sources import SOURCE_TYPES, canonical_ports, canonical_protocol, sources_of
from rds_sandbox.patches import replaces
from rds_sandbox.tables import limits

RULES_PER_GROUP = limits("ec2")["rules_per_group"]
INGRESS, EGRESS = "ingress_rules", "egress_rules"  # the attributes of a group


@replaces(moto_models, "SecurityGroupRule")
class SandboxRule(SecurityGroupRule):
    """A rule as EC2 stores it: described whatever its source, equal to one that admits the same."""

    __module__ = SecurityGroupRule.__module__  # moto files its models by the second part of this name

    def __init__(
        self, ec2_backend: Any, ip_protocol: str, group_id: str, from_port: int | None, to_port: int | None,
        *sources: dict[str, Any] | None, **more: Any,
    ) -> None:  # fmt: skip
        """Take what moto's takes, one source of the three being there."""
        super().__init__(ec2_backend, "-1", group_id, None, None, None, **more)
        self.source = next(filter(None, sources))  # its entry in IpRanges, Ipv6Ranges, PrefixListIds or UserIdGroupPairs
        self.source_key = next(key for key in SOURCE_TYPES if key in self.source)
        self.ip_range = self.source if self.source_key in ("CidrIp", "CidrIpv6") else {}
        self.source_group = self.source if self.source_key == "GroupId" else {}
        self.prefix_list_id = self.source.get("PrefixListId")
        self.ip_protocol, self.from_port, self.to_port = ip_protocol, from_port, to_port

    @property
    def description(self) -> str | None:
        """Of any rule, where moto looks at CIDR rules only."""
        return self.source.get("Description")

    @property
    def terms(self) -> tuple[object, ...]:
        """What no two rules of a group may share."""
        return self.is_egress, self.ip_protocol, self.from_port, self.to_port, self.source_key, self.source[self.source_key]

    def __eq__(self, other: object) -> bool:
        """Whether it admits the same, whatever the ids and descriptions."""
        return isinstance(other, SandboxRule) and self.terms == other.terms

    def __hash__(self) -> int:
        return hash(self.terms)

    def __str__(self) -> str:
        """The rule as EC2's error messages show it."""
        protocol = "ALL" if self.ip_protocol == "-1" else str(self.ip_protocol).upper()
        ports = "" if self.from_port is None else f" from port: {self.from_port}, to port: {self.to_port},"
        return f"peer: {self.source[self.source_key]}, {protocol},{ports} ALLOW"

    def described(self) -> dict[str, Any]:
        """The rule in the shape of SecurityGroupRule, with what RevokedSecurityGroupRule adds."""
        group = {key: value for key, value in self.source_group.items() if key in ("GroupId", "UserId")}
        place = f"{self.ec2_backend.partition}:ec2:{self.ec2_backend.region_name}:{self.owner_id}"
        return {
            "SecurityGroupRuleId": self.id,
            "SecurityGroupRuleArn": f"arn:{place}:security-group-rule/{self.id}",
            "GroupId": self.group_id,
            "GroupOwnerId": self.owner_id,
            "IsEgress": self.is_egress,
            "IpProtocol": self.ip_protocol,
            "FromPort": -1 if self.from_port is None else self.from_port,
            "ToPort": -1 if self.to_port is None else self.to_port,
            "CidrIpv4": self.cidr_ipv4,
            "CidrIpv6": self.cidr_ipv6,
            "PrefixListId": self.prefix_list_id,
            "ReferencedGroupInfo": group or None,
            "ReferencedGroupId": group.get("GroupId"),
            "Description": self.description,
            "Tags": self.tag_set,
        }


@replaces(moto_models, "SecurityGroup")
class SandboxSecurityGroup(SecurityGroup):
    """A group whose default one lets its own members in; described and filtered by rules of any source."""

    __module__ = SecurityGroup.__module__

    def __init__(self, *arguments: Any, **parameters: Any) -> None:
        super().__init__(*arguments, **parameters)
        if self.is_default:
            members = {"UserId": self.owner_id, "GroupId": self.id}
            rule = SandboxRule(self.ec2_backend, "-1", self.id, None, None, members, is_egress=False)
            self.ingress_rules = [rule]
        for prefix, side in (("", INGRESS), ("egress.", EGRESS)):
            self.filters[f"{prefix}ip-permission.ipv6-cidr"] = partial(self._any_rule, side, "cidr_ipv6")
            self.filters[f"{prefix}ip-permission.prefix-list-id"] = partial(self._any_rule, side, "prefix_list_id")

    def _any_rule(self, side: str, field: str, values: list[str]) -> bool:
        found = [getattr(rule, field) for rule in getattr(self, side)]
        return any(aws_api_matches(value, each) for value in values for each in found if each)

    def _flattened_rules(self, rules: Any) -> Any:
        return permissions_of(rules)


def permissions_of(rules: Iterable[SandboxRule]) -> list[dict[str, Any]]:
    """Rules in the shape of IpPermissions: those of one protocol and port range stand together."""
    permissions: dict[tuple[object, ...], dict[str, Any]] = {}
    for rule in rules:
        ports = {"IpProtocol": rule.ip_protocol, "FromPort": rule.from_port, "ToPort": rule.to_port}
        no_sources: dict[str, Any] = {kind.listed_in: [] for kind in SOURCE_TYPES.values()}
        permission = permissions.setdefault(tuple(ports.values()), ports | no_sources)
        permission[SOURCE_TYPES[rule.source_key].listed_in].append(rule.source)
    return list(permissions.values())


def rules_for(group: SecurityGroup, permissions: Iterable[Mapping[str, Any]], side: str) -> list[SandboxRule]:
    """The rules that these IpPermissions stand for, one per source, or the error of what EC2 would not store."""
    rules = []
    for permission in permissions:
        sources = sources_of(group, permission)
        protocol = canonical_protocol(permission.get("IpProtocol"))
        ports = canonical_ports(protocol, permission.get("FromPort"), permission.get("ToPort"))
        egress = side == EGRESS
        rules += [SandboxRule(group.ec2_backend, protocol, group.id, *ports, source, is_egress=egress) for source in sources]
    return rules


def check_rules(rules: Sequence[SandboxRule]) -> None:
    """Whether one direction of a group can hold these rules: no two alike, and not too many."""
    seen: set[SandboxRule] = set()
    for rule in rules:
        if rule in seen:
            raise EC2ClientError("InvalidPermission.Duplicate", f'the specified rule "{rule}" already exists')
        seen.add(rule)
    for family in ("CidrIp", "CidrIpv6"):  # a rule by group or prefix list counts in both families
        if sum(family in rule.source or not rule.ip_range for rule in rules) > RULES_PER_GROUP:
            raise RulesPerSecurityGroupLimitExceededError
