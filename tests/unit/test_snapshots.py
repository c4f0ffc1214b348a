"""Snapshots: names that are taken, states, and what is removed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cruddur_ops.errors import InstanceNotReady, WrongInput
from cruddur_ops.plan import Action
from cruddur_ops.rds import snapshots
from cruddur_ops.rds.instances import Instance
from cruddur_ops.rds.snapshots import Snapshot, snapshot_plan
from cruddur_ops.targets import Target
from tests.unit.aws_state import calls_of
from tests.unit.conftest import Stub

TARGET = Target("test", owner="alice")
AVAILABLE = Instance("cruddur-db-instance", "available")
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


def test_a_snapshot_is_tagged() -> None:
    """With its owner, so that a later look finds out whose it is."""
    [call] = calls_of(snapshot_plan(TARGET, "one", AVAILABLE, None))
    assert ("create_db_snapshot", "one") == (call.operation, call.parameters["DBSnapshotIdentifier"])
    assert {"Key": "Owner", "Value": "alice"} in call.parameters["Tags"]


@pytest.mark.parametrize("instance", ["cruddur-db-instance", "other"])
def test_a_name_that_is_taken(instance: str) -> None:
    """It is refused, with the two ways on: the snapshot of that name is not of this moment."""
    with pytest.raises(WrongInput, match=f"a snapshot one already, of {instance}: choose another name, or remove it"):
        snapshot_plan(TARGET, "one", AVAILABLE, Snapshot("one", instance, "available"))


def test_one_that_is_being_taken_is_waited_for() -> None:
    """A run that was interrupted goes on."""
    plan = snapshot_plan(TARGET, "one", AVAILABLE, Snapshot("one", "cruddur-db-instance", "creating"))
    assert [(Action.NONE, "is creating already")] == [(change.action, change.note) for change in plan.changes]


def test_an_existing_one_may_do() -> None:
    """Where the caller says so, and it is of this instance."""
    taken = Snapshot("one", "cruddur-db-instance", "available")
    assert () == snapshot_plan(TARGET, "one", AVAILABLE, taken, existing=True).mutating
    with pytest.raises(WrongInput):
        snapshot_plan(TARGET, "one", AVAILABLE, Snapshot("one", "other", "available"), existing=True)


@pytest.mark.parametrize(("status", "message"), [("stopped", "rds start"), ("modifying", "wait"), ("deleting", "gone")])
def test_states_without_a_snapshot(status: str, message: str) -> None:
    """RDS takes one of a running instance alone."""
    with pytest.raises(InstanceNotReady, match=message):
        snapshot_plan(TARGET, "one", Instance("x", status), None)


def test_a_snapshot_that_is_not_there(stub: Stub) -> None:
    """Absence is an answer; whoever needs it is told where to look."""
    stubbed = stub(TARGET, "rds")
    for _ in range(3):
        stubbed.add_client_error("describe_db_snapshots", "DBSnapshotNotFound")
    assert snapshots.describe(TARGET, "one") is None
    assert () == snapshots.plan_delete_snapshot(TARGET, "one").mutating
    with pytest.raises(InstanceNotReady, match="no snapshot one: `cruddur-ops rds snapshots`"):
        snapshots.require(TARGET, "one")


def test_a_snapshot_is_removed(stub: Stub) -> None:
    """For good, with one call."""
    stub(TARGET, "rds").add_response("describe_db_snapshots", {"DBSnapshots": [ITEM]})
    [call] = calls_of(snapshots.plan_delete_snapshot(TARGET, "one"))
    assert ("delete_db_snapshot", {"DBSnapshotIdentifier": "one"}) == (call.operation, call.parameters)


def test_an_automated_snapshot_is_not_removed(stub: Stub) -> None:
    """It goes with its instance."""
    item = {**ITEM, "SnapshotType": "automated", "DBSnapshotIdentifier": "rds:one"}
    stub(TARGET, "rds").add_response("describe_db_snapshots", {"DBSnapshots": [item]})
    with pytest.raises(WrongInput, match="is an automated snapshot"):
        snapshots.plan_delete_snapshot(TARGET, "rds:one")


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
