"""Tags of EC2's resources, and what the Resource Groups Tagging API finds of them that moto does not list.

Source: Amazon EC2 API Reference, DescribeTags and DeleteTags.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from moto.core.resource_tagging import TaggedResource
from moto.core.utils import aws_api_matches
from moto.ec2.exceptions import InvalidFilter
from moto.ec2.models import EC2Backend, validate_resource_ids

from rds_sandbox.ec2.network_interfaces import endpoints_of
from rds_sandbox.patches import MOTO, Request, action, replaces

FILTERS = ("key", "resource-id", "resource-type", "value")
_listed = EC2Backend.iter_tagged_resources
_described = EC2Backend.describe_tags


@replaces(EC2Backend, "iter_tagged_resources")
def iter_tagged_resources(ec2: Any) -> Iterator[TaggedResource]:
    yield from _listed(ec2)
    groups = [group for vpc in list(ec2.groups.values()) for group in list(vpc.values())]
    rules = [rule.id for group in groups for rule in (*group.ingress_rules, *group.egress_rules)]
    place = f"arn:{ec2.partition}:ec2:{ec2.region_name}:{ec2.account_id}"
    for kind, ids in (("security-group-rule", rules), ("vpc-endpoint", endpoints_of(ec2))):
        for each in ids:
            yield TaggedResource(f"{place}:{kind}/{each}", dict(ec2.tags.get(each, {})), f"ec2:{kind}")


@replaces(EC2Backend, "describe_tags")
def describe_tags(ec2: Any, filters: Mapping[str, Iterable[str]] | None = None) -> list[dict[str, str]]:
    """Those that all filters let through; `tag:KEY` lets through tags of this key."""
    asked = dict(filters or {})
    tags = {name: asked.pop(name) for name in list(asked) if name.startswith("tag:")}
    if unknown := next((name for name in asked if name not in FILTERS), None):
        raise InvalidFilter(unknown, "InvalidParameterValue")
    kinds = set(asked.pop("resource-type", ()))  # of which moto knows not all
    return [
        row
        for row in _described(ec2, asked)  # type: ignore[arg-type]
        if not kinds or row["resource_type"] in kinds
        if all(row["key"] == name[4:] and any(aws_api_matches(each, row["value"]) for each in tags[name]) for name in tags)
    ]


@action("ec2", "DeleteTags")
def delete(request: Request) -> object:
    """Those that are named, or all but AWS's own."""
    asked, tags = request.parameters, request.backend.tags
    if asked.get("Tags"):
        return MOTO
    validate_resource_ids(asked["Resources"])
    for each in asked["Resources"]:
        tags[each] = {key: value for key, value in tags[each].items() if key.startswith("aws:")}
    return {}
