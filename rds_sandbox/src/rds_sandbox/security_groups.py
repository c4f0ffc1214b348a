"""EC2 security groups as AWS has them, in place of moto's: `install()` before the server starts.

Every request is worked out in full before anything is stored, and each direction of a group is stored in one
assignment: a request that fails has done nothing, and a reader (the gateway) never meets half of one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from threading import RLock
from typing import Any, cast

import moto.ec2.models.security_groups as moto_models
from moto.ec2.exceptions import (
    DependencyViolationError,
    EC2ClientError,
    InvalidFilter,
    InvalidPermissionNotFoundError,
    InvalidSecurityGroupRuleIdNotFoundError,
    InvalidVPCIdError,
)
from moto.ec2.models import EC2Backend, ec2_backends
from moto.ec2.models.security_groups import SecurityGroup, SecurityGroupRule
from moto.ec2.utils import is_tag_filter
from moto.rds.models import rds_backends

from rds_sandbox import security_group_requests
from rds_sandbox.network_sources import SOURCE_TYPES, checked_description, permission_of
from rds_sandbox.security_group_rules import (
    Permissions,
    SandboxRule,
    check_rules,
    find_group,
    permissions_of,
    rules_for,
    store,
    stored,
)

Descriptions = Mapping[str, str | None]  # by rule id

RULE_FILTERS = ("group-id", "security-group-rule-id")
_one_at_a_time = RLock()  # requests come in several threads


class SandboxEC2Backend(EC2Backend):
    """moto's EC2, whose security groups check, refuse and remember as EC2's do."""

    __module__ = EC2Backend.__module__  # moto finds the URLs of the service by it

    def create_security_group(
        self,
        name: str,
        description: str,
        vpc_id: str | None = None,
        tags: dict[str, str] | None = None,
        force: bool = False,
        is_default: bool | None = None,
    ) -> SecurityGroup:
        """Amazon EC2 API Reference, CreateSecurityGroup; a default group lets its own members in."""
        if vpc_id and vpc_id not in self.vpcs:
            raise InvalidVPCIdError(vpc_id)
        group = super().create_security_group(name, description, vpc_id, tags, force, is_default)
        if is_default:
            members = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group.id}]}
            store(group, rules_for(self, group, [members], is_egress=False), is_egress=False)
        return group

    def describe_security_groups(
        self,
        group_ids: list[str] | None = None,
        groupnames: list[str] | None = None,
        filters: dict[str, list[str]] | None = None,
    ) -> list[SecurityGroup]:
        """Amazon EC2 API Reference, DescribeSecurityGroups."""
        for group_id in group_ids or ():
            find_group(self, group_id)
        groups = super().describe_security_groups(group_ids, groupnames)
        _check_filters(filters or {}, [name for group in groups[:1] for name in group.filters])
        return [group for group in groups if group.matches_filters(filters or {})]

    def describe_security_group_rules(self, sg_rule_ids: list[str], filters: dict[str, list[str]]) -> list[SecurityGroupRule]:
        """Amazon EC2 API Reference, DescribeSecurityGroupRules."""
        _check_filters(filters, RULE_FILTERS)
        rules = {rule.id: rule for rule in self._all_rules()}
        _check_rule_ids(sg_rule_ids, rules)
        chosen = [rules[rule_id] for rule_id in sg_rule_ids] or rules.values()
        return [rule for rule in chosen if rule.matches_filters(filters)]

    def authorize(
        self, group: SecurityGroup, permissions: Permissions, tags: dict[str, str], *, is_egress: bool
    ) -> list[SandboxRule]:
        """Amazon EC2 API Reference, AuthorizeSecurityGroupIngress and AuthorizeSecurityGroupEgress."""
        with _one_at_a_time:
            added = rules_for(self, group, permissions, is_egress=is_egress)
            if len(set(added)) < len(added):
                message = "The same permission must not appear multiple times"
                raise EC2ClientError("InvalidParameterValue", message)
            rules = [*stored(group, is_egress=is_egress), *added]
            check_rules(rules)
            self.create_tags([rule.id for rule in added], tags)
            store(group, rules, is_egress=is_egress)
        return added

    def revoke(
        self, group: SecurityGroup, permissions: Permissions, rule_ids: Collection[str], *, is_egress: bool
    ) -> tuple[list[SandboxRule], list[SandboxRule]]:
        """Amazon EC2 API Reference, RevokeSecurityGroupIngress and RevokeSecurityGroupEgress.

        Returns:
            the rules revoked, and those that the group does not have: an error but in the default VPC.
        """
        with _one_at_a_time:
            rules = stored(group, is_egress=is_egress)
            _check_rule_ids(rule_ids, [rule.id for rule in rules])
            named = rules_for(self, group, permissions, is_egress=is_egress)
            unknown = [rule for rule in named if rule not in rules]
            if unknown and not self.vpcs[str(group.vpc_id)].is_default:
                raise InvalidPermissionNotFoundError
            revoked = [rule for rule in rules if rule.id in rule_ids or rule in named]
            store(group, [rule for rule in rules if rule not in revoked], is_egress=is_egress)
            self._forget_tags(rule.id for rule in revoked)
        return revoked, unknown

    def modify_security_group_rules(self, group_id: str, rules: dict[str, dict[str, Any]]) -> None:
        """Amazon EC2 API Reference, ModifySecurityGroupRules."""
        with _one_at_a_time:
            group = find_group(self, group_id)
            modified = {rule_id: self._modified(group, rule_id, wanted) for rule_id, wanted in rules.items()}
            result = {
                is_egress: [modified.get(rule.id, rule) for rule in stored(group, is_egress=is_egress)]
                for is_egress in (False, True)
            }
            for after in result.values():
                check_rules(after)
            for is_egress, after in result.items():
                store(group, after, is_egress=is_egress)

    def _modified(self, group: SecurityGroup, rule_id: str, request: Mapping[str, Any]) -> SandboxRule:
        permission = permission_of(request)
        before = cast(SandboxRule | None, group.get_rule(rule_id))
        if before is None:
            raise InvalidSecurityGroupRuleIdNotFoundError(rule_id)
        [after] = rules_for(self, group, [permission], is_egress=before.is_egress)
        if after.source_key != before.source_key:
            asked, had = SOURCE_TYPES[after.source_key].requested_as, SOURCE_TYPES[before.source_key].title
            message = f"Invalid rule type for security group rule '{rule_id}'."
            message += f" You may not specify {asked} for an existing {had} rule."
            raise EC2ClientError("InvalidParameterValue", message)
        after.id = before.id
        return after

    def update_descriptions(
        self, group: SecurityGroup, permissions: Permissions, by_id: Descriptions, *, is_egress: bool
    ) -> None:
        """Amazon EC2 API Reference, UpdateSecurityGroupRuleDescriptionsIngress and ...Egress."""
        with _one_at_a_time:
            rules = stored(group, is_egress=is_egress)
            _check_rule_ids(by_id, [rule.id for rule in rules])
            named = rules_for(self, group, permissions, is_egress=is_egress)
            if not set(named) <= set(rules):
                raise InvalidPermissionNotFoundError
            wanted = {rule.id: checked_description(by_id[rule.id]) for rule in rules if rule.id in by_id}
            wanted |= {rules[rules.index(rule)].id: rule.description for rule in named}
            for rule in rules:
                rule.source["Description"] = wanted.get(rule.id, rule.description)

    def delete_unused(self, group: SecurityGroup) -> None:
        """Amazon EC2 API Reference, DeleteSecurityGroup; DeleteVpc takes moto's own deletion.

        Raises:
            EC2ClientError: CannotDelete for a default group, DependencyViolation for one in use.
        """
        with _one_at_a_time:
            if group.is_default:
                message = f'the specified group: "{group.id}" name: "default" cannot be deleted by a user'
                raise EC2ClientError("CannotDelete", message)
            if group.id in self._groups_in_use():
                raise DependencyViolationError(f"resource {group.id} has a dependent object")
            self.delete_security_group(group_id=group.id)
            self._forget_tags([group.id, *(rule.id for rule in (*group.ingress_rules, *group.egress_rules))])

    def _forget_tags(self, resource_ids: Iterable[str]) -> None:
        for resource_id in resource_ids:
            self.tags.pop(resource_id, None)

    def _groups_in_use(self) -> set[str]:
        """The ids of the groups that an interface, an instance, a database or another group's rule names."""
        instances = [i for reservation in self.reservations.values() for i in reservation.instances]
        ended = [instance for instance in instances if instance.state == "terminated"]
        # moto keeps the interfaces of a terminated instance, which EC2 deletes with it.
        members = [eni._group_set for eni in self.enis.values() if eni.instance not in ended]
        members += [instance.security_groups for instance in instances if instance not in ended]
        used = {group.id for groups in members for group in groups if group}
        rds = rds_backends[self.account_id][self.region_name]
        for database in (*rds.databases.values(), *rds.clusters.values()):
            used.update(cast(Any, database).vpc_security_group_ids)
        for rule in self._all_rules():
            referenced = rule.source_group.get("GroupId")
            used.update({referenced} - {rule.group_id, None})
        return used

    def _all_rules(self) -> Iterator[SandboxRule]:
        for group in super().describe_security_groups():
            yield from (*stored(group, is_egress=True), *stored(group, is_egress=False))


def _check_rule_ids(wanted: Iterable[str], known: Collection[str]) -> None:
    for rule_id in wanted:
        if rule_id not in known:
            raise InvalidSecurityGroupRuleIdNotFoundError(rule_id)


def _check_filters(wanted: Iterable[str], known: Collection[str]) -> None:
    for name in wanted:
        if name not in known and not is_tag_filter(name):
            raise InvalidFilter(name, "InvalidParameterValue")


def install() -> None:
    """Put it all in place of moto's, before the server starts and any EC2 backend exists."""
    ec2_backends.backend = SandboxEC2Backend
    moto_models.SecurityGroupRule = SandboxRule  # type: ignore[assignment,misc]
    SecurityGroup._flattened_rules = staticmethod(permissions_of)  # type: ignore[assignment]
    security_group_requests.install()
