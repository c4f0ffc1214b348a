"""Modification: what waits for the window, what restarts, what grows, in how many steps a version is reached."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from typing import Any

import pytest
from botocore.model import Shape

from cruddur_ops import calls, tags
from cruddur_ops.change import Action, Change
from cruddur_ops.errors import ConfirmationRequired
from cruddur_ops.plan import Plan
from cruddur_ops.rds import offers, settings
from cruddur_ops.rds.instances import Instance
from cruddur_ops.rds.modification import major_version
from cruddur_ops.rds.settings import SETTINGS, Setting
from cruddur_ops.target import SETTINGS as TARGET_SETTINGS
from tests.unit import aws_calls, test_rds
from tests.unit.aws_state import calls_of, instance_after
from tests.unit.conftest import ACCOUNT, Stub
from tests.unit.test_rds import TARGET, existing, offer

NEW = "DedicatedLogVolume"
MAKERS = ("create_db_instance", "modify_db_instance")


def planned(found: dict[str, Any], at_once: bool = True, **wanted: Any) -> Plan:
    """The plan for an instance that RDS describes so, where something else is wanted."""
    return test_rds.planned(replace(TARGET, **wanted), found, at_once=at_once)


def notes(plan: Plan) -> dict[str, str]:
    """What is said of each setting that the plan changes."""
    return {change.setting: change.note for change in plan.mutating}


@pytest.mark.parametrize(
    ("setting", "wanted", "waits", "restarts"),
    [
        ("DBInstanceClass", {"db_instance_class": "db.t4g.small"}, True, True),
        ("AllocatedStorage", {"allocated_storage": 40}, True, False),
        ("StorageType", {"storage_type": "gp2"}, True, False),
        ("BackupRetentionPeriod", {"backup_retention_period": 1}, True, False),
        ("BackupRetentionPeriod", {"backup_retention_period": 0}, True, True),
        ("MultiAZ", {"multi_az": True}, True, False),
        ("EnableIAMDatabaseAuthentication", {"iam_database_authentication": True}, True, False),
        ("DBParameterGroupName", {"db_parameter_group_name": "ours"}, False, False),
        ("PreferredBackupWindow", {"preferred_backup_window": "05:00-05:30"}, False, False),
        ("MaxAllocatedStorage", {"max_allocated_storage": 200}, False, False),
        ("DeletionProtection", {"deletion_protection": True}, False, False),
        ("PubliclyAccessible", {"publicly_accessible": False}, False, False),
        ("DBPortNumber", {"port": 6543}, False, True),
    ],
)
def test_when_a_setting_takes_effect(setting: str, wanted: dict[str, Any], waits: bool, restarts: bool) -> None:
    """Some wait for the window where they may; each says what it interrupts."""
    found = existing(PreferredMaintenanceWindow="sun:03:00-sun:03:30")
    later, now = planned(found, at_once=False, **wanted), planned(found, **wanted)
    assert waits is notes(later)[setting].startswith("waits for the maintenance window sun:03:00-sun:03:30")
    assert notes(now)[setting].startswith("at once")
    assert restarts is ("restarts the server" in notes(now)[setting])
    assert [False, True] == [calls_of(plan)[0].parameters["ApplyImmediately"] for plan in (later, now)]


ABRUPT = [
    ("DBPortNumber", {"port": 6543}, {}),
    ("PubliclyAccessible", {"publicly_accessible": False}, {}),
    ("ManageMasterUserPassword", {"manage_master_password": True}, {"MasterUserSecret": None}),
]


@pytest.mark.parametrize(("setting", "wanted", "item"), ABRUPT)
def test_what_cannot_wait_is_asked_for_at_once(setting: str, wanted: dict[str, Any], item: dict[str, Any]) -> None:
    """On a protected target it is shown, and refused unless it is; nothing else is changed by the same call then."""
    target = replace(
        TARGET, account_id=ACCOUNT, protected=True, confirm="cruddur-db-instance", deletion_protection=True, **wanted
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calls, "send", lambda *_: pytest.fail("a call was made"))
        plan = test_rds.planned(target, existing(**item))
        assert {setting, "DeletionProtection"} == set(notes(plan))
        patch.setattr(Plan, "_require_same", lambda *_: None)
        first = replace(plan, changes=(Change(Action.CREATE, "group", make=lambda: pytest.fail("a part was made")),))
        with pytest.raises(ConfirmationRequired, match=f"{setting} of cruddur-db-instance cannot wait .* at_once"):
            (replace(first, again=lambda: first) + replace(plan, again=lambda: plan)).apply()
    assert [True] == [
        call.parameters["ApplyImmediately"] for call in calls_of(test_rds.planned(target, existing(**item), at_once=True))
    ]


def test_a_protected_target_waits_for_its_window() -> None:
    """By default, where another does not."""
    wanted = replace(TARGET, db_instance_class="db.t4g.small")
    plans = [test_rds.planned(replace(wanted, protected=protected), existing()) for protected in (True, False)]
    assert [False, True] == [calls_of(plan)[0].parameters["ApplyImmediately"] for plan in plans]


def test_what_is_pending_goes_along() -> None:
    """A call to be applied at once makes that, too: it is among the changes that are agreed to. A password is made anyway."""
    found = existing(
        PendingModifiedValues={"EngineVersion": "18.2", "MasterUserPassword": "****", "DBInstanceClass": "db.t4g.large"}
    )
    plan = planned(found, db_instance_class="db.t4g.small")
    shown = [(change.setting, change.before, change.after) for change in plan.mutating]
    expected = (
        ("DBInstanceClass", "db.t4g.large", "db.t4g.small"),
        ("EngineVersion", "18.1", "18.2"),
    )
    assert list(expected) == shown
    assert ["DBInstanceClass"] == [
        change.setting for change in planned(found, at_once=False, db_instance_class="db.t4g.small").mutating
    ]


def test_an_own_password_is_read_in_the_moment_of_the_call(manager: Any) -> None:
    """From the operator's secret, when RDS is to manage it no longer."""
    manager.create_secret(Name="root", SecretString='{"password": "correct horse"}')
    [call] = calls_of(planned(existing(), master_user_secret="root"))
    assert (False, True) == (call.parameters["ManageMasterUserPassword"], "MasterUserPassword" not in call.parameters)
    assert call.fill
    assert {"MasterUserPassword": "correct horse"} == call.fill()


def test_backups_switched_off_are_lost() -> None:
    """It is said before."""
    assert "removes all automated backups" in notes(planned(existing(), backup_retention_period=0))["BackupRetentionPeriod"]


def test_growth_is_switched_off() -> None:
    """By a limit that is reached already; the next plan has nothing to do."""
    plan = planned(existing(), max_allocated_storage=0)
    [call] = calls_of(plan)
    assert 20 == call.parameters["MaxAllocatedStorage"]
    assert () == planned(instance_after(existing(), plan), max_allocated_storage=0).mutating


def test_growth_is_switched_off_while_storage_grows() -> None:
    """The limit is the new size."""
    [call] = calls_of(planned(existing(), max_allocated_storage=0, allocated_storage=40))
    assert (40, 40) == (call.parameters["AllocatedStorage"], call.parameters["MaxAllocatedStorage"])


def test_nothing_to_switch_off() -> None:
    """An instance that does not grow by itself is as wanted."""
    assert () == planned(existing(MaxAllocatedStorage=None), max_allocated_storage=0).mutating


def test_a_replicating_instance_keeps_its_own_password() -> None:
    """RDS manages none of it; that is said, and no change."""
    for item in ({"ReadReplicaDBInstanceIdentifiers": ["copy"]}, {"ReadReplicaSourceDBInstanceIdentifier": "main"}):
        plan = planned(existing(MasterUserSecret={}, **item))
        assert () == plan.mutating
        assert any("its master password is our own" in fact for fact in plan.facts)


def test_missing_tags_are_set() -> None:
    """One call a tag; whose the instance is, and until when, stays as it was said first."""
    found = [{"Key": "Owner", "Value": "bob"}, {"Key": "Expires", "Value": "2026-01-01"}]
    plan = planned(existing(TagList=found), instance_days=3)
    set_tags = [call.parameters["Tags"] for call in calls_of(plan)]
    expected = {"Project": "cruddur", "ManagedBy": "cruddur-ops", "DBInstance": "cruddur-db-instance"}
    assert [[{"Key": key, "Value": value}] for key, value in expected.items()] == set_tags
    assert {"tag Project", "tag ManagedBy", "tag DBInstance"} == set(notes(plan))


def test_other_tags_are_left_alone() -> None:
    """They are somebody else's."""
    assert {} == tags.missing({"Owner": "a"}, {"Owner": "b", "Team": "x"})


def test_the_next_step_of_an_upgrade() -> None:
    """What comes after a minor version is told."""
    step = offers.next_step(offer(TARGET, "18.1"), "17.1", ["17.2"], lambda _: ["18.1"])
    assert ("17.2", "18.1") == (step.version, step.then)
    plan = test_rds.planned(TARGET, existing(EngineVersion="17.1"), offered=step)
    assert "PostgreSQL 18.1 comes after that: compute this plan again" in plan.facts
    assert not major_version(plan)


def test_the_ways_are_asked_of_rds(stub: Stub) -> None:
    """Also for a version that is withdrawn."""
    item = {"EngineVersion": "17.1", "ValidUpgradeTarget": [{"EngineVersion": "17.2"}, {"EngineVersion": "18.1"}]}
    expected = {"Engine": "postgres", "EngineVersion": "17.1", "IncludeAll": True}
    stub(TARGET, "rds").add_response("describe_db_engine_versions", {"DBEngineVersions": [item]}, expected)
    assert ["17.2", "18.1"] == offers.upgrades(TARGET, "17.1")


def test_every_row_is_of_the_api() -> None:
    """The names and places of the table, and of the instance, stand in botocore's models; what is followed, in Target."""
    made, changed = (set(aws_calls.operations("rds")[name].input_shape.members) for name in MAKERS)
    assert {row.created for row in SETTINGS} <= made
    assert {row.name for row in SETTINGS if not row.fixed} <= changed
    assert {row.source for row in SETTINGS} <= {"", *TARGET_SETTINGS}
    paths = [*(row.found for row in SETTINGS), *(spec.metadata.get("at", "") for spec in fields(Instance))]
    known = members(aws_calls.service_model("rds").shape_for("DBInstance"))
    assert set() == {name for path in paths for name in re.findall(r"[A-Za-z]\w*", re.sub("`.*?`", "", path))} - known


def test_what_a_restore_takes() -> None:
    """Both kinds take the rows that say so; of the others, all that matter can be modified afterwards."""
    names = ("restore_db_instance_from_db_snapshot", "restore_db_instance_to_point_in_time")
    taken = set.intersection(*(set(aws_calls.operations("rds")[name].input_shape.members) for name in names))
    assert {row.created for row in SETTINGS if row.copied} <= taken
    # For RDS for Oracle only, and given together with the engine (API Reference)
    assert {"ManageMasterUserPassword", "DBName"} == {row.created for row in SETTINGS if not row.copied} & taken


def members(shape: Shape) -> set[str]:
    """The names of a structure's members, and of those in it."""
    if shape.type_name == "list":
        return members(shape.member)
    parts = shape.members if shape.type_name == "structure" else {}
    return {*parts, *(name for part in parts.values() for name in members(part))}


def test_a_new_setting_is_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is created with the instance, compared, and modified with a note."""
    monkeypatch.setattr(settings, "SETTINGS", (*SETTINGS, row := Setting(NEW, value=lambda _: True, note="costs twice")))
    monkeypatch.setitem(settings.BY_NAME, NEW, row)
    assert True is calls_of(test_rds.planned(TARGET, None))[0].parameters[NEW]
    plan = planned(existing(DedicatedLogVolume=False))
    assert {NEW: "at once; costs twice"} == notes(plan)
    assert () == planned(instance_after(existing(DedicatedLogVolume=False), plan)).mutating
