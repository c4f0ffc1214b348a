"""Who connects: which public address, or which network interface of the VPC, a connection on loopback stands for."""

from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

import psutil

OPERATOR_ADDRESS = "203.0.113.10"  # TEST-NET-3: addresses for documentation (RFC 5737)
LAMBDA_ADDRESS = "192.0.2.44"  # TEST-NET-1; one of AWS's own, from which a function outside a VPC connects

Peer = tuple[str, int]  # address and port of the far end of an accepted connection


@dataclass(frozen=True)
class Caller:
    """Who connects, as the VPC sees it."""

    address: IPv4Address | IPv6Address  # the source address of the connection
    security_groups: frozenset[str] = frozenset()  # of the network interface that it comes from; empty for the internet
    inside_vpc: bool = False  # whether it comes from such an interface


@dataclass(frozen=True)
class Origin:
    """Where a connection comes from, found once, when it is accepted."""

    interface: str | None = None  # the id of the network interface of the VPC; None for the internet
    address: str | None = None  # the public address; None for that of the operator, whatever it is by now
    process: int | None = None  # the id of the function's process


@dataclass
class Callers:
    """The identities of the programs on this machine that connect to the sandbox.

    Whoever is not listed comes from the internet, with the operator's public address.
    """

    operator: str = OPERATOR_ADDRESS  # that public address; IPv4 or IPv6
    # loopback address to the id of the network interface that it stands for
    interfaces: dict[str, str] = field(default_factory=dict)
    # id of a function's process that has an event, to that of its network interface; None outside a VPC
    processes: dict[int, str | None] = field(default_factory=dict)

    def origin(self, peer: Peer) -> Origin:
        """Where an accepted connection comes from; processes are searched only while a function runs."""
        for process, interface in list(self.processes.items()):
            if _holds(process, peer):
                return Origin(interface, None if interface else LAMBDA_ADDRESS, process)
        return Origin(self.interfaces.get(peer[0]))

    def identify(self, origin: Origin, ec2: Any) -> Caller:
        """The caller, its interface read from EC2 at this moment."""
        interface = ec2.enis.get(origin.interface)
        if interface is None:
            gone = LAMBDA_ADDRESS if origin.interface else None
            return Caller(ip_address(origin.address or gone or self.operator))
        groups = frozenset(group.id for group in interface.group_set)
        return Caller(ip_address(interface.private_ip_address), groups, inside_vpc=True)


def _holds(process: int, peer: Peer) -> bool:
    """Whether the process has the socket that is bound to this address and port."""
    with suppress(psutil.Error):
        return any(connection.laddr == peer for connection in psutil.Process(process).net_connections("tcp4"))
    return False
