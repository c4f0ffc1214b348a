"""ModifyDBInstance, held to what AWS documents, through boto3 and psycopg."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from rds_sandbox import Sandbox
from tests import functions
from tests.instance import create, messages, open_group, refused, run, statuses
from tests.support import PASSWORD, Client, connect, make_client, wait_for, wanted

COMBINATION, VALUE = "InvalidParameterCombination", "InvalidParameterValue"
MONITORING = "monitoring.rds.amazonaws.com"


@pytest.fixture(scope="module")
def instance(rds: Client, group: str) -> dict[str, Any]:
    """An instance of an older major, so that there is something to upgrade to."""
    return create(rds, "changing", group, EngineVersion="17.9", DBInstanceClass="db.t4g.micro")


def describe(rds: Client, identifier: str = "changing") -> dict[str, Any]:
    """The instance as it is now."""
    found: dict[str, Any] = rds.describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"][0]
    return found


def change(rds: Client, identifier: str = "changing", **request: Any) -> dict[str, Any]:
    """Modify the instance at once, and wait until that is done."""
    with statuses(rds, identifier, "available"):
        rds.modify_db_instance(DBInstanceIdentifier=identifier, ApplyImmediately=True, **request)
    return describe(rds, identifier)


def open_window(rds_sandbox: Sandbox, identifier: str = "changing") -> None:
    """Let the maintenance window come."""
    rds_sandbox.simulate("maintenance", identifier=identifier)


@pytest.mark.usefixtures("slow")
def test_changes_wait_for_the_window(
    sandbox: Mapping[str, str], rds: Client, rds_sandbox: Sandbox, instance: dict[str, Any]
) -> None:
    """Class and storage are pending until the window comes, which restarts the server; then they hold."""
    started = run(sandbox, instance, "SELECT pg_postmaster_start_time()")
    rds.modify_db_instance(DBInstanceIdentifier="changing", DBInstanceClass="db.t4g.small", AllocatedStorage=21)
    waiting = describe(rds)
    assert {"DBInstanceClass": "db.t4g.small", "AllocatedStorage": 22} == waiting["PendingModifiedValues"]
    assert (
        "available",
        "db.t4g.micro",
        20,
    ) == tuple(waiting[key] for key in ("DBInstanceStatus", "DBInstanceClass", "AllocatedStorage"))
    with statuses(rds, "changing", "available") as seen:
        open_window(rds_sandbox)
    done = describe(rds)

    assert ["modifying", "available"] == seen  # the window says at once that it has begun
    assert ("db.t4g.small", 22, {}) == (done["DBInstanceClass"], done["AllocatedStorage"], done["PendingModifiedValues"])
    assert started < run(sandbox, instance, "SELECT pg_postmaster_start_time()")
    assert "Finished applying modification to allocated storage" in messages(rds, "changing")
    open_window(rds_sandbox)  # with nothing to do


def test_a_pending_change_is_withdrawn(rds: Client, instance: dict[str, Any]) -> None:
    """Asking for the present value takes it out of what is pending."""
    name = {"DBInstanceIdentifier": "changing"}
    before = describe(rds)["DBInstanceClass"]
    rds.modify_db_instance(**name, DBInstanceClass="db.t4g.medium")
    assert {"DBInstanceClass": "db.t4g.medium"} == describe(rds)["PendingModifiedValues"]
    rds.modify_db_instance(**name, DBInstanceClass=before)
    assert {} == describe(rds)["PendingModifiedValues"]


def test_what_never_waits(rds: Client, instance: dict[str, Any]) -> None:
    """Protection and the like are changed in the very answer, whatever ApplyImmediately says.

    RDS User Guide, "Settings for DB instances": the change occurs immediately.
    """
    wanted = {"DeletionProtection": True, "CopyTagsToSnapshot": True, "MaxAllocatedStorage": 100}
    answer = rds.modify_db_instance(DBInstanceIdentifier="changing", **wanted)["DBInstance"]
    done = wait_for(rds, "changing", "available")

    for found in (answer, done):
        assert {**wanted, "PendingModifiedValues": {}} == {key: found[key] for key in (*wanted, "PendingModifiedValues")}
    change(rds, DeletionProtection=False)


@pytest.mark.usefixtures("slow")
def test_the_answer_has_the_old_values(rds: Client, ec2: Client, group: str, instance: dict[str, Any]) -> None:
    """It says available and what is to come; modifying follows a moment later, and then the new values.

    API Reference, ModifyDBInstance and PendingModifiedValues: public access and Performance Insights are no members.
    """
    other = open_group(ec2, "other")
    values = {"PubliclyAccessible": False, "EnablePerformanceInsights": True, "VpcSecurityGroupIds": [other], "MultiAZ": True}
    with statuses(rds, "changing", "available") as seen:
        answer = rds.modify_db_instance(DBInstanceIdentifier="changing", ApplyImmediately=True, **values)["DBInstance"]
        assert "DependencyViolation" == refused(ec2.delete_security_group, GroupId=other)
        taken = refused(rds.delete_db_instance, DBInstanceIdentifier="changing", SkipFinalSnapshot=True)
    shown = ("DBInstanceStatus", "PubliclyAccessible", "PerformanceInsightsEnabled", "MultiAZ", "PendingModifiedValues")

    assert ("available", True, False, False, {"MultiAZ": True}) == tuple(answer[key] for key in shown)
    assert {group: "removing", other: "adding"} == groups(answer)
    assert ("InvalidDBInstanceState", ["modifying", "available"]) == (taken, seen[-2:])
    assert ("available", False, True, True, {}) == tuple(describe(rds)[key] for key in shown)
    assert {other: "active"} == groups(describe(rds))


def groups(instance: dict[str, Any]) -> dict[str, str]:
    """The statuses of an instance's security groups."""
    return {each["VpcSecurityGroupId"]: each["Status"] for each in instance["VpcSecurityGroups"]}


def test_public_access_and_groups(
    sandbox: Mapping[str, str], rds: Client, ec2: Client, group: str, instance: dict[str, Any]
) -> None:
    """Without public access, and without a group that admits, there is silence; both come back at once."""
    closed = ec2.create_security_group(GroupName="closed", Description="test")["GroupId"]
    for off, on in (
        ({"PubliclyAccessible": False}, {"PubliclyAccessible": True}),
        ({"VpcSecurityGroupIds": [closed]}, {"VpcSecurityGroupIds": [group]}),
    ):
        change(rds, **off)
        with pytest.raises(psycopg.errors.ConnectionTimeout):
            connect(sandbox, instance, connect_timeout=2)
        change(rds, **on)
        connect(sandbox, instance).close()


def test_performance_insights(sandbox: Mapping[str, str], rds: Client, instance: dict[str, Any]) -> None:
    """On, it keeps a week, unless more is asked for; the advanced mode asks for 15 months; off, nothing is kept.

    Its key stays. API Reference, ModifyDBInstance: EnablePerformanceInsights, PerformanceInsightsRetentionPeriod,
    DatabaseInsightsMode.
    """
    key = make_client(sandbox, "kms").create_key()["KeyMetadata"]["Arn"]
    enabled, found = "EnablePerformanceInsights", []
    for asked in (
        {enabled: True}, {"PerformanceInsightsRetentionPeriod": 465}, {"DatabaseInsightsMode": "advanced"},
        {enabled: False, "DatabaseInsightsMode": "standard"}, {enabled: True}, {enabled: False},
    ):  # fmt: skip
        made = change(rds, **asked)
        found.append((made.get("PerformanceInsightsRetentionPeriod"), made["DatabaseInsightsMode"]))
        own = {"DBInstanceIdentifier": "changing", "PerformanceInsightsKMSKeyId": key}
        assert COMBINATION == refused(rds.modify_db_instance, **own)
        if found[-1][1] == "advanced":
            week = {"DBInstanceIdentifier": "changing", "PerformanceInsightsRetentionPeriod": 7}
            assert COMBINATION == refused(rds.modify_db_instance, **week)
    assert [7, 465, 465, None, 7, None] == [days for days, _ in found]
    assert ["standard"] * 2 + ["advanced"] + ["standard"] * 3 == [mode for _, mode in found]


def test_windows_over_midnight(rds: Client, group: str, instance: dict[str, Any]) -> None:
    """API Reference, CreateDBInstance: half an hour, also over the end of the day or the week; windows may touch."""
    windows = {"PreferredMaintenanceWindow": "Sun:23:45-Mon:00:15", "PreferredBackupWindow": "00:15-00:45"}
    shown = {**windows, "PreferredMaintenanceWindow": "sun:23:45-mon:00:15"}
    made = rds.create_db_instance(**wanted("nightly", VpcSecurityGroupIds=[group], **windows))["DBInstance"]
    assert shown == {key: made[key] for key in windows}
    changed = change(rds, **windows)
    assert shown == {key: changed[key] for key in windows}
    wait_for(rds, "nightly", "available")


def test_storage_only_grows_and_then_rests(rds: Client, rds_sandbox: Sandbox, group: str) -> None:
    """It cannot shrink; the second change within six hours is refused, until the window has come."""
    create(rds, "growing", group)
    request = {"DBInstanceIdentifier": "growing", "ApplyImmediately": True}
    assert COMBINATION == refused(rds.modify_db_instance, **request, AllocatedStorage=10)
    assert 30 == change(rds, "growing", AllocatedStorage=30)["AllocatedStorage"]
    assert COMBINATION == refused(rds.modify_db_instance, **request, AllocatedStorage=20)
    assert COMBINATION == refused(rds.modify_db_instance, **request, AllocatedStorage=40)
    open_window(rds_sandbox, "growing")
    assert 40 == change(rds, "growing", AllocatedStorage=40)["AllocatedStorage"]


def test_performance_is_that_of_the_storage(rds: Client, rds_sandbox: Sandbox, group: str) -> None:
    """Without a type it is gp3; a baseline goes with its type and size (RDS User Guide, "gp3 storage (recommended)")."""
    made = create(rds, "striped", group, StorageType=None, AllocatedStorage=100)
    found = [performance(made)]
    for asked in (
        {"AllocatedStorage": 400}, {"StorageType": "io1", "Iops": 2000},
        {"StorageType": "gp3", "AllocatedStorage": 400, "Iops": 12000}, {"StorageType": "gp2", "Iops": 0},
    ):  # fmt: skip
        found.append(performance(change(rds, "striped", **asked)))
        open_window(rds_sandbox, "striped")
    assert [("gp3", 3000, 125), ("gp3", 12000, 500), ("io1", 2000, 0), ("gp3", 12000, 500), ("gp2", None, 0)] == found


def performance(instance: dict[str, Any]) -> tuple[Any, ...]:
    """What DescribeDBInstances tells of the storage."""
    return instance["StorageType"], instance.get("Iops"), instance["StorageThroughput"]


def test_what_is_refused(sandbox: Mapping[str, str], rds: Client, group: str, instance: dict[str, Any]) -> None:
    """A downgrade, a major upgrade that was not allowed, an unknown class, a name that is taken, values out of range."""
    create(rds, "neighbour", group)
    kms = make_client(sandbox, "kms")
    disabled, deleted = (kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(2))
    kms.disable_key(KeyId=disabled)
    kms.schedule_key_deletion(KeyId=deleted)
    subnets = rds.describe_db_subnet_groups()["DBSubnetGroups"][0]["Subnets"]
    ids = [each["SubnetIdentifier"] for each in subnets]
    rds.create_db_subnet_group(DBSubnetGroupName="neighbours", DBSubnetGroupDescription="test", SubnetIds=ids)
    cases: list[tuple[str, dict[str, Any]]] = [
        (COMBINATION, {"EngineVersion": "16"}),
        (COMBINATION, {"EngineVersion": "17.8"}),
        (COMBINATION, {"EngineVersion": "18"}),
        (VALUE, {"DBInstanceClass": "db.x"}),
        ("DBInstanceAlreadyExists", {"NewDBInstanceIdentifier": "neighbour"}),
        (VALUE, {"NewDBInstanceIdentifier": "a--b"}),
        (VALUE, {"VpcSecurityGroupIds": []}),
        (VALUE, {"BackupRetentionPeriod": 36}),
        (VALUE, {"MasterUserPassword": "short"}),
        (COMBINATION, {"RotateMasterUserPassword": True}),
        ("DBParameterGroupNotFound", {"DBParameterGroupName": "nowhere"}),
        (COMBINATION, {"DBParameterGroupName": "default.postgres16"}),
        ("OptionGroupNotFoundFault", {"OptionGroupName": "nowhere"}),
        (COMBINATION, {"OptionGroupName": "default:postgres-18"}),
        ("DBSubnetGroupNotFoundFault", {"DBSubnetGroupName": "nowhere"}),
        ("InvalidVPCNetworkStateFault", {"DBSubnetGroupName": "neighbours"}),
        ("KMSKeyNotAccessibleFault", {"PerformanceInsightsKMSKeyId": "alias/nowhere", "EnablePerformanceInsights": True}),
        ("KMSKeyNotAccessibleFault", {"PerformanceInsightsKMSKeyId": disabled, "EnablePerformanceInsights": True}),
        ("KMSKeyNotAccessibleFault", {"MasterUserSecretKmsKeyId": deleted, "ManageMasterUserPassword": True}),
        (COMBINATION, {"MasterUserSecretKmsKeyId": "alias/aws/secretsmanager"}),
        (COMBINATION, {"LicenseModel": "bring-your-own-license"}),
        (COMBINATION, {"MonitoringInterval": 60}),
        (COMBINATION, {"MonitoringRoleArn": "arn:aws:iam::123456789012:role/monitoring"}),
        (VALUE, {"MonitoringInterval": 7}),
        (VALUE, {"MonitoringInterval": 60, "MonitoringRoleArn": "arn:aws:iam::123456789012:role/nobody"}),
        (VALUE, {"PreferredBackupWindow": "night"}),
        (VALUE, {"PreferredBackupWindow": "23:50-00:19"}),
        (VALUE, {"PreferredMaintenanceWindow": "sun:23:45-mon:00:14"}),
        (COMBINATION, {"Engine": "oracle-ee-cdb"}),
        (VALUE, {"EngineLifecycleSupport": "nonsense"}),
        (COMBINATION, {"CertificateRotationRestart": False}),
        (COMBINATION, {}),
        (COMBINATION, {"AllowMajorVersionUpgrade": True}),
    ]
    for code, wrong in cases:
        request = {"DBInstanceIdentifier": "changing", "ApplyImmediately": True, **wrong}
        assert code == refused(rds.modify_db_instance, **request), wrong
    assert {} == describe(rds)["PendingModifiedValues"]


def test_the_role_of_enhanced_monitoring(sandbox: Mapping[str, str], rds: Client, instance: dict[str, Any]) -> None:
    """It must trust monitoring.rds.amazonaws.com (RDS User Guide, "Setting up and enabling Enhanced Monitoring")."""
    iam, request = make_client(sandbox, "iam"), {"DBInstanceIdentifier": "changing", "MonitoringInterval": 60}
    wrong = functions.make_role(iam, "of-functions")
    assert VALUE == refused(rds.modify_db_instance, **request, MonitoringRoleArn=wrong)
    right = functions.make_role(iam, "emaccess", {**functions.TRUST, "Principal": {"Service": MONITORING}})
    found = change(rds, MonitoringInterval=60, MonitoringRoleArn=right)
    assert (60, right) == (found["MonitoringInterval"], found["MonitoringRoleArn"])
    assert "Monitoring Interval changed to 60" in messages(rds, "changing")
    assert 0 == change(rds, MonitoringInterval=0)["MonitoringInterval"]


@pytest.mark.usefixtures("slow")
def test_moving_to_another_vpc(rds: Client, ec2: Client, group: str, instance: dict[str, Any]) -> None:
    """The status is moving-to-vpc, and then it is in a zone of its new subnet group; names of those have no case.

    RDS User Guide, "Updating the VPC for a DB instance", "Viewing Amazon RDS DB instance status".
    """
    assert create(rds, "moving", group, PubliclyAccessible=None, DBSubnetGroupName="Default")["PubliclyAccessible"]
    rds.modify_db_instance(DBInstanceIdentifier="moving", DBSubnetGroupName="DEFAULT")  # where it is
    zones = sorted({each["AvailabilityZone"] for each in ec2.describe_subnets()["Subnets"]})[1:]
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    blocks = [{"CidrBlock": f"10.9.{number}.0/24", "AvailabilityZone": zone} for number, zone in enumerate(zones)]
    ids = [ec2.create_subnet(VpcId=vpc, **each)["Subnet"]["SubnetId"] for each in blocks]
    rds.create_db_subnet_group(DBSubnetGroupName="elsewhere", DBSubnetGroupDescription="test", SubnetIds=ids)
    there = {"DBSubnetGroupName": "elsewhere", "PubliclyAccessible": False}
    with statuses(rds, "moving", "available") as seen:
        rds.modify_db_instance(DBInstanceIdentifier="moving", ApplyImmediately=True, **there)
    found = describe(rds, "moving")

    assert ["available", "modifying", "moving-to-vpc", "available"] == seen
    assert (vpc, True) == (found["DBSubnetGroup"]["VpcId"], found["AvailabilityZone"] in zones)
    assert ["active"] == list(groups(found).values())


@pytest.mark.usefixtures("slow")
def test_statuses_of_their_own(rds: Client, instance: dict[str, Any]) -> None:
    """RDS User Guide, "Viewing Amazon RDS DB instance status": of IAM authentication and of exports of logs."""
    logs = {"CloudwatchLogsExportConfiguration": {"EnableLogTypes": ["postgresql"]}}
    for asked, status in (
        ({"EnableIAMDatabaseAuthentication": True}, "configuring-iam-database-auth"), (logs, "configuring-log-exports"),
    ):  # fmt: skip
        with statuses(rds, "changing", "available") as seen:
            rds.modify_db_instance(DBInstanceIdentifier="changing", ApplyImmediately=True, **asked)
        assert [status, "available"] == seen[-2:]
    done = describe(rds)
    assert (True, ["postgresql"]) == (done["IAMDatabaseAuthenticationEnabled"], done["EnabledCloudwatchLogsExports"])
    change(rds, EnableIAMDatabaseAuthentication=False, CloudwatchLogsExportConfiguration={"DisableLogTypes": ["postgresql"]})
    assert "EnabledCloudwatchLogsExports" not in describe(rds)


@pytest.mark.usefixtures("slow")
def test_a_minor_upgrade(rds: Client, instance: dict[str, Any]) -> None:
    """The status is upgrading, a moment after the answer."""
    with statuses(rds, "changing", "available") as seen:
        rds.modify_db_instance(DBInstanceIdentifier="changing", EngineVersion="17.11", ApplyImmediately=True)
    assert (["available", "upgrading", "available"], "17.11") == (seen, describe(rds)["EngineVersion"])


@pytest.mark.usefixtures("slow")
def test_the_password(sandbox: Mapping[str, str], rds: Client, secretsmanager: Client, instance: dict[str, Any]) -> None:
    """A new one holds at once; one that Secrets Manager keeps replaces it, and goes with its secret."""
    with statuses(rds, "changing", "available") as seen:
        pending = rds.modify_db_instance(DBInstanceIdentifier="changing", MasterUserPassword="another-password")["DBInstance"]
    assert ["available", "resetting-master-credentials", "available"] == seen
    assert {"MasterUserPassword": "****"} == pending["PendingModifiedValues"]
    run(sandbox, instance, "SELECT 1", password="another-password")
    arn = change(rds, ManageMasterUserPassword=True)["MasterUserSecret"]["SecretArn"]
    assert arn == change(rds, ManageMasterUserPassword=True)["MasterUserSecret"]["SecretArn"]
    unmanaged = change(rds, ManageMasterUserPassword=False, MasterUserPassword=PASSWORD)

    assert "MasterUserSecret" not in unmanaged
    assert "ResourceNotFoundException" == refused(secretsmanager.get_secret_value, SecretId=arn)
    run(sandbox, instance, "SELECT 1")


def test_addresses_belong_to_names(sandbox: Mapping[str, str], rds: Client, group: str) -> None:
    """After two instances have swapped names, the address that clients used reaches the other one; and back again."""
    blue, green = create(rds, "blue", group), create(rds, "green", group)
    for made, colour in ((blue, "blue"), (green, "green")):
        run(sandbox, made, f"CREATE TABLE colour AS SELECT '{colour}' AS name")
    request = {"DBInstanceIdentifier": "blue", "NewDBInstanceIdentifier": "blue-old", "ApplyImmediately": True}
    answer = rds.modify_db_instance(**request)["DBInstance"]
    assert ("available", {"DBInstanceIdentifier": "blue-old"}) == (answer["DBInstanceStatus"], answer["PendingModifiedValues"])
    rds.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier="blue", WaiterConfig={"Delay": 0.05, "MaxAttempts": 300})
    wait_for(rds, "blue-old", "available")
    rename(rds, "green", "blue")

    assert [("green",)] == run(sandbox, blue, "SELECT name FROM colour")
    assert blue["Endpoint"] == describe(rds, "blue")["Endpoint"]
    assert [("blue",)] == run(sandbox, describe(rds, "blue-old"), "SELECT name FROM colour")
    rename(rds, "blue", "green")
    rename(rds, "blue-old", "blue")
    assert [("blue",)] == run(sandbox, blue, "SELECT name FROM colour")
    assert [("green",)] == run(sandbox, green, "SELECT name FROM colour")


def test_a_name_is_one_instances(rds: Client, group: str) -> None:
    """Also one that an instance is about to get: no other gets it, now or in its maintenance window."""
    create(rds, "first", group), create(rds, "second", group)
    for at_once, name in ((True, "soon"), (False, "later")):
        request = {"NewDBInstanceIdentifier": name, "ApplyImmediately": at_once}
        rds.modify_db_instance(DBInstanceIdentifier="first", **request)
        assert "DBInstanceAlreadyExists" == refused(rds.modify_db_instance, DBInstanceIdentifier="second", **request)
        assert "DBInstanceAlreadyExists" == refused(rds.create_db_instance, **wanted(name))
        if at_once:
            renamed(rds, "first", name)
            rename(rds, name, "first")


def rename(rds: Client, before: str, after: str) -> None:
    """Give an instance another name."""
    rds.modify_db_instance(DBInstanceIdentifier=before, NewDBInstanceIdentifier=after, ApplyImmediately=True)
    renamed(rds, before, after)


def renamed(rds: Client, before: str, after: str) -> None:
    """Wait until the instance has its other name."""
    rds.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier=before, WaiterConfig={"Delay": 0.05, "MaxAttempts": 300})
    wait_for(rds, after, "available")


def test_pending_maintenance(sandbox: Mapping[str, str], rds: Client, rds_sandbox: Sandbox, instance: dict[str, Any]) -> None:
    """None, until one is announced; an opt-in applies it at once, the window after AutoAppliedAfterDate unasked.

    API Reference, PendingMaintenanceAction, which belongs to one ARN alone.
    """
    arn = instance["DBInstanceArn"]
    assert [] == rds.describe_pending_maintenance_actions()["PendingMaintenanceActions"]
    for _ in range(2):
        rds_sandbox.simulate("announce", identifier="changing", action="system-update")
        [found] = rds.describe_pending_maintenance_actions(ResourceIdentifier=arn)["PendingMaintenanceActions"]
        assert (arn, "system-update") == (
            found["ResourceIdentifier"],
            found["PendingMaintenanceActionDetails"][0]["Action"],
        )
        started = run(sandbox, instance, "SELECT pg_postmaster_start_time()")
        if _:
            open_window(rds_sandbox)
            assert started == run(sandbox, instance, "SELECT pg_postmaster_start_time()")
            open_window(rds_sandbox)
        else:
            opt_in = {"ApplyAction": "system-update", "OptInType": "immediate"}
            rds.apply_pending_maintenance_action(ResourceIdentifier=arn, **opt_in)
            assert "ResourceNotFoundFault" == refused(
                rds.apply_pending_maintenance_action, ResourceIdentifier=arn, ApplyAction="db-upgrade", OptInType="immediate"
            )
        wait_for(rds, "changing", "available")
        assert [] == rds.describe_pending_maintenance_actions()["PendingMaintenanceActions"]
        assert started < run(sandbox, instance, "SELECT pg_postmaster_start_time()")
    for missing in (f"{arn}-not", "changing", arn.replace("ca-central-1", "us-east-1")):
        assert "ResourceNotFoundFault" == refused(rds.describe_pending_maintenance_actions, ResourceIdentifier=missing)


def test_an_upgrade_that_aws_makes(rds: Client, rds_sandbox: Sandbox) -> None:
    """API Reference, ApplyPendingMaintenanceAction, db-upgrade: to the version that has AutoUpgrade (UpgradeTarget)."""
    rds.create_db_instance(**wanted("behind", EngineVersion="18.4"))
    arn = wait_for(rds, "behind", "available")["DBInstanceArn"]
    rds_sandbox.simulate("announce", identifier="behind", action="db-upgrade")
    rds.apply_pending_maintenance_action(ResourceIdentifier=arn, ApplyAction="db-upgrade", OptInType="immediate")
    assert "18.6" == wait_for(rds, "behind", "available")["EngineVersion"]


def test_opting_in(rds: Client, rds_sandbox: Sandbox, instance: dict[str, Any]) -> None:
    """For the next window, and undone again; the date is that of the window which applies it.

    API Reference, PendingMaintenanceAction (CurrentApplyDate) and ApplyPendingMaintenanceAction (OptInType).
    """
    asked = {"ResourceIdentifier": instance["DBInstanceArn"], "ApplyAction": "system-update"}
    rds_sandbox.simulate("announce", identifier="changing", action="system-update")
    rds.stop_db_instance(DBInstanceIdentifier="changing")
    wait_for(rds, "changing", "stopped")
    assert "InvalidDBInstanceState" == refused(rds.apply_pending_maintenance_action, **asked, OptInType="immediate")
    rds.start_db_instance(DBInstanceIdentifier="changing")
    wait_for(rds, "changing", "available")
    answers = []
    for kind in ("next-maintenance", "undo-opt-in"):
        answer = rds.apply_pending_maintenance_action(**asked, OptInType=kind)["ResourcePendingMaintenanceActions"]
        answers.append(answer["PendingMaintenanceActionDetails"][0])
    soon, later = answers

    assert ("next-maintenance", None) == (soon["OptInStatus"], later.get("OptInStatus"))
    window = describe(rds)["PreferredMaintenanceWindow"]
    assert {window[:9]} == {f"{each['CurrentApplyDate']:%a:%H:%M}".lower() for each in answers}
    assert datetime.now(UTC) < soon["CurrentApplyDate"] <= datetime.now(UTC) + timedelta(days=7)
    assert later["CurrentApplyDate"] > later["AutoAppliedAfterDate"] > soon["CurrentApplyDate"]
    rds.apply_pending_maintenance_action(**asked, OptInType="next-maintenance")
    open_window(rds_sandbox)
    wait_for(rds, "changing", "available")
    assert [] == rds.describe_pending_maintenance_actions()["PendingMaintenanceActions"]
