"""Teardown, and the listings of what is left: decided from what was described."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from cruddur_ops import applying
from cruddur_ops.errors import ConfirmationRequired, InstanceNotReady, WrongInput
from cruddur_ops.network.groups import Group
from cruddur_ops.plan import Action, Change, Plan
from cruddur_ops.rds import expired, inventory, schedule, teardown
from cruddur_ops.rds.instances import Instance
from cruddur_ops.rds.inventory import from_arn
from cruddur_ops.targets import Target
from tests.unit.aws_state import calls_of
from tests.unit.conftest import Stub

TARGET = Target("test", owner="alice", db_instance_identifier="x")
INSTANCE = Instance("x", "available", arn="arn:aws:rds:ca-central-1:000000000000:db:x")
ARN = "arn:aws:{}:ca-central-1:000000000000:{}"


def changes(found: Instance | None = INSTANCE, final_snapshot: str = "none", taken: bool = False) -> list[Change]:
    """What teardown does about the instance."""
    return teardown.instance_changes(TARGET, found, final_snapshot, taken)


@pytest.mark.parametrize(
    ("final_snapshot", "expected"),
    [("none", {"SkipFinalSnapshot": True}), ("last", {"FinalDBSnapshotIdentifier": "last"})],
)
def test_the_data_stay_or_go_as_was_said(final_snapshot: str, expected: dict[str, Any]) -> None:
    """One of the two, and automated backups go in either case."""
    [call] = calls_of(Plan("", tuple(changes(final_snapshot=final_snapshot))))
    assert {"DBInstanceIdentifier": "x", "DeleteAutomatedBackups": True, **expected} == call.parameters


def test_nobody_said_what_becomes_of_the_data() -> None:
    """Neither is the default."""
    with pytest.raises(WrongInput, match='a name for the last snapshot, or "none"'):
        changes(final_snapshot="")


def test_the_name_of_the_last_snapshot_is_taken() -> None:
    """RDS would refuse, after protection was off."""
    with pytest.raises(WrongInput, match="a snapshot last already: choose another"):
        changes(final_snapshot="last", taken=True)


def test_protection_goes_first() -> None:
    """It is a change of its own, which the plan shows."""
    first, second = changes(replace(INSTANCE, deletion_protection=True))
    assert ("DeletionProtection", Action.MODIFY, Action.DELETE) == (first.setting, first.action, second.action)


def test_a_protected_instance_wants_its_name() -> None:
    """Whatever the target says of itself."""
    plan = Plan("teardown on test", tuple(changes(replace(INSTANCE, deletion_protection=True))))
    for confirm in ("", "other"):
        with pytest.raises(ConfirmationRequired, match="--confirm x"):
            teardown.tear_down(plan, TARGET, confirm)


@pytest.mark.parametrize("status", ["stopped", "failed", "storage-full", "incompatible-restore"])
def test_states_in_which_it_goes(status: str) -> None:
    """Also when it is broken."""
    assert [Action.DELETE] == [change.action for change in changes(replace(INSTANCE, status=status))]


@pytest.mark.parametrize("status", ["creating", "modifying", "stopping"])
def test_states_in_which_it_does_not(status: str) -> None:
    """Delete while creating: RDS would refuse."""
    with pytest.raises(InstanceNotReady, match=f"x is {status}, and RDS would not delete it: wait"):
        changes(replace(INSTANCE, status=status))


def test_protection_of_a_stopped_instance() -> None:
    """It cannot be taken off before it runs."""
    with pytest.raises(InstanceNotReady, match="start it with"):
        changes(replace(INSTANCE, status="stopped", deletion_protection=True))


@pytest.mark.parametrize(("found", "note"), [(None, "is not there"), (replace(INSTANCE, status="deleting"), "deleted already")])
def test_an_instance_that_is_gone_or_going(found: Instance | None, note: str) -> None:
    """A second run needs no word about the data any more."""
    [change] = changes(found, final_snapshot="")
    assert Action.NONE is change.action
    assert note in change.note


def test_a_group_that_others_have_stays() -> None:
    """It is said who, and what to do about it."""
    group = Group("sg-1", "x-access", "vpc-1")
    [call] = teardown.group_change(TARGET, group, ["x"]).calls
    assert {"GroupId": "sg-1"} == call.parameters
    kept = teardown.group_change(TARGET, group, ["copy", "x"])
    assert (Action.NONE, ()) == (kept.action, kept.calls)
    assert "stays with copy: delete it first, as with `cruddur-ops rds delete copy`" in kept.note


@pytest.mark.parametrize(
    ("arn", "kind", "name", "command"),
    [
        (ARN.format("rds", "db:x"), "rds:db", "x", "aws rds delete-db-instance --skip-final-snapshot --db-instance-identifier x"),
        (ARN.format("rds", "snapshot:rds:x-1"), "rds:snapshot", "rds:x-1", "goes by itself"),
        (ARN.format("rds", "snapshot:last"), "rds:snapshot", "last", "--db-snapshot-identifier last"),
        (ARN.format("ec2", "security-group/sg-1"), "ec2:security-group", "sg-1", "--group-id sg-1"),
        (ARN.format("logs", "log-group:/aws/rds/x:*"), "logs:log-group", "/aws/rds/x", "--log-group-name /aws/rds/x"),
        (ARN.format("lambda", "function:f"), "lambda:function", "f", "--function-name f"),
        (ARN.format("secretsmanager", "secret:x/app-AbCdEf"), "secretsmanager:secret", "x/app-AbCdEf", "secret:x/app-AbCdEf"),
        (ARN.format("cognito-idp", "userpool/p_1"), "cognito-idp:userpool", "p_1", "--user-pool-id p_1"),
        (ARN.format("sqs", "queue"), "sqs:queue", "queue", "see the console of its service"),
    ],
)
def test_what_removes_a_resource(arn: str, kind: str, name: str, command: str) -> None:
    """By its ARN; of what nobody foresaw, the console."""
    found = from_arn(arn, "why")
    assert (kind, name) == (found.kind, found.name)
    assert command in found.command
    assert f"{kind} {name} (why)" in repr(found)


def test_what_is_expired(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Region by region, the oldest first; what has no date, or one that is to come, is none of it."""
    tagged = {
        "ca-central-1": [("1", "2026-11-18"), ("2", "2026-11-01"), ("3", "2126-01-01"), ("4", ""), ("5", "soon")],
        "eu-west-1": [("6", "2026-11-19")],
    }
    monkeypatch.setattr("cruddur_ops.tags.today", lambda: date(2026, 11, 20))
    for region, resources in tagged.items():
        mapping = [
            {"ResourceARN": ARN.format("rds", f"db:{name}"), "Tags": [{"Key": "Expires", "Value": value}] if value else []}
            for name, value in resources
        ]
        stub(replace(TARGET, region=region), "resourcegroupstaggingapi").add_response(
            "get_resources", {"ResourceTagMappingList": mapping}
        )
    found = expired.find(TARGET, tagged)
    assert [("ca-central-1", 19, "2"), ("ca-central-1", 2, "1"), ("eu-west-1", 1, "6")] == [
        (one.region, one.days, one.resource.name) for one in found
    ]
    assert str(found[-1]).endswith("--db-instance-identifier 6 --region eu-west-1")


def test_found_twice_is_listed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """By tag and by reference: the ARN tells."""
    arn = ARN.format("rds", "db:x")
    monkeypatch.setattr(inventory, "tagged", lambda _: iter([(arn, {"Owner": "bob"})]))
    monkeypatch.setattr(inventory, "by_reference", lambda _: iter([from_arn(arn, "is available")]))
    assert ["tagged, of bob"] == [one.why for one in inventory.find(TARGET)]


def test_the_schedule_stops_this_instance_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A role for schedules of this account, a policy for this instance, a schedule without retries."""
    monkeypatch.setattr(schedule, "present", lambda _: set())
    plan = schedule.plan_schedule(TARGET, INSTANCE)
    role, policy, made = calls_of(plan)
    assert '"aws:SourceAccount": "000000000000"' in role.parameters["AssumeRolePolicyDocument"]
    assert f'"Resource": "{INSTANCE.arn}"' in policy.parameters["PolicyDocument"]
    assert ("rate(1 hour)", '{"DbInstanceIdentifier": "x"}') == (
        made.parameters["ScheduleExpression"],
        made.parameters["Target"]["Input"],
    )


@pytest.mark.parametrize("made", [0, 1, 2, 3])
def test_a_schedule_that_was_begun(monkeypatch: pytest.MonkeyPatch, made: int) -> None:
    """What is there stays, what is missing is made; and all of what is there is removed."""
    names = [change.resource for change in _all_of_schedule(monkeypatch)]
    monkeypatch.setattr(schedule, "present", lambda _: set(names[:made]))
    assert 3 - made == len(calls_of(schedule.plan_schedule(TARGET, INSTANCE)))
    assert set(names[:made]) == {change.resource for change in schedule.plan_unschedule(TARGET).mutating}


def _all_of_schedule(monkeypatch: pytest.MonkeyPatch) -> tuple[Change, ...]:
    monkeypatch.setattr(schedule, "present", lambda _: set())
    return schedule.plan_schedule(TARGET, INSTANCE).changes


def test_a_role_that_is_not_known_everywhere_yet(stub: Stub) -> None:
    """EventBridge Scheduler refuses it for some seconds; the call is made again."""
    answers = stub(TARGET, "scheduler")
    answers.add_client_error("create_schedule", "ValidationException", "The execution role you provide must allow ...")
    answers.add_response("create_schedule", {"ScheduleArn": ARN.format("scheduler", "schedule/default/x-stop")})
    change = schedule._schedule(TARGET, INSTANCE)
    applying.apply(Plan("schedule", (change,)), TARGET)
    answers.assert_no_pending_responses()


def test_what_is_there_of_a_schedule(stub: Stub) -> None:
    """Absence is an answer of two services, each with its own code."""
    stub(TARGET, "scheduler").add_client_error("get_schedule", "ResourceNotFoundException")
    iam = stub(TARGET, "iam")
    iam.add_client_error("get_role_policy", "NoSuchEntity")
    iam.add_client_error("get_role", "NoSuchEntity")
    assert set() == schedule.present(TARGET)
