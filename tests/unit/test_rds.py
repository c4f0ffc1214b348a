"""The plan of the DB instance, and the wait for it."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cruddur_ops import progress, rds, targets
from cruddur_ops.change import Action
from cruddur_ops.errors import AwsUnreachable, InstanceNotReady, WrongInput
from cruddur_ops.network import groups
from cruddur_ops.network.groups import Group
from cruddur_ops.plan import Plan
from cruddur_ops.rds import instances, offers, prices, waiting
from cruddur_ops.rds.instances import Instance, described
from cruddur_ops.rds.modification import major_version
from cruddur_ops.rds.offers import Offer
from cruddur_ops.rds.prices import MonthlyCost
from cruddur_ops.target import SETTINGS, Target
from tests.unit.aws_state import VPC, calls_of, created_instance, instance_after

BARE = Target("test", owner="alice", operator_address="8.8.8.8")
TARGET = replace(BARE, sources=dict.fromkeys(SETTINGS, "targets.toml"))  # whose every setting is asked for
GROUP = Group("sg-0aaa", "cruddur-db-instance-access", VPC)
COST = MonthlyCost({"instance": 12.0})


def offer(target: Target = TARGET, version: str = "18.1") -> Offer:
    """What RDS offers for the target."""
    return Offer(version, target.db_instance_class, ("ca-central-1a",), date(2031, 2, 28), COST)


def planned(
    target: Target, item: dict[str, Any] | None, group: Group | None = GROUP, offered: Offer | None = None, **options: Any
) -> Plan:
    """The plan for an instance that RDS describes so; it may be a major upgrade."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(instances, "describe", lambda _: described(item) if item else None)
        patch.setattr(instances, "describe_all", lambda _: {})
        patch.setattr(offers, "find", lambda *_: offered or offer(target))
        patch.setattr(groups, "describe", lambda *_: group)
        return rds.plan_instance(target, **({"major": True} | options))


def existing(target: Target = TARGET, **more: Any) -> dict[str, Any]:
    """The instance that the target's plan creates, with some members changed."""
    return instance_after(None, planned(target, None)) | more


LEGACY = {
    "EngineVersion": "15.4",
    "DBInstanceClass": "db.r6g.large",
    "MultiAZ": True,
    "StorageType": "io1",
    "AllocatedStorage": 400,
    "Iops": 4000,
    "MaxAllocatedStorage": None,
    "DbInstancePort": 6543,
    "PubliclyAccessible": False,
    "MasterUserSecret": None,
    "DBName": "app",
    "MasterUsername": "admin1",
    "BackupRetentionPeriod": 0,
    "DeletionProtection": True,
    "CopyTagsToSnapshot": False,
    "AutoMinorVersionUpgrade": False,
    "EngineLifecycleSupport": "open-source-rds-extended-support",
    "IAMDatabaseAuthenticationEnabled": True,
    "MonitoringInterval": 60,
    "MonitoringRoleArn": "arn:aws:iam::000000000000:role/monitoring",
    "PerformanceInsightsEnabled": False,
    "PerformanceInsightsRetentionPeriod": None,
    "EnabledCloudwatchLogsExports": [],
    "KmsKeyId": "arn:aws:kms:ca-central-1:000000000000:key/1234",
    "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-0other"}],
    "DBSubnetGroup": {"DBSubnetGroupName": "private", "VpcId": "vpc-0other"},
    "DBParameterGroups": [{"DBParameterGroupName": "ours15"}],
    "AvailabilityZone": "ca-central-1d",
    "CACertificateIdentifier": "rds-ca-2019",
}


@pytest.mark.parametrize("member", [*LEGACY, None])
def test_only_what_was_asked_for_is_changed(member: str | None) -> None:
    """Of an instance with another class, major, password, key, VPC and whatnot, one by one and all together: nothing."""
    found = existing(BARE, **({"MaxAllocatedStorage": None} | (LEGACY if member is None else {member: LEGACY[member]})))
    plan = planned(BARE, found, offered=offer(BARE, found["EngineVersion"]), major=False)
    assert ((), ()) == (plan.mutating, tuple(fact for fact in plan.facts if "for good" in fact or "wanted" in fact))


def test_one_setting_that_was_asked_for() -> None:
    """It alone is compared, whatever else differs from the defaults; what it hangs together with goes along."""
    found = existing(BARE, **LEGACY)
    plan = planned(BARE.asking("parameter", allocated_storage=500), found, offered=offer(BARE, "15.4"))
    assert {"AllocatedStorage": ("400", "500")} == settings_changed(plan)
    assert {"AllocatedStorage": 500, "Iops": 4000}.items() <= calls_of(plan)[0].parameters.items()


def test_the_cost_is_that_of_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the class and storage that were found, where nobody asked for others."""
    priced: list[Target] = []

    def monthly_cost(target: Target) -> MonthlyCost:
        priced.append(target)
        return COST

    monkeypatch.setattr(offers, "end_of_support", lambda _: None)
    monkeypatch.setattr(offers, "lifecycles", lambda *_: [])
    monkeypatch.setattr(prices, "monthly_cost", monthly_cost)
    monkeypatch.setattr(instances, "describe", lambda _: described(existing(BARE, **LEGACY)))
    rds.offer(BARE)
    assert [("db.r6g.large", "io1", 400)] == [(one.db_instance_class, one.storage_type, one.allocated_storage) for one in priced]


def test_a_major_upgrade_is_not_made_by_the_way() -> None:
    """It is said which verb makes it; the default is no wish at all."""
    asking = BARE.asking("targets.toml", engine_version="18", deletion_protection=True)
    plan = planned(asking, existing(BARE, EngineVersion="15.4"), offered=offer(BARE, "15.4"), major=False)
    assert ["DeletionProtection"] == list(settings_changed(plan))
    made = "a major upgrade is made by 09_upgrade, or `cruddur-ops rds modify`, after its pre-checks"
    assert f"PostgreSQL 18 is wanted, and 15.4 runs: {made}" in plan.facts


def test_storage_that_is_being_optimized() -> None:
    """RDS would refuse to change it: that is said; the rest is changed."""
    asking = BARE.asking("targets.toml", allocated_storage=50, iops=6000, deletion_protection=True)
    plan = planned(asking, existing(BARE, DBInstanceStatus="storage-optimization"))
    assert ["DeletionProtection"] == list(settings_changed(plan))
    assert any("storage is being optimized" in fact for fact in plan.facts)


def test_a_group_of_another_vpc() -> None:
    """One that was asked for and cannot be attached is said to be."""
    asking = BARE.asking("environment DB_SG_ID", security_group_id=GROUP.id)
    plan = planned(asking, existing(BARE, DBSubnetGroup={"VpcId": "vpc-0other"}))
    assert any("is of another VPC, and is not attached" in fact for fact in plan.facts)


KEY = "arn:aws:kms:ca-central-1:000000000000:key/1234"


@pytest.mark.parametrize(("wanted", "said"), [("1234", False), (KEY, False), ("alias/ours", False), ("5678", True)])
def test_a_key_is_the_same_by_any_of_its_names(wanted: str, said: bool) -> None:
    """RDS tells its ARN."""
    plan = planned(BARE.asking("targets.toml", kms_key_id=wanted), existing(BARE, KmsKeyId=KEY))
    assert said is any("its key is" in fact for fact in plan.facts)


ORIGINAL = """
[original]
db_instance_identifier = "cruddur-db-instance"
db_instance_class = "db.t3.micro"
engine_version = "14.6"
engine_lifecycle_support = "open-source-rds-extended-support"
master_username = "cruddurroot"
master_user_secret = "cruddur/root"
allocated_storage = 20
max_allocated_storage = 0
storage_type = "gp2"
availability_zone = "ca-central-1a"
backup_retention_period = 0
port = 5432
multi_az = false
db_name = "cruddur"
publicly_accessible = true
storage_encrypted = true
performance_insights = true
performance_insights_retention_period = 7
deletion_protection = false
log_exports = ""
copy_tags_to_snapshot = false
"""


def test_the_original_command_can_be_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, manager: Any) -> None:
    """With every parameter that it had, its password from a secret in the moment of the call."""
    (tmp_path / "targets.toml").write_text(ORIGINAL)
    monkeypatch.setenv("CRUDDUR_TARGETS", str(tmp_path / "targets.toml"))
    manager.create_secret(Name="cruddur/root", SecretString='{"username": "cruddurroot", "password": "correct horse"}')
    target = targets.load("original")
    [call] = calls_of(planned(target, None, offered=offer(target, "14.6")))
    assert call.fill
    request = {**call.parameters, **call.fill()}
    command = {
        "DBInstanceIdentifier": "cruddur-db-instance",
        "DBInstanceClass": "db.t3.micro",
        "Engine": "postgres",
        "EngineVersion": "14.6",
        "MasterUsername": "cruddurroot",
        "MasterUserPassword": "correct horse",
        "AllocatedStorage": 20,
        "AvailabilityZone": "ca-central-1a",
        "BackupRetentionPeriod": 0,
        "Port": 5432,
        "MultiAZ": False,
        "DBName": "cruddur",
        "StorageType": "gp2",
        "PubliclyAccessible": True,
        "StorageEncrypted": True,
        "EnablePerformanceInsights": True,
        "PerformanceInsightsRetentionPeriod": 7,
        "DeletionProtection": False,
    }
    # What RDS would take by default for what the command does not say, and what is the runbook's own.
    defaults = {
        "AutoMinorVersionUpgrade": True,
        "CopyTagsToSnapshot": False,
        "EnableIAMDatabaseAuthentication": False,
        "EngineLifecycleSupport": "open-source-rds-extended-support",
        "MonitoringInterval": 0,
    }
    assert command | defaults == {name: value for name, value in request.items() if name not in ("Tags", "VpcSecurityGroupIds")}


def test_a_password_of_our_own_needs_a_secret() -> None:
    """Nobody types one; without a secret it is told where to name it."""
    with pytest.raises(WrongInput, match="no secret has the master password: name it in master_user_secret"):
        planned(BARE.asking("targets.toml", manage_master_password=False), None)


def settings_changed(plan: Plan) -> dict[str, tuple[str | None, str | None]]:
    """What the plan modifies: before and after, by parameter."""
    return {change.setting: (change.before, change.after) for change in plan.mutating}


def test_what_is_created() -> None:
    """The request as an expert would send it: no password, no paid Extended Support, nothing left to chance."""
    [call] = calls_of(planned(TARGET, None))
    assert ("rds", "create_db_instance") == (call.service, call.operation)
    expected = {
        "DBInstanceIdentifier": "cruddur-db-instance",
        "DBInstanceClass": "db.t4g.micro",
        "Engine": "postgres",
        "EngineVersion": "18.1",
        "EngineLifecycleSupport": "open-source-rds-extended-support-disabled",
        "AutoMinorVersionUpgrade": True,
        "DBName": "cruddur",
        "MasterUsername": "cruddurroot",
        "ManageMasterUserPassword": True,
        "Port": 5432,
        "PubliclyAccessible": True,
        "VpcSecurityGroupIds": ["sg-0aaa"],
        "StorageType": "gp3",
        "AllocatedStorage": 20,
        "MaxAllocatedStorage": 100,
        "StorageEncrypted": True,
        "BackupRetentionPeriod": 7,
        "CopyTagsToSnapshot": True,
        "DeletionProtection": False,
        "EnablePerformanceInsights": True,
        "PerformanceInsightsRetentionPeriod": 7,
        "MonitoringInterval": 0,
        "MultiAZ": False,
        "EnableIAMDatabaseAuthentication": False,
        "EnableCloudwatchLogsExports": ["postgresql"],
        "Tags": [
            {"Key": "Owner", "Value": "alice"},
            {"Key": "Project", "Value": "cruddur"},
            {"Key": "ManagedBy", "Value": "cruddur-ops"},
            {"Key": "DBInstance", "Value": "cruddur-db-instance"},
        ],
    }
    assert expected == dict(call.parameters)


def test_what_is_left_out_of_the_request() -> None:
    """RDS refuses a retention of insights that are off, and storage that grows to less than it is."""
    target = replace(TARGET, performance_insights=False, max_allocated_storage=0, availability_zone="ca-central-1b")
    [call] = calls_of(planned(target, None))
    assert {"PerformanceInsightsRetentionPeriod", "MaxAllocatedStorage"}.isdisjoint(call.parameters)
    assert "ca-central-1b" == call.parameters["AvailabilityZone"]


def test_what_is_shown_before_anything_is_created() -> None:
    """Version, class and storage in the line; cost, support and protection below it; loud where it cannot be restored."""
    plan = planned(TARGET, None)
    assert "PostgreSQL 18.1 on db.t4g.micro, 20 GiB gp3" == plan.changes[0].after
    assert "cost: about 12 USD a month (instance 12.00)" in plan.facts
    assert "PostgreSQL 18: standard support until 2031-02-28; paid Extended Support opted out" in plan.facts
    assert "backups kept for 7 days; no deletion protection; publicly accessible" in plan.facts
    plan = planned(replace(TARGET, backup_retention_period=0, instance_days=3), None)
    assert "WARNING: no automated backups; no deletion protection; publicly accessible" in plan.facts
    assert "tagged to expire in 3 days" in plan.facts


def test_before_the_group_exists() -> None:
    """The plan can be shown, with what is known after the group, but not applied."""
    plan = planned(TARGET, None, group=None)
    assert "known after the security group" in plan.changes[0].note
    assert 1 == plan.outcome.created


def test_differences_are_named_and_modified_in_one_call() -> None:
    """Each difference has its line; the first carries the call for all of them, which is applied at once."""
    target = replace(TARGET, db_instance_class="db.t4g.small", backup_retention_period=14, deletion_protection=True)
    plan = planned(target, existing())
    assert {
        "DBInstanceClass": ("db.t4g.micro", "db.t4g.small"),
        "BackupRetentionPeriod": ("7", "14"),
        "DeletionProtection": ("False", "True"),
    } == settings_changed(plan)
    [call] = calls_of(plan)
    assert {
        "DBInstanceIdentifier": "cruddur-db-instance",
        "DBInstanceClass": "db.t4g.small",
        "BackupRetentionPeriod": 14,
        "DeletionProtection": True,
        "ApplyImmediately": True,
    } == dict(call.parameters)
    assert "interrupts connections" in plan.changes[0].note
    assert 1 == plan.outcome.changed


@pytest.mark.parametrize(
    ("item", "setting"),
    [
        ({"MultiAZ": True}, "MultiAZ"),
        ({"IAMDatabaseAuthenticationEnabled": True}, "EnableIAMDatabaseAuthentication"),
        ({"MonitoringInterval": 60}, "MonitoringInterval"),
        ({"PubliclyAccessible": False}, "PubliclyAccessible"),
        ({"StorageType": "gp2"}, "StorageType"),
        ({"AllocatedStorage": 10}, "AllocatedStorage"),
        ({"MaxAllocatedStorage": 50}, "MaxAllocatedStorage"),
        ({"PerformanceInsightsEnabled": False}, "EnablePerformanceInsights"),
        ({"PerformanceInsightsRetentionPeriod": 31}, "PerformanceInsightsRetentionPeriod"),
        ({"DbInstancePort": 5433}, "DBPortNumber"),
        ({"CopyTagsToSnapshot": False}, "CopyTagsToSnapshot"),
        ({"AutoMinorVersionUpgrade": False}, "AutoMinorVersionUpgrade"),
        ({"EngineLifecycleSupport": "open-source-rds-extended-support"}, "EngineLifecycleSupport"),
        ({"MasterUserSecret": {}}, "ManageMasterUserPassword"),
        ({"EnabledCloudwatchLogsExports": ["upgrade"]}, "CloudwatchLogsExportConfiguration"),
        ({"VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-0other"}]}, "VpcSecurityGroupIds"),
        ({"EngineVersion": "17.6"}, "EngineVersion"),
    ],
)
def test_every_setting_converges(item: dict[str, Any], setting: str) -> None:
    """Whatever was changed by hand is one difference, and after its call there is none."""
    found = existing(**item)
    plan = planned(TARGET, found)
    assert [setting] == list(settings_changed(plan))
    assert () == planned(TARGET, instance_after(found, plan)).mutating


def test_what_others_added_stays() -> None:
    """Further security groups and log exports are not taken away."""
    found = existing(VpcSecurityGroups=[{"VpcSecurityGroupId": "sg-0other"}], EnabledCloudwatchLogsExports=["upgrade"])
    [call] = calls_of(planned(TARGET, found))
    assert ["sg-0aaa", "sg-0other"] == call.parameters["VpcSecurityGroupIds"]
    assert {"EnableLogTypes": ["postgresql"]} == call.parameters["CloudwatchLogsExportConfiguration"]


def test_a_group_of_another_vpc_is_not_attached() -> None:
    """RDS would refuse: an instance made elsewhere keeps its own groups."""
    found = existing(VpcSecurityGroups=[{"VpcSecurityGroupId": "sg-0other"}], DBSubnetGroup={"VpcId": "vpc-0other"})
    assert () == planned(TARGET, found).mutating


def test_storage_never_shrinks() -> None:
    """Storage that has grown is no difference, but said; nor is a limit of growth below it one."""
    plan = planned(TARGET, existing(AllocatedStorage=120, MaxAllocatedStorage=200))
    assert () == plan.mutating
    assert "it has 120 GiB, more than wanted: storage never shrinks" in plan.facts


@pytest.mark.parametrize(
    ("wanted", "offered", "running", "changed"),
    [
        ("18", "18.1", "18.1", False),
        ("18", "18.0", "18.0", False),
        ("18.1", "18.1", "18.2", False),
        ("17", "19.1", "19.1", False),
        ("18.2", "18.2", "18.1", True),
        ("18", "18.3", "17.9", True),
    ],
)
def test_versions(wanted: str, offered: str, running: str, changed: bool) -> None:
    """A major is met by any of its minors, and whatever is newer stays, since RDS never goes back."""
    target = replace(TARGET, engine_version=wanted)
    plan = planned(target, existing(EngineVersion=running), offered=offer(target, offered))
    assert changed is ("EngineVersion" in settings_changed(plan))


def test_a_major_upgrade_has_to_be_allowed() -> None:
    """RDS wants it said; it is known as one, since its pre-checks come first. For a minor upgrade it need not be."""
    for running, major in (("17.9", True), ("18.0", False)):
        plan = planned(replace(TARGET, engine_version="18.1"), existing(EngineVersion=running))
        [call] = calls_of(plan)
        assert (major, major) == (bool(major_version(plan)), "AllowMajorVersionUpgrade" in call.parameters)


@pytest.mark.parametrize(
    ("item", "fact"),
    [
        ({"DBName": "other"}, "03_load_schema_and_seed"),
        ({"MasterUsername": "root"}, "set master_username"),
        ({"StorageEncrypted": False}, "not encrypted, for good"),
        ({"EngineVersion": "19.1"}, "newer than wanted"),
        ({"PendingModifiedValues": {"CACertificateIdentifier": "rds-ca-2030"}}, "not made yet: CACertificateIdentifier"),
    ],
)
def test_what_cannot_be_changed_in_place(item: dict[str, Any], fact: str) -> None:
    """It is said, with the way out, and no call is planned for it."""
    plan = planned(TARGET, existing(**item))
    assert () == plan.mutating
    assert any(fact in line for line in plan.facts)


def test_a_full_storage_is_enlarged_before_all_else() -> None:
    """RDS has shut the server down: whatever would leave it so is refused, with the way out."""
    full = existing(DBInstanceStatus="storage-full")
    for wanted in (TARGET, replace(TARGET, db_instance_class="db.t4g.small")):
        with pytest.raises(InstanceNotReady, match="is storage-full: RDS has shut the server down: set allocated_storage higher"):
            planned(wanted, full)
    [call] = calls_of(planned(replace(TARGET, allocated_storage=40), full))
    assert (40, True) == (call.parameters["AllocatedStorage"], call.parameters["ApplyImmediately"])


def test_a_zone_that_was_chosen_otherwise() -> None:
    """An instance does not move to another zone."""
    plan = planned(replace(TARGET, availability_zone="ca-central-1b"), existing())
    assert "it is in ca-central-1a, for good: set availability_zone to that" in plan.facts


def test_accepted_changes_are_not_asked_for_again() -> None:
    """What waits in PendingModifiedValues counts as found; the plan says until when it is pending."""
    target = replace(TARGET, port=5433, backup_retention_period=14)
    pending = {"Port": 5433, "BackupRetentionPeriod": 14}
    found = existing(PendingModifiedValues=pending, PreferredMaintenanceWindow="sun:03:00-sun:03:30")
    plan = planned(target, found)
    assert ((), ("BackupRetentionPeriod, Port until sun:03:00-sun:03:30",)) == (plan.mutating, plan.pending)


def test_another_engine_is_refused() -> None:
    """The identifier belongs to something else."""
    with pytest.raises(WrongInput, match="mysql instance: set another db_instance_identifier"):
        planned(TARGET, existing(Engine="mysql"))


@pytest.mark.parametrize("status", ["creating", "backing-up", "modifying", "rebooting", "upgrading", "stopping"])
def test_passing_states(status: str) -> None:
    """Nothing can be changed just now, whatever differs: wait."""
    plan = planned(replace(TARGET, backup_retention_period=1), existing(DBInstanceStatus=status))
    assert [(Action.NONE, f"{status}: wait until it is available")] == [(change.action, change.note) for change in plan.changes]


TARGETS = st.builds(
    lambda **changes: replace(TARGET, **changes),
    db_instance_class=st.sampled_from(["db.t4g.micro", "db.m7g.large"]),
    storage_type=st.sampled_from(["gp2", "gp3"]),
    allocated_storage=st.integers(20, 200),
    max_allocated_storage=st.integers(0, 300),
    port=st.integers(1150, 65535),
    publicly_accessible=st.booleans(),
    backup_retention_period=st.integers(0, 35),
    deletion_protection=st.booleans(),
    performance_insights=st.booleans(),
    performance_insights_retention_period=st.sampled_from([7, 31, 731]),
    instance_days=st.integers(0, 30),
    availability_zone=st.sampled_from(["", "ca-central-1a"]),
    multi_az=st.booleans(),
    iam_database_authentication=st.booleans(),
    monitoring_interval=st.sampled_from([0, 60]),
    monitoring_role_arn=st.just("arn:aws:iam::000000000000:role/monitoring"),
    db_parameter_group_name=st.sampled_from(["", "ours18"]),
    preferred_backup_window=st.sampled_from(["", "04:00-04:30"]),
    preferred_maintenance_window=st.sampled_from(["", "mon:04:00-mon:04:30"]),
    log_exports=st.sampled_from(["", "postgresql", "postgresql, upgrade"]),
    extra_tags=st.sampled_from(["", "Team=payments, Cost centre=42"]),
    sources=st.sampled_from([{}, TARGET.sources]),
)


@given(TARGETS)
def test_planning_after_creation_changes_nothing(target: Target) -> None:
    """Whatever was wanted, the instance that RDS makes of it is as wanted."""
    assert () == planned(target, existing(target)).mutating


@given(TARGETS)
def test_nothing_is_planned_for_what_nobody_asked_for(target: Target) -> None:
    """Whatever instance there is, a section that only names it changes no setting of it."""
    plan = planned(BARE, existing(target), major=False)
    assert set() == {change.setting for change in plan.mutating if not change.setting.startswith("tag ")}


@given(TARGETS, TARGETS)
def test_planning_after_modification_changes_nothing(before: Target, after: Target) -> None:
    """From any wanted state to any other, one application is enough."""
    found = existing(before)
    plan = planned(after, found)
    assert () == planned(after, instance_after(found, plan)).mutating
    assert len([call for call in calls_of(plan) if call.operation == "modify_db_instance"]) <= 1


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        ("stopped", "cruddur-ops rds start"),
        ("storage-full", "cruddur-ops rds modify --at-once"),
        ("deleting", "wait until it is gone"),
        ("failed", "aws rds describe-events"),
        ("incompatible-network", "aws rds describe-events"),
        ("incompatible-parameters", "aws rds describe-events"),
        ("inaccessible-encryption-credentials-recoverable", "aws rds describe-events"),
    ],
)
def test_states_that_need_help(status: str, remedy: str) -> None:
    """Nothing is planned for them, and each has its remedy."""
    with pytest.raises(InstanceNotReady, match=remedy):
        planned(TARGET, existing(DBInstanceStatus=status))


def test_an_instance_shows_what_does_not_differ_from_run_to_run() -> None:
    """So that a notebook's committed output is stable."""
    assert "cruddur-db-instance: available" == repr(described(created_instance(calls_of(planned(TARGET, None))[0].parameters)))


@pytest.fixture
def statuses(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The statuses that RDS will answer with, one a look, the last again and again; no time passes meanwhile."""
    answers: list[str | None] = []
    clock = [0.0]

    def describe(_: Target) -> Instance | None:
        status = answers.pop(0) if len(answers) > 1 else answers[0]
        if status == "lost":
            raise AwsUnreachable("no answer")
        return Instance("cruddur-db-instance", status) if status else None

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    monkeypatch.setattr(instances, "describe", describe)
    monkeypatch.setattr(instances, "describe_all", lambda _: {})
    monkeypatch.setattr("time.sleep", sleep)
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    return answers


def test_waiting_until_it_is_available(statuses: list[str | None]) -> None:
    """It looks again until the status is reached, through all that come before."""
    statuses += ["creating", "backing-up", "available"]
    assert "available" == rds.wait(TARGET).status
    assert ["available"] == statuses


def test_a_wait_outlives_lost_answers(statuses: list[str | None]) -> None:
    """From the first look to the last but one; where none comes until the deadline, that is what is said."""
    statuses += ["lost", "creating", "lost", "lost", "available"]
    assert "available" == rds.wait(TARGET).status
    statuses[:] = ["creating", "lost"]
    with pytest.raises(AwsUnreachable):
        rds.wait(TARGET, timeout=60)


@pytest.mark.parametrize(("status", "found"), [("available", "storage-optimization"), ("stopped", "stopped")])
def test_waiting_for_what_will_do(statuses: list[str | None], status: str, found: str) -> None:
    """Storage is optimized for hours, in which the server answers."""
    statuses += ["modifying", found]
    assert found == rds.wait(TARGET, status).status


@pytest.mark.parametrize("status", ["failed", "incompatible-parameters", "deleting", "stopped", "storage-full", None])
def test_waiting_ends_where_there_is_no_hope(statuses: list[str | None], status: str | None) -> None:
    """Broken, stopped or gone: the error comes at once, with its remedy."""
    statuses += ["creating", status]
    with pytest.raises(InstanceNotReady):
        rds.wait(TARGET)


def test_what_rds_tells_late(statuses: list[str | None]) -> None:
    """After a start it may still say stopped, after a deletion available; for a while, not for ever."""
    statuses += ["stopped", "stopped", "starting", "available"]
    assert "available" == rds.wait(TARGET, before="stopped").status
    statuses[:] = ["available", "deleting", None]
    waiting.wait_until_gone(TARGET)
    for stuck in (partial(rds.wait, TARGET, before="stopped"), partial(waiting.wait_until_gone, TARGET)):
        statuses[:] = ["stopped"]
        with pytest.raises(InstanceNotReady, match="stopped"):
            stuck()


def test_waiting_for_what_is_never_pending(monkeypatch: pytest.MonkeyPatch) -> None:
    """Public access and security groups stand in no PendingModifiedValues: an instance without them is waited for."""
    found = described(existing(DBInstanceStatus="available", PubliclyAccessible=True))
    moving = described({**found.raw, "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-0aaa", "Status": "adding"}]})
    answers = [replace(found, publicly_accessible=False), moving, found]
    monkeypatch.setattr(instances, "describe", lambda _: answers.pop(0))
    monkeypatch.setattr("time.sleep", lambda _: None)
    assert rds.wait(
        TARGET, settled=True, lacks=lambda one: "" if one.publicly_accessible else "public access"
    ).publicly_accessible
    assert [] == answers


def test_waiting_ends_where_rds_has_given_up(statuses: list[str | None]) -> None:
    """An upgrade whose pre-checks failed leaves an instance at rest, with nothing pending: minutes later it is said, no hour."""
    statuses += ["modifying", "upgrading", "available"]
    with pytest.raises(InstanceNotReady, match="has not made .* what was asked for .EngineVersion to come.*describe-events"):
        rds.wait(TARGET, settled=True, lacks=lambda _: "EngineVersion to come")
    assert waiting.LATE_SECONDS < time.monotonic() < 2 * waiting.LATE_SECONDS


def test_waiting_ends_with_the_time(statuses: list[str | None]) -> None:
    """The message says in what state it is, and how to see why."""
    statuses += ["creating"]
    with pytest.raises(InstanceNotReady, match="is creating after 60 s, not available.*describe-events"):
        rds.wait(TARGET, timeout=60)


def test_pauses_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Quick looks first, longer pauses by and by."""
    monkeypatch.setattr(progress, "FIRST_PAUSE_SECONDS", 0.2)
    monkeypatch.setattr(progress, "LONGEST_PAUSE_SECONDS", 5.0)
    pauses = progress.pauses()
    seconds = [next(pauses) for _ in range(30)]
    assert (0.2, 5.0) == (seconds[0], seconds[-1])
    assert sorted(seconds) == seconds
