"""Event subscriptions: who is told of RDS's events, by a topic of SNS; moto's topics deliver to queues, functions and URLs.

Source: RDS API Reference, CreateEventSubscription; RDS User Guide, "Working with Amazon RDS event notification".
"""

from __future__ import annotations

import json
from typing import Any

from moto.backends import get_backend
from moto.rds.exceptions import RDSClientError

from rds_sandbox.errors import NotInSandbox
from rds_sandbox.patches import MOTO, Request, action
from rds_sandbox.rds import events
from rds_sandbox.rds.requests import given

EVENTS = "http://docs.amazonwebservices.com/AmazonRDS/latest/UserGuide/USER_Events.html"  # (AWS Lambda Developer Guide, "RDS")
SOURCES = ("db-instance", "db-snapshot")  # those that have events here


@action("rds", "CreateEventSubscription")
def create(request: Request) -> object:
    """Refused for a topic or a source that is not there."""
    parameters = given(request)
    topic, kind = parameters["SnsTopicArn"], parameters.get("SourceType")
    if kind and kind not in SOURCES:
        raise NotInSandbox(f"events of {kind} are not in the sandbox")
    if topic not in _topics(request.backend):
        raise RDSClientError("SNSTopicArnNotFound", "The SNS topic ARN does not exist.")
    if parameters.get("SourceIds") and not kind:
        raise RDSClientError("InvalidParameterCombination", "SourceIds cannot be specified without SourceType.")
    known = {"db-instance": request.backend.databases, "db-snapshot": request.backend.database_snapshots}
    for name in parameters.get("SourceIds", ()):
        if name not in known[kind or ""]:
            raise RDSClientError("SourceNotFound", f"Source {name} not found.")
    request.moto.params.setdefault("Enabled", True)
    return MOTO


@action("rds", "DescribeEventSubscriptions", "DeleteEventSubscription")
def answer(_: Request) -> object:
    """As moto does."""
    return MOTO


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
