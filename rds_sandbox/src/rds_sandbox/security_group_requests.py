"""The EC2 requests about security groups: from parameters to the backend, from rules to the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import aws_api_matches
from moto.ec2.models.security_groups import SecurityGroup
from moto.ec2.responses.security_groups import SecurityGroups

from rds_sandbox.security_group_rules import find_group, permissions_of


def _permissions(params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The IpPermissions of a request, given as such or as one rule in the parameters themselves."""
    if "IpPermissions" in params:
        return list(params["IpPermissions"])
    if "SecurityGroupRuleIds" in params or "SecurityGroupRuleDescriptions" in params:
        return []
    source = {"IpRanges": [{"CidrIp": params["CidrIp"]}]} if "CidrIp" in params else {}
    return [{**params, **source}]


def _group(request: SecurityGroups) -> SecurityGroup:
    """The group that the request is about, once it is known not to be a dry run."""
    request.error_on_dryrun()
    params = request._get_params()
    return find_group(request.ec2_backend, params.get("GroupId"), params.get("GroupName"))


def _authorize(self: SecurityGroups, is_egress: bool) -> ActionResult:
    group = _group(self)
    tags = self._parse_tag_specification().get("security-group-rule", {})
    rules = self.ec2_backend.authorize(group, _permissions(self._get_params()), tags, is_egress=is_egress)
    return ActionResult({"Return": True, "SecurityGroupRules": [rule.described() for rule in rules]})


def _revoke(self: SecurityGroups, is_egress: bool) -> ActionResult:
    group, params = _group(self), self._get_params()
    rule_ids = params.get("SecurityGroupRuleIds", [])
    revoked, unknown = self.ec2_backend.revoke(group, _permissions(params), rule_ids, is_egress=is_egress)
    answer = {"Return": True, "RevokedSecurityGroupRules": [rule.described() for rule in revoked]}
    return ActionResult({**answer, "UnknownIpPermissions": permissions_of(unknown)})


def _update_descriptions(self: SecurityGroups, is_egress: bool) -> ActionResult:
    group, params = _group(self), self._get_params()
    given = params.get("SecurityGroupRuleDescriptions", [])
    by_id = {each.get("SecurityGroupRuleId"): each.get("Description") for each in given}
    self.ec2_backend.update_descriptions(group, _permissions(params), by_id, is_egress=is_egress)
    return ActionResult({"Return": True})


def modify_security_group_rules(self: SecurityGroups) -> ActionResult:
    """ModifySecurityGroupRules; a rule with nothing to change it to is the backend's to refuse."""
    group, changes = _group(self), self._get_params().get("SecurityGroupRules", [])
    rules = {change["SecurityGroupRuleId"]: change.get("SecurityGroupRule", {}) for change in changes}
    self.ec2_backend.modify_security_group_rules(group.id, rules)
    return ActionResult({"Return": True})


def describe_security_group_rules(self: SecurityGroups) -> ActionResult:
    """DescribeSecurityGroupRules; all on one page, whatever MaxResults."""
    self.error_on_dryrun()
    rule_ids = self._get_params().get("SecurityGroupRuleIds", [])
    rules = self.ec2_backend.describe_security_group_rules(rule_ids, self._filters_from_querystring())
    return ActionResult({"SecurityGroupRules": [rule.described() for rule in rules]})


def delete_security_group(self: SecurityGroups) -> ActionResult:
    """DeleteSecurityGroup."""
    group = _group(self)
    self.ec2_backend.delete_unused(group)
    return ActionResult({"Return": True, "GroupId": group.id})


def _directed(action: Callable[[SecurityGroups, bool], ActionResult], is_egress: bool) -> object:
    def method(self: SecurityGroups) -> ActionResult:
        return action(self, is_egress)

    return method


def _filter(rules: str, field: str) -> object:
    def matches(group: SecurityGroup, values: list[str]) -> bool:
        found = [getattr(rule, field) for rule in getattr(group, rules)]
        return any(aws_api_matches(value, each) for value in values for each in found if each)

    return matches


def install() -> None:
    """Put these in place of moto's, and the filters in that moto leaves out."""
    for direction, is_egress in (("ingress", False), ("egress", True)):
        setattr(SecurityGroups, f"authorize_security_group_{direction}", _directed(_authorize, is_egress))
        setattr(SecurityGroups, f"revoke_security_group_{direction}", _directed(_revoke, is_egress))
        update = f"update_security_group_rule_descriptions_{direction}"
        setattr(SecurityGroups, update, _directed(_update_descriptions, is_egress))
    for method in (modify_security_group_rules, describe_security_group_rules, delete_security_group):
        setattr(SecurityGroups, method.__name__, method)
    for prefix, rules in (("", "ingress_rules"), ("egress__", "egress_rules")):
        for name, field in (("ipv6_cidr", "cidr_ipv6"), ("prefix_list_id", "prefix_list_id")):
            setattr(SecurityGroup, f"filter_{prefix}ip_permission__{name}", _filter(rules, field))
