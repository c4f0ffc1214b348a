"""CloudWatch's alarms, and who is told of RDS's events.

Source: CloudWatch API Reference, PutMetricAlarm, DeleteAlarms; RDS API Reference, CreateEventSubscription.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.instance import refused
from tests.support import Client, make_client, reset, wait_for, wanted

IDENTIFIER = "watched"
ALARM = {
    "AlarmName": "full", "Namespace": "AWS/RDS", "MetricName": "FreeStorageSpace", "Statistic": "Average", "Period": 300,
    "EvaluationPeriods": 3, "Threshold": 1.0, "ComparisonOperator": "LessThanThreshold",
    "Dimensions": [{"Name": "DBInstanceIdentifier", "Value": IDENTIFIER}],
}  # fmt: skip


@pytest.fixture(scope="module")
def rds(sandbox: Mapping[str, str]) -> Iterator[Client]:
    """RDS with one instance."""
    reset(sandbox)
    client = make_client(sandbox, "rds")
    client.create_db_instance(**wanted(IDENTIFIER))
    wait_for(client, IDENTIFIER, "available")
    yield client
    reset(sandbox)


@pytest.fixture
def cloudwatch(sandbox: Mapping[str, str], rds: Client) -> Client:
    """CloudWatch, which has values of that instance."""
    return make_client(sandbox, "cloudwatch")


def test_an_alarm_has_the_state_that_the_last_value_makes(cloudwatch: Client) -> None:
    """20 GiB are not below one byte, but below a terabyte; an instance that is not there has no values."""
    other = {"Dimensions": [{"Name": "DBInstanceIdentifier", "Value": "absent"}]}
    for change, state in (({}, "OK"), ({"Threshold": 2.0**40}, "ALARM"), (other, "INSUFFICIENT_DATA")):
        cloudwatch.put_metric_alarm(**{**ALARM, **change})
        [found] = cloudwatch.describe_alarms(AlarmNames=["full"])["MetricAlarms"]
        assert state == found["StateValue"]
    for treated, state in (("breaching", "ALARM"), ("notBreaching", "OK"), ("ignore", "OK"), ("missing", "INSUFFICIENT_DATA")):
        cloudwatch.put_metric_alarm(**{**ALARM, **other, "TreatMissingData": treated})
        [found] = cloudwatch.describe_alarms(AlarmNames=["full"])["MetricAlarms"]
        assert (state, treated) == (found["StateValue"], found["TreatMissingData"])
    cloudwatch.delete_alarms(AlarmNames=["full"])


def test_what_describe_alarms_finds(cloudwatch: Client) -> None:
    """DescribeAlarms: filters combine, pages follow each other; an alarm of other metrics has no data until it is evaluated."""
    action = "arn:aws:sns:ca-central-1:123456789012:told"
    for name, more in (("own-1", {}), ("own-2", {"Threshold": 2.0**40}), ("other", {"Namespace": "Own", "OKActions": [action]})):
        cloudwatch.put_metric_alarm(**{**ALARM, "AlarmName": name, **more})
    describe = cloudwatch.describe_alarms
    for asked, expected in (
        ({}, ["other", "own-1", "own-2"]),
        ({"AlarmNamePrefix": "own", "StateValue": "ALARM"}, ["own-2"]),
        ({"AlarmNames": ["own-1", "other"], "StateValue": "INSUFFICIENT_DATA"}, ["other"]),
        ({"ActionPrefix": action[:-1]}, ["other"]),
        ({"AlarmTypes": ["CompositeAlarm"]}, []),
    ):
        assert expected == [one["AlarmName"] for one in describe(**asked)["MetricAlarms"]], asked
    pages = cloudwatch.get_paginator("describe_alarms").paginate(PaginationConfig={"PageSize": 2})
    assert [2, 1] == [len(page["MetricAlarms"]) for page in pages]
    for code, wrong in (
        ("ValidationError", {"AlarmNames": ["own-1"], "AlarmNamePrefix": "own"}),
        ("InvalidNextToken", {"NextToken": "x"}),
        ("NotInSandbox", {"ParentsOfAlarmName": "own-1"}),
    ):
        assert code == refused(describe, **wrong)
    cloudwatch.delete_alarms(AlarmNames=["own-1", "own-2", "other"])


def test_alarms_of_a_metric_are_those_with_its_dimensions(cloudwatch: Client) -> None:
    """Of another instance's metric there is none."""
    cloudwatch.put_metric_alarm(**ALARM)
    metric: Any = {"Namespace": "AWS/RDS", "MetricName": "FreeStorageSpace"}
    for name, expected in ((IDENTIFIER, ["full"]), ("other", [])):
        dimensions = [{"Name": "DBInstanceIdentifier", "Value": name}]
        found = cloudwatch.describe_alarms_for_metric(**metric, Dimensions=dimensions)["MetricAlarms"]
        assert expected == [each["AlarmName"] for each in found]
    cloudwatch.delete_alarms(AlarmNames=["full"])


def test_tags_are_those_of_the_creation(cloudwatch: Client) -> None:
    """An update leaves them alone; they go with the alarm."""
    for value in ("first", "second"):
        cloudwatch.put_metric_alarm(**ALARM, Tags=[{"Key": "Made", "Value": value}])
    arn = cloudwatch.describe_alarms(AlarmNames=["full"])["MetricAlarms"][0]["AlarmArn"]
    assert [{"Key": "Made", "Value": "first"}] == cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"]
    cloudwatch.delete_alarms(AlarmNames=["full"])
    assert "ResourceNotFoundException" == refused(cloudwatch.list_tags_for_resource, ResourceARN=arn)


@pytest.mark.parametrize(
    "wrong",
    [
        *({"remove": name} for name in ("Threshold", "Statistic", "Namespace", "Period", "ComparisonOperator")),
        {"Period": 45},
        {"TreatMissingData": "perhaps"},
        {"EvaluateLowSampleCountPercentile": "perhaps"},
        {"DatapointsToAlarm": 4},
        {"ComparisonOperator": "GreaterThanUpperThreshold"},
        {"Threshold": float("inf")},
        {"Unit": "Bushels"},
        {"Dimensions": [{"Name": f"n{number}", "Value": "x"} for number in range(31)]},
        *({name: ["told"]} for name in ("AlarmActions", "OKActions", "InsufficientDataActions")),
    ],
)
def test_what_is_refused_of_an_alarm(cloudwatch: Client, wrong: dict[str, Any]) -> None:
    """What is missing, out of range, of anomaly detection, or no ARN (PutMetricAlarm)."""
    asked = {**ALARM, **wrong}
    asked.pop(asked.pop("remove", ""), None)
    assert "ValidationError" == refused(cloudwatch.put_metric_alarm, **asked)


def test_what_cloudwatch_refuses(cloudwatch: Client) -> None:
    """More than a day by the half hour or a week by the hour, AWS's namespaces; of several names all go, or none."""
    math = {"AlarmName": "math", "Metrics": [{"Id": "m", "Expression": "1 + 1"}], "EvaluationPeriods": 1}
    assert "NotInSandbox" == refused(cloudwatch.put_metric_alarm, **math, ComparisonOperator="LessThanThreshold", Threshold=1.0)
    assert "NotInSandbox" == refused(cloudwatch.put_composite_alarm, AlarmName="both", AlarmRule="ALARM(full)")
    for period, count, limit in ((1800, 49, 86400), (3600, 169, 604800)):
        with pytest.raises(ClientError, match=f"ValidationError.*must be <= {limit}"):
            cloudwatch.put_metric_alarm(**{**ALARM, "Period": period, "EvaluationPeriods": count})
    datum = [{"MetricName": "x", "Value": 1.0}]
    assert "InvalidParameterValue" == refused(cloudwatch.put_metric_data, Namespace="AWS/Own", MetricData=datum)
    cloudwatch.put_metric_data(Namespace="Own", MetricData=datum)
    with pytest.raises(ClientError, match=r"ResourceNotFound.*does not exist: absent"):
        cloudwatch.set_alarm_state(AlarmName="absent", StateValue="OK", StateReason="x")
    cloudwatch.put_metric_alarm(**ALARM)
    assert "ResourceNotFound" == refused(cloudwatch.delete_alarms, AlarmNames=["full", "absent"])
    assert cloudwatch.describe_alarms(AlarmNames=["full"])["MetricAlarms"]
    cloudwatch.delete_alarms(AlarmNames=["full"])


@pytest.mark.parametrize("body", [b"{bad", b'{"AlarmNames": "full"}', b'{"AlarmNames": [1]}', b'{"AlarmNamePrefix": []}'])
def test_a_body_that_is_no_request(cloudwatch: Client, body: bytes) -> None:
    """No JSON, or of other types than the model's ("Common errors", SerializationException)."""

    def send(params: dict[str, Any], **_: Any) -> None:
        params["body"] = body

    cloudwatch.meta.events.register("before-call", send)
    assert "SerializationException" == refused(cloudwatch.describe_alarms)
    cloudwatch.meta.events.unregister("before-call", send)


def _change(rds: Client, topic: str) -> None:
    """Change the subscription, and back (ModifyEventSubscription, Add- and RemoveSourceIdentifier...Subscription)."""
    name, modify = {"SubscriptionName": "told"}, rds.modify_event_subscription
    known = rds.describe_event_categories(SourceType="db-instance")["EventCategoriesMapList"][0]["EventCategories"]
    for change, code in (
        ({"SnsTopicArn": f"{topic}x"}, "SNSTopicArnNotFound"),
        ({"EventCategories": ["gossip"]}, "SubscriptionCategoryNotFound"),
        ({"SourceType": "db-snapshot"}, "InvalidParameterCombination"),
        ({"SubscriptionName": "absent"}, "SubscriptionNotFound"),
    ):
        assert code == refused(modify, **{**name, **change})
    changed = modify(**name, Enabled=False, EventCategories=sorted(known))["EventSubscription"]
    assert ("modifying", False, sorted(known)) == (changed["Status"], changed["Enabled"], changed["EventCategoriesList"])
    source = {**name, "SourceIdentifier": IDENTIFIER}
    assert "SourceIdsList" not in rds.remove_source_identifier_from_subscription(**source)["EventSubscription"]
    assert "SourceNotFound" == refused(rds.remove_source_identifier_from_subscription, **source)
    assert "SourceNotFound" == refused(rds.add_source_identifier_to_subscription, **{**source, "SourceIdentifier": "absent"})
    assert [IDENTIFIER] == rds.add_source_identifier_to_subscription(**source)["EventSubscription"]["SourceIdsList"]
    modify(**name, Enabled=True, EventCategories=["notification"])


def test_a_topic_is_told_of_events(sandbox: Mapping[str, str], rds: Client) -> None:
    """Of this instance's notifications alone, and no more when the subscription is gone; another subscriber's queue is gone."""
    sns, sqs = make_client(sandbox, "sns"), make_client(sandbox, "sqs")
    topic, queue = sns.create_topic(Name="told")["TopicArn"], sqs.create_queue(QueueName="heard")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"{arn}-gone")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    asked: Any = {
        "SubscriptionName": "told",
        "SourceType": "db-instance",
        "SourceIds": [IDENTIFIER],
        "EventCategories": ["notification"],
    }
    for change, code in (
        ({"SnsTopicArn": f"{topic}x"}, "SNSTopicArnNotFound"),
        ({"SourceIds": ["absent"]}, "SourceNotFound"),
        ({"EventCategories": ["gossip"]}, "SubscriptionCategoryNotFound"),
        ({"EventCategories": ["backup"], "SourceType": "db-snapshot", "SourceIds": []}, "SubscriptionCategoryNotFound"),
        ({"SourceType": "db-parameter-group", "SourceIds": []}, "SubscriptionCategoryNotFound"),
        ({"SourceType": None}, "InvalidParameterCombination"),
        ({"SourceType": "db-cluster"}, "NotInSandbox"),
    ):
        request = {"SnsTopicArn": topic, **asked, **change}
        assert code == refused(rds.create_event_subscription, **{key: value for key, value in request.items() if value})
    asked["SourceIds"] = [IDENTIFIER.upper()]
    made = rds.create_event_subscription(SnsTopicArn=topic, **asked, Tags=[{"Key": "Made", "Value": "here"}])["EventSubscription"]
    assert ("creating", topic.split(":")[4]) == (made["Status"], made["CustomerAwsId"])
    assert re.fullmatch(r"\w{3} \w{3} \d\d \d\d:\d\d:\d\d UTC \d{4}", made["SubscriptionCreationTime"])
    [found] = rds.describe_event_subscriptions(SubscriptionName="told")["EventSubscriptionsList"]
    assert ("active", True, [IDENTIFIER]) == (found["Status"], found["Enabled"], found["SourceIdsList"])
    _change(rds, topic)
    labels = rds.list_tags_for_resource(ResourceName=found["EventSubscriptionArn"])["TagList"]
    assert [{"Key": "Made", "Value": "here"}] == labels
    rds.stop_db_instance(DBInstanceIdentifier=IDENTIFIER)
    wait_for(rds, IDENTIFIER, "stopped")
    heard = [json.loads(each["Body"]) for each in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]]
    assert ["DB instance stopped"] == [each["Event Message"] for each in heard]
    assert (IDENTIFIER, True) == (heard[0]["Source ID"], heard[0]["Event ID"].endswith("#RDS-EVENT-0087"))
    assert "deleting" == rds.delete_event_subscription(SubscriptionName="told")["EventSubscription"]["Status"]
    assert "SubscriptionNotFound" == refused(rds.describe_event_subscriptions, SubscriptionName="told")


def test_subscriptions_come_in_pages(sandbox: Mapping[str, str], rds: Client) -> None:
    """MaxRecords and Marker (API Reference, DescribeEventSubscriptions); without a source one has no list of them."""
    topic = make_client(sandbox, "sns").create_topic(Name="pages")["TopicArn"]
    names = [f"page-{number:02}" for number in range(21)]
    for name in names:
        rds.create_event_subscription(SubscriptionName=name, SnsTopicArn=topic)
    first = rds.describe_event_subscriptions(MaxRecords=20)
    second = rds.describe_event_subscriptions(MaxRecords=20, Marker=first["Marker"])
    found = first["EventSubscriptionsList"] + second["EventSubscriptionsList"]
    assert names == [each["CustSubscriptionId"] for each in found]
    assert "Marker" not in second
    assert not {"SourceIdsList", "SourceType", "EventCategoriesList"} & found[0].keys()
    assert "InvalidParameterValue" == refused(rds.describe_event_subscriptions, MaxRecords=19)
