"""What CloudWatch measures of a DB instance, and how it is asked (RDS User Guide, "Amazon CloudWatch metrics for Amazon RDS")."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cruddur_ops import aws
from cruddur_ops.target import Target

NAMESPACE = "AWS/RDS"
MINUTE = 60


def metric(instance: str, name: str) -> dict[str, Any]:
    """The metric of this name that an instance has, by its identifier."""
    dimensions = [{"Name": "DBInstanceIdentifier", "Value": instance}]
    return {"Namespace": NAMESPACE, "MetricName": name, "Dimensions": dimensions}


def query(key: str, wanted: Mapping[str, Any], statistic: str = "Average") -> dict[str, Any]:
    """For a value of each minute; `key` is the Id of the answer to it."""
    return {"Id": key, "MetricStat": {"Metric": wanted, "Period": MINUTE, "Stat": statistic}}


def measured(target: Target, since: datetime, queries: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What CloudWatch answers to each of them, the newest value first (CloudWatch API Reference, GetMetricData)."""
    span = {"StartTime": since, "EndTime": datetime.now(UTC) + timedelta(minutes=1), "ScanBy": "TimestampDescending"}
    return aws.pages(target, "cloudwatch", "get_metric_data", MetricDataQueries=[*queries], **span)
