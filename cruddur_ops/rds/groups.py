"""The security group of the DB instance: the runbook's own, or the one that DB_SG_ID names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cruddur_ops import aws, tags
from cruddur_ops.calls import Call
from cruddur_ops.errors import GroupMissing
from cruddur_ops.plan import Action, Change, Plan, step

if TYPE_CHECKING:
    from cruddur_ops.targets import Target


@dataclass(frozen=True)
class Group:
    """A security group.

    Attributes:
        id: EC2's.
        name: unique in its VPC.
        vpc_id: of the VPC that it belongs to.
    """

    id: str
    name: str
    vpc_id: str


def group_name(target: Target) -> str:
    """The name of the runbook's own group for this instance."""
    return f"{target.db_instance_identifier}-access"


def describe(target: Target) -> Group | None:
    """The group that DB_SG_ID names, else the runbook's own in the default VPC; None where that is not there.

    Raises:
        GroupMissing: the named group does not exist, or there is no default VPC.
    """
    if target.security_group_id:
        return _named(target)
    found = find(target, {"group-name": [group_name(target)], "vpc-id": [default_vpc(target)]})
    return found[0] if found else None


def _named(target: Target) -> Group:
    found = find(target, {"group-id": [target.security_group_id]})
    if not found:
        message = (
            f"there is no security group {target.security_group_id} in {target.region}: "
            "correct DB_SG_ID, or unset it to use the runbook's own group"
        )
        raise GroupMissing(message)
    return found[0]


def find(target: Target, filters: Mapping[str, Sequence[str]]) -> list[Group]:
    """The groups that pass all filters, each with one of its values; unlike a look-up by id, none found is no error."""
    wanted = [{"Name": name, "Values": list(values)} for name, values in filters.items()]
    pages = aws.client(target, "ec2").get_paginator("describe_security_groups").paginate(Filters=wanted)
    found: list[dict[str, Any]] = [item for page in pages for item in page["SecurityGroups"]]
    return [Group(item["GroupId"], item["GroupName"], item["VpcId"]) for item in found]


def own(target: Target) -> list[Group]:
    """The runbook's own group, in whichever VPC it is; none where there is none."""
    return find(target, {"group-name": [group_name(target)], "tag:ManagedBy": [tags.MANAGED_BY]})


def made_rules(target: Target, group_id: str) -> list[str]:
    """The ids of the inbound rules that the runbook made in a group."""
    filters = [{"Name": "group-id", "Values": [group_id]}, {"Name": "tag:ManagedBy", "Values": [tags.MANAGED_BY]}]
    pages = aws.client(target, "ec2").get_paginator("describe_security_group_rules").paginate(Filters=filters)
    items = [item for page in pages for item in page["SecurityGroupRules"] if not item["IsEgress"]]
    return sorted(item["SecurityGroupRuleId"] for item in items)


def default_vpc(target: Target) -> str:
    """The id of the region's default VPC.

    Raises:
        GroupMissing: it has none.
    """
    answer = aws.client(target, "ec2").describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])
    if not answer["Vpcs"]:
        message = (
            f"{target.region} has no default VPC: make one with `aws ec2 create-default-vpc`, "
            "or name a security group in DB_SG_ID"
        )
        raise GroupMissing(message)
    return str(answer["Vpcs"][0]["VpcId"])


@step
def plan_group(target: Target) -> Plan:
    """Create the runbook's group where it is missing.

    Raises:
        GroupMissing: the group that DB_SG_ID names does not exist, or there is no default VPC.
    """
    found = describe(target)
    if found:
        change = Change(Action.NONE, f"security group {found.name}")
    else:
        change = Change(Action.CREATE, f"security group {group_name(target)}", calls=(_creation(target),))
    return Plan(f"security group on {target.name}", (change,))


def _creation(target: Target) -> Call:
    labels = tags.as_list(tags.wanted(target.owner, target.instance_days, tags.today()))
    parameters = {
        "GroupName": group_name(target),
        "Description": f"Who may connect to {target.db_instance_identifier}",
        "VpcId": default_vpc(target),
        "TagSpecifications": [{"ResourceType": "security-group", "Tags": labels}],
    }
    return Call("ec2", "create_security_group", parameters)
