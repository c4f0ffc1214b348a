"""The network of a DB instance: what a public one needs of its VPC, and what is not taken away from under an instance."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.instance import refused
from tests.support import Client, reset, wait_for, wanted

INSIDE = {"DBInstanceIdentifier": "inside"}
OWN = {"DBSubnetGroupName": "own"}
PUBLIC = {"PubliclyAccessible": True}
STATE = "InvalidVPCNetworkStateFault"


@pytest.fixture(scope="module")
def network(sandbox: Mapping[str, str], ec2: Client, rds: Client) -> Iterator[dict[str, Any]]:
    """A VPC without gateway and DNS hostnames: its id, two subnets in zone a and one in b; they are a subnet group."""
    reset(sandbox)
    vpc = ec2.create_vpc(CidrBlock="10.5.0.0/16")["Vpc"]["VpcId"]
    made = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.5.{number}.0/24", AvailabilityZone=f"ca-central-1{zone}")["Subnet"]
        for number, zone in enumerate("aab")
    ]
    subnets = [each["SubnetId"] for each in made]
    rds.create_db_subnet_group(**OWN, DBSubnetGroupDescription="test", SubnetIds=subnets)
    yield {"vpc": vpc, "subnets": subnets}
    reset(sandbox)


@pytest.fixture(scope="module")
def inside(rds: Client, network: dict[str, Any]) -> dict[str, Any]:
    """An instance in it that is not public."""
    rds.create_db_instance(**wanted("inside", **OWN, PubliclyAccessible=False, BackupRetentionPeriod=1))
    return wait_for(rds, "inside", "available")


def refusal(call: Callable[..., Any], **parameters: Any) -> tuple[str, str]:
    """Code and message of the error."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def snapshot(rds: Client) -> dict[str, str]:
    """One of the instance, once it is there."""
    name = {"DBSnapshotIdentifier": "of-inside"}
    rds.create_db_snapshot(**INSIDE, **name)
    rds.get_waiter("db_snapshot_available").wait(**name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 600})
    wait_for(rds, "inside", "available")
    return name


def test_public_access_needs_names_and_a_gateway(
    ec2: Client, rds: Client, network: dict[str, Any], inside: dict[str, Any]
) -> None:
    """To create, restore, replicate or modify a public instance, the VPC has DNS hostnames, DNS resolution and a gateway.

    RDS API Reference, CreateDBInstance, PubliclyAccessible and InvalidVPCNetworkStateFault.
    """
    made, new = snapshot(rds), {"DBInstanceIdentifier": "public", **OWN, **PUBLIC}
    calls: list[tuple[Callable[..., Any], dict[str, Any]]] = [
        (rds.create_db_instance, wanted("public", **OWN)),
        (rds.restore_db_instance_from_db_snapshot, {**new, **made}),
        (rds.restore_db_instance_to_point_in_time, {
            "SourceDBInstanceIdentifier": "inside", "TargetDBInstanceIdentifier": "public", "UseLatestRestorableTime": True,
            **OWN, **PUBLIC,
        }),
        (rds.create_db_instance_read_replica, {
            "SourceDBInstanceIdentifier": "inside", "DBInstanceIdentifier": "public", **PUBLIC,
        }),
        (rds.modify_db_instance, {**INSIDE, **PUBLIC}),
    ]  # fmt: skip
    vpc = {"VpcId": network["vpc"]}
    for call, asked in calls:
        code, message = refusal(call, **asked)
        assert (STATE, True) == (code, "DNS resolution, DNS hostnames, or both" in message), call
    ec2.modify_vpc_attribute(**vpc, EnableDnsHostnames={"Value": True})
    for call, asked in calls:
        code, message = refusal(call, **asked)
        assert (STATE, True) == (code, "no internet gateway attached" in message), call
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(**vpc, InternetGatewayId=gateway)
    ec2.modify_vpc_attribute(**vpc, EnableDnsSupport={"Value": False})
    assert STATE == refused(rds.modify_db_instance, **INSIDE, **PUBLIC)
    ec2.modify_vpc_attribute(**vpc, EnableDnsSupport={"Value": True})
    rds.modify_db_instance(**INSIDE, **PUBLIC)
    assert wait_for(rds, "inside", "available")["PubliclyAccessible"]

    assert "DependencyViolation" == refused(ec2.detach_internet_gateway, **vpc, InternetGatewayId=gateway)
    rds.modify_db_instance(**INSIDE, PubliclyAccessible=False)
    wait_for(rds, "inside", "available")
    ec2.detach_internet_gateway(**vpc, InternetGatewayId=gateway)


def test_subnets_in_use_stay(ec2: Client, rds: Client, network: dict[str, Any], inside: dict[str, Any]) -> None:
    """Of the instance's subnets the one with its network interface can neither be deleted nor leave its subnet group.

    EC2 API Reference, "Error codes" (DependencyViolation); RDS API Reference, ModifyDBSubnetGroup (SubnetAlreadyInUse).
    """
    used, free, other = network["subnets"]
    elsewhere = [each["SubnetId"] for each in ec2.describe_subnets()["Subnets"] if each["VpcId"] != network["vpc"]]
    assert "DependencyViolation" == refused(ec2.delete_subnet, SubnetId=used)
    assert "SubnetAlreadyInUse" == refused(rds.modify_db_subnet_group, **OWN, SubnetIds=[free, other])
    assert "InvalidParameterValue" == refused(rds.modify_db_subnet_group, **OWN, SubnetIds=elsewhere)
    changed = rds.modify_db_subnet_group(**OWN, SubnetIds=[other, used])["DBSubnetGroup"]
    assert [used, other] == [each["SubnetIdentifier"] for each in changed["Subnets"]]
    ec2.delete_subnet(SubnetId=free)

    interface = ec2.create_network_interface(SubnetId=other)["NetworkInterface"]["NetworkInterfaceId"]
    assert "DependencyViolation" == refused(ec2.delete_subnet, SubnetId=other)
    ec2.delete_network_interface(NetworkInterfaceId=interface)
    rds.delete_db_instance(**INSIDE, SkipFinalSnapshot=True)
    rds.get_waiter("db_instance_deleted").wait(**INSIDE, WaiterConfig={"Delay": 0.1, "MaxAttempts": 300})
    for subnet in (used, other):
        ec2.delete_subnet(SubnetId=subnet)


def test_subnets_of_an_endpoint(ec2: Client, network: dict[str, Any]) -> None:
    """One that an endpoint has left can be deleted, and so can those of an endpoint that is gone, and a security group then."""
    blocks = ("10.5.10.0/24", "10.5.11.0/24")
    used, free = (ec2.create_subnet(VpcId=network["vpc"], CidrBlock=each)["Subnet"]["SubnetId"] for each in blocks)
    asked = {"VpcId": network["vpc"], "ServiceName": "com.amazonaws.ca-central-1.secretsmanager", "VpcEndpointType": "Interface"}
    asked["PrivateDnsEnabled"] = False
    endpoint = ec2.create_vpc_endpoint(**asked, SubnetIds=[used, free])["VpcEndpoint"]["VpcEndpointId"]
    assert "DependencyViolation" == refused(ec2.delete_subnet, SubnetId=used)
    ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, RemoveSubnetIds=[used])
    ec2.delete_subnet(SubnetId=used)
    ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint])
    ec2.delete_subnet(SubnetId=free)
    group = ec2.create_security_group(GroupName="afterwards", Description="test", VpcId=network["vpc"])["GroupId"]
    ec2.delete_security_group(GroupId=group)
