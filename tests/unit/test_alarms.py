"""The alarms of an instance: which are wanted, which are there, and whose they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from cruddur_ops import aws, tags
from cruddur_ops.change import Action
from cruddur_ops.errors import WrongInput
from cruddur_ops.plan import Plan
from cruddur_ops.rds import alarms
from cruddur_ops.rds.alarms import GIB, wanted
from cruddur_ops.rds.instances import Instance
from cruddur_ops.target import Target
from tests.unit.aws_state import calls_of

TARGET = Target("test", account_id="123456789012", owner="alice", db_instance_identifier="x")
WELL = Instance("x", "available", db_instance_class="db.t4g.micro", allocated_storage=20, backup_retention_period=7)
TOPIC = "arn:aws:sns:ca-central-1:123456789012:pages"
OURS = ["x-CPUCreditBalance", "x-DatabaseConnections", "x-FreeStorageSpace"]


@pytest.fixture
def planned(account: str, region: dict[str, Instance]) -> Callable[..., Plan]:
    """Plans the alarms of an instance like this, whose server allows 100 connections, in moto's CloudWatch and RDS."""

    def plan(target: Target = TARGET, **more: Any) -> Plan:
        region["x"] = replace(WELL, **more)
        return alarms.plan_alarms(target, lambda _: 100)

    return plan


def watched(**more: Any) -> dict[tuple[str, str], float]:
    """The thresholds by metric and instance."""
    return {(one.metric, one.instance): one.threshold for one in wanted(replace(WELL, **more), 100)}


def names(plan: Plan, action: Action) -> list[str]:
    """The resources to which a plan does that."""
    return sorted(change.resource for change in plan.changes if change.action is action)


def there() -> list[str]:
    """The alarms that CloudWatch has."""
    return sorted(one["AlarmName"] for one in aws.pages(TARGET, "cloudwatch", "describe_alarms"))


def put(name: str, metric: str, **more: Any) -> None:
    """Make an alarm of the instance as somebody else would."""
    given = {"Namespace": "AWS/RDS", "MetricName": metric, "Dimensions": [{"Name": "DBInstanceIdentifier", "Value": "x"}]}
    rest = {"Statistic": "Average", "Period": 60, "EvaluationPeriods": 1, "Threshold": 1.0, "ComparisonOperator": alarms.BELOW}
    aws.client(TARGET, "cloudwatch").put_metric_alarm(AlarmName=name, **{**given, **rest, **more})


def test_thresholds_follow_from_class_storage_and_limit() -> None:
    """A tenth of the credits that a burstable class saves, none of another; a replica lags, on either side."""
    free, used = ("FreeStorageSpace", "x"), ("DatabaseConnections", "x")
    assert {free: 3 * GIB, used: 80, ("CPUCreditBalance", "x"): pytest.approx(28.8)} == watched()
    assert {free: 15 * GIB, used: 80} == watched(db_instance_class="db.m8g.large", allocated_storage=100)
    large = {"db_instance_class": "db.m8g.large"}
    assert {free: 3 * GIB, used: 80, ("ReplicaLag", "y"): 60} == watched(**large, replicas=("y",))
    assert {free: 3 * GIB, used: 80, ("ReplicaLag", "x"): 60} == watched(**large, source="y")


def test_what_is_missing_is_made_and_stays(planned: Callable[..., Plan]) -> None:
    """With its price, and nobody is told; a second time nothing is made, and what has no metric any more goes."""
    plan = planned()
    assert [f"CloudWatch alarm {name}" for name in OURS] == names(plan, Action.CREATE)
    assert "cost: 0.30 USD a month more; an account's first 10 alarms are free" in plan.facts
    plan.apply()
    assert OURS == there()
    assert {()} == {tuple(one["AlarmActions"]) for one in alarms.present(TARGET).values()}
    again = planned(allocated_storage=100)
    assert () == again.mutating
    assert ["its threshold is its own; by default it would be below 15 GiB"] == [one.note for one in again.changes if one.note]
    assert ["CloudWatch alarm x-CPUCreditBalance"] == names(planned(db_instance_class="db.m8g.large"), Action.DELETE)


def test_an_alarm_of_others_counts_and_is_left_alone(planned: Callable[..., Plan]) -> None:
    """Whatever its threshold; one of the name that ours would have, for something else, is not overwritten."""
    put("disk", "FreeStorageSpace")
    plan = planned()
    [change] = [one for one in plan.changes if one.resource == "CloudWatch alarm x-FreeStorageSpace"]
    assert (Action.NONE, "disk watches that, and is left alone") == (change.action, change.note)
    plan.apply()
    assert {"disk", "x-CPUCreditBalance", "x-DatabaseConnections"} == set(there())
    assert {"x-CPUCreditBalance", "x-DatabaseConnections"} == alarms.present(TARGET).keys()
    put("x-ReplicaLag", "CPUUtilization")
    with pytest.raises(WrongInput, match="there is a CloudWatch alarm x-ReplicaLag already, which was not made for x"):
        planned(source="y")


def test_a_topic_is_told_where_the_target_names_one(planned: Callable[..., Plan]) -> None:
    """Also of an alarm that was made before, whose other settings stay; and RDS tells it of backups and failures."""
    planned().apply()
    labels = tags.as_list(tags.of(TARGET))
    put("x-FreeStorageSpace", "FreeStorageSpace", Threshold=5.0, Tags=labels)
    plan = planned(replace(TARGET, alarm_topic_arn=TOPIC))
    assert [f"CloudWatch alarm {name}" for name in OURS] == names(plan, Action.MODIFY)
    [made] = [call.parameters for call in calls_of(plan) if call.operation == "create_event_subscription"]
    assert (["backup", "failure", "low storage"], ["x"], TOPIC) == (
        made["EventCategories"],
        made["SourceIds"],
        made["SnsTopicArn"],
    )
    plan.apply()
    assert {(TOPIC,)} == {tuple(one["AlarmActions"]) for one in alarms.present(TARGET).values()}
    assert 5.0 == alarms.present(TARGET)["x-FreeStorageSpace"]["Threshold"]
    assert () == planned(replace(TARGET, alarm_topic_arn=TOPIC)).mutating
    removed = list(alarms.removals(TARGET))
    assert [*(f"CloudWatch alarm {name}" for name in OURS), "RDS event subscription x-events"] == [
        one.resource for one in removed
    ]


def test_without_backups_the_plan_warns(planned: Callable[..., Plan]) -> None:
    """They have no metric that could."""
    assert "WARNING: no backups are kept: set backup_retention_period" in planned(backup_retention_period=0).facts


def test_behind_a_connection_url_there_is_nothing_to_watch() -> None:
    """AWS is not asked."""
    plan = alarms.plan_alarms(replace(TARGET, connection_url="postgresql://server/x"), lambda _: 100)
    assert ((), ("behind a connection URL there is no DB instance to watch",)) == (plan.changes, plan.facts)


def test_before_the_instance_is_there_they_stay_open(region: dict[str, Instance]) -> None:
    """Nobody is asked for a limit yet, and a plan of a whole run shows that there will be some."""
    plan = alarms.plan_alarms(TARGET, lambda _: 1 // 0)
    assert [("CloudWatch alarms", True)] == [(one.resource, one.unknown) for one in plan.changes]


def test_before_the_server_can_be_asked_they_stay_open(region: dict[str, Instance]) -> None:
    """As behind a security group that is still closed."""
    region["x"] = WELL
    assert ["CloudWatch alarms"] == [one.resource for one in alarms.plan_alarms(TARGET, lambda _: None).changes if one.unknown]
