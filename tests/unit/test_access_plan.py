"""The plan of security-group rules for one operator."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cruddur_ops import tags
from cruddur_ops.addresses import Network
from cruddur_ops.change import Action
from cruddur_ops.errors import WrongInput
from cruddur_ops.network.access import Wish, reconcile, wish
from cruddur_ops.network.rules import Rule
from cruddur_ops.plan import Plan
from cruddur_ops.target import Target
from tests.unit.aws_state import calls_of, rules_after

TODAY = date(2026, 11, 21)
GROUP, OTHER_GROUP = "sg-0aaa", "sg-0bbb"
TARGET = Target("test", owner="alice")
HOME, OFFICE = ip_network("203.0.113.7"), ip_network("203.0.113.8")
WISH = wish(TARGET, HOME, GROUP, TODAY)
MINE = "tcp 5432 from 203.0.113.7/32"
OLD = "tcp 5432 from 203.0.113.8/32"


def made(owner: str, source: str, left: int | None = 7, rule_id: str = "sgr-1", group: str = GROUP) -> Rule:
    """A rule of the runbook's for this owner, that many days before its expiry."""
    labels = tags.of(replace(TARGET, owner=owner), 0, TODAY)
    labels |= {} if left is None else {"Expires": (TODAY + timedelta(days=left)).isoformat()}
    return Rule("tcp", 5432, 5432, source, f"cruddur-ops {owner}", labels, rule_id, group)


def foreign(source: str, rule_id: str = "sgr-9", group: str = GROUP) -> Rule:
    """A rule that somebody made by hand."""
    return Rule("tcp", 5432, 5432, source, "GITPOD", {}, rule_id, group)


def planned(*found: Rule, wanted: Wish = WISH) -> Plan:
    """The plan for these rules."""
    changes, facts = reconcile(wanted, found)
    return Plan("access", tuple(changes), tuple(facts))


def done(plan: Plan) -> list[tuple[Action, str | None, str | None]]:
    """What the plan does to which rules."""
    return [(change.action, change.before, change.after) for change in plan.changes]


def test_missing_rule_is_authorized() -> None:
    """Where the operator has no rule, one is made, with description, owner and expiry."""
    plan = planned()
    assert [(Action.CREATE, None, MINE)] == done(plan)
    [rule] = rules_after([], plan)
    assert "cruddur-ops alice" == rule.description
    labels = {"Owner": "alice", "Project": "cruddur", "ManagedBy": "cruddur-ops", "Expires": "2026-11-28"}
    assert labels | {"DBInstance": "cruddur-db-instance"} == rule.tags


def test_the_same_address_changes_nothing() -> None:
    """A second run finds the rule as it is wanted."""
    assert [(Action.NONE, None, MINE)] == done(planned(made("alice", "203.0.113.7/32")))


def test_a_new_address_moves_the_rule() -> None:
    """The rule keeps its id and gets a new expiry date."""
    old = made("alice", "203.0.113.8/32", left=1)
    plan = planned(old)
    assert [(Action.MODIFY, OLD, MINE)] == done(plan)
    [rule] = rules_after([old], plan)
    assert (WISH.rule, old.id, "2026-11-28") == (rule, rule.id, rule.tags["Expires"])


def test_further_rules_of_the_owner_are_revoked() -> None:
    """One rule is enough; that it is the one which will do as it is makes the plan shortest."""
    plan = planned(made("alice", "203.0.113.8/32"), made("alice", "203.0.113.7/32", rule_id="sgr-2"))
    assert [(Action.NONE, None, MINE), (Action.DELETE, OLD, None)] == done(plan)


def test_expired_rules_of_others_are_revoked_and_named() -> None:
    """A forgotten rule goes, with its owner and age in the line."""
    plan = planned(made("bob", "203.0.113.8/32", left=-3))
    assert [(Action.CREATE, None, MINE), (Action.DELETE, OLD, None)] == done(plan)
    assert "of bob, expired 3 days ago" == plan.changes[1].note


@pytest.mark.parametrize("left", [0, 3, None])
def test_unexpired_rules_of_others_are_left_alone(left: int | None) -> None:
    """On its last day, and without a date, a colleague's rule stays, and is reported."""
    plan = planned(made("bob", "203.0.113.8/32", left=left))
    assert [(Action.CREATE, None, MINE)] == done(plan)
    assert (f"left alone: {OLD} (sgr-1), of bob",) == plan.facts


def test_foreign_rules_are_reported() -> None:
    """What the runbook did not make it does not touch."""
    plan = planned(foreign("198.51.100.0/24"))
    assert [(Action.CREATE, None, MINE)] == done(plan)
    assert ("left alone: tcp 5432 from 198.51.100.0/24 (sgr-9), of an unknown owner",) == plan.facts


@pytest.mark.parametrize("source", ["0.0.0.0/0", "::/0"])
def test_a_rule_for_everybody_is_warned_of(source: str) -> None:
    """A database that is open to the internet is said loudly, in whichever of its groups."""
    [fact] = planned(foreign(source, group=OTHER_GROUP)).facts
    assert fact.startswith("WARNING")


@pytest.mark.parametrize("group", [GROUP, OTHER_GROUP])
def test_somebody_elses_identical_rule_will_do(group: str) -> None:
    """No group holds two rules that admit the same: a foreign one is used, and the owner's older ones go."""
    plan = planned(foreign("203.0.113.7/32", group=group), made("alice", "203.0.113.8/32"))
    assert [(Action.NONE, None, MINE), (Action.DELETE, OLD, None)] == done(plan)


def test_a_named_rule_is_moved_and_not_tagged() -> None:
    """DB_SG_RULE_ID names a rule made by hand: it follows the operator and never expires."""
    plan = planned(foreign("203.0.113.8/32"), wanted=replace(WISH, named_id="sgr-9"))
    assert [(Action.MODIFY, OLD, MINE)] == done(plan)
    assert ["modify_security_group_rules"] == [call.operation for call in calls_of(plan)]
    [rule] = rules_after([foreign("203.0.113.8/32")], plan)
    assert {} == rule.tags


@pytest.mark.parametrize("named", ["", "sgr-1"])
def test_an_address_of_the_other_ip_version_gets_a_new_rule(named: str) -> None:
    """EC2 does not turn a rule into one of IPv6; the old one goes once the new one is there."""
    old, six = made("alice", "203.0.113.8/32"), ip_network("2001:db8::7")
    wanted = replace(wish(TARGET, six, GROUP, TODAY), named_id=named)
    plan = planned(old, wanted=wanted)
    assert [(Action.CREATE, None, "tcp 5432 from 2001:db8::7/128"), (Action.DELETE, OLD, None)] == done(plan)
    assert [wanted.rule] == rules_after([old], plan)


def test_a_named_rule_wins_over_one_found_by_its_tags() -> None:
    """The other goes first, since EC2 would refuse two that admit the same."""
    found = [foreign("203.0.113.8/32"), made("alice", "203.0.113.7/32")]
    plan = planned(*found, wanted=replace(WISH, named_id="sgr-9"))
    assert [(Action.DELETE, MINE, None), (Action.MODIFY, OLD, MINE)] == done(plan)
    assert [WISH.rule] == rules_after(found, plan)


def test_a_named_rule_is_never_revoked() -> None:
    """Where somebody else's rule admits the operator, the named one is left, and reported."""
    found = [foreign("203.0.113.7/32", "sgr-1"), foreign("203.0.113.8/32")]
    plan = planned(*found, wanted=replace(WISH, named_id="sgr-9"))
    assert [(Action.NONE, None, MINE)] == done(plan)
    assert 2 == len(plan.facts)


@pytest.mark.parametrize(("left", "action"), [(7, Action.NONE), (4, Action.NONE), (3, Action.MODIFY), (-1, Action.MODIFY)])
def test_expiry_is_renewed_in_its_second_half(left: int, action: Action) -> None:
    """Seven days: runs on the same day and the next change nothing, later ones renew."""
    found = made("alice", "203.0.113.7/32", left=left)
    plan = planned(found)
    assert [action] == [change.action for change in plan.changes]
    assert () == planned(*rules_after([found], plan)).mutating


def test_expiry_that_cannot_be_read_is_renewed() -> None:
    """A date that somebody mistyped revokes nothing; the owner's own is written anew."""
    mine = made("alice", "203.0.113.7/32")
    mine = replace(mine, tags={**mine.tags, "Expires": "soon"})
    assert [Action.MODIFY] == [change.action for change in planned(mine).changes]
    theirs = made("bob", "203.0.113.8/32", rule_id="sgr-2")
    theirs = replace(theirs, tags={**theirs.tags, "Expires": "soon"})
    assert 1 == len(planned(mine, theirs).mutating)


def test_a_rule_that_does_not_expire() -> None:
    """No days, no expiry tag, no renewal."""
    wanted = wish(replace(TARGET, rule_days=0), HOME, GROUP, TODAY)
    rules = rules_after([], planned(wanted=wanted))
    assert "Expires" not in rules[0].tags
    assert () == planned(*rules, wanted=wanted).mutating


@pytest.mark.parametrize("network", ["0.0.0.0/0", "::/0"])
def test_everybody_is_refused(network: str) -> None:
    """No wish opens the database to the internet."""
    with pytest.raises(WrongInput):
        wish(TARGET, ip_network(network), GROUP, TODAY)


@pytest.mark.parametrize("owner", ["", "O'Brien", "DOMAIN\\alice", "aws:alice", "a" * 201, "Žofie"])
def test_an_owner_that_aws_refuses_is_refused_first(owner: str) -> None:
    """The name has to fit both a tag and a description."""
    with pytest.raises(WrongInput, match="CRUDDUR_OWNER"):
        wish(replace(TARGET, owner=owner), HOME, GROUP, TODAY)


NETWORKS = (HOME, OFFICE, ip_network("2001:db8::7"), ip_network("198.51.100.0/24"), ip_network("0.0.0.0/0"))
KINDS = st.tuples(
    st.sampled_from(["alice", "bob", ""]),
    st.sampled_from([str(network) for network in NETWORKS]),
    st.one_of(st.none(), st.integers(-9, 9)),
    st.sampled_from([GROUP, OTHER_GROUP]),
)


@st.composite
def rule_sets(draw: st.DrawFn) -> list[Rule]:
    """Rules of the operator, of a colleague and foreign ones, no two of a group admitting the same."""
    drawn = draw(st.lists(KINDS, max_size=6, unique_by=lambda kind: (kind[1], kind[3])))
    rules = [
        made(owner, source, left, group=group) if owner else foreign(source, group=group) for owner, source, left, group in drawn
    ]
    return [replace(rule, id=f"sgr-{number}") for number, rule in enumerate(rules)]


@given(rule_sets(), st.integers(-1, 5), st.sampled_from(NETWORKS[:3]))
def test_planning_again_changes_nothing(found: list[Rule], named: int, source: Network) -> None:
    """Whatever was there, EC2 accepts the plan, the operator is admitted, and the next plan is empty."""
    named_id = f"sgr-{named}" if 0 <= named < len(found) else ""
    wanted = replace(wish(TARGET, source, GROUP, TODAY), named_id=named_id)
    rules = rules_after(found, planned(*found, wanted=wanted))
    assert () == planned(*rules, wanted=wanted).mutating
    assert wanted.rule in rules
    kept = {rule.id for rule in rules}
    assert set() == {rule.id for rule in found if not tags.ours(TARGET, rule.tags)} - kept
