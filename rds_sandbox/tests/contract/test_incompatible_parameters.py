"""Values of a parameter group with which a server does not start, through boto3 and psycopg.

RDS User Guide, "Viewing Amazon RDS DB instance status", and "Amazon RDS event categories and event messages" (RDS-EVENT-0035).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.instance import create, messages, refused, run, statuses
from tests.support import Client, wait_for, wanted

STATUS = "incompatible-parameters"
NAME, GROUP = {"DBInstanceIdentifier": "unfit"}, {"DBParameterGroupName": "unfit"}
UNFIT = {"max_worker_processes": "262143"}


@pytest.fixture(scope="module")
def instance(sandbox: Mapping[str, str], rds: Client, group: str) -> dict[str, Any]:
    """An instance with a row, which has the group."""
    rds.create_db_parameter_group(**GROUP, DBParameterGroupFamily="postgres18", Description="test")
    made = create(rds, "unfit", group, **GROUP, BackupRetentionPeriod=1)
    run(sandbox, made, "CREATE TABLE kept AS SELECT 7 AS it")
    return made


def change(rds: Client, values: Mapping[str, str]) -> None:
    """Set parameters of the group."""
    asked = [{"ParameterName": name, "ParameterValue": value, "ApplyMethod": "pending-reboot"} for name, value in values.items()]
    rds.modify_db_parameter_group(**GROUP, Parameters=asked)


def repaired(sandbox: Mapping[str, str], rds: Client, instance: Mapping[str, Any]) -> bool:
    """Whether it has its row again, once the group is reset and it is rebooted."""
    rds.reset_db_parameter_group(**GROUP, ResetAllParameters=True)
    rds.reboot_db_instance(**NAME)
    wait_for(rds, "unfit", "available")
    return [(7,)] == run(sandbox, instance, "SELECT it FROM kept")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (UNFIT, "too many server processes configured"),
        ({"timezone": "Nowhere/Else"}, "TimeZone"),
        ({"shared_buffers": "{DBInstanceClassMemory/4096}"}, "could not map anonymous shared memory: Cannot allocate memory"),
    ],
)
def test_a_reboot_that_fails(
    sandbox: Mapping[str, str], rds: Client, instance: dict[str, Any], values: dict[str, str], reason: str
) -> None:
    """An event says why; it takes a reboot and nothing else, until the group is changed; then its data are there again."""
    change(rds, values)
    with statuses(rds, "unfit", STATUS) as seen:
        rds.reboot_db_instance(**NAME)
    assert ["rebooting", STATUS] == seen[-2:]
    said = messages(rds, "unfit")[-1]
    assert said.startswith(f"Database instance put into {STATUS}. ")
    assert reason in said
    for call, more in ((rds.stop_db_instance, {}), (rds.modify_db_instance, {"DBParameterGroupName": "default.postgres18"})):
        assert "InvalidDBInstanceState" == refused(call, **NAME, **more)
    rds.reboot_db_instance(**NAME)
    wait_for(rds, "unfit", STATUS)
    assert repaired(sandbox, rds, instance)


def test_a_start_that_fails(sandbox: Mapping[str, str], rds: Client, instance: dict[str, Any]) -> None:
    """A stopped one that is started, and one that is changed so that it restarts: what was changed is changed."""
    change(rds, UNFIT)
    rds.stop_db_instance(**NAME)
    wait_for(rds, "unfit", "stopped")
    rds.start_db_instance(**NAME)
    wait_for(rds, "unfit", STATUS)
    assert repaired(sandbox, rds, instance)
    change(rds, UNFIT)
    rds.modify_db_instance(**NAME, DBInstanceClass="db.t4g.small", ApplyImmediately=True)
    found = wait_for(rds, "unfit", STATUS)
    assert ("db.t4g.small", {}) == (found["DBInstanceClass"], found["PendingModifiedValues"])
    assert repaired(sandbox, rds, instance)


def test_one_that_has_such_a_group_from_the_beginning(
    sandbox: Mapping[str, str], rds: Client, group: str, instance: dict[str, Any]
) -> None:
    """Created, or restored from a snapshot or to a time: it is there, and is available once the group is changed."""
    rds.create_db_snapshot(**NAME, DBSnapshotIdentifier="unfit")
    rds.get_waiter("db_snapshot_available").wait(DBSnapshotIdentifier="unfit", WaiterConfig={"Delay": 1})
    wait_for(rds, "unfit", "available")
    change(rds, UNFIT)
    more = {**GROUP, "VpcSecurityGroupIds": [group]}
    rds.create_db_instance(**wanted("new", **more))
    rds.restore_db_instance_from_db_snapshot(
        DBInstanceIdentifier="again", DBSnapshotIdentifier="unfit", PubliclyAccessible=True, **more
    )
    rds.restore_db_instance_to_point_in_time(
        SourceDBInstanceIdentifier="unfit", TargetDBInstanceIdentifier="earlier", UseLatestRestorableTime=True, **more
    )
    for name in ("new", "again", "earlier"):
        wait_for(rds, name, STATUS)
    rds.reset_db_parameter_group(**GROUP, ResetAllParameters=True)
    for name, rows in (("new", []), ("again", [(7,)]), ("earlier", [(7,)])):
        rds.reboot_db_instance(DBInstanceIdentifier=name)
        made = wait_for(rds, name, "available")
        assert rows == run(sandbox, made, "CREATE TABLE IF NOT EXISTS kept (it int)", "SELECT it FROM kept")


def test_deletion(sandbox: Mapping[str, str], rds: Client, group: str, instance: dict[str, Any]) -> None:
    """With a final snapshot, and without its group in it (User Guide, "Deleting a DB instance": which statuses have none)."""
    change(rds, {**UNFIT, "timezone": "Nowhere/Else"})
    rds.reboot_db_instance(**NAME)
    wait_for(rds, "unfit", STATUS)
    rds.delete_db_instance(**NAME, FinalDBSnapshotIdentifier="final")
    rds.get_waiter("db_instance_deleted").wait(**NAME, WaiterConfig={"Delay": 1})
    rds.restore_db_instance_from_db_snapshot(
        DBInstanceIdentifier="restored", DBSnapshotIdentifier="final", VpcSecurityGroupIds=[group], PubliclyAccessible=True
    )
    assert [(7,)] == run(sandbox, wait_for(rds, "restored", "available"), "SELECT it FROM kept")
