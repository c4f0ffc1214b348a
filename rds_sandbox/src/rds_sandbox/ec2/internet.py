"""The way from the internet to a DB instance, and how EC2 shows it: internet gateway, route, network ACL, network interface.

Sources: Amazon VPC User Guide, "Default VPCs", "Configure route tables", "Control subnet traffic with network access control
lists"; Amazon RDS User Guide, "Working with a DB instance in a VPC". IPv6 is let through: a default VPC has none.
"""

import hashlib
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Any

from moto.ec2.models.vpcs import VPCBackend

from rds_sandbox.ec2.network_interfaces import instances_of
from rds_sandbox.ec2.pages import listed, paged
from rds_sandbox.errors import NotInSandbox
from rds_sandbox.patches import Request, action, replaces

EVERYWHERE = "0.0.0.0/0"
TCP, ANY_PROTOCOL = "6", "-1"
EPHEMERAL = 32768, 60999  # the ports of Linux's clients: the VPC lets the answers out only where it lets out all of these
DESCRIPTION = "RDSNetworkInterface"  # of those of DB instances
_create_default_vpc = VPCBackend.create_default_vpc


@replaces(VPCBackend, "create_default_vpc")
def create_default_vpc(ec2: Any) -> Any:
    """With an internet gateway, to which its main route table leads."""
    vpc = _create_default_vpc(ec2)
    gateway = ec2.create_internet_gateway()
    ec2.attach_internet_gateway(gateway.id, vpc.id)
    main = next(table for table in ec2.route_tables.values() if table.vpc_id == vpc.id and table.main_association_id)
    ec2.create_route(main.id, EVERYWHERE, gateway_id=gateway.id)
    return vpc


def has_gateway(ec2: Any, vpc_id: str) -> bool:
    """Whether an internet gateway is attached to the VPC."""
    return any(gateway.vpc and gateway.vpc.id == vpc_id for gateway in list(ec2.internet_gateways.values()))


def names_hosts(vpc: Any) -> bool:
    """Whether the VPC has both DNS resolution and DNS hostnames."""
    return bool(vpc.enable_dns_support and vpc.enable_dns_hostnames)


def lets_through(ec2: Any, subnets: Iterable[Any], address: IPv4Address | IPv6Address, ports: Iterable[int]) -> bool:
    """Whether packets from this public address reach one of these ports, and answers find back, in one of the subnets."""
    if address.version == 6:
        return True
    return any(_routed(ec2, one, address) and _passes(ec2, one, address, ports) for one in subnets)


def _routed(ec2: Any, subnet: Any, address: IPv4Address) -> bool:
    """Whether the most specific route to the address is one to an internet gateway that is attached to the VPC."""
    routes = [route for route in routes_of(ec2, subnet.vpc_id, subnet.id) if route.destination_cidr_block]
    fitting = [route for route in routes if address in ip_network(route.destination_cidr_block)]
    best = max(fitting, key=lambda route: ip_network(route.destination_cidr_block).prefixlen, default=None)
    return bool(best and best.gateway and best.gateway.id.startswith("igw-") and best.state == "active")


def routes_of(ec2: Any, vpc_id: str, subnet_id: str) -> list[Any]:
    """Those of the subnet's own route table, or else of its VPC's main one."""
    tables = [table for table in list(ec2.route_tables.values()) if table.vpc_id == vpc_id]
    own = [table for table in tables if any(each.get("SubnetId") == subnet_id for each in table.associations)]
    used = own or [table for table in tables if table.main_association_id]
    return [route for table in used for route in table.routes]


def _passes(ec2: Any, subnet: Any, address: IPv4Address, ports: Iterable[int]) -> bool:
    """Whether the network ACL of the subnet lets in, and lets out again."""
    acl = next(acl for acl in ec2.network_acls.values() if any(each.subnet_id == subnet.id for each in acl.associations))
    entries = sorted(acl.network_acl_entries, key=lambda each: int(each.rule_number))

    def allowed(port: int, egress: bool) -> bool:
        about = (each for each in entries if each.egress is egress and _covers(each, address, port))
        return next((each.rule_action == "allow" for each in about), False)

    return any(allowed(port, egress=False) for port in ports) and all(allowed(port, egress=True) for port in EPHEMERAL)


def _covers(entry: Any, address: IPv4Address, port: int) -> bool:
    if not entry.cidr_block or address not in ip_network(entry.cidr_block, strict=False):
        return False
    if entry.protocol == ANY_PROTOCOL:
        return True
    first, last = entry.port_range_from, entry.port_range_to
    return entry.protocol == TCP and (first is None or int(first) <= port <= int(last))


@action("ec2", "DescribeNetworkInterfaces")
def describe(request: Request) -> object:
    """Those of DB instances, where they are asked for by their description; all others are moto's."""
    filters = {name: set(values) for name, values in request.moto._filters_from_querystring().items()}
    if filters.pop("description", None) != {DESCRIPTION}:
        return listed(request)
    found = [_interface(each) for each in instances_of(request.backend)]
    known = {"vpc-id": lambda each: {each["VpcId"]}, "group-id": lambda each: {group["GroupId"] for group in each["Groups"]}}
    if unknown := ", ".join(filters.keys() - known.keys()):
        raise NotInSandbox(f"the network interfaces of DB instances have no filter {unknown} in the sandbox")
    there = [each for each in found if each and all(known[name](each) & values for name, values in filters.items())]
    return paged("NetworkInterfaces", there, request.parameters)


def _interface(instance: Any) -> dict[str, Any] | None:
    """The one that an instance has as soon as it has an endpoint; inside and outside it has the same address here."""
    address = instance.machine.address
    if address is None:
        return None
    subnet = instance.subnets[0]
    return {
        "NetworkInterfaceId": f"eni-{hashlib.sha256(instance.dbi_resource_id.encode()).hexdigest()[:17]}",
        "Description": DESCRIPTION,
        "InterfaceType": "interface",
        "RequesterId": "amazon-rds",
        "RequesterManaged": True,
        "Status": "in-use",
        "VpcId": subnet.vpc_id,
        "SubnetId": subnet.id,
        "AvailabilityZone": subnet.availability_zone,
        "Groups": [{"GroupId": each} for each in instance.vpc_security_group_ids],
        "PrivateIpAddress": address,
        **({"Association": {"PublicIp": address, "IpOwnerId": "amazon"}} if instance.publicly_accessible else {}),
    }
