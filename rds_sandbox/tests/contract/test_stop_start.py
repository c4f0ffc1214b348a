"""Stop, start and reboot, held to what AWS documents, through boto3 and psycopg."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.instance import create, messages, refused, run, statuses
from tests.support import Client, connect, wait_for, wanted

NAME = {"DBInstanceIdentifier": "stopping"}
STATE = "InvalidDBInstanceState"


@pytest.fixture(scope="module")
def instance(sandbox: Mapping[str, str], rds: Client, group: str) -> dict[str, Any]:
    """An available instance with a table in it."""
    made = create(rds, "stopping", group)
    run(sandbox, made, "CREATE TABLE kept AS SELECT 1 AS value")
    return made


@pytest.fixture
def stopped(rds: Client, instance: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The same instance, stopped; it is started again afterwards."""
    rds.stop_db_instance(**NAME)
    yield wait_for(rds, "stopping", "stopped")
    if rds.describe_db_instances(**NAME)["DBInstances"][0]["DBInstanceStatus"] == "stopped":
        rds.start_db_instance(**NAME)
    wait_for(rds, "stopping", "available")


@pytest.mark.usefixtures("slow")
def test_stop_ends_connections_and_leaves_silence(sandbox: Mapping[str, str], rds: Client, instance: dict[str, Any]) -> None:
    """Sessions are told why they end; then the address accepts and says nothing, and start brings the data back there."""
    session = connect(sandbox, instance)
    with statuses(rds, "stopping", "stopped") as seen:
        rds.stop_db_instance(**NAME)
    with pytest.raises(psycopg.OperationalError, match="terminating connection due to administrator command"):
        session.execute("SELECT 1")
    with pytest.raises(psycopg.errors.ConnectionTimeout):
        connect(sandbox, instance, connect_timeout=2)
    with statuses(rds, "stopping", "available") as seen_again:
        rds.start_db_instance(**NAME)

    assert ["stopping", "stopped"] == seen
    assert ["starting", "available"] == seen_again
    assert instance["Endpoint"] == rds.describe_db_instances(**NAME)["DBInstances"][0]["Endpoint"]
    assert [(1,)] == run(sandbox, instance, "SELECT value FROM kept")


def test_what_a_stopped_instance_shows(rds: Client, stopped: dict[str, Any]) -> None:
    """Its endpoint, and when AWS starts it again by itself: after seven days."""
    assert "Endpoint" in stopped
    restart = stopped["AutomaticRestartTime"]
    assert timedelta(days=6, hours=23) < restart - datetime.now(UTC) <= timedelta(days=7)
    rds.start_db_instance(**NAME)
    assert "AutomaticRestartTime" not in wait_for(rds, "stopping", "available")


def test_what_a_stopped_instance_refuses(rds: Client, stopped: dict[str, Any]) -> None:
    """A second stop, a reboot, a change and a replica; all would need its server."""
    assert STATE == refused(rds.stop_db_instance, **NAME)
    assert STATE == refused(rds.reboot_db_instance, **NAME)
    assert STATE == refused(rds.modify_db_instance, **NAME, DeletionProtection=True)
    copy = {"DBInstanceIdentifier": "copy", "SourceDBInstanceIdentifier": "stopping"}
    assert STATE == refused(rds.create_db_instance_read_replica, **copy)


def test_start_waits_for_the_stop(rds: Client, instance: dict[str, Any], slow: None) -> None:
    """Neither what is stopping nor what runs can be started; a missing instance is DBInstanceNotFound."""
    assert STATE == refused(rds.start_db_instance, **NAME)
    rds.stop_db_instance(**NAME)
    assert STATE == refused(rds.start_db_instance, **NAME)
    assert STATE == refused(rds.stop_db_instance, **NAME)
    wait_for(rds, "stopping", "stopped")
    rds.start_db_instance(**NAME)
    assert STATE == refused(rds.stop_db_instance, **NAME)
    wait_for(rds, "stopping", "available")
    assert "DBInstanceNotFound" == refused(rds.stop_db_instance, DBInstanceIdentifier="nobody")


def test_stop_with_a_snapshot(rds: Client, instance: dict[str, Any]) -> None:
    """StopDBInstance takes a snapshot first where one is named; a name that is taken stops nothing."""
    rds.stop_db_instance(**NAME, DBSnapshotIdentifier="before-the-stop")
    wait_for(rds, "stopping", "stopped")
    [snapshot] = rds.describe_db_snapshots(DBSnapshotIdentifier="before-the-stop")["DBSnapshots"]
    rds.start_db_instance(**NAME)
    wait_for(rds, "stopping", "available")

    assert ("available", 100) == (snapshot["Status"], snapshot["PercentProgress"])
    assert "DBSnapshotAlreadyExists" == refused(rds.stop_db_instance, **NAME, DBSnapshotIdentifier="before-the-stop")


@pytest.mark.usefixtures("slow")
def test_reboot_restarts_the_server(sandbox: Mapping[str, str], rds: Client, instance: dict[str, Any]) -> None:
    """The status is rebooting meanwhile; afterwards it is another server process, with the same data."""
    before = run(sandbox, instance, "SELECT pg_postmaster_start_time()")
    with statuses(rds, "stopping", "available") as seen:
        rds.reboot_db_instance(**NAME)

    assert ["rebooting", "available"] == seen
    assert before < run(sandbox, instance, "SELECT pg_postmaster_start_time()")
    assert [(1,)] == run(sandbox, instance, "SELECT value FROM kept")


def test_events_tell_of_it(rds: Client, instance: dict[str, Any]) -> None:
    """Creation, stops and starts are told in order, with AWS's words; Duration and categories select."""
    told = messages(rds, "stopping")
    availability = rds.describe_events(SourceIdentifier="stopping", SourceType="db-instance", EventCategories=["availability"])

    assert "DB instance created" == told[0]
    assert told.index("DB instance shutdown") < told.index("DB instance stopped") < told.index("DB instance started")
    assert {"DB instance shutdown", "DB instance restarted"} == {event["Message"] for event in availability["Events"]}
    now = datetime.now(UTC)
    for span in ({"EndTime": now - timedelta(hours=1)}, {"Duration": 60}):
        assert [] == rds.describe_events(StartTime=now - timedelta(hours=2), **span)["Events"], span
    assert "InvalidParameterCombination" == refused(rds.describe_events, SourceIdentifier="stopping")


def test_delete_waits_for_the_creation(rds: Client, instance: dict[str, Any], slow: None) -> None:
    """What is being created can be neither stopped nor deleted; what is being deleted not once more."""
    rds.create_db_instance(**wanted("too-early"))
    early = {"DBInstanceIdentifier": "too-early", "SkipFinalSnapshot": True}
    assert STATE == refused(rds.delete_db_instance, **early)
    wait_for(rds, "too-early", "available")
    rds.delete_db_instance(**early)
    assert STATE == refused(rds.delete_db_instance, **early)
