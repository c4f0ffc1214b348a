"""The Lambda action Invoke: from the event to the answer.

Source: AWS Lambda API Reference (Invoke), Developer Guide, "Lambda quotas" and "How Lambda handles errors and
retries with asynchronous invocation".
"""

from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from typing import Any

from moto.awslambda import models
from moto.awslambda.exceptions import LambdaClientError

from rds_sandbox.lambdas import logs
from rds_sandbox.lambdas.actions import check_active
from rds_sandbox.lambdas.execution_environment import Outcome
from rds_sandbox.lambdas.fleets import Throttled, fleets
from rds_sandbox.lambdas.policies import permits
from rds_sandbox.lambdas.validation import refusal
from rds_sandbox.patches import Request, action, replaces
from rds_sandbox.tables import limits

log = logging.getLogger(__name__)

LIMITS = limits("lambda")
RETRY_SECONDS = (0.5, 1.0)  # one and two minutes on AWS


@action("lambda", "Invoke")
def invoke(request: Request) -> tuple[int, dict[str, str], str]:
    """Wait for the answer, or take the event and run the function later, or do nothing."""
    asked, backend = request.parameters, request.backend
    kind = asked.get("InvocationType", "RequestResponse")
    event = _checked_event(request.moto.body, kind)
    name, qualifier = asked["FunctionName"], asked.get("Qualifier")
    function = backend.get_function(name, qualifier)
    if kind == "DryRun":
        return 204, {}, ""
    if kind == "Event":
        _take(backend, name, qualifier, event)
        return 202, {}, ""
    outcome, lines = run(backend, name, qualifier, event)
    payload, error = _answer(outcome.payload, outcome.error is not None)
    headers = {"Content-Type": "application/json", "X-Amz-Executed-Version": str(function.version)}
    headers |= {"X-Amz-Function-Error": "Unhandled"} if error else {}
    if asked.get("LogType") == "Tail":
        headers["X-Amz-Log-Result"] = logs.tail(lines)
    return 200, headers, payload


def run(backend: Any, name: str, qualifier: str | None, event: str, request_id: str = "") -> tuple[Outcome, list[str]]:
    """Run a function on an event, which is JSON text: what came of it, and the lines of its log."""
    function = backend.get_function(name, qualifier)
    check_active(function)
    try:
        return fleets().invoke(function, event, request_id or str(uuid.uuid4()))
    except Throttled as error:
        raise refusal(429, "TooManyRequestsException", "Rate Exceeded.") from error


def _checked_event(body: str | bytes | None, kind: str) -> str:
    """The event as JSON text; an absent one is an empty object."""
    content = body.encode() if isinstance(body, str) else body or b""
    most = LIMITS["event"].get(kind, LIMITS["event"]["RequestResponse"])
    if len(content) > most:
        limit = f"the {kind} invocation type (limit {most} bytes)"
        raise refusal(413, "RequestTooLargeException", f"{len(content)} byte payload is too large for {limit}")
    try:
        text = content.decode() or "{}"
        json.loads(text)
    except ValueError as error:
        raise LambdaClientError("InvalidRequestContentException", f"Could not parse request body into json: {error}") from error
    return text


def _answer(payload: str, failed: bool) -> tuple[str, bool]:
    """The payload and whether it is an error: one that is too large is."""
    if len(payload.encode()) <= LIMITS["answer"]:
        return payload, failed
    message = f"Response payload size exceeded maximum allowed payload size ({LIMITS['answer']} bytes)."
    return json.dumps({"errorType": "Function.ResponseSizeTooLarge", "errorMessage": message}), True


def send(arn: str, event: str, service: str, source_arn: str) -> None:
    """Take another service's event for a function that lets that service in for this resource; else nothing happens."""
    if permitted(arn, service, source_arn):
        _take(_backend(arn), arn, None, event)
    else:
        log.warning("%s: the event is dropped: no policy of a function lets %s in for %s", arn, service, source_arn)


def permitted(arn: str, service: str, source_arn: str) -> bool:
    """Whether there is this function, and its policy lets the service in for the resource."""
    try:
        function = _backend(arn).get_function(arn)
    except (LambdaClientError, ValueError):  # it is no ARN
        return False
    return permits(function.policy.statements, service, source_arn, arn.split(":")[4])


def _backend(arn: str) -> Any:
    region, account = arn.split(":")[3:5]
    return models.lambda_backends[account][region]


@replaces(models.LambdaFunction, "invoke")
def take(function: Any, event: str, *_headers: Any) -> str:
    """What moto's services send, as EventBridge and CloudWatch Logs: their events, without a policy being asked."""
    _take(models.lambda_backends[function.account_id][function.region], function.function_name, str(function.version), event)
    return ""


def _take(backend: Any, name: str, qualifier: str | None, event: str) -> None:
    threading.Thread(target=_run_later, args=(backend, name, qualifier, event), name=name, daemon=True).start()


def _run_later(backend: Any, name: str, qualifier: str | None, event: str) -> None:
    """An asynchronous invocation: once, and twice more while it fails."""
    request_id = str(uuid.uuid4())
    for wait in (*RETRY_SECONDS, None):
        try:
            failed = run(backend, name, qualifier, event, request_id)[0].error is not None
        except LambdaClientError as error:
            log.warning("%s: the event is dropped: %s", name, error.message)
            return
        if not failed or wait is None:
            return
        time.sleep(wait)
