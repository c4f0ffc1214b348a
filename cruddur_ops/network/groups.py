"""Security groups: the DB instance's own, or the one that DB_SG_ID names; found, and made.

Looking for the instance's raises NotFound where DB_SG_ID or db_subnet_group_name names none, or where there is no default VPC
for the runbook's own; and WrongInput for a DB subnet group that RDS would not take.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cruddur_ops import aws, tags
from cruddur_ops.errors import NotFound, WrongInput
from cruddur_ops.network.rules import made_for
from cruddur_ops.plan import Action, Call, Change, Plan, step
from cruddur_ops.target import Target

ID = re.compile(r"sg-[0-9a-f]+")  # EC2 refuses to look for anything else
ABSENT_CODE, NO_SUBNETS_CODE = "DBInstanceNotFound", "DBSubnetGroupNotFoundFault"
LEAST_ZONES = 2


@dataclass(frozen=True)
class Group:
    """A security group; its name is unique in its VPC."""

    id: str
    name: str
    vpc_id: str
    tags: Mapping[str, str] = field(default_factory=dict, compare=False)


def group_name(target: Target) -> str:
    """The name of the runbook's own group for this instance."""
    return f"{target.db_instance_identifier}-access"


def find(target: Target, filters: Mapping[str, Iterable[str]]) -> list[Group]:
    """The groups that pass all filters, each with one of its values; unlike a look-up by id, none found is no error."""
    found = aws.pages(target, "ec2", "describe_security_groups", Filters=aws.as_filters(filters))
    return [Group(one["GroupId"], one["GroupName"], one["VpcId"], tags.as_mapping(one.get("Tags", []))) for one in found]


def describe(target: Target, item: Mapping[str, Any] | None = None) -> Group | None:
    """The group that DB_SG_ID names, else the runbook's own in the VPC of the instance; None where that is not there.

    Args:
        item: the DB instance as RDS describes it, where it was asked already; empty where there is none.
    """
    if target.security_group_id:
        return named(target, target.security_group_id)
    found = _named(target, _vpc(target, instance(target) if item is None else item))
    return next((one for one in found if tags.ours(target, one.tags) or tags.unclaimed(one.tags)), None)


def _named(target: Target, vpc_id: str) -> list[Group]:
    """What has the name of the runbook's own group there, whoever's it is."""
    return find(target, {"group-name": [group_name(target)], "vpc-id": [vpc_id]})


def instance(target: Target) -> Mapping[str, Any]:
    """The DB instance as RDS describes it; empty where there is none."""
    identifier = target.db_instance_identifier
    answer = aws.find(target, "rds", "describe_db_instances", ABSENT_CODE, DBInstanceIdentifier=identifier)
    return answer["DBInstances"][0] if answer else {}


def attached(item: Mapping[str, Any]) -> list[str]:
    """The ids of the groups that an instance has."""
    return sorted(group["VpcSecurityGroupId"] for group in item.get("VpcSecurityGroups", []))


def named(target: Target, group_id: str) -> Group:
    """The group of this id."""
    found = find(target, {"group-id": [group_id]}) if ID.fullmatch(group_id) else []
    if not found:
        remedy = "correct DB_SG_ID, or unset it to use the runbook's own group"
        raise NotFound(f"there is no security group {group_id} in {target.region}: {remedy}")
    return found[0]


def own(target: Target) -> list[Group]:
    """The runbook's own group, in whichever VPC it is; none where there is none."""
    return find(target, {"group-name": [group_name(target)]} | made_for(target))


def _vpc(target: Target, item: Mapping[str, Any]) -> str:
    """The id of the VPC of the instance, else of its DB subnet group, else of the region's default one."""
    if item:
        return str(item["DBSubnetGroup"]["VpcId"])
    if target.db_subnet_group_name:
        return _vpc_of_subnets(target, target.db_subnet_group_name)
    found = aws.pages(target, "ec2", "describe_vpcs", Filters=aws.as_filters({"is-default": ["true"]}))
    if not found:
        remedy = "make one with `aws ec2 create-default-vpc`, or name a DB subnet group in db_subnet_group_name"
        raise NotFound(f"{target.region} has no default VPC: {remedy}")
    return str(found[0]["VpcId"])


def _vpc_of_subnets(target: Target, name: str) -> str:
    """The VPC of a DB subnet group; RDS takes none whose subnets are all in one zone (CreateDBInstance)."""
    answer = aws.find(target, "rds", "describe_db_subnet_groups", NO_SUBNETS_CODE, DBSubnetGroupName=name)
    if not answer:
        remedy = "correct db_subnet_group_name; `aws rds describe-db-subnet-groups` lists those there are"
        raise NotFound(f"there is no DB subnet group {name} in {target.region}: {remedy}")
    [group] = answer["DBSubnetGroups"]
    zones = {subnet["SubnetAvailabilityZone"]["Name"] for subnet in group["Subnets"]}
    if len(zones) < LEAST_ZONES:
        where = ", ".join(zones) or "no zone"
        raise WrongInput(f"the DB subnet group {name} has subnets in {where} alone, and RDS wants two zones: add a subnet to it")
    return str(group["VpcId"])


@step
def plan_group(target: Target) -> Plan:
    """Create the runbook's group where it is missing, and there is no instance yet, which has groups of its own."""
    item, title = instance(target), f"security group on {target.name}"
    found = describe(target, item)
    if found is None and not item:
        vpc_id = _vpc(target, item)
        for one in _named(target, vpc_id):
            tags.require_ours(target, one.tags, f"security group {one.name}")
        description = f"Who may connect to {target.db_instance_identifier}"
        return Plan(title, (create_group_change(target, group_name(target), description, vpc_id),))
    there = [found] if found else find(target, {"group-id": attached(item)})
    return Plan(title, tuple(_claim(target, group) for group in there))


def _claim(target: Target, group: Group) -> Change:
    """Leave a group as it is; an earlier version's own says from now on for which instance it is."""
    resource, name = f"security group {group.name}", target.db_instance_identifier
    if target.security_group_id or group.name != group_name(target) or not tags.unclaimed(group.tags):
        return Change(Action.NONE, resource)
    call = Call("ec2", "create_tags", {"Resources": [group.id], "Tags": tags.as_list({tags.INSTANCE: name})})
    return Change(Action.MODIFY, resource, f"tag {tags.INSTANCE}", after=name, calls=(call,))


def create_group_change(target: Target, name: str, description: str, vpc_id: str) -> Change:
    """Make a security group that lets nobody in, with the runbook's tags."""
    labels = [{"ResourceType": "security-group", "Tags": tags.as_list(tags.of(target))}]
    parameters = {"GroupName": name, "Description": description, "VpcId": vpc_id, "TagSpecifications": labels}
    return Change(Action.CREATE, f"security group {name}", calls=(Call("ec2", "create_security_group", parameters),))
