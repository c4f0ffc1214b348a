"""What the Resource Groups Tagging API finds of EC2 that moto does not list: rules of security groups, and VPC endpoints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moto.core.resource_tagging import TaggedResource
from moto.ec2.models import EC2Backend

from rds_sandbox.patches import replaces

_listed = EC2Backend.iter_tagged_resources


@replaces(EC2Backend, "iter_tagged_resources")
def iter_tagged_resources(ec2: Any) -> Iterator[TaggedResource]:
    """moto's, and these that there still are."""
    yield from _listed(ec2)
    groups = [group for vpc in list(ec2.groups.values()) for group in list(vpc.values())]
    rules = [rule.id for group in groups for rule in (*group.ingress_rules, *group.egress_rules)]
    endpoints = [end.id for end in list(ec2.vpc_end_points.values()) if end.state != "deleted"]
    place = f"arn:{ec2.partition}:ec2:{ec2.region_name}:{ec2.account_id}"
    for kind, ids in (("security-group-rule", rules), ("vpc-endpoint", endpoints)):
        for each in ids:
            yield TaggedResource(f"{place}:{kind}/{each}", dict(ec2.tags.get(each, {})), f"ec2:{kind}")
