"""The EC2 actions on security groups.

Every request is worked out in full before anything is stored, and each direction of a group is stored in one
assignment: a request that fails has done nothing, and a reader (the gateway) never meets half of one.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from threading import RLock
from typing import Any

from moto.ec2.exceptions import (
    DependencyViolationError,
    EC2ClientError,
    InvalidFilter,
    InvalidPermissionNotFoundError,
    InvalidSecurityGroupRuleIdNotFoundError,
    InvalidVPCIdError,
)
from moto.ec2.utils import is_tag_filter, is_valid_security_group_id

from rds_sandbox.ec2.network_interfaces import endpoints_of, existing, instances_of
from rds_sandbox.ec2.pages import paged
from rds_sandbox.ec2.rules import EGRESS, INGRESS, SandboxRule, check_rules, permissions_of, rules_for
from rds_sandbox.ec2.sources import DESCRIPTION, SOURCE_TYPES, checked_description, find_group, permission_of
from rds_sandbox.patches import MOTO, Request, action

RULE_FILTERS = ("group-id", "security-group-rule-id")
_one_at_a_time = RLock()  # requests come in several threads

Change = Callable[[Request, Any], dict[str, Any]]


def _changes(*names: str) -> Callable[[Change], Change]:
    """Let the function answer these actions, given the group that the request names."""

    def register(change: Change) -> Change:
        @action("ec2", *names)
        def handle(request: Request) -> dict[str, Any]:
            with _one_at_a_time:
                group = find_group(request.backend, request.parameters.get("GroupId"), request.parameters.get("GroupName"))
                return {"Return": True, **change(request, group)}

        return change

    return register


def _side(request: Request) -> str:
    return EGRESS if request.name.endswith("Egress") else INGRESS


def _named(request: Request, group: Any) -> list[SandboxRule]:
    """The rules of the IpPermissions of a request, given as such or as one rule in the parameters themselves."""
    asked = request.parameters
    permissions = asked.get("IpPermissions")
    if permissions and {"CidrIp", "FromPort", "IpProtocol", "ToPort"} & asked.keys():
        raise EC2ClientError("InvalidParameterCombination", "A rule of its own can't be used in combination with IpPermissions")
    if permissions is None and not {"SecurityGroupRuleIds", "SecurityGroupRuleDescriptions"} & asked.keys():
        permissions = [{**asked, **({"IpRanges": [{"CidrIp": asked["CidrIp"]}]} if "CidrIp" in asked else {})}]
    return rules_for(group, permissions or (), _side(request))


@action("ec2", "CreateSecurityGroup")
def create(request: Request) -> object:
    """In a VPC that there is, with a name and a description that are such (API Reference, CreateSecurityGroup)."""
    name, description = request.parameters["GroupName"], request.parameters.get("Description")
    vpc_id = request.parameters.get("VpcId")
    if not description:
        raise EC2ClientError("MissingParameter", "The request must contain the parameter GroupDescription")
    if not name.strip() or name.startswith("sg-") or name == "default" or not DESCRIPTION.fullmatch(name):
        raise EC2ClientError("InvalidParameterValue", f"Value ({name}) for parameter GroupName is invalid.")
    if not DESCRIPTION.fullmatch(description):
        raise EC2ClientError("InvalidParameterValue", f"Value ({description}) for parameter GroupDescription is invalid.")
    if vpc_id and vpc_id not in request.backend.vpcs:
        raise InvalidVPCIdError(vpc_id)
    return MOTO


@action("ec2", "DescribeSecurityGroups")
def describe(request: Request) -> dict[str, Any]:
    asked, filters = request.parameters, request.moto._filters_from_querystring()
    for group_id in asked.get("GroupIds") or ():
        find_group(request.backend, group_id)
    known = [name for group in request.backend.describe_security_groups()[:1] for name in group.filters]
    _check_filters(filters, known)
    found = request.backend.describe_security_groups(asked.get("GroupIds"), asked.get("GroupNames"), filters)
    return paged("SecurityGroups", found, asked)


@action("ec2", "DescribeSecurityGroupRules")
def describe_rules(request: Request) -> dict[str, Any]:
    rule_ids, filters = request.parameters.get("SecurityGroupRuleIds", []), request.moto._filters_from_querystring()
    _check_filters(filters, RULE_FILTERS)
    rules = {rule.id: rule for rule in all_rules(request.backend)}
    _check_rule_ids(rule_ids, rules)
    chosen = [rules[rule_id] for rule_id in rule_ids] or rules.values()
    found = [rule.described() for rule in chosen if rule.matches_filters(filters)]
    return paged("SecurityGroupRules", found, request.parameters)


@_changes("AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress")
def authorize(request: Request, group: Any) -> dict[str, Any]:
    tags = request.moto._parse_tag_specification().get("security-group-rule", {})
    added = _named(request, group)
    if len(set(added)) < len(added):
        raise EC2ClientError("InvalidParameterValue", "The same permission must not appear multiple times")
    rules = [*getattr(group, _side(request)), *added]
    check_rules(rules)
    request.backend.create_tags([rule.id for rule in added], tags)
    setattr(group, _side(request), rules)
    return {"SecurityGroupRules": [rule.described() for rule in added]}


@_changes("RevokeSecurityGroupIngress", "RevokeSecurityGroupEgress")
def revoke(request: Request, group: Any) -> dict[str, Any]:
    """Take rules away; one that the group does not have is an error, but in the default VPC."""
    rules, rule_ids = getattr(group, _side(request)), request.parameters.get("SecurityGroupRuleIds", [])
    _check_rule_ids(rule_ids, [rule.id for rule in rules])
    named = _named(request, group)
    unknown = [rule for rule in named if rule not in rules]
    if unknown and not request.backend.vpcs[group.vpc_id].is_default:
        raise InvalidPermissionNotFoundError
    revoked = [rule for rule in rules if rule.id in rule_ids or rule in named]
    setattr(group, _side(request), [rule for rule in rules if rule not in revoked])
    _forget_tags(request.backend, (rule.id for rule in revoked))
    described = [rule.described() for rule in revoked]
    return {"RevokedSecurityGroupRules": described, "UnknownIpPermissions": permissions_of(unknown)}


@_changes("ModifySecurityGroupRules")
def modify(request: Request, group: Any) -> dict[str, Any]:
    """Change rules, whose types of source stay."""
    asked = {each["SecurityGroupRuleId"]: each.get("SecurityGroupRule", {}) for each in request.parameters["SecurityGroupRules"]}
    modified = {rule_id: _modified(group, rule_id, wanted) for rule_id, wanted in asked.items()}
    result = {side: [modified.get(rule.id, rule) for rule in getattr(group, side)] for side in (INGRESS, EGRESS)}
    for rules in result.values():
        check_rules(rules)
    for side, rules in result.items():
        setattr(group, side, rules)
    return {}


def _modified(group: Any, rule_id: str, asked: Mapping[str, Any]) -> SandboxRule:
    permission, before = permission_of(asked), group.get_rule(rule_id)
    if before is None:
        raise InvalidSecurityGroupRuleIdNotFoundError(rule_id)
    [after] = rules_for(group, [permission], EGRESS if before.is_egress else INGRESS)
    if after.source_key != before.source_key:
        wanted, had = SOURCE_TYPES[after.source_key].requested_as, SOURCE_TYPES[before.source_key].title
        message = f"Invalid rule type for security group rule '{rule_id}'."
        message += f" You may not specify {wanted} for an existing {had} rule."
        raise EC2ClientError("InvalidParameterValue", message)
    after.id = before.id
    return after


@_changes("UpdateSecurityGroupRuleDescriptionsIngress", "UpdateSecurityGroupRuleDescriptionsEgress")
def update_descriptions(request: Request, group: Any) -> dict[str, Any]:
    """Of rules that are named by id, or by what they say."""
    given = request.parameters.get("SecurityGroupRuleDescriptions", [])
    by_id = {each.get("SecurityGroupRuleId"): each.get("Description") for each in given}
    rules = getattr(group, _side(request))
    _check_rule_ids(by_id, [rule.id for rule in rules])
    named = _named(request, group)
    if not set(named) <= set(rules):
        raise InvalidPermissionNotFoundError
    wanted = {rule.id: checked_description(by_id[rule.id]) for rule in rules if rule.id in by_id}
    wanted |= {rules[rules.index(rule)].id: rule.description for rule in named}
    for rule in rules:
        rule.source["Description"] = wanted.get(rule.id, rule.description)
    return {}


@_changes("DeleteSecurityGroup")
def delete(request: Request, group: Any) -> dict[str, Any]:
    """Neither a default group nor one in use; DeleteVpc takes moto's own deletion."""
    if group.is_default:
        message = f'the specified group: "{group.id}" name: "default" cannot be deleted by a user'
        raise EC2ClientError("CannotDelete", message)
    if group.id in _groups_in_use(request.backend):
        raise DependencyViolationError(f"resource {group.id} has a dependent object")
    request.backend.delete_security_group(group_id=group.id)
    _forget_tags(request.backend, [group.id, *(rule.id for rule in (*group.ingress_rules, *group.egress_rules))])
    return {"GroupId": group.id}


def _forget_tags(ec2: Any, resource_ids: Iterable[str]) -> None:
    for resource_id in resource_ids:
        ec2.tags.pop(resource_id, None)


def _groups_in_use(ec2: Any) -> set[str]:
    """The ids of the groups that an interface, an instance, a database, a VPC endpoint or another group's rule names."""
    instances = [i for reservation in ec2.reservations.values() for i in reservation.instances]
    members = [interface._group_set for interface in existing(ec2)]
    members += [instance.security_groups for instance in instances if instance.state != "terminated"]
    used = {group.id for groups in members for group in groups if group}
    used.update(*((*database.vpc_security_group_ids, *(database.joining or ())) for database in instances_of(ec2)))
    used.update(*(end.security_group_ids for end in endpoints_of(ec2).values()))
    for rule in all_rules(ec2):
        used.update({rule.source_group.get("GroupId")} - {rule.group_id, None})
    return used


def all_rules(ec2: Any) -> Iterator[SandboxRule]:
    """Those of all groups, in both directions."""
    for group in ec2.describe_security_groups():
        yield from (*group.egress_rules, *group.ingress_rules)


def _check_rule_ids(wanted: Iterable[str], known: Collection[str]) -> None:
    for rule_id in wanted:
        if rule_id not in known:
            raise InvalidSecurityGroupRuleIdNotFoundError(rule_id)


def _check_filters(wanted: Mapping[str, Iterable[str]], known: Collection[str]) -> None:
    for group_id in wanted.get("group-id", ()):
        if "*" not in group_id and not is_valid_security_group_id(group_id):
            raise EC2ClientError("InvalidGroupId.Malformed", f"The security group ID '{group_id}' is malformed")
    for name in wanted:
        if name not in known and not is_tag_filter(name):
            raise InvalidFilter(name, "InvalidParameterValue")
