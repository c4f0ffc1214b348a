"""The status table and the log: what is loud, and what is masked."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cruddur_ops.errors import InstanceNotReady
from cruddur_ops.rds import health, instances, logs
from cruddur_ops.rds.health import GIB, Health
from cruddur_ops.rds.instances import Instance
from cruddur_ops.rds.prices import MonthlyCost
from cruddur_ops.target import Target
from tests.unit.conftest import Stub

TARGET = Target("test", db_instance_identifier="x")
NOW = datetime(2026, 11, 20, 3, 4, tzinfo=UTC)
WELL = Instance(
    "x",
    "available",
    engine_version="18.1",
    host="x.example",
    endpoint_port=5432,
    db_instance_class="db.t4g.micro",
    storage_type="gp3",
    allocated_storage=20,
    max_allocated_storage=100,
    backup_retention_period=7,
    restorable_until=NOW,
    certificate_valid_until=NOW + timedelta(days=300),
    maintenance_window="sun:03:00-sun:03:30",
)


def rows(instance: Instance = WELL, **more: Any) -> dict[str, str]:
    """The lines of the table, by name."""
    facts = {"maintenance": (), "connections": 3.0, "free_bytes": 15.0 * GIB, "lag_seconds": None, "events": (), "log": ()}
    return dict(Health(instance, **{**facts, "cost": MonthlyCost({"instance": 12.0}), **more}).rows(NOW))


def test_a_healthy_instance() -> None:
    """Every line has its value, and none is loud."""
    expected = {
        "status": "available",
        "engine": "PostgreSQL 18.1 on db.t4g.micro",
        "endpoint": "x.example:5432",
        "replication": "none",
        "connections": "3",
        "storage": "15.0 GiB free of 20 GiB gp3 (grows to 100)",
        "backups": "kept for 7 days, restorable until 2026-11-20 03:04:00 UTC",
        "certificate": "valid until 2027-09-16",
        "waiting for the window": "nothing",
        "maintenance": "nothing pending",
        "maintenance window": "sun:03:00-sun:03:30",
        "starts by itself": "it is not stopped",
        "cost while it runs": "about 12 USD a month (instance 12.00)",
    }
    assert expected == rows()


@pytest.mark.parametrize(
    ("instance", "facts", "line", "text"),
    [
        ({"status": "stopped"}, {}, "status", "stopped (the server does not answer)"),
        ({"restart_time": NOW}, {}, "starts by itself", "2026-11-20 03:04 UTC"),
        ({"certificate_valid_until": NOW + timedelta(days=5)}, {}, "certificate", "WARNING: valid until 2026-11-25, in 5 days"),
        ({"certificate_valid_until": None}, {}, "certificate", "RDS names no date"),
        ({"backup_retention_period": 0}, {}, "backups", "WARNING: none"),
        ({"restorable_until": None}, {}, "backups", "restorable until nothing yet"),
        ({"max_allocated_storage": None}, {}, "storage", "does not grow by itself"),
        ({}, {"free_bytes": 1.0 * GIB}, "storage", "WARNING: 1.0 GiB free of 20 GiB"),
        ({}, {"free_bytes": None, "connections": None}, "storage", "unknown of 20 GiB"),
        ({}, {"connections": None}, "connections", "unknown"),
        ({"host": ""}, {}, "endpoint", "none yet"),
        ({"source": "y"}, {"lag_seconds": 2.0}, "replication", "replica of y, 2 s behind"),
        ({"source": "y"}, {}, "replication", "replica of y, lag unknown"),
        ({"replicas": ("a", "b")}, {}, "replication", "source of a, b"),
        ({"pending": {"DBInstanceClass": "x"}}, {}, "waiting for the window", "DBInstanceClass"),
        ({}, {"maintenance": ("system-update",)}, "maintenance", "system-update"),
    ],
)
def test_what_wants_attention(instance: dict[str, Any], facts: dict[str, Any], line: str, text: str) -> None:
    """It is said in its line."""
    assert text in rows(replace(WELL, **instance), **facts)[line]


def test_events_and_log_end_the_table() -> None:
    """Each has a line."""
    facts: dict[str, Any] = {
        "maintenance": (),
        "connections": None,
        "free_bytes": None,
        "lag_seconds": None,
        "cost": MonthlyCost(unknown="denied"),
    }
    shown = str(Health(WELL, events=("started",), log=("LOG: ready",), **facts)).splitlines()
    assert ["event                   started", "log                     LOG: ready"] == shown[-2:]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("STATEMENT:  ALTER ROLE a PASSWORD 'hush'", "STATEMENT:  ALTER ROLE a PASSWORD ***"),
        ("ALTER ROLE a LOGIN password E'it''s \\' hush' VALID", "ALTER ROLE a LOGIN password *** VALID"),
        ("CREATE ROLE a PASSWORD $$hush$$;", "CREATE ROLE a PASSWORD ***;"),
        ("DETAIL:  Key (email)=(andrew@exampro.co) already exists.", "DETAIL:  Key (email)=(***) already exists."),
        ("LOG:  checkpoint complete", "LOG:  checkpoint complete"),
    ],
)
def test_what_is_masked(line: str, expected: str) -> None:
    """A failed statement is logged with its values."""
    assert expected == logs.masked(line)


@given(st.text(alphabet=st.characters(exclude_characters="'\\", exclude_categories=["Cs"]), min_size=4))
def test_no_password_is_left(password: str) -> None:
    """Whatever stands in the quotes."""
    assert "ALTER ROLE x PASSWORD *** y" == logs.masked(f"ALTER ROLE x PASSWORD '{password}' y")


def test_the_newest_lines_of_two_files(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that has just begun has few lines; other formats of the same log are left out."""
    monkeypatch.setattr(instances, "require", lambda _: WELL)
    stubbed = stub(TARGET, "rds")
    names = ("error/postgresql.log.2", "error/postgresql.log.1", "error/postgresql.log.2.csv", "error/postgresql.log.0")
    files = [{"LogFileName": name, "LastWritten": int(name.split(".")[2]), "Size": 1} for name in names]
    stubbed.add_response("describe_db_log_files", {"DescribeDBLogFiles": files})
    for name, text in {"error/postgresql.log.1": "a\nb\n", "error/postgresql.log.2": "c\n"}.items():
        asked = {"DBInstanceIdentifier": "x", "LogFileName": name, "NumberOfLines": 2}
        stubbed.add_response("download_db_log_file_portion", {"LogFileData": text}, asked)
    assert ["b", "c"] == logs.tail(TARGET, 2)


def test_an_instance_without_a_log(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is too young."""
    monkeypatch.setattr(instances, "require", lambda _: WELL)
    stub(TARGET, "rds").add_client_error("describe_db_log_files", "DBInstanceNotReady")
    with pytest.raises(InstanceNotReady, match="no log yet"):
        logs.tail(TARGET)


def test_events_in_their_order(stub: Stub) -> None:
    """The newest last, with its time."""
    events = [{"Date": NOW, "Message": "stopped"}, {"Date": NOW - timedelta(hours=1), "Message": "created"}]
    stub(TARGET, "rds").add_response("describe_events", {"Events": events})
    assert ["2026-11-20 02:04 created", "2026-11-20 03:04 stopped"] == logs.events(TARGET)


def test_pending_maintenance(stub: Stub) -> None:
    """With the day from which RDS does it unasked."""
    details = [
        {"Action": "system-update", "Description": "New OS", "ForcedApplyDate": NOW},
        {"Action": "db-upgrade"},
    ]
    answer = {"PendingMaintenanceActions": [{"PendingMaintenanceActionDetails": details}]}
    stub(TARGET, "rds").add_response("describe_pending_maintenance_actions", answer)
    expected = ["system-update (New OS), by itself from 2026-11-20 on", "db-upgrade (no description), when you ask for it"]
    assert expected == health.pending_maintenance(TARGET, WELL)


def test_metrics_that_are_missing(stub: Stub) -> None:
    """CloudWatch answers with no values where there are none: that is no zero."""
    results = [{"Id": "databaseconnections", "Values": [4.0, 3.0]}, {"Id": "freestoragespace", "Values": []}]
    stub(TARGET, "cloudwatch").add_response("get_metric_data", {"MetricDataResults": results})
    expected = {"DatabaseConnections": 4.0, "FreeStorageSpace": None}
    assert expected == health.metrics(TARGET, "DatabaseConnections", "FreeStorageSpace")
