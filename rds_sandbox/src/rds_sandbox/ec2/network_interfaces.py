"""The network interfaces through which functions connect inside a VPC, and what EC2 asks of any.

Sources: Amazon EC2 API Reference, CreateNetworkInterface, DeleteNetworkInterface; AWS Lambda Developer Guide, "Giving Lambda
functions access to resources in an Amazon VPC": one Hyperplane interface for each pair of subnet and security groups, shared by
the functions that have the pair, and removed some time after the last of them is gone.
"""

import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from moto.ec2.exceptions import InvalidParameterValue
from moto.rds.models import rds_backends

from rds_sandbox.ec2.sources import find_group
from rds_sandbox.patches import MOTO, Request, action

REMOVAL_SECONDS = 1.0  # up to 20 minutes on AWS

Place = tuple[str, frozenset[str]]  # a subnet's id, the ids of security groups


@action("ec2", "CreateNetworkInterface")
def create(request: Request) -> object:
    for group in request.parameters.get("Groups") or ():
        find_group(request.backend, group)
    return MOTO


@action("ec2", "DeleteNetworkInterface")
def delete(request: Request) -> object:
    """Not while a function, an instance, a NAT gateway or an endpoint uses it."""
    ec2, interface = request.backend, request.backend.get_network_interface(request.parameters["NetworkInterfaceId"])
    attached = interface.instance is not None and interface.instance.state != "terminated"
    if attached or interface.interface_type == "lambda" or interface.id in _of_services(ec2):
        raise InvalidParameterValue(f"Network interface '{interface.id}' is currently in use.")
    return MOTO


def _of_services(ec2: Any) -> set[str]:
    """The ids of the interfaces of NAT gateways and endpoints."""
    gateways = {gateway._eni.id for gateway in ec2.nat_gateways.values() if gateway.state != "deleted"}
    return gateways.union(*(end.network_interface_ids for end in endpoints_of(ec2).values()))


def endpoints_of(ec2: Any) -> dict[str, Any]:
    """The VPC endpoints by their ids, without those that are deleted, which moto keeps."""
    return {each: end for each, end in list(ec2.vpc_end_points.items()) if end.state != "deleted"}


def instances_of(ec2: Any) -> list[Any]:
    """The DB instances of the account and region of this backend of EC2, which knows no more of them than their interfaces."""
    return list(rds_backends[ec2.account_id][ec2.region_name].databases.values())


def places(vpc_config: Mapping[str, Any] | None) -> list[Place]:
    """The pairs of subnet and security groups that a VpcConfig names."""
    if not vpc_config:
        return []
    groups = frozenset(vpc_config.get("SecurityGroupIds", ()))
    return [(subnet, groups) for subnet in vpc_config.get("SubnetIds", ())]


def provide(ec2: Any, wanted: Iterable[Place], function_name: str) -> tuple[str, ...]:
    """The ids of the interfaces in these places; those that are not there yet are made."""
    there = {_place(interface): interface for interface in _interfaces(ec2)}
    return tuple((there.get(place) or _create(ec2, place, function_name)).id for place in wanted)


def remove_unused(ec2: Any, wanted: Collection[Place]) -> None:
    """Delete the interfaces in all other places."""
    for interface in list(_interfaces(ec2)):
        if _place(interface) not in wanted:
            ec2.delete_network_interface(interface.id)


def existing(ec2: Any) -> list[Any]:
    """All that there are: moto keeps those of terminated instances, of deleted NAT gateways, of subnets that an endpoint left."""
    ended = [gateway._eni for gateway in list(ec2.nat_gateways.values()) if gateway.state == "deleted"]
    for end in list(ec2.vpc_end_points.values()):
        known = [ec2.enis[each] for each in end.network_interface_ids if each in ec2.enis]
        ended += [each for each in known if each.subnet.id not in (end.subnet_ids or ())]
    there = [each for each in list(ec2.enis.values()) if each not in ended]
    return [each for each in there if each.instance is None or each.instance.state != "terminated"]


def _interfaces(ec2: Any) -> Iterator[Any]:
    return (interface for interface in list(ec2.enis.values()) if interface.interface_type == "lambda")


def _place(interface: Any) -> Place:
    return interface.subnet.id, frozenset(group.id for group in interface.group_set)


def _create(ec2: Any, place: Place, function_name: str) -> Any:
    subnet, groups = place
    description = f"AWS Lambda VPC ENI-{function_name}-{uuid.uuid4()}"
    interface = ec2.create_network_interface(ec2.get_subnet(subnet), "", group_ids=sorted(groups), description=description)
    interface.interface_type = "lambda"
    interface.requester_managed = True
    interface.status = "in-use"
    return interface
