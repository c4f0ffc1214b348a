"""What SNS delivers to functions; to queues and URLs moto delivers.

Source: AWS Lambda Developer Guide, "Invoking Lambda functions with Amazon SNS notifications", and its event.
"""

from __future__ import annotations

import json
from typing import Any

from moto.sns.models import Subscription

from rds_sandbox.lambdas import invocations
from rds_sandbox.patches import replaces

LAMBDA = "lambda"
SERVICE = "sns.amazonaws.com"

_publish = Subscription.publish


@replaces(Subscription, "publish")
def publish(subscription: Any, message: str, message_id: str, subject: str | None = None, **others: Any) -> None:
    """Where the subscriber is a function, run it later."""
    if subscription.protocol != LAMBDA:
        _publish(subscription, message, message_id, subject=subject, **others)
        return
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
    return {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription.arn,
        "Sns": {**posted, **own},
    }
