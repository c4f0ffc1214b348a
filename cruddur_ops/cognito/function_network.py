"""The network of the function: its security group, the database's rule for it, the way to its secret.

Nothing of it changes anything for others in the VPC: the endpoint takes over no name that they use, and the function is told
that of the endpoint. Waiting for it raises InstanceNotReady.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from cruddur_ops import aws, progress, rds, tags
from cruddur_ops.calls import Call
from cruddur_ops.change import Action, Change
from cruddur_ops.cognito import names
from cruddur_ops.errors import InstanceNotReady
from cruddur_ops.network import groups
from cruddur_ops.network.groups import Group
from cruddur_ops.network.routes import table_of
from cruddur_ops.network.rules import Rule, rules_of
from cruddur_ops.rds.instances import Instance
from cruddur_ops.target import Target

HTTPS = 443
ENDPOINT = "VPC endpoint for Secrets Manager"
AFTER_THE_INSTANCE = "known after 01_provision_rds"
AFTER_THE_GROUP = "known after the function's security group: apply its plan, then compute this one again"
# A default route through one of these leaves the VPC for a function, which has no public address.
WAYS_OUT = ("NatGatewayId", "TransitGatewayId", "InstanceId", "NetworkInterfaceId")
GONE = ("deleting", "deleted", "failed", "rejected", "expired")
SECRETS, LAMBDA = "secretsmanager", "lambda"
SERVICES = (SECRETS, LAMBDA)
VARIABLE = "AWS_ENDPOINT_URL_SECRETS_MANAGER"  # AWS SDKs and Tools Reference Guide, "Service-specific endpoints"
SETTLING_SECONDS = 600.0


@dataclass(frozen=True)
class Endpoint:
    """A VPC endpoint, by its id, and the ids of the security groups that it stands in."""

    id: str
    group_ids: Sequence[str]
    state: str = "available"  # as EC2 calls it, in small letters
    host: str = ""  # its own name, which is in the service's certificate
    private: bool = False  # whether it takes over the service's own name in the whole VPC
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """What a program sets as the service's endpoint."""
        return f"https://{self.host}"


@dataclass(frozen=True)
class Network:
    """The network around the function, as found."""

    instance: Instance | None = None
    group: Group | None = None  # the function's own
    database_group_id: str = ""  # of the group of the instance that is to admit the function; empty without an instance
    rules: Sequence[Rule] = ()  # the inbound rules of the instance's groups and of the function's
    endpoint: Endpoint | None = None  # the target's own, for Secrets Manager
    routed: bool = False  # whether the function reaches AWS without one
    zones: Mapping[str, Collection[str]] = field(default_factory=dict)  # by service, those in which AWS offers it

    def subnets(self, *services: str) -> list[str]:
        """The instance's subnets that these services take, in order; all of them where the zones are not known."""
        assert self.instance is not None
        items = self.instance.raw.get("DBSubnetGroup", {}).get("Subnets", [])
        zones = {one["SubnetIdentifier"]: one.get("SubnetAvailabilityZone", {}).get("Name") for one in items}
        taken = [self.zones[name] for name in services if name in self.zones]
        found = [one for one in self.instance.subnet_ids if all(zones.get(one) in offered for offered in taken)]
        return found or list(self.instance.subnet_ids)


def describe(target: Target) -> Network:
    """Look at the network of the target's DB instance."""
    instance = rds.describe(target)
    if instance is None:
        return Network()
    own, function, vpc = groups.group_name(target), names.function_name(target), {"vpc-id": [instance.vpc_id]}
    by_name = {group.name: group for group in groups.find(target, vpc | {"group-name": [own, function]})}
    attached = list(instance.security_group_ids)
    preferred = [target.security_group_id, by_name[own].id if own in by_name else "", *attached]
    group, there = by_name.get(function), endpoints(target, vpc | {"service-name": [service(target)]})
    endpoint = next((one for one in there if tags.ours(target, one.tags)), None)
    taken_over = endpoint or any(one.private for one in there)  # somebody else's, which need not admit the function
    tables = () if taken_over else aws.pages(target, "ec2", "describe_route_tables", Filters=aws.as_filters(vpc))
    return Network(
        instance=instance,
        group=group,
        database_group_id=next((one for one in preferred if one in attached), ""),
        rules=rules_of(target, {"group-id": attached + ([group.id] if group else [])}),
        endpoint=endpoint,
        routed=not taken_over and routed(instance.subnet_ids, tables),
        zones=zones(target),
    )


def zones(target: Target) -> dict[str, Collection[str]]:
    """The zones in which AWS offers endpoints of Lambda and of Secrets Manager: in others Lambda takes no subnets either."""
    wanted = [service(target, name) for name in SERVICES]
    found = aws.client(target, "ec2").describe_vpc_endpoint_services(ServiceNames=wanted)["ServiceDetails"]
    return {one["ServiceName"].rpartition(".")[2]: one["AvailabilityZones"] for one in found}


def service(target: Target, name: str = SECRETS) -> str:
    """What VPC endpoints call a service."""
    return f"com.amazonaws.{target.region}.{name}"


def endpoints(target: Target, filters: Mapping[str, Iterable[str]]) -> list[Endpoint]:
    """The VPC endpoints that pass these filters, by id, without those that are being deleted."""
    found = aws.pages(target, "ec2", "describe_vpc_endpoints", Filters=aws.as_filters(filters))
    there = [one for one in found if one["State"].lower() not in GONE]
    return sorted(map(_endpoint, there), key=lambda end: end.id)


def _endpoint(item: Mapping[str, Any]) -> Endpoint:
    return Endpoint(
        item["VpcEndpointId"],
        [group["GroupId"] for group in item["Groups"]],
        item["State"].lower(),
        next((one["DnsName"] for one in item.get("DnsEntries", [])), ""),
        item.get("PrivateDnsEnabled", False),
        tags.as_mapping(item.get("Tags", [])),
    )


def routed(subnet_ids: Iterable[str], tables: Iterable[Mapping[str, Any]]) -> bool:
    """Whether every subnet has a default route that a function can use: an internet gateway is none.

    A subnet without a route table of its own has the VPC's main one (Amazon VPC User Guide, "Configure route tables").
    """
    listed = list(tables)
    return all(any(map(_leads_out, table_of(one, listed).get("Routes", []))) for one in subnet_ids)


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
    return Rule("tcp", port, port, group_id, names.function_name(target), tags.of(target, days=0))


def _admission(target: Target, resource: str, wanted: Rule, group_id: str, found: Iterable[Rule]) -> Change:
    """Its line says the group by name: the id of a group that was just made says nothing."""
    shown = f"tcp {wanted.from_port} from security group {names.function_name(target)}"
    if any(rule == wanted for rule in found):
        return Change(Action.NONE, resource, after=shown)
    return Change(Action.CREATE, resource, after=shown, calls=(wanted.authorization(group_id),))


def _way_to_secret(target: Target, found: Network, group_id: str) -> list[Change]:
    """An endpoint in the VPC, which a function needs where no NAT leads out of it: the target's own, whoever else has one.

    It stands in the function's group, which therefore admits itself.
    """
    if found.routed:
        return [Change(Action.NONE, ENDPOINT, note="not needed: the subnets have a way out through NAT")]
    own = [rule for rule in found.rules if rule.group_id == group_id]
    inside = _admission(target, f"security-group rule of the {ENDPOINT}", _rule(target, HTTPS, group_id), group_id, own)
    settle = partial(_settle, target, found)
    if found.endpoint:
        return [inside, Change(Action.NONE, ENDPOINT, settle=settle)]
    note = "about 8 USD a month: a function in a VPC has no other way out"
    call = Call("ec2", "create_vpc_endpoint", _creation(target, found, group_id))
    return [inside, Change(Action.CREATE, ENDPOINT, after="in one zone", note=note, calls=(call,), settle=settle)]


def _creation(target: Target, found: Network, group_id: str) -> dict[str, Any]:
    """The parameters of CreateVpcEndpoint; private DNS would lead every other client in the VPC to it, too."""
    assert found.instance is not None
    labels = tags.as_list(tags.of(target))
    return {
        "VpcId": found.instance.vpc_id,
        "ServiceName": service(target),
        "VpcEndpointType": "Interface",
        "SubnetIds": found.subnets(*SERVICES)[:1],
        "SecurityGroupIds": [group_id],
        "PrivateDnsEnabled": False,
        "TagSpecifications": [{"ResourceType": "vpc-endpoint", "Tags": labels}],
    }


def _settle(target: Target, planned: Network) -> None:

    def look() -> tuple[str, bool | None]:
        found = describe(target).endpoint
        state = found.state if found else "not there yet"
        return state, True if state == "available" else None

    def overdue(state: str) -> InstanceNotReady:
        return InstanceNotReady(f"the {ENDPOINT} is {state}: see it in the console of the VPC, then repeat")

    if not (planned.endpoint and planned.endpoint.state == "available"):
        progress.poll(ENDPOINT, look, SETTLING_SECONDS, overdue, kept=not target.sandbox)


def environment(found: Network) -> dict[str, str]:
    """The variables that lead the function to its secret."""
    return {} if found.routed else {VARIABLE: found.endpoint.url if found.endpoint else "known after the VPC endpoint"}
