"""The DB instance through the package, on a real sandbox."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from cruddur_ops import aws, rds
from cruddur_ops.errors import ConfirmationRequired, InstanceNotReady, NotOffered, WrongInput
from cruddur_ops.network import groups
from cruddur_ops.plan import Action, Outcome
from cruddur_ops.rds import Instance, instances, offers
from cruddur_ops.targets import Target


def provision(target: Target) -> Instance:
    """The target's instance, made as the notebook makes it."""
    groups.plan_group(target).apply()
    rds.plan_instance(target).apply()
    return rds.wait(target, timeout=60)


def settings_changed(target: Target) -> list[str]:
    """The settings that the plan would modify."""
    return sorted(change.setting for change in rds.plan_instance(target).mutating)


def test_the_steps_to_an_instance(target: Target) -> None:
    """The plan can be shown before anything exists; then the group, then the instance, and then nothing."""
    shown = groups.plan_group(target) + rds.plan_instance(target)
    assert Outcome(created=2) == shown.outcome
    assert Outcome(created=1) == groups.plan_group(target).apply()
    assert Outcome(created=1) == rds.plan_instance(target).apply()
    assert Outcome(unchanged=1) == rds.plan_instance(target).apply()
    found = rds.wait(target, timeout=60)
    assert ("cruddur-db-instance: available", target.port) == (repr(found), found.port)
    assert Outcome(unchanged=2) == (groups.plan_group(target) + rds.plan_instance(target)).outcome


def test_what_was_asked_for_is_described(target: Target) -> None:
    """The instance is in the runbook's group, with a managed password and its tags."""
    found = provision(target)
    group = groups.describe(target)
    assert group is not None
    assert (group.id,) == found.security_group_ids
    assert group.vpc_id == found.vpc_id
    assert found.secret_arn.startswith("arn:aws:secretsmanager:ca-central-1:")
    assert {"Owner": target.owner, "Project": "cruddur", "ManagedBy": "cruddur-ops"} == found.tags
    assert "open-source-rds-extended-support-disabled" == found.raw["EngineLifecycleSupport"]
    assert ["postgresql"] == found.raw["EnabledCloudwatchLogsExports"]


def test_differences_converge(target: Target) -> None:
    """Several settings are changed by one application, and the next plan is empty."""
    provision(target)
    changed = dataclasses.replace(
        target,
        db_instance_class="db.t4g.small",
        allocated_storage=30,
        backup_retention_period=14,
        deletion_protection=True,
        performance_insights_retention_period=31,
    )
    expected = [
        "AllocatedStorage",
        "BackupRetentionPeriod",
        "DBInstanceClass",
        "DeletionProtection",
        "PerformanceInsightsRetentionPeriod",
    ]
    assert expected == settings_changed(changed)
    assert Outcome(changed=1) == rds.plan_instance(changed).apply()
    rds.wait(changed, timeout=60)
    assert [] == settings_changed(changed)


def test_a_change_by_hand_is_found(target: Target) -> None:
    """Whatever another tool changed is a difference; and the command that error messages name exists."""
    found = provision(target)
    aws.client(target, "rds").modify_db_instance(
        DBInstanceIdentifier=target.db_instance_identifier, CopyTagsToSnapshot=False, ApplyImmediately=True
    )
    rds.wait(target, timeout=60)
    assert ["CopyTagsToSnapshot"] == settings_changed(target)
    assert "describe-events --source-type db-instance" in instances.log_command(found.identifier)
    events = aws.client(target, "rds").describe_events(SourceType="db-instance", SourceIdentifier=found.identifier)
    assert "Events" in events


def test_a_stopped_instance(target: Target) -> None:
    """The wait for it works, and the plan says how to start it."""
    provision(target)
    aws.client(target, "rds").stop_db_instance(DBInstanceIdentifier=target.db_instance_identifier)
    assert "stopped" == rds.wait(target, "stopped", timeout=60).status
    with pytest.raises(InstanceNotReady, match="cruddur-ops rds start"):
        rds.plan_instance(target)
    with pytest.raises(InstanceNotReady, match="cruddur-ops rds start"):
        rds.wait(target)


def test_a_protected_target_is_confirmed(target: Target) -> None:
    """Without its identifier nothing is created."""
    protected = dataclasses.replace(target, protected=True)
    plan = groups.plan_group(protected)
    with pytest.raises(ConfirmationRequired):
        rds.apply(plan, protected)
    assert groups.describe(protected) is None
    assert Outcome(created=1) == rds.apply(plan, protected, confirm="cruddur-db-instance")


def test_waiting_for_what_is_not_there(target: Target) -> None:
    """The remedy is the notebook that makes it."""
    with pytest.raises(InstanceNotReady, match="run 01_provision_rds"):
        rds.wait(target)


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
def test_what_is_not_offered(target: Target, setting: str, value: Any, near: str) -> None:
    """It is told before anything is created, with what is nearest."""
    with pytest.raises(NotOffered, match=near):
        rds.plan_instance(dataclasses.replace(target, **{setting: value}))


def test_a_region_without_the_class(target: Target) -> None:
    """What one region has another may lack."""
    elsewhere = dataclasses.replace(target, region="af-south-1", db_instance_class="db.m7g.large")
    with pytest.raises(NotOffered, match=r"no db\.m7g\.large for PostgreSQL 18\S* in af-south-1"):
        rds.plan_instance(elsewhere)


@pytest.mark.parametrize(
    ("setting", "value"),
    [("db_instance_identifier", "wrong--name"), ("db_name", "cruddur-db"), ("master_username", "rdsadmin"), ("port", 80)],
)
def test_what_rds_refuses(target: Target, setting: str, value: Any) -> None:
    """RDS's own words, and where the setting is to be corrected."""
    wrong = dataclasses.replace(target, **{setting: value})
    groups.plan_group(wrong).apply()
    with pytest.raises(WrongInput, match="AWS refuses create_db_instance .*cruddur-ops targets"):
        rds.plan_instance(wrong).apply()


def test_the_offer(target: Target) -> None:
    """Version, zones, support and cost are asked of the sandbox as of AWS."""
    offer = offers.find(target)
    assert "18" == offers.major(offer.version)
    assert "ca-central-1a" in offer.zones
    assert offer.end_of_standard_support is not None
    assert {"instance", "storage", "public IPv4"} == set(offer.monthly_cost.parts)


def test_an_older_instance_is_upgraded_only_when_asked(target: Target) -> None:
    """A version that is no longer offered may go on running; a newer major is a difference."""
    older = dataclasses.replace(target, engine_version="17")
    provision(older)
    assert [] == settings_changed(older)
    [change, *_] = rds.plan_instance(target).mutating
    assert (Action.MODIFY, "EngineVersion") == (change.action, change.setting)
