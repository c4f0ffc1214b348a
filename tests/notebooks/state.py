"""What there is in a sandbox, without what differs between two that came to the same: ids, addresses, times."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg

from tests.sandbox.support import connect, make_client

PASSING = {
    "CertificateDetails", "DBInstanceArn", "DBSubnetGroup", "DbiResourceId", "Endpoint", "InstanceCreateTime", "KmsKeyId",
    "LatestRestorableTime", "MasterUserSecret", "PerformanceInsightsKMSKeyId", "TagList", "VpcSecurityGroups",
}  # fmt: skip
DATABASE = "cruddur"
QUERIES = {
    "tables": "SELECT relname, relkind::text FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1",
    "roles": "SELECT rolname::text, rolcanlogin FROM pg_roles WHERE rolname LIKE 'cruddur%' ORDER BY 1",
    "extensions": "SELECT extname::text FROM pg_extension ORDER BY 1",
    "users": "SELECT handle, display_name FROM users ORDER BY 1, 2",
    "cruds": "SELECT handle, message, count(*) FROM activities JOIN users ON users.uuid = user_uuid GROUP BY 1, 2 ORDER BY 1, 2",
}


def state(sandbox: Mapping[str, str]) -> dict[str, Any]:
    """Everything that the runbook makes, by kind."""
    instances = make_client(sandbox, "rds").describe_db_instances()["DBInstances"]
    return {
        "instances": {one["DBInstanceIdentifier"]: {key: str(one[key]) for key in one.keys() - PASSING} for one in instances},
        "database": {one["DBInstanceIdentifier"]: dict(_database(sandbox, one)) for one in instances},
        "rules": sorted(_rules(sandbox)),
        "names": {kind: sorted(names) for kind, names in _names(sandbox)},
    }


def _rules(sandbox: Mapping[str, str]) -> Iterator[str]:
    for group in make_client(sandbox, "ec2").describe_security_groups()["SecurityGroups"]:
        if group["GroupName"] != "default":
            yield re.sub(r"sg-\w+", "sg", f"{group['GroupName']} {group['IpPermissions']}")


def _names(sandbox: Mapping[str, str]) -> Iterator[tuple[str, list[str]]]:
    rds, logs = make_client(sandbox, "rds"), make_client(sandbox, "logs")
    yield "snapshots", [one["DBSnapshotIdentifier"] for one in rds.describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]]
    secrets = make_client(sandbox, "secretsmanager").list_secrets()["SecretList"]
    yield "secrets", [one["Name"].partition("!")[0] for one in secrets]
    yield "locks", [one["Name"] for one in make_client(sandbox, "ssm").describe_parameters()["Parameters"]]
    yield "pools", [one["Name"] for one in make_client(sandbox, "cognito-idp").list_user_pools(MaxResults=60)["UserPools"]]
    yield "roles", [one["RoleName"] for one in make_client(sandbox, "iam").list_roles()["Roles"]]
    yield "functions", [one["FunctionName"] for one in make_client(sandbox, "lambda").list_functions()["Functions"]]
    groups = [one["logGroupName"] for one in logs.describe_log_groups()["logGroups"]]
    yield "logs", [name for name in groups if not name.startswith("/aws/rds/")]  # see docs/reliability.md
    yield "schedules", [one["Name"] for one in make_client(sandbox, "scheduler").list_schedules()["Schedules"]]


def _database(sandbox: Mapping[str, str], instance: Mapping[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    """What the application's database holds; nothing where nobody is let in yet."""
    arn = instance.get("MasterUserSecret", {}).get("SecretArn")
    if not arn:
        return
    secret = json.loads(make_client(sandbox, "secretsmanager").get_secret_value(SecretId=arn)["SecretString"])
    try:
        connection = connect(sandbox, instance, password=secret["password"], dbname=DATABASE, connect_timeout="2")
    except psycopg.OperationalError:
        return
    with connection:
        tables = connection.execute("SELECT to_regclass('users')").fetchone()
        for name, query in QUERIES.items():
            if tables != (None,) or name not in ("users", "cruds"):
                yield name, [list(row) for row in connection.execute(query).fetchall()]
