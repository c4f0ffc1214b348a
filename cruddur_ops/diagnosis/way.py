"""AWS's side of the way to a DB instance: what is looked at for each rung, in the order of the ladder."""

import socket
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cruddur_ops import addresses, aws, dependents
from cruddur_ops.diagnosis import packet
from cruddur_ops.diagnosis.ladder import Rung, decided, unknown
from cruddur_ops.errors import NotFound, OpsError
from cruddur_ops.network import address, groups
from cruddur_ops.network.routes import Address, Item
from cruddur_ops.network.rules import rules_of
from cruddur_ops.rds.instances import Instance
from cruddur_ops.target import Target

FROM_ADDRESS = (packet.GROUP, packet.ACL, packet.ROUTE)
NAMES = (packet.NAME, packet.PUBLIC, packet.ADDRESS, *FROM_ADDRESS, packet.SUBNETS)


@dataclass(frozen=True)
class Way:
    """AWS's side of the way to an instance: each thing is asked for once, when a rung needs it."""

    target: Target
    found: Instance

    def rungs(self) -> list[Rung]:
        """In the order of the ladder."""
        decisions = {
            packet.NAME: self._name,
            packet.PUBLIC: lambda: packet.public_access(self.found, self._caller if self._known else None),
            packet.ADDRESS: self._address,
            packet.GROUP: self._group,
            packet.ACL: self._acl,
            packet.ROUTE: self._route,
            packet.SUBNETS: lambda: packet.subnets(self.found),
        }
        rungs = [decided(name, decide) for name, decide in decisions.items() if name not in FROM_ADDRESS or self._known]
        return [*rungs, *([] if self._known else [unknown(name, "your address is not known") for name in FROM_ADDRESS])]

    def _name(self) -> Rung:
        resolved = addresses_of(self.found.host)
        return packet.name(self.found.host, resolved, self._interfaces() if resolved else ())

    def _address(self) -> Rung:
        set_by = self.target.sources.get("operator_address", "the target")
        given, seen = self._given, None
        if given is None or not addresses.private(given.network_address):
            try:
                seen = self._seen
            except NotFound:
                if given is None:
                    raise
        return packet.own_address(given, set_by, seen, self.found.raw.get("NetworkType", ""))

    def _group(self) -> Rung:
        attached = list(self.found.security_group_ids)
        own = groups.describe(self.target, self.found.raw)
        rules = rules_of(self.target, {"group-id": [*attached, *([own.id] if own else [])]})
        lists = {rule.source: self._entries(rule.source) for rule in rules if rule.source_type == "PrefixListId"}
        inside = [rule for rule in rules if rule.group_id in attached]
        outside = [rule for rule in rules if rule.group_id not in attached]
        return packet.security_group(self._caller, self.found.endpoint_port, inside, outside, lists)

    def _acl(self) -> Rung:
        acls = aws.pages(self.target, "ec2", "describe_network_acls", Filters=self._of_vpc)
        return packet.network_acl(self._caller, self.found.endpoint_port, self._subnets, acls)

    def _route(self) -> Rung:
        tables = aws.pages(self.target, "ec2", "describe_route_tables", Filters=self._of_vpc)
        return packet.route(self._caller, self._subnets, tables)

    @property
    def _of_vpc(self) -> list[dict[str, Any]]:
        return aws.as_filters({"vpc-id": [self.found.vpc_id]})

    def _entries(self, prefix_list: str) -> list[str]:
        found = aws.pages(self.target, "ec2", "get_managed_prefix_list_entries", PrefixListId=prefix_list)
        return [str(one["Cidr"]) for one in found]

    def _interfaces(self) -> list[Item]:
        filters = {"description": [dependents.OF_RDS], "group-id": self.found.security_group_ids, "vpc-id": [self.found.vpc_id]}
        return aws.pages(self.target, "ec2", "describe_network_interfaces", Filters=aws.as_filters(filters))

    @property
    def _subnets(self) -> list[str]:
        return packet.subnets_of(self.found)

    @cached_property
    def _given(self) -> addresses.Network | None:
        return addresses.given(self.target.operator_address) if self.target.operator_address else None

    @cached_property
    def _seen(self) -> addresses.Network:
        return address.answered(address.fetch(self.target.checkip_url), sandbox=self.target.sandbox)

    @cached_property
    def _known(self) -> bool:
        try:
            return bool(self._caller)
        except OpsError:
            return False

    @property
    def _caller(self) -> Address:
        return (self._given or self._seen).network_address


def addresses_of(host: str) -> list[str]:
    """The addresses of a name; none where it is not known."""
    try:
        return sorted({str(one[4][0]) for one in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)})
    except OSError:
        return []
