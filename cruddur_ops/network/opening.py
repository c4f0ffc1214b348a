"""Who may reach the DB instance: the operator's rule in its security group, and whether it lets through."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from cruddur_ops import aws, rds, tags
from cruddur_ops.errors import GroupMissing
from cruddur_ops.network import access, address
from cruddur_ops.network.rules import Rule
from cruddur_ops.plan import Action, Change, Plan, step
from cruddur_ops.rds import groups

if TYPE_CHECKING:
    from cruddur_ops.targets import Target


@step
def plan_access(target: Target) -> Plan:
    """Admit the operator's address to the target's port, and no older address of the same operator.

    Raises:
        AddressUnknown: the operator's address could not be found out.
        GroupMissing: DB_SG_ID or DB_SG_RULE_ID names nothing that exists.
        RuleRefused: LOCAL_IP is more than one address.
        WrongInput: the owner's name cannot stand in a tag.
    """
    on = tags.today()
    title = f"access on {target.name}"
    group, attached = _groups(target)
    wish = access.wish(target, address.find(target), on)
    if group is None:
        note = "known after 01_provision_rds: run it first"
        return Plan(title, (Change(Action.CREATE, access.RESOURCE, after=str(wish.rule), note=note),))
    found = inbound_rules(target, [group.id, *attached])
    _require_named(wish, found)
    plan = access.access_plan(title, wish, group.id, found, on)
    if attached and group.id not in attached:
        warning = f"WARNING: {group.name} is not attached to the DB instance: run 01_provision_rds"
        return replace(plan, facts=(*plan.facts, warning))
    return plan


def _groups(target: Target) -> tuple[groups.Group | None, list[str]]:
    """The group that is to hold the rule, and the ids of those that the DB instance has.

    It is the named or the runbook's own group; where the instance has groups without it, their first.
    """
    group, instance = groups.describe(target), rds.describe(target)
    attached = sorted(instance.security_group_ids) if instance else []
    if attached and not target.security_group_id and (group is None or group.id not in attached):
        group = groups.describe(replace(target, security_group_id=attached[0]))
    return group, attached


def inbound_rules(target: Target, group_ids: Iterable[str]) -> list[Rule]:
    """The inbound rules of these groups, by id."""
    filters = [{"Name": "group-id", "Values": sorted(set(group_ids))}]
    pages = aws.client(target, "ec2").get_paginator("describe_security_group_rules").paginate(Filters=filters)
    items = [item for page in pages for item in page["SecurityGroupRules"] if not item["IsEgress"]]
    return sorted((Rule.described(item) for item in items), key=lambda rule: rule.id)


def _require_named(wish: access.Wish, found: Iterable[Rule]) -> None:
    if wish.named_id and wish.named_id not in {rule.id for rule in found}:
        message = (
            f"there is no rule {wish.named_id} in the security groups of the DB instance: "
            "correct DB_SG_RULE_ID, or unset it to find the rule by its tags"
        )
        raise GroupMissing(message)
