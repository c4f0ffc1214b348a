"""What an account has, by plain describe calls of every service that the runbook writes to; no clocks, no last uses."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

Item = dict[str, Any]
Client = Callable[[str], Any]
# What passes by itself, whoever uses it.
PASSING = {
    "AvailableIpAddressCount",
    "LastAccessedDate",
    "LatestRestorableTime",
    "RestoreWindow",
    "RoleLastUsed",
    "ResponseMetadata",
    "storedBytes",
}


def everything(client: Client) -> dict[str, Any]:
    """Each resource by a name that is its own.

    Args:
        client: gives a client of a service.
    """
    kinds: tuple[Callable[[Client], Iterator[tuple[str, Any]]], ...] = (
        _rds, _ec2, _lambda, _iam, _cognito, _secrets, _parameters, _logs, _schedules,
    )  # fmt: skip
    return {name: _settled(found) for kind in kinds for name, found in kind(client)}


def _settled(found: Any) -> Any:
    """Without what passes, and with lists in order."""
    if isinstance(found, dict):
        return {key: _settled(value) for key, value in found.items() if key not in PASSING}
    return sorted(map(_settled, found), key=str) if isinstance(found, list) else found


def _pages(client: Any, operation: str, **parameters: Any) -> list[Item]:
    paginator = client.get_paginator(operation)
    key = paginator.result_keys[0]
    return [item for page in paginator.paginate(**parameters) for item in key.search(page) or ()]


def _named(kind: str, items: Iterable[Item], key: str) -> Iterator[tuple[str, Any]]:
    yield from ((f"{kind} {item[key]}", item) for item in items)


def _rds(client: Client) -> Iterator[tuple[str, Any]]:
    rds = client("rds")
    yield from _named("instance", _pages(rds, "describe_db_instances"), "DbiResourceId")
    yield from _named("snapshot", _pages(rds, "describe_db_snapshots", SnapshotType="manual"), "DBSnapshotIdentifier")
    yield from _named("backups", _pages(rds, "describe_db_instance_automated_backups"), "DbiResourceId")
    yield from _named("subnet group", _pages(rds, "describe_db_subnet_groups"), "DBSubnetGroupName")


def _ec2(client: Client) -> Iterator[tuple[str, Any]]:
    ec2 = client("ec2")
    for kind, key in (
        ("vpcs", "VpcId"), ("subnets", "SubnetId"), ("route_tables", "RouteTableId"), ("security_groups", "GroupId"),
        ("security_group_rules", "SecurityGroupRuleId"), ("vpc_endpoints", "VpcEndpointId"),
    ):  # fmt: skip
        yield from _named(kind, _pages(ec2, f"describe_{kind}"), key)


def _lambda(client: Client) -> Iterator[tuple[str, Any]]:
    functions = client("lambda")
    for item in _pages(functions, "list_functions"):
        name = item["FunctionName"]
        yield f"function {name}", [item, functions.get_function(FunctionName=name).get("Tags")]
        with suppress(functions.exceptions.ResourceNotFoundException):
            yield f"policy of {name}", functions.get_policy(FunctionName=name)["Policy"]


def _iam(client: Client) -> Iterator[tuple[str, Any]]:
    iam = client("iam")
    for item in _pages(iam, "list_roles"):
        name = item["RoleName"]
        policies = _pages(iam, "list_role_policies", RoleName=name)
        documents = [iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"] for policy in policies]
        yield f"role {name}", [iam.get_role(RoleName=name)["Role"], documents]


def _cognito(client: Client) -> Iterator[tuple[str, Any]]:
    cognito = client("cognito-idp")
    for item in _pages(cognito, "list_user_pools", PaginationConfig={"PageSize": 60}):
        pool = item["Id"]
        users, clients = (_pages(cognito, operation, UserPoolId=pool) for operation in ("list_users", "list_user_pool_clients"))
        yield f"pool {pool}", [cognito.describe_user_pool(UserPoolId=pool)["UserPool"], users, clients]


def _secrets(client: Client) -> Iterator[tuple[str, Any]]:
    secrets = client("secretsmanager")
    for item in _pages(secrets, "list_secrets"):
        yield f"secret {item['ARN']}", [item, secrets.get_secret_value(SecretId=item["ARN"])["SecretString"]]


def _parameters(client: Client) -> Iterator[tuple[str, Any]]:
    ssm = client("ssm")
    for item in _pages(ssm, "describe_parameters"):
        yield f"parameter {item['Name']}", [item, ssm.get_parameter(Name=item["Name"])["Parameter"]["Value"]]


def _logs(client: Client) -> Iterator[tuple[str, Any]]:
    yield from _named("log group", _pages(client("logs"), "describe_log_groups"), "logGroupName")


def _schedules(client: Client) -> Iterator[tuple[str, Any]]:
    scheduler, events = client("scheduler"), client("events")
    for item in _pages(scheduler, "list_schedules"):
        yield f"schedule {item['Name']}", scheduler.get_schedule(Name=item["Name"])
    yield from _named("rule", _pages(events, "list_rules"), "Name")


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What there was and is no more, or is otherwise; in words."""
    gone = [f"{name} is gone" for name in before if name not in after]
    other = [name for name in before if name in after and before[name] != after[name]]
    return gone + [f"{name} was {_text(before[name])} and is {_text(after[name])}" for name in other]


def _text(found: Any) -> str:
    return json.dumps(found, default=str)[:2000]
