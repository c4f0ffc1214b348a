"""VPC endpoints as EC2 keeps them: of which type they are, when they have private DNS, how they change and go.

Source: Amazon EC2 API Reference, CreateVpcEndpoint, ModifyVpcEndpoint, DeleteVpcEndpoints; AWS PrivateLink Guide, "Access an AWS
service using an interface VPC endpoint"; the sentences are as users of Terraform report them.
"""

import json
from typing import Any

from moto.ec2.exceptions import InvalidParameter, InvalidVpcEndPointIdError
from moto.ec2.models.vpcs import VPCBackend

from rds_sandbox.ec2.endpoint_services import types_of
from rds_sandbox.ec2.internet import names_hosts
from rds_sandbox.ec2.network_interfaces import endpoints_of
from rds_sandbox.ec2.sources import find_group
from rds_sandbox.patches import MOTO, Request, action, replaces

_create = VPCBackend.create_vpc_endpoint


@replaces(VPCBackend, "create_vpc_endpoint")
def create_vpc_endpoint(ec2: Any, vpc_id: str, service_name: str, endpoint_type: str | None = None, **given: Any) -> Any:
    """Of a type that the service has; a gateway has no private DNS."""
    kind, types = endpoint_type or "Gateway", types_of(ec2, service_name)
    if kind not in types:
        raise InvalidParameter(f"Endpoint type ({kind}) does not match available service types ([{', '.join(types)}]).")
    tables = given.pop("route_table_ids", None) or []
    if kind != "Gateway" and tables:
        raise InvalidParameter("Route table IDs are only supported for Gateway type VPC Endpoint.")
    named = kind == "Interface" and bool(given.get("private_dns_enabled"))
    if named:
        _check_private_dns(ec2, ec2.get_vpc(vpc_id), service_name)
    for table in tables:
        ec2.get_route_table(table)
    for group in given.get("security_group_ids") or ():
        find_group(ec2, group)
    more = {"policy_document": None, **given, "route_table_ids": tables, "private_dns_enabled": named}
    return _create(ec2, vpc_id, service_name, kind, **more)


def _check_private_dns(ec2: Any, vpc: Any, service_name: str) -> None:
    """The VPC resolves names, and no other endpoint there has those of the service."""
    if not names_hosts(vpc):
        needed = "both enableDnsSupport and enableDnsHostnames VPC attributes set to true"
        raise InvalidParameter(f"Enabling private DNS requires {needed} for {vpc.id}")
    others = [each for each in endpoints_of(ec2).values() if (each.vpc_id, each.service_name) == (vpc.id, service_name)]
    if any(each.private_dns_enabled for each in others):
        domain = f"{service_name.rpartition('.')[2]}.{ec2.region_name}.amazonaws.com in the VPC {vpc.id}"
        raise InvalidParameter(
            f"private-dns-enabled cannot be set because there is already a conflicting DNS domain for {domain}"
        )


@action("ec2", "ModifyVpcEndpoint")
def modify(request: Request) -> object:
    """Policy and private DNS; subnets are left, security groups exchanged."""
    asked, ec2 = request.parameters, request.backend
    endpoint, named = endpoints_of(ec2).get(asked["VpcEndpointId"]), asked.get("PrivateDnsEnabled")
    if endpoint is None:
        raise InvalidVpcEndPointIdError(asked["VpcEndpointId"])
    if named and endpoint.vpc_endpoint_type != "Interface":
        raise InvalidParameter("Private DNS is only supported for Interface type VPC Endpoint.")
    if named and not endpoint.private_dns_enabled:
        _check_private_dns(ec2, ec2.get_vpc(endpoint.vpc_id), endpoint.service_name)
    for group in asked.get("AddSecurityGroupIds") or ():
        find_group(ec2, group)
    endpoint.private_dns_enabled = endpoint.private_dns_enabled if named is None else named
    if asked.get("ResetPolicy"):
        endpoint.policy_document = json.dumps(endpoint.DEFAULT_POLICY)
    return MOTO


@action("ec2", "DeleteVpcEndpoints")
def delete(request: Request) -> dict[str, Any]:
    """With their network interfaces and routes; those that are not there are told."""
    ec2, missing = request.backend, []
    for each in request.parameters["VpcEndpointIds"]:
        endpoint = endpoints_of(ec2).get(each)
        if endpoint is None:
            error = {"Code": "InvalidVpcEndpoint.NotFound", "Message": f"The Vpc Endpoint Id '{each}' does not exist"}
            missing.append({"ResourceId": each, "Error": error})
        else:
            _delete(ec2, endpoint)
    return {"Unsuccessful": missing}


def _delete(ec2: Any, endpoint: Any) -> None:
    for interface in endpoint.network_interface_ids:
        ec2.enis.pop(interface, None)
    for table in ec2.route_tables.values():
        table._routes = {name: route for name, route in table._routes.items() if route.gateway is not endpoint}
    endpoint.state = "deleted"
