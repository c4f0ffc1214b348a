"""Lambda's requests: from HTTP to the backend, from what came of it to the answer.

Source: AWS Lambda API Reference (Invoke), Developer Guide, "Lambda quotas" and "How Lambda handles errors and
retries with asynchronous invocation".
"""

from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.responses import LambdaResponse

from rds_sandbox import function_logs

log = logging.getLogger(__name__)

EVENT_LIMITS = {"RequestResponse": 6291456, "Event": 1048576}  # bytes
ANSWER_LIMIT = 6291556
RETRY_SECONDS = (0.5, 1.0)  # one and two minutes on AWS

# What stands behind an answer. moto knows more, but nothing would come of it.
ACTIONS = frozenset({
    "AddPermission", "CreateAlias", "CreateFunction", "DeleteAlias", "DeleteFunction", "DeleteFunctionConcurrency",
    "GetAlias", "GetFunction", "GetFunctionCodeSigningConfig", "GetFunctionConcurrency", "GetFunctionConfiguration",
    "GetPolicy", "Invoke", "ListAliases", "ListFunctions", "ListTags", "ListVersionsByFunction", "PublishVersion",
    "PutFunctionConcurrency", "RemovePermission", "TagResource", "UntagResource", "UpdateAlias",
    "UpdateFunctionCode", "UpdateFunctionConfiguration",
})  # fmt: skip


class BadEvent(LambdaClientError):
    """The event is no JSON."""

    def __init__(self, problem: str) -> None:
        """What the parser says."""
        super().__init__("InvalidRequestContentException", f"Could not parse request body into json: {problem}")


class EventTooLarge(LambdaClientError):
    """The event is larger than this type of invocation takes."""

    code = 413

    def __init__(self, size: int, kind: str) -> None:
        """Both in bytes."""
        limit = f"the {kind} invocation type (limit {EVENT_LIMITS[kind]} bytes)"
        super().__init__("RequestTooLargeException", f"{size} byte payload is too large for {limit}")


def invoke(self: LambdaResponse) -> tuple[int, dict[str, Any], str]:
    """Invoke: wait for the answer, or take the event and run the function later, or do nothing."""
    name = unquote(self.path.rsplit("/", 2)[-2])
    qualifier = self.querystring.get("Qualifier", [None])[0]
    kind = self.headers.get("X-Amz-Invocation-Type", "RequestResponse")
    event = checked_event(self.body, kind)
    backend: Any = self.backend
    function = backend.function(name, qualifier)
    if kind == "DryRun":
        return 204, {"status": 204}, ""
    if kind == "Event":
        later = (backend, name, qualifier, event)
        threading.Thread(target=run_later, args=later, name=function.function_name, daemon=True).start()
        return 202, {"status": 202}, ""
    version, invocation = backend.run(name, qualifier, event, str(uuid.uuid4()))
    payload, error = answer(invocation.outcome.payload, invocation.outcome.error is not None)
    headers = {"Content-Type": "application/json", "X-Amz-Executed-Version": version}
    headers |= {"X-Amz-Function-Error": "Unhandled"} if error else {}
    if self.headers.get("X-Amz-Log-Type") == "Tail":
        headers["X-Amz-Log-Result"] = function_logs.tail(invocation.log)
    return 200, headers, payload


def checked_event(body: str | bytes | None, kind: str) -> str:
    """The event as JSON text; an absent one is an empty object.

    Raises:
        EventTooLarge: for this type of invocation.
        BadEvent: it is no JSON.
    """
    content = body.encode() if isinstance(body, str) else body or b""
    if len(content) > EVENT_LIMITS.get(kind, EVENT_LIMITS["RequestResponse"]):
        raise EventTooLarge(len(content), kind)
    try:
        text = content.decode() or "{}"
        json.loads(text)
    except ValueError as error:
        raise BadEvent(str(error)) from error
    return text


def answer(payload: str, failed: bool) -> tuple[str, bool]:
    """The payload and whether it is an error: one that is too large is."""
    if len(payload.encode()) <= ANSWER_LIMIT:
        return payload, failed
    message = f"Response payload size exceeded maximum allowed payload size ({ANSWER_LIMIT} bytes)."
    return json.dumps({"errorType": "Function.ResponseSizeTooLarge", "errorMessage": message}), True


def run_later(backend: Any, name: str, qualifier: str | None, event: str) -> None:
    """An asynchronous invocation: once, and twice more while it fails."""
    request_id = str(uuid.uuid4())
    for wait in (*RETRY_SECONDS, None):
        try:
            failed = backend.run(name, qualifier, event, request_id)[1].outcome.error is not None
        except LambdaClientError as error:
            log.warning("%s: the event is dropped: %s", name, error.message)
            return
        if not failed or wait is None:
            return
        time.sleep(wait)


def refuse_other_actions() -> None:
    """Lambda's actions that nothing stands behind are "not in the sandbox"."""
    original: Callable[[Any], Any] = LambdaResponse.call_action

    def call_action(self: Any) -> Any:
        if self._get_action() not in ACTIONS:
            raise NotImplementedError(self._get_action())
        return original(self)

    LambdaResponse.call_action = call_action  # type: ignore[method-assign]  # that is what a patch does


def install() -> None:
    """Put these in place of moto's."""
    LambdaResponse.invoke = invoke  # type: ignore[method-assign]
    refuse_other_actions()
