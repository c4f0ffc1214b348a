"""Instances that the tests of a DB instance's life share: one that anybody may connect to, and what they do to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support import Client, connect, from_address, make_group, tcp, wait_for, wanted

OPERATOR = "203.0.113.10/32"


def open_group(ec2: Client, name: str = "open") -> str:
    """A security group that admits the operator."""
    return make_group(ec2, name, tcp(5432, **from_address(OPERATOR)))


def create(rds: Client, identifier: str, group: str, **changes: Any) -> dict[str, Any]:
    """An available instance in this group."""
    rds.create_db_instance(**wanted(identifier, VpcSecurityGroupIds=[group], **changes))
    return wait_for(rds, identifier, "available")


def refused(call: Callable[..., Any], **parameters: Any) -> str:
    """The error code that the call is answered with."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    code: str = caught.value.response["Error"]["Code"]
    return code


def run(sandbox: Mapping[str, str], instance: Mapping[str, Any], *statements: str, **changes: Any) -> list[Any]:
    """Run the statements as the master user; the rows of the last, where it has any."""
    with connect(sandbox, instance, **changes) as connection:
        for statement in statements:
            cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


@contextmanager
def statuses(rds: Client, identifier: str, end: str) -> Iterator[list[str]]:
    """The statuses that a poller sees from the calls in the `with` until this one, with nothing pending."""
    seen: list[str] = []
    yield seen
    pending: Mapping[str, Any] = {}
    while pending or seen[-1:] != [end]:
        found = rds.describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"][0]
        status, pending = found["DBInstanceStatus"], found["PendingModifiedValues"]
        if status not in seen[-1:]:
            seen.append(status)
        assert status != "failed"
        time.sleep(0.05)


def messages(rds: Client, identifier: str, kind: str = "db-instance") -> list[str]:
    """What DescribeEvents tells of it, oldest first."""
    found = rds.describe_events(SourceIdentifier=identifier, SourceType=kind)["Events"]
    return [event["Message"] for event in found]
