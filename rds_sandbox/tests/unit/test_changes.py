"""What ModifyDBInstance changes at once, and what waits; what events are told; how a WAL file is named."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.rds.exceptions import RDSClientError

from rds_sandbox.postgres.base_backup import wal_file
from rds_sandbox.rds import changes
from rds_sandbox.rds.changes import Changes
from rds_sandbox.rds.events import Event, select

CURRENT: dict[str, Any] = {
    "AllocatedStorage": 20,
    "BackupRetentionPeriod": 7,
    "DBInstanceClass": "db.t4g.micro",
    "DBPortNumber": 5432,
    "EngineVersion": "17.9",
    "Iops": 3000,
    "ManageMasterUserPassword": True,
    "MultiAZ": False,
    "NewDBInstanceIdentifier": "mine",
    "StorageType": "gp3",
}
NOW = datetime(2026, 11, 22, 12, 0)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({}, Changes()),
        ({"DBInstanceClass": "db.t4g.micro", "AllocatedStorage": 20, "ApplyImmediately": True}, Changes()),
        ({"DBInstanceClass": "db.t4g.small"}, Changes(waiting={"DBInstanceClass": "db.t4g.small"})),
        ({"DBInstanceClass": "db.t4g.small", "ApplyImmediately": True}, Changes(applied={"DBInstanceClass": "db.t4g.small"})),
        ({"DeletionProtection": True}, Changes(plain={"DeletionProtection": True})),
        ({"ManageMasterUserPassword": True}, Changes()),
        ({"BackupRetentionPeriod": 14}, Changes(plain={"BackupRetentionPeriod": 14})),
        ({"BackupRetentionPeriod": 0}, Changes(waiting={"BackupRetentionPeriod": 0})),
        ({"DBPortNumber": 5433}, Changes(applied={"DBPortNumber": 5433})),
        ({"AllocatedStorage": 21}, Changes(waiting={"AllocatedStorage": 22})),
        ({"AllocatedStorage": 30}, Changes(waiting={"AllocatedStorage": 30})),
        ({"StorageType": "gp3", "Iops": 3000}, Changes()),
        ({"StorageType": "io2", "Iops": 3000}, Changes(waiting={"StorageType": "io2", "Iops": 3000})),
        ({"EngineVersion": "17"}, Changes(waiting={"EngineVersion": "17.11"})),
        ({"NewDBInstanceIdentifier": "MINE"}, Changes()),
        ({"VpcSecurityGroupIds": ["sg-1"]}, Changes(plain={"VpcSecurityGroupIds": ["sg-1"]})),
        (
            {"DBSubnetGroupName": "x", "VpcSecurityGroupIds": ["sg-1"]},
            Changes(waiting={"DBSubnetGroupName": "x", "VpcSecurityGroupIds": ["sg-1"]}),
        ),
    ],
)
def test_what_waits(request_: dict[str, Any], expected: Changes) -> None:
    """By the table of the RDS User Guide; what is asked for as it is changes nothing."""
    assert expected == changes.plan(request_, CURRENT, {})


def test_what_is_pending_already() -> None:
    """The present value withdraws it, another replaces it, ApplyImmediately applies all of it."""
    pending = {"DBInstanceClass": "db.t4g.small", "MultiAZ": True}
    assert {"MultiAZ": True} == changes.plan({"DBInstanceClass": "db.t4g.micro"}, CURRENT, pending).waiting
    replaced = changes.plan({"DBInstanceClass": "db.t4g.medium"}, CURRENT, pending)
    assert {"DBInstanceClass": "db.t4g.medium", "MultiAZ": True} == replaced.waiting
    assert Changes(applied=pending) == changes.plan({"ApplyImmediately": True}, CURRENT, pending)
    current, new = {**CURRENT, "CACertificateIdentifier": "old"}, {"CACertificateIdentifier": "new"}
    restart = {"CertificateRotationRestart": True}
    assert new | restart == changes.plan(new | restart, current, {}).waiting
    assert new == changes.plan(new, current, new | restart).waiting
    assert Changes() == changes.plan({"CACertificateIdentifier": "old"} | restart, current, new | restart)


def test_backups_are_switched_on_in_the_window() -> None:
    """From 0 to a number of days waits; the identifier is shown under the name that the answer has."""
    off = {**CURRENT, "BackupRetentionPeriod": 0}
    assert {"BackupRetentionPeriod": 7} == changes.plan({"BackupRetentionPeriod": 7}, off, {}).waiting
    assert {"DBInstanceIdentifier": "yours"} == changes.shown({"NewDBInstanceIdentifier": "yours"})
    assert ["StorageType", "StorageThroughput"] == list(changes.ordered({"StorageThroughput": 125, "StorageType": "gp3"}))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"MultiAZ": True}, ["modifying"]),
        ({"MonitoringInterval": 60, "MonitoringRoleArn": "arn"}, ["configuring-enhanced-monitoring"]),
        ({"MonitoringRoleArn": "arn"}, ["modifying"]),
        ({"EnableIAMDatabaseAuthentication": True, "MultiAZ": True}, ["modifying", "configuring-iam-database-auth"]),
        ({"CloudwatchLogsExportConfiguration": {}}, ["configuring-log-exports"]),
        ({"DBSubnetGroupName": "other", "VpcSecurityGroupIds": []}, ["moving-to-vpc"]),
        ({"VpcSecurityGroupIds": []}, ["modifying"]),
        ({}, []),
    ],
)
def test_statuses(values: dict[str, Any], expected: list[str]) -> None:
    """RDS User Guide, "Viewing Amazon RDS DB instance status"; nothing is changed twice, or left out."""
    found = changes.by_status(values)
    assert (expected, values) == (list(found), {key: value for each in found.values() for key, value in each.items()})


def event(minutes: int, category: str = "creation", name: str = "mine") -> Event:
    """Something that happened to an instance so many minutes ago."""
    return Event(name, "db-instance", f"arn:{name}", [category], f"{minutes} minutes ago", NOW - timedelta(minutes=minutes))


EVENTS = [event(120), event(30, "availability"), event(5), event(1, name="yours")]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, [30, 5, 1]),
        ({"Duration": 10}, [5, 1]),
        ({"Duration": 180}, [120, 30, 5, 1]),
        ({"StartTime": NOW - timedelta(hours=3), "EndTime": NOW - timedelta(hours=1)}, [120]),
        ({"EventCategories": ["availability"]}, [30]),
        ({"SourceType": "db-snapshot"}, []),
        ({"SourceType": "db-instance", "SourceIdentifier": "YOURS"}, [1]),
    ],
)
def test_events_are_selected(asked: dict[str, Any], expected: list[int]) -> None:
    """Those of the last hour, unless a time, a source or categories are named."""
    assert [f"{minutes} minutes ago" for minutes in expected] == [found.message for found in select(EVENTS, asked, NOW)]


@pytest.mark.parametrize(
    "asked", [{"SourceIdentifier": "mine"}, {"Duration": 0}, {"Duration": 20161}, {"StartTime": NOW + timedelta(days=1)}]
)
def test_events_that_cannot_be_asked_for(asked: dict[str, Any]) -> None:
    """An identifier without its type, and times of which nothing is kept."""
    with pytest.raises(RDSClientError):
        select(EVENTS, asked, NOW)


@given(st.sampled_from([1, 4, 16, 64]), st.integers(0, (1 << 62) - 1))
def test_wal_files_are_named_by_position(megabytes: int, position: int) -> None:
    """Timeline, then the position without its last bits: in files of 16 MB the middle word counts 4 GB."""
    size = megabytes << 20
    name = wal_file("0000000A0000000000000001", size, position)
    assert 24 == len(name)
    assert "0000000A" == name[:8]
    assert position // size == int(name[8:16], 16) * ((1 << 32) // size) + int(name[16:], 16)
