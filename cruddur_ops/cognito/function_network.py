"""The network of the function: its security group, the database's rule for it, the way to its secret."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cruddur_ops import aws, rds, tags
from cruddur_ops.calls import Call
from cruddur_ops.cognito import names
from cruddur_ops.network import groups
from cruddur_ops.network.groups import Group
from cruddur_ops.network.rules import Rule, as_filters, rules_of
from cruddur_ops.plan import Action, Change
from cruddur_ops.rds.instances import Instance
from cruddur_ops.targets import Target

HTTPS = 443
ENDPOINT = "VPC endpoint for Secrets Manager"
AFTER_THE_INSTANCE = "known after 01_provision_rds"
AFTER_THE_GROUP = "known after the function's security group: apply its plan, then compute this one again"
# A default route through one of these leaves the VPC for a function, which has no public address.
WAYS_OUT = ("NatGatewayId", "TransitGatewayId", "InstanceId", "NetworkInterfaceId")
GONE = ("deleting", "deleted")


@dataclass(frozen=True)
class Endpoint:
    """A VPC endpoint, by its id, and the ids of the security groups that it stands in."""

    id: str
    group_ids: Sequence[str]


@dataclass(frozen=True)
class Network:
    """The network around the function, as found."""

    instance: Instance | None = None
    group: Group | None = None  # the function's own
    database_group_id: str = ""  # of the group of the instance that is to admit the function; empty without an instance
    rules: Sequence[Rule] = ()  # the inbound rules of the instance's groups and of the function's
    endpoint: Endpoint | None = None  # of the VPC, for Secrets Manager
    routed: bool = False  # whether the function reaches AWS without one


def describe(target: Target) -> Network:
    """Look at the network of the target's DB instance."""
    instance = rds.describe(target)
    if instance is None:
        return Network()
    own, function, vpc = groups.group_name(target), names.function_name(target), {"vpc-id": [instance.vpc_id]}
    by_name = {group.name: group for group in groups.find(target, vpc | {"group-name": [own, function]})}
    attached = list(instance.security_group_ids)
    preferred = [target.security_group_id, by_name[own].id if own in by_name else "", *attached]
    group = by_name.get(function)
    endpoint = next(iter(endpoints(target, vpc | {"service-name": [service(target)]})), None)
    tables = () if endpoint else aws.pages(target, "ec2", "describe_route_tables", Filters=as_filters(vpc))
    return Network(
        instance=instance,
        group=group,
        database_group_id=next((one for one in preferred if one in attached), ""),
        rules=rules_of(target, {"group-id": attached + ([group.id] if group else [])}),
        endpoint=endpoint,
        routed=not endpoint and routed(instance.subnet_ids, tables),
    )


def service(target: Target) -> str:
    """What VPC endpoints call Secrets Manager."""
    return f"com.amazonaws.{target.region}.secretsmanager"


def endpoints(target: Target, filters: Mapping[str, Iterable[str]]) -> list[Endpoint]:
    """The VPC endpoints that pass these filters, by id, without those that are being deleted."""
    found = aws.pages(target, "ec2", "describe_vpc_endpoints", Filters=as_filters(filters))
    there = [one for one in found if one["State"].lower() not in GONE]
    ends = [Endpoint(one["VpcEndpointId"], [group["GroupId"] for group in one["Groups"]]) for one in there]
    return sorted(ends, key=lambda end: end.id)


def routed(subnet_ids: Iterable[str], tables: Iterable[Mapping[str, Any]]) -> bool:
    """Whether every subnet has a default route that a function can use: an internet gateway is none.

    A subnet without a route table of its own has the VPC's main one (Amazon VPC User Guide, "Configure route tables").
    """
    ways: dict[str, bool] = {}
    for table in tables:
        for association in table["Associations"]:
            ways[association.get("SubnetId", "main")] = any(_leads_out(route) for route in table["Routes"])
    return all(ways.get(subnet_id, ways.get("main", False)) for subnet_id in subnet_ids)


def _leads_out(route: Mapping[str, Any]) -> bool:
    return route.get("DestinationCidrBlock") == "0.0.0.0/0" and any(route.get(way) for way in WAYS_OUT)


def group_change(target: Target, found: Network) -> Change:
    """Create the function's security group, without rules: nobody connects to a function."""
    name = names.function_name(target)
    resource = f"security group {name}"
    if found.group:
        return Change(Action.NONE, resource)
    if found.instance is None:
        return Change(Action.CREATE, resource, note=AFTER_THE_INSTANCE)
    description = f"The function that writes users into {target.db_instance_identifier}"
    return groups.create_group_change(target, name, description, found.instance.vpc_id)


def access_changes(target: Target, found: Network) -> list[Change]:
    """Admit the function to the database, and give it a way to its secret."""
    name = names.function_name(target)
    resource = f"security-group rule for {name}"
    if found.instance is None or found.group is None:
        note = AFTER_THE_GROUP if found.instance else AFTER_THE_INSTANCE
        return [Change(Action.CREATE, resource, note=note), Change(Action.CREATE, ENDPOINT, note=note)]
    wanted = _rule(target, found.instance.port or target.port, found.group.id)
    admitted = _admission(target, resource, wanted, found.database_group_id, found.rules)
    return [admitted, *_way_to_secret(target, found, found.group.id)]


def _rule(target: Target, port: int, group_id: str) -> Rule:
    """A rule for what is in the function's group; it does not expire: sign-ups would end with it."""
    labels = tags.wanted(target.owner, 0, tags.today())
    return Rule("tcp", port, port, group_id, names.function_name(target), labels)


def _admission(target: Target, resource: str, wanted: Rule, group_id: str, found: Iterable[Rule]) -> Change:
    """Its line says the group by name: the id of a group that was just made says nothing."""
    shown = f"tcp {wanted.from_port} from security group {names.function_name(target)}"
    if any(rule == wanted for rule in found):
        return Change(Action.NONE, resource, after=shown)
    return Change(Action.CREATE, resource, after=shown, calls=(wanted.authorization(group_id),))


def _way_to_secret(target: Target, found: Network, group_id: str) -> list[Change]:
    """An endpoint in the VPC, which a function needs where no NAT leads out of it.

    The runbook's own stands in the function's group, which therefore admits itself.
    """
    if found.routed:
        return [Change(Action.NONE, ENDPOINT, note="not needed: the subnets have a way out through NAT")]
    if found.endpoint and group_id not in found.endpoint.group_ids:
        return [Change(Action.NONE, ENDPOINT, note="somebody else's: its security group must admit the function on port 443")]
    own = [rule for rule in found.rules if rule.group_id == group_id]
    inside = _admission(target, f"security-group rule of the {ENDPOINT}", _rule(target, HTTPS, group_id), group_id, own)
    if found.endpoint:
        return [inside, Change(Action.NONE, ENDPOINT)]
    note = "about 8 USD a month: a function in a VPC has no other way out"
    call = Call("ec2", "create_vpc_endpoint", _endpoint(target, found, group_id))
    return [inside, Change(Action.CREATE, ENDPOINT, after="in one zone", note=note, calls=(call,))]


def _endpoint(target: Target, found: Network, group_id: str) -> dict[str, Any]:
    """The parameters of CreateVpcEndpoint."""
    assert found.instance is not None
    labels = tags.as_list(tags.of(target))
    return {
        "VpcId": found.instance.vpc_id,
        "ServiceName": service(target),
        "VpcEndpointType": "Interface",
        "SubnetIds": list(found.instance.subnet_ids[:1]),
        "SecurityGroupIds": [group_id],
        "PrivateDnsEnabled": True,
        "TagSpecifications": [{"ResourceType": "vpc-endpoint", "Tags": labels}],
    }
