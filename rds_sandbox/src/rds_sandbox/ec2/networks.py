"""VPCs and subnets: their attributes, which change one at a time, and the zones and sizes of subnets.

Source: Amazon EC2 API Reference, ModifyVpcAttribute, ModifySubnetAttribute, CreateSubnet, CreateDefaultSubnet; Amazon VPC User
Guide, "Subnet sizing for IPv4"; the sentences are as users of Terraform report them.
"""

from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from moto.core.utils import camelcase_to_underscores
from moto.ec2.exceptions import (
    EC2ClientError,
    InvalidAvailabilityZoneError,
    InvalidParameterCombination,
    InvalidParameterValue,
    InvalidSubnetRangeError,
)
from moto.ec2.models.subnets import Subnet, SubnetBackend

from rds_sandbox.patches import Request, action, replaces
from rds_sandbox.tables import limits

LARGEST, SMALLEST = limits("ec2")["subnet_prefix"]
PREFIXES = limits("ec2")["subnet_ipv6_prefixes"]
_create_subnet, _create_default_subnet = SubnetBackend.create_subnet, SubnetBackend.create_default_subnet


@replaces(SubnetBackend, "create_subnet")
def create_subnet(
    ec2: Any, vpc_id: str, cidr_block: str, ipv6_cidr_block: Any = None, availability_zone: Any = None,
    availability_zone_id: Any = None, **given: Any,
) -> Any:  # fmt: skip
    """In a zone of the region, of a size that there is; a default one only where that is asked for."""
    zones = {zone.zone_id: zone.name for zone in ec2.describe_availability_zones()}
    zone = availability_zone or zones.get(availability_zone_id or next(iter(zones)))
    if zone not in zones.values():
        raise InvalidAvailabilityZoneError(zone or availability_zone_id, ", ".join(zones.values()))
    with suppress(ValueError):  # which moto refuses, or takes for one of IPv6 alone
        if not LARGEST <= IPv4Network(cidr_block, strict=False).prefixlen <= SMALLEST:
            raise InvalidSubnetRangeError(cidr_block)
    if ipv6_cidr_block:
        _check_ipv6(ec2.get_vpc(vpc_id), ipv6_cidr_block)
    subnet = _create_subnet(ec2, vpc_id, cidr_block, ipv6_cidr_block, zone, **given)
    subnet.default_for_az = subnet.map_public_ip_on_launch = False
    return subnet


@replaces(SubnetBackend, "associate_subnet_cidr_block")
def associate(ec2: Any, subnet_id: str, ipv6_cidr_block: str) -> Any:
    subnet = ec2.get_subnet(subnet_id)
    _check_ipv6(ec2.get_vpc(subnet.vpc_id), ipv6_cidr_block)
    return subnet.attach_ipv6_cidr_block_associations(ipv6_cidr_block)


def _check_ipv6(vpc: Any, block: str) -> None:
    """Of the VPC's, and of a size that there is (CreateSubnet; Amazon VPC User Guide, "Subnet sizing for IPv6")."""
    try:
        network = IPv6Network(block)
    except ValueError as error:
        raise InvalidParameterValue(f"Value ({block}) for parameter ipv6CidrBlock is invalid. This is no IPv6 block.") from error
    within = [IPv6Network(each["cidr_block"]) for each in vpc.get_cidr_block_association_set(ipv6=True)]
    if network.prefixlen not in PREFIXES or not any(network.subnet_of(each) for each in within):
        raise InvalidSubnetRangeError(block)
    others = [each for subnet in vpc.ec2_backend.describe_subnets(filters={"vpc-id": vpc.id}) for each in blocks(subnet)]
    if any(network.overlaps(IPv6Network(each["ipv6CidrBlock"], strict=False)) for each in others):
        raise EC2ClientError("InvalidSubnet.Conflict", f"The IPv6 CIDR '{block}' conflicts with another subnet")


def blocks(subnet: Any) -> list[dict[str, Any]]:
    """Those of IPv6 that it has. Their states are words, where moto answers with what it keeps of them."""
    kept = subnet.ipv6_cidr_block_associations.values()
    states = [each["ipv6CidrBlockState"]["State"] for each in kept]
    return [
        {**each, "ipv6CidrBlockState": {"state": state}}
        for each, state in zip(kept, states, strict=True)
        if state == "associated"
    ]


replaces(Subnet, "ipv6_cidr_block_association_set")(property(blocks))


@replaces(SubnetBackend, "create_default_subnet")
def create_default_subnet(ec2: Any, availability_zone: str) -> Any:
    """With public addresses."""
    subnet = _create_default_subnet(ec2, availability_zone)
    subnet.default_for_az = subnet.map_public_ip_on_launch = True
    return subnet


@action("ec2", "ModifySubnetAttribute", "ModifyVpcAttribute")
def modify(request: Request) -> dict[str, Any]:
    """The attribute that the request names, and no other."""
    asked = dict(request.parameters)
    identifier = asked.pop("VpcId" if request.name == "ModifyVpcAttribute" else "SubnetId")
    if len(asked) > 1:
        names = ", ".join(sorted(name[0].lower() + name[1:] for name in asked))
        raise InvalidParameterCombination(f"Fields for multiple attribute types specified: {names}")
    if not asked:
        raise InvalidParameterCombination("No attributes specified.")
    [(name, setting)] = asked.items()
    change = getattr(request.backend, camelcase_to_underscores(request.name))
    change(identifier, camelcase_to_underscores(name), setting["Value"])
    return {}
