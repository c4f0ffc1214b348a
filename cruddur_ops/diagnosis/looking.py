"""Why a target's database can, or cannot, be reached: one ladder, by AWS's side and by the server, or by a connection URL."""

from collections.abc import Iterator

from cruddur_ops import moment, preflight
from cruddur_ops.database.location import locate
from cruddur_ops.diagnosis import certificate, packet, server, way
from cruddur_ops.diagnosis.ladder import FIRST, Ladder, Rung, State, climbed, decided, failed, passed
from cruddur_ops.diagnosis.server import Place
from cruddur_ops.network import groups
from cruddur_ops.network.reachability import reachability
from cruddur_ops.network.tunnel import entrance, leads
from cruddur_ops.rds import instances
from cruddur_ops.target import PORT, Target

INSTANCE = "instance"
SHORT = 1.0  # seconds to wait for an answer where none is awaited


def diagnose(target: Target) -> Ladder:
    """Look at each step on the way from here to the database, in the order in which a packet and a login go."""
    title = f"connection to {target.name}"
    if target.connection_url:
        return climbed(target.name, title, (packet.NAME, *server.NAMES), _by_url(target))
    tunnelled = leads(target)
    names = [FIRST, INSTANCE, *([] if tunnelled else way.NAMES), *server.NAMES]
    with moment.one():
        return climbed(target.name, title, names, _by_aws(target, tunnelled))


def _by_aws(target: Target, tunnelled: bool) -> Iterator[Rung]:
    """A way that AWS's side shuts is open all the same where the server answers: then one comes by another, such as a VPN."""
    first = decided(FIRST, lambda: passed(FIRST, preflight.check(target).caller))
    yield first
    if first.state is State.FAILED:
        return
    second = decided(INSTANCE, lambda: instance(target))
    item = groups.instance(target) if second.state is not State.UNKNOWN else {}
    found = instances.described(item) if item else None
    if found is None or not found.host:
        yield second
        return
    steps = [second, *([] if tunnelled else way.Way(target, found).rungs())]
    shut = any(rung.state is State.FAILED for rung in steps)
    place, port = entrance(target, found.endpoint_port)
    there = Place(place or found.host, port, found.host, found)
    answers = reachability(there.address, port, SHORT if shut else server.SECONDS) == "answers"
    for rung in steps:
        opened = answers and rung.state is State.FAILED
        yield passed(rung.name, f"{rung.fact}; yet the server answers, so you come another way") if opened else rung
    if answers or not shut:
        yield from server.rungs(target, there, answers, "verify-full")


def instance(target: Target) -> Rung:
    """Whether it is there, and in a state in which it takes connections."""
    found = instances.require(target)
    instances.require_ready(found)
    if not found.host:
        return failed(INSTANCE, f"{found.identifier} has no endpoint yet", "run 01_provision_rds, which waits for it")
    return passed(INSTANCE, f"{found.identifier} is {found.status}")


def _by_url(target: Target) -> Iterator[Rung]:
    found = locate(target)
    if "," in found.host or found.host.startswith(("/", "@")):
        yield passed(packet.NAME, "a Unix socket, or several hosts: libpq finds its way")
        yield passed(certificate.NAME, "as libpq has it")
        yield from server.after_connecting(target, (server.TCP, *server.LOGIN))
        return
    address = str(found.options.get("hostaddr", found.host))
    resolved = way.addresses_of(address)
    yield packet.name(found.host, resolved, ())
    if not resolved:
        return
    place = Place(address, int(found.port or PORT), found.host, root=str(found.options.get("sslrootcert", "")))
    answers = reachability(place.address, place.port, server.SECONDS) == "answers"
    yield from server.rungs(target, place, answers, str(found.options.get("sslmode", "prefer")))
