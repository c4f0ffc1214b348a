"""A realistic sandbox as clients meet it: they repeat what is throttled or lost, and see late what was done."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from rds_sandbox import Sandbox
from tests.support import Client, connect, make_client, make_group, reset, wait_for, wanted

# A read of each protocol and kind of throttling.
READS: Mapping[str, Callable[[Any], Any]] = {
    "cognito-idp": lambda client: client.list_user_pools(MaxResults=1),
    "ec2": lambda client: client.describe_vpcs(),
    "iam": lambda client: client.list_roles(),
    "lambda": lambda client: client.list_functions(),
    "rds": lambda client: client.describe_db_instances(),
    "scheduler": lambda client: client.list_schedules(),
    "secretsmanager": lambda client: client.list_secrets(),
}
MOST = 400  # calls until one is throttled or lost: one of fifty is


@pytest.fixture
def late(rds_sandbox: Sandbox, sandbox: Mapping[str, str]) -> Iterator[Sandbox]:
    """The shared sandbox, empty and realistic for the length of a test."""
    reset(sandbox)
    rds_sandbox.simulate("realistic", seed=1, factor=0.1)
    yield rds_sandbox
    rds_sandbox.simulate("ideal")


@pytest.mark.usefixtures("late")
@pytest.mark.parametrize("service", READS)
def test_clients_repeat_what_passes(sandbox: Mapping[str, str], service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore knows the code of each service, and a connection that ends."""
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None))
    client = make_client(sandbox, service)
    answers = (READS[service](client)["ResponseMetadata"]["RetryAttempts"] for _ in range(MOST))
    assert 1 <= next(filter(None, answers))


def test_what_was_made_is_entered_late(late: Sandbox, sandbox: Mapping[str, str], rds: Client, ec2: Client) -> None:
    """The endpoint ends connections while its name would not be known; a new rule lets in after a while."""
    group = make_group(ec2, "late")
    rds.create_db_instance(**wanted("late", PubliclyAccessible=True, VpcSecurityGroupIds=[group]))
    found = wait_for(rds, "late", "available")
    rule = {"IpProtocol": "tcp", "FromPort": found["Endpoint"]["Port"], "ToPort": found["Endpoint"]["Port"]}
    began, failures = time.monotonic(), []
    for _ in range(50):  # EC2 may not know its own group yet
        try:
            ec2.authorize_security_group_ingress(GroupId=group, CidrIp=f"{late.operator_address}/32", **rule)
            break
        except ec2.exceptions.ClientError as error:
            failures.append(error.response["Error"]["Code"])
            time.sleep(0.05)
    assert {"InvalidGroup.NotFound"} >= set(failures)
    for _ in itertools.takewhile(lambda _: time.monotonic() < began + 30, itertools.count()):
        try:
            connect(sandbox, found).close()
            return
        except psycopg.OperationalError:
            time.sleep(0.1)
    raise AssertionError("nobody is let in")
