"""Read replicas, held to what AWS documents, through boto3 and psycopg."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from botocore.exceptions import ClientError

from rds_sandbox import Sandbox
from tests.instance import create, messages, refused, run, statuses
from tests.support import Client, make_client, wait_for, wait_until

REPLICA = {"DBInstanceIdentifier": "replica"}
SOURCE = {"DBInstanceIdentifier": "source"}
DELAYED = {"DBParameterGroupName": "delayed"}
STATE = "InvalidDBInstanceState"


@pytest.fixture(scope="module")
def source(sandbox: Mapping[str, str], rds: Client, group: str) -> dict[str, Any]:
    """An instance with backups and one row."""
    made = create(rds, "source", group, EngineVersion="18.4", BackupRetentionPeriod=1)
    run(sandbox, made, "CREATE TABLE kept AS SELECT 1 AS value")
    return made


@pytest.fixture(scope="module")
def replica(rds: Client, source: dict[str, Any]) -> dict[str, Any]:
    """Its read replica, with a parameter group of its own since it was rebooted."""
    rds.create_db_parameter_group(**DELAYED, DBParameterGroupFamily="postgres18", Description="test")
    rds.create_db_instance_read_replica(**REPLICA, SourceDBInstanceIdentifier="source")
    wait_for(rds, "replica", "available")
    rds.modify_db_instance(**REPLICA, **DELAYED, ApplyImmediately=True)
    until(lambda: "pending-reboot" == wait_for(rds, "replica", "available")["DBParameterGroups"][0]["ParameterApplyStatus"])
    rds.reboot_db_instance(**REPLICA)
    return wait_for(rds, "replica", "available")


@pytest.fixture(scope="module")
def cascaded(rds: Client, replica: dict[str, Any]) -> dict[str, Any]:
    """A replica of the replica, which has backups by then."""
    second = {"DBInstanceIdentifier": "second", "SourceDBInstanceIdentifier": "replica", "StorageType": "gp2"}
    assert STATE == refused(rds.create_db_instance_read_replica, **second)
    rds.modify_db_instance(**REPLICA, BackupRetentionPeriod=1, ApplyImmediately=True)
    assert "LatestRestorableTime" not in wait_for(rds, "replica", "available")
    assert {"Replication for the Read Replica resumed", "Enabled automated backups"} <= {*messages(rds, "replica")}
    assert {} == rds.create_db_instance_read_replica(**second)["DBInstance"]["PendingModifiedValues"]
    return wait_for(rds, "second", "available")


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Wait for a condition."""
    assert wait_until(condition, seconds)


def count(sandbox: Mapping[str, str], instance: Mapping[str, Any]) -> int:
    """The rows of the table."""
    number: int = run(sandbox, instance, "SELECT count(*) FROM kept")[0][0]
    return number


def test_a_replica_streams(sandbox: Mapping[str, str], rds: Client, source: dict[str, Any], replica: dict[str, Any]) -> None:
    """It has its source's data and settings, follows its writes, takes none, and both name each other."""
    rows = count(sandbox, replica)
    run(sandbox, source, "INSERT INTO kept VALUES (2)")
    until(lambda: count(sandbox, replica) == rows + 1)
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        run(sandbox, replica, "INSERT INTO kept VALUES (3)")
    shown = rds.describe_db_instances(**SOURCE)["DBInstances"][0]

    assert ["replica"] == shown["ReadReplicaDBInstanceIdentifiers"]
    assert "source" == replica["ReadReplicaSourceDBInstanceIdentifier"]
    assert [("read replication", True, "replicating")] == [
        (info["StatusType"], info["Normal"], info["Status"]) for info in replica["StatusInfos"]
    ]
    for key in (
        "DBInstanceClass",
        "AllocatedStorage",
        "MasterUsername",
        "VpcSecurityGroups",
        "EngineVersion",
        "PubliclyAccessible",
    ):
        assert source[key] == replica[key], key
    assert 0 == replica["BackupRetentionPeriod"]
    assert source["Endpoint"]["Address"] != replica["Endpoint"]["Address"]


def test_neither_can_be_stopped(rds: Client, replica: dict[str, Any]) -> None:
    """An instance that has a read replica, or is one, cannot be stopped; nor can its backups be switched off."""
    assert STATE == refused(rds.stop_db_instance, **SOURCE)
    assert STATE == refused(rds.stop_db_instance, **REPLICA)
    off = {"BackupRetentionPeriod": 0, "ApplyImmediately": True}
    assert "InvalidParameterCombination" == refused(rds.modify_db_instance, **SOURCE, **off)


def test_what_a_replica_is_refused_for(rds: Client, group: str, replica: dict[str, Any]) -> None:
    """No backups, a managed password, a missing source, a name that is taken; and its password is its source's."""
    create(rds, "unsaved", group)
    create(rds, "managed", group, BackupRetentionPeriod=1, MasterUserPassword=None, ManageMasterUserPassword=True)
    cases: list[tuple[str, dict[str, Any]]] = [
        (STATE, {"SourceDBInstanceIdentifier": "unsaved"}),
        ("InvalidParameterValue", {"SourceDBInstanceIdentifier": "managed"}),
        ("DBInstanceNotFound", {"SourceDBInstanceIdentifier": "nobody"}),
        ("DBInstanceNotFound", {"SourceDBInstanceIdentifier": "arn:aws:rds:eu-west-1:123456789012:db:source"}),
        ("KMSKeyNotAccessibleFault", {"KmsKeyId": "alias/nowhere"}),
        ("InvalidParameterCombination", {"KmsKeyId": "alias/aws/rds"}),  # of a source that is not encrypted
        ("OptionGroupNotFoundFault", {"OptionGroupName": "nowhere"}),
        ("InvalidParameterCombination", {"DBParameterGroupName": "default.postgres18"}),  # it has its source's
        ("CertificateNotFound", {"CACertificateIdentifier": "nowhere"}),
        ("InvalidParameterValue", {"MonitoringInterval": 7}),
        ("DBInstanceAlreadyExists", REPLICA),
        ("InvalidParameterValue", {"DBInstanceClass": "db.x"}),
    ]
    assert "InvalidParameterCombination" == refused(rds.create_db_instance_read_replica, DBInstanceIdentifier="another")
    request = {"DBInstanceIdentifier": "another", "SourceDBInstanceIdentifier": "source"}
    for code, change in cases:
        assert code == refused(rds.create_db_instance_read_replica, **{**request, **change}), change
    password = {"MasterUserPassword": "another-password", "ApplyImmediately": True}
    assert "InvalidParameterCombination" == refused(rds.modify_db_instance, **REPLICA, **password)
    assert STATE == refused(rds.promote_read_replica, **SOURCE)
    assert "InvalidParameterValue" == refused(rds.promote_read_replica, **REPLICA, PreferredBackupWindow="night")
    final = {"FinalDBSnapshotIdentifier": "final"}
    assert "InvalidParameterCombination" == refused(rds.delete_db_instance, **REPLICA, **final)


@pytest.mark.parametrize("simulated", [True, False])
def test_lag_is_real_and_measured(
    sandbox: Mapping[str, str],
    rds: Client,
    rds_sandbox: Sandbox,
    source: dict[str, Any],
    replica: dict[str, Any],
    *,
    simulated: bool,
) -> None:
    """A delayed replica has the row later, and CloudWatch's ReplicaLag grows meanwhile; then it is 0 again.

    User Guide, "Configuring delayed replication with RDS for PostgreSQL": recovery_min_apply_delay is dynamic.
    """

    def delay(seconds: int) -> None:
        if simulated:
            rds_sandbox.simulate("lag", identifier="replica", seconds=seconds)
        else:
            value = {"ParameterName": "recovery_min_apply_delay", "ParameterValue": str(seconds * 1000)}
            rds.modify_db_parameter_group(**DELAYED, Parameters=[{**value, "ApplyMethod": "immediate"}])
            shown = [("1min" if seconds else "0",)]
            until(lambda: shown == run(sandbox, replica, "SHOW recovery_min_apply_delay"))

    delay(60)
    rows = count(sandbox, replica)
    run(sandbox, source, "INSERT INTO kept VALUES (4)")
    until(lambda: metric(sandbox, "ReplicaLag") > 0)
    assert rows == count(sandbox, replica)

    delay(0)
    until(lambda: count(sandbox, replica) == rows + 1)
    until(lambda: metric(sandbox, "ReplicaLag") == 0)


def metric(sandbox: Mapping[str, str], name: str, identifier: str = "replica") -> float:
    """The last value of a metric."""
    now = datetime.now(UTC)
    answer = make_client(sandbox, "cloudwatch").get_metric_data(
        StartTime=now - timedelta(minutes=5),
        EndTime=now,
        MetricDataQueries=[
            {
                "Id": "one",
                "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/RDS",
                        "MetricName": name,
                        "Dimensions": [{"Name": "DBInstanceIdentifier", "Value": identifier}],
                    },
                    "Period": 60,
                    "Stat": "Average",
                },
            }
        ],
    )
    value: float = answer["MetricDataResults"][0]["Values"][-1]
    return value


def test_metrics_are_those_of_the_server(sandbox: Mapping[str, str], source: dict[str, Any], replica: dict[str, Any]) -> None:
    """Connections are counted, free storage is what the data leave of the allocated; CPU is a percentage."""
    run(sandbox, source, "SELECT 1")
    until(lambda: metric(sandbox, "DatabaseConnections", "source") == 0)
    assert 19 << 30 < metric(sandbox, "FreeStorageSpace", "source") < 20 << 30
    assert 0 <= metric(sandbox, "CPUUtilization", "source") <= 100
    now = datetime.now(UTC)
    statistics = make_client(sandbox, "cloudwatch").get_metric_statistics(
        Namespace="AWS/RDS",
        MetricName="DatabaseConnections",
        Dimensions=[{"Name": "DBInstanceIdentifier", "Value": "source"}],
        StartTime=now - timedelta(minutes=5),
        EndTime=now,
        Period=60,
        Statistics=["Maximum"],
    )
    assert {0.0} == {point["Maximum"] for point in statistics["Datapoints"]}


def test_both_restart(sandbox: Mapping[str, str], rds: Client, source: dict[str, Any], replica: dict[str, Any]) -> None:
    """After reboots of source and replica the replica goes on streaming."""
    for identifier in ("source", "replica"):
        rds.reboot_db_instance(DBInstanceIdentifier=identifier)
        wait_for(rds, identifier, "available")
    rows = count(sandbox, source)
    run(sandbox, source, "INSERT INTO kept VALUES (5)")
    until(lambda: count(sandbox, replica) == rows + 1)


def test_a_replica_of_a_replica(
    sandbox: Mapping[str, str], rds: Client, group: str, source: dict[str, Any], replica: dict[str, Any], cascaded: dict[str, Any]
) -> None:
    """A replica with backups may have replicas of its own; its snapshot is restored to an instance that takes writes."""
    assert ("gp3", 3000, "gp2", None) == tuple(each.get(key) for each in (replica, cascaded) for key in ("StorageType", "Iops"))
    run(sandbox, source, "INSERT INTO kept VALUES (7)")
    rows = count(sandbox, source)
    until(lambda: count(sandbox, cascaded) == rows)
    rds.create_db_snapshot(DBInstanceIdentifier="second", DBSnapshotIdentifier="of-replica")
    waiter = rds.get_waiter("db_snapshot_available")
    waiter.wait(DBSnapshotIdentifier="of-replica", WaiterConfig={"Delay": 0.1, "MaxAttempts": 300})
    rds.restore_db_instance_from_db_snapshot(
        DBInstanceIdentifier="own", DBSnapshotIdentifier="of-replica", VpcSecurityGroupIds=[group]
    )
    restored = wait_for(rds, "own", "available")

    assert [(rows + 1,)] == run(sandbox, restored, "INSERT INTO kept VALUES (8)", "SELECT count(*) FROM kept")
    wait_for(rds, "second", "available")


def test_the_end_of_a_chain(rds: Client, cascaded: dict[str, Any]) -> None:
    """Three are most in a chain; the source of one keeps its backups, also when it is promoted, which withdraws nothing else.

    RDS User Guide, "Using cascading read replicas with RDS for PostgreSQL"; API Reference, PromoteReadReplica.
    """
    second, third = {"DBInstanceIdentifier": "second"}, {"DBInstanceIdentifier": "third"}
    rds.modify_db_instance(**second, BackupRetentionPeriod=1, ApplyImmediately=True)
    until(lambda: not pending(rds, "second"))
    wait_for(rds, "second", "available")
    rds.create_db_instance_read_replica(**third, SourceDBInstanceIdentifier="second")
    wait_for(rds, "third", "available")
    with pytest.raises(ClientError, match="A chain has 3"):
        rds.create_db_instance_read_replica(DBInstanceIdentifier="fourth", SourceDBInstanceIdentifier="third")
    assert "InvalidParameterCombination" == refused(rds.promote_read_replica, **second, BackupRetentionPeriod=0)
    rds.modify_db_instance(**third, DBInstanceClass="db.t4g.small")
    rds.promote_read_replica(**third, BackupRetentionPeriod=0)
    until(lambda: {"DBInstanceClass": "db.t4g.small"} == pending(rds, "third"))
    assert "ReadReplicaSourceDBInstanceIdentifier" not in wait_for(rds, "third", "available")
    delete(rds, "second")


def pending(rds: Client, identifier: str) -> dict[str, Any]:
    """What waits, or is being changed."""
    found: dict[str, Any] = rds.describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"][0]["PendingModifiedValues"]
    return found


def test_a_minor_version_comes_to_replicas_first(rds: Client, source: dict[str, Any], replica: dict[str, Any]) -> None:
    """A source waits until its replicas have it (RDS User Guide, "Upgrades of the RDS for PostgreSQL DB engine")."""
    wanted = {"EngineVersion": "18.6", "ApplyImmediately": True}
    assert "DBUpgradeDependencyFailure" == refused(rds.modify_db_instance, **SOURCE, **wanted)
    for identifier in ("replica", "source"):
        with statuses(rds, identifier, "available") as seen:
            rds.modify_db_instance(DBInstanceIdentifier=identifier, **wanted)
        assert "upgrading" in seen


@pytest.mark.usefixtures("slow")
def test_promotion_detaches(sandbox: Mapping[str, str], rds: Client, source: dict[str, Any], replica: dict[str, Any]) -> None:
    """The promoted instance takes writes and has backups; source and former replica know each other no more."""
    with statuses(rds, "replica", "available") as seen:
        rds.promote_read_replica(**REPLICA, BackupRetentionPeriod=2, PreferredBackupWindow="01:00-01:30")
    promoted = rds.describe_db_instances(**REPLICA)["DBInstances"][0]
    rows = count(sandbox, source)
    run(sandbox, promoted, "INSERT INTO kept VALUES (6)")

    assert ["available", "modifying", "backing-up", "available"] == seen
    assert rows == count(sandbox, source)
    assert "ReadReplicaSourceDBInstanceIdentifier" not in promoted
    assert (2, "01:00-01:30") == (promoted["BackupRetentionPeriod"], promoted["PreferredBackupWindow"])
    assert [] == rds.describe_db_instances(**SOURCE)["DBInstances"][0]["ReadReplicaDBInstanceIdentifiers"]
    assert [] == run(sandbox, source, "SELECT slot_name FROM pg_replication_slots")
    assert any("Promoted" in message for message in messages(rds, "replica"))


def test_a_deleted_source_leaves_promoted_replicas(sandbox: Mapping[str, str], rds: Client, ec2: Client, group: str) -> None:
    """Deleting a source promotes its replicas, whatever they are at; deleting a replica frees its source.

    All replicas are in one VPC, in its default group where none is named (API Reference, CreateDBInstanceReadReplica).
    """
    made = create(rds, "mother", group, BackupRetentionPeriod=1)
    run(sandbox, made, "CREATE TABLE kept AS SELECT 1 AS value")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    blocks = [{"CidrBlock": f"10.9.{number}.0/24", "AvailabilityZone": f"ca-central-1{'ab'[number]}"} for number in (0, 1)]
    ids = [ec2.create_subnet(VpcId=vpc, **each)["Subnet"]["SubnetId"] for each in blocks]
    rds.create_db_subnet_group(DBSubnetGroupName="Elsewhere", DBSubnetGroupDescription="test", SubnetIds=ids)
    request = {"DBInstanceIdentifier": "child", "SourceDBInstanceIdentifier": "mother"}
    there = {"DBInstanceIdentifier": "other-child", "DBSubnetGroupName": "Elsewhere", "PubliclyAccessible": False}
    [shown] = rds.create_db_instance_read_replica(**{**request, **there})["DBInstance"]["VpcSecurityGroups"]
    [security_group] = ec2.describe_security_groups(GroupIds=[shown["VpcSecurityGroupId"]])["SecurityGroups"]
    assert (vpc, "default") == (security_group["VpcId"], security_group["GroupName"])
    wait_for(rds, "other-child", "available")
    assert "InvalidDBSubnetGroupFault" == refused(rds.create_db_instance_read_replica, **request)
    delete(rds, "other-child")
    for name in ("child", "twin"):
        rds.create_db_instance_read_replica(**{**request, "DBInstanceIdentifier": name})
    for name in ("child", "twin"):
        wait_for(rds, name, "available")
    rds.promote_read_replica(DBInstanceIdentifier="child")
    rds.reboot_db_instance(DBInstanceIdentifier="twin")
    delete(rds, "mother")

    for name in ("child", "twin"):
        orphan = wait_for(rds, name, "available")
        assert "ReadReplicaSourceDBInstanceIdentifier" not in orphan
        assert [(2,)] == run(sandbox, orphan, "INSERT INTO kept VALUES (2)", "SELECT count(*) FROM kept")


def delete(rds: Client, name: str) -> None:
    """Delete an instance, and wait until it is gone."""
    rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    rds.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 300})
