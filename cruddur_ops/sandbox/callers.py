"""Who connects: which public address, or which network interface of the VPC, a loopback address stands for."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

from cruddur_ops.sandbox.access import Caller

OPERATOR_ADDRESS = "203.0.113.10"  # TEST-NET-3: addresses for documentation (RFC 5737)


@dataclass
class Callers:
    """The identities of the programs on this machine that connect to the sandbox.

    Whoever is not listed comes from the internet, with the operator's public address.

    Attributes:
        operator: that public address; IPv4 or IPv6.
        interfaces: loopback address to the id of the network interface that it stands for.
    """

    operator: str = OPERATOR_ADDRESS
    interfaces: dict[str, str] = field(default_factory=dict)

    def identify(self, address: str, ec2: Any) -> Caller:
        """The caller behind a loopback address, its interface read from EC2 at this moment."""
        interface = ec2.enis.get(self.interfaces.get(address, ""))
        if interface is None:
            return Caller(ip_address(self.operator))
        groups = frozenset(group.id for group in interface.group_set)
        return Caller(ip_address(interface.private_ip_address), groups, inside_vpc=True)
