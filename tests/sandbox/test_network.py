"""Access to the DB instance through the package, on a real sandbox."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from cruddur_ops import aws, network, rds
from cruddur_ops.change import Action, Outcome
from cruddur_ops.errors import ConfirmationRequired, NotFound, WrongInput
from cruddur_ops.network import groups
from cruddur_ops.network.rules import Rule, rules_of
from cruddur_ops.rds import instances
from cruddur_ops.target import Target
from tests.sandbox.support import Client


@pytest.fixture
def group_id(target: Target) -> str:
    """The runbook's group, without an instance."""
    groups.plan_group(target).apply()
    group = groups.describe(target)
    assert group is not None
    return group.id


def applied(target: Target) -> Outcome:
    """What planning and applying the operator's access comes to; it is confirmed, since the address service sees another one."""
    return network.plan_access(dataclasses.replace(target, confirm=target.db_instance_identifier)).apply()


def sources(target: Target, group_id: str) -> list[str]:
    """The sources that the group admits."""
    return sorted(rule.source for rule in rules_of(target, {"group-id": [group_id]}))


def test_the_firewall_opens_and_closes(target: Target, ec2: Client) -> None:
    """Silence before the rule, an answer after it, silence again without it; nor does a stopped instance answer."""
    rds.plan_both(target).apply()
    found = instances.require(target)
    assert "silent" == network.reachability(found.host, found.endpoint_port, 2)
    assert Outcome(created=1) == applied(target)
    assert "answers" == network.reachability(found.host, found.endpoint_port, 2)
    assert Outcome(unchanged=1) == applied(target)
    [rule] = rules_of(target, {"group-id": found.security_group_ids})
    ec2.revoke_security_group_ingress(GroupId=rule.group_id, SecurityGroupRuleIds=[rule.id])
    assert "silent" == network.reachability(found.host, found.endpoint_port, 2)
    applied(target)
    aws.client(target, "rds").stop_db_instance(DBInstanceIdentifier=target.db_instance_identifier)
    rds.wait(target, "stopped", timeout=60)
    assert network.reachability(found.host, found.endpoint_port, 2) in ("refused", "silent")


@pytest.mark.parametrize(("home", "office", "bits"), [("203.0.113.7", "203.0.113.8", 32), ("2001:db8::7", "2001:db8::8", 128)])
def test_the_rule_follows_the_operator(target: Target, group_id: str, home: str, office: str, bits: int) -> None:
    """At a new address the same rule is moved, with its tags."""
    assert Outcome(created=1) == applied(dataclasses.replace(target, operator_address=home))
    [before] = rules_of(target, {"group-id": [group_id]})
    elsewhere = dataclasses.replace(target, operator_address=office)
    assert Outcome(changed=1) == applied(elsewhere)
    [after] = rules_of(target, {"group-id": [group_id]})
    assert (before.id, f"{office}/{bits}", before.tags) == (after.id, after.source, after.tags)
    assert f"cruddur-ops {target.owner}" == after.description
    assert Outcome(unchanged=1) == applied(elsewhere)


def test_an_address_that_the_service_does_not_see_is_asked_about(target: Target, group_id: str) -> None:
    """It may be stale, and would let in a stranger."""
    plan = network.plan_access(dataclasses.replace(target, operator_address="203.0.113.250"))
    assert "WARNING: the address service sees this machine as" in str(plan)
    with pytest.raises(ConfirmationRequired, match="is to be confirmed"):
        plan.apply()
    assert [] == sources(target, group_id)


def test_operators_do_not_disturb_each_other(target: Target, group_id: str) -> None:
    """Each owner has one rule, and sees the others' as facts."""
    alice = dataclasses.replace(target, owner="alice", operator_address="203.0.113.1")
    bob = dataclasses.replace(target, owner="bob", operator_address="203.0.113.2")
    assert (Outcome(created=1), Outcome(created=1)) == (applied(alice), applied(bob))
    assert ["203.0.113.1/32", "203.0.113.2/32"] == sources(target, group_id)
    assert any("of bob" in fact for fact in network.plan_access(alice).facts)


def test_stale_and_expired_rules_go(target: Target, group_id: str, ec2: Client) -> None:
    """A second rule of the owner's and a forgotten one of a colleague's are revoked, a foreign one is not."""
    alice = dataclasses.replace(target, owner="alice", operator_address="203.0.113.1")
    applied(alice)
    for owner, address, expires in (("alice", "203.0.113.2", "2126-01-01"), ("bob", "203.0.113.3", "2026-01-01")):
        labels = {"Owner": owner, "ManagedBy": "cruddur-ops", "DBInstance": target.db_instance_identifier, "Expires": expires}
        authorize(ec2, group_id, address, [{"Key": key, "Value": value} for key, value in labels.items()])
    authorize(ec2, group_id, "203.0.113.4", [])
    assert Outcome(deleted=2, unchanged=1) == applied(alice)
    assert ["203.0.113.1/32", "203.0.113.4/32"] == sources(target, group_id)
    assert Outcome(unchanged=1) == applied(alice)


def authorize(ec2: Client, group_id: str, address: str, labels: list[dict[str, str]]) -> str:
    """The id of a rule made with plain boto3."""
    more: dict[str, Any] = {}
    if labels:
        more = {"TagSpecifications": [{"ResourceType": "security-group-rule", "Tags": labels}]}
    permission = Rule("tcp", 5432, 5432, f"{address}/32").permission()
    answer = ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[permission], **more)
    return str(answer["SecurityGroupRules"][0]["SecurityGroupRuleId"])


def test_the_named_rule_is_moved(target: Target, group_id: str, ec2: Client) -> None:
    """DB_SG_ID and DB_SG_RULE_ID name what was made by hand, as the original workspace hook did."""
    rule_id = authorize(ec2, group_id, "203.0.113.4", [])
    named = dataclasses.replace(target, security_group_id=group_id, security_group_rule_id=rule_id)
    assert Outcome(changed=1) == applied(named)
    [rule] = rules_of(target, {"group-id": [group_id]})
    assert (rule_id, "203.0.113.10/32", {}) == (rule.id, rule.source, dict(rule.tags))
    assert Outcome(unchanged=1) == applied(named)


@pytest.mark.parametrize(
    ("setting", "value", "variable"),
    [
        ("security_group_id", "sg-0123456789abcdef0", "DB_SG_ID"),
        ("security_group_id", "no-group", "DB_SG_ID"),
        ("security_group_rule_id", "sgr-0123456789abcdef0", "DB_SG_RULE_ID"),
    ],
)
def test_what_is_named_and_does_not_exist(target: Target, group_id: str, setting: str, value: Any, variable: str) -> None:
    """The variable to correct is named."""
    with pytest.raises(NotFound, match=variable):
        network.plan_access(dataclasses.replace(target, **{setting: value}))


def test_everybody_is_refused_and_reported(target: Target, group_id: str, ec2: Client) -> None:
    """Nobody opens the database to the internet by LOCAL_IP, and who did it otherwise is told."""
    with pytest.raises(WrongInput):
        network.plan_access(dataclasses.replace(target, operator_address="0.0.0.0/0"))
    permission = Rule("tcp", 5432, 5432, "0.0.0.0/0").permission()
    ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[permission])
    [fact] = network.plan_access(target).facts
    assert fact.startswith("WARNING: tcp 5432 from 0.0.0.0/0")


def test_before_anything_exists(target: Target) -> None:
    """The plan names the operator's address, and what it waits for."""
    [change] = network.plan_access(target).changes
    assert (Action.CREATE, "tcp 5432 from 203.0.113.10/32") == (change.action, change.after)
    assert change.note.startswith("known after 01_provision_rds")
