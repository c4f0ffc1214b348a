"""Major upgrades: the way, what of the instance blocks one, the parameter group, the plan, and what RDS says of a failure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cruddur_ops import rds
from cruddur_ops.errors import ConfirmationRequired, NotOffered, NotVerified, WrongInput
from cruddur_ops.plan import Plan
from cruddur_ops.rds import (
    health,
    instances,
    logs,
    modification,
    offers,
    parameter_groups,
    prechecks,
    restores,
    settings,
    snapshots,
    upgrade_paths,
)  # fmt: skip
from cruddur_ops.rds.instances import Instance, described
from cruddur_ops.rds.settings import Wish
from cruddur_ops.rds.snapshots import Snapshot
from cruddur_ops.target import Target
from tests.unit.aws_state import calls_of, created_instance
from tests.unit.conftest import ACCOUNT, Stub

TARGET = Target("test", account_id=ACCOUNT, owner="alice", db_instance_identifier="main")
PROTECTED = replace(TARGET, protected=True, confirm="main")
ITEM = {
    "DBInstanceIdentifier": "main", "Engine": "postgres", "EngineVersion": "16.3", "DBInstanceClass": "db.t4g.micro",
    "AllocatedStorage": 20, "StorageType": "gp3", "MasterUsername": "cruddurroot", "BackupRetentionPeriod": 7,
    "VpcSecurityGroupIds": ["sg-0aaa"], "PreferredMaintenanceWindow": "sun:03:00-sun:03:30",
    "DBParameterGroupName": "default.postgres16",
}  # fmt: skip
FOUND = described(created_instance(ITEM))
# As RDS writes it (User Guide, "How to perform a major version upgrade for RDS for PostgreSQL").
PRECHECK = """\
------------------------------------------------------------------------
Upgrade could not be run on Wed Apr  4 18:30:52 2018
-------------------------------------------------------------------------
The instance could not be upgraded from 16.3 to 18.1 for the following reasons.
Please take appropriate action on databases that have usage incompatible with the requested major engine version upgrade and try
the upgrade again.

* There are uncommitted prepared transactions. Please commit or rollback all prepared transactions.* One or more role names start
with 'pg_'. Rename all role names that start with 'pg_'.

* The following issues in the database 'my"million$"db' need to be corrected before upgrading:** The ["line","reg*"] data types
are used in user tables. Remove all usage of these data types.
"""

# As users showed it, in 2021 and 2026.
DASHED = """\
------------------------------------------------------------------
Upgrade could not be run on Tue Jun 09 04:53:47 2026
------------------------------------------------------------------
The instance could not be upgraded from 16.3.R1 to 18.1.R1 because of following reasons. Please take appropriate action.
- The instance could not be upgraded because it has one or more logical replication slots.
- Following usages in database 'shop' need to be corrected before upgrade:
-- The database has views.

----------------------- END OF LOG ----------------------
"""


@pytest.fixture
def region(region: dict[str, Instance], monkeypatch: pytest.MonkeyPatch) -> dict[str, Instance]:
    """A region in which RDS goes from 16.3 to 16.9, 16.10, 17.5 and 18.1, from 16.9 to 18.4 too, from 16.10 and 15.4 nowhere."""
    goes = {"16.3": ["18.1", "16.9", "16.10", "17.5"], "16.9": ["18.4", "18.1", "17.5"], "18.1": ["18.4"], "15.3": ["15.4"]}
    monkeypatch.setattr(offers, "upgrades", lambda _, running: goes.get(running, []))
    monkeypatch.setattr(offers, "versions", lambda _: ["15.4", "16.9", "17.5", "18.1", "18.4"])
    monkeypatch.setattr(snapshots, "describe", lambda *_: None)
    region["main"] = FOUND
    return region


@pytest.mark.parametrize(
    ("running", "wanted", "steps"),
    [
        ("16.3", "18.1", ("18.1",)), ("16.3", "17", ("17.5",)), ("16.3", "18", ("16.9", "18.4")), ("16.3", "", ("18.1",)),
        ("18.4", "18", ()), ("18.4", "", ()),
    ],
)  # fmt: skip
def test_the_way(region: dict[str, Instance], running: str, wanted: str, steps: tuple[str, ...]) -> None:
    """Straight where this minor version allows it, else over the newest minor that does; nothing where it is there."""
    region["main"] = replace(FOUND, engine_version=running)
    assert steps == rds.upgrade_path(TARGET, wanted).steps


@pytest.mark.parametrize(
    ("running", "wanted", "error", "message"),
    [
        ("18.1", "17", WrongInput, "main runs 18.1, and RDS never goes back to 17.5: name a newer version"),
        ("15.4", "17", NotOffered, "RDS does not upgrade 15.4 to 17.5: set engine_version to one of none"),
        ("15.3", "17", NotOffered, "RDS does not upgrade 15.3 to 17.5: set engine_version to one of 15.4"),
        ("16.3", "19", NotOffered, "RDS offers no PostgreSQL 19 in ca-central-1"),
    ],
)
def test_a_way_that_is_none(region: dict[str, Instance], running: str, wanted: str, error: type[Exception], message: str) -> None:
    """An older major, one to which this minor does not go, and one that is not there."""
    region["main"] = replace(FOUND, engine_version=running)
    with pytest.raises(error, match=message):
        rds.upgrade_path(TARGET, wanted)


@pytest.mark.parametrize(
    ("changes", "free", "maintenance", "expected"),
    [
        ({}, 10, (), []),
        ({"status": "storage-full"}, 10, (), ["BLOCKS: it is storage-full: RDS has shut the server down"]),
        ({"status": "modifying"}, 10, (), ["BLOCKS: it is modifying: wait until it is available"]),
        ({}, 1.5, (), ["BLOCKS: 1.5 of 20 GiB are free: set allocated_storage higher"]),
        ({"source": "first"}, 10, (), ["BLOCKS: it is a replica of first: upgrade that"]),
        ({"replicas": ("near",)}, 10, (), ["look: there is a replica near: it goes along, with more downtime"]),
        ({"replicas": ("arn:aws:rds:eu-west-1:1:db:far",)}, 10, (), ["BLOCKS: there is a replica arn:aws:rds:eu-west-1"]),
        ({"master_username": "pg_root"}, 10, (), ["BLOCKS: its master user is pg_root"]),
        ({"backup_retention_period": 0}, None, (), ["look: it keeps no backups"]),
        ({"pending": {"Iops": 1}}, 10, (), ["look: Iops waits for the maintenance window"]),
        ({}, 10, ("os-upgrade, when you ask for it",), ["look: pending maintenance: os-upgrade"]),
    ],
)  # fmt: skip
def test_what_of_the_instance_is_in_the_way(
    changes: dict[str, Any], free: float | None, maintenance: tuple[str, ...], expected: list[str]
) -> None:
    """Each in a line with its remedy."""
    left = None if free is None else free * health.GIB
    found = list(map(str, prechecks.judged(replace(FOUND, **changes), left, maintenance)))
    assert len(expected) == len(found)
    assert all(line.startswith(begun) for line, begun in zip(found, expected, strict=True))


@pytest.mark.parametrize(("behind", "left"), [("16.3", 1), ("16.9", 0)])
def test_a_minor_version_comes_to_replicas_first(
    region: dict[str, Instance], monkeypatch: pytest.MonkeyPatch, behind: str, left: int
) -> None:
    """RDS refuses it while one has an older version, and takes none along; to a major version they go along."""
    monkeypatch.setattr(health, "metrics", lambda *_: {"FreeStorageSpace": None})
    monkeypatch.setattr(health, "pending_maintenance", lambda *_: ())
    monkeypatch.setattr(prechecks, "offered", lambda *_: ())
    monkeypatch.setattr(instances, "describe_all", lambda _: region)
    region |= {"main": replace(FOUND, replicas=("near",)), "near": replace(FOUND, identifier="near", engine_version=behind)}
    blocked = [one for one in prechecks.of_instance(TARGET, "16.9") if one.blocks]
    assert left == len(blocked)
    assert all("--db-instance-identifier near" in str(one) for one in blocked)
    assert not any(one.blocks for one in prechecks.of_instance(TARGET, "18.1"))


@pytest.mark.parametrize(
    ("known", "value", "why"),
    [
        (None, "60", "the new version does not know it"),
        ({"IsModifiable": False}, "1", "nobody sets it in the new version"),
        ({"IsModifiable": True, "AllowedValues": "scram-sha-256,md5"}, "on", "the new version allows scram-sha-256, md5"),
        ({"IsModifiable": True, "AllowedValues": "pg_cron,pgaudit"}, "pgaudit, pg_cron", ""),
        ({"IsModifiable": True, "AllowedValues": "0-100"}, "{DBInstanceClassMemory/2}", ""),
        ({"IsModifiable": True}, "anything", ""),
    ],
)
def test_what_is_carried_over(known: dict[str, Any] | None, value: str, why: str) -> None:
    """What the new version does not know or allow is named."""
    assert why == parameter_groups._unfit(known, value)


def test_whose_parameter_group(region: dict[str, Instance]) -> None:
    """AWS's own needs none; one of somebody's needs one of ours, or the one that was asked for."""
    custom = replace(FOUND, parameter_group="tuned16")
    asking = TARGET.asking("targets.toml", db_parameter_group_name="tuned18")
    assert "tuned16" == parameter_groups.wanted(TARGET, custom, "16.9")
    assert ["", "main-postgres18", "tuned18"] == [
        parameter_groups.wanted(target, found, "18.1") for target, found in ((TARGET, FOUND), (TARGET, custom), (asking, custom))
    ]
    assert "parameter group default.postgres18" in str(rds.plan_parameter_group(TARGET, "18.1"))


def planned(target: Target, version: str = "18.1", blocked: tuple[str, ...] = (), **options: Any) -> Plan:
    """The plan of an upgrade of which so much is in the way."""
    return rds.plan_upgrade(target, version, lambda *_: blocked, **options)


def test_the_upgrade(region: dict[str, Instance]) -> None:
    """Of what somebody wants otherwise, nothing goes along; of two steps the next is made."""
    region["main"] = replace(
        FOUND, parameter_group="tuned16", raw={**FOUND.raw, "DBParameterGroups": [{"DBParameterGroupName": "tuned16"}]}
    )
    plan = planned(TARGET.asking("targets.toml", allocated_storage=500), snapshot="gone")
    [call] = calls_of(plan)
    assert call.parameters == {
        "DBInstanceIdentifier": "main", "EngineVersion": "18.1", "DBParameterGroupName": "main-postgres18",
        "AllowMajorVersionUpgrade": True, "ApplyImmediately": True,
    }  # fmt: skip
    assert any("there is no snapshot gone yet" in fact for fact in plan.facts)
    steps = planned(TARGET, "18")
    assert {"EngineVersion": "16.9"}.items() <= calls_of(steps)[0].parameters.items()
    assert "PostgreSQL 18.4 comes after that: plan this again then" in steps.facts


def test_a_protected_target_waits_for_its_window(region: dict[str, Instance]) -> None:
    """Unless it is asked for at once; what RDS has accepted is not asked for again, and is told as pending."""
    later, now = planned(PROTECTED), planned(PROTECTED, at_once=True)
    assert [False, True] == [calls_of(plan)[0].parameters["ApplyImmediately"] for plan in (later, now)]
    region["main"] = replace(FOUND, pending={"EngineVersion": "18.1"})
    accepted = planned(PROTECTED)
    assert ((), ("EngineVersion until sun:03:00-sun:03:30",)) == (accepted.mutating, accepted.pending)
    assert planned(PROTECTED, at_once=True).mutating
    region["main"] = FOUND
    with pytest.raises(ConfirmationRequired):
        planned(replace(PROTECTED, confirm="")).apply()


def test_what_blocks_is_found_before_the_call(region: dict[str, Instance]) -> None:
    """The plan is to be seen all the same."""
    plan = planned(TARGET, blocked=("role pg_mine: rename it",))
    assert "EngineVersion = 16.3 -> 18.1" in str(plan)
    with pytest.raises(WrongInput, match="the upgrade to 18.1 would fail, and nothing was changed: role pg_mine: rename it"):
        plan.apply()


def test_nothing_to_upgrade(region: dict[str, Instance]) -> None:
    """It runs that version; it is at work; it is not there yet."""
    region["main"] = replace(FOUND, engine_version="18.4")
    assert "runs PostgreSQL 18.4 already" in str(planned(TARGET, "18"))
    region["main"] = replace(FOUND, status="upgrading")
    assert "upgrading: wait until it is available" in str(planned(TARGET))
    del region["main"]
    assert [True] == [change.unknown for change in planned(TARGET).changes]


def test_an_old_snapshot_is_a_poor_way_back(region: dict[str, Instance], monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told how old it is."""
    taken = Snapshot("yesterday", "main", "available", taken=datetime.now(UTC) - timedelta(hours=30))
    monkeypatch.setattr(snapshots, "describe", lambda *_: taken)
    assert any("the snapshot yesterday is 30 hours old" in fact for fact in planned(TARGET, snapshot="yesterday").facts)


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        (
            PRECHECK,
            [
                "There are uncommitted prepared transactions. Please commit or rollback all prepared transactions.",
                "One or more role names start with 'pg_'. Rename all role names that start with 'pg_'.",
                "The following issues in the database 'my\"million$\"db' need to be corrected before upgrading:",
                'The ["line","reg*"] data types are used in user tables. Remove all usage of these data types.',
            ],
        ),
        (
            DASHED,
            [
                "The instance could not be upgraded because it has one or more logical replication slots.",
                "Following usages in database 'shop' need to be corrected before upgrade:",
                "The database has views.",
            ],
        ),
    ],
)
def test_what_was_written_down_of_a_refusal(stub: Stub, text: str, reasons: list[str]) -> None:
    """The reasons, from both of RDS's forms, without what an earlier upgrade has left."""
    files = [
        {"LogFileName": name, "LastWritten": number, "Size": 1}
        for number, name in enumerate(["pg_upgrade_precheck.log.1", "error/pg_upgrade_server.log.2", "pg_upgrade_precheck.log.3"])
    ]
    answers = stub(TARGET, "rds")
    answers.add_response("describe_db_log_files", {"DescribeDBLogFiles": files})
    answers.add_response("download_db_log_file_portion", {"LogFileData": text})
    assert " ".join([*reasons, "(pg_upgrade_precheck.log.3)"]) == logs.upgrade_failure(TARGET, ["pg_upgrade_precheck.log.1"])


def test_a_refused_upgrade_ends_with_the_reason(region: dict[str, Instance], monkeypatch: pytest.MonkeyPatch) -> None:
    """Available, on the old version: that is no success, once the log says why; until it does, it is to come."""
    said = ["", "There are uncommitted prepared transactions."]
    monkeypatch.setattr(logs, "upgrade_failure", lambda *_: said.pop(0))
    wish = Wish(settings.resolved(TARGET, FOUND), "18.1", None, FOUND)
    assert "EngineVersion to come" == modification._upgraded(wish, {"EngineVersion": "18.1"}, (), FOUND)
    with pytest.raises(
        NotVerified, match=r"which runs 16\.3 as before: There are uncommitted prepared transactions\.: mend that"
    ):
        modification._upgraded(wish, {"EngineVersion": "18.1"}, (), FOUND)
    assert "" == modification._upgraded(wish, {"EngineVersion": "16.3"}, (), FOUND)


def test_a_snapshot_of_an_older_major_is_restored_as_it_was(region: dict[str, Instance], monkeypatch: pytest.MonkeyPatch) -> None:
    """With the version and the parameter group of then: those of now are of another family."""
    taken = Snapshot("before", "main", "available", engine_version="15.4", tags={snapshots.GROUP: "tuned15"})
    monkeypatch.setattr(snapshots, "describe", lambda *_: taken)
    older = restores.sibling(TARGET, "copy", snapshot="before")
    assert ("15.4", "tuned15") == (older.engine_version, older.db_parameter_group_name)
    monkeypatch.setattr(snapshots, "describe", lambda *_: replace(taken, tags={}))
    assert "default.postgres15" == restores.sibling(TARGET, "copy", snapshot="before").db_parameter_group_name
    monkeypatch.setattr(snapshots, "describe", lambda *_: replace(taken, engine_version="16.1"))
    assert "16.3" == restores.sibling(TARGET, "copy", snapshot="before").engine_version


def test_the_price_of_staying(region: dict[str, Instance], monkeypatch: pytest.MonkeyPatch) -> None:
    """By the vCPU, a standby's too, or why that is unknown; where it was opted out, RDS upgrades by itself."""
    names = (offers.STANDARD_SUPPORT, "open-source-rds-extended-support")
    ends = [
        {"LifecycleSupportName": name, "LifecycleSupportEndDate": datetime(2020 + 3 * n, 2, 28)} for n, name in enumerate(names)
    ]
    monkeypatch.setattr(offers, "lifecycles", lambda *_: ends)
    monkeypatch.setattr("cruddur_ops.rds.prices.vcpus", lambda *_: (2, ""))
    region["main"] = replace(FOUND, raw={**FOUND.raw, "MultiAZ": True})
    [line] = map(str, upgrade_paths.support(TARGET, "16.3"))
    staying = "Extended Support until 2023-02-28, about 292 USD a month more, 584 from the third year on"
    assert f"WARNING: PostgreSQL 16: standard support until 2020-02-28; then {staying}" == line
    monkeypatch.setattr("cruddur_ops.rds.prices.vcpus", lambda *_: (0, "AWS denies it"))
    assert "at a price for each vCPU, unknown: AWS denies it" in repr(upgrade_paths.support(TARGET, "16.3")[0])
    region["main"] = replace(FOUND, raw={**FOUND.raw, "EngineLifecycleSupport": "open-source-rds-extended-support-disabled"})
    assert "RDS upgrades it by itself" in repr(upgrade_paths.support(TARGET, "16.3")[0])


def test_nobody_practises_on_production(region: dict[str, Instance]) -> None:
    """What is not the sandbox, or is protected, is the target itself, and nothing is made or removed for it."""
    assert TARGET is rds.practice(TARGET, "16")
    guarded = Target("guarded", sandbox=True, protected=True)
    assert guarded is rds.practice(guarded, "16")
    assert () == rds.plan_practice(TARGET).mutating == rds.plan_practice_removal(TARGET, "main-way-back", "main-before").mutating
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(instances, "describe", lambda _: None)
        practised = rds.practice(Target("local", sandbox=True, sources={}), "16")
        assert ("cruddur-db-instance-practice", "16") == (practised.db_instance_identifier, practised.engine_version)
        assert [True] == [change.unknown for change in rds.plan_practice(practised).changes]
