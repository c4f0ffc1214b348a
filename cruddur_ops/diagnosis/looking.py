"""Why a target's database can, or cannot, be reached: what is looked at, step by step; what it means is decided elsewhere."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from cruddur_ops import aws, credentials, moment, preflight
from cruddur_ops.database.certificates import root_certificate
from cruddur_ops.database.connection import connect
from cruddur_ops.database.errors import DatabaseUnreachable, LoginRefused
from cruddur_ops.database.location import locate
from cruddur_ops.database.statements import ask
from cruddur_ops.database.unreachable import SILENT
from cruddur_ops.diagnosis import certificate, packet
from cruddur_ops.diagnosis.ladder import FIRST, Ladder, Rung, State, climbed, decided, failed, passed, refused, unknown
from cruddur_ops.errors import AccessDenied, NotFound, OpsError
from cruddur_ops.network import address, groups
from cruddur_ops.network.reachability import reachability
from cruddur_ops.network.routes import Address, Item
from cruddur_ops.network.rules import as_filters, rules_of
from cruddur_ops.network.tunnel import entrance
from cruddur_ops.rds import instances
from cruddur_ops.rds.instances import Instance
from cruddur_ops.target import Target

INSTANCE, TCP = "instance", "TCP"
WAY = (packet.ADDRESS, packet.GROUP, packet.ACL, packet.ROUTE, packet.SUBNETS)  # of a packet that takes no tunnel
LOGIN = ("pg_hba", "login", "connections", "database", "role")
READ_ONLY = "read only"
FROM_ADDRESS = (packet.GROUP, packet.ACL, packet.ROUTE)
SERVER = (TCP, certificate.NAME, *LOGIN, READ_ONLY)
DESCRIPTION = "RDSNetworkInterface"  # of those of DB instances (Amazon RDS User Guide, "Working with a DB instance in a VPC")
SHORT, LONG = 1.0, 5.0  # seconds to wait for an answer: where none is awaited, and where one is
HALF = 0.5
NOTHING_IN_THE_WAY = (
    "nothing on AWS's side is in the way: see whether this network lets you out to the port, and the instance's load"
    " with `cruddur-ops rds status`"
)


def diagnose(target: Target) -> Ladder:
    """Look at each step on the way from here to the database, in the order in which a packet and a login go."""
    title = f"connection to {target.name}"
    if target.connection_url:
        return climbed(title, (packet.NAME, *SERVER), _by_url(target))
    tunnelled = bool(target.tunnel_address or target.tunnel_port)
    names = [FIRST, INSTANCE, *([] if tunnelled else [packet.NAME, packet.PUBLIC, *WAY]), *SERVER]
    with moment.one():
        return climbed(title, names, _by_aws(target, tunnelled))


def _by_aws(target: Target, tunnelled: bool) -> Iterator[Rung]:
    """A way that AWS's side shuts is open all the same where the server answers: then one comes by another, such as a VPN."""
    first = decided(FIRST, lambda: passed(FIRST, preflight.check(target).caller))
    yield first
    if first.state is State.FAILED:
        return
    second = decided(INSTANCE, lambda: _instance(target))
    item = groups.instance(target) if second.state is not State.UNKNOWN else {}
    found = instances.described(item) if item else None
    if found is None or not found.host:
        yield second
        return
    way = [second, *([] if tunnelled else _Way(target, found).rungs())]
    shut = any(rung.state is State.FAILED for rung in way)
    place, port = entrance(target, found.endpoint_port)
    there = Place(place or found.host, port, found.host, found)
    answers = reachability(there.address, port, SHORT if shut else LONG) == "answers"
    for rung in way:
        opened = answers and rung.state is State.FAILED
        yield passed(rung.name, f"{rung.fact}; yet the server answers, so you come another way") if opened else rung
    if answers or not shut:
        yield from _by_server(target, there, answers, "verify-full")


def _instance(target: Target) -> Rung:
    found = instances.require(target)
    instances.require_ready(found)
    if not found.host:
        return failed(INSTANCE, f"{found.identifier} has no endpoint yet", "run 01_provision_rds, which waits for it")
    return passed(INSTANCE, f"{found.identifier} is {found.status}")


@dataclass(frozen=True)
class _Way:
    """AWS's side of the way to an instance: each thing is asked for once, when a rung needs it."""

    target: Target
    found: Instance

    def rungs(self) -> list[Rung]:
        """In the order of the ladder."""
        decisions = {
            packet.NAME: self._name,
            packet.PUBLIC: lambda: packet.public_access(self.found),
            packet.ADDRESS: self._address,
            packet.GROUP: self._group,
            packet.ACL: self._acl,
            packet.ROUTE: self._route,
            packet.SUBNETS: lambda: packet.subnets(self.found),
        }
        rungs = [decided(name, decide) for name, decide in decisions.items() if name not in FROM_ADDRESS or self._known]
        return [*rungs, *([] if self._known else [unknown(name, "your address is not known") for name in FROM_ADDRESS])]

    def _name(self) -> Rung:
        resolved = _resolved(self.found.host)
        return packet.name(self.found.host, resolved, self._interfaces() if resolved else ())

    def _address(self) -> Rung:
        set_by = self.target.sources.get("operator_address", "the target")
        given, seen = self._given, None
        if given is None or not address.private(given):
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
        return as_filters({"vpc-id": [self.found.vpc_id]})

    def _entries(self, prefix_list: str) -> list[str]:
        found = aws.pages(self.target, "ec2", "get_managed_prefix_list_entries", PrefixListId=prefix_list)
        return [str(one["Cidr"]) for one in found]

    def _interfaces(self) -> list[Item]:
        filters = {"description": [DESCRIPTION], "group-id": self.found.security_group_ids, "vpc-id": [self.found.vpc_id]}
        return aws.pages(self.target, "ec2", "describe_network_interfaces", Filters=as_filters(filters))

    @property
    def _subnets(self) -> list[str]:
        return packet.subnets_of(self.found)

    @cached_property
    def _given(self) -> address.Network | None:
        return address.given(self.target.operator_address) if self.target.operator_address else None

    @cached_property
    def _seen(self) -> address.Network:
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


@dataclass(frozen=True)
class Place:
    """Where a server is: the address to connect to, and the name that it proves; which instance that is, where RDS is asked."""

    address: str
    port: int
    host: str
    instance: Instance | None = None
    root: str = ""


def _resolved(host: str) -> list[str]:
    """The addresses of a name; none where it is not known."""
    try:
        return sorted({str(one[4][0]) for one in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)})
    except OSError:
        return []


def _by_url(target: Target) -> Iterator[Rung]:
    found = locate(target)
    if "," in found.host or found.host.startswith(("/", "@")):
        yield passed(packet.NAME, "a Unix socket, or several hosts: libpq finds its way")
        yield passed(certificate.NAME, "as libpq has it")
        yield from _after_connecting(target, (TCP, *LOGIN))
        return
    resolved = _resolved(str(found.options.get("hostaddr", found.host)))
    yield packet.name(found.host, resolved, ())
    if not resolved:
        return
    address = str(found.options.get("hostaddr", found.host))
    place = Place(address, int(found.port or 5432), found.host, root=str(found.options.get("sslrootcert", "")))
    answers = reachability(place.address, place.port, LONG) == "answers"
    yield from _by_server(target, place, answers, str(found.options.get("sslmode", "prefer")))


def _by_server(target: Target, place: Place, answers: bool, mode: str) -> Iterator[Rung]:
    """What the server itself says: whether it answers, who it is, whom it lets in."""
    if answers:
        yield passed(TCP, f"the server answers on port {place.port}")
        seen = decided(certificate.NAME, lambda: _certificate(target, place, mode))
        yield seen
        if seen.state is State.FAILED:
            return
    yield from _after_connecting(target, LOGIN if answers else ())


def _certificate(target: Target, place: Place, mode: str) -> Rung:
    root = root_certificate(target) if place.instance else Path(place.root)
    if mode not in certificate.REQUIRING or (mode.startswith("verify") and not root.is_file()):
        return passed(certificate.NAME, f"left to libpq (sslmode {mode})")
    seen = certificate.shake(place.address, place.port, place.host, mode, root)
    if place.instance is None:
        return certificate.tls(seen, mode, root)
    return certificate.tls(seen, mode, root, place.instance.certificate_valid_until, _authority(target, place.instance))


def _authority(target: Target, instance: Instance) -> str:
    """What signs its certificate, and until when: then, at the latest, another one is to be chosen."""
    name = instance.raw.get("CACertificateIdentifier", "")
    try:
        found = aws.find(target, "rds", "describe_certificates", "CertificateNotFound", CertificateIdentifier=name)
    except AccessDenied as error:
        return f"{name}, of which {error}"
    return f"{name}, until {found['Certificates'][0]['ValidTill']:%Y-%m-%d}" if found else name


def _after_connecting(target: Target, before: Sequence[str]) -> Iterator[Rung]:
    """The rungs of a login, by how far it came: those before the one on which it ended passed."""
    try:
        with connect(target, connect_timeout=int(LONG)) as connection:
            facts = ask(connection, "operations/diagnosis")[0]
    except DatabaseUnreachable as error:
        name, fact, remedy = error.rung
        yield from (passed(one, "came this far") for one in before[: before.index(name) if name in before else 0])
        fact += _secret(target) if isinstance(error, LoginRefused) and name == "login" else ""
        yield failed(name, fact, NOTHING_IN_THE_WAY if remedy == SILENT.rds else remedy)
    except OpsError as error:
        yield refused("login", error)
    else:
        yield from (passed(TCP, "the server answers") for one in before if one == TCP)
        yield from _inside(target, facts)


def _inside(target: Target, facts: Mapping[str, Any]) -> Iterator[Rung]:
    """The rungs of a login that came about."""
    yield passed("pg_hba", "admits the connection")
    found = locate(target)
    yield passed("login", f"user {found.user or facts['user']}; the password is {found.origin}")
    share = facts["connections"] / facts["most"]
    taken = "less than half" if share < HALF else f"{facts['connections']} of {facts['most']}"
    yield passed("connections", f"{taken} of the connections are taken")
    yield passed("database", f"{facts['database']} lets the user in")
    yield passed("role", facts["user"])
    yield _writable(target, facts)


def _writable(target: Target, facts: Mapping[str, Any]) -> Rung:
    source = "" if target.connection_url else groups.instance(target).get("ReadReplicaSourceDBInstanceIdentifier", "")
    if source:
        return passed(READ_ONLY, f"it only reads, as a replica of {source} does")
    if facts["recovery"]:
        return failed(
            READ_ONLY, "the server is in recovery, and only reads", "connect to the primary, or wait until it is restored"
        )
    if facts["read_only"]:
        fact = "default_transaction_read_only is on for this role, database or server"
        return failed(READ_ONLY, fact, "RESET it with ALTER ROLE or ALTER DATABASE, or in the parameter group")
    return passed(READ_ONLY, "it can be written to")


def _secret(target: Target) -> str:
    """How old the password is that was refused, and what RDS does with it."""
    found = locate(target)
    if not found.secret:
        return ""
    managed = groups.instance(target).get("MasterUserSecret", {})
    status = managed.get("SecretStatus", "") if managed.get("SecretArn") == found.secret else ""
    try:
        item = aws.find(target, "secretsmanager", "describe_secret", credentials.ABSENT_CODE, SecretId=found.secret) or {}
    except AccessDenied as error:
        return f"; of its secret {error}"
    changed = item.get("LastChangedDate") or item.get("CreatedDate")
    age = f" {(datetime.now(UTC) - changed).total_seconds() / 3600:.1f} hours ago" if changed else ", when is not known"
    return f"; its secret{f' ({status})' if status else ''} was last changed{age}"
