"""CloudWatch's alarms: kept, and held against the last measured value when somebody asks. Nothing is sent.

Source: CloudWatch API Reference, PutMetricAlarm, DescribeAlarmsForMetric, DeleteAlarms, ListTagsForResource, GetMetricData,
GetMetricStatistics.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Any

from moto.cloudwatch.models import CloudWatchBackend

from rds_sandbox.errors import NotInSandbox
from rds_sandbox.patches import MOTO, Request, action, replaces
from rds_sandbox.rds.metrics import NAMESPACE
from rds_sandbox.request_model import Refused
from rds_sandbox.tables import limits

COMPARISONS = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
STATISTICS = ("Average", "Maximum", "Minimum", "SampleCount", "Sum")
NEEDED = ("Threshold", "Period")
LIMITS = limits("cloudwatch")
_put, _delete = CloudWatchBackend.put_metric_alarm, CloudWatchBackend.delete_alarms


@action("cloudwatch", "PutMetricAlarm")
def check(request: Request) -> object:
    """A metric needs a threshold and a period, and alarms look back for a day, or a week by the hour."""
    given = request.parameters
    if "MetricName" not in given:
        return MOTO
    for name in NEEDED:
        if name not in given:
            raise Refused("ValidationError", f"{name} must be specified for an alarm on a metric")
    period = given["Period"]
    if period not in LIMITS["short_periods"] and period % 60:
        raise Refused("ValidationError", "Period must be 10, 20, 30 or a multiple of 60")
    long = period >= LIMITS["long_period"]
    most, span = (LIMITS["long_looks_back"], "seven days") if long else (LIMITS["looks_back"], "a day")
    if period * given["EvaluationPeriods"] > most:
        limit = f"EvaluationPeriods * Period must be <= {most}"
        raise Refused("ValidationError", f"Metrics cannot be checked across more than {span} ({limit})")
    return MOTO


@action("cloudwatch", "GetMetricData", "GetMetricStatistics")
def ask(request: Request) -> object:
    """moto answers percentiles and metric math with nothing at all."""
    given = request.parameters
    queries = given.get("MetricDataQueries", ())
    stats = [each["MetricStat"] for each in queries if "MetricStat" in each]
    names = {each["Id"] for each in queries}
    if any(each.get("Expression", each["Id"]) not in names for each in queries):
        raise NotInSandbox("metric math is not in the sandbox")
    if "ExtendedStatistics" in given or any(each["Stat"] not in STATISTICS for each in stats):
        raise NotInSandbox(f"of statistics there are {', '.join(STATISTICS)} in the sandbox")
    for period in [given.get("Period", 60), *(each["Period"] for each in stats)]:
        if period not in LIMITS["asked_short_periods"] and period % 60:
            raise Refused("InvalidParameterValue", "The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60.")
    return MOTO


@replaces(CloudWatchBackend, "put_metric_alarm")
def put(backend: Any, name: str, *given: Any, **named: Any) -> Any:
    """Tags are those of the creation; an update leaves them alone."""
    return _put(backend, name, *given, **{**named, "tags": None if name in backend.alarms else named.get("tags")})


@replaces(CloudWatchBackend, "delete_alarms")
def delete(backend: Any, alarm_names: list[str]) -> None:
    """All of them or none, and their tags."""
    if missing := [name for name in alarm_names if name not in backend.alarms]:
        raise Refused("ResourceNotFound", f"The named resource does not exist: {', '.join(missing)}")
    for name in alarm_names:
        backend.tagger.delete_all_tags_for_resource(backend.alarms[name].alarm_arn)
    _delete(backend, alarm_names)


@action("cloudwatch", "DescribeAlarms")
def describe(request: Request) -> object:
    """moto's answer, in the states of this moment."""
    _evaluate(request.backend)
    return MOTO


@action("cloudwatch", "DescribeAlarmsForMetric")
def describe_for_metric(request: Request) -> dict[str, Any]:
    """Of this metric with exactly these dimensions."""
    given = request.parameters
    _evaluate(request.backend)
    asked = given["Namespace"], given["MetricName"], {(one["Name"], one["Value"]) for one in given.get("Dimensions", ())}
    narrower = {"statistic": given.get("Statistic"), "period": given.get("Period"), "unit": given.get("Unit")}
    found = [
        alarm
        for alarm in request.backend.alarms.values()
        if (alarm.namespace, alarm.metric_name, _pairs(alarm.dimensions)) == asked
        if all(value is None or getattr(alarm, name) == value for name, value in narrower.items())
    ]
    return {"MetricAlarms": found}


@action("cloudwatch", "ListTagsForResource")
def require_alarm(request: Request) -> object:
    """Refused for an alarm that is not there."""
    arn = request.parameters["ResourceARN"]
    if ":alarm:" in arn and all(alarm.alarm_arn != arn for alarm in request.backend.alarms.values()):
        raise Refused("ResourceNotFoundException", f"Resource not found: {arn}")
    return MOTO


def _pairs(dimensions: Iterable[Any]) -> set[tuple[str, str]]:
    return {(one.name, one.value) for one in dimensions}


def _evaluate(backend: Any) -> None:
    """Give those of RDS's metrics the state that the last value makes; without one there is insufficient data."""
    alarms = [
        alarm for alarm in backend.alarms.values() if alarm.namespace == NAMESPACE and alarm.comparison_operator in COMPARISONS
    ]
    values = {(one.name, frozenset(_pairs(one.dimensions))): one.value for one in backend.aws_metric_data} if alarms else {}
    for alarm in alarms:
        value = values.get((alarm.metric_name, frozenset(_pairs(alarm.dimensions))))
        if value is None:
            state, reason = "INSUFFICIENT_DATA", "Insufficient Data: no datapoints were received."
        else:
            breached = COMPARISONS[alarm.comparison_operator](value, alarm.threshold)
            state = "ALARM" if breached else "OK"
            reason = f"Threshold Crossed: the last datapoint was {value} (threshold {alarm.threshold})."
        if alarm.state_value != state:
            alarm.update_state(reason, "{}", state)
