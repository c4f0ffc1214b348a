"""Whether a function in a VPC reaches the API of an AWS service: it has no public address.

Source: AWS Lambda Developer Guide, "Enable internet access for VPC-connected Lambda functions"; Amazon VPC User Guide,
"Access an AWS service using an interface VPC endpoint".
"""

from __future__ import annotations

import time
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.ec2.models import ec2_backends

from rds_sandbox.callers import Caller, Callers, Peer
from rds_sandbox.ec2.access import admits
from rds_sandbox.gateway import LOOK_AGAIN_SECONDS, SILENCE_SECONDS

HTTPS = 443
WAYS_OUT = ("nat_gateway", "transit_gateway", "instance", "interface")  # an internet gateway alone is none


def wait_for_a_way(callers: Callers, peer: Peer, region: str, service: str) -> None:
    """Return at once, but for a function in a VPC without a way to the service: then once it has one, or has ended."""
    origin = callers.origin(peer)
    if origin.interface is None or origin.process is None:
        return
    ec2 = ec2_backends[DEFAULT_ACCOUNT_ID][region]
    interface, caller = ec2.enis.get(origin.interface), callers.identify(origin, ec2)
    deadline = time.monotonic() + SILENCE_SECONDS
    while interface and not reaches(ec2, interface, caller, f"com.amazonaws.{region}.{service}"):
        if origin.process not in callers.processes or time.monotonic() > deadline:
            return
        time.sleep(LOOK_AGAIN_SECONDS)


def reaches(ec2: Any, interface: Any, caller: Caller, service_name: str) -> bool:
    """Whether the VPC has an endpoint for the service that admits the caller, or a route out of it.

    Args:
        ec2: moto's backend of the region.
        interface: the network interface that the caller connects from.
        caller: the same, as security groups see it.
        service_name: of the endpoint, such as com.amazonaws.ca-central-1.secretsmanager.
    """
    endpoints = [end for end in ec2.vpc_end_points.values() if (end.vpc_id, end.service_name) == (interface.vpc_id, service_name)]
    return any(_serves(ec2, end, caller) for end in endpoints) or _leads_out(ec2, interface)


def _serves(ec2: Any, endpoint: Any, caller: Caller) -> bool:
    """A gateway endpoint is a route; an interface endpoint stands behind security groups, and behind a private name."""
    if (endpoint.vpc_endpoint_type or "Gateway").lower() != "interface":
        return True
    groups = endpoint.security_group_ids or [ec2.get_default_security_group(endpoint.vpc_id).id]
    return endpoint.state == "available" and endpoint.private_dns_enabled is not False and admits(groups, caller, HTTPS, ec2)


def _leads_out(ec2: Any, interface: Any) -> bool:
    """Whether the default route of the interface's subnet leaves the VPC for an address that is not public."""
    tables = [table for table in ec2.route_tables.values() if table.vpc_id == interface.vpc_id]
    own = [table for table in tables if any(each.get("SubnetId") == interface.subnet_id for each in table.associations)]
    used = own or [table for table in tables if table.main_association_id]
    default = [route for table in used for route in table.routes if route.destination_cidr_block == "0.0.0.0/0"]
    return any(getattr(route, way) for route in default for way in WAYS_OUT)
