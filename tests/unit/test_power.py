"""Stop and start: what each comes to in every status, and what is told on the way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cruddur_ops.errors import InstanceInUse, InstanceNotReady, WrongInput
from cruddur_ops.plan import Action, Plan
from cruddur_ops.rds import power
from cruddur_ops.rds.instances import READY, Instance
from cruddur_ops.rds.prices import MonthlyCost
from cruddur_ops.targets import Target
from tests.unit.aws_state import calls_of

TARGET = Target("test", owner="alice")
COST = MonthlyCost({"instance": 12.0, "storage": 2.5})
NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)


def stop(status: str, connected: tuple[str, ...] = (), cost: MonthlyCost = COST, **more: Any) -> Plan:
    """The plan to stop an instance of this status."""
    return power.stop_plan(TARGET, Instance("x", status, **more), connected, cost, NOW)


def start(status: str) -> Plan:
    """The plan to start an instance of this status."""
    return power.start_plan(TARGET, Instance("x", status), COST)


def test_a_running_instance_is_stopped() -> None:
    """One call; what it saves and what goes on billing are told before, and that AWS starts it again."""
    plan = stop("available")
    [call] = calls_of(plan)
    assert ("stop_db_instance", {"DBInstanceIdentifier": "x"}) == (call.operation, call.parameters)
    assert any("AWS starts it again by itself in 7 days at most" in fact for fact in plan.facts)
    assert any("storage 2.50 USD a month, backups and snapshots; saved: 12.00" in fact for fact in plan.facts)


def test_a_stopped_instance_says_when_it_will_run() -> None:
    """By the time that RDS names."""
    plan = stop("stopped", restart_time=NOW + timedelta(days=2, hours=1))
    assert ("is stopped already", Action.NONE) == (plan.changes[0].note, plan.changes[0].action)
    assert "AWS starts it again by itself in 3 days at most" in plan.facts[0]


def test_without_prices_the_bill_is_told_in_words() -> None:
    """What is billed is known, how much is not."""
    assert any("still billed" in fact for fact in stop("available", cost=MonthlyCost(unknown="denied")).facts)


def test_a_stopping_instance_is_left_to_stop() -> None:
    """A second stop changes nothing."""
    assert () == stop("stopping").mutating
    assert "is stopping already" in stop("stopping").changes[0].note


@pytest.mark.parametrize("status", sorted(power.BUSY))
def test_a_busy_instance_cannot_be_stopped(status: str) -> None:
    """Each status has a sentence of its own, with what to wait for."""
    with pytest.raises(InstanceNotReady, match=f"x {power.BUSY[status]} and cannot be stopped: wait until"):
        stop(status)


def test_each_busy_status_has_its_own_sentence() -> None:
    """No two are told alike."""
    assert len(power.BUSY) == len(set(power.BUSY.values()))


@pytest.mark.parametrize("status", ["storage-optimization", "something-new"])
def test_what_rds_would_not_stop_either(status: str) -> None:
    """RDS stops what is available, and nothing else; a status that nobody heard of is named as it is."""
    with pytest.raises(InstanceNotReady, match=f"is {status} and cannot be stopped"):
        stop(status)


def test_an_instance_with_a_replica_is_not_stopped() -> None:
    """RDS refuses; the sentence names the replicas."""
    with pytest.raises(WrongInput, match="read replicas .one, two.: delete them or promote"):
        stop("available", replicas=("one", "two"))


def test_a_replica_is_not_stopped() -> None:
    """Nor is that."""
    with pytest.raises(WrongInput, match="read replica of other, which RDS never stops"):
        stop("available", source="other")


def test_somebody_is_connected() -> None:
    """They are named, once each, with the three ways on."""
    with pytest.raises(InstanceInUse, match=r"to x: ann, bob \(3 in all\): .*kill-sessions.*--force"):
        stop("available", ("bob", "ann", "bob"))


def test_nobody_can_be_connected_to_a_stopped_instance() -> None:
    """The check is for instances that are stopped now."""
    assert () == stop("stopped", ("bob",)).mutating


def test_a_stopped_instance_is_started() -> None:
    """One call; what it costs from then on is told."""
    [call] = calls_of(start("stopped"))
    assert "start_db_instance" == call.operation
    assert ("billed again: about 14 USD a month (instance 12.00, storage 2.50)",) == start("stopped").facts


@pytest.mark.parametrize("status", sorted(READY))
def test_a_running_instance_is_not_started(status: str) -> None:
    """It runs already."""
    assert ((), "runs already") == (start(status).mutating, start(status).changes[0].note)


@pytest.mark.parametrize("status", sorted(power.BUSY))
def test_a_busy_instance_will_run_by_itself(status: str) -> None:
    """Nothing is to be done, and why is said."""
    assert ((), f"{power.BUSY[status]}: it will run by itself") == (start(status).mutating, start(status).changes[0].note)


def test_start_while_stopping() -> None:
    """RDS refuses; the sentence says what to wait for."""
    with pytest.raises(InstanceNotReady, match="x is stopping: wait until it is stopped"):
        start("stopping")


@pytest.mark.parametrize("status", ["deleting", "failed", "incompatible-restore"])
def test_what_cannot_be_started(status: str) -> None:
    """It is on its way out, or broken."""
    with pytest.raises(InstanceNotReady):
        start(status)
    with pytest.raises(InstanceNotReady):
        stop(status)
