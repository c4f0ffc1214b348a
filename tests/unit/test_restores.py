"""Restores, switchover and replicas: what is asked of RDS, and what is refused before it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cruddur_ops.calls import Call
from cruddur_ops.errors import InstanceNotReady, WrongInput
from cruddur_ops.plan import Action, Plan
from cruddur_ops.rds import replicas, restores, switchover
from cruddur_ops.rds.instances import Instance
from cruddur_ops.targets import Target
from tests.unit.aws_state import calls_of

TARGET = Target("test", owner="alice", db_instance_identifier="main", security_group_id="sg-0aaa")
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
WINDOW = (NOW - timedelta(days=2), NOW - timedelta(minutes=5))
SOURCE = Instance("main", "available", backup_retention_period=7, security_group_ids=("sg-0bbb",), parameter_group="pg18")
CALL = Call("rds", "restore_db_instance_from_db_snapshot", {})


def require(moment: datetime, source: Instance = SOURCE, found: restores.Window | None = WINDOW) -> None:
    """Check a moment as a restore does."""
    restores.require_restorable(source, moment, found, NOW)


def test_a_moment_within_the_window() -> None:
    """Both ends belong to it."""
    require(WINDOW[0])
    require(WINDOW[1])


@pytest.mark.parametrize(
    ("moment", "kind", "message"),
    [
        (NOW + timedelta(seconds=1), WrongInput, "is in the future"),
        (WINDOW[0] - timedelta(seconds=1), WrongInput, "the backups of main begin at .*: restore an older snapshot"),
        (WINDOW[1] + timedelta(seconds=1), InstanceNotReady, "up to .* so far, .*: repeat in five minutes"),
        (datetime(2026, 11, 20, 11), WrongInput, r"no time zone: write it as 2026-11-20T11:00:00\+00:00"),
    ],
)
def test_moments_that_rds_would_refuse(moment: datetime, kind: type[Exception], message: str) -> None:
    """Each in its own words, before anything is asked."""
    with pytest.raises(kind, match=message):
        require(moment)


def test_a_restore_without_backups() -> None:
    """Retention 0 keeps none, and a new instance has none yet."""
    with pytest.raises(InstanceNotReady, match="main keeps no backups, .*: restore a snapshot"):
        require(WINDOW[0], replace(SOURCE, backup_retention_period=0))
    with pytest.raises(InstanceNotReady, match="no backup yet: wait"):
        require(WINDOW[0], found=None)


def test_the_groups_of_the_original_are_asked_for() -> None:
    """RDS would take its defaults, and let nobody in."""
    parameters = restores._parameters(replace(TARGET, db_instance_identifier="copy"), SOURCE, "snapshot one")
    assert (["sg-0bbb"], "pg18") == (parameters["VpcSecurityGroupIds"], parameters["DBParameterGroupName"])
    assert {"Key": "RestoredFrom", "Value": "snapshot one"} in parameters["Tags"]


def test_a_restore_of_what_is_gone() -> None:
    """The groups are those of the target."""
    parameters = restores._parameters(replace(TARGET, db_instance_identifier="copy"), None, "snapshot one")
    assert ["sg-0aaa"] == parameters["VpcSecurityGroupIds"]
    with pytest.raises(InstanceNotReady, match="no security group"):
        restores._parameters(replace(TARGET, security_group_id=""), None, "snapshot one")


def test_a_second_run_of_a_restore() -> None:
    """What an earlier run began is left to finish; an instance of another origin is refused."""
    begun = Instance("copy", "creating", tags={"RestoredFrom": "snapshot one"})
    plan = restores._restore(TARGET, begun, "copy", "snapshot one", CALL)
    assert [(Action.NONE, "is creating already")] == [(change.action, change.note) for change in plan.changes]
    for other in (Instance("copy", "available"), replace(begun, tags={"RestoredFrom": "snapshot two"})):
        with pytest.raises(WrongInput, match="not restored from snapshot one: name another"):
            restores._restore(TARGET, other, "copy", "snapshot one", CALL)


def test_beside_is_not_the_original() -> None:
    """The identifier must be another."""
    with pytest.raises(WrongInput, match="main is the original"):
        restores.beside(TARGET, "main")


def switched(**found: str) -> Plan:
    """The switchover where there are instances with these statuses."""
    names = ("main", "copy", "old")
    described = {name: Instance(name, found[name]) if name in found else None for name in names}
    return switchover.switchover_plan(TARGET, described, "copy", "old")


def test_a_switchover_renames_both() -> None:
    """First the present one, then the other; the second needs the name that the first gives up."""
    calls = calls_of(switched(main="available", copy="available"))
    names = [(call.parameters["DBInstanceIdentifier"], call.parameters["NewDBInstanceIdentifier"]) for call in calls]
    assert [("main", "old"), ("copy", "main")] == names
    assert all(call.parameters["ApplyImmediately"] for call in calls)


def test_a_switchover_goes_on_where_it_was_interrupted() -> None:
    """After the first step, after the second."""
    [call] = calls_of(switched(old="available", copy="available"))
    assert "main" == call.parameters["NewDBInstanceIdentifier"]
    assert () == switched(main="available", old="available").mutating


@pytest.mark.parametrize(
    ("found", "kind", "message"),
    [
        ({"main": "available", "copy": "available", "old": "available"}, WrongInput, "a DB instance old already"),
        ({"main": "available"}, InstanceNotReady, "no DB instance copy"),
        ({"copy": "available"}, InstanceNotReady, "no DB instance main"),
        ({"main": "available", "copy": "creating"}, InstanceNotReady, "copy is creating: wait"),
        ({"main": "stopped", "copy": "available"}, InstanceNotReady, "main is stopped: start it"),
    ],
)
def test_switchovers_that_cannot_be(found: dict[str, str], kind: type[Exception], message: str) -> None:
    """Each says what is missing or in the way."""
    with pytest.raises(kind, match=message):
        switched(**found)


def test_three_names_for_a_switchover() -> None:
    """They must differ."""
    with pytest.raises(WrongInput, match="must differ"):
        switchover.plan_switchover(TARGET, "copy", "main")


def replica(source: Instance = SOURCE, found: Instance | None = None) -> Plan:
    """The plan of a replica called copy."""
    return replicas.replica_plan(TARGET, source, "copy", found)


def test_a_replica_is_asked_for() -> None:
    """With the groups of its source."""
    [call] = calls_of(replica())
    assert "create_db_instance_read_replica" == call.operation
    assert ("main", ["sg-0bbb"]) == (call.parameters["SourceDBInstanceIdentifier"], call.parameters["VpcSecurityGroupIds"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"secret_arn": "arn:x"}, "manages the master password: keep it in a secret of your own with .*own-password"),
        ({"backup_retention_period": 0}, "keeps no backups, which a replica begins with"),
        ({"status": "modifying"}, "main is modifying: wait"),
        ({"status": "stopped"}, "main is stopped: start it"),
    ],
)
def test_sources_without_a_replica(change: dict[str, Any], message: str) -> None:
    """What RDS demands of the source is said with the way there."""
    with pytest.raises(InstanceNotReady, match=message):
        replica(replace(SOURCE, **change))


def test_a_replica_that_is_there() -> None:
    """It is no change; an instance that is none is refused."""
    assert () == replica(found=Instance("copy", "creating", source="main")).mutating
    with pytest.raises(WrongInput, match="which is no replica"):
        replica(found=Instance("copy", "available"))
