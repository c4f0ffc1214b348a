"""VPCs and subnets: their attributes, which change one at a time, and the zones and sizes of subnets.

Source: Amazon EC2 API Reference, ModifyVpcAttribute, ModifySubnetAttribute, CreateSubnet, CreateDefaultSubnet; Amazon VPC User
Guide, "Subnet sizing for IPv4"; the sentences are as users of Terraform report them.
"""

from __future__ import annotations

from typing import Any

from moto.core.utils import camelcase_to_underscores
from moto.ec2.exceptions import InvalidParameterCombination

from rds_sandbox.patches import Request, action


@action("ec2", "ModifyVpcAttribute")
def modify_vpc(request: Request) -> dict[str, Any]:
    """One attribute."""
    [(name, value)] = _changed(request, "VpcId").items()
    request.backend.modify_vpc_attribute(request.parameters["VpcId"], camelcase_to_underscores(name), value)
    return {}


def _changed(request: Request, identifier: str) -> dict[str, bool]:
    """The attribute that a request changes."""
    asked = {name: setting["Value"] for name, setting in request.parameters.items() if name != identifier}
    if len(asked) > 1:
        names = ", ".join(sorted(name[0].lower() + name[1:] for name in asked))
        raise InvalidParameterCombination(f"Fields for multiple attribute types specified: {names}")
    if not asked:
        raise InvalidParameterCombination("No attributes specified.")
    return asked
