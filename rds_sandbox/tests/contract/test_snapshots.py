"""Snapshots and their restores, held to what AWS documents, through boto3 and psycopg."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import psycopg
import pytest

from tests.instance import OPERATOR, create, messages, refused, run, statuses
from tests.support import Client, connect, from_address, make_client, make_group, tcp, wait_for

TAGS = [{"Key": "Owner", "Value": "somebody"}]


@pytest.fixture(scope="module")
def instance(sandbox: Mapping[str, str], rds: Client, group: str) -> dict[str, Any]:
    """An instance with backups, and with one row in it."""
    made = create(rds, "source", group, BackupRetentionPeriod=1, CopyTagsToSnapshot=True, Tags=TAGS)
    run(sandbox, made, "CREATE TABLE kept AS SELECT 'first' AS value")
    return made


@pytest.fixture(scope="module")
def snapshot(sandbox: Mapping[str, str], rds: Client, instance: dict[str, Any]) -> dict[str, Any]:
    """A snapshot with the first row, of an instance that has a second one by now."""
    made = take(rds, "first-row")
    run(sandbox, instance, "INSERT INTO kept VALUES ('second')")
    return made


def take(rds: Client, name: str, source: str = "source", **more: Any) -> dict[str, Any]:
    """A snapshot, once it is available."""
    rds.create_db_snapshot(DBInstanceIdentifier=source, DBSnapshotIdentifier=name, **more)
    return available(rds, name)


def available(rds: Client, name: str) -> dict[str, Any]:
    """The snapshot, once it is available."""
    waiter = rds.get_waiter("db_snapshot_available")
    waiter.wait(DBSnapshotIdentifier=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 600})
    found: dict[str, Any] = rds.describe_db_snapshots(DBSnapshotIdentifier=name)["DBSnapshots"][0]
    return found


def restore(rds: Client, identifier: str, name: str = "first-row", **more: Any) -> dict[str, Any]:
    """An instance from a snapshot, once it is available."""
    rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier=identifier, DBSnapshotIdentifier=name, **more)
    return wait_for(rds, identifier, "available")


def names(rds: Client, kind: str) -> list[str]:
    """The names of the snapshots of this kind."""
    return [found["DBSnapshotIdentifier"] for found in rds.describe_db_snapshots(SnapshotType=kind)["DBSnapshots"]]


@pytest.mark.usefixtures("slow")
def test_a_snapshot_is_made_while_its_status_says_so(rds: Client, instance: dict[str, Any]) -> None:
    """creating, with a progress, while the instance is backing up; then available, with what AWS shows of it."""
    name = "described"
    with statuses(rds, "source", "available") as seen:
        made = rds.create_db_snapshot(DBInstanceIdentifier="source", DBSnapshotIdentifier=name)["DBSnapshot"]
    found = available(rds, name)

    assert ("creating", "available") == (made["Status"], found["Status"])
    assert 0 <= made["PercentProgress"] <= 99 < found["PercentProgress"]
    assert ["backing-up", "available"] == seen
    assert (
        "manual",
        20,
        "gp3",
        "master",
    ) == tuple(found[key] for key in ("SnapshotType", "AllocatedStorage", "StorageType", "MasterUsername"))
    assert (instance["DbiResourceId"], TAGS) == (found["DbiResourceId"], found["TagList"])
    assert ["Creating manual snapshot", "Manual snapshot created"] == messages(rds, name, "db-snapshot")


def test_what_a_snapshot_is_refused_for(rds: Client, snapshot: dict[str, Any]) -> None:
    """A name that is taken, an instance that is not there, a name that is none."""
    request = {"DBInstanceIdentifier": "source", "DBSnapshotIdentifier": "first-row"}
    assert "DBSnapshotAlreadyExists" == refused(rds.create_db_snapshot, **request)
    assert "DBInstanceNotFound" == refused(rds.create_db_snapshot, **{**request, "DBInstanceIdentifier": "nobody"})
    assert "InvalidParameterValue" == refused(rds.create_db_snapshot, **{**request, "DBSnapshotIdentifier": "a--b"})
    assert "DBSnapshotNotFound" == refused(rds.describe_db_snapshots, DBSnapshotIdentifier="nothing")
    assert "DBSnapshotNotFound" == refused(rds.delete_db_snapshot, DBSnapshotIdentifier="nothing")
    assert "InvalidParameterValue" == refused(rds.describe_db_snapshots, SnapshotType="every")
    assert [snapshot] == rds.describe_db_snapshots(DBSnapshotIdentifier=snapshot["DBSnapshotArn"])["DBSnapshots"]
    copy = {"SourceDBSnapshotIdentifier": "first-row", "TargetDBSnapshotIdentifier": "refused"}
    for code, change in (
        ("KMSKeyNotAccessibleFault", {"KmsKeyId": "alias/nowhere"}),
        ("OptionGroupNotFoundFault", {"OptionGroupName": "nowhere"}),
        ("NotInSandbox", {"SnapshotAvailabilityZone": "elsewhere"}),
        ("DBSnapshotNotFound", {"SourceDBSnapshotIdentifier": snapshot["DBSnapshotArn"].replace("ca-central-1", "eu-west-1")}),
    ):
        assert code == refused(rds.copy_db_snapshot, **{**copy, **change}), change


def test_a_restore_serves_the_data_of_the_snapshot(
    sandbox: Mapping[str, str], rds: Client, ec2: Client, instance: dict[str, Any], snapshot: dict[str, Any]
) -> None:
    """A new instance with its own endpoint has the first row, and the source has both."""
    other = make_group(ec2, "other-port", tcp(5433, **from_address(OPERATOR)))
    restored = restore(rds, "restored", VpcSecurityGroupIds=[other], DeletionProtection=True, Port=5433)

    assert [("first",)] == run(sandbox, restored, "SELECT value FROM kept")
    assert [("first",), ("second",)] == run(sandbox, instance, "SELECT value FROM kept")
    assert restored["Endpoint"]["Address"] != instance["Endpoint"]["Address"]
    assert (5433, True, "app", "master") == (
        restored["Endpoint"]["Port"],
        restored["DeletionProtection"],
        restored["DBName"],
        restored["MasterUsername"],
    )
    assert instance["DbiResourceId"] != restored["DbiResourceId"]
    assert "Restored from snapshot first-row" in messages(rds, "restored")
    assert "InvalidParameterCombination" == refused(
        rds.delete_db_instance, DBInstanceIdentifier="restored", SkipFinalSnapshot=True
    )


def test_groups_of_a_restore_are_those_of_the_call(sandbox: Mapping[str, str], rds: Client, snapshot: dict[str, Any]) -> None:
    """Without groups it gets the default ones, which admit nobody."""
    rds.create_db_parameter_group(DBParameterGroupName="own", DBParameterGroupFamily="postgres18", Description="own")
    other: dict[str, Any] = {"DBParameterGroupName": "own", "DBInstanceClass": "db.t4g.small", "StorageType": "gp2", "Iops": 0}
    restored = restore(rds, "other-groups", **other)

    with pytest.raises(psycopg.errors.ConnectionTimeout):
        connect(sandbox, restored, connect_timeout=2)
    assert ("own", "db.t4g.small") == (restored["DBParameterGroups"][0]["DBParameterGroupName"], restored["DBInstanceClass"])
    assert ("gp2", None, 0) == (restored["StorageType"], restored.get("Iops"), restored["StorageThroughput"])


def test_what_a_restore_is_refused_for(rds: Client, ec2: Client, snapshot: dict[str, Any]) -> None:
    """A snapshot that is not there, an identifier that is taken, groups and values that do not fit."""
    elsewhere = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    foreign = ec2.create_security_group(GroupName="foreign", Description="test", VpcId=elsewhere)["GroupId"]
    cases: list[tuple[str, dict[str, Any]]] = [
        ("DBSnapshotNotFound", {"DBSnapshotIdentifier": "nothing"}),
        ("DBInstanceAlreadyExists", {"DBInstanceIdentifier": "source"}),
        ("InvalidParameterCombination", {"VpcSecurityGroupIds": [foreign]}),
        ("InvalidParameterValue", {"VpcSecurityGroupIds": ["sg-0123456789abcdef0"]}),
        ("InvalidParameterValue", {"DBInstanceClass": "db.x"}),
        ("InvalidParameterValue", {"AllocatedStorage": 10}),
        ("InvalidParameterValue", {"Port": 80}),
        ("InvalidParameterValue", {"DBInstanceIdentifier": "a--b"}),
        ("DBParameterGroupNotFound", {"DBParameterGroupName": "nowhere"}),
        ("DBSubnetGroupNotFoundFault", {"DBSubnetGroupName": "nowhere"}),
        ("OptionGroupNotFoundFault", {"OptionGroupName": "nowhere"}),
        ("CertificateNotFound", {"CACertificateIdentifier": "nowhere"}),
        ("InvalidParameterCombination", {"LicenseModel": "bring-your-own-license"}),
        ("InvalidParameterCombination", {"MasterUserSecretKmsKeyId": "alias/aws/secretsmanager"}),
        ("InvalidParameterCombination", {"ManageMasterUserPassword": True}),  # of Oracle alone
        ("InvalidParameterValue", {"EngineLifecycleSupport": "forever"}),
        ("InvalidParameterValue", {"DBName": "other"}),
    ]
    request = {"DBInstanceIdentifier": "refused", "DBSnapshotIdentifier": "first-row"}
    for code, change in cases:
        assert code == refused(rds.restore_db_instance_from_db_snapshot, **{**request, **change}), change


def test_a_stopped_instance_is_copied_too(sandbox: Mapping[str, str], rds: Client, group: str) -> None:
    """The snapshot of a stopped instance, and the final one of its deletion, have its data."""
    made = create(rds, "asleep", group)
    run(sandbox, made, "CREATE TABLE kept AS SELECT 'asleep' AS value")
    rds.stop_db_instance(DBInstanceIdentifier="asleep")
    wait_for(rds, "asleep", "stopped")
    take(rds, "of-stopped", "asleep")
    wait_for(rds, "asleep", "stopped")
    rds.delete_db_instance(DBInstanceIdentifier="asleep", FinalDBSnapshotIdentifier="final-of-stopped")
    available(rds, "final-of-stopped")
    restored = restore(rds, "awake", "of-stopped", VpcSecurityGroupIds=[group])

    assert [("asleep",)] == run(sandbox, restored, "SELECT value FROM kept")
    final = restore(rds, "awake-again", "final-of-stopped", VpcSecurityGroupIds=[group])
    assert [("asleep",)] == run(sandbox, final, "SELECT value FROM kept")


def test_a_copy_outlives_its_original(sandbox: Mapping[str, str], rds: Client, group: str, instance: dict[str, Any]) -> None:
    """CopyDBSnapshot copies the data; what is deleted cannot be restored, what was copied can.

    A restored instance has the tags of the instance that was copied (RDS User Guide, "Tagging RDS resources").
    """
    take(rds, "original", Tags=[{"Key": "Of", "Value": "original"}])
    copy = {"SourceDBSnapshotIdentifier": "original", "TargetDBSnapshotIdentifier": "copy"}
    rds.copy_db_snapshot(**copy, CopyTags=True, KmsKeyId="alias/aws/rds")
    copied = available(rds, "copy")
    deleted = rds.delete_db_snapshot(DBSnapshotIdentifier="original")["DBSnapshot"]

    assert [{"Key": "Of", "Value": "original"}] == copied["TagList"]
    assert deleted["DBSnapshotArn"] == copied["SourceDBSnapshotIdentifier"]
    assert "deleted" == deleted["Status"]
    assert "DBSnapshotNotFound" == refused(rds.copy_db_snapshot, **copy)
    restored = restore(rds, "from-copy", "copy", VpcSecurityGroupIds=[group])
    assert (TAGS, True, copied["KmsKeyId"]) == (restored["TagList"], restored["StorageEncrypted"], restored["KmsKeyId"])
    assert ("first",) in run(sandbox, restored, "SELECT value FROM kept")


def test_a_copy_has_the_tags_that_are_asked_for(rds: Client, snapshot: dict[str, Any]) -> None:
    """By default none, whatever its instance has; it tells of its original, and its events are those of a copy.

    RDS API Reference, CopyDBSnapshot (CopyTags); AWS CLI, copy-db-snapshot; RDS User Guide, "Amazon RDS event categories".
    """
    rds.copy_db_snapshot(SourceDBSnapshotIdentifier="first-row", TargetDBSnapshotIdentifier="untagged")
    copied = available(rds, "untagged")
    assert (TAGS, []) == (snapshot["TagList"], copied["TagList"])
    assert ("ca-central-1", snapshot["DBSnapshotArn"]) == (copied["SourceRegion"], copied["SourceDBSnapshotIdentifier"])
    told = [f"{what} copy of snapshot first-row in region ca-central-1." for what in ("Started", "Finished")]
    assert told == messages(rds, "untagged", "db-snapshot")


def test_whom_a_snapshot_is_shared_with(rds: Client, snapshot: dict[str, Any]) -> None:
    """Nobody (DescribeDBSnapshotAttributes, which Terraform asks of each snapshot): there are no other accounts."""
    name = {"DBSnapshotIdentifier": snapshot["DBSnapshotIdentifier"]}
    found = rds.describe_db_snapshot_attributes(**name)["DBSnapshotAttributesResult"]
    assert found == {**name, "DBSnapshotAttributes": [{"AttributeName": "restore", "AttributeValues": []}]}
    share = rds.modify_db_snapshot_attribute
    assert "NotInSandbox" == refused(share, **name, AttributeName="restore", ValuesToAdd=["123456789013"])
    assert found == share(**name, AttributeName="restore", ValuesToRemove=["123456789013"])["DBSnapshotAttributesResult"]
    assert "InvalidParameterValue" == refused(share, **name, AttributeName="other")
    assert "DBSnapshotNotFound" == refused(rds.describe_db_snapshot_attributes, DBSnapshotIdentifier="absent")


def test_other_regions(sandbox: Mapping[str, str], rds: Client, snapshot: dict[str, Any]) -> None:
    """CopyDBSnapshot alone takes what is elsewhere: with a key of this region, where it is encrypted; a replica is refused.

    RDS API Reference, CopyDBSnapshot (SourceDBSnapshotIdentifier, KmsKeyId); CreateDBInstanceReadReplica.
    """
    there, arn = make_client(sandbox, "rds", "eu-west-1"), snapshot["DBSnapshotArn"]
    assert "DBSnapshotNotFound" == refused(there.delete_db_snapshot, DBSnapshotIdentifier=arn)
    assert "DBSnapshotNotFound" == refused(there.describe_db_snapshots, DBSnapshotIdentifier=arn)
    new = {"DBInstanceIdentifier": "refused"}
    assert "DBSnapshotNotFound" == refused(there.restore_db_instance_from_db_snapshot, **new, DBSnapshotIdentifier=arn)
    source = arn.replace(":snapshot:first-row", ":db:source")
    assert "NotInSandbox" == refused(there.create_db_instance_read_replica, **new, SourceDBInstanceIdentifier=source)

    there.copy_db_snapshot(SourceDBSnapshotIdentifier=arn, TargetDBSnapshotIdentifier="plain")
    assert ("ca-central-1", False) == tuple(available(there, "plain")[key] for key in ("SourceRegion", "Encrypted"))
    assert "Started copy of snapshot first-row from region ca-central-1." in messages(there, "plain", "db-snapshot")
    rds.copy_db_snapshot(SourceDBSnapshotIdentifier=arn, TargetDBSnapshotIdentifier="secret", KmsKeyId="alias/aws/rds")
    secret = {"SourceDBSnapshotIdentifier": available(rds, "secret")["DBSnapshotArn"], "TargetDBSnapshotIdentifier": "secret"}
    assert "InvalidParameterValue" == refused(there.copy_db_snapshot, **secret)
    there.copy_db_snapshot(**secret, KmsKeyId="alias/aws/rds")
    assert ":eu-west-1:" in available(there, "secret")["KmsKeyId"]


def test_manual_snapshots_outlive_the_instance(sandbox: Mapping[str, str], rds: Client, group: str) -> None:
    """Automated snapshots go with their instance, and cannot be deleted before; manual ones stay.

    They are named by the minute (AWS CLI, copy-db-snapshot). A restore needs nothing of the instance's parameter group.
    """
    own = {"DBParameterGroupName": "of-short-lived"}
    rds.create_db_parameter_group(**own, DBParameterGroupFamily="postgres18", Description="own")
    create(rds, "short-lived", group, BackupRetentionPeriod=1, **own)
    take(rds, "stays", "short-lived")
    [automated] = [name for name in names(rds, "automated") if name.startswith("rds:short-lived-")]
    assert re.fullmatch(r"rds:short-lived(-\d\d\d\d)(-\d\d){4}", automated)
    assert "InvalidDBSnapshotState" == refused(rds.delete_db_snapshot, DBSnapshotIdentifier=automated)
    wait_for(rds, "short-lived", "available")
    rds.delete_db_instance(DBInstanceIdentifier="short-lived", SkipFinalSnapshot=True)
    rds.get_waiter("db_instance_deleted").wait(
        DBInstanceIdentifier="short-lived", WaiterConfig={"Delay": 0.1, "MaxAttempts": 300}
    )

    assert "stays" in names(rds, "manual")
    assert automated not in names(rds, "automated")
    rds.delete_db_parameter_group(**own)
    rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="reborn", DBSnapshotIdentifier="stays")
    rds.delete_db_snapshot(DBSnapshotIdentifier="stays")  # what is being restored needs it no longer
    assert "default.postgres18" == wait_for(rds, "reborn", "available")["DBParameterGroups"][0]["DBParameterGroupName"]
