"""Security group rules as EC2 stores them, from IpPermissions and back to the shapes of its answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from moto.ec2.exceptions import (
    EC2ClientError,
    InvalidSecurityGroupNotFoundError,
    MissingParameter,
    RulesPerSecurityGroupLimitExceededError,
)
from moto.ec2.models import EC2Backend
from moto.ec2.models.security_groups import SecurityGroup, SecurityGroupRule
from moto.ec2.utils import is_valid_security_group_id

from rds_sandbox.network_sources import (
    SOURCE_TYPES,
    canonical_ports,
    canonical_protocol,
    canonical_source,
)

Permissions = Iterable[Mapping[str, Any]]  # the IpPermissions of a request

RULES_PER_GROUP = 60  # Amazon VPC User Guide, "Amazon VPC quotas": each direction, IPv4 and IPv6 apart


class SandboxRule(SecurityGroupRule):
    """A rule as EC2 stores it: canonical, described whatever its source, equal to one that admits the same.

    Attributes:
        source: its entry in IpRanges, Ipv6Ranges, PrefixListIds or UserIdGroupPairs.
    """

    __module__ = SecurityGroupRule.__module__  # moto files its models by the second part of this name

    def __init__(
        self,
        ec2_backend: EC2Backend,
        ip_protocol: str,
        group_id: str,
        from_port: int | None,
        to_port: int | None,
        ip_range: dict[str, str] | None,
        source_group: dict[str, str] | None = None,
        prefix_list_id: dict[str, str] | None = None,
        is_egress: bool = True,
        tags: dict[str, str] | None = None,
    ) -> None:
        """Take what moto's takes, one source of the three; raise EC2's error where it would not store it."""
        super().__init__(ec2_backend, "-1", group_id, None, None, None, None, prefix_list_id, is_egress, tags)
        self.source = canonical_source(ip_range or source_group or prefix_list_id or {})
        self.ip_range = self.source if ip_range else {}
        self.source_group = self.source if source_group else {}
        self.ip_protocol = canonical_protocol(ip_protocol)
        self.from_port, self.to_port = canonical_ports(self.ip_protocol, from_port, to_port)

    @property
    def description(self) -> str | None:
        """Of any rule, where moto looks at CIDR rules only."""
        return self.source.get("Description")

    @property
    def source_key(self) -> str:
        """Which of SOURCE_TYPES the source is."""
        return next(key for key in SOURCE_TYPES if key in self.source)

    @property
    def terms(self) -> tuple[object, ...]:
        """What no two rules of a group may share."""
        source = self.source[self.source_key]
        return self.is_egress, self.ip_protocol, self.from_port, self.to_port, self.source_key, source

    def __eq__(self, other: object) -> bool:
        """Whether it admits the same, whatever the ids and descriptions."""
        return isinstance(other, SandboxRule) and self.terms == other.terms

    def __hash__(self) -> int:
        """Follow equality."""
        return hash(self.terms)

    def __str__(self) -> str:
        """The rule as EC2's error messages show it."""
        protocol = "ALL" if self.ip_protocol == "-1" else str(self.ip_protocol).upper()
        ports = "" if self.from_port is None else f" from port: {self.from_port}, to port: {self.to_port},"
        return f"peer: {self.source[self.source_key]}, {protocol},{ports} ALLOW"

    def described(self) -> dict[str, Any]:
        """The rule in the shape of SecurityGroupRule, with what RevokedSecurityGroupRule adds."""
        group = {key: value for key, value in self.source.items() if key in ("GroupId", "UserId")}
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


def permissions_of(rules: Iterable[SandboxRule]) -> list[dict[str, Any]]:
    """Rules in the shape of IpPermissions: those of one protocol and port range stand together."""
    permissions: dict[tuple[object, ...], dict[str, Any]] = {}
    for rule in rules:
        ports = {"IpProtocol": rule.ip_protocol, "FromPort": rule.from_port, "ToPort": rule.to_port}
        no_sources: dict[str, Any] = {kind.listed_in: [] for kind in SOURCE_TYPES.values()}
        permission = permissions.setdefault(tuple(ports.values()), ports | no_sources)
        permission[SOURCE_TYPES[rule.source_key].listed_in].append(rule.source)
    return list(permissions.values())


def check_rules(rules: Sequence[SandboxRule]) -> None:
    """Whether one direction of a group can hold these rules.

    Raises:
        EC2ClientError: InvalidPermission.Duplicate or RulesPerSecurityGroupLimitExceeded.
    """
    seen: set[SandboxRule] = set()
    for rule in rules:
        if rule in seen:
            raise EC2ClientError("InvalidPermission.Duplicate", f'the specified rule "{rule}" already exists')
        seen.add(rule)
    for family in ("CidrIp", "CidrIpv6"):  # a rule by group or prefix list counts in both families
        if sum(family in rule.source or not rule.ip_range for rule in rules) > RULES_PER_GROUP:
            raise RulesPerSecurityGroupLimitExceededError


def find_group(ec2: EC2Backend, group_id: str | None, name: str | None = None) -> SecurityGroup:
    """The group of this id or, in the default VPC, of this name.

    Raises:
        EC2ClientError: InvalidGroup.NotFound, InvalidGroupId.Malformed or MissingParameter.
    """
    if not (group_id or name):
        raise MissingParameter("The request must contain the parameter groupName or groupId")
    if group_id and not is_valid_security_group_id(group_id):
        raise EC2ClientError("InvalidGroupId.Malformed", f'Invalid id: "{group_id}"')
    if group_id:
        group = ec2.get_security_group_from_id(group_id)
    else:
        group = ec2.get_security_group_from_name(str(name), ec2.default_vpc.id)
    if group is None:
        raise InvalidSecurityGroupNotFoundError(group_id or name)
    return group


def stored(group: SecurityGroup, *, is_egress: bool) -> list[SandboxRule]:
    """The rules of one direction."""
    return cast(list[SandboxRule], group.egress_rules if is_egress else group.ingress_rules)


def store(group: SecurityGroup, rules: Sequence[SandboxRule], *, is_egress: bool) -> None:
    """Replace the rules of one direction, in one assignment for the sake of readers in other threads."""
    setattr(group, "egress_rules" if is_egress else "ingress_rules", list(rules))


def rules_for(ec2: EC2Backend, group: SecurityGroup, permissions: Permissions, *, is_egress: bool) -> list[SandboxRule]:
    """The rules that these IpPermissions stand for, one per source.

    Raises:
        EC2ClientError: what EC2 answers to a permission that it would not store.
    """
    return [rule for permission in permissions for rule in _rules_of(ec2, group, permission, is_egress)]


def _rules_of(ec2: EC2Backend, group: SecurityGroup, permission: Mapping[str, Any], is_egress: bool) -> Iterable[SandboxRule]:
    ranges = [*permission.get("IpRanges", ()), *permission.get("Ipv6Ranges", ())]
    pairs = [_referenced(ec2, group, pair) for pair in permission.get("UserIdGroupPairs", ())]
    lists = [_listed(ec2, entry) for entry in permission.get("PrefixListIds", ())]
    if not (ranges or pairs or lists):
        ranges = [{}]  # for the rule to refuse
    terms: list[Any] = [permission.get(key) for key in ("IpProtocol", "FromPort", "ToPort")]
    protocol, first, last = terms
    rules = ec2._iterate_security_rules(protocol, group.id, first, last, ranges, pairs, lists, is_egress)
    return cast(Iterable[SandboxRule], rules)


def _referenced(ec2: EC2Backend, group: SecurityGroup, pair: Mapping[str, str]) -> dict[str, str]:
    """The pair by id and owner, its group being in the same VPC or in an active peer of it."""
    other = find_group(ec2, pair.get("GroupId"), pair.get("GroupName"))
    active = [peering for peering in ec2.vpc_pcxs.values() if peering._status.code == "active"]
    peers = [{peering.vpc.id, peering.peer_vpc.id} for peering in active]
    if other.vpc_id != group.vpc_id and {other.vpc_id, group.vpc_id} not in peers:
        message = "You have specified two resources that belong to different networks."
        raise EC2ClientError("InvalidGroup.NotFound", message)
    return {"UserId": other.owner_id, **pair, "GroupId": other.id}


def _listed(ec2: EC2Backend, entry: dict[str, str]) -> dict[str, str]:
    """The entry, its prefix list being there."""
    prefix_list = ec2.managed_prefix_lists.get(entry.get("PrefixListId", ""))
    if prefix_list is None or prefix_list.state == "delete-complete":
        message = f"The prefix list ID '{entry.get('PrefixListId')}' does not exist"
        raise EC2ClientError("InvalidPrefixListID.NotFound", message)
    return entry
