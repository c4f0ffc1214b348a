"""Log files, certificates and extensions of an instance, held to what AWS documents, through boto3 and psycopg."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.instance import create, refused, run
from tests.support import Client, make_client, reset, wait_for, wait_until, wanted

NAME = {"DBInstanceIdentifier": "talking"}


@pytest.fixture(scope="module")
def instance(sandbox: Mapping[str, str], rds: Client, group: str) -> dict[str, Any]:
    """An instance whose log has an error in it."""
    made = create(rds, "talking", group)
    with pytest.raises(psycopg.errors.UndefinedTable):
        run(sandbox, made, "SELECT * FROM missing_relation")
    return made


def newest(rds: Client) -> dict[str, Any]:
    """The newest log file."""
    files: list[dict[str, Any]] = rds.describe_db_log_files(**NAME)["DescribeDBLogFiles"]
    return max(files, key=lambda file: file["LastWritten"])


def test_log_files_are_the_servers_own(rds: Client, instance: dict[str, Any]) -> None:
    """One for each hour, under RDS's names; the filters select by name, size and time (POSIX, in milliseconds).

    MaxRecords has no limits (API Reference, DescribeDBLogFiles).
    """
    file = newest(rds)
    [same] = rds.describe_db_log_files(**NAME, MaxRecords=1)["DescribeDBLogFiles"]
    grown = {name: same[name] for name in ("LastWritten", "Size")}  # by now
    assert ({**file, **grown}, True) == (same, all(grown[name] >= file[name] for name in grown))
    in_an_hour = int((datetime.now(UTC) + timedelta(hours=1)).timestamp() * 1000)

    assert file["LogFileName"].startswith(f"error/postgresql.log.{datetime.now(UTC):%Y-%m-%d}")
    assert file["Size"] > 0
    assert file in rds.describe_db_log_files(**NAME, FilenameContains="postgresql", FileSize=1)["DescribeDBLogFiles"]
    for nothing in ({"FilenameContains": "slowquery"}, {"FileSize": file["Size"]}, {"FileLastWritten": in_an_hour}):
        assert [] == rds.describe_db_log_files(**NAME, **nothing)["DescribeDBLogFiles"]


def test_portions_of_a_log_file(rds: Client, instance: dict[str, Any]) -> None:
    """The last lines without a marker; from "0" on the whole file, portion after portion, each line once."""
    file = {**NAME, "LogFileName": newest(rds)["LogFileName"]}
    whole = rds.download_db_log_file_portion(**file)
    last = rds.download_db_log_file_portion(**file, NumberOfLines=1)
    pages = rds.get_paginator("download_db_log_file_portion").paginate(**file, PaginationConfig={"PageSize": 3})
    read = "".join(page["LogFileData"] for page in pages)
    first = rds.download_db_log_file_portion(**file, Marker="0", NumberOfLines=2)

    assert 'relation "missing_relation" does not exist' in whole["LogFileData"]
    assert whole["LogFileData"].endswith(last["LogFileData"])
    assert (1, False) == (last["LogFileData"].count("\n"), last["AdditionalDataPending"])
    assert (2, True) == (first["LogFileData"].count("\n"), first["AdditionalDataPending"])
    assert read.endswith(last["LogFileData"])
    assert whole["LogFileData"].startswith(first["LogFileData"])


def exported(logs: Client, name: str, kind: str = "postgresql") -> list[dict[str, Any]]:
    """The events of the instance's log group; none where there is no group yet."""
    group = f"/aws/rds/instance/{name}/{kind}"
    if group not in [each["logGroupName"] for each in logs.describe_log_groups()["logGroups"]]:
        return []
    events: list[dict[str, Any]] = logs.get_log_events(logGroupName=group, logStreamName=f"{name}.0")["events"]
    return events


def fail(sandbox: Mapping[str, str], made: dict[str, Any], relation: str) -> None:
    """Let the server log an error and its statement, which has two lines."""
    with pytest.raises(psycopg.errors.UndefinedTable):
        run(sandbox, made, f"SELECT 1\nFROM {relation}")


@pytest.mark.parametrize("prefix", ["%t:%r:%u@%d:[%p]:", "%m:%r:%u@%d:[%p]:%l:%e:%s:%v:%x:%c:%q%a"])
@pytest.mark.usefixtures("instance")
def test_logs_are_exported(sandbox: Mapping[str, str], rds: Client, group: str, prefix: str) -> None:
    """User Guide, "Publishing PostgreSQL logs to Amazon CloudWatch Logs": new lines while it is on; the group stays."""
    logs, told, name = make_client(sandbox, "logs"), {"DBInstanceIdentifier": "told"}, {"DBParameterGroupName": "told"}
    rds.create_db_parameter_group(**name, DBParameterGroupFamily="postgres18", Description="test")
    value = {"ParameterName": "log_line_prefix", "ParameterValue": prefix, "ApplyMethod": "immediate"}
    rds.modify_db_parameter_group(**name, Parameters=[value])
    made = create(rds, "told", group, EnableCloudwatchLogsExports=["postgresql", "upgrade"], **name)

    def found(relation: str) -> list[dict[str, Any]]:
        return [each for each in exported(logs, "told") if relation in each["message"]]

    def logged(relation: str) -> bool:
        names = [each["LogFileName"] for each in rds.describe_db_log_files(**told)["DescribeDBLogFiles"]]
        parts = [rds.download_db_log_file_portion(**told, LogFileName=each, Marker="0")["LogFileData"] for each in names]
        return any(relation in part for part in parts)

    def switch(kind: str, expected: list[str]) -> None:
        rds.modify_db_instance(**told, CloudwatchLogsExportConfiguration={kind: ["postgresql"]})
        assert wait_until(lambda: wait_for(rds, "told", "available")["EnabledCloudwatchLogsExports"] == expected)

    began = int(time.time()) * 1000
    fail(sandbox, made, "first_relation")
    assert wait_until(lambda: len(found("first_relation")) == 2)
    error, statement = found("first_relation")
    assert ('ERROR:  relation "first_relation"' in error["message"], "SELECT 1\n" in statement["message"]) == (True, True)
    assert began <= error["timestamp"] <= statement["timestamp"] <= time.time() * 1000
    assert [] == exported(logs, "told", "upgrade")
    switch("DisableLogTypes", ["upgrade"])
    fail(sandbox, made, "hidden_relation")
    assert wait_until(lambda: logged("hidden_relation"))  # the server's logger may be late
    switch("EnableLogTypes", ["postgresql", "upgrade"])
    fail(sandbox, made, "last_relation")
    rds.delete_db_instance(**told, SkipFinalSnapshot=True)
    rds.get_waiter("db_instance_deleted").wait(**told, WaiterConfig={"Delay": 0.1, "MaxAttempts": 300})
    assert wait_until(lambda: len(found("last_relation")) == 2)
    assert [] == found("hidden_relation")
    rds.delete_db_parameter_group(**name)
    logs.delete_log_group(logGroupName="/aws/rds/instance/told/postgresql")


@pytest.mark.usefixtures("slow")
def test_what_is_refused(rds: Client, instance: dict[str, Any], slow: None) -> None:
    """A missing file, a marker that no portion gave, an instance that is not there, or not yet."""
    file = newest(rds)["LogFileName"]
    portion = rds.download_db_log_file_portion
    assert "DBLogFileNotFoundFault" == refused(portion, **NAME, LogFileName="error/../../root.pem")
    assert "InvalidParameterValue" == refused(portion, **NAME, LogFileName=file, Marker="x")
    assert "DBInstanceNotFound" == refused(rds.describe_db_log_files, DBInstanceIdentifier="nobody")
    rds.create_db_instance(**wanted("not-yet"))
    time.sleep(0.5)  # its server runs by then, and its status lasts longer
    assert "DBInstanceNotReady" == refused(rds.describe_db_log_files, DBInstanceIdentifier="not-yet")
    wait_for(rds, "not-yet", "available")


def test_the_certificate_ends(rds: Client, instance: dict[str, Any]) -> None:
    """CertificateDetails name the authority, and when the server's certificate ends: within the authority's time."""
    [authority] = rds.describe_certificates(CertificateIdentifier=instance["CACertificateIdentifier"])["Certificates"]
    details = instance["CertificateDetails"]

    assert instance["CACertificateIdentifier"] == details["CAIdentifier"]
    assert datetime.now(UTC) + timedelta(days=364) < details["ValidTill"] < authority["ValidTill"]


def test_the_master_user_creates_extensions(sandbox: Mapping[str, str], instance: dict[str, Any]) -> None:
    """pg_stat_statements is preloaded and can be created, as can others that RDS supports; file_fdw cannot."""
    statements = "SELECT calls FROM pg_stat_statements WHERE query LIKE 'SELECT pg_sleep%'"
    assert [("pg_stat_statements",)] == run(sandbox, instance, "SHOW shared_preload_libraries")
    run(sandbox, instance, "CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    assert [(1,)] == run(sandbox, instance, "SELECT pg_sleep(0)", statements)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        run(sandbox, instance, "CREATE EXTENSION file_fdw")


def test_reset_leaves_nothing_on_disk(
    sandbox: Mapping[str, str], rds: Client, control: Callable[..., Any], instance: dict[str, Any]
) -> None:
    """No server, no snapshot, no archived WAL; retained backups are gone too."""
    root = Path(sandbox["PGSSLROOTCERT"]).parent
    create(rds, "saved", instance["VpcSecurityGroups"][0]["VpcSecurityGroupId"], BackupRetentionPeriod=1)
    create(rds, "retained", instance["VpcSecurityGroups"][0]["VpcSecurityGroupId"], BackupRetentionPeriod=1)
    rds.delete_db_instance(DBInstanceIdentifier="retained", SkipFinalSnapshot=True, DeleteAutomatedBackups=False)
    gone = {"Delay": 0.1, "MaxAttempts": 300}
    rds.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier="retained", WaiterConfig=gone)
    assert 2 == len(list(root.glob("snapshots/*"))) == len(list(root.glob("archives/*")))
    reset(sandbox)

    assert [] == [*root.glob("snapshots/*"), *root.glob("archives/*")]
    running = [file for file in root.glob("server-*/data/postmaster.pid") if not file.read_text().startswith("-")]
    assert [] == running  # a negative number is initdb's, which makes the next server ready
    assert [] == control("GET", "/status")["DBInstances"]
    assert [] == rds.describe_db_instance_automated_backups()["DBInstanceAutomatedBackups"]
