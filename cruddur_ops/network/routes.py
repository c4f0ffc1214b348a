"""Where packets may go in a VPC: its route tables and its network ACLs, as EC2 describes them.

Source: Amazon VPC User Guide, "Configure route tables" and "Control subnet traffic with network access control lists".
"""

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

Item = Mapping[str, Any]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
TCP = ("-1", "6")
# The ends of the range in which a client has its port; Linux's, within that of all systems.
EPHEMERAL = (32768, 60999)


def table_of(subnet_id: str, tables: Iterable[Item]) -> Item:
    """The subnet's own route table, else the VPC's main one; empty where neither is among these."""
    by_subnet = {one.get("SubnetId", "main"): table for table in tables for one in table["Associations"]}
    return by_subnet.get(subnet_id) or by_subnet.get("main") or {}


def route_to(address: Address, table: Item) -> Item:
    """The table's most specific route to an address; empty where it has none."""
    fitting = [(network.prefixlen, route) for route in table.get("Routes", []) if address in (network := _network(route))]
    return max(fitting, key=lambda one: one[0])[1] if fitting else {}


def _network(item: Item) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """Of a route or an entry; one to a prefix list leads to AWS's own services, and here nowhere."""
    keys = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "CidrBlock", "Ipv6CidrBlock")
    return ipaddress.ip_network(next((item[key] for key in keys if item.get(key)), "255.255.255.255/32"))


def acl_of(subnet_id: str, acls: Iterable[Item]) -> Item:
    """The network ACL of a subnet; empty where it is not among these."""
    return next((acl for acl in acls if any(one["SubnetId"] == subnet_id for one in acl["Associations"])), {})


def entry_for(address: Address, port: int, acl: Item, *, egress: bool) -> Item:
    """The entry that decides on TCP from, or back to, an address: the first by number that is about it."""
    about = [one for one in acl["Entries"] if one["Egress"] == egress and _covers(one, port) and address in _network(one)]
    return min(about, key=lambda one: int(one["RuleNumber"]), default={})


def _covers(entry: Item, port: int) -> bool:
    ports = entry.get("PortRange")
    return entry["Protocol"] in TCP and (entry["Protocol"] == "-1" or not ports or ports["From"] <= port <= ports["To"])
