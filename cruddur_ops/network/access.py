"""Which rules a security group is to hold for one operator: decided here, from values alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from cruddur_ops import tags
from cruddur_ops.calls import Call
from cruddur_ops.errors import RuleRefused
from cruddur_ops.network.address import REMEDY, Network
from cruddur_ops.network.rules import Rule
from cruddur_ops.plan import Action, Change, Plan

if TYPE_CHECKING:
    from cruddur_ops.targets import Target

RESOURCE = "security-group rule"


@dataclass(frozen=True)
class Wish:
    """The operator's wanted rule, and how to know those that were made for it before.

    Attributes:
        rule: what is to be admitted, with its description and tags.
        days: how long it is to be kept; 0 for ever.
        named_id: of the rule that DB_SG_RULE_ID names, empty where none is.
    """

    rule: Rule
    days: int
    named_id: str = ""

    def claims(self, found: Rule) -> bool:
        """Whether a rule is the operator's: the named one, or one that the runbook made for this owner's addresses."""
        made = tags.ours(found.tags) and found.tags.get("Owner") == self.rule.tags["Owner"] and "/" in found.source
        return made or found.id == self.named_id


def wish(target: Target, source: Network, on: date) -> Wish:
    """The wish for one tcp rule, to the target's port, from one address.

    Raises:
        RuleRefused: it would admit everybody.
        WrongInput: the owner's name cannot stand in a tag.
    """
    labels = tags.wanted(target.owner, target.rule_days, on)
    description = f"{tags.MANAGED_BY} {target.owner}"
    rule = Rule("tcp", target.port, target.port, str(source), description, labels)
    if rule.open_to_everybody:
        raise RuleRefused(f"{rule} would open the database to everybody: {REMEDY}")
    return Wish(rule, target.rule_days, target.security_group_rule_id)


def access_plan(title: str, wanted: Wish, group_id: str, found: Sequence[Rule], on: date) -> Plan:
    """The changes that leave one rule of the operator's. Other people's are reported, expired ones revoked.

    Revoking comes first: EC2 refuses to move a rule to where another rule of the group is already.

    Args:
        title: of the plan.
        wanted: by the operator.
        group_id: of the group in which a new rule is made.
        found: the inbound rules of all groups that matter.
        on: the date in UTC.
    """
    mine = sorted((rule for rule in found if wanted.claims(rule)), key=lambda rule: _rank(wanted, rule))
    others = [rule for rule in found if not wanted.claims(rule)]
    expired = [rule for rule in others if _expired(rule, on)]
    same = [rule for rule in others if rule == wanted.rule and not _expired(rule, on)]
    kept = None if same or not mine else mine[0]
    stale = [rule for rule in mine if rule is not kept and rule.id != wanted.named_id]
    changes = [_revocation(rule, on) for rule in (*stale, *expired)]
    settled = [*stale, *expired, *([kept] if kept else [])]
    left_alone = [rule for rule in found if not any(rule is one for one in settled)]
    changes.append(_admission(wanted, group_id, kept, same, on))
    return Plan(title, tuple(changes), tuple(_report(rule) for rule in left_alone))


def _rank(wanted: Wish, rule: Rule) -> tuple[bool, bool, str]:
    """Which of the operator's rules to keep: the named one, else one that will do as it is."""
    return rule.id != wanted.named_id, rule != wanted.rule, rule.id


def _expired(rule: Rule, on: date) -> bool:
    """Whether the runbook made the rule for a time that is over."""
    left = tags.days_left(rule.tags, on)
    return tags.ours(rule.tags) and left is not None and left < 0


def _admission(wanted: Wish, group_id: str, kept: Rule | None, same: Sequence[Rule], on: date) -> Change:
    """The change that admits the operator: none where somebody else's rule does the same."""
    if same:
        note = f"admitted by {same[0].id}, of somebody else"
        return Change(Action.NONE, RESOURCE, after=str(wanted.rule), note=note)
    if kept is None:
        return _creation(wanted, group_id)
    return _move(wanted, kept) if kept != wanted.rule else _renewal(wanted, kept, on)


def _creation(wanted: Wish, group_id: str) -> Change:
    labels = {"ResourceType": "security-group-rule", "Tags": tags.as_list(wanted.rule.tags)}
    permissions = [wanted.rule.permission()]
    parameters = {"GroupId": group_id, "IpPermissions": permissions, "TagSpecifications": [labels]}
    call = Call("ec2", "authorize_security_group_ingress", parameters)
    note = f"expires in {wanted.days} days" if wanted.days else "does not expire"
    return Change(Action.CREATE, RESOURCE, after=str(wanted.rule), note=note, calls=(call,))


def _move(wanted: Wish, kept: Rule) -> Change:
    moved = {"SecurityGroupRuleId": kept.id, "SecurityGroupRule": wanted.rule.request()}
    parameters = {"GroupId": kept.group_id, "SecurityGroupRules": [moved]}
    call = Call("ec2", "modify_security_group_rules", parameters)
    calls = (call, _tagging(wanted, kept)) if tags.ours(kept.tags) else (call,)
    return Change(Action.MODIFY, RESOURCE, before=str(kept), after=str(wanted.rule), calls=calls)


def _renewal(wanted: Wish, kept: Rule, on: date) -> Change:
    """A new expiry date once fewer than half of the days are left, so that a second run changes nothing."""
    left = tags.days_left(kept.tags, on)
    if not tags.ours(kept.tags) or not wanted.days or (left is not None and 2 * left >= wanted.days):
        return Change(Action.NONE, RESOURCE, after=str(wanted.rule))
    before = "none" if left is None else f"in {left} days" if left >= 0 else "past"
    after = f"in {wanted.days} days"
    return Change(Action.MODIFY, RESOURCE, "expiry", before, after, calls=(_tagging(wanted, kept),))


def _tagging(wanted: Wish, kept: Rule) -> Call:
    return Call("ec2", "create_tags", {"Resources": [kept.id], "Tags": tags.as_list(wanted.rule.tags)})


def _revocation(rule: Rule, on: date) -> Change:
    """The change that takes a rule away; its line names the rule, since nothing else would tell two apart."""
    parameters = {"GroupId": rule.group_id, "SecurityGroupRuleIds": [rule.id]}
    owner, left = rule.tags.get("Owner", "nobody"), tags.days_left(rule.tags, on)
    over = left is not None and left < 0
    note = f"of {owner}, expired {-(left or 0)} days ago" if over else f"an older one of {owner}"
    call = Call("ec2", "revoke_security_group_ingress", parameters)
    return Change(Action.DELETE, f"{RESOURCE} {rule.id}", before=str(rule), note=note, calls=(call,))


def _report(rule: Rule) -> str:
    """A line about a rule that is left alone."""
    if rule.open_to_everybody:
        return f"WARNING: {rule} ({rule.id}) lets in everybody on the internet: revoke it"
    return f"left alone: {rule} ({rule.id}), of {rule.tags.get('Owner', 'an unknown owner')}"
