"""Restores, switchover and replicas: what is asked of RDS, and what is refused before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cruddur_ops import tags
from cruddur_ops.change import Action
from cruddur_ops.errors import InstanceNotReady, WrongInput
from cruddur_ops.network import groups
from cruddur_ops.network.groups import Group
from cruddur_ops.plan import Plan
from cruddur_ops.rds import instances, offers, provisioning, replicas, restores, settings, snapshots, switchover
from cruddur_ops.rds.instances import Instance, described
from cruddur_ops.rds.offers import Offer
from cruddur_ops.rds.prices import MonthlyCost
from cruddur_ops.rds.snapshots import Snapshot
from cruddur_ops.target import Target
from tests.unit.aws_state import calls_of, created_instance, instance_after
from tests.unit.conftest import ACCOUNT, Stub

TARGET = Target("test", account_id=ACCOUNT, owner="alice", db_instance_identifier="main", security_group_id="sg-0aaa")
NOW = datetime.now(UTC)
FIRST, LAST = NOW - timedelta(days=2), NOW - timedelta(minutes=5)
ITEM = {
    "DBInstanceIdentifier": "main",
    "Engine": "postgres",
    "EngineVersion": "15.4",
    "EngineLifecycleSupport": "open-source-rds-extended-support",
    "DBInstanceClass": "db.r6g.large",
    "MultiAZ": True,
    "StorageType": "io1",
    "AllocatedStorage": 400,
    "Iops": 4000,
    "Port": 6543,
    "PubliclyAccessible": False,
    "EnableIAMDatabaseAuthentication": True,
    "MonitoringInterval": 60,
    "MonitoringRoleArn": "arn:aws:iam::000000000000:role/monitoring",
    "EnablePerformanceInsights": False,
    "MaxAllocatedStorage": 1000,
    "BackupRetentionPeriod": 7,
    "CopyTagsToSnapshot": False,
    "AutoMinorVersionUpgrade": False,
    "DeletionProtection": True,
    "VpcSecurityGroupIds": ["sg-0bbb"],
    "DBParameterGroupName": "ours15",
    "DBSubnetGroupName": "private",
    "PreferredBackupWindow": "05:00-05:30",
    "PreferredMaintenanceWindow": "mon:06:00-mon:06:30",
    "EnableCloudwatchLogsExports": ["postgresql", "upgrade"],
}
KEPT = {name for name in ITEM if name not in ("DBInstanceIdentifier", "Engine", "EngineVersion")}
SOURCE = replace(described(created_instance(ITEM)), secret_arn="")
COPY = {"ManagedBy": "cruddur-ops", "CopyOf": SOURCE.resource_id}
SIBLING = replace(SOURCE, identifier="copy", resource_id="db-COPY", deletion_protection=False, tags=COPY)


@pytest.fixture
def original(region: dict[str, Instance], monkeypatch: pytest.MonkeyPatch) -> dict[str, Instance]:
    """What RDS describes: the original, and a snapshot of it called "one"."""
    region["main"] = SOURCE
    taken = {
        "one": Snapshot("one", "main", "available", resource_id=SOURCE.resource_id),
        "two": Snapshot("two", "main", "creating"),
    }
    monkeypatch.setattr(snapshots, "describe", lambda _, name: taken.get(name))
    return region


def notes(plan: Plan) -> list[tuple[Action, str]]:
    """What the plan says of each change."""
    return [(change.action, change.note) for change in plan.changes]


def test_a_sibling_has_another_name(region: dict[str, Instance]) -> None:
    """And is confirmed by that, where the target is by its own; whatever else was typed confirms neither."""
    with pytest.raises(WrongInput, match="main is the original"):
        restores.sibling(TARGET, "main")
    with pytest.raises(WrongInput, match="'' cannot be an instance's identifier"):  # RDS would answer with all of them
        restores.sibling(TARGET, "")
    typed = {"main": "copy", "": "", "copy": "copy", "other": "other"}
    assert typed == {confirm: restores.sibling(replace(TARGET, confirm=confirm), "copy").confirm for confirm in typed}


def test_a_restore_keeps_what_the_source_has(original: dict[str, Instance]) -> None:
    """RDS would take its defaults: one zone, no IAM authentication, groups that let nobody in. Copies are not protected."""
    [call] = calls_of(restores.plan_restore(TARGET, "one", "copy"))
    assert ("restore_db_instance_from_db_snapshot", "copy") == (call.operation, call.parameters["DBInstanceIdentifier"])
    later = {
        "MaxAllocatedStorage",
        "MonitoringInterval",
        "MonitoringRoleArn",
        "EnablePerformanceInsights",
        "PreferredMaintenanceWindow",
    }
    expected = {name: ITEM[name] for name in KEPT - later} | {
        "CACertificateIdentifier": "rds-ca-rsa2048-g1",
        "NetworkType": "IPV4",
        "DeletionProtection": False,
    }
    assert expected == {
        name: value
        for name, value in call.parameters.items()
        if name not in ("DBInstanceIdentifier", "DBSnapshotIdentifier", "Tags")
    }
    assert {"RestoredFrom": "snapshot one", **COPY}.items() <= tags.as_mapping(call.parameters["Tags"]).items()


def test_what_a_restore_does_not_take_is_modified(original: dict[str, Instance], monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan of the copy asks for it, and then there is nothing left but the new password's management."""
    [call] = calls_of(restores.plan_restore(TARGET, "one", "copy"))
    given = {name: value for name, value in call.parameters.items() if name != "DBSnapshotIdentifier"}
    item = created_instance(
        {**given, "Engine": "postgres", "EngineVersion": "15.4", "MasterUsername": "root", "DBName": "app"}, MasterUserSecret=None
    )
    original["copy"] = described(item)
    monkeypatch.setattr(offers, "find", lambda *_: Offer("15.4", "db.r6g.large", (), None, MonthlyCost()))
    plan = provisioning.plan_instance(restores.sibling(TARGET, "copy"))
    changed = {change.setting: change.after for change in plan.mutating}
    assert {
        "MaxAllocatedStorage": "1000",
        "PreferredMaintenanceWindow": "mon:06:00-mon:06:30",
        "ManageMasterUserPassword": "True",
        "MonitoringInterval": "60",
        "MonitoringRoleArn": ITEM["MonitoringRoleArn"],
    } == changed
    original["copy"] = described(instance_after(item, plan))
    left = [line.partition(" ")[0] for line in settings.unlike(original["main"], original["copy"])]
    assert {"DeletionProtection", "DBName", "MasterUsername"} == set(left)


def test_a_copy_that_stays_is_protected(original: dict[str, Instance]) -> None:
    """Where the original is; one of a drill is not, so that it can be cleared away."""
    assert [True, False] == [restores.sibling(TARGET, "copy", keep=keep).deletion_protection for keep in (True, False)]


def test_a_sibling_has_no_tunnel(original: dict[str, Instance]) -> None:
    """The target's leads to the original: through it, the other database would be taken for it."""
    copy = restores.sibling(replace(TARGET, tunnel_address="127.0.0.1", tunnel_port=6000), "copy")
    assert ("", 0) == (copy.tunnel_address, copy.tunnel_port)


def test_what_differs_is_shown_before_a_switchover(original: dict[str, Instance]) -> None:
    """Each setting in a line; of two that are alike, none."""
    original["copy"] = described(
        created_instance(ITEM | {"DBInstanceIdentifier": "copy", "MultiAZ": False, "DBInstanceClass": "db.t4g.micro"})
    )
    original["copy"] = replace(original["copy"], tags=COPY)
    facts = switchover.plan_switchover(TARGET, "copy", "old").facts
    assert [
        "DBInstanceClass is db.r6g.large on main, and db.t4g.micro on copy",
        "MultiAZ is True on main, and False on copy",
    ] == list(facts[:2])
    assert [] == list(settings.unlike(SOURCE, SOURCE))


def test_a_restore_of_what_is_gone(original: dict[str, Instance], monkeypatch: pytest.MonkeyPatch) -> None:
    """The groups are those of the target, and all that it wants is asked for."""
    del original["main"]
    with pytest.raises(InstanceNotReady, match="no security group"):
        restores.plan_restore(TARGET, "one", "copy")
    monkeypatch.setattr(groups, "describe", lambda *_: Group("sg-0aaa", "main-access", "vpc-0default"))
    [call] = calls_of(restores.plan_restore(replace(TARGET, multi_az=True), "one", "copy"))
    assert (["sg-0aaa"], True) == (call.parameters["VpcSecurityGroupIds"], call.parameters["MultiAZ"])
    assert restores.sibling(TARGET, "copy").asked("max_allocated_storage")


@pytest.mark.parametrize(("name", "state"), [("missing", "not there"), ("two", "creating")])
def test_a_restore_of_what_is_not_there_yet(name: str, state: str, original: dict[str, Instance]) -> None:
    """The plan can be shown, and not made."""
    plan = restores.plan_restore(TARGET, name, "copy")
    assert [(Action.CREATE, f"known after the snapshot, which is {state}: `cruddur-ops rds snapshots`")] == notes(plan)
    with pytest.raises(InstanceNotReady, match="known after the snapshot"):
        plan.apply()


def test_a_second_run_of_a_restore(original: dict[str, Instance]) -> None:
    """What an earlier run began is left to finish; an instance of another origin is refused."""
    original["copy"] = Instance("copy", "creating", tags={**COPY, "RestoredFrom": "snapshot one"})
    assert [(Action.NONE, "is creating already")] == notes(restores.plan_restore(TARGET, "one", "copy"))
    others = {"RestoredFrom": "snapshot two"}, {"RestoredFrom": "snapshot one", "CopyOf": "db-OTHER"}
    for other in (SIBLING, *(replace(SIBLING, tags={**COPY, **labels}) for labels in others)):
        original["copy"] = other
        with pytest.raises(WrongInput, match="not restored from snapshot one: name another"):
            restores.plan_restore(TARGET, "one", "copy")


@pytest.fixture
def rewind(original: dict[str, Instance], stub: Stub) -> Callable[..., Plan]:
    """Plans a restore to a moment, where backups begin at FIRST and end at LAST."""
    answers = stub(TARGET, "rds")

    def planned(moment: datetime, first: datetime | None = FIRST, **more: Any) -> Plan:
        original["main"] = replace(SOURCE, restorable_until=LAST, resource_id="db-X", **more)
        backup = {"RestoreWindow": {"EarliestTime": first}} if first else {}
        answer = {"DBInstanceAutomatedBackups": [backup]}
        answers.add_response("describe_db_instance_automated_backups", answer, {"DbiResourceId": "db-X"})
        return restores.plan_restore_to_time(TARGET, moment, "copy")

    return planned


def test_a_moment_within_the_window(rewind: Callable[..., Plan]) -> None:
    """Both ends belong to it; RDS counts whole seconds."""
    for moment in (FIRST, LAST):
        [call] = calls_of(rewind(moment))
        assert (moment.replace(microsecond=0), "copy") == (
            call.parameters["RestoreTime"],
            call.parameters["TargetDBInstanceIdentifier"],
        )


@pytest.mark.parametrize(
    ("moment", "kind", "message"),
    [
        (NOW + timedelta(hours=1), WrongInput, "is in the future"),
        (FIRST - timedelta(seconds=1), WrongInput, "the backups of main begin at .*: restore an older snapshot"),
        (LAST + timedelta(seconds=1), InstanceNotReady, "up to .* so far, .*: repeat in five minutes"),
        (datetime(2026, 11, 20, 11), WrongInput, r"no time zone: write it as 2026-11-20T11:00:00\+00:00"),
    ],
)
def test_moments_that_rds_would_refuse(
    moment: datetime, kind: type[Exception], message: str, rewind: Callable[..., Plan]
) -> None:
    """Each in its own words, before anything is asked."""
    with pytest.raises(kind, match=message):
        rewind(moment)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"backup_retention_period": 0}, "main keeps no backups, .*: restore a snapshot"),
        ({"first": None}, "no backup yet: wait"),
    ],
)
def test_a_restore_without_backups(more: dict[str, Any], message: str, rewind: Callable[..., Plan]) -> None:
    """Retention 0 keeps none, and a new instance has none yet."""
    with pytest.raises(InstanceNotReady, match=message):
        rewind(FIRST, **more)


def test_a_second_run_needs_no_backups(original: dict[str, Instance]) -> None:
    """The instance is there: they may have expired, and the original may be gone."""
    original.clear()
    origin = f"main at {FIRST:%Y-%m-%dT%H:%M:%SZ}"
    original["copy"] = Instance("copy", "available", tags={"RestoredFrom": origin})
    assert () == restores.plan_restore_to_time(TARGET, FIRST, "copy").mutating


@pytest.fixture
def switch(region: dict[str, Instance]) -> Callable[..., Plan]:
    """Plans the switchover where there are instances with these statuses."""

    def planned(**statuses: str) -> Plan:
        region.update({name: Instance(name, status, tags=COPY if name == "copy" else {}) for name, status in statuses.items()})
        return switchover.plan_switchover(TARGET, "copy", "old")

    return planned


def test_a_switchover_renames_both(switch: Callable[..., Plan]) -> None:
    """First the present one, then the other; the second needs the name that the first gives up."""
    calls = calls_of(switch(main="available", copy="available"))
    names = [(call.parameters["DBInstanceIdentifier"], call.parameters["NewDBInstanceIdentifier"]) for call in calls]
    assert [("main", "old"), ("copy", "main")] == names
    assert all(call.parameters["ApplyImmediately"] for call in calls)


def test_a_replica_takes_no_name(
    switch: Callable[..., Plan], region: dict[str, Instance], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clients would find a server under the name that takes no writes; a promoted one does."""
    replica = Instance("copy", "available", source="main", tags=COPY)
    monkeypatch.setattr(instances, "describe_all", lambda _: {**region, "copy": replica})
    with pytest.raises(WrongInput, match="copy is a read replica: promote it with `cruddur-ops rds promote copy`"):
        switch(main="available")


def test_each_renaming_is_waited_for(switch: Callable[..., Plan], monkeypatch: pytest.MonkeyPatch) -> None:
    """The second begins when the first has come up under its new name; until then it may answer to none."""
    plan, looked = switch(main="available", copy="available"), []

    def describe(target: Target) -> Instance | None:
        looked.append(target.db_instance_identifier)
        return Instance(looked[-1], "available") if looked.count(looked[-1]) > 1 else None

    monkeypatch.setattr(instances, "describe", describe)
    for change in plan.changes:
        assert change.settle
        change.settle()
    assert ["old", "old", "main", "main"] == looked


def test_a_switchover_goes_on_where_it_was_interrupted(switch: Callable[..., Plan], region: dict[str, Instance]) -> None:
    """After the first step, after the second."""
    [call] = calls_of(switch(old="available", copy="available"))
    assert "main" == call.parameters["NewDBInstanceIdentifier"]
    region.clear()
    assert () == switch(main="available", old="available").mutating


@pytest.mark.parametrize(
    ("found", "kind", "message"),
    [
        ({"main": "available", "copy": "available", "old": "available"}, WrongInput, "a DB instance old already"),
        ({"main": "available"}, InstanceNotReady, "no DB instance copy"),
        ({"old": "available"}, InstanceNotReady, "no DB instance copy"),
        ({"main": "available", "copy": "creating"}, InstanceNotReady, "copy is creating: wait"),
        ({"main": "stopped", "copy": "available"}, InstanceNotReady, "main is stopped: start it"),
    ],
)
def test_switchovers_that_cannot_be(
    found: dict[str, str], kind: type[Exception], message: str, switch: Callable[..., Plan]
) -> None:
    """Each says what is missing or in the way."""
    with pytest.raises(kind, match=message):
        switch(**found)


def test_a_name_that_nobody_has_is_given(switch: Callable[..., Plan]) -> None:
    """Where the original is lost, or was renamed by hand, the copy takes its name all the same."""
    assert [("copy", "main")] == [(change.before, change.after) for change in switch(copy="available").mutating]


def test_another_targets_own_instance_takes_no_name(region: dict[str, Instance]) -> None:
    """Of two targets in one account, the one cannot rename the other's original, whatever is typed."""
    region |= {
        "main": SOURCE,
        "prod": replace(SOURCE, identifier="prod", tags={"ManagedBy": "cruddur-ops", "DBInstance": "prod"}),
    }
    with pytest.raises(WrongInput, match="prod is neither a copy that this runbook made, nor what had the name main before"):
        switchover.plan_switchover(TARGET, "prod", "old")


def test_between_the_two_renames_nothing_is_created(region: dict[str, Instance]) -> None:
    """The original is there under another name: whoever needs it is told how to finish."""
    region["old"] = replace(SOURCE, identifier="old", tags={"ManagedBy": "cruddur-ops", "DBInstance": "main"})
    for needs in (instances.require, instances.require_not_renamed):
        with pytest.raises(
            InstanceNotReady, match="old is the DB instance main, renamed by a switchover that was cut off: repeat"
        ):
            needs(TARGET)


def test_three_names_for_a_switchover() -> None:
    """They must differ."""
    with pytest.raises(WrongInput, match="must differ"):
        switchover.plan_switchover(TARGET, "copy", "main")


def test_a_replica_is_asked_for(original: dict[str, Instance]) -> None:
    """With the groups of its source."""
    [call] = calls_of(replicas.plan_replica(TARGET, "copy"))
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
def test_sources_without_a_replica(change: dict[str, Any], message: str, original: dict[str, Instance]) -> None:
    """What RDS demands of the source is said with the way there."""
    original["main"] = replace(SOURCE, **change)
    with pytest.raises(InstanceNotReady, match=message):
        replicas.plan_replica(TARGET, "copy")


def test_a_replica_that_is_there(original: dict[str, Instance]) -> None:
    """It is no change; an instance that is none is refused."""
    original["copy"] = Instance("copy", "creating", source="main")
    assert [(Action.NONE, "replicates main: creating")] == notes(replicas.plan_replica(TARGET, "copy"))
    original["copy"] = SIBLING
    with pytest.raises(WrongInput, match="which is no replica"):
        replicas.plan_replica(TARGET, "copy")


def test_a_replica_is_promoted(original: dict[str, Instance]) -> None:
    """With the backups of the target; one that was promoted is no replica any more."""
    original["copy"] = replace(SIBLING, source="main")
    [call] = calls_of(replicas.plan_promote(TARGET, "copy"))
    assert {"DBInstanceIdentifier": "copy", "BackupRetentionPeriod": 7} == call.parameters
    original["copy"] = SIBLING
    assert [(Action.NONE, "is no replica (any more)")] == notes(replicas.plan_promote(TARGET, "copy"))
    original["copy"] = replace(SIBLING, source="main", status="rebooting")
    with pytest.raises(InstanceNotReady, match="copy is rebooting: wait"):
        replicas.plan_promote(TARGET, "copy")


def test_a_sibling_is_deleted(original: dict[str, Instance]) -> None:
    """For good; one that is on its way out, or gone, is no change."""
    original["copy"] = SIBLING
    [call] = calls_of(replicas.plan_delete(TARGET, "copy"))
    assert {"DBInstanceIdentifier": "copy", "SkipFinalSnapshot": True, "DeleteAutomatedBackups": True} == call.parameters
    original["copy"] = replace(SIBLING, status="deleting")
    assert [(Action.NONE, "is being deleted")] == notes(replicas.plan_delete(TARGET, "copy"))
    del original["copy"]
    assert [(Action.NONE, "is not there")] == notes(replicas.plan_delete(TARGET, "copy"))


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (replace(SIBLING, tags={}), "copy was not made by this runbook as a copy of this target's DB instance: tag it with"),
        (replace(SIBLING, tags={**COPY, "CopyOf": "db-OTHER"}), "not made by this runbook as a copy of this target's"),
        (
            replace(SIBLING, tags={"ManagedBy": "cruddur-ops", "DBInstance": "copy"}),
            f"tag it with .*CopyOf={SOURCE.resource_id}, if it",
        ),
        (replace(SIBLING, deletion_protection=True), "copy is protected from deletion"),
    ],
)
def test_siblings_that_stay(found: Instance, message: str, original: dict[str, Instance]) -> None:
    """Somebody else's, and what is protected."""
    original["copy"] = found
    with pytest.raises(WrongInput, match=message):
        replicas.plan_delete(TARGET, "copy")
