"""The undoing of a deployment: what goes, and what has one of the names and stays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from cruddur_ops import aws, dependents, tags
from cruddur_ops.change import Action, Change
from cruddur_ops.cognito import function, plan_remove_pool, plan_undeploy, pool, role
from cruddur_ops.cognito.function import Function
from cruddur_ops.cognito.role import LogGroup
from cruddur_ops.errors import WrongInput
from cruddur_ops.network import groups
from cruddur_ops.plan import Plan
from cruddur_ops.roles import Role
from cruddur_ops.target import Target

TARGET = Target("test", sandbox=True, owner="alice")
OURS = tags.of(TARGET)
NAME = "cruddur-db-instance-post-confirmation"
FUNCTION_ARN = f"arn:aws:lambda:ca-central-1:123456789012:function:{NAME}"
POOL: dict[str, Any] = {
    "Id": "ca-central-1_AbC",
    "Name": "cruddur-user-pool",
    "Arn": "arn:aws:cognito-idp:ca-central-1:123456789012:userpool/ca-central-1_AbC",
    "UserPoolTags": OURS,
    "LambdaConfig": {},
}
OTHERS = [{}, {"ManagedBy": "cruddur-ops"}, {**OURS, "DBInstance": "cruddur-db-instance-2"}]


@pytest.fixture
def undeployed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """What goes where there are these, without network."""
    monkeypatch.setattr(dependents, "of_role", lambda *_: "")

    def planned(labels: dict[str, str], log: dict[str, str] | None = None, found: bool = True, trigger: str = "") -> list[str]:
        monkeypatch.setattr(function, "describe", lambda _: Function({}, {}, labels) if found else None)
        monkeypatch.setattr(role, "describe", lambda _: Role({}, {}, labels))
        monkeypatch.setattr(role, "describe_log_group", lambda _: LogGroup(30, labels if log is None else log))
        monkeypatch.setattr(groups, "find", lambda *_: [])
        monkeypatch.setattr(pool, "describe", lambda _: {**POOL, "LambdaConfig": {"PostConfirmation": trigger}})
        monkeypatch.setattr(pool, "update", lambda *_: {"UserPoolId": POOL["Id"]})
        return [change.resource for change in plan_undeploy(TARGET).mutating]

    return planned


def test_what_is_ours_goes(undeployed: Callable[..., list[str]]) -> None:
    """The trigger first, the role last; the log group of our function also where Lambda made it anew."""
    expected = ["user pool cruddur-user-pool", f"function {NAME}", f"log group /aws/lambda/{NAME}", f"role {NAME}"]
    assert expected == undeployed(OURS, log={}, trigger=FUNCTION_ARN)


@pytest.mark.parametrize("labels", OTHERS)
def test_what_is_not_ours_stays(labels: dict[str, str], undeployed: Callable[..., list[str]]) -> None:
    """Though it has the names; also another function's trigger, and the log group of a function that is gone."""
    for trigger in ("", f"{FUNCTION_ARN}-2", FUNCTION_ARN.replace("123456789012", "210987654321")):
        assert [] == undeployed(labels, trigger=trigger)
        assert [] == undeployed(labels, found=False)


def test_what_aws_would_not_delete_stays(undeployed: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """A role with another's policy, a log group that is protected: the rest goes."""
    undeployed(OURS)
    monkeypatch.setattr(dependents, "of_role", lambda *_: "stays with theirs")
    monkeypatch.setattr(role, "describe_log_group", lambda _: LogGroup(30, OURS, protected=True))
    changes = {change.resource: (change.action, change.note) for change in plan_undeploy(TARGET).changes}
    assert {
        f"function {NAME}": (Action.DELETE, ""),
        f"log group /aws/lambda/{NAME}": (Action.NONE, "is protected from deletion, and stays"),
        f"role {NAME}": (Action.NONE, "stays with theirs"),
    } == changes


def test_a_function_that_others_call_is_refused(undeployed: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the first change: Lambda would delete it under them."""
    undeployed(OURS, trigger=FUNCTION_ARN)
    statements: dict[str, dict[str, str]] = {"cruddur-ops-ca-central-1_AbC": {}, "theirs": {}}
    monkeypatch.setattr(function, "describe", lambda _: Function({}, statements, OURS))
    with pytest.raises(WrongInput, match=f"others may call the function {NAME}, by the statements theirs of its policy: take"):
        plan_undeploy(TARGET).apply()


@pytest.fixture
def removal(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Plan]:
    """Plans the removal of a pool like this."""

    def planned(found: dict[str, Any] | None = POOL, users: bool = False, target: Target = TARGET, user_pool: str = "") -> Plan:
        monkeypatch.setattr(pool, "describe", lambda _: found)
        monkeypatch.setattr(pool, "has_users", lambda *_: users)
        return plan_remove_pool(target, user_pool)

    return planned


def only(plan: Plan) -> Change:
    """The one change."""
    [change] = plan.changes
    return change


def test_a_pool_without_users_goes(removal: Callable[..., Plan]) -> None:
    """If the runbook made it for this target."""
    assert (Action.DELETE, "has no users") == ((change := only(removal())).action, change.note)


def test_a_pool_with_users_goes_when_it_is_asked_for_by_its_id(removal: Callable[..., Plan]) -> None:
    """And not before."""
    change = only(removal(users=True))
    assert (Action.NONE, True) == (change.action, "has users, and stays" in change.note)
    change = only(removal(users=True, user_pool=POOL["Id"]))
    assert (Action.DELETE, "with all its users") == (change.action, change.note)


@pytest.mark.parametrize(
    ("more", "reason"),
    [({"DeletionProtection": "ACTIVE"}, "is protected from deletion"), ({"Domain": "cruddur"}, "has the domain cruddur")],
)
def test_a_pool_that_cognito_would_not_delete_stays(more: dict[str, str], reason: str, removal: Callable[..., Plan]) -> None:
    """Users or not; asked for by its id, it is refused before anything else goes."""
    change = only(removal({**POOL, **more}))
    assert (Action.NONE, f"{reason}, and stays") == (change.action, change.note)
    with pytest.raises(WrongInput, match=f"ca-central-1_AbC {reason}, and Cognito would not delete it: take that away"):
        removal({**POOL, **more}, user_pool=POOL["Id"])


NAMED = replace(TARGET, user_pool_id=POOL["Id"])
FOREIGN = {**POOL, "UserPoolTags": {"ManagedBy": "cruddur-ops", "DBInstance": "other"}}


@pytest.mark.parametrize(("found", "target"), [(POOL, NAMED), (FOREIGN, TARGET), (None, TARGET)])
def test_the_applications_pool_stays_whatever_is_asked(
    found: dict[str, Any] | None, target: Target, removal: Callable[..., Plan]
) -> None:
    """One that the target names, another target's, none."""
    assert () == removal(found, target=target).mutating
    with pytest.raises(WrongInput, match="was not made for test by this runbook, and stays"):
        removal(found, target=target, user_pool=POOL["Id"])


def test_what_others_put_into_our_groups_for_the_functions_goes_with_it(account: str) -> None:
    """In and out, each by its call, and before the group that it names; a plan says that others made it."""
    target = Target("test", account_id=account, owner="alice")
    ec2 = aws.client(target, "ec2")
    labels = [{"ResourceType": "security-group", "Tags": tags.as_list(tags.of(target))}]
    ids = [
        ec2.create_security_group(GroupName=name, Description="test", TagSpecifications=labels)["GroupId"]
        for name in (NAME, groups.group_name(target))
    ]
    given = {"IpProtocol": "tcp", "FromPort": 5433, "ToPort": 5433, "UserIdGroupPairs": [{"GroupId": ids[0]}]}
    for authorize in (ec2.authorize_security_group_ingress, ec2.authorize_security_group_egress):
        authorize(GroupId=ids[1], IpPermissions=[given])
    plan = plan_undeploy(target)
    assert ["which others made"] * 2 + ["on AWS up to 20 minutes after the function"] == [
        change.note.rpartition(", ")[2] for change in plan.mutating
    ]
    plan.apply()
    assert [ids[1]] == [one.id for one in groups.own(target)]
