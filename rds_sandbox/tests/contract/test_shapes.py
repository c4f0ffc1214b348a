"""The shapes of answers, compared with the table of facts in shapes.toml, which names its sources."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests import functions
from tests.instance import open_group
from tests.support import Client, make_client, wait_for, wanted

pytestmark = pytest.mark.usefixtures("emptied")

FACTS = tomllib.loads((Path(__file__).parent / "shapes.toml").read_text())
NAME = {"DBInstanceIdentifier": "shaped"}


def compare(kind: str, answer: Mapping[str, Any], *without: str) -> None:
    """The answer has the members that AWS's has, in their form."""
    facts = FACTS[kind]
    always, sometimes = set(facts["always"]) - set(without), set(facts.get("sometimes", ())) | set(without)
    found = answer.keys() - {"ResponseMetadata"}
    assert ([], []) == (sorted(always - found), sorted(found - always - sometimes))
    assert [] == list(_malformed(answer))
    for member, value in answer.items():
        for each in value if isinstance(value, list) else [value]:
            if f"{kind}.{member}" in FACTS:
                compare(f"{kind}.{member}", each)


def _malformed(answer: Any, path: str = "") -> Iterator[str]:
    """What is not in the form of its kind; times are told to the millisecond."""
    if isinstance(answer, dict):
        for key, value in answer.items():
            form = FACTS["forms"].get(key)
            if form and isinstance(value, str) and not re.fullmatch(form, value):
                yield f"{path}.{key} {value}"
            yield from _malformed(value, f"{path}.{key}")
    elif isinstance(answer, list):
        for each in answer:
            yield from _malformed(each, path)
    elif isinstance(answer, datetime) and answer.microsecond % 1000:
        yield f"{path} {answer}"


def test_rds(sandbox: Mapping[str, str], rds: Client, ec2: Client, secretsmanager: Client) -> None:
    """An instance in each of its answers, what is made of it, and what it is described with."""
    trust = {**functions.TRUST, "Principal": {"Service": "monitoring.rds.amazonaws.com"}}
    rich = {
        "MasterUserPassword": None, "ManageMasterUserPassword": True, "MultiAZ": True, "EnablePerformanceInsights": True,
        "BackupRetentionPeriod": 1, "EnableCloudwatchLogsExports": ["postgresql"], "StorageEncrypted": True,
        "MonitoringInterval": 60, "MonitoringRoleArn": functions.make_role(make_client(sandbox, "iam"), "monitoring", trust),
    }  # fmt: skip
    group, serverless = open_group(ec2), FACTS["DBInstance"]["without_server"]
    created = rds.create_db_instance(**wanted("shaped", VpcSecurityGroupIds=[group], **rich))["DBInstance"]
    compare("DBInstance", created, *serverless)
    assert {"MasterUserPassword": "****"} == created["PendingModifiedValues"]
    assert not {"AvailabilityZone", "InstanceCreateTime", "SecondaryAvailabilityZone"} & created.keys()
    found = wait_for(rds, "shaped", "available")
    compare("DBInstance", found)
    present = {"SecondaryAvailabilityZone", "PerformanceInsightsKMSKeyId", "EnhancedMonitoringResourceArn", "MasterUserSecret"}
    assert ("sse-kms", "second") == (found["StorageEncryptionType"], found["UpgradeRolloutOrder"])
    assert ({}, set()) == (found["PendingModifiedValues"], present - found.keys())
    compare("DBSnapshot", rds.create_db_snapshot(**NAME, DBSnapshotIdentifier="one")["DBSnapshot"])
    wait_for(rds, "shaped", "available")
    compare("DBSnapshot", rds.describe_db_snapshots(DBSnapshotIdentifier="one")["DBSnapshots"][0])
    [backup] = rds.describe_db_instance_automated_backups(**NAME)["DBInstanceAutomatedBackups"]
    assert "sse-kms" == backup["StorageEncryptionType"]
    compare("DBInstance", rds.modify_db_instance(**NAME, CopyTagsToSnapshot=True)["DBInstance"])
    restored = rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="other", DBSnapshotIdentifier="one")["DBInstance"]
    compare("DBInstance", restored, *serverless)
    assert {} == restored["PendingModifiedValues"]  # its password is that of the backup
    point = rds.restore_db_instance_to_point_in_time(
        SourceDBInstanceIdentifier="shaped", TargetDBInstanceIdentifier="third", UseLatestRestorableTime=True
    )
    compare("DBInstance", point["DBInstance"], *serverless)
    windows = {each[key] for each in (found, restored, point["DBInstance"]) for key in ("PreferredBackupWindow",)}
    assert {found["PreferredBackupWindow"]} == windows  # a restore has its source's
    compare("DBEngineVersion", rds.describe_db_engine_versions(EngineVersion="18")["DBEngineVersions"][0])
    for option in rds.describe_orderable_db_instance_options(Engine="postgres")["OrderableDBInstanceOptions"]:
        compare("OrderableDBInstanceOption", option)
    compare("DBSubnetGroup", rds.describe_db_subnet_groups()["DBSubnetGroups"][0])
    compare("DBParameterGroup", rds.describe_db_parameter_groups()["DBParameterGroups"][0])
    compare("Event", rds.describe_events()["Events"][0])
    compare("SecurityGroup", ec2.describe_security_groups()["SecurityGroups"][0])
    for rule in ec2.describe_security_group_rules()["SecurityGroupRules"]:
        compare("SecurityGroupRule", rule)
    compare("Secret", secretsmanager.describe_secret(SecretId=found["MasterUserSecret"]["SecretArn"]))
    compare("DBInstance", rds.delete_db_instance(**NAME, SkipFinalSnapshot=True)["DBInstance"])


def test_a_plain_instance(rds: Client) -> None:
    """What AWS leaves out where there is none is left out; windows are an instance's own."""
    for name in ("plain", "plainer"):
        rds.create_db_instance(**wanted(name, StorageType="gp2"))
    found = [wait_for(rds, name, "available") for name in ("plain", "plainer")]
    for each in found:
        compare("DBInstance", each)
    assert "none" == found[0]["StorageEncryptionType"]
    assert not {"StatusInfos", "EnabledCloudwatchLogsExports", "Iops", "MasterUserSecret"} & found[0].keys()
    for window in ("PreferredBackupWindow", "PreferredMaintenanceWindow"):
        assert found[0][window] != found[1][window]


def test_a_plain_secret(secretsmanager: Client) -> None:
    """What it does not have is left out; its times are told to the millisecond."""
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    secretsmanager.create_secret(Name="plain", SecretString="value")
    found = secretsmanager.describe_secret(SecretId="plain")
    compare("Secret", found)
    assert before < secretsmanager.get_secret_value(SecretId="plain")["CreatedDate"] == found["CreatedDate"]
    secretsmanager.put_secret_value(SecretId="plain", SecretString="another")
    assert found["LastChangedDate"] < secretsmanager.describe_secret(SecretId="plain")["LastChangedDate"]
    assert secretsmanager.describe_secret(SecretId="plain")["CreatedDate"] == found["CreatedDate"]
    assert not {"RotationEnabled", "RotationLambdaARN", "DeletedDate", "OwningService"} & found.keys()
    assert found["ResponseMetadata"]["HTTPHeaders"]["content-type"].startswith("application/x-amz-json")


def test_a_user_pool(sandbox: Mapping[str, str]) -> None:
    """As DescribeUserPool tells it."""
    idp = make_client(sandbox, "cognito-idp")
    pool = idp.create_user_pool(PoolName="shaped")["UserPool"]
    compare("UserPool", idp.describe_user_pool(UserPoolId=pool["Id"])["UserPool"])


def test_a_function(sandbox: Mapping[str, str]) -> None:
    """As GetFunction tells it, and what Invoke answers."""
    client = make_client(sandbox, "lambda")
    role = functions.make_role(make_client(sandbox, "iam"), "shaped")
    source = "def handler(event, context):\n    return 1\n"
    functions.deploy(client, functions.wanted("shaped", role, sandbox["RDS_SANDBOX_LAMBDA_RUNTIME"], source))
    compare("GetFunction", client.get_function(FunctionName="shaped"))
    compare("Invoke", client.invoke(FunctionName="shaped"))
