"""Newer SDKs, such as those for Go and JavaScript, ask some services in CBOR alone.

Source: Smithy 2.0, "Smithy RPC v2 CBOR protocol"; CloudWatch User Guide, "CloudWatch protocols".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import cbor2
import pytest
from botocore.exceptions import ClientError

from tests.instance import refused
from tests.support import Client, make_client, wait_for, wanted

pytestmark = pytest.mark.usefixtures("emptied_each_time")
ALARM = {
    "AlarmName": "full", "Namespace": "AWS/RDS", "MetricName": "FreeStorageSpace", "Statistic": "Average", "Period": 300,
    "EvaluationPeriods": 3, "Threshold": 1.5, "ComparisonOperator": "LessThanThreshold",
    "Dimensions": [{"Name": "DBInstanceIdentifier", "Value": "watched"}],
}  # fmt: skip


@pytest.fixture
def in_cbor(sandbox: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Client]:
    """A client of a service that speaks CBOR, where boto3's own would prefer JSON."""

    def make(service: str) -> Client:
        with monkeypatch.context() as patch:
            patch.setattr("botocore.model.PRIORITY_ORDERED_SUPPORTED_PROTOCOLS", ("smithy-rpc-v2-cbor",))
            client = make_client(sandbox, service)
            assert client.meta.service_model.resolved_protocol == "smithy-rpc-v2-cbor"
        return client

    return make


def test_an_alarm_of_an_instance(sandbox: Mapping[str, str], rds: Client, in_cbor: Callable[[str], Client]) -> None:
    """It is the same in either protocol, times and numbers too, and is gone when it was deleted."""
    rds.create_db_instance(**wanted("watched"))
    wait_for(rds, "watched", "available")
    ours, others = in_cbor("cloudwatch"), make_client(sandbox, "cloudwatch")

    ours.put_metric_alarm(**ALARM)

    [found] = ours.describe_alarms(AlarmNames=["full"])["MetricAlarms"]
    assert found == others.describe_alarms()["MetricAlarms"][0]
    assert (1.5, "OK", datetime) == (found["Threshold"], found["StateValue"], type(found["StateUpdatedTimestamp"]))
    ours.delete_alarms(AlarmNames=["full"])
    assert [] == others.describe_alarms()["MetricAlarms"]


def test_the_metrics_of_an_instance(sandbox: Mapping[str, str], rds: Client, in_cbor: Callable[[str], Client]) -> None:
    """A period is given in times, and the values have theirs."""
    rds.create_db_instance(**wanted("watched"))
    wait_for(rds, "watched", "available")
    now = datetime.now(UTC)
    period = {"StartTime": now - timedelta(hours=1), "EndTime": now + timedelta(minutes=5), "Period": 60}
    asked: dict[str, Any] = {key: ALARM[key] for key in ("Namespace", "MetricName", "Dimensions")}

    [found, *_] = in_cbor("cloudwatch").get_metric_statistics(**asked, **period, Statistics=["Average"])["Datapoints"]

    assert abs(found["Timestamp"] - now) < timedelta(hours=1, minutes=5)
    assert found["Average"] > 1


def test_what_has_a_tag(rds: Client, in_cbor: Callable[[str], Client]) -> None:
    """The tagging API, too."""
    tags = [{"Key": "By", "Value": "me"}]
    group = {"DBParameterGroupName": "mine", "DBParameterGroupFamily": "postgres18", "Description": "mine"}
    arn = rds.create_db_parameter_group(**group, Tags=tags)["DBParameterGroup"]["DBParameterGroupArn"]

    answer = in_cbor("resourcegroupstaggingapi").get_resources(TagFilters=[{"Key": "By", "Values": ["me"]}])

    assert [{"ResourceARN": arn, "Tags": tags}] == answer["ResourceTagMappingList"]


def test_refusals(in_cbor: Callable[[str], Client]) -> None:
    """Errors are in the same protocol: of the service, of what is lacking, and of keys that are not the sandbox's."""
    cloudwatch = in_cbor("cloudwatch")
    assert "ResourceNotFound" == refused(cloudwatch.delete_alarms, AlarmNames=["absent"])
    assert "NotInSandbox" == refused(cloudwatch.get_metric_widget_image, MetricWidget="{}")
    assert "NotInSandbox" == refused(in_cbor("codebuild").list_projects)
    cloudwatch._request_signer._credentials.secret_key = "another's"
    with pytest.raises(ClientError, match="signature we calculated"):
        cloudwatch.describe_alarms()


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff\xff", cbor2.dumps({"AlarmNames": {1}}), cbor2.dumps("text")])
def test_what_is_none(sandbox: Mapping[str, str], in_cbor: Callable[[str], Client], body: bytes) -> None:
    """An empty body asks for everything; any other is refused in the protocol, and is no fault of the sandbox's."""
    cloudwatch = in_cbor("cloudwatch")
    cloudwatch.meta.events.register("before-call", lambda params, **_: params.update(body=body))

    if body:
        assert "SerializationException" == refused(cloudwatch.describe_alarms)
    else:
        assert [] == cloudwatch.describe_alarms()["MetricAlarms"]
