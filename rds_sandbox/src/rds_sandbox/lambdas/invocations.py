"""The Lambda action Invoke: from the event to the answer.

Source: AWS Lambda API Reference (Invoke), Developer Guide, "Lambda quotas" and "How Lambda handles errors and
retries with asynchronous invocation".
"""

import base64
import json
import logging
import threading
import time
from typing import Any

from moto.awslambda import models
from moto.awslambda.exceptions import LambdaClientError, UnknownFunctionException

from rds_sandbox.lambdas import logs, names
from rds_sandbox.lambdas.backend import backend_in
from rds_sandbox.lambdas.execution_environment import Outcome
from rds_sandbox.lambdas.fleets import Event, Throttled, fleets
from rds_sandbox.lambdas.functions import SandboxFunction
from rds_sandbox.lambdas.policies import permits
from rds_sandbox.lambdas.validation import CONFLICT_CODE, refusal
from rds_sandbox.lambdas.versions import check_active
from rds_sandbox.patches import Request, action, replaces
from rds_sandbox.tables import limits

log = logging.getLogger(__name__)

LIMITS = limits("lambda")
RETRY_SECONDS = (0.5, 1.0)  # one and two minutes on AWS
THROTTLED_SECONDS = (0.1, 5.0)  # between tries, growing: from a second to five minutes on AWS
THROTTLED_CODE = "TooManyRequestsException"


@action("lambda", "Invoke")
def invoke(request: Request) -> tuple[int, dict[str, str], str]:
    """Wait for the answer, or take the event and run the function later, or do nothing."""
    asked, backend = request.parameters, request.backend
    kind = asked.get("InvocationType", "RequestResponse")
    event = Event(_checked_event(request.moto.body, kind), client=_client_context(asked.get("ClientContext", "")))
    headers = {"x-amzn-RequestId": event.request_id}
    function = _found(backend, asked["FunctionName"], asked.get("Qualifier"))
    if kind == "DryRun":
        return 204, headers, ""
    if kind == "Event":
        _take(backend, asked["FunctionName"], asked.get("Qualifier"), event)
        return 202, headers, ""
    outcome, lines = run(function, event)
    payload, error = _answer(outcome.payload, outcome.error is not None)
    headers |= {"Content-Type": "application/json", "X-Amz-Executed-Version": str(function.version)}
    headers |= {"X-Amz-Function-Error": "Unhandled"} if error else {}
    if asked.get("LogType") == "Tail":
        headers["X-Amz-Log-Result"] = logs.tail(lines)
    return 200, headers, payload


def _found(backend: Any, called: str, qualifier: str | None) -> SandboxFunction:
    """What is invoked; what is not found is named with its qualifier, as AWS answers."""
    name, qualifier = names.read(backend, called, qualifier)
    if backend.latest(name) is None:
        raise UnknownFunctionException(names.arn(backend, name, qualifier or names.LATEST))
    function: SandboxFunction = backend.get_function(name, qualifier, drawn=True)
    return function


def run(function: SandboxFunction, event: Event) -> tuple[Outcome, list[str]]:
    """Run a function: what came of it, and the lines of its log."""
    check_active(function)
    try:
        return fleets().invoke(function, event)
    except Throttled as error:
        raise refusal(429, THROTTLED_CODE, "Rate Exceeded.") from error


def _checked_event(content: bytes, kind: str) -> str:
    """The event as JSON text; an absent one is an empty object."""
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


def _client_context(header: str) -> str:
    """What a mobile client says of itself, as JSON text."""
    try:
        text = base64.b64decode(header, validate=True).decode()
        if text and not isinstance(json.loads(text), dict):
            raise ValueError
    except ValueError as error:
        message = "Client context must be a valid Base64-encoded JSON object."
        raise LambdaClientError("InvalidRequestContentException", message) from error
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
        _take(_backend(arn), arn, None, Event(event))
    else:
        log.warning("%s: the event is dropped: no policy of a function lets %s in for %s", arn, service, source_arn)


def permitted(arn: str, service: str, source_arn: str) -> bool:
    """Whether there is this function, and its policy lets the service in for the resource."""
    try:
        return permits(_backend(arn).statements(arn), service, source_arn, arn.split(":")[4])
    except (LambdaClientError, ValueError):  # of another account or region, or no ARN
        return False


def call(arn: str, event: str) -> Outcome:
    """Run what another service calls, and waits for."""
    return run(_backend(arn).get_function(arn, drawn=True), Event(event))[0]


def _backend(arn: str) -> Any:
    region, account = arn.split(":")[3:5]
    return backend_in(account, region)


@replaces(models.LambdaFunction, "invoke")
def take(function: Any, event: str, *_headers: Any) -> str:
    """What moto's services send, as EventBridge and CloudWatch Logs: their events, without a policy being asked."""
    _take(backend_in(function.account_id, function.region), function.function_arn, None, Event(event))
    return ""


def _take(backend: Any, called: str, qualifier: str | None, event: Event) -> None:
    threading.Thread(target=_run_later, args=(backend, called, qualifier, event), name=called, daemon=True).start()


def _run_later(backend: Any, called: str, qualifier: str | None, event: Event) -> None:
    """An asynchronous invocation: once, and twice more while it fails."""
    for wait in (*RETRY_SECONDS, None):
        try:
            failed = _when_there_is_room(backend, called, qualifier, event).error is not None
        except LambdaClientError as error:
            log.warning("%s: the event is dropped: %s", called, error.message)
            return
        if not failed or wait is None:
            return
        time.sleep(wait)


def _when_there_is_room(backend: Any, called: str, qualifier: str | None, event: Event) -> Outcome:
    """Wait for hours while the function is throttled or still being created; not where no concurrency at all is left to it."""
    deadline, wait = time.monotonic() + LIMITS["waiting"], THROTTLED_SECONDS[0]
    while True:
        function = backend.get_function(called, qualifier, drawn=True)
        try:
            return run(function, event)[0]
        except LambdaClientError as error:
            hopeless = function.reserved_concurrency == 0 or time.monotonic() > deadline
            if error.error_type not in (THROTTLED_CODE, CONFLICT_CODE) or hopeless:
                raise
        time.sleep(wait)
        wait = min(2 * wait, THROTTLED_SECONDS[1])
