"""What moto gets wrong of CloudWatch Logs.

Source: CloudWatch Logs API Reference, the page of each action; User Guide, "Protecting log groups from deletion".
"""

from typing import Any

from moto.logs import models
from moto.logs.exceptions import InvalidParameterException, ResourceNotFoundException, ValidationException
from moto.logs.models import LogGroup, LogStream

from rds_sandbox import filter_patterns, resource_policies
from rds_sandbox.errors import NotInSandbox
from rds_sandbox.lambdas.invocations import permitted
from rds_sandbox.patches import MOTO, Request, action, replaces
from rds_sandbox.tables import limits

RETENTIONS = limits("logs")["retentions"]
GROUPS, FILTERS = limits("logs")["groups"], limits("logs")["filters"]
SPAN = limits("logs")["span"]
NO_STREAM = "The specified log stream does not exist."
SERVICE = "logs.amazonaws.com"
PROTECTED = "Cannot delete log group with deletion protection enabled. Disable deletion protection first."
SHORT = ("arn", "creationTime", "logGroupName")  # of a group that is found by a pattern

replaces(models, "EventMessageFilter")(filter_patterns.parse)
_described, _send, _subscribe = LogGroup.to_describe_dict, LogStream._send_log_events, LogGroup.put_subscription_filter


@replaces(LogGroup, "to_describe_dict")
def described(group: Any) -> dict[str, Any]:
    return {**_described(group), "logGroupClass": "STANDARD", "deletionProtectionEnabled": _protected(group)}


@replaces(LogStream, "_send_log_events")
def send(stream: Any, *, filter_name: str, log_events: list[dict[str, Any]], **where: str) -> None:
    """To a subscription what its pattern lets through."""
    pattern = filter_patterns.parse(stream.log_group.subscription_filters[filter_name].filter_pattern)
    if found := [each for each in log_events if pattern.matches(each["message"])]:
        _send(stream, filter_name=filter_name, log_events=found, **where)


@action("logs", "FilterLogEvents")
def filter_events(request: Request) -> dict[str, Any]:
    """In the order of time, whatever the stream: `interleaved` is ignored, and no stream is told to be searched."""
    asked, group = request.parameters, _group(request)
    streams, prefix = asked.get("logStreamNames"), asked.get("logStreamNamePrefix")
    if streams and prefix:
        raise InvalidParameterException("logStreamNames and logStreamNamePrefix cannot be used together.")
    if asked.get("startFromHead") is False:
        raise NotInSandbox("FilterLogEvents from the latest event on is not in the sandbox")
    filter_patterns.parse(asked.get("filterPattern"))
    if set(streams or ()).difference(group.streams):
        raise ResourceNotFoundException(NO_STREAM)
    if prefix:
        streams = [name for name in group.streams if name.startswith(prefix)]
    names = ("startTime", "endTime", "limit", "nextToken", "filterPattern")
    given = [asked.get(name) for name in names]
    events, token, _ = ([], None, []) if streams == [] else group.filter_log_events(group.name, streams, *given, interleaved=True)
    return {"events": events, "nextToken": token, "searchedLogStreams": []}


@action("logs", "CreateLogGroup")
def create_group(request: Request) -> dict[str, Any]:
    """Of the class STANDARD, protected from deletion or not."""
    asked = request.parameters
    if (kind := asked.get("logGroupClass", "STANDARD")) != "STANDARD":
        raise NotInSandbox(f"the log group class {kind} is not in the sandbox")
    group = request.backend.create_log_group(asked["logGroupName"], asked.get("tags"), kmsKeyId=asked.get("kmsKeyId"))
    group.protected = asked.get("deletionProtectionEnabled", False)
    return {}


@action("logs", "PutLogGroupDeletionProtection")
def protect(request: Request) -> dict[str, Any]:
    _group(request).protected = request.parameters["deletionProtectionEnabled"]
    return {}


@action("logs", "DeleteLogGroup", "DeleteLogStream")
def delete(request: Request) -> object:
    """Neither a group that is protected nor anything of it."""
    if _protected(_group(request)):
        raise ValidationException(PROTECTED)
    return MOTO if request.name == "DeleteLogGroup" else require_stream(request)


@action("logs", "GetLogEvents")
def require_stream(request: Request) -> object:
    """One that there is: moto says that its group is gone."""
    if request.parameters["logStreamName"] not in _group(request).streams:
        raise ResourceNotFoundException(NO_STREAM)
    return MOTO


@action("logs", "PutLogEvents")
def check_events(request: Request) -> object:
    """None is empty, and they are of a day (PutLogEvents)."""
    events = request.parameters["logEvents"]
    if not all(each["message"] for each in events):
        raise InvalidParameterException("Log event message cannot be empty.")
    times = [each["timestamp"] for each in events]
    if max(times) - min(times) > SPAN:
        raise InvalidParameterException(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours."
        )
    return MOTO


@action("logs", "TagResource", "UntagResource")
def require_tagged(request: Request) -> object:
    """A log group that there is."""
    arn = request.parameters["resourceArn"]
    if ":log-group:" in arn and arn.removesuffix(":*") not in {each.arn.removesuffix(":*") for each in _groups(request)}:
        raise ResourceNotFoundException
    return MOTO


@action("logs", "DescribeLogGroups")
def describe_groups(request: Request) -> dict[str, Any]:
    """By the beginning of the name, or by what is anywhere in it, which shows less of each; the token is a name."""
    asked, backend = request.parameters, request.backend
    prefix, pattern = asked.get("logGroupNamePrefix", ""), asked.get("logGroupNamePattern", "")
    if prefix and pattern:
        raise InvalidParameterException("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
    kind, after = asked.get("logGroupClass", "STANDARD"), asked.get("nextToken", "")
    later = [(name, group) for name, group in sorted(backend.groups.items()) if name > after]
    ids = {each.removesuffix(":*") for each in asked.get("logGroupIdentifiers") or ()}
    later = [(name, group) for name, group in later if not ids or ids & {name, group.arn.removesuffix(":*")}]
    fits = [group for name, group in later if name.startswith(prefix) and pattern in name]
    found = fits if kind == "STANDARD" else []
    page, rest = _page(found, asked, GROUPS)
    rows = [group.to_describe_dict() for group in page]
    if pattern:
        rows = [{key: value if key in SHORT else None for key, value in row.items()} for row in rows]
    return {"logGroups": rows, "nextToken": rest}


@action("logs", "PutSubscriptionFilter")
def subscribe(request: Request) -> object:
    """With a pattern that the sandbox knows, on the events as they are, for a function that may be invoked for it."""
    if request.parameters.get("distribution", "ByLogStream") != "ByLogStream":
        raise NotInSandbox("a subscription whose events are distributed at random is not in the sandbox")
    filter_patterns.parse(request.parameters["filterPattern"])
    _check_permission(request, request.parameters["destinationArn"])
    return MOTO


def _check_permission(request: Request, arn: str) -> None:
    """Of a function, whose policy lets the service invoke it for the group; moto says what there is to say of others."""
    group = request.backend.groups.get(request.parameters["logGroupName"])
    if ":lambda:" not in arn or group is None:
        return
    services, sources = (SERVICE, f"logs.{group.region}.amazonaws.com"), (group.arn, f"{group.arn}:*")
    allowed = (permitted(arn, service, source) for service in services for source in sources)
    if f":lambda:{group.region}:" not in arn or not any(allowed):
        advice = "Make sure you have given CloudWatch Logs permission to execute your function."
        raise InvalidParameterException(f"Could not execute the lambda function. {advice}")


@replaces(LogGroup, "put_subscription_filter")
def put_filter(group: Any, filter_name: str, *given: Any) -> None:
    """An update, where the name is taken; moto counts that as one more."""
    if filter_name in group.subscription_filters:
        group.subscription_filters[filter_name].update(*given)
    else:
        _subscribe(group, filter_name, *given)


@action("logs", "DescribeSubscriptionFilters")
def describe_filters(request: Request) -> dict[str, Any]:
    """Those whose names begin so, in pages; the token is a name."""
    asked, group = request.parameters, _group(request)
    prefix, after = asked.get("filterNamePrefix", ""), asked.get("nextToken", "")
    found = [one for name, one in sorted(group.subscription_filters.items()) if name.startswith(prefix) and name > after]
    page, rest = _page(found, asked, FILTERS)
    return {"subscriptionFilters": [one.to_json() for one in page], "nextToken": rest}


def _page(found: list[Any], asked: dict[str, Any], most: int) -> tuple[list[Any], str | None]:
    """As many as are asked for, and the name after which the rest comes; None where nothing is left."""
    page = found[: asked.get("limit", most)]
    return page, page[-1].name if len(found) > len(page) else None


def _group(request: Request) -> Any:
    """The group that is named, or meant by its ARN."""
    name, identifier = (request.parameters.get(key) for key in ("logGroupName", "logGroupIdentifier"))
    if bool(name) is bool(identifier):
        raise InvalidParameterException("Include either logGroupIdentifier or logGroupName, but not both.")
    found = [each for each in _groups(request) if (name or identifier) in (each.name, each.arn)]
    if not found:
        raise ResourceNotFoundException
    return found[0]


def _groups(request: Request) -> list[Any]:
    return list(request.backend.groups.values())


def _protected(group: Any) -> bool:
    return getattr(group, "protected", False)


@action("logs", "PutRetentionPolicy")
def check_retention(request: Request) -> object:
    days = request.parameters["retentionInDays"]
    if days not in RETENTIONS:
        allowed = f"Member must satisfy enum value set: {RETENTIONS}"
        raise InvalidParameterException(constraint=allowed, parameter="retentionInDays", value=days)
    return MOTO


@action("logs", "PutResourcePolicy")
def check_policy(request: Request) -> object:
    document = request.parameters.get("policyDocument", "")
    if problem := resource_policies.problem(document, request.iam):
        raise InvalidParameterException(constraint=problem, parameter="policyDocument", value=document)
    return MOTO


@action("logs", "PutMetricFilter", "StartLiveTail", "StartQuery")
def refuse(request: Request) -> None:
    """moto counts nothing, skips commands that it does not know, and answers with what is there already."""
    raise NotInSandbox(f"logs:{request.name} is not in the sandbox")
