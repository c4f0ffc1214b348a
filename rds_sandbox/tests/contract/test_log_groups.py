"""CloudWatch Logs: groups, what is found in them, and what a subscription hears of, by plain boto3.

Source: CloudWatch Logs API Reference, the page of each action; User Guide, where a test says so.
"""

from __future__ import annotations

import base64
import gzip
import json
import time
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.functions import deploy, make_role, wanted
from tests.instance import refused
from tests.support import Client, make_client

pytestmark = pytest.mark.usefixtures("emptied_each_time")

GROUP = {"logGroupName": "/app/one"}
MESSAGES = ("ERROR 1: disk", "WARN 2: disk", "ERROR 3: no room", 'INFO 4: "quoted"')


@pytest.fixture
def logs(sandbox: Mapping[str, str]) -> Client:
    """A client of CloudWatch Logs, in which there is one group."""
    client = make_client(sandbox, "logs")
    client.create_log_group(**GROUP)
    return client


def write(logs: Client, stream: str, *messages: str) -> None:
    """Put the messages into a new stream, a millisecond after each other."""
    logs.create_log_stream(**GROUP, logStreamName=stream)
    now = int(time.time() * 1000)
    events = [{"timestamp": now + index, "message": message} for index, message in enumerate(messages)]
    logs.put_log_events(**GROUP, logStreamName=stream, logEvents=events)


def numbers(logs: Client, **given: Any) -> str:
    """Those of the messages that are found."""
    found = logs.filter_log_events(**(given if "logGroupIdentifier" in given else {**GROUP, **given}))
    assert [] == found["searchedLogStreams"]
    return "".join(event["message"].split()[1].rstrip(":") for event in found["events"])


def test_streams_by_prefix(logs: Client) -> None:
    """FilterLogEvents, logStreamNamePrefix: those streams alone, also where there is none; not beside names."""
    write(logs, "web/1", *MESSAGES[:2])
    write(logs, "worker/1", *MESSAGES[2:])
    assert ("12", "34") == (numbers(logs, logStreamNamePrefix="web"), numbers(logs, logStreamNamePrefix="wo"))
    assert "" == numbers(logs, logStreamNamePrefix="x")
    both = {"logStreamNamePrefix": "web", "logStreamNames": ["web/1"]}
    assert "InvalidParameterException" == refused(logs.filter_log_events, **GROUP, **both)
    assert "NotInSandbox" == refused(logs.filter_log_events, **GROUP, startFromHead=False)
    absent = {"logStreamName": "x"}
    for call, named in (
        (logs.filter_log_events, {"logStreamNames": ["x"]}),
        (logs.get_log_events, absent),
        (logs.delete_log_stream, absent),
    ):
        with pytest.raises(ClientError, match="ResourceNotFoundException.*log stream does not exist"):
            call(**GROUP, **named)


def test_a_group_by_its_identifier(logs: Client) -> None:
    """FilterLogEvents, logGroupIdentifier: the name or the ARN of the group, which is not named beside it."""
    logs.create_log_group(logGroupName="/app/zwei")
    write(logs, "web/1", *MESSAGES)
    [group] = logs.describe_log_groups(logGroupNamePrefix="/app/one")["logGroups"]
    for identifier in (group["logGroupArn"], "/app/one"):
        assert "1234" == numbers(logs, logGroupIdentifier=identifier)
    arn = group["logGroupArn"]
    assert "InvalidParameterException" == refused(logs.filter_log_events, **GROUP, logGroupIdentifier=arn)
    assert "InvalidParameterException" == refused(logs.filter_log_events)
    assert "ResourceNotFoundException" == refused(logs.filter_log_events, logGroupIdentifier=f"{arn}/more")


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("", "1234"),
        ("ERROR", "13"),
        ("ERROR disk", "1"),
        ('"no room"', "3"),
        ('ERROR "no room"', "3"),
        ("?WARN ?INFO", "24"),
        ('?WARN ?"no room"', "23"),
        ("-ERROR", "24"),
        ("ERROR -disk", "3"),
        ('-"no room" -WARN', "14"),
        (r'"\"quoted\""', "4"),
        ('"95 % full"', ""),
    ],
)
def test_patterns(logs: Client, pattern: str, expected: str) -> None:
    """User Guide, "Filter pattern syntax ...", unstructured log events: all terms, one of those with ?, none of those with -."""
    write(logs, "web/1", *MESSAGES)
    assert expected == numbers(logs, filterPattern=pattern)


@pytest.mark.parametrize(
    ("pattern", "code"),
    [
        ('{ $.level = "ERROR" }', "NotInSandbox"),
        ("[level, number]", "NotInSandbox"),
        ("%ERR.*%", "NotInSandbox"),
        ("disk %ERR.*%", "NotInSandbox"),
        ("ERROR ?WARN", "NotInSandbox"),
        ("ERROR:", "InvalidParameterException"),
        ('"no room', "InvalidParameterException"),
    ],
)
def test_other_patterns(logs: Client, pattern: str, code: str) -> None:
    """What is no term, or not in quotes though it has other characters than letters and digits, finds nothing by chance."""
    assert code == refused(logs.filter_log_events, **GROUP, filterPattern=pattern)
    given = {"filterName": "f", "filterPattern": pattern, "destinationArn": "arn:aws:kinesis:ca-central-1:123456789012:stream/x"}
    assert code == refused(logs.put_subscription_filter, **GROUP, **given)


def test_a_subscription_hears_what_its_pattern_lets_through(sandbox: Mapping[str, str], logs: Client) -> None:
    """PutSubscriptionFilter, filterPattern: other events are not delivered."""
    kinesis = make_client(sandbox, "kinesis")
    kinesis.create_stream(StreamName="heard", ShardCount=1)
    stream = kinesis.describe_stream_summary(StreamName="heard")["StreamDescriptionSummary"]["StreamARN"]
    role = make_role(make_client(sandbox, "iam"), "hears")
    logs.put_subscription_filter(**GROUP, filterName="errors", filterPattern="ERROR -disk", destinationArn=stream, roleArn=role)
    write(logs, "quiet", *MESSAGES[:2])
    write(logs, "web/1", *MESSAGES)
    [shard] = kinesis.list_shards(StreamName="heard")["Shards"]
    start = {"ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
    place = kinesis.get_shard_iterator(StreamName="heard", **start)["ShardIterator"]
    heard = [json.loads(_unpacked(one["Data"])) for one in kinesis.get_records(ShardIterator=place)["Records"]]
    assert [MESSAGES[2]] == [event["message"] for one in heard for event in one["logEvents"]]


def test_a_function_that_hears(sandbox: Mapping[str, str], logs: Client) -> None:
    """PutSubscriptionFilter: the function's policy lets the service in; one of two can be changed, and a third is too many."""
    functions = make_client(sandbox, "lambda")
    role = make_role(make_client(sandbox, "iam"), "of-hears")
    source = "def handler(event, context):\n    return 1\n"
    arn = deploy(functions, wanted("hears", role, sandbox["RDS_SANDBOX_LAMBDA_RUNTIME"], source))
    put = {**GROUP, "filterName": "one", "filterPattern": "", "destinationArn": arn}
    [group] = logs.describe_log_groups(logGroupNamePrefix="/app/one")["logGroups"]
    permission = {"FunctionName": "hears", "Action": "lambda:InvokeFunction", "Principal": "logs.amazonaws.com"}
    functions.add_permission(**permission, StatementId="other", SourceArn=group["arn"].replace("/app/one", "/app/two"))
    assert "InvalidParameterException" == refused(logs.put_subscription_filter, **put)
    functions.add_permission(**permission, StatementId="own", SourceArn=group["arn"])
    for name in ("one", "two"):
        logs.put_subscription_filter(**{**put, "filterName": name})
    logs.put_subscription_filter(**{**put, "filterPattern": "ERROR"})
    assert "LimitExceededException" == refused(logs.put_subscription_filter, **{**put, "filterName": "three"})
    describe = logs.describe_subscription_filters
    first = describe(**GROUP, limit=1)
    rest = describe(**GROUP, nextToken=first["nextToken"])
    assert [("one", "ERROR"), ("two", "")] == [
        (one["filterName"], one["filterPattern"]) for page in (first, rest) for one in page["subscriptionFilters"]
    ]
    assert ["two"] == [one["filterName"] for one in describe(**GROUP, filterNamePrefix="tw")["subscriptionFilters"]]


def test_what_nothing_stands_behind(logs: Client) -> None:
    """Metric filters and queries, which moto would take."""
    counted = {"metricName": "x", "metricNamespace": "x", "metricValue": "1"}
    wanted = {"filterName": "x", "filterPattern": "", "metricTransformations": [counted]}
    assert "NotInSandbox" == refused(logs.put_metric_filter, **GROUP, **wanted)
    assert "NotInSandbox" == refused(logs.start_query, **GROUP, startTime=0, endTime=1, queryString="stats count(*)")


def _unpacked(data: bytes) -> bytes:
    return gzip.decompress(data if data.startswith(b"\x1f\x8b") else base64.b64decode(data))


def test_a_group_is_protected_from_deletion(logs: Client) -> None:
    """User Guide, "Protecting log groups from deletion": ValidationException until the protection is taken away."""
    name = {"logGroupName": "/app/protected"}
    logs.create_log_group(**name, deletionProtectionEnabled=True)
    logs.create_log_stream(**name, logStreamName="x")
    shown = {one["logGroupName"]: one["deletionProtectionEnabled"] for one in logs.describe_log_groups()["logGroups"]}
    assert {"/app/one": False, "/app/protected": True} == shown
    assert "ValidationException" == refused(logs.delete_log_group, **name)
    assert "ValidationException" == refused(logs.delete_log_stream, **name, logStreamName="x")
    logs.put_log_group_deletion_protection(logGroupIdentifier="/app/protected", deletionProtectionEnabled=False)
    logs.delete_log_group(**name)
    assert "ResourceNotFoundException" == refused(logs.delete_log_group, **name)


def test_groups_by_pattern_and_class(logs: Client) -> None:
    """DescribeLogGroups, logGroupNamePattern: what is anywhere in the name, with less of each; not beside a prefix; pages."""
    for name in ("/app/two", "/other/one"):
        logs.create_log_group(logGroupName=name)

    def names(**given: Any) -> list[list[str]]:
        pages = logs.get_paginator("describe_log_groups").paginate(**given)
        return [[one["logGroupName"] for one in page["logGroups"]] for page in pages]

    assert [["/app/one", "/other/one"]] == names(logGroupNamePattern="one")
    assert [["/app/one", "/app/two"], ["/other/one"]] == names(PaginationConfig={"PageSize": 2})
    [less] = logs.describe_log_groups(logGroupNamePattern="two")["logGroups"]
    assert {"arn", "creationTime", "logGroupName"} == less.keys()
    both = {"logGroupNamePattern": "one", "logGroupNamePrefix": "/app"}
    assert "InvalidParameterException" == refused(logs.describe_log_groups, **both)
    assert "NotInSandbox" == refused(logs.create_log_group, logGroupName="/app/rare", logGroupClass="INFREQUENT_ACCESS")
    assert [[]] == names(logGroupClass="INFREQUENT_ACCESS")
    assert "STANDARD" == logs.describe_log_groups()["logGroups"][0]["logGroupClass"]
