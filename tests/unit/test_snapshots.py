"""Snapshots: names that are taken, states, and what is removed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.stub import Stubber

from cruddur_ops.change import Action
from cruddur_ops.errors import InstanceNotReady, WrongInput
from cruddur_ops.plan import Plan
from cruddur_ops.rds import snapshots
from cruddur_ops.rds.instances import Instance
from cruddur_ops.rds.snapshots import plan_delete_snapshot, plan_snapshot
from cruddur_ops.target import Target
from tests.unit.aws_state import calls_of
from tests.unit.conftest import ACCOUNT, Stub

TARGET = Target("test", account_id=ACCOUNT, owner="alice")
TAKEN = datetime(2026, 11, 20, tzinfo=UTC)
ITEM = {
    "DBSnapshotIdentifier": "one",
    "DBInstanceIdentifier": "cruddur-db-instance",
    "Status": "available",
    "PercentProgress": 100,
    "SnapshotType": "manual",
    "SnapshotCreateTime": TAKEN,
    "AllocatedStorage": 20,
    "DBSnapshotArn": "arn:aws:rds:ca-central-1:000000000000:snapshot:one",
}
Tell = Callable[..., Stubber]


@pytest.fixture
def tell(stub: Stub, region: dict[str, Instance]) -> Tell:
    """Let RDS describe an available instance, and for each look the snapshot with these members, or none."""
    region["cruddur-db-instance"] = Instance("cruddur-db-instance", "available")
    answers = stub(TARGET, "rds")

    def queue(*looks: dict[str, Any] | None) -> Stubber:
        for more in looks:
            if more is None:
                answers.add_client_error("describe_db_snapshots", "DBSnapshotNotFound")
            else:
                answers.add_response("describe_db_snapshots", {"DBSnapshots": [{**ITEM, **more}]})
        return answers

    return queue


def notes(plan: Plan) -> list[tuple[Action, str]]:
    """What the plan says of each change."""
    return [(change.action, change.note) for change in plan.changes]


def test_a_snapshot_is_tagged(tell: Tell) -> None:
    """With its owner, so that a later look finds out whose it is."""
    tell(None)
    [call] = calls_of(plan_snapshot(TARGET, "one"))
    assert ("create_db_snapshot", "one") == (call.operation, call.parameters["DBSnapshotIdentifier"])
    assert {"Key": "Owner", "Value": "alice"} in call.parameters["Tags"]


def test_a_snapshot_is_waited_for(tell: Tell) -> None:
    """Applying the plan ends when it can be restored; looking again then finds it."""
    tell(None, None).add_response("create_db_snapshot", {})
    answers = tell({"Status": "creating"}, {}, {}, {}, {}, {})
    plan = plan_snapshot(TARGET, "one")
    plan.apply()
    assert "verified: snapshot one is as wanted" == repr(plan.verify())
    assert () == plan_snapshot(TARGET, "one", existing=True).mutating
    answers.assert_no_pending_responses()


def test_the_instance_is_waited_for_too(tell: Tell, region: dict[str, Instance], monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes no change while it is backing up, which ends after its snapshot."""
    tell(None, None).add_response("create_db_snapshot", {})
    plan, name = plan_snapshot(TARGET, "one"), "cruddur-db-instance"
    monkeypatch.setattr(snapshots, "wait", lambda *_: region.update({name: Instance(name, "backing-up")}))
    monkeypatch.setattr("time.sleep", lambda _: region.update({name: Instance(name, "available")}))
    plan.apply()
    assert "available" == region[name].status


@pytest.mark.parametrize("instance", ["cruddur-db-instance", "other"])
def test_a_name_that_is_taken(instance: str, tell: Tell) -> None:
    """It is refused: the snapshot of that name is not of this moment; and nobody is told to remove one."""
    tell({"DBInstanceIdentifier": instance})
    with pytest.raises(WrongInput, match=f"a snapshot one already, of {instance}: choose another name$"):
        plan_snapshot(TARGET, "one")


def test_one_that_is_being_taken_is_waited_for(tell: Tell) -> None:
    """A run that was interrupted goes on."""
    answers = tell({"Status": "creating"}, {"Status": "creating"}, {"Status": "creating"}, {})
    plan = plan_snapshot(TARGET, "one")
    assert [(Action.NONE, "is creating already")] == notes(plan)
    plan.apply()
    answers.assert_no_pending_responses()


def test_one_that_fails(tell: Tell) -> None:
    """It is no use to wait for it."""
    tell({"Status": "failed"})
    with pytest.raises(InstanceNotReady, match="the snapshot one failed: remove it"):
        snapshots.wait(TARGET, "one")


def test_an_existing_one_may_do(tell: Tell) -> None:
    """Where the caller says so, and it is of this instance."""
    tell({}, {"DBInstanceIdentifier": "other"})
    assert () == plan_snapshot(TARGET, "one", existing=True).mutating
    with pytest.raises(WrongInput):
        plan_snapshot(TARGET, "one", existing=True)


@pytest.mark.parametrize(("status", "message"), [("stopped", "rds start"), ("modifying", "wait"), ("deleting", "gone")])
def test_states_without_a_snapshot(status: str, message: str, tell: Tell, region: dict[str, Instance]) -> None:
    """RDS takes one of a running instance alone."""
    tell(None)
    region["cruddur-db-instance"] = Instance("x", status)
    with pytest.raises(InstanceNotReady, match=message):
        plan_snapshot(TARGET, "one")


def test_a_snapshot_that_is_not_there(tell: Tell) -> None:
    """Absence is an answer; whoever needs it is told where to look."""
    tell(None, None)
    assert [(Action.NONE, "is not there")] == notes(plan_delete_snapshot(TARGET, "one"))
    with pytest.raises(InstanceNotReady, match="no snapshot one: `cruddur-ops rds snapshots`"):
        snapshots.wait(TARGET, "one")


def test_a_snapshot_is_removed(tell: Tell) -> None:
    """For good, with one call; a moment later it may still be on its way out."""
    tell({}, {"Status": "deleting"})
    [call] = calls_of(plan_delete_snapshot(TARGET, "one"))
    assert ("delete_db_snapshot", {"DBSnapshotIdentifier": "one"}) == (call.operation, call.parameters)
    assert [(Action.NONE, "is being deleted")] == notes(plan_delete_snapshot(TARGET, "one"))


def test_one_that_is_being_taken_is_removed_afterwards(tell: Tell) -> None:
    """RDS deletes none before that."""
    tell({"Status": "creating"}, {"Status": "creating"}, {}).add_response("delete_db_snapshot", {})
    answers = tell(None)
    plan = plan_delete_snapshot(TARGET, "one")
    assert "0 created, 0 changed, 1 deleted, 0 unchanged" == str(plan.apply())
    assert "verified: snapshot one is gone" == repr(plan.verify())
    answers.assert_no_pending_responses()


def test_an_automated_snapshot_is_not_removed(tell: Tell) -> None:
    """It goes with its instance."""
    tell({"SnapshotType": "automated"})
    with pytest.raises(WrongInput, match="is an automated snapshot"):
        plan_delete_snapshot(TARGET, "one")


def test_another_targets_snapshot_is_not_removed(tell: Tell) -> None:
    """Whoever mistypes the target deletes nobody else's only copy."""
    tell({"DBInstanceIdentifier": "cruddur-prod"})
    with pytest.raises(WrongInput, match="one is a snapshot of cruddur-prod: name the target of that"):
        plan_delete_snapshot(TARGET, "one")


def test_snapshots_in_their_order(stub: Stub) -> None:
    """The newest last, and after it the one that is being taken."""
    later = {**ITEM, "DBSnapshotIdentifier": "a", "SnapshotCreateTime": TAKEN.replace(hour=1)}
    unfinished = {key: value for key, value in ITEM.items() if key != "SnapshotCreateTime"}
    unfinished |= {"DBSnapshotIdentifier": "b", "Status": "creating"}
    stub(TARGET, "rds").add_response("describe_db_snapshots", {"DBSnapshots": [unfinished, later, ITEM]})
    assert ["one", "a", "b"] == [one.name for one in snapshots.of_instance(TARGET)]


def test_a_snapshot_shows_what_does_not_differ_from_run_to_run() -> None:
    """So that a notebook's committed output is stable."""
    assert "snapshot one of cruddur-db-instance: available" == repr(snapshots.described(ITEM))
