"""The DB instance through the package, on a real sandbox; the tests share an instance and leave it as wanted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cruddur_ops import aws, network, rds, tags, targets
from cruddur_ops.change import Action, Outcome
from cruddur_ops.cli import main
from cruddur_ops.database.location import locate
from cruddur_ops.errors import ConfirmationRequired, InstanceNotReady, NotOffered, WrongInput
from cruddur_ops.network import groups
from cruddur_ops.plan import Plan
from cruddur_ops.rds import instances, offers, settings
from cruddur_ops.target import Target
from tests.sandbox.support import PASSWORD, make_client, wait_for, wanted
from tests.unit.headless import until


@pytest.fixture(scope="module")
def shown(module_target: Target) -> Plan:
    """What is to be made of an empty sandbox, as it is shown before anything is there; and then made."""
    plan = rds.plan_both(module_target)
    assert plan.outcome == plan.apply()
    return plan


@pytest.fixture
def target(module_target: Target, shown: Plan) -> Target:
    """The target with its instance."""
    return module_target


@pytest.fixture
def other(target: Target) -> Target:
    """The same, for an instance that is not there."""
    return replace(target, db_instance_identifier="other")


def settings_changed(target: Target) -> list[str]:
    """The settings that the plan would modify."""
    return sorted(change.setting for change in rds.plan_instance(target).mutating)


def test_the_steps_to_an_instance(target: Target, shown: Plan) -> None:
    """The plan is shown before anything exists; the group is made, then the instance, which is waited for; and then nothing."""
    assert Outcome(created=2) == shown.outcome
    assert "cruddur-db-instance: available" == repr(rds.describe(target))
    names = ("security group cruddur-db-instance-access", "DB instance cruddur-db-instance")
    assert "\n".join(f"verified: {name} is as wanted" for name in names) == repr(shown.verify())
    assert Outcome(unchanged=2) == rds.plan_both(target).outcome == rds.plan_both(target).apply()


def test_what_was_asked_for_is_described(target: Target) -> None:
    """The instance is in the runbook's group, with a managed password and its tags."""
    found, group = instances.require(target), groups.describe(target)
    assert group is not None
    assert (target.port, (group.id,), group.vpc_id) == (found.port, found.security_group_ids, found.vpc_id)
    assert found.secret_arn.startswith("arn:aws:secretsmanager:ca-central-1:")
    assert tags.of(target) == found.tags == {
        "Owner": target.owner, "Project": "cruddur", "ManagedBy": "cruddur-ops", "DBInstance": "cruddur-db-instance"
    }  # fmt: skip
    assert "open-source-rds-extended-support-disabled" == found.raw["EngineLifecycleSupport"]
    assert ["postgresql"] == found.raw["EnabledCloudwatchLogsExports"]


def test_differences_converge(target: Target) -> None:
    """Several settings are changed by one application, which waits until they are made; and the next plan is empty."""
    changed = target.asking(
        "parameter",
        db_instance_class="db.t4g.small",
        backup_retention_period=14,
        deletion_protection=True,
        performance_insights_retention_period=31,
    )
    expected = ["BackupRetentionPeriod", "DBInstanceClass", "DeletionProtection", "PerformanceInsightsRetentionPeriod"]
    assert expected == settings_changed(changed)
    plan = rds.plan_instance(changed)
    assert Outcome(changed=1) == plan.apply()
    assert ({}, "db.t4g.small") == ((found := instances.require(target)).pending, found.db_instance_class)
    assert "verified: DB instance cruddur-db-instance is as wanted" == repr(plan.verify())
    assert [] == settings_changed(target)
    rds.plan_instance(target.asking("parameter", **{name: getattr(target, name) for name in settings.FOLLOWED})).apply()


def test_a_change_by_hand_is_found(target: Target) -> None:
    """What another tool changed is a difference, if somebody asked for it; and the command that error messages name exists."""
    client, identifier = aws.client(target, "rds"), target.db_instance_identifier
    client.modify_db_instance(DBInstanceIdentifier=identifier, CopyTagsToSnapshot=False, ApplyImmediately=True)
    asking = target.asking("parameter", copy_tags_to_snapshot=True)
    until(lambda: [[], ["CopyTagsToSnapshot"]] == [settings_changed(target), settings_changed(asking)])
    rds.wait(target, timeout=60)
    rds.plan_instance(asking).apply()
    assert "describe-events --source-type db-instance" in instances.log_command(identifier)
    assert "Events" in client.describe_events(SourceType="db-instance", SourceIdentifier=identifier)


def test_a_protected_target_is_confirmed(other: Target) -> None:
    """Without its identifier nothing is created."""
    protected = replace(other, protected=True)
    with pytest.raises(ConfirmationRequired):
        rds.plan_group(protected).apply()
    assert groups.describe(protected) is None
    assert Outcome(created=1) == rds.plan_group(replace(protected, confirm="other")).apply()


def test_waiting_for_what_is_not_there(other: Target) -> None:
    """The remedy is the notebook that makes it."""
    with pytest.raises(InstanceNotReady, match="run 01_provision_rds"):
        rds.wait(other)


@pytest.mark.parametrize(
    ("setting", "value", "near"),
    [
        ("engine_version", "14.6", r"14\.\d+"),
        ("engine_version", "99", "17, 18"),
        ("db_instance_class", "db.t4g.mikro", "db.t4g.micro"),
        ("db_instance_class", "db.t2.micro", "db.t3.micro"),
        ("storage_type", "gp4", "gp3"),
        ("allocated_storage", 10, "20 to"),
        ("availability_zone", "ca-central-1c", "ca-central-1a"),
    ],
)
def test_what_is_not_offered(other: Target, setting: str, value: Any, near: str) -> None:
    """It is told before anything is created, with what is nearest."""
    with pytest.raises(NotOffered, match=near):
        rds.plan_instance(replace(other, **{setting: value}))


def test_a_region_without_the_class(other: Target) -> None:
    """What one region has another may lack."""
    elsewhere = replace(other, region="af-south-1", db_instance_class="db.m7g.large")
    with pytest.raises(NotOffered, match=r"no db\.m7g\.large for PostgreSQL 18\S* in af-south-1"):
        rds.plan_instance(elsewhere)


@pytest.mark.parametrize(
    ("setting", "value", "remedy"),
    [
        ("db_parameter_group_name", "nowhere", "there is no db_parameter_group_name .* correct it, or make that first"),
        ("db_subnet_group_name", "nowhere", "there is no db_subnet_group_name"),
        ("ca_certificate_identifier", "rds-ca-1999", "there is no ca_certificate_identifier"),
        ("kms_key_id", "alias/nowhere", "there is no kms_key_id"),
        ("master_user_secret", "nowhere", "there is no master_user_secret"),
        ("monitoring_interval", 60, "set monitoring_role_arn, or monitoring_interval = 0"),
        ("iops", 4000, "iops cannot be chosen for 20 GiB of gp3, .*: take it out"),
    ],
)
def test_what_rds_would_refuse_once_all_else_is_made(other: Target, setting: str, value: Any, remedy: str) -> None:
    """It is told by the plan, with which 01 begins."""
    with pytest.raises(WrongInput, match=remedy):
        rds.plan_instance(other.asking("targets.toml", **{setting: value}))


@pytest.mark.parametrize(
    ("setting", "value"),
    [("db_instance_identifier", "wrong--name"), ("db_name", "cruddur-db"), ("master_username", "rdsadmin"), ("port", 80)],
)
def test_what_rds_refuses(other: Target, setting: str, value: Any) -> None:
    """RDS's own words, and where the setting is to be corrected."""
    wrong = replace(other, **{setting: value})
    with pytest.raises(WrongInput, match="AWS refuses create_db_instance .*cruddur-ops targets"):
        rds.plan_both(wrong).apply()


def test_the_offer(target: Target) -> None:
    """Version, zones, support and cost are asked of the sandbox as of AWS."""
    offer = offers.find(target)
    assert "18" == offers.major(offer.version)
    assert "ca-central-1a" in offer.zones
    assert offer.end_of_standard_support is not None
    assert {"instance", "storage", "public IPv4"} == set(offer.monthly_cost.parts)


def test_an_older_instance_is_upgraded_only_when_asked(other: Target) -> None:
    """A version that is no longer offered may go on running; a newer major is a difference."""
    older = replace(other, engine_version="17")
    rds.plan_both(older).apply()
    assert [] == settings_changed(older)
    newer = other.asking("parameter", engine_version="18")
    assert [[], []] == [settings_changed(other), settings_changed(newer)]
    [change, *_] = rds.plan_instance(newer, major=True).mutating
    assert (Action.MODIFY, "EngineVersion") == (change.action, change.setting)


def test_an_instance_of_others_is_adopted(
    target: Target, sandbox: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One made by a command of 2023: 01 plans nothing but tags for it, 02 opens its port, and teardown closes that."""
    monkeypatch.setenv("CRUDDUR_TARGETS", str(tmp_path / "targets.toml"))
    (tmp_path / "targets.toml").write_text("")
    client = make_client(sandbox, "rds")
    changes = {"EngineVersion": "17", "StorageType": "gp2", "Port": 5440, "DBInstanceClass": "db.t3.micro"}
    client.create_db_instance(**wanted("legacy", **changes, StorageEncrypted=True))
    wait_for(client, "legacy", "available")
    adopted = CliRunner().invoke(main, ["targets", "adopt", "legacy", "--target", "old", "--sandbox"])
    assert (0, True) == (adopted.exit_code, "port = 5440\n" in adopted.stdout), adopted.output
    old = targets.load("old")
    plan = rds.plan_both(old)
    assert {"tag Owner", "tag Project", "tag ManagedBy", "tag DBInstance"} == {change.setting for change in plan.mutating}
    assert "tcp 5440 from " in str(network.plan_access(old).changes[-1])
    plan.apply()
    assert "17" == offers.major(instances.require(old).engine_version)
    network.plan_access(replace(old, confirm="legacy")).apply()
    [rule] = network.rules.rules_of(old, network.rules.made_for(old))
    assert f"security-group rule {rule.id}" in {change.resource for change in rds.plan_teardown(old, "none").mutating}


@pytest.mark.parametrize("marks", [{"ManagedBy": "terraform"}, {"ManagedBy": "cruddur-ops", "DBInstance": "theirs"}])
def test_an_instance_that_is_marked_as_anothers_is_left_alone(
    target: Target, sandbox: Mapping[str, str], marks: dict[str, str]
) -> None:
    """Of whoever it says by its tags; a project of its own is kept."""
    client, found = make_client(sandbox, "rds"), instances.require(target)
    before = [{"Key": key, "Value": found.tags[key]} for key in ("ManagedBy", "DBInstance", "Project")]
    client.add_tags_to_resource(ResourceName=found.arn, Tags=tags.as_list(marks))
    try:
        with pytest.raises(WrongInput, match="is somebody else's, by its tags .*, and is left alone: set another"):
            rds.plan_instance(target)
        client.add_tags_to_resource(ResourceName=found.arn, Tags=[*before[:2], {"Key": "Project", "Value": "billing"}])
        assert () == rds.plan_instance(target).mutating
    finally:
        client.add_tags_to_resource(ResourceName=found.arn, Tags=before)


def test_an_instance_in_a_network_of_its_own(target: Target, sandbox: Mapping[str, str]) -> None:
    """With a standby, in the VPC of its subnet group, its password from a secret; all of it as asked for, and then kept."""
    ec2, client = make_client(sandbox, "ec2"), make_client(sandbox, "rds")
    vpc = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    zones = {f"10.7.{number}.0/24": f"ca-central-1{letter}" for number, letter in enumerate("ab")}
    subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=block, AvailabilityZone=zone) for block, zone in zones.items()]
    ids = [one["Subnet"]["SubnetId"] for one in subnets]
    client.create_db_subnet_group(DBSubnetGroupName="private", DBSubnetGroupDescription="test", SubnetIds=ids)
    text = json.dumps({"username": "cruddurroot", "password": PASSWORD})
    make_client(sandbox, "secretsmanager").create_secret(Name="own/root", SecretString=text)
    private = target.asking(
        "targets.toml",
        db_instance_identifier="private",
        db_subnet_group_name="private",
        publicly_accessible=False,
        multi_az=True,
        iam_database_authentication=True,
        preferred_backup_window="05:00-05:30",
        preferred_maintenance_window="mon:06:00-mon:06:30",
        master_user_secret="own/root",
        extra_tags="Team=payments",
    )
    plan = rds.plan_both(private)
    plan.apply()
    assert "verified: DB instance private is as wanted" in repr(plan.verify())
    found = instances.require(private)
    assert (vpc, "private", "", "payments") == (found.vpc_id, found.subnet_group, found.secret_arn, found.tags["Team"])
    assert [True, True] == [found.raw[name] for name in ("MultiAZ", "IAMDatabaseAuthenticationEnabled")]
    assert PASSWORD == locate(private).password
    assert "none is needed: not publicly accessible" in str(network.plan_access(private))


@pytest.mark.parametrize(
    ("before", "after", "made"),
    [
        (("io1", 400, 4000), {"storage_type": "gp3"}, ("gp3", 400, 12000)),
        pytest.param(("io1", 400, 12000), {"storage_type": "gp3"}, ("gp3", 400, 12000), marks=pytest.mark.thorough),
        pytest.param(("io1", 400, 4000), {"storage_type": "gp3", "iops": 13000}, ("gp3", 400, 13000), marks=pytest.mark.thorough),
        pytest.param(("io1", 100, 3000), {"storage_type": "gp3"}, ("gp3", 100, 3000), marks=pytest.mark.thorough),
        (("io1", 100, 3000), {"storage_type": "gp2", "allocated_storage": 200}, ("gp2", 200, None)),
        pytest.param(("io1", 100, 3000), {"storage_type": "io2"}, ("io2", 100, 3000), marks=pytest.mark.thorough),
        pytest.param(("gp2", 400, 0), {"storage_type": "gp3"}, ("gp3", 400, 12000), marks=pytest.mark.thorough),
        pytest.param(("gp3", 500, 12000), {"allocated_storage": 600}, ("gp3", 600, 12000), marks=pytest.mark.thorough),
    ],
)
def test_another_storage(target: Target, before: tuple[str, int, int], after: dict[str, Any], made: tuple[str, int, int]) -> None:
    """IOPS go along with size and type where RDS wants that, and not where the new type has none to choose."""
    kind, size, iops = before
    named = replace(target, db_instance_identifier=f"{'-'.join(map(str, before))}-{'-'.join(map(str, after.values()))}")
    there = replace(named, storage_type=kind, allocated_storage=size, iops=iops, max_allocated_storage=0)
    rds.plan_both(there).apply()

    changing = there.asking("parameter", **after)
    rds.plan_instance(changing).apply()

    found = instances.require(there).raw
    assert made == (found["StorageType"], found["AllocatedStorage"], found.get("Iops"))
    assert [] == settings_changed(changing)
