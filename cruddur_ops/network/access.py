"""The operator's rule in the security group of the DB instance: made, moved, renewed; older and expired ones revoked.

Planning raises NotFound where DB_SG_ID or DB_SG_RULE_ID names nothing, or the operator's address cannot be found out; and
WrongInput where LOCAL_IP is not one address, or the owner's name cannot stand in a tag.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from cruddur_ops import addresses, tags
from cruddur_ops.errors import NotFound, WrongInput
from cruddur_ops.network import address, groups, tunnel
from cruddur_ops.network.rules import Rule, rules_of
from cruddur_ops.plan import Action, Call, Change, Plan, step
from cruddur_ops.target import Target

RESOURCE, IPV6 = "security-group rule", 6


@dataclass(frozen=True)
class Wish:
    """The operator's wanted rule, and how to know those that were made for it before."""

    rule: Rule  # what is to be admitted, with its description and tags
    group_id: str  # of the group in which a new rule is made
    days: int  # how long it is to be kept; 0 for ever
    named_id: str  # of the rule that DB_SG_RULE_ID names, empty where none is
    on: date  # in UTC
    target: Target

    def made(self, found: Rule) -> bool:
        """Whether the runbook made a rule for this target."""
        return tags.ours(self.target, found.tags)

    def claims(self, found: Rule) -> bool:
        """Whether a rule is the operator's: the named one, or one that the runbook made for this owner's addresses."""
        made = self.made(found) and found.tags.get("Owner") == self.rule.tags["Owner"] and "/" in found.source
        return made or found.id == self.named_id

    def expired(self, found: Rule) -> bool:
        """Whether the runbook made a rule for a time that is over."""
        return self.made(found) and (self.days_left(found) or 0) < 0

    def days_left(self, found: Rule) -> int | None:
        """How long a rule is still to be kept."""
        return tags.days_left(found.tags, self.on)


def wish(target: Target, source: addresses.Network | None, group_id: str, on: date, port: int = 0) -> Wish:
    """The wish for one tcp rule from one address, to the instance's port, else the target's; from none, for no rule at all."""
    labels, port = tags.of(target, target.rule_days, on), port or target.port
    rule = Rule("tcp", port, port, str(source or ""), f"{tags.MANAGED_BY} {target.owner}", labels)
    if rule.open_to_everybody:
        raise WrongInput(f"{rule} would open the database to everybody: {addresses.REMEDY}")
    return Wish(rule, group_id, target.rule_days, target.security_group_rule_id, on, target)


@step
def plan_access(target: Target) -> Plan:
    """Admit the operator's address to the target's port, and no older address of the same operator."""
    title, item = f"access on {target.name}", groups.instance(target)
    group, attached = _groups(target, item)
    endpoint = item.get("Endpoint", {})
    # The first is 0 on AWS, and the server's own in the sandbox.
    port = int(item.get("DbInstancePort") or endpoint.get("Port", 0))
    source = _source(target, item)
    wanted = wish(target, source, group.id if group else "", tags.today(), port)
    if group is None:
        note = "known after 01_provision_rds: run it first"
        return Plan(title, (Change(Action.CREATE, RESOURCE, after=str(wanted.rule), note=note),))
    found = rules_of(target, {"group-id": [group.id, *attached]})
    if wanted.named_id and wanted.named_id not in {rule.id for rule in found}:
        remedy = "correct DB_SG_RULE_ID, or unset it to find the rule by its tags"
        raise NotFound(f"there is no rule {wanted.named_id} in the security groups of the DB instance: {remedy}")
    changes, facts = reconcile(wanted, found)
    elsewhere = False
    if source:
        said, elsewhere = address.compared(target, source)
        facts = [*said, *facts]
    if source is None or tunnel.leads(target):
        facts = [*tunnel.instructions(target, endpoint.get("Address", "ENDPOINT"), port or target.port), *facts]
    if attached and group.id not in attached:
        facts.append(f"WARNING: {group.name} is not attached to the DB instance: run 01_provision_rds")
    if shared := not (target.security_group_id or tags.ours(target, group.tags)):
        name = f"{group.name} ({group.id})"
        facts.append(f"WARNING: the group {name} is not the runbook's: what else is in it lets the address in, too")
    return Plan(title, tuple(changes), tuple(facts), asks_always=elsewhere or shared)


def _source(target: Target, item: Mapping[str, Any]) -> addresses.Network | None:
    """The operator's address; None for an instance without a public one, unless the operator named a private one, as of a VPN."""
    if not item or item.get("PubliclyAccessible"):
        found = address.find(target)
        if found.version == IPV6 and item.get("NetworkType") == "IPV4":
            message = f"{target.db_instance_identifier} is reached by IPv4 alone, and {found.network_address} is an IPv6 address"
            raise WrongInput(f'{message}: set LOCAL_IP to your IPv4 address, or network_type = "DUAL"')
        return found
    named = addresses.given(target.operator_address) if target.operator_address else None
    return named if named and addresses.private(named.network_address) else None


def _groups(target: Target, item: Mapping[str, Any]) -> tuple[groups.Group | None, list[str]]:
    """The group that is to hold the rule, and the ids of those that the DB instance has.

    It is the named or the runbook's own group; where the instance has groups without it, their first.
    """
    attached, group = groups.attached(item), groups.describe(target, item)
    if attached and not target.security_group_id and (group is None or group.id not in attached):
        group = groups.named(target, attached[0])
    return group, attached


def reconcile(wanted: Wish, found: Sequence[Rule]) -> tuple[list[Change], list[str]]:
    """The changes that leave one rule of the operator's, and a line for each rule that is left alone.

    Other people's are left alone, expired ones revoked. Of the operator's, the named one is kept, else one that will do as it
    is; none of the other IP version, which EC2 does not turn into this one. The new address is admitted before an older one
    is shut out, but for a rule that is the same: EC2 refuses to have it twice.
    """
    mine = [rule for rule in found if wanted.claims(rule)]
    mine.sort(key=lambda rule: (rule.id != wanted.named_id, rule != wanted.rule, rule.id))
    others = [rule for rule in found if not wanted.claims(rule)]
    expired = [rule for rule in others if wanted.expired(rule)]
    same = [rule for rule in others if rule == wanted.rule and not wanted.expired(rule)]
    alike = [rule for rule in mine if rule.source_type == wanted.rule.source_type]
    kept = alike[0] if wanted.rule.source and alike and not same else None
    lasting = [rule for rule in alike if rule is kept or rule.id == wanted.named_id]
    stale = [rule for rule in mine if rule is not kept and (rule.id != wanted.named_id or (wanted.made(rule) and not lasting))]
    gone = [*stale, *expired]
    twice = [_revocation(wanted, rule) for rule in gone if rule == wanted.rule]
    older = [_revocation(wanted, rule) for rule in gone if rule != wanted.rule]
    ids = {rule.id for rule in (*gone, *([kept] if kept else []))}
    return [*twice, _admission(wanted, kept, same), *older], [_report(rule) for rule in found if rule.id not in ids]


def _admission(wanted: Wish, kept: Rule | None, same: Sequence[Rule]) -> Change:
    """The change that admits the operator: none where somebody else's rule does the same, or nobody is to be admitted."""
    if not wanted.rule.source:
        return Change(Action.NONE, RESOURCE, note="none is needed: not publicly accessible")
    if same:
        return Change(Action.NONE, RESOURCE, after=str(wanted.rule), note=f"admitted by {same[0].id}, of somebody else")
    if kept is None:
        note = f"expires in {wanted.days} days" if wanted.days else "does not expire"
        calls = (wanted.rule.authorization(wanted.group_id),)
        return Change(Action.CREATE, RESOURCE, after=str(wanted.rule), note=note, calls=calls)
    return _move(wanted, kept) if kept != wanted.rule else _renewal(wanted, kept)


def _move(wanted: Wish, kept: Rule) -> Change:
    moved = {"SecurityGroupRuleId": kept.id, "SecurityGroupRule": wanted.rule.request()}
    call = Call("ec2", "modify_security_group_rules", {"GroupId": kept.group_id, "SecurityGroupRules": [moved]})
    calls = (call, _tagging(wanted, kept)) if wanted.made(kept) else (call,)
    return Change(Action.MODIFY, RESOURCE, before=str(kept), after=str(wanted.rule), calls=calls)


def _renewal(wanted: Wish, kept: Rule) -> Change:
    """A new expiry date once fewer than half of the days are left, so that a second run changes nothing."""
    left = wanted.days_left(kept)
    if not wanted.made(kept) or not wanted.days or (left is not None and 2 * left >= wanted.days):
        return Change(Action.NONE, RESOURCE, after=str(wanted.rule))
    before = "none" if left is None else f"in {left} days" if left >= 0 else "past"
    return Change(Action.MODIFY, RESOURCE, "expiry", before, f"in {wanted.days} days", calls=(_tagging(wanted, kept),))


def _tagging(wanted: Wish, kept: Rule) -> Call:
    return Call("ec2", "create_tags", {"Resources": [kept.id], "Tags": tags.as_list(wanted.rule.tags)})


def _revocation(wanted: Wish, rule: Rule) -> Change:
    """The change that takes a rule away; its line names the rule, since nothing else would tell two apart."""
    owner, left = rule.tags.get("Owner", "nobody"), wanted.days_left(rule) or 0
    note = f"of {owner}, expired {-left} days ago" if left < 0 else f"an older one of {owner}"
    return Change(Action.DELETE, f"{RESOURCE} {rule.id}", before=str(rule), note=note, calls=(rule.revocation(),))


def _report(rule: Rule) -> str:
    if rule.open_to_everybody:
        return f"WARNING: {rule} ({rule.id}) lets in everybody on the internet: revoke it"
    return f"left alone: {rule} ({rule.id}), of {rule.tags.get('Owner', 'an unknown owner')}"
