"""A crowd: other teams' resources, under names like one's own, also where AWS is realistic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from rds_sandbox import Sandbox, WrongInput
from tests.cases import VALID
from tests.support import make_client, reset

LIKE = "mine"


@pytest.fixture(scope="module")
def crowded(rds_sandbox: Sandbox, sandbox: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
    """The shared sandbox, realistic while the crowd comes, and at once again to look at it."""
    reset(sandbox)
    rds_sandbox.simulate("realistic", seed=1)
    assert "other teams have what is called like mine now" == rds_sandbox.simulate("crowd", like=LIKE, tags="By=me,For=x", seed=1)
    rds_sandbox.simulate("ideal")
    yield sandbox
    reset(sandbox)


def names(sandbox: Mapping[str, str]) -> dict[str, list[str]]:
    """What there is, by service."""
    client = {service: make_client(sandbox, service) for service in SERVICES}
    return {
        "rds": [one["DBInstanceIdentifier"] for one in client["rds"].describe_db_instances()["DBInstances"]],
        "ec2": [one["GroupName"] for one in client["ec2"].describe_security_groups()["SecurityGroups"]],
        "lambda": [one["FunctionName"] for one in client["lambda"].list_functions()["Functions"]],
        "iam": [one["RoleName"] for one in client["iam"].list_roles()["Roles"]],
        "cognito-idp": [one["Name"] for one in client["cognito-idp"].list_user_pools(MaxResults=60)["UserPools"]],
        "secretsmanager": [one["Name"] for one in client["secretsmanager"].list_secrets()["SecretList"]],
        "ssm": [one["Name"] for one in client["ssm"].describe_parameters()["Parameters"]],
        "logs": [one["logGroupName"] for one in client["logs"].describe_log_groups()["logGroups"]],
        "scheduler": [one["Name"] for one in client["scheduler"].list_schedules()["Schedules"]],
        "events": [one["Name"] for one in client["events"].list_rules()["Rules"]],
    }


SERVICES = ("rds", "ec2", "lambda", "iam", "cognito-idp", "secretsmanager", "ssm", "logs", "scheduler", "events")


def test_every_service_has_names_like_it_and_none_is_it(crowded: Mapping[str, str]) -> None:
    """Somebody who looks for a prefix finds them all."""
    found = names(crowded)
    assert set(SERVICES) == {service for service, called in found.items() if any(LIKE in one for one in called)}
    assert LIKE not in [one for called in found.values() for one in called]


def test_several_networks(crowded: Mapping[str, str]) -> None:
    """The default VPC is not alone, and the same name of a security group is in two."""
    ec2 = make_client(crowded, "ec2")
    assert [False, False, True] == sorted(one["IsDefault"] for one in ec2.describe_vpcs()["Vpcs"])
    assert 1 == len(ec2.describe_vpc_endpoints()["VpcEndpoints"])
    named = {"Filters": [{"Name": "group-name", "Values": [f"{LIKE}-access"]}]}
    assert 1 == len(ec2.describe_security_groups(**named)["SecurityGroups"])


def test_half_of_it_carries_the_tags(crowded: Mapping[str, str]) -> None:
    """Those that were given, beside the owner's own."""
    index = make_client(crowded, "resourcegroupstaggingapi")
    everything = [one for page in index.get_paginator("get_resources").paginate() for one in page["ResourceTagMappingList"]]
    mine = [one for one in everything if {"Key": "By", "Value": "me"} in one["Tags"]]
    assert 0.3 < len(mine) / len(everything) < 0.7
    assert all({"Key": "For", "Value": "x"} in one["Tags"] for one in mine)


def test_the_instance_of_somebodys_first_day(crowded: Mapping[str, str]) -> None:
    """No tags, no backups, the default VPC, an old version; and a snapshot of it."""
    rds = make_client(crowded, "rds")
    [instance] = rds.describe_db_instances()["DBInstances"]
    assert ([], 0, "gp2", False) == (
        instance["TagList"],
        instance["BackupRetentionPeriod"],
        instance["StorageType"],
        instance["DeletionProtection"],
    )
    assert instance["EngineVersion"].startswith("14.")
    assert 1 == len(rds.describe_db_snapshots(SnapshotType="manual")["DBSnapshots"])


def test_a_crowd_comes_once(rds_sandbox: Sandbox, crowded: Mapping[str, str]) -> None:
    """A second one is refused before anything of it is there."""
    before = names(crowded)
    with pytest.raises(WrongInput, match="other teams are here already"):
        rds_sandbox.simulate("crowd", like="others")
    assert before == names(crowded)


def test_where_somebody_deleted_the_default_vpc(rds_sandbox: Sandbox, sandbox: Mapping[str, str]) -> None:
    """Their instance is in a subnet group of theirs, behind the default group of its VPC; without a subnet group none is made.

    Source: RDS API Reference, CreateDBInstance, DBSubnetGroupName, VpcSecurityGroupIds and InvalidSubnet.
    """
    reset(sandbox)
    ec2, rds = make_client(sandbox, "ec2"), make_client(sandbox, "rds")
    [vpc] = [one["VpcId"] for one in ec2.describe_vpcs()["Vpcs"]]
    for subnet in ec2.describe_subnets()["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    [gateway] = ec2.describe_internet_gateways()["InternetGateways"]
    ec2.detach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=vpc)
    ec2.delete_vpc(VpcId=vpc)
    rds_sandbox.simulate("crowd", like=f"{LIKE},taken", exactly="taken", seed=1)
    [theirs] = rds.describe_db_instances()["DBInstances"]
    [group] = theirs["VpcSecurityGroups"]
    [found] = ec2.describe_security_groups(GroupIds=[group["VpcSecurityGroupId"]])["SecurityGroups"]
    assert ("default", theirs["DBSubnetGroup"]["VpcId"]) == (found["GroupName"], found["VpcId"])
    assert "taken" in names(sandbox)["iam"]
    with pytest.raises(rds.exceptions.InvalidSubnet, match="No default subnet detected"):
        rds.create_db_instance(**VALID)
    reset(sandbox)
