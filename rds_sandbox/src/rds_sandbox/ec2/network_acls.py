"""Network ACLs: their entries by number, and that the default one stays.

Source: Amazon EC2 API Reference, CreateNetworkAcl, DeleteNetworkAcl, CreateNetworkAclEntry; Amazon VPC User Guide, "Network ACL
rules"; the sentences are as users of Terraform and Ansible report them.
"""

from collections.abc import Iterable
from ipaddress import IPv4Network
from typing import Any

from moto.core.utils import camelcase_to_underscores
from moto.ec2.exceptions import EC2ClientError, InvalidAssociationIdError, InvalidParameterValue, MissingParameterError
from moto.ec2.models.network_acls import NetworkAclBackend
from moto.ec2.utils import generic_filter

from rds_sandbox.ec2.internet import ANY_PROTOCOL, EVERYWHERE
from rds_sandbox.ec2.sources import canonical_cidr
from rds_sandbox.patches import MOTO, Request, action, replaces
from rds_sandbox.tables import limits

FIRST, LAST = limits("ec2")["acl_rule_numbers"]
# CreateNetworkAclEntry: what entries of these protocols (TCP, UDP, ICMP, ICMPv6) must say.
NEEDED = {"PortRange": ("6", "17"), "IcmpTypeCode": ("1", "58")}
_create = NetworkAclBackend.create_network_acl


@replaces(NetworkAclBackend, "create_network_acl")
def create(ec2: Any, vpc_id: str, tags: Any = None, default: bool = False) -> Any:
    """With the two entries that deny the rest, which moto gives the default one alone."""
    acl = _create(ec2, vpc_id, tags, default)
    for egress in () if default else (True, False):
        ec2.create_network_acl_entry(acl.id, LAST + 1, ANY_PROTOCOL, "deny", egress, EVERYWHERE, *[None] * 5)
    return acl


@replaces(NetworkAclBackend, "describe_network_acls")
def describe(ec2: Any, network_acl_ids: Iterable[str] | None = None, filters: Any = None) -> list[Any]:
    """Those of these ids, which there are, or all, as the filters let them through."""
    return generic_filter(filters, [ec2.get_network_acl(each) for each in network_acl_ids or list(ec2.network_acls)])


@action("ec2", "DeleteNetworkAcl")
def delete(request: Request) -> object:
    acl = request.backend.get_network_acl(request.parameters["NetworkAclId"])
    if acl.default:
        raise InvalidParameterValue(f"cannot delete default network ACL {acl.id}")
    return MOTO


@action("ec2", "CreateNetworkAclEntry", "DeleteNetworkAclEntry", "ReplaceNetworkAclEntry")
def change_entry(request: Request) -> object:
    """Of a number that entries can have and, to delete or replace it, has; about a network that is one."""
    asked = request.parameters
    acl, number, egress = request.backend.get_network_acl(asked["NetworkAclId"]), asked["RuleNumber"], asked["Egress"]
    if not FIRST <= number <= LAST:
        rule = f"Rulenumber must be in range {FIRST}..{LAST}"
        raise InvalidParameterValue(f"Value ({number}) for parameter ruleNumber is invalid. {rule}")
    if "CidrBlock" in asked:
        canonical_cidr(asked["CidrBlock"], IPv4Network)
    there = any((int(each.rule_number), each.egress) == (number, egress) for each in acl.network_acl_entries)
    if not there and request.name != "CreateNetworkAclEntry":
        way = "egress" if egress else "ingress"
        raise EC2ClientError("InvalidNetworkAclEntry.NotFound", f"no {way} entry with number {number}")
    return MOTO if request.name == "DeleteNetworkAclEntry" else _put(request)


def _put(request: Request) -> dict[str, Any]:
    """With ports, or with a type and a code of ICMP, which moto overhears."""
    asked = request.parameters
    for name, protocols in NEEDED.items():
        if asked["Protocol"] in protocols and not asked.get(name):
            raise MissingParameterError(name)
    icmp, ports = asked.get("IcmpTypeCode", {}), asked.get("PortRange", {})
    put = getattr(request.backend, camelcase_to_underscores(request.name))
    entry = asked["NetworkAclId"], asked["RuleNumber"], asked["Protocol"], asked["RuleAction"], asked["Egress"]
    more = icmp.get("Code"), icmp.get("Type"), ports.get("From"), ports.get("To"), asked.get("Ipv6CidrBlock")
    put(*entry, asked.get("CidrBlock"), *more)
    return {}


@action("ec2", "ReplaceNetworkAclAssociation")
def associate(request: Request) -> object:
    asked, ec2 = request.parameters, request.backend
    ec2.get_network_acl(asked["NetworkAclId"])
    if not any(asked["AssociationId"] in each._associations for each in ec2.network_acls.values()):
        raise InvalidAssociationIdError(asked["AssociationId"])
    return MOTO
