"""What the contract tests do over and over, with plain boto3 and psycopg."""

from __future__ import annotations

import functools
import time
from collections.abc import Mapping
from typing import Any

import boto3
import psycopg

from rds_sandbox import Sandbox

REGION = "ca-central-1"
PASSWORD = "correct-horse-battery"
Client = Any


def make_client(sandbox: Mapping[str, str], service: str, region: str = REGION) -> Client:
    """A client such as anybody would make."""
    names = ("ENDPOINT_URL", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY")
    return _client(service, region, *(sandbox[f"AWS_{name}"] for name in names))


@functools.cache
def _client(service: str, region: str, url: str, key_id: str, secret: str) -> Client:
    """Each is made once, which is slow."""
    keys = {"aws_access_key_id": key_id, "aws_secret_access_key": secret}
    return boto3.client(service, endpoint_url=url, region_name=region, **keys)


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
        "MasterUsername": "cruddurroot",
        "MasterUserPassword": PASSWORD,
        "DBName": "cruddur",
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
