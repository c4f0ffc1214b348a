"""What decides, on AWS's side, whether a packet of the operator's gets to the DB instance: each rung from facts alone."""

import ipaddress
from collections.abc import Iterable, Mapping, Sequence

from cruddur_ops.addresses import Network, private
from cruddur_ops.database.unreachable import PRIVATE, UNKNOWN_HOST
from cruddur_ops.diagnosis.ladder import Rung, failed, passed
from cruddur_ops.network import routes
from cruddur_ops.network.routes import Address, Item
from cruddur_ops.network.rules import Rule
from cruddur_ops.rds.instances import Instance

NAME, PUBLIC, ADDRESS, GROUP = "name", "public access", "your address", "security group"
ACL, ROUTE, SUBNETS = "network ACL", "route", "subnets"
IPV6 = 6
MANY_BITS = 129


def name(host: str, resolved: Sequence[str], interfaces: Iterable[Item]) -> Rung:
    """Whether the endpoint's name leads to an address, and to one of the instance's: after a rename DNS may be stale."""
    if not resolved:
        return failed(NAME, f"{host} {UNKNOWN_HOST.happened.removeprefix('has a host that ')}", UNKNOWN_HOST.rds)
    shown = {address for one in interfaces for address in _addresses(one)}
    if shown and shown.isdisjoint(resolved):
        fact = f"{host} leads to {', '.join(resolved)}, and the instance is at {' and '.join(sorted(shown))}: the name is stale"
        return failed(NAME, fact, "wait some minutes after a rename, then empty this machine's DNS cache, and see /etc/hosts")
    return passed(NAME, f"leads to {_kind(resolved[0])}" + (", which is the instance's" if shown else ""))


def _addresses(interface: Item) -> Iterable[str]:
    return filter(None, (interface.get("Association", {}).get("PublicIp"), interface.get("PrivateIpAddress")))


def _kind(address: str) -> str:
    found = ipaddress.ip_address(address)
    if found.is_loopback:
        return "an address of this machine"
    return f"the {'private' if private(found) else 'public'} address {address}"


def public_access(instance: Instance, caller: Address | None) -> Rung:
    """Whether anybody outside the VPC can get there at all; whoever comes from a private address is not outside."""
    if instance.publicly_accessible:
        return passed(PUBLIC, "publicly accessible")
    if caller and private(caller):
        return passed(PUBLIC, "not publicly accessible, and you come from a private address")
    return failed(PUBLIC, "the instance is not publicly accessible", PRIVATE.rds)


def own_address(given: Network | None, source: str, seen: Network | None, network_type: str) -> Rung:
    """Where the connection comes from: by a variable, and by the address service.

    Args:
        given: what is set.
        source: by what.
        seen: by the service; None where it does not tell, or is not asked.
        network_type: of the instance.
    """
    used = given or seen
    assert used is not None
    address = used.network_address
    if used.version == IPV6 and network_type == "IPV4":
        remedy = 'set LOCAL_IP to your IPv4 address, or network_type = "DUAL"'
        return failed(ADDRESS, f"{address} is an IPv6 address, and the instance is reached by IPv4 alone", remedy)
    if given and seen and given != seen:
        fact = f"{source} says {address}, and the address service sees {seen.network_address}"
        return failed(ADDRESS, fact, "correct it, or unset it, then run 02_open_security_group")
    return passed(ADDRESS, f"{address}, by {source if given else 'the address service'}")


def security_group(
    caller: Address, port: int, attached: Sequence[Rule], elsewhere: Sequence[Rule], lists: Mapping[str, Sequence[str]]
) -> Rung:
    """Whether a rule of the instance's groups admits the caller, else the nearest that does not.

    Args:
        attached: the rules of the groups that the instance has.
        elsewhere: those of the group that it should have, where it does not.
        lists: the CIDR blocks of the prefix lists.
    """
    admitting = [rule for rule in attached if rule.covers(port) and rule.knows(caller, lists)]
    if admitting:
        return passed(GROUP, f"admitted by {admitting[0]}")
    unattached = [rule for rule in elsewhere if rule.covers(port) and rule.knows(caller, lists)]
    if unattached:
        fact = f"{unattached[0]} ({unattached[0].id}) is in {unattached[0].group_id}, a group that the instance does not have"
        return failed(GROUP, fact, "run 01_provision_rds, which gives it the group")
    fact = f"no rule admits {caller} to tcp {port}"
    near = min(attached, key=lambda rule: _distance(rule, caller, port, lists), default=None)
    if near:
        wrong = "another port" if near.knows(caller, lists) else "another address"
        fact += f"; of {len(attached)} the nearest, {near} ({near.id}), is for {wrong}"
    return failed(GROUP, fact, "run 02_open_security_group, or `cruddur-ops security-group open`")


def _distance(rule: Rule, caller: Address, port: int, lists: Mapping[str, Sequence[str]]) -> tuple[bool, int, str]:
    """First those for the caller, then those for the port, by the length of what the addresses have in common."""
    bits = MANY_BITS
    if "/" in rule.source:
        block = ipaddress.ip_network(rule.source)
        if block.version == caller.version:
            bits = (int(block.network_address) ^ int(caller)).bit_length()
    return not rule.knows(caller, lists), bits + MANY_BITS * (not rule.covers(port)), rule.id


def network_acl(caller: Address, port: int, subnet_ids: Sequence[str], acls: Sequence[Item]) -> Rung:
    """Whether the network ACLs of the instance's subnets let packets in, and their answers out."""
    for acl in (routes.acl_of(one, acls) for one in subnet_ids):
        wanted = [("in", port, False), *(("out", one, True) for one in routes.EPHEMERAL)]
        for way, about, egress in wanted if acl else []:
            entry = routes.entry_for(caller, about, acl, egress=egress)
            if entry.get("RuleAction") != "allow":
                what = f"rule {entry['RuleNumber']}" if entry else "no rule"
                fact = f"{acl['NetworkAclId']} lets nothing {way}, tcp {about} {'to' if egress else 'from'} {caller}"
                whole = "tcp 1024-65535" if egress else f"tcp {port}"
                return failed(ACL, f"{fact}: {what} decides", f"allow {whole} {way} there, with a lower number")
    return passed(ACL, "lets packets in and their answers out")


def route(caller: Address, subnet_ids: Sequence[str], tables: Sequence[Item]) -> Rung:
    """Whether answers find the way from the instance's subnets to the caller: for a public address an internet gateway."""
    public = not private(caller)
    for table in (routes.table_of(one, tables) for one in subnet_ids):
        found = routes.route_to(caller, table)
        way = str(found.get("GatewayId", ""))
        if not found or found.get("State") == "blackhole" or (public and not way.startswith("igw-")):
            fact = f"{table.get('RouteTableId', 'no route table')} leads {caller} " + (
                "nowhere" if not found or found.get("State") == "blackhole" else "to no internet gateway"
            )
            block = "::/0 " if caller.version == IPV6 else "0.0.0.0/0 "
            return failed(ROUTE, fact, f"add a route for {block}to the VPC's internet gateway to it, or go through a tunnel")
    return passed(ROUTE, "by an internet gateway" if public else "within the network")


def subnets(instance: Instance) -> Rung:
    """Whether RDS can use the subnets of the instance's group."""
    items = instance.raw.get("DBSubnetGroup", {}).get("Subnets", [])
    wrong = [f"{one['SubnetIdentifier']} ({one['SubnetStatus']})" for one in items if one.get("SubnetStatus") != "Active"]
    if wrong:
        return failed(SUBNETS, f"RDS cannot use {', '.join(wrong)}", "see them in the console of the VPC")
    zones = {one.get("SubnetAvailabilityZone", {}).get("Name") for one in items}
    return passed(SUBNETS, f"{len(items)} in {len(zones)} zones")


def subnets_of(instance: Instance) -> list[str]:
    """The subnets that the instance may be in: those of its zone, else all of its group."""
    items = instance.raw.get("DBSubnetGroup", {}).get("Subnets", [])
    zone = instance.raw.get("AvailabilityZone")
    here = [one["SubnetIdentifier"] for one in items if one.get("SubnetAvailabilityZone", {}).get("Name") == zone]
    return here or list(instance.subnet_ids)
