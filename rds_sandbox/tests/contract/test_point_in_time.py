"""Point-in-time restore and automated backups, held to what AWS documents, through boto3 and psycopg."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.instance import create, messages, refused, run
from tests.support import Client, wait_for

SECOND = timedelta(seconds=1)


@pytest.fixture(scope="module")
def between(sandbox: Mapping[str, str], rds: Client, group: str) -> datetime:
    """A whole second between two writes into the instance `source`."""
    source = create(rds, "source", group, BackupRetentionPeriod=7)
    run(sandbox, source, "CREATE TABLE kept AS SELECT 'first' AS value")
    # the next whole second, by the server's clock; the second write comes after it
    moment = run(
        sandbox,
        source,
        "CREATE TEMP TABLE t AS SELECT date_trunc('second', clock_timestamp()) + interval '1 second' AS moment",
        "SELECT pg_sleep_until(moment + interval '50 ms') FROM t",
        "INSERT INTO kept VALUES ('second')",
        "SELECT moment FROM t",
    )[0][0]
    assert isinstance(moment, datetime)
    return moment


def restore(rds: Client, identifier: str, **request: Any) -> dict[str, Any]:
    """An instance restored to a time, once it is available."""
    rds.restore_db_instance_to_point_in_time(TargetDBInstanceIdentifier=identifier, **request)
    return wait_for(rds, identifier, "available")


def backups(rds: Client, **asked: Any) -> list[dict[str, Any]]:
    """The automated backups."""
    found: list[dict[str, Any]] = rds.describe_db_instance_automated_backups(**asked)["DBInstanceAutomatedBackups"]
    return found


def test_a_second_between_two_writes_finds_the_first(
    sandbox: Mapping[str, str], rds: Client, group: str, between: datetime
) -> None:
    """The WAL is replayed up to the very second, and no further; the new instance takes writes and backups of its own."""
    restored = restore(rds, "earlier", SourceDBInstanceIdentifier="source", RestoreTime=between, VpcSecurityGroupIds=[group])

    assert [("first",)] == run(sandbox, restored, "SELECT value FROM kept")
    assert [(2,)] == run(sandbox, restored, "INSERT INTO kept VALUES ('own')", "SELECT count(*) FROM kept")
    assert 7 == restored["BackupRetentionPeriod"]
    assert "Restored from DB instance source to earlier" in messages(rds, "earlier")
    assert "Finished DB Instance backup" in messages(rds, "earlier")


def test_the_latest_time_finds_both(sandbox: Mapping[str, str], rds: Client, group: str, between: datetime) -> None:
    """UseLatestRestorableTime replays all that was committed; so does the time that DescribeDBInstances shows."""
    request = {"SourceDBInstanceIdentifier": "source", "VpcSecurityGroupIds": [group]}
    latest = restore(rds, "latest", UseLatestRestorableTime=True, **request)
    shown = rds.describe_db_instances(DBInstanceIdentifier="source")["DBInstances"][0]["LatestRestorableTime"]
    at_that_time = restore(rds, "shown", RestoreTime=shown, **request)

    assert between < shown
    for restored in (latest, at_that_time):
        assert [("first",), ("second",)] == run(sandbox, restored, "SELECT value FROM kept")


def test_what_is_refused(rds: Client, group: str, between: datetime) -> None:
    """The future, the time before the first backup, no time and two, an identifier that is taken, a missing source."""
    [backup] = backups(rds, DBInstanceIdentifier="source")
    now = datetime.now(UTC)
    request = {"SourceDBInstanceIdentifier": "source", "TargetDBInstanceIdentifier": "refused"}
    cases: list[tuple[str, dict[str, Any]]] = [
        ("InvalidParameterValue", {"RestoreTime": now + timedelta(hours=1)}),
        ("InvalidParameterValue", {"RestoreTime": backup["RestoreWindow"]["EarliestTime"] - SECOND}),
        ("InvalidParameterCombination", {}),
        ("InvalidParameterCombination", {"RestoreTime": between, "UseLatestRestorableTime": True}),
        ("DBInstanceAlreadyExists", {"RestoreTime": between, "TargetDBInstanceIdentifier": "source"}),
        ("InvalidParameterValue", {"RestoreTime": between, "TargetDBInstanceIdentifier": "a--b"}),
        ("InvalidParameterValue", {"RestoreTime": between, "DBInstanceClass": "db.x"}),
        ("DBInstanceNotFound", {"RestoreTime": between, "SourceDBInstanceIdentifier": "nobody"}),
    ]
    for code, change in cases:
        assert code == refused(rds.restore_db_instance_to_point_in_time, **{**request, **change}), change
    without = {"SourceDbiResourceId": "db-NOBODY", "TargetDBInstanceIdentifier": "refused", "UseLatestRestorableTime": True}
    assert "DBInstanceAutomatedBackupNotFound" == refused(rds.restore_db_instance_to_point_in_time, **without)


def test_without_backups_there_is_no_time_to_restore_to(rds: Client, group: str) -> None:
    """With a retention of 0 nothing is archived, and AWS says so; with backups on it begins anew."""
    made = create(rds, "unsaved", group)
    request = {"SourceDBInstanceIdentifier": "unsaved", "TargetDBInstanceIdentifier": "refused", "UseLatestRestorableTime": True}

    assert "LatestRestorableTime" not in made
    assert [] == backups(rds, DBInstanceIdentifier="unsaved")
    assert "PointInTimeRestoreNotEnabled" == refused(rds.restore_db_instance_to_point_in_time, **request)
    change = {"DBInstanceIdentifier": "unsaved", "ApplyImmediately": True}
    rds.modify_db_instance(**change, BackupRetentionPeriod=2)
    assert "LatestRestorableTime" in wait_for(rds, "unsaved", "available")
    assert ["active"] == [backup["Status"] for backup in backups(rds, DBInstanceIdentifier="unsaved")]
    rds.modify_db_instance(**change, BackupRetentionPeriod=0)
    assert "LatestRestorableTime" not in wait_for(rds, "unsaved", "available")
    assert {"Enabled automated backups", "Disabled automated backups"} <= {*messages(rds, "unsaved")}
    assert [] == rds.describe_db_snapshots(DBInstanceIdentifier="unsaved", SnapshotType="automated")["DBSnapshots"]


def test_retained_backups_restore_a_deleted_instance(sandbox: Mapping[str, str], rds: Client, group: str) -> None:
    """DeleteAutomatedBackups=False keeps them: the data come back by resource id or ARN, until they are deleted too.

    Of its parameter group nothing is needed for that: a restore begins with the default one.
    """
    own = {"DBParameterGroupName": "of-doomed"}
    rds.create_db_parameter_group(**own, DBParameterGroupFamily="postgres18", Description="own")
    doomed = create(rds, "doomed", group, BackupRetentionPeriod=1, **own)
    run(sandbox, doomed, "CREATE TABLE kept AS SELECT 'kept' AS value")
    state = "InvalidDBInstanceAutomatedBackupState"
    assert state == refused(rds.delete_db_instance_automated_backup, DbiResourceId=doomed["DbiResourceId"])
    rds.delete_db_instance(DBInstanceIdentifier="doomed", SkipFinalSnapshot=True, DeleteAutomatedBackups=False)
    rds.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier="doomed", WaiterConfig={"Delay": 0.1, "MaxAttempts": 300})
    rds.delete_db_parameter_group(**own)
    [retained] = backups(rds, Filters=[{"Name": "status", "Values": ["retained"]}])
    for name in ("db-instance-id", "dbi-resource-id"):  # DescribeDBInstanceAutomatedBackups, Filters: ARNs too
        found = backups(rds, Filters=[{"Name": name, "Values": [doomed["DBInstanceArn"], "nobody"]}])
        assert ["doomed"] == [each["DBInstanceIdentifier"] for each in found]
    assert [retained["DbiResourceId"]] == [
        each["DbiResourceId"] for each in backups(rds, DbiResourceId=doomed["DbiResourceId"].lower())
    ]
    assert "InvalidParameterCombination" == refused(rds.delete_db_instance_automated_backup)
    arn = retained["DBInstanceAutomatedBackupsArn"]
    target = {"VpcSecurityGroupIds": [group]}
    by_id = restore(rds, "by-id", SourceDbiResourceId=doomed["DbiResourceId"], UseLatestRestorableTime=True, **target)
    latest = retained["RestoreWindow"]["LatestTime"]
    by_arn = restore(rds, "by-arn", SourceDBInstanceAutomatedBackupsArn=arn, RestoreTime=latest, **target)

    assert ("doomed", doomed["DbiResourceId"]) == (retained["DBInstanceIdentifier"], retained["DbiResourceId"])
    for restored in (by_id, by_arn):
        assert [("kept",)] == run(sandbox, restored, "SELECT value FROM kept")
    rds.delete_db_instance_automated_backup(DBInstanceAutomatedBackupsArn=arn)
    gone = {"DbiResourceId": doomed["DbiResourceId"]}
    assert "DBInstanceAutomatedBackupNotFound" == refused(rds.delete_db_instance_automated_backup, **gone)
    assert "DBInstanceAutomatedBackupNotFound" == refused(rds.describe_db_instance_automated_backups, **gone)


def test_a_stopped_instance_can_be_restored(sandbox: Mapping[str, str], rds: Client, group: str, between: datetime) -> None:
    """Its WAL is archived to the end; the latest time is that of the stop."""
    rds.stop_db_instance(DBInstanceIdentifier="source")
    stopped = wait_for(rds, "source", "stopped")
    request = {"SourceDBInstanceIdentifier": "source", "VpcSecurityGroupIds": [group]}
    restored = restore(rds, "of-stopped", RestoreTime=stopped["LatestRestorableTime"], **request)

    assert [("first",), ("second",)] == run(sandbox, restored, "SELECT value FROM kept")
    later = stopped["LatestRestorableTime"] + SECOND
    target = {"TargetDBInstanceIdentifier": "refused", "RestoreTime": later}
    assert "InvalidParameterValue" == refused(rds.restore_db_instance_to_point_in_time, **request, **target)
    rds.start_db_instance(DBInstanceIdentifier="source")
    assert later < wait_for(rds, "source", "available")["LatestRestorableTime"] + SECOND


def test_a_restore_outlives_its_source(sandbox: Mapping[str, str], rds: Client, group: str) -> None:
    """The source is deleted, with its backups, as soon as the restore was accepted: what is restored has its data."""
    source = create(rds, "left", group, BackupRetentionPeriod=1)
    run(sandbox, source, "CREATE TABLE kept AS SELECT 'kept' AS value")
    asked = {"SourceDBInstanceIdentifier": "left", "UseLatestRestorableTime": True, "VpcSecurityGroupIds": [group]}
    for number in range(3):
        rds.restore_db_instance_to_point_in_time(TargetDBInstanceIdentifier=f"outlives-{number}", **asked)
    rds.delete_db_instance(DBInstanceIdentifier="left", SkipFinalSnapshot=True)

    for number in range(3):
        assert [("kept",)] == run(sandbox, wait_for(rds, f"outlives-{number}", "available"), "SELECT value FROM kept")
