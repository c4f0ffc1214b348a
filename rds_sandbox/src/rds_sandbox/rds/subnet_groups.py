"""DB subnet groups: subnets of one VPC in two Availability Zones at least.

Source: RDS API Reference (CreateDBSubnetGroup, ModifyDBSubnetGroup, DeleteDBSubnetGroup, their errors).
"""

import re
from collections.abc import Sequence
from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import ec2_backends
from moto.rds import models
from moto.rds.exceptions import InvalidParameterValue, RDSClientError

from rds_sandbox.ec2.internet import has_gateway, names_hosts
from rds_sandbox.patches import MOTO, Request, action
from rds_sandbox.rds.backend import DEFAULT_SUBNET_GROUP, SandboxRDSBackend
from rds_sandbox.rds.requests import given, paged
from rds_sandbox.tables import limits

NAME = re.compile(limits("rds")["subnet_group"])
ZONES = limits("rds")["subnet_group_zones"]
models.DBSubnetGroup.supported_network_types = ["IPV4"]  # type: ignore[attr-defined]


def shown(group: models.DBSubnetGroup) -> list[dict[str, Any]]:
    """The subnets, in no Outpost."""
    zones = {subnet.id: subnet.availability_zone for subnet in group._subnets}
    return [
        {"SubnetIdentifier": name, "SubnetAvailabilityZone": {"Name": zone}, "SubnetOutpost": {}, "SubnetStatus": "Active"}
        for name, zone in zones.items()
    ]


models.DBSubnetGroup.subnets = property(shown, lambda group, subnets: setattr(group, "_subnets", subnets))  # type: ignore[assignment]


def zones(group: models.DBSubnetGroup) -> list[str]:
    """The Availability Zones that it has subnets in, in their order."""
    return sorted({str(subnet.availability_zone) for subnet in group._subnets})


def check_zone(group: models.DBSubnetGroup, wanted: str, instance_class: str) -> None:
    """Refuse a zone in which the group has no subnet, as terraform-provider-aws #20712 shows it."""
    there = zones(group)
    if wanted not in there:
        what = f"Cannot create a {instance_class} database instance because there is not a subnet in {wanted}, the targeted "
        advice = f"availability zone. Create a new subnet in {wanted} and target that availability zone again, or retry the "
        others = f"launch with no availability zone, or choose from these availability zones: {', '.join(there)}."
        raise RDSClientError("InvalidVPCNetworkStateFault", what + advice + others)


def is_public(public: bool | None, subnet_group: str) -> bool:
    """Whether an instance is to be public: where nothing is said, one in the default subnet group is, and no other."""
    return subnet_group == DEFAULT_SUBNET_GROUP if public is None else public


def require_public(backend: SandboxRDSBackend, subnet_group: str) -> None:
    """Refuse a VPC in which an instance would have no public address, or no name for it.

    Source: RDS API Reference, CreateDBInstance (PubliclyAccessible, InvalidVPCNetworkStateFault); RDS User Guide, "Working with a
    DB instance in a VPC". The sentences are as users of CloudFormation and Terraform report them.
    """
    ec2: Any = ec2_backends[backend.account_id][backend.region_name]
    vpc = ec2.vpcs[backend.describe_db_subnet_groups(subnet_group)[0].vpc_id]
    if lack := _lack(ec2, vpc):
        message = f"Cannot create a publicly accessible DBInstance. The specified VPC {lack}. Update the VPC and then try again"
        raise RDSClientError("InvalidVPCNetworkStateFault", message)


def _lack(ec2: Any, vpc: Any) -> str:
    if not names_hosts(vpc):
        return "does not support DNS resolution, DNS hostnames, or both"
    return "" if has_gateway(ec2, vpc.id) else "has no internet gateway attached"


@action("rds", "CreateDBSubnetGroup")
def create(request: Request) -> object:
    """Under a name that is free."""
    asked, backend = request.parameters, request.backend
    name = asked["DBSubnetGroupName"]
    if not NAME.fullmatch(name) or name.lower() == DEFAULT_SUBNET_GROUP:
        raise InvalidParameterValue(f"The parameter DBSubnetGroupName is not a valid identifier: {name}")
    if not asked["DBSubnetGroupDescription"]:
        raise InvalidParameterValue("The parameter DBSubnetGroupDescription must be provided and must not be blank.")
    if name.lower() in backend.subnet_groups:
        raise RDSClientError("DBSubnetGroupAlreadyExists", f"The DB subnet group '{name}' already exists.")
    _subnets(backend, asked["SubnetIds"])
    return MOTO


@action("rds", "DescribeDBSubnetGroups")
def describe(request: Request) -> dict[str, Any]:
    """One, or all."""
    asked = given(request)
    return paged({"DBSubnetGroups": request.backend.describe_db_subnet_groups(asked.get("DBSubnetGroupName"))}, asked)


@action("rds", "ModifyDBSubnetGroup")
def modify(request: Request) -> dict[str, Any]:
    """What is not given stays as it is."""
    asked, backend = request.parameters, request.backend
    group = backend.describe_db_subnet_groups(asked["DBSubnetGroupName"])[0]
    if group.name == DEFAULT_SUBNET_GROUP:
        raise InvalidParameterValue("The default DB subnet group can't be modified: create another one.")
    subnets = _subnets(backend, asked["SubnetIds"])
    if subnets[0].vpc_id != group.vpc_id:
        raise InvalidParameterValue("The new Subnets are not in the same Vpc as the existing subnet group")
    occupied = {name for each in _users(backend, group) for name in each.occupied_subnets}
    if lost := occupied.difference(asked["SubnetIds"]):
        message = f"Some of the subnets to be deleted are currently in use: {', '.join(sorted(lost))}"
        raise RDSClientError("SubnetAlreadyInUse", message)
    before = [each.id for each in group._subnets]  # as they stay in order: an instance is in the first of its zone
    group.subnets = sorted(subnets, key=lambda each: before.index(each.id) if each.id in before else len(before))
    group.description = asked.get("DBSubnetGroupDescription") or group.description
    return {"DBSubnetGroup": group}


@action("rds", "DeleteDBSubnetGroup")
def delete(request: Request) -> object:
    """Neither the default one nor one in use."""
    backend = request.backend
    group = backend.describe_db_subnet_groups(request.parameters["DBSubnetGroupName"])[0]
    users = [each.db_instance_identifier for each in _users(backend, group)]
    if users or group.name == DEFAULT_SUBNET_GROUP:
        reason = f"it is in use by {', '.join(users)}" if users else "it is the default one"
        raise RDSClientError("InvalidDBSubnetGroupStateFault", f"Cannot delete the subnet group '{group.name}': {reason}.")
    return MOTO


def _users(backend: Any, group: models.DBSubnetGroup) -> list[Any]:
    return [each for each in backend.instances() if each.db_subnet_group is group]


def _subnets(backend: Any, ids: Sequence[str]) -> list[Any]:
    ec2 = ec2_backends[backend.account_id][backend.region_name]
    try:
        found = [ec2.get_subnet(each) for each in ids]
    except EC2ClientError as error:
        raise RDSClientError("InvalidSubnet", f"Some input subnets in :[{', '.join(ids)}] are invalid.") from error
    if len(set(ids)) < len(ids):
        raise InvalidParameterValue("The same subnet was specified more than once.")
    if len({each.vpc_id for each in found}) > 1:
        raise RDSClientError("InvalidSubnet", "The subnets are not all in the same VPC.")
    zones = {each.availability_zone for each in found}
    if len(zones) < ZONES:
        message = "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. Current AZ coverage: "
        advice = f"{', '.join(sorted(zones))}. Add subnets to cover at least {ZONES} AZs."
        raise RDSClientError("DBSubnetGroupDoesNotCoverEnoughAZs", message + advice)
    return found
