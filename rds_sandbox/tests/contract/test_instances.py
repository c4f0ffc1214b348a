"""DB instances, held to what AWS documents, through boto3 and psycopg."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from botocore.exceptions import ClientError

from tests.support import PASSWORD, Client, connect, from_address, make_group, reset, tcp, wait_for, wanted

pytestmark = pytest.mark.usefixtures("emptied")

ORIGINAL = {  # the command that the old wiki page had, with a version that is offered today
    "DBInstanceIdentifier": "an-instance",
    "DBInstanceClass": "db.t3.micro",
    "Engine": "postgres",
    "EngineVersion": "17",
    "MasterUsername": "master",
    "MasterUserPassword": PASSWORD,
    "AllocatedStorage": 20,
    "StorageType": "gp2",
    "AvailabilityZone": "ca-central-1a",
    "BackupRetentionPeriod": 0,
    "Port": 5432,
    "MultiAZ": False,
    "DBName": "app",
    "PubliclyAccessible": True,
    "StorageEncrypted": True,
    "EnablePerformanceInsights": True,
    "PerformanceInsightsRetentionPeriod": 7,
    "DeletionProtection": False,
    "Tags": [{"Key": "Owner", "Value": "somebody"}],
}
RETURNED_ELSEWHERE = {  # request member: what DescribeDBInstances calls it
    "EnablePerformanceInsights": "PerformanceInsightsEnabled",
    "Tags": "TagList",
}


@pytest.fixture(scope="module")
def instance(rds: Client, ec2: Client) -> dict[str, Any]:
    """An available instance that the operator may connect to."""
    group = make_group(ec2, "open", tcp(5432, **from_address("203.0.113.10/32")))
    rds.create_db_instance(**ORIGINAL, VpcSecurityGroupIds=[group])
    rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier="an-instance", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    return wait_for(rds, "an-instance", "available")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells whose the shared pages are")
def test_an_idle_instance_is_small(control: Callable[..., Any], instance: dict[str, Any]) -> None:
    """Its processes have less than 40 MB, so that 50 of them fit beside whatever tests them."""
    [described] = control("GET", "/status")["DBInstances"]
    data = Path(described["Logs"]).parent / "data"
    pages = [process.memory_full_info().pss for process in psutil.process_iter(["cwd"]) if process.info["cwd"] == str(data)]
    assert 0 < sum(pages) < 40 << 20


def test_parameters_come_back_as_they_were_sent(instance: dict[str, Any]) -> None:
    """Every parameter of the original creation command is in DescribeDBInstances, unchanged."""
    sent = {key: value for key, value in ORIGINAL.items() if key not in ("MasterUserPassword", "EngineVersion", "Port")}

    assert sent == {key: instance[RETURNED_ELSEWHERE.get(key, key)] for key in sent}
    assert instance["EngineVersion"].startswith("17.")


def test_what_rds_fills_in(rds: Client) -> None:
    """What the request leaves out comes back as on AWS: the default minor, gp3's baseline, authority, license, key.

    Of the zone the answer has what was asked for (AWS CLI, create-db-instance).
    """
    zone = {"AvailabilityZone": "ca-central-1b"}
    made = rds.create_db_instance(**wanted("filled-in", StorageEncrypted=True, **zone))["DBInstance"]

    assert ("18.6", "ca-central-1b") == (made["EngineVersion"], made["AvailabilityZone"])
    assert (3000, 125) == (made["Iops"], made["StorageThroughput"])
    assert "rds-ca-rsa2048-g1" == made["CACertificateIdentifier"]
    assert "postgresql-license" == made["LicenseModel"]
    assert made["KmsKeyId"].startswith("arn:aws:kms:ca-central-1:")
    assert "default" == made["DBSubnetGroup"]["DBSubnetGroupName"]
    assert "default.postgres18" == made["DBParameterGroups"][0]["DBParameterGroupName"]
    wait_for(rds, "filled-in", "available")


def test_endpoint_has_the_port_asked_for_on_an_address_of_its_own(instance: dict[str, Any]) -> None:
    """The endpoint keeps the very port, on a loopback address that no other instance has."""
    assert instance["Endpoint"]["Port"] == 5432
    assert instance["Endpoint"]["Address"].startswith("127.")
    assert instance["Endpoint"]["Address"] != "127.0.0.1"


@pytest.mark.usefixtures("slow")
def test_statuses_follow_the_server(rds: Client) -> None:
    """creating without an endpoint, then backing-up where backups are on, then available."""
    seen: list[tuple[str, bool]] = []
    rds.create_db_instance(**wanted("statuses", BackupRetentionPeriod=1))
    while not seen or seen[-1][0] != "available":
        found = rds.describe_db_instances(DBInstanceIdentifier="statuses")["DBInstances"][0]
        state = (found["DBInstanceStatus"], "Endpoint" in found)
        if state not in seen:
            seen.append(state)
        time.sleep(0.05)

    assert seen[0] == ("creating", False)
    assert [status for status, _ in seen if status != "creating"] == ["backing-up", "available"]


def test_every_instance_has_its_own_resource_id(rds: Client, instance: dict[str, Any]) -> None:
    """DbiResourceId differs from instance to instance."""
    other = rds.create_db_instance(**wanted("other-id"))["DBInstance"]

    assert other["DbiResourceId"].startswith("db-")
    assert other["DbiResourceId"] != instance["DbiResourceId"]


def test_tags_stick(rds: Client, instance: dict[str, Any]) -> None:
    """Tags given at creation and later are listed, and go away when removed."""
    arn = instance["DBInstanceArn"]
    rds.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "Expires", "Value": "2030-01-01"}])
    both = rds.list_tags_for_resource(ResourceName=arn)["TagList"]
    rds.remove_tags_from_resource(ResourceName=arn, TagKeys=["Expires"])

    assert {"Owner", "Expires"} == {tag["Key"] for tag in both}
    assert ["Owner"] == [tag["Key"] for tag in rds.list_tags_for_resource(ResourceName=arn)["TagList"]]


def test_master_user_is_no_superuser(sandbox: Mapping[str, str], instance: dict[str, Any]) -> None:
    """The master user creates databases and roles, is in rds_superuser, and is no superuser."""
    with connect(sandbox, instance) as connection:
        row = connection.execute(
            "SELECT rolsuper, rolcreatedb, rolcreaterole, pg_has_role('rds_superuser', 'member')"
            " FROM pg_roles WHERE rolname = current_user"
        ).fetchone()

    assert (False, True, True, True) == row


def test_cluster_belongs_to_rdsadmin(sandbox: Mapping[str, str], instance: dict[str, Any]) -> None:
    """The only superuser is rdsadmin; DBName exists and belongs to the master user."""
    with connect(sandbox, instance) as connection:
        superusers = connection.execute("SELECT rolname FROM pg_roles WHERE rolsuper").fetchall()
        owner = connection.execute("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'app'").fetchone()

    assert [("rdsadmin",)] == superusers
    assert ("master",) == owner


def test_superuser_statement_is_refused(sandbox: Mapping[str, str], instance: dict[str, Any]) -> None:
    """What only a superuser may do fails with "insufficient privilege"."""
    with connect(sandbox, instance) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("ALTER SYSTEM SET work_mem = '1MB'")


def test_passwords_are_scram(sandbox: Mapping[str, str], instance: dict[str, Any]) -> None:
    """New passwords are stored as SCRAM verifiers, and a wrong one is refused at once."""
    with connect(sandbox, instance) as connection:
        assert ("scram-sha-256",) == connection.execute("SHOW password_encryption").fetchone()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(sandbox, instance, password="wrong-password")


def test_managed_password_is_random_and_works(
    sandbox: Mapping[str, str], rds: Client, ec2: Client, secretsmanager: Client
) -> None:
    """ManageMasterUserPassword keeps a working secret with the right user name; a rotation changes it."""
    group = make_group(ec2, "managed", tcp(5432, **from_address("203.0.113.0/24")))
    request = wanted("managed", MasterUserPassword=None, ManageMasterUserPassword=True, VpcSecurityGroupIds=[group])
    rds.create_db_instance(**request)
    found = wait_for(rds, "managed", "available")
    arn = found["MasterUserSecret"]["SecretArn"]
    first = json.loads(secretsmanager.get_secret_value(SecretId=arn)["SecretString"])
    rds.modify_db_instance(DBInstanceIdentifier="managed", RotateMasterUserPassword=True, ApplyImmediately=True)
    wait_for(rds, "managed", "available")
    second = json.loads(secretsmanager.get_secret_value(SecretId=arn)["SecretString"])

    assert "master" == first["username"] == second["username"]
    assert first["password"] != second["password"]
    connect(sandbox, found, password=second["password"]).close()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(sandbox, found, password=first["password"])


def test_secrets_manager_lets_rds_rotate(sandbox: Mapping[str, str], rds: Client, ec2: Client, secretsmanager: Client) -> None:
    """RotateSecret needs no function: a schedule, and a password that reaches the server (its guide, "Managed rotation")."""
    group = make_group(ec2, "rotated", tcp(5432, **from_address("203.0.113.0/24")))
    rds.create_db_instance(
        **wanted("rotated", MasterUserPassword=None, ManageMasterUserPassword=True, VpcSecurityGroupIds=[group])
    )
    found = wait_for(rds, "rotated", "available")
    name = {"SecretId": found["MasterUserSecret"]["SecretArn"]}
    first = secretsmanager.get_secret_value(**name)["VersionId"]
    assert "InvalidParameterException" == code_of(
        secretsmanager.rotate_secret, **name, RotationRules={"ScheduleExpression": "rate(10 weeks)"}
    )
    for rules in ({"AutomaticallyAfterDays": 30}, {"ScheduleExpression": "rate(10 days)", "Duration": "2h"}):
        secretsmanager.rotate_secret(**name, RotateImmediately=False, RotationRules=rules)
        told = secretsmanager.describe_secret(**name)
        assert (True, rules) == (told["RotationEnabled"], told["RotationRules"])
    assert 9.9 < (told["NextRotationDate"].timestamp() - time.time()) / 86400 < 10.1
    assert first == secretsmanager.get_secret_value(**name)["VersionId"]
    token = secretsmanager.rotate_secret(**name)["VersionId"]
    wait_for(rds, "rotated", "available")
    value = secretsmanager.get_secret_value(**name)
    assert (token, rules) == (value["VersionId"], secretsmanager.describe_secret(**name)["RotationRules"])
    connect(sandbox, found, password=json.loads(value["SecretString"])["password"]).close()
    assert "LastRotatedDate" in secretsmanager.describe_secret(**name)


def test_modified_password_works(sandbox: Mapping[str, str], rds: Client, instance: dict[str, Any]) -> None:
    """ModifyDBInstance gives the server the new master password."""
    rds.modify_db_instance(DBInstanceIdentifier="an-instance", MasterUserPassword="another-password", ApplyImmediately=True)
    wait_for(rds, "an-instance", "available")
    connect(sandbox, instance, password="another-password").close()
    rds.modify_db_instance(DBInstanceIdentifier="an-instance", MasterUserPassword=PASSWORD, ApplyImmediately=True)
    wait_for(rds, "an-instance", "available")
    connect(sandbox, instance).close()


def test_stop_ends_the_server_and_start_brings_the_data_back(
    sandbox: Mapping[str, str], rds: Client, instance: dict[str, Any]
) -> None:
    """A stopped instance refuses connections; started, it has its data and its endpoint again."""
    with connect(sandbox, instance) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS value")
    rds.stop_db_instance(DBInstanceIdentifier="an-instance")
    wait_for(rds, "an-instance", "stopped")
    with pytest.raises(psycopg.OperationalError):
        connect(sandbox, instance, connect_timeout=2)
    change = {"MasterUserPassword": "lost-otherwise", "ApplyImmediately": True}
    assert "InvalidDBInstanceState" == code_of(rds.modify_db_instance, DBInstanceIdentifier="an-instance", **change)
    rds.start_db_instance(DBInstanceIdentifier="an-instance")
    started = wait_for(rds, "an-instance", "available")

    assert instance["Endpoint"] == started["Endpoint"]
    with connect(sandbox, started) as connection:
        assert (1,) == connection.execute("SELECT value FROM kept").fetchone()


def test_delete_obeys_protection_and_the_final_snapshot_rule(rds: Client) -> None:
    """A protected instance stays; one without a word on the final snapshot stays; else it goes."""
    rds.create_db_instance(**wanted("doomed", DeletionProtection=True))
    wait_for(rds, "doomed", "available")
    assert "InvalidParameterCombination" == code_of(rds.delete_db_instance, DBInstanceIdentifier="doomed", SkipFinalSnapshot=True)
    rds.modify_db_instance(DBInstanceIdentifier="doomed", DeletionProtection=False, ApplyImmediately=True)
    wait_for(rds, "doomed", "available")
    assert "InvalidParameterCombination" == code_of(rds.delete_db_instance, DBInstanceIdentifier="doomed")

    answer = rds.delete_db_instance(DBInstanceIdentifier="doomed", FinalDBSnapshotIdentifier="last-one")

    assert "deleting" == answer["DBInstance"]["DBInstanceStatus"]
    rds.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier="doomed", WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    assert "DBInstanceNotFound" == code_of(rds.describe_db_instances, DBInstanceIdentifier="doomed")
    assert ["last-one"] == [
        snapshot["DBSnapshotIdentifier"] for snapshot in rds.describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
    ]


def test_wrong_state_is_refused(rds: Client) -> None:
    """What an instance that is being created cannot do gets InvalidDBInstanceState."""
    rds.create_db_instance(**wanted("busy"))

    assert "InvalidDBInstanceState" == code_of(rds.stop_db_instance, DBInstanceIdentifier="busy")
    wait_for(rds, "busy", "available")


def test_reset_leaves_no_server_running(sandbox: Mapping[str, str], rds: Client, control: Callable[..., Any]) -> None:
    """/moto-api/reset ends every server, those that are being created too."""
    rds.create_db_instance(**wanted("gone-soon"))
    reset(sandbox)

    assert [] == control("GET", "/status")["DBInstances"]
    assert [] == rds.describe_db_instances()["DBInstances"]


def code_of(call: Callable[..., Any], **parameters: Any) -> str:
    """The error code that the call is answered with."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    code: str = caught.value.response["Error"]["Code"]
    return code
