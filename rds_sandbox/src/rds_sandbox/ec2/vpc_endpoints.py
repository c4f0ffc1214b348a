"""Whether a function in a VPC reaches the API of an AWS service: it has no public address.

It asks an interface endpoint by the service's name, where that has private DNS, or by the endpoint's own name. Source: AWS
Lambda Developer Guide, "Enable internet access for VPC-connected Lambda functions"; Amazon VPC User Guide, "Access an AWS
service using an interface VPC endpoint".
"""

import re
import time
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from typing import Any

import psutil
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.ec2.models import ec2_backends

from rds_sandbox.callers import Caller, Callers, Peer
from rds_sandbox.ec2.access import admits
from rds_sandbox.ec2.internet import EVERYWHERE, routes_of
from rds_sandbox.gateway import LOOK_AGAIN_SECONDS, SILENCE_SECONDS

HTTPS = 443
OWN_NAME = re.compile(r"https://(vpce-[0-9a-f]+)-[\w.-]+")  # of an endpoint, in the URL that a program is given
VARIABLE = "RDS_SANDBOX_VPC_ENDPOINTS"  # those whose names a function was given: in the sandbox they do not resolve
WAYS_OUT = ("nat_gateway", "transit_gateway", "instance", "interface")  # an internet gateway alone is none


def wait_for_a_way(callers: Callers, peer: Peer, region: str, service: str) -> None:
    """Return at once, but for a function in a VPC without a way to the service: then once it has one, or has ended."""
    origin = callers.origin(peer)
    if origin.interface is None or origin.process is None:
        return
    ec2 = ec2_backends[DEFAULT_ACCOUNT_ID][region]
    interface, caller = ec2.enis.get(origin.interface), callers.identify(origin, ec2)
    named: Collection[str] = ()
    with suppress(psutil.Error):
        named = psutil.Process(origin.process).environ().get(VARIABLE, "").split()
    deadline = time.monotonic() + SILENCE_SECONDS
    while interface and not reaches(ec2, interface, caller, f"com.amazonaws.{region}.{service}", named):
        if origin.process not in callers.processes or time.monotonic() > deadline:
            return
        time.sleep(LOOK_AGAIN_SECONDS)


def resolved(variables: Mapping[str, str], url: str) -> dict[str, str]:
    """A function's variables with the sandbox's URL in the place of endpoints' own names, and with what was replaced."""
    names = {name: found[1] for name, value in variables.items() if (found := OWN_NAME.match(value))}
    given = {name: url for name in names if name.startswith("AWS_ENDPOINT_URL")}
    return {**variables, **given, **({VARIABLE: " ".join(names[name] for name in given)} if given else {})}


def reaches(ec2: Any, interface: Any, caller: Caller, service_name: str, named: Collection[str] = ()) -> bool:
    """Whether the VPC has an endpoint for com.amazonaws.REGION.SERVICE that admits the caller, or a route out of it.

    The caller is the interface as security groups see it, and was given the endpoints of the ids in `named` by their own names.
    """
    endpoints = [end for end in ec2.vpc_end_points.values() if (end.vpc_id, end.service_name) == (interface.vpc_id, service_name)]
    routes = routes_of(ec2, interface.vpc_id, interface.subnet_id)
    return any(_serves(ec2, end, routes, caller, named) for end in endpoints) or _leads_out(routes)


def _serves(ec2: Any, endpoint: Any, routes: Iterable[Any], caller: Caller, named: Collection[str]) -> bool:
    """A gateway endpoint is a route; an interface endpoint stands behind security groups, and behind a name."""
    if endpoint.vpc_endpoint_type != "Interface":
        return any(route.gateway is endpoint for route in routes)
    groups = endpoint.security_group_ids or [ec2.get_default_security_group(endpoint.vpc_id).id]
    known = endpoint.private_dns_enabled or endpoint.id in named
    return endpoint.state == "available" and known and admits(groups, caller, HTTPS, ec2)


def _leads_out(routes: Iterable[Any]) -> bool:
    """Whether the default route of a subnet leaves the VPC for an address that is not public."""
    default = [route for route in routes if route.destination_cidr_block == EVERYWHERE]
    return any(route.state == "active" and getattr(route, way) for route in default for way in WAYS_OUT)
