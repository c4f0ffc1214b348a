"""Stop and start: what each comes to in every status, and what is told on the way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cruddur_ops import dependents, roles, tags
from cruddur_ops.change import Action
from cruddur_ops.database import instance
from cruddur_ops.errors import AccessDenied, InstanceNotReady, InUse, WrongInput
from cruddur_ops.plan import Plan
from cruddur_ops.rds import health, instances, power, prices, schedule
from cruddur_ops.rds.instances import READY, Instance
from cruddur_ops.rds.prices import MonthlyCost
from cruddur_ops.rds.waiting import BUSY
from cruddur_ops.roles import Role
from cruddur_ops.target import Target
from tests.unit.aws_state import calls_of
from tests.unit.conftest import ACCOUNT, Stub

ARN = "arn:aws:rds:ca-central-1:000000000000:db:x"
TARGET = Target("test", account_id=ACCOUNT, owner="alice", db_instance_identifier="x")
COST = MonthlyCost({"instance": 12.0, "storage": 2.5})
SCHEDULE = ["IAM role x-stop", "policy of role x-stop", "schedule x-stop"]


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """What there is of the schedule: nothing yet. Prices are known."""
    found: set[str] = set()
    monkeypatch.setattr(schedule, "_looks", lambda *_: [(one, True) for one in found])
    allowed = schedule.policy(Instance("x", "stopped", arn=ARN))
    monkeypatch.setattr(roles, "find", lambda *_: Role({}, allowed if SCHEDULE[1] in found else {}))
    monkeypatch.setattr(dependents, "of_role", lambda *_: "")
    monkeypatch.setattr(prices, "monthly_cost", lambda _: COST)
    return found


@pytest.fixture
def stop(region: dict[str, Instance], there: set[str]) -> Callable[..., Plan]:
    """Plans the stop of an instance of this status, to which these are connected."""

    def planned(status: str, connected: tuple[str, ...] = (), keep: bool = False, force: bool = False, **more: Any) -> Plan:
        region["x"] = Instance("x", status, arn=ARN, **more)
        return power.plan_stop(TARGET, lambda _: connected, keep=keep, force=force)

    return planned


@pytest.fixture
def start(region: dict[str, Instance], there: set[str]) -> Callable[[str], Plan]:
    """Plans the start of an instance of this status."""

    def planned(status: str) -> Plan:
        region["x"] = Instance("x", status)
        return power.plan_start(TARGET)

    return planned


def test_a_running_instance_is_stopped(stop: Callable[..., Plan]) -> None:
    """One call; what it saves and what goes on billing are told before, and that AWS starts it again."""
    plan = stop("available")
    [call] = calls_of(plan)
    assert ("stop_db_instance", {"DBInstanceIdentifier": "x"}) == (call.operation, call.parameters)
    assert any("AWS starts it again by itself in 7 days at most" in fact for fact in plan.facts)
    assert any("storage 2.50 USD a month, backups and snapshots; saved: 12.00" in fact for fact in plan.facts)


def test_stopped_means_stopped(stop: Callable[..., Plan], stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Applying the plan ends when it is; after that nothing is left to do."""
    plan, looks = stop("available"), iter(["available", "stopping"])
    stub(TARGET, "rds").add_response("stop_db_instance", {})
    monkeypatch.setattr(instances, "describe", lambda _: Instance("x", next(looks, "stopped")))
    assert "0 created, 1 changed, 0 deleted, 0 unchanged" == str(plan.apply())
    assert "verified: DB instance x is as wanted" == repr(plan.verify())


def test_a_stopped_instance_says_when_it_will_run(stop: Callable[..., Plan]) -> None:
    """By the time that RDS names."""
    plan = stop("stopped", restart_time=datetime.now(UTC) + timedelta(days=2, hours=1))
    assert ("is stopped already", Action.NONE) == (plan.changes[0].note, plan.changes[0].action)
    assert "AWS starts it again by itself in 3 days at most" in plan.facts[0]


def test_without_prices_the_bill_is_told_in_words(stop: Callable[..., Plan], monkeypatch: pytest.MonkeyPatch) -> None:
    """What is billed is known, how much is not."""
    monkeypatch.setattr(prices, "monthly_cost", lambda _: MonthlyCost(unknown="denied"))
    assert any("still billed" in fact for fact in stop("available").facts)


def test_a_stopping_instance_is_left_to_stop(stop: Callable[..., Plan]) -> None:
    """A second stop changes nothing."""
    assert ((), "is stopping already") == (stop("stopping").mutating, stop("stopping").changes[0].note)


@pytest.mark.parametrize("status", sorted(BUSY))
def test_a_busy_instance_cannot_be_stopped(status: str, stop: Callable[..., Plan]) -> None:
    """Each status has a sentence of its own, with what to wait for."""
    with pytest.raises(InstanceNotReady, match=f"x {BUSY[status]} and cannot be stopped: wait until"):
        stop(status)


def test_each_busy_status_has_its_own_sentence() -> None:
    """No two are told alike."""
    assert len(BUSY) == len(set(BUSY.values()))


@pytest.mark.parametrize("status", ["storage-optimization", "something-new"])
def test_what_rds_would_not_stop_either(status: str, stop: Callable[..., Plan]) -> None:
    """RDS stops what is available, and nothing else; a status that nobody heard of is named as it is."""
    with pytest.raises(InstanceNotReady, match=f"is {status} and cannot be stopped"):
        stop(status)


def test_an_instance_with_a_replica_is_not_stopped(stop: Callable[..., Plan]) -> None:
    """RDS refuses; the sentence names the replicas."""
    with pytest.raises(WrongInput, match="read replicas .one, two.: delete them or promote"):
        stop("available", replicas=("one", "two"))


def test_a_replica_is_not_stopped(stop: Callable[..., Plan]) -> None:
    """Nor is that."""
    with pytest.raises(WrongInput, match="read replica of other, which RDS never stops"):
        stop("available", source="other")


def test_somebody_is_connected(stop: Callable[..., Plan]) -> None:
    """They are named, once each, with the three ways on; force goes over their heads."""
    with pytest.raises(InUse, match=r"to x: ann, bob \(3 in all\): .*kill-sessions.*--force"):
        stop("available", ("bob", "ann", "bob"))
    assert 1 == len(stop("available", ("bob",), force=True).mutating)


def test_who_connects_after_the_plan_is_seen(region: dict[str, Instance], there: set[str]) -> None:
    """They are asked for again when the plan is applied."""
    region["x"] = Instance("x", "available")
    connected: list[str] = []
    plan = power.plan_stop(TARGET, lambda _: connected)
    connected.append("bob")
    with pytest.raises(InUse, match="bob"):
        plan.apply()


def test_nobody_can_be_connected_to_a_stopped_instance(stop: Callable[..., Plan]) -> None:
    """The check is for instances that are stopped now."""
    assert () == stop("stopped", ("bob",)).mutating


def test_a_stopped_instance_is_started(start: Callable[[str], Plan]) -> None:
    """One call; what it costs from then on is told."""
    [call] = calls_of(start("stopped"))
    assert "start_db_instance" == call.operation
    assert ("billed again: about 14 USD a month (instance 12.00, storage 2.50)",) == start("stopped").facts


def test_a_start_after_a_stop_that_is_not_applied_yet(stop: Callable[..., Plan]) -> None:
    """What it comes to cannot be told; nothing of it can be made."""
    plan = power.plan_start(TARGET, stop("available"))
    with pytest.raises(InstanceNotReady, match="known after the stop"):
        plan.apply()


@pytest.mark.parametrize("status", sorted(READY))
def test_a_running_instance_is_not_started(status: str, start: Callable[[str], Plan]) -> None:
    """It runs already."""
    assert ((), "runs already") == (start(status).mutating, start(status).changes[0].note)


@pytest.mark.parametrize("status", sorted(BUSY))
def test_a_busy_instance_will_run_by_itself(status: str, start: Callable[[str], Plan]) -> None:
    """Nothing is to be done but to wait, and why is said."""
    assert ((), f"{BUSY[status]}: it will run by itself") == (start(status).mutating, start(status).changes[0].note)


def test_start_while_stopping(start: Callable[[str], Plan]) -> None:
    """RDS refuses; the sentence says what to wait for."""
    with pytest.raises(InstanceNotReady, match="x is stopping: wait until it is stopped"):
        start("stopping")


@pytest.mark.parametrize("status", ["deleting", "failed", "incompatible-restore"])
def test_what_cannot_be_started(status: str, start: Callable[[str], Plan], stop: Callable[..., Plan]) -> None:
    """It is on its way out, or broken."""
    for plan in (start, stop):
        with pytest.raises(InstanceNotReady):
            plan(status)


def test_the_schedule_stops_this_instance_alone(stop: Callable[..., Plan]) -> None:
    """A role for schedules of this account, a policy for this instance, a schedule without retries."""
    role, policy, made = calls_of(stop("stopped", keep=True))
    assert '"aws:SourceAccount": "000000000000"' in role.parameters["AssumeRolePolicyDocument"]
    assert f'"Resource": "{ARN}"' in policy.parameters["PolicyDocument"]
    assert ("rate(1 hour)", '{"DbInstanceIdentifier": "x"}') == (
        made.parameters["ScheduleExpression"],
        made.parameters["Target"]["Input"],
    )


@pytest.mark.usefixtures("there")
def test_names_of_resources_have_their_partition() -> None:
    """In China and GovCloud another than "aws"."""
    instance = Instance("x", "stopped", arn="arn:aws-us-gov:rds:us-gov-west-1:000000000000:db:x")
    target = schedule.creations(TARGET, instance)[-1].calls[0].parameters["Target"]
    expected = ["arn:aws-us-gov:scheduler:::aws-sdk:rds:stopDBInstance", "arn:aws-us-gov:iam::000000000000:role/x-stop"]
    assert expected == [target["Arn"], target["RoleArn"]]


@pytest.mark.parametrize("made", [0, 1, 2, 3])
def test_a_schedule_that_was_begun(made: int, stop: Callable[..., Plan], start: Callable[[str], Plan], there: set[str]) -> None:
    """What is there stays, what is missing is made; and all of what is there is removed."""
    there |= set(SCHEDULE[:made])
    assert SCHEDULE[made:] == [change.resource for change in stop("stopped", keep=True).mutating]
    assert set(SCHEDULE[:made]) == {change.resource for change in start("available").mutating}


def test_a_policy_of_another_content_is_mended(
    stop: Callable[..., Plan], there: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With it the role could not stop the instance, or could do more than that; it keeps its name."""
    there |= set(SCHEDULE)
    assert [] == calls_of(stop("stopped", keep=True))
    monkeypatch.setattr(roles, "find", lambda *_: Role({}, schedule.policy(Instance("y", "stopped", arn=f"{ARN}-2"))))
    plan = stop("stopped", keep=True)
    [call] = calls_of(plan)
    assert ["policy of role x-stop"] == [change.resource for change in plan.mutating]
    assert ("put_role_policy", "stop-db-instance") == (call.operation, call.parameters["PolicyName"])
    assert f'"Resource": "{ARN}"' in call.parameters["PolicyDocument"]


def test_a_role_that_is_not_known_everywhere_yet(stop: Callable[..., Plan], there: set[str], stub: Stub) -> None:
    """EventBridge Scheduler refuses it for some seconds; the call is made again."""
    there |= set(SCHEDULE[:2])
    answers = stub(TARGET, "scheduler")
    answers.add_client_error("create_schedule", "ValidationException", "The execution role you provide must allow ...")
    answers.add_response("create_schedule", {"ScheduleArn": "arn:aws:scheduler:ca-central-1:000000000000:schedule/default/x"})
    stop("stopped", keep=True).apply()
    answers.assert_no_pending_responses()


def test_what_is_there_of_a_schedule(stub: Stub) -> None:
    """Absence is an answer of two services, each with its own code."""
    stub(TARGET, "scheduler").add_client_error("get_schedule", "ResourceNotFoundException")
    iam = stub(TARGET, "iam")
    iam.add_client_error("get_role", "NoSuchEntity")
    assert {} == schedule.present(TARGET)


def described(identifier: str = "x", **more: Any) -> dict[str, Any]:
    """A schedule as EventBridge Scheduler describes it."""
    action = {"Arn": f"arn:aws:{schedule.STOP}", "Input": f'{{"DbInstanceIdentifier": "{identifier}"}}', "RoleArn": ARN}
    return {"Name": "x-stop", "Description": "cruddur-ops alice: keeps x stopped", "Target": action, **more}


MARKS = {"ManagedBy": "cruddur-ops", "DBInstance": "x", "Region": "ca-central-1"}


@pytest.mark.parametrize(
    ("found", "labels", "ours"),
    [
        (described(), MARKS, True),
        (described(), {"ManagedBy": "cruddur-ops"}, True),  # an earlier version's
        (described("y"), {**MARKS, "DBInstance": "y"}, False),  # two long names, cut to the same
        (described(Description="stops x at night"), {}, False),
        (described("y"), {"ManagedBy": "cruddur-ops"}, False),
        (described("y"), {**MARKS, "Region": "eu-west-1"}, False),  # roles have no region
    ],
)
def test_whose_a_schedule_is(
    found: dict[str, Any], labels: dict[str, str], ours: bool, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By what it stops, and its role by tags; one that is not ours is neither removed nor taken for ours."""
    monkeypatch.setattr(dependents, "of_role", lambda *_: "")
    schedules, iam = stub(TARGET, "scheduler"), stub(TARGET, "iam")
    role = {"Path": "/", "RoleName": "x-stop", "RoleId": "AROA" + "X" * 16, "Arn": ARN, "CreateDate": datetime.now(UTC),
            "AssumeRolePolicyDocument": "{}"}  # fmt: skip
    for _ in range(2):
        schedules.add_response("get_schedule", found)
        iam.add_response("get_role", {"Role": {**role, "Tags": tags.as_list(labels)}})
        iam.add_client_error("get_role_policy", "NoSuchEntity")
    assert ({"schedule x-stop": "", "IAM role x-stop": ""} if ours else {}) == schedule.present(TARGET)
    if not ours:
        with pytest.raises(WrongInput, match="schedule x-stop already, which was not made for x"):
            schedule.creations(TARGET, Instance("x", "stopped", arn=ARN))


def test_a_role_that_others_use_outlives_the_schedule(
    start: Callable[[str], Plan], there: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """IAM would not delete it with another's policy; nothing stops the instance any more all the same."""
    there |= set(SCHEDULE)
    monkeypatch.setattr(dependents, "of_role", lambda *_: "stays with theirs")
    found = {change.resource: change.note for change in start("stopped").changes if change.resource in SCHEDULE}
    assert {"schedule x-stop": "", "policy of role x-stop": "stays with theirs", "IAM role x-stop": "stays with theirs"} == found


def test_the_schedule_goes_before_the_start(start: Callable[[str], Plan], there: set[str]) -> None:
    """It might stop the instance while that starts."""
    there |= set(SCHEDULE)
    assert "start_db_instance" == calls_of(start("stopped"))[-1].operation


def test_who_is_connected_needs_no_password(stub: Stub) -> None:
    """CloudWatch counts them; nobody is asked who they are."""
    answers = stub(TARGET, "cloudwatch")
    for values in ([2.0, 0.0], []):
        answers.add_response("get_metric_data", {"MetricDataResults": [{"Id": "databaseconnections", "Values": values}]})
    assert 2 == len(health.counted(TARGET))
    assert [] == [*health.counted(TARGET)]


@pytest.mark.parametrize(("counted", "told"), [(["two"] * 2, ("two", "two")), ([], ())])
def test_who_may_not_ask_the_database_is_told_a_number(
    counted: list[str], told: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody needs a password to stop an instance: what CloudWatch counts will do."""

    def denied(_: Target) -> tuple[str, ...]:
        raise AccessDenied("AWS denies secretsmanager:GetSecretValue")

    monkeypatch.setattr(instance, "connected", denied)
    monkeypatch.setattr(health, "counted", lambda _: counted)
    assert told == instance.connected_or_counted(TARGET)
