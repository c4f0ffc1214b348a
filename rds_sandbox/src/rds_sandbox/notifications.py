"""What SNS refuses, and how it delivers: to functions as it does itself, to queues and URLs by moto.

Whoever publishes hears nothing of a failure. Source: SNS API Reference, Subscribe, Publish; AWS Lambda Developer Guide, "Invoking
Lambda functions with Amazon SNS notifications", and its event; Amazon SNS Developer Guide, "Amazon SNS message delivery retries".
"""

import json
import logging
import re
import threading
from typing import Any

from moto.core.exceptions import ServiceException
from moto.sns.exceptions import SNSInvalidParameter
from moto.sns.models import SNSBackend, Subscription
from requests import RequestException
from werkzeug.exceptions import HTTPException

from rds_sandbox import resource_policies
from rds_sandbox.lambdas import invocations
from rds_sandbox.patches import MOTO, Request, action, replaces
from rds_sandbox.tables import limits

LAMBDA = "lambda"
SERVICE = "sns.amazonaws.com"

log = logging.getLogger(__name__)
COLONS = 5  # in an ARN
_publish, _topic = Subscription.publish, SNSBackend.get_topic


@action("sns", "Subscribe")
def check_endpoint(request: Request) -> object:
    """One that fits its protocol."""
    asked, patterns = request.parameters, limits("sns")["endpoints"]
    protocol = asked["Protocol"]
    if protocol not in patterns:
        raise SNSInvalidParameter(f"Invalid parameter: Does not support this protocol string: {protocol}")
    if not re.fullmatch(patterns[protocol], asked.get("Endpoint", "")):
        raise SNSInvalidParameter("Invalid parameter: Endpoint must match the specified protocol")
    return MOTO


@action("sns", "Publish")
def check_message(request: Request) -> object:
    """To somebody, and not empty."""
    asked = request.parameters
    if not {"TopicArn", "TargetArn", "PhoneNumber"} & asked.keys():
        raise SNSInvalidParameter("Invalid parameter: TopicArn or TargetArn Reason: no value for required parameter")
    if not asked["Message"]:
        raise SNSInvalidParameter("Invalid parameter: Empty message")
    return MOTO


@action("sns", "CreateTopic", "SetTopicAttributes")
def check_attributes(request: Request) -> object:
    """Those that a topic has; a policy that is one."""
    asked = request.parameters
    given = asked.get("Attributes", {})
    if request.name == "SetTopicAttributes":
        given = {asked["AttributeName"]: asked.get("AttributeValue", "")}
    if unknown := [name for name in given if not re.fullmatch(limits("sns")["attributes"], name)]:
        raise SNSInvalidParameter(f"Invalid parameter: AttributeName: {unknown[0]}")
    if given.get("Policy") and resource_policies.problem(given["Policy"], request.iam):
        raise SNSInvalidParameter("Invalid parameter: Policy Error: null")
    return MOTO


@replaces(SNSBackend, "get_topic")
def topic(backend: Any, arn: str) -> Any:
    """By its ARN, which moto fails on where it is none."""
    if arn.count(":") < COLONS:
        raise SNSInvalidParameter("Invalid parameter: TopicArn")
    return _topic(backend, arn)


@replaces(Subscription, "publish")
def publish(subscription: Any, message: str, message_id: str, subject: str | None = None, **others: Any) -> None:
    """To a function or a URL later."""
    given = {"message": message, "message_id": message_id, "subject": subject, **others}
    if others.get("message_structure") == "json":
        subscription._parse_message_structure(message, subscription.protocol)  # which refuses what is none
    if subscription.protocol == LAMBDA:
        _run(subscription, **given)
    elif subscription.protocol in ("http", "https"):
        threading.Thread(target=_deliver, args=(subscription, given), name=subscription.endpoint, daemon=True).start()
    else:
        _deliver(subscription, given)


def _deliver(subscription: Any, given: dict[str, Any]) -> None:
    try:
        _publish(subscription, **given)
    except (ServiceException, HTTPException, RequestException) as error:  # the queue is gone, nobody answers
        log.warning("%s: a message of %s is dropped: %s", subscription.endpoint, subscription.topic.arn, error)


def _run(subscription: Any, message: str, message_id: str, subject: str | None, **others: Any) -> None:
    attributes, matcher = others.get("message_attributes") or {}, subscription._filter_policy_matcher
    if matcher is not None and not matcher.matches(attributes, message):
        return
    if others.get("message_structure") == "json":
        message = subscription._parse_message_structure(message, LAMBDA)
    event = {"Records": [_record(subscription, subscription.get_post_data(message, message_id, subject), attributes)]}
    invocations.send(subscription.endpoint, json.dumps(event), SERVICE, subscription.topic.arn)


def _record(subscription: Any, posted: dict[str, Any], attributes: dict[str, Any]) -> dict[str, Any]:
    """What is posted to a URL, under the names of the function's event."""
    own = {
        "Subject": posted.get("Subject"),
        "SigningCertUrl": posted.pop("SigningCertURL"),
        "UnsubscribeUrl": posted.pop("UnsubscribeURL"),
        "MessageAttributes": attributes,
    }
    return {"EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": subscription.arn, "Sns": {**posted, **own}}
