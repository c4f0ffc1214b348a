"""What a security group rule may say, in the form in which EC2 stores it.

In goes what a request says; out comes its canonical form, or the error that EC2 answers. Sources: Amazon EC2
API Reference, data types IpPermission, IpRange, Ipv6Range, PrefixListId, UserIdGroupPair, SecurityGroupRule
and SecurityGroupRuleRequest, and "Error codes for the Amazon EC2 API".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from moto.ec2.exceptions import InvalidParameterCombination, InvalidParameterValue, MissingParameter

PROTOCOL_NAMES = {"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6"}
DESCRIPTION = re.compile(r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{0,255}")
NUMBER = re.compile(r"[0-9]{1,3}")
LAST_PORT = 65535
FAMILIES: dict[str, type[IPv4Network] | type[IPv6Network]] = {"CidrIp": IPv4Network, "CidrIpv6": IPv6Network}


@dataclass(frozen=True)
class SourceType:
    """A kind of source.

    Attributes:
        requested_as: its name in a SecurityGroupRuleRequest.
        listed_in: the list in an IpPermission that holds such sources.
        title: its name in error messages.
    """

    requested_as: str
    listed_in: str
    title: str


SOURCE_TYPES = {
    "CidrIp": SourceType("CidrIpv4", "IpRanges", "IPv4 CIDR"),
    "CidrIpv6": SourceType("CidrIpv6", "Ipv6Ranges", "IPv6 CIDR"),
    "PrefixListId": SourceType("PrefixListId", "PrefixListIds", "prefix list"),
    "GroupId": SourceType("ReferencedGroupId", "UserIdGroupPairs", "referenced group"),
}


def canonical_protocol(text: str | None) -> str:
    """The name for the four protocols that have one, else the number; `-1` is every protocol.

    Raises:
        InvalidParameterValue: none given, or unknown (`all` is a word of the command line, not of the API).
    """
    if text is None:
        hint = "VPC security group rules must specify protocols explicitly."
        raise InvalidParameterValue(f"Invalid value 'null' for protocol. {hint}")
    name = PROTOCOL_NAMES.get(text, text.lower())
    if name == "-1" or name in PROTOCOL_NAMES.values() or (NUMBER.fullmatch(name) and int(name) <= 255):
        return name
    raise InvalidParameterValue(f"Invalid value '{text}' for IP protocol. Unknown protocol.")


def canonical_ports(protocol: str, first: int | None, last: int | None) -> tuple[int | None, int | None]:
    """Both ends of the port range (ICMP: type and code); None for a protocol that EC2 knows no ports of.

    Raises:
        InvalidParameterValue: one end is missing, out of range, or the range is upside down.
    """
    if protocol not in PROTOCOL_NAMES.values():
        return None, None
    if protocol == "icmpv6" and first is None and last is None:
        return -1, -1
    has_ports = protocol in ("tcp", "udp")
    if first is None or last is None:
        kind = "TCP/UDP" if has_ports else "ICMP"
        hint = f"Must specify both from and to ports with {kind}."
        raise InvalidParameterValue(f"Invalid value for portRange. {hint}")
    if has_ports:
        _check_port_range(int(first), int(last))
    return int(first), int(last)


def _check_port_range(first: int, last: int) -> None:
    for end, port in (("from", first), ("to", last)):
        if not 0 <= port <= LAST_PORT:
            raise InvalidParameterValue(f"TCP/UDP ({end}) port ({port}) out of range")
    if first > last:
        raise InvalidParameterValue(f"Invalid TCP/UDP port range ({first}:{last})")


def canonical_cidr(text: str, family: type[IPv4Network] | type[IPv6Network]) -> str:
    """The network with its host bits cleared, an IPv6 one in its short lower-case form.

    Raises:
        InvalidParameterValue: not address, slash and prefix length in this family.
    """
    with suppress(ValueError):
        address, _, prefix = text.partition("/")
        if NUMBER.fullmatch(prefix) and "%" not in address:  # ipaddress also takes no mask, a netmask, a zone
            return str(family(text, strict=False))
    raise InvalidParameterValue(f"CIDR block {text} is malformed")


def checked_description(text: str | None) -> str | None:
    """The description of a rule; None where it is empty.

    Raises:
        InvalidParameterValue: longer than 255 characters, or with one that EC2 does not allow.
    """
    if text and not DESCRIPTION.fullmatch(text):
        allowed = "strings less than 256 characters from the following set: a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*"
        raise InvalidParameterValue(f"Invalid rule description. Valid descriptions are {allowed}")
    return text or None


def canonical_source(source: Mapping[str, Any]) -> dict[str, Any]:
    """An entry of IpRanges, Ipv6Ranges, PrefixListIds or UserIdGroupPairs, as EC2 gives it back.

    Raises:
        InvalidParameterValue: malformed CIDR block or description.
        MissingParameter: no source in it.
    """
    stored = {key: canonical_cidr(source[key], family) for key, family in FAMILIES.items() if key in source}
    stored |= {key: source[key] for key in ("PrefixListId", "GroupId", "UserId") if key in source}
    if not stored:
        message = "Missing source specification: include source security group or CIDR information"
        raise MissingParameter(message)
    description = checked_description(source.get("Description"))
    return stored | ({"Description": description} if description else {})


def permission_of(request: Mapping[str, Any]) -> dict[str, Any]:
    """The IpPermission that says what a SecurityGroupRuleRequest says.

    Raises:
        InvalidParameterCombination: more than one source.
        MissingParameter: no source.
    """
    given = {key: kind for key, kind in SOURCE_TYPES.items() if request.get(kind.requested_as) is not None}
    choices = "cidrIp, cidrIpv6, prefixListId, or referencedGroupId"
    if len(given) > 1:
        raise InvalidParameterCombination(f"Only one of {choices} can be specified")
    if not given:
        raise MissingParameter(f"The request must contain exactly one of: {choices}")
    [(key, kind)] = given.items()
    source = {key: request[kind.requested_as], "Description": request.get("Description")}
    return {**request, kind.listed_in: [source]}
