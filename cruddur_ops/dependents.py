"""What others have hung on what is this target's, so that AWS would not delete it: asked before anything is changed."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from cruddur_ops import aws, tags
from cruddur_ops.target import Target

# The description of the network interface of a DB instance (Amazon RDS User Guide, "Working with a DB instance in a VPC").
OF_RDS = "RDSNetworkInterface"
REFERRING = ("ip-permission.group-id", "egress.ip-permission.group-id")


def of_group(target: Target, group_id: str) -> str:
    """Why a security group stays: what is not this target's has it, or a rule that names it; empty where it can go.

    With one of these EC2 answers DependencyViolation (EC2 API Reference, DeleteSecurityGroup).
    """
    return _stays([*_instances(target, group_id), *_interfaces(target, group_id), *_rules(target, group_id)])


def _instances(target: Target, group_id: str) -> Iterator[str]:
    for one in aws.pages(target, "rds", "describe_db_instances"):
        attached = [group["VpcSecurityGroupId"] for group in one.get("VpcSecurityGroups", [])]
        if group_id in attached and one["DBInstanceIdentifier"] != target.db_instance_identifier:
            yield f"DB instance {one['DBInstanceIdentifier']}"


def _interfaces(target: Target, group_id: str) -> Iterator[str]:
    """Network interfaces; in the place of those that functions share, the functions, and likewise the endpoints."""
    found = aws.pages(target, "ec2", "describe_network_interfaces", Filters=aws.as_filters({"group-id": [group_id]}))
    kinds = {one["InterfaceType"] for one in found}
    if "lambda" in kinds:
        yield from _functions(target, group_id)
    if "vpc_endpoint" in kinds:
        yield from _endpoints(target, group_id)
    for one in found:
        if one["InterfaceType"] not in ("lambda", "vpc_endpoint") and one.get("Description") != OF_RDS:
            yield f"network interface {one['NetworkInterfaceId']}"


def _functions(target: Target, group_id: str) -> Iterator[str]:
    for one in aws.pages(target, "lambda", "list_functions"):
        if group_id in one.get("VpcConfig", {}).get("SecurityGroupIds", []):
            labels = aws.find(target, "lambda", "list_tags", "ResourceNotFoundException", Resource=one["FunctionArn"])
            if labels and not tags.ours(target, labels["Tags"]):
                yield f"function {one['FunctionName']}"


def _endpoints(target: Target, group_id: str) -> Iterator[str]:
    for one in aws.pages(target, "ec2", "describe_vpc_endpoints"):
        if group_id in [group["GroupId"] for group in one.get("Groups", [])] and not _ours(target, one):
            yield f"VPC endpoint {one['VpcEndpointId']}"


def _rules(target: Target, group_id: str) -> Iterator[str]:
    """Rules of others' groups; those that the runbook made go before the group, and so does whatever stands in its own ones."""
    wanted = [aws.as_filters({name: [group_id]}) for name in REFERRING]
    groups = [one for filters in wanted for one in aws.pages(target, "ec2", "describe_security_groups", Filters=filters)]
    names = {one["GroupId"]: one["GroupName"] for one in groups if one["GroupId"] != group_id and not _ours(target, one)}
    within = aws.as_filters({"group-id": names})
    for rule in aws.pages(target, "ec2", "describe_security_group_rules", Filters=within) if names else []:
        if rule.get("ReferencedGroupInfo", {}).get("GroupId") == group_id and not _ours(target, rule):
            yield f"rule {rule['SecurityGroupRuleId']} of {names[rule['GroupId']]}"


def _ours(target: Target, item: Mapping[str, Any]) -> bool:
    return tags.ours(target, tags.as_mapping(item.get("Tags", [])))


def of_role(target: Target, name: str, policy: str) -> str:
    """Why a role stays: with more than its one inline policy IAM answers DeleteConflict (IAM API Reference, DeleteRole).

    One that has just been deleted may still be shown (IAM User Guide, "Changes that I make are not always immediately visible").
    """
    pages = partial(aws.pages, target, "iam")
    attached = pages("list_attached_role_policies", aws.IAM_ABSENT_CODE, RoleName=name)
    inline = pages("list_role_policies", aws.IAM_ABSENT_CODE, RoleName=name)
    profiles = pages("list_instance_profiles_for_role", aws.IAM_ABSENT_CODE, RoleName=name)
    found = [*(one["PolicyName"] for one in attached), *(one for one in inline if one != policy)]
    return _stays([f"policy {one}" for one in found] + [f"instance profile {one['InstanceProfileName']}" for one in profiles])


def _stays(others: list[str]) -> str:
    return f"stays with what others have hung on it: {', '.join(others)}" if others else ""
