"""Event subscriptions: who is told of RDS's events, by a topic of SNS; moto's topics deliver to queues, functions and URLs.

Source: RDS API Reference, CreateEventSubscription; RDS User Guide, "Working with Amazon RDS event notification".
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from moto.backends import get_backend
from moto.rds.exceptions import RDSClientError

from rds_sandbox.errors import NotInSandbox
from rds_sandbox.patches import Request, action
from rds_sandbox.rds import events
from rds_sandbox.rds.requests import attributes, given, paged

EVENTS = "http://docs.amazonwebservices.com/AmazonRDS/latest/UserGuide/USER_Events.html"  # (AWS Lambda Developer Guide, "RDS")
SOURCES = ("db-instance", "db-parameter-group", "db-snapshot")  # those that have events here


@action("rds", "CreateEventSubscription")
def create(request: Request) -> dict[str, Any]:
    """Refused for a topic, a source or a category that is not there."""
    asked, backend = given(request), request.backend
    kind, sources = asked.get("SourceType"), [name.lower() for name in asked.get("SourceIds") or ()]
    _check(backend, asked, kind)
    _check_sources(backend, kind, sources)
    made = backend.create_event_subscription({"enabled": True, **attributes(asked), "source_ids": sources})
    time = f"{made.created:%a %b %d %H:%M:%S UTC %Y}"  # so the AWS CLI's example of this action has it
    return {"EventSubscription": {**_described(made), "Status": "creating", "SubscriptionCreationTime": time}}


@action("rds", "ModifyEventSubscription")
def modify(request: Request) -> dict[str, Any]:
    """What is not given stays, but categories go with another type of source."""
    asked, backend = given(request), request.backend
    [found] = backend.describe_event_subscriptions(asked["SubscriptionName"])
    kind = asked.get("SourceType", found.source_type)
    _check(backend, {"SnsTopicArn": found.sns_topic_arn, **asked}, kind)
    if kind != found.source_type and found.source_ids:
        raise RDSClientError("InvalidParameterCombination", "SourceType cannot be changed while the subscription has SourceIds.")
    found.event_categories = asked.get("EventCategories", found.event_categories if kind == found.source_type else [])
    found.source_type, found.sns_topic_arn = kind, asked.get("SnsTopicArn", found.sns_topic_arn)
    found.enabled = asked.get("Enabled", found.enabled)
    return {"EventSubscription": {**_described(found), "Status": "modifying"}}


@action("rds", "AddSourceIdentifierToSubscription", "RemoveSourceIdentifierFromSubscription")
def change_sources(request: Request) -> dict[str, Any]:
    """One source more or less."""
    asked, backend = given(request), request.backend
    [found] = backend.describe_event_subscriptions(asked["SubscriptionName"])
    name, adds = asked["SourceIdentifier"].lower(), request.name.startswith("Add")
    if adds:
        _check_sources(backend, found.source_type, [name])
    elif name not in found.source_ids:
        raise RDSClientError("SourceNotFound", f"Source {name} not found.")
    found.source_ids = [*(each for each in found.source_ids if each != name), *([name] if adds else [])]
    return {"EventSubscription": {**_described(found), "Status": "modifying"}}


@action("rds", "DescribeEventCategories")
def categories(request: Request) -> dict[str, Any]:
    """Those of each type of source, or of one."""
    kind, known = given(request).get("SourceType"), events.facts()["categories"]
    if kind and kind not in SOURCES:
        raise NotInSandbox(f"events of {kind} are not in the sandbox")
    maps = [{"SourceType": each, "EventCategories": known[each]} for each in ([kind] if kind else SOURCES)]
    return {"EventCategoriesMapList": maps}


def _check(backend: Any, asked: Mapping[str, Any], kind: str | None) -> None:
    if kind and kind not in SOURCES:
        raise NotInSandbox(f"events of {kind} are not in the sandbox")
    if asked["SnsTopicArn"] not in _topics(backend):
        raise RDSClientError("SNSTopicArnNotFound", "The SNS topic ARN does not exist.")
    _check_categories(kind, asked.get("EventCategories") or ())


def _check_sources(backend: Any, kind: str | None, sources: Iterable[str]) -> None:
    known = dict(zip(SOURCES, (backend.databases, backend.db_parameter_groups, backend.database_snapshots), strict=True))
    for name in sources:
        if not kind:
            raise RDSClientError("InvalidParameterCombination", "SourceIds cannot be specified without SourceType.")
        if name not in known[kind]:
            raise RDSClientError("SourceNotFound", f"Source {name} not found.")


def _check_categories(kind: str | None, asked: Iterable[str]) -> None:
    known = {name for source in ([kind] if kind else SOURCES) for name in events.facts()["categories"][source]}
    for name in asked:
        if name not in known:
            raise RDSClientError("SubscriptionCategoryNotFound", f"The category {name} does not exist.")


@action("rds", "DescribeEventSubscriptions")
def describe(request: Request) -> dict[str, Any]:
    """One, or all."""
    asked = given(request)
    found = request.backend.describe_event_subscriptions(asked.get("SubscriptionName"))
    return paged({"EventSubscriptionsList": [_described(each) for each in found]}, asked)


@action("rds", "DeleteEventSubscription")
def delete(request: Request) -> dict[str, Any]:
    """It is told of nothing more."""
    gone = request.backend.delete_event_subscription(given(request)["SubscriptionName"])
    return {"EventSubscription": {**_described(gone), "Status": "deleting"}}


def _described(subscription: Any) -> Mapping[str, Any]:
    created = subscription.created
    return {
        "CustomerAwsId": subscription.account_id,
        "CustSubscriptionId": subscription.subscription_name,
        "SnsTopicArn": subscription.sns_topic_arn,
        "Status": subscription.status,
        "SubscriptionCreationTime": f"{created:%Y-%m-%d %H:%M:%S}.{created.microsecond // 1000:03}",
        "SourceType": subscription.source_type,
        "SourceIdsList": subscription.source_ids or None,
        "EventCategoriesList": subscription.event_categories or None,
        "Enabled": subscription.enabled,
        "EventSubscriptionArn": subscription.arn,
    }


def tell(source: Any, event: events.Event) -> None:
    """Publish an event to the topics of those who want to know of it."""
    for one in source.backend.event_subscriptions.values():
        wanted = not one.source_type or one.source_type == event.source_type
        wanted = wanted and (not one.source_ids or event.source_identifier in one.source_ids)
        wanted = wanted and (not one.event_categories or bool({*one.event_categories} & {*event.event_categories}))
        topic = _topics(source.backend).get(one.sns_topic_arn)
        if wanted and one.enabled and topic:
            topic.publish(_message(event), subject="RDS Notification Message")


def _topics(backend: Any) -> dict[str, Any]:
    found: dict[str, Any] = get_backend("sns")[backend.account_id][backend.region_name].topics
    return found


def _message(event: events.Event) -> str:
    """RDS's, without its link to the console."""
    said = {
        "Event Source": event.source_type,
        "Event Time": f"{event.date:%Y-%m-%d %H:%M:%S}.{event.date.microsecond // 1000:03}",
        "Source ID": event.source_identifier,
        "Source ARN": event.source_arn,
        "Event ID": f"{EVENTS}#{event.id}",
        "Event Message": event.message,
    }
    return json.dumps(said)


events.listeners.append(tell)
