"""Security groups: the DB instance's own, or the one that DB_SG_ID names; found, and made.

Looking for the instance's raises NotFound where DB_SG_ID names none, or where there is no default VPC for the runbook's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cruddur_ops import aws, tags
from cruddur_ops.calls import Call
from cruddur_ops.errors import NotFound
from cruddur_ops.network.rules import MADE_HERE, as_filters
from cruddur_ops.plan import Action, Change, Plan, step
from cruddur_ops.targets import Target


@dataclass(frozen=True)
class Group:
    """A security group; its name is unique in its VPC."""

    id: str
    name: str
    vpc_id: str


def group_name(target: Target) -> str:
    """The name of the runbook's own group for this instance."""
    return f"{target.db_instance_identifier}-access"


def find(target: Target, filters: Mapping[str, Iterable[str]]) -> list[Group]:
    """The groups that pass all filters, each with one of its values; unlike a look-up by id, none found is no error."""
    found = aws.pages(target, "ec2", "describe_security_groups", Filters=as_filters(filters))
    return [Group(item["GroupId"], item["GroupName"], item["VpcId"]) for item in found]


def describe(target: Target) -> Group | None:
    """The group that DB_SG_ID names, else the runbook's own in the default VPC; None where that is not there."""
    if target.security_group_id:
        return named(target, target.security_group_id)
    found = find(target, {"group-name": [group_name(target)], "vpc-id": [default_vpc(target)]})
    return found[0] if found else None


def named(target: Target, group_id: str) -> Group:
    """The group of this id."""
    found = find(target, {"group-id": [group_id]})
    if not found:
        remedy = "correct DB_SG_ID, or unset it to use the runbook's own group"
        raise NotFound(f"there is no security group {group_id} in {target.region}: {remedy}")
    return found[0]


def own(target: Target) -> list[Group]:
    """The runbook's own group, in whichever VPC it is; none where there is none."""
    return find(target, {"group-name": [group_name(target)]} | MADE_HERE)


def default_vpc(target: Target) -> str:
    """The id of the region's default VPC."""
    found = aws.pages(target, "ec2", "describe_vpcs", Filters=as_filters({"is-default": ["true"]}))
    if not found:
        remedy = "make one with `aws ec2 create-default-vpc`, or name a security group in DB_SG_ID"
        raise NotFound(f"{target.region} has no default VPC: {remedy}")
    return str(found[0]["VpcId"])


@step
def plan_group(target: Target) -> Plan:
    """Create the runbook's group where it is missing."""
    found, title = describe(target), f"security group on {target.name}"
    if found:
        return Plan(title, (Change(Action.NONE, f"security group {found.name}"),))
    description = f"Who may connect to {target.db_instance_identifier}"
    return Plan(title, (create_group_change(target, group_name(target), description, default_vpc(target)),))


def create_group_change(target: Target, name: str, description: str, vpc_id: str) -> Change:
    """Make a security group that lets nobody in, with the runbook's tags."""
    labels = [{"ResourceType": "security-group", "Tags": tags.as_list(tags.of(target))}]
    parameters = {"GroupName": name, "Description": description, "VpcId": vpc_id, "TagSpecifications": labels}
    return Change(Action.CREATE, f"security group {name}", calls=(Call("ec2", "create_security_group", parameters),))
