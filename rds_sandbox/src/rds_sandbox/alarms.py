"""CloudWatch's alarms: kept, and held against the last measured value when somebody asks. Nothing is sent.

Source: CloudWatch API Reference, PutMetricAlarm, SetAlarmState, DescribeAlarmsForMetric, DeleteAlarms, ListTagsForResource,
GetMetricData, GetMetricStatistics.
"""

import math
import operator
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from moto.cloudwatch.models import CloudWatchBackend
from moto.core.utils import utcnow

from rds_sandbox import pages
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
NEEDED = ("MetricName", "Namespace", "Statistic", "ComparisonOperator", "Threshold", "Period")
ACTIONS = ("AlarmActions", "OKActions", "InsufficientDataActions")
RESERVED = "AWS/"
ABSENT_CODE, ABSENT = "ResourceNotFound", "The named resource does not exist"
NO_DATA = "INSUFFICIENT_DATA"
# The state that missing values make (User Guide, "Configuring how CloudWatch alarms treat missing data"); None leaves it.
MISSING = {"breaching": "ALARM", "ignore": None, "missing": NO_DATA, "notBreaching": "OK"}
LIMITS = limits("cloudwatch")
_put, _delete = CloudWatchBackend.put_metric_alarm, CloudWatchBackend.delete_alarms


@action("cloudwatch", "PutMetricAlarm")
def check(request: Request) -> object:
    """Of one metric, held against a threshold, and of ARNs that are told."""
    for problem in _problems(request.parameters):
        raise Refused("ValidationError", problem)
    return MOTO


def _problems(given: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with an alarm: it looks back for a day, or a week by the hour."""
    yield from (f"{name} must be specified for an alarm on a metric" for name in NEEDED if name not in given)
    if given["ComparisonOperator"] not in COMPARISONS:
        yield f"ComparisonOperator {given['ComparisonOperator']} is of anomaly detection: ThresholdMetricId must be specified"
    if not math.isfinite(given["Threshold"]):
        yield "Threshold must be a finite number"
    if given.get("TreatMissingData", "missing") not in MISSING:
        yield f"TreatMissingData must be one of {', '.join(MISSING)}"
    period, count = given["Period"], given["EvaluationPeriods"]
    if given.get("DatapointsToAlarm", count) > count:
        yield "DatapointsToAlarm must be less than or equal to EvaluationPeriods"
    if period not in LIMITS["short_periods"] and period % 60:
        yield "Period must be 10, 20, 30 or a multiple of 60"
    long = period >= LIMITS["long_period"]
    most, span = (LIMITS["long_looks_back"], "seven days") if long else (LIMITS["looks_back"], "a day")
    if period * count > most:
        yield f"Metrics cannot be checked across more than {span} (EvaluationPeriods * Period must be <= {most})"
    told = [each for name in ACTIONS for each in given.get(name, ())]
    yield from (f"Invalid arn syntax: {each}" for each in told if not re.fullmatch(LIMITS["action"], each))


@action("cloudwatch", "PutMetricData")
def check_data(request: Request) -> object:
    """The namespaces of AWS's own metrics are nobody else's (AWS SDK for Java Developer Guide, "Publish custom metric data").

    Values and times: User Guide, "Publish custom metrics"; API Reference, MetricDatum.
    """
    namespace = request.parameters["Namespace"]
    if namespace.startswith(RESERVED):
        reason = f'Namespaces that begin with "{RESERVED}" are reserved for AWS'
        raise Refused("InvalidParameterValue", f"The value {namespace} for parameter Namespace is invalid. {reason}.")
    if not (data := request.parameters.get("MetricData")):
        raise Refused("MissingParameter", "The parameter MetricData is required.")
    for number, datum in enumerate(data, 1):
        for problem in _misfits(datum, utcnow()):
            raise Refused("InvalidParameterValue", f"The parameter MetricData.member.{number}.{problem}.")
    return MOTO


def _misfits(datum: Mapping[str, Any], now: datetime) -> Iterator[str]:
    """What is wrong with a value: too large, too old, or of a resolution that there is not."""
    age = (now - datum["Timestamp"].replace(tzinfo=None)).total_seconds() if "Timestamp" in datum else 0
    if age > LIMITS["past"]:
        yield "Timestamp must specify a time no more than two weeks in the past"
    if -age > LIMITS["future"]:
        yield "Timestamp must specify a time no more than two hours in the future"
    if datum.get("StorageResolution", 60) not in LIMITS["resolutions"]:
        yield f"StorageResolution must be one of {LIMITS['resolutions']}"
    if any(abs(each) > 2.0 ** LIMITS["exponent"] for each in [datum.get("Value", 0), *datum.get("Values", ())]):
        yield "Value is out of range"


@action("cloudwatch", "SetAlarmState")
def require_named(request: Request) -> object:
    """Of an alarm that there is: moto says nothing of one that there is not."""
    if (name := request.parameters["AlarmName"]) not in request.backend.alarms:
        raise Refused(ABSENT_CODE, f"{ABSENT}: {name}")
    return MOTO


@action("cloudwatch", "GetMetricData", "GetMetricStatistics")
def ask(request: Request) -> object:
    """moto answers percentiles and metric math with nothing at all."""
    given, most = request.parameters, LIMITS["datapoints"]
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
    if request.name == "GetMetricStatistics" and (given["EndTime"] - given["StartTime"]).total_seconds() > given["Period"] * most:
        raise Refused(
            "InvalidParameterCombination", f"More than {most} datapoints are asked for: give a longer Period, or less time."
        )
    return MOTO


@replaces(CloudWatchBackend, "put_metric_alarm")
def put(backend: Any, name: str, *given: Any, **named: Any) -> Any:
    """Tags are those of the creation; an update leaves them alone, and the state. A new one has no data yet."""
    before = backend.alarms.get(name)
    alarm = _put(backend, name, *given, **{**named, "tags": None if before else named.get("tags")})
    if before is None:
        alarm.state_value = NO_DATA
        return alarm
    for kept in ("state_value", "state_reason", "state_updated_timestamp", "history"):
        setattr(alarm, kept, getattr(before, kept))
    return alarm


@replaces(CloudWatchBackend, "delete_alarms")
def delete(backend: Any, alarm_names: list[str]) -> None:
    """All of them or none, and their tags."""
    if missing := [name for name in alarm_names if name not in backend.alarms]:
        raise Refused(ABSENT_CODE, f"{ABSENT}: {', '.join(missing)}")
    for name in alarm_names:
        backend.tagger.delete_all_tags_for_resource(backend.alarms[name].alarm_arn)
    _delete(backend, alarm_names)


@action("cloudwatch", "PutCompositeAlarm")
def refuse_composite(_: Request) -> None:
    """moto would keep it, in one state for ever."""
    raise NotInSandbox("composite alarms are not in the sandbox")


@action("cloudwatch", "DescribeAlarms")
def describe(request: Request) -> dict[str, Any]:
    """Those that fit all that is asked for, in the states of this moment, by their names."""
    asked, backend = request.parameters, request.backend
    if asked.get("AlarmNames") and "AlarmNamePrefix" in asked:
        raise Refused("ValidationError", "AlarmNamePrefix cannot be specified together with AlarmNames")
    _evaluate(backend)
    found = [each for _, each in sorted(backend.alarms.items()) if _fits(each, asked)]
    wrong = Refused("InvalidNextToken", "The NextToken is invalid: take it from the answer before")
    page, rest = pages.cut(found, asked.get("NextToken"), asked.get("MaxRecords", LIMITS["page"]), wrong)
    return {"MetricAlarms": page, "CompositeAlarms": [], "NextToken": rest}


def _fits(alarm: Any, asked: Mapping[str, Any]) -> bool:
    actions = (*alarm.alarm_actions, *alarm.ok_actions, *alarm.insufficient_data_actions)
    return (
        "MetricAlarm" in (asked.get("AlarmTypes") or ["MetricAlarm"])
        and alarm.name in (asked.get("AlarmNames") or [alarm.name])
        and alarm.name.startswith(asked.get("AlarmNamePrefix", ""))
        and alarm.state_value == asked.get("StateValue", alarm.state_value)
        and ("ActionPrefix" not in asked or any(each.startswith(asked["ActionPrefix"]) for each in actions))
    )


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
    arn = request.parameters["ResourceARN"]
    if ":alarm:" in arn and all(alarm.alarm_arn != arn for alarm in request.backend.alarms.values()):
        raise Refused("ResourceNotFoundException", f"Resource not found: {arn}")
    return MOTO


def _pairs(dimensions: Iterable[Any]) -> set[tuple[str, str]]:
    return {(one.name, one.value) for one in dimensions}


def _evaluate(backend: Any) -> None:
    """Give those of RDS's metrics the state that the last value makes, if it is of the periods that count."""
    alarms = [each for each in backend.alarms.values() if each.namespace == NAMESPACE and each.comparison_operator in COMPARISONS]
    last = {(one.name, frozenset(_pairs(one.dimensions))): one for one in backend.aws_metric_data} if alarms else {}
    now = utcnow().replace(second=0, microsecond=0)
    for alarm in alarms:
        found = last.get((alarm.metric_name, frozenset(_pairs(alarm.dimensions))))
        oldest = now - timedelta(seconds=alarm.period * alarm.evaluation_periods)
        state, reason = judge(alarm, found.value if found and found.timestamp >= oldest else None)
        if alarm.state_value != state:
            alarm.update_state(reason, "{}", state)


def judge(alarm: Any, value: float | None) -> tuple[str, str]:
    """The state that a value makes, or that there is none, and why."""
    if value is None:
        state = MISSING[alarm.treat_missing_data or "missing"] or alarm.state_value
        return state, f"{'Insufficient Data' if state == NO_DATA else 'Threshold Crossed'}: no datapoints were received."
    breached = COMPARISONS[alarm.comparison_operator](value, alarm.threshold)
    return "ALARM" if breached else "OK", f"Threshold Crossed: the last datapoint was {value} (threshold {alarm.threshold})."
