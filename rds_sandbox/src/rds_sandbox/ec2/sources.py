"""What a security group rule may say, in the form in which EC2 stores it: one table of the types of sources.

In goes what a request says; out comes its canonical form, or the error that EC2 answers. Sources: Amazon EC2
API Reference, data types IpPermission, IpRange, Ipv6Range, PrefixListId, UserIdGroupPair, SecurityGroupRule
and SecurityGroupRuleRequest, and "Error codes for the Amazon EC2 API".
"""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from moto.ec2.exceptions import (
    EC2ClientError,
    InvalidParameterCombination,
    InvalidParameterValue,
    InvalidSecurityGroupNotFoundError,
    MissingParameter,
)
from moto.ec2.models.security_groups import SecurityGroup
from moto.ec2.utils import is_valid_security_group_id

from rds_sandbox.tables import limits

PROTOCOL_NAMES = {"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6"}
_WORDING = limits("ec2")["rule_description"]
DESCRIPTION = re.compile(f"[a-zA-Z0-9{re.escape(_WORDING['symbols'])}]{{0,{_WORDING['characters']}}}")
NUMBER = re.compile(r"[0-9]{1,3}")
LAST_PORT = 65535

Source = Mapping[str, Any]  # an entry of IpRanges, Ipv6Ranges, PrefixListIds or UserIdGroupPairs
Family = type[IPv4Network] | type[IPv6Network]


@dataclass(frozen=True)
class SourceType:
    """A kind of source."""

    requested_as: str  # its name in a SecurityGroupRuleRequest
    listed_in: str  # the list in an IpPermission that holds such sources
    title: str  # its name in error messages
    canonical: Callable[[SecurityGroup, str], dict[str, Any]]  # what EC2 stores for a source that a rule of this group names


def canonical_protocol(text: str | None) -> str:
    """The name for the four protocols that have one, else the number; `-1` is every protocol, `all` is none."""
    if text is None:
        hint = "VPC security group rules must specify protocols explicitly."
        raise InvalidParameterValue(f"Invalid value 'null' for protocol. {hint}")
    name = PROTOCOL_NAMES.get(text, text.lower())
    if name == "-1" or name in PROTOCOL_NAMES.values() or (NUMBER.fullmatch(name) and int(name) <= 255):
        return name
    raise InvalidParameterValue(f"Invalid value '{text}' for IP protocol. Unknown protocol.")


def canonical_ports(protocol: str, first: int | None, last: int | None) -> tuple[int | None, int | None]:
    """Both ends of the port range (ICMP: type and code); None for a protocol that EC2 knows no ports of."""
    if protocol not in PROTOCOL_NAMES.values():
        return None, None
    if protocol == "icmpv6" and first is None and last is None:
        return -1, -1
    has_ports = protocol in ("tcp", "udp")
    if first is None or last is None:
        kind = "TCP/UDP" if has_ports else "ICMP"
        raise InvalidParameterValue(f"Invalid value for portRange. Must specify both from and to ports with {kind}.")
    for end, port in (("from", first), ("to", last)) if has_ports else ():
        if not 0 <= port <= LAST_PORT:
            raise InvalidParameterValue(f"TCP/UDP ({end}) port ({port}) out of range")
    if has_ports and first > last:
        raise InvalidParameterValue(f"Invalid TCP/UDP port range ({first}:{last})")
    return first, last


def canonical_cidr(text: str, family: Family) -> str:
    """The network with its host bits cleared, an IPv6 one in its short lower-case form."""
    with suppress(ValueError):
        address, _, prefix = text.partition("/")
        if NUMBER.fullmatch(prefix) and "%" not in address:  # ipaddress also takes no mask, a netmask, a zone
            return str(family(text, strict=False))
    raise InvalidParameterValue(f"CIDR block {text} is malformed")


def checked_description(text: str | None) -> str | None:
    """The description of a rule; None where it is empty."""
    if text and not DESCRIPTION.fullmatch(text):
        allowed = f"less than {_WORDING['characters'] + 1} characters from the following set: a-zA-Z0-9{_WORDING['symbols']}"
        raise InvalidParameterValue(f"Invalid rule description. Valid descriptions are strings {allowed}")
    return text or None


def find_group(ec2: Any, group_id: str | None, name: str | None = None) -> SecurityGroup:
    """The group of this id or, in the default VPC, of this name."""
    if not (group_id or name):
        raise MissingParameter("The request must contain the parameter groupName or groupId")
    if group_id and not is_valid_security_group_id(group_id):
        raise EC2ClientError("InvalidGroupId.Malformed", f'Invalid id: "{group_id}"')
    group: SecurityGroup | None = (
        ec2.get_security_group_from_id(group_id) if group_id else ec2.get_security_group_from_name(name, ec2.default_vpc.id)
    )
    if group is None:
        raise InvalidSecurityGroupNotFoundError(group_id or name)
    return group


def find_prefix_list(ec2: Any, identifier: str) -> Any:
    """The one of this id that is not deleted."""
    found = ec2.managed_prefix_lists.get(identifier)
    if found is None or found.state == "delete-complete":
        raise no_prefix_list(identifier)
    return found


def no_prefix_list(identifier: str) -> EC2ClientError:
    """That there is none of this id."""
    return EC2ClientError("InvalidPrefixListID.NotFound", f"The prefix list ID '{identifier}' does not exist")


def _network(key: str, family: Family, _: SecurityGroup, text: str) -> dict[str, Any]:
    return {key: canonical_cidr(text, family)}


def _prefix_list(group: SecurityGroup, identifier: str) -> dict[str, Any]:
    return {"PrefixListId": find_prefix_list(group.ec2_backend, identifier).id}


def _other_group(group: SecurityGroup, identifier: str) -> dict[str, Any]:
    """A group of the same VPC, or of an active peer of it."""
    ec2 = group.ec2_backend
    other = find_group(ec2, identifier)
    active = [peering for peering in ec2.vpc_pcxs.values() if peering._status.code == "active"]
    peers = [{peering.vpc.id, peering.peer_vpc.id} for peering in active]
    if other.vpc_id != group.vpc_id and {other.vpc_id, group.vpc_id} not in peers:
        raise EC2ClientError("InvalidGroup.NotFound", "You have specified two resources that belong to different networks.")
    return {"UserId": other.owner_id, "GroupId": other.id}


SOURCE_TYPES = {  # by the key of an entry
    "CidrIp": SourceType("CidrIpv4", "IpRanges", "IPv4 CIDR", partial(_network, "CidrIp", IPv4Network)),
    "CidrIpv6": SourceType("CidrIpv6", "Ipv6Ranges", "IPv6 CIDR", partial(_network, "CidrIpv6", IPv6Network)),
    "GroupId": SourceType("ReferencedGroupId", "UserIdGroupPairs", "referenced group", _other_group),
    "PrefixListId": SourceType("PrefixListId", "PrefixListIds", "prefix list", _prefix_list),
}


def sources_of(group: SecurityGroup, permission: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The sources of an IpPermission, as EC2 stores them for a rule of this group."""
    found = [_canonical(group, key, one) for key, kind in SOURCE_TYPES.items() for one in permission.get(kind.listed_in) or ()]
    if not found:
        raise _no_source()
    return found


def _canonical(group: SecurityGroup, key: str, entry: Source) -> dict[str, Any]:
    named = entry.get(key)
    if named is None and entry.get("GroupName"):
        named = find_group(group.ec2_backend, None, entry["GroupName"]).id
    if named is None:
        raise _no_source()
    description = checked_description(entry.get("Description"))
    return {**SOURCE_TYPES[key].canonical(group, named), **({"Description": description} if description else {})}


def _no_source() -> MissingParameter:
    return MissingParameter("Missing source specification: include source security group or CIDR information")


def permission_of(request: Mapping[str, Any]) -> dict[str, Any]:
    """The IpPermission that says what a SecurityGroupRuleRequest says, which has exactly one source."""
    given = {key: kind for key, kind in SOURCE_TYPES.items() if request.get(kind.requested_as) is not None}
    choices = "cidrIp, cidrIpv6, prefixListId, or referencedGroupId"
    if len(given) > 1:
        raise InvalidParameterCombination(f"Only one of {choices} can be specified")
    if not given:
        raise MissingParameter(f"The request must contain exactly one of: {choices}")
    [(key, kind)] = given.items()
    return {**request, kind.listed_in: [{key: request[kind.requested_as], "Description": request.get("Description")}]}
