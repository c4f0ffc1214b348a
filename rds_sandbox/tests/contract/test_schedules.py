"""Schedules of EventBridge Scheduler, by plain boto3: what is refused, and what is kept.

Source: EventBridge Scheduler API Reference, the page of each action; User Guide, where a test says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.functions import TRUST, make_role
from tests.instance import refused
from tests.support import Client, make_client

pytestmark = pytest.mark.usefixtures("emptied_each_time")

FUNCTION = "arn:aws:lambda:ca-central-1:123456789012:function:x"
SCHEDULER = {**TRUST, "Principal": {"Service": "scheduler.amazonaws.com"}}


@pytest.fixture
def scheduler(sandbox: Mapping[str, str]) -> Client:
    """A client of EventBridge Scheduler."""
    return make_client(sandbox, "scheduler")


@pytest.fixture
def wanted(sandbox: Mapping[str, str]) -> dict[str, Any]:
    """A CreateSchedule request with a role that the service may assume."""
    role = make_role(make_client(sandbox, "iam"), "schedules", SCHEDULER)
    target = {"Arn": FUNCTION, "RoleArn": role}
    return {"Name": "x", "ScheduleExpression": "rate(1 hour)", "FlexibleTimeWindow": {"Mode": "OFF"}, "Target": target}


@pytest.mark.parametrize(
    ("expression", "valid"),
    [
        ("rate(5 minutes)", True),
        ("rate(0 minutes)", False),
        ("rate(1 week)", False),
        ("cron(0 10 * * ? *)", True),
        ("cron(15 12 ? * MON-FRI 2026)", True),
        ("cron(0-15/1 8-8 ? * 2,3,4 *)", True),
        ("cron(*/15 0/2 L JAN,JUL ? 2026-2030)", True),
        ("cron(0 10 ? * 2#1 *)", True),
        ("cron(0 10 15W * ? *)", True),
        ("cron(60 10 * * ? *)", False),
        ("cron(0 24 * * ? *)", False),
        ("cron(0 10 0 * ? *)", False),
        ("cron(0 10 * 13 ? *)", False),
        ("cron(0 10 ? * MUN *)", False),
        ("cron(0 10 ? * 8 *)", False),
        ("cron(0 10 * * ? 1969)", False),
        ("cron(0 10 * * *)", False),
        ("cron(0 10 * * * *)", False),
        ("at(2026-12-24T18:00:00)", True),
        ("at(2026-02-30T18:00:00)", False),
        ("at(tomorrow)", False),
        ("hourly", False),
    ],
)
def test_expressions(scheduler: Client, wanted: dict[str, Any], expression: str, valid: bool) -> None:
    """User Guide, "Schedule types on EventBridge Scheduler": at, rate and cron, in their forms."""
    given = {**wanted, "ScheduleExpression": expression}
    if valid:
        scheduler.create_schedule(**given)
        assert expression == scheduler.get_schedule(Name="x")["ScheduleExpression"]
    else:
        assert "ValidationException" == refused(scheduler.create_schedule, **given)


@pytest.mark.parametrize(
    "wrong",
    [
        {"ScheduleExpressionTimezone": "America/Nowhere"},
        {"ScheduleExpressionTimezone": "../etc"},
        {"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}},
        {"Target": {"Arn": "bogus"}},
        {"Target": {"Arn": "arn:aws:scheduler:::aws-sdk:rds:describeDBInstances"}},
        {"Target": {"Arn": "arn:aws:scheduler:::aws-sdk:rds:stopDBInstance", "Input": "{"}},
    ],
)
def test_zones_windows_and_targets(scheduler: Client, wanted: dict[str, Any], wrong: dict[str, Any]) -> None:
    """CreateSchedule: a time zone that there is, and a flexible window with its length.

    User Guide, "Using universal targets in EventBridge Scheduler": actions that change something, with input that is JSON.
    """
    target = {**wanted["Target"], **wrong.get("Target", {})}
    assert "ValidationException" == refused(scheduler.create_schedule, **{**wanted, **wrong, "Target": target})
    scheduler.create_schedule(
        **{**wanted, "FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 5}},
        ScheduleExpressionTimezone="America/Toronto",
    )


def test_a_request_that_comes_twice(scheduler: Client, wanted: dict[str, Any]) -> None:
    """ClientToken: the same answer again; another request for the name is refused."""
    group, given = {"Name": "mine", "ClientToken": "one"}, {**wanted, "ClientToken": "one"}
    assert (
        scheduler.create_schedule_group(**group)["ScheduleGroupArn"]
        == scheduler.create_schedule_group(**group)["ScheduleGroupArn"]
    )
    assert scheduler.create_schedule(**given)["ScheduleArn"] == scheduler.create_schedule(**given)["ScheduleArn"]
    for change in ({"ClientToken": "two"}, {"Description": "other"}):
        assert "ConflictException" == refused(scheduler.create_schedule, **{**given, **change})
    assert "ConflictException" == refused(scheduler.create_schedule_group, Name="mine", ClientToken="two")


def test_the_role_of_a_schedule(sandbox: Mapping[str, str], scheduler: Client, wanted: dict[str, Any]) -> None:
    """User Guide, "Setting up Amazon EventBridge Scheduler": a role that there is, and that trusts the service."""
    other = make_role(make_client(sandbox, "iam"), "of-functions")
    scheduler.create_schedule(**wanted)
    for call, name in ((scheduler.create_schedule, "y"), (scheduler.update_schedule, "x")):
        for role in (other, f"{other}-2"):
            changed = {**wanted, "Name": name, "Target": {"Arn": FUNCTION, "RoleArn": role}}
            assert "ValidationException" == refused(call, **changed)


def test_what_an_update_does_not_repeat(scheduler: Client, wanted: dict[str, Any]) -> None:
    """UpdateSchedule: it goes back to its default, ENABLED and NONE; what is given is kept."""
    scheduler.create_schedule(**wanted, State="DISABLED", Description="mine", ActionAfterCompletion="DELETE")
    for given, expected in (
        ({"State": "DISABLED", "ActionAfterCompletion": "DELETE"}, ("DISABLED", "DELETE", "")),
        ({"Description": "ours"}, ("ENABLED", "NONE", "ours")),
    ):
        scheduler.update_schedule(**wanted, **given)
        found = scheduler.get_schedule(Name="x")
        assert expected == (found["State"], found["ActionAfterCompletion"], found.get("Description") or "")


def test_groups_of_schedules(scheduler: Client, wanted: dict[str, Any]) -> None:
    """CreateScheduleGroup and CreateSchedule: a name is used once, and a group must be there."""
    assert "ResourceNotFoundException" == refused(scheduler.create_schedule, **wanted, GroupName="mine")
    assert "ResourceNotFoundException" == refused(scheduler.delete_schedule_group, Name="mine")
    scheduler.create_schedule_group(Name="mine")
    scheduler.create_schedule(**wanted, GroupName="mine")
    for name in ("mine", "default"):
        assert "ConflictException" == refused(scheduler.create_schedule_group, Name=name)
    assert "ValidationException" == refused(scheduler.delete_schedule_group, Name="default")
    assert "x" == scheduler.get_schedule(Name="x", GroupName="mine")["Name"]
    scheduler.update_schedule(**wanted, GroupName="mine", StartDate=1_800_000_000)
    assert 1_800_000_000 == scheduler.get_schedule(Name="x", GroupName="mine")["StartDate"].timestamp()
