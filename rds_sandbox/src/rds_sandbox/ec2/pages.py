"""Pages of EC2's lists.

Source: Amazon EC2 API Reference, "Pagination"; botocore's model has the range of MaxResults, where an action has one.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from moto.core.utils import camelcase_to_underscores
from moto.ec2.exceptions import InvalidNextToken

from rds_sandbox import pages
from rds_sandbox.patches import Request, action

LISTS = (
    "InternetGateways", "ManagedPrefixLists", "NatGateways", "NetworkAcls", "RouteTables", "Subnets", "Tags", "VpcEndpoints",
    "Vpcs",
)  # fmt: skip


def paged(member: str, rows: Sequence[Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """The result with those rows that MaxResults and NextToken ask for, all of them by default, under this member's name."""
    token = asked.get("NextToken")
    page, rest = pages.cut(rows, token, asked.get("MaxResults") or len(rows), InvalidNextToken(str(token)))
    return {member: page, "NextToken": rest}


@action("ec2", *(f"Describe{each}" for each in LISTS))
def listed(request: Request) -> dict[str, Any]:
    [(member, rows)] = getattr(request.moto, camelcase_to_underscores(request.name))().result.items()
    return paged(member, rows, request.parameters)
