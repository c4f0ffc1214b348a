"""What the contract tests do over and over, with plain boto3 and psycopg."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boto3
import psycopg

from rds_sandbox import Sandbox
from rds_sandbox.folders import share
from rds_sandbox.postgres.programs import Majors, find_programs

REGION = "ca-central-1"
PASSWORD = "correct-horse-battery"
Client = Any


def make_client(sandbox: Mapping[str, str], service: str, region: str = REGION, **more: Any) -> Client:
    """A client such as anybody would make."""
    return boto3.client(
        service,
        endpoint_url=sandbox["AWS_ENDPOINT_URL"],
        region_name=region,
        aws_access_key_id=sandbox["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=sandbox["AWS_SECRET_ACCESS_KEY"],
        **more,
    )


def reset(sandbox: Mapping[str, str]) -> None:
    """Empty the sandbox."""
    Sandbox(dict(sandbox)).reset()


def wanted(identifier: str, **changes: Any) -> dict[str, Any]:
    """A small valid CreateDBInstance request; None takes a parameter out."""
    request = {
        "DBInstanceIdentifier": identifier,
        "Engine": "postgres",
        "EngineVersion": "18",
        "DBInstanceClass": "db.t4g.micro",
        "AllocatedStorage": 20,
        "StorageType": "gp3",
        "MasterUsername": "master",
        "MasterUserPassword": PASSWORD,
        "DBName": "app",
        "BackupRetentionPeriod": 0,
        "PubliclyAccessible": True,
        **changes,
    }
    return {key: value for key, value in request.items() if value is not None}


def wait_for(rds: Client, identifier: str, status: str, timeout: float = 60) -> dict[str, Any]:
    """Poll until the instance has this status; return its description."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        found: dict[str, Any] = rds.describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"][0]
        if found["DBInstanceStatus"] == status:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{identifier} is {found['DBInstanceStatus']}, not {status}")


def wait_until(condition: Callable[[], bool], timeout: float = 20) -> bool:
    """Whether the condition holds before the time is over."""
    deadline = time.monotonic() + timeout
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def make_group(ec2: Client, name: str, *permissions: Mapping[str, Any]) -> str:
    """A security group of the default VPC with these ingress permissions."""
    group_id: str = ec2.create_security_group(GroupName=name, Description="test")["GroupId"]
    if permissions:
        ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=list(permissions))
    return group_id


def tcp(port: int, **source: Any) -> dict[str, Any]:
    """An IpPermission of one TCP port."""
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **source}


def from_address(cidr: str) -> dict[str, Any]:
    """The IPv4 source of an IpPermission."""
    return {"IpRanges": [{"CidrIp": cidr}]}


def connect(sandbox: Mapping[str, str], instance: Mapping[str, Any], **changes: Any) -> psycopg.Connection[Any]:
    """Connect as an ordinary client would: through the endpoint, with full verification."""
    arguments = {
        "host": instance["Endpoint"]["Address"],
        "port": instance["Endpoint"]["Port"],
        "user": instance["MasterUsername"],
        "password": PASSWORD,
        "dbname": instance.get("DBName", "postgres"),
        "sslmode": "verify-full",
        "sslrootcert": sandbox["PGSSLROOTCERT"],
        "connect_timeout": 20,  # a busy machine is no failure; where silence is expected, say 2
        **changes,
    }
    return psycopg.connect(**arguments, autocommit=True)


def majors() -> list[int]:
    """The major versions of PostgreSQL that are on this machine, the oldest first; the sandbox has them from 15 on."""
    with TemporaryDirectory() as folder:
        share(Path(folder))  # PostgreSQL's account may reach it, where we are root
        return sorted(each for each in Majors(find_programs(Path(folder)), Path(folder)).found if each >= 15)
