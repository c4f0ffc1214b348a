"""What an invocation leaves in CloudWatch Logs: the function's output between Lambda's own lines.

Source: AWS Lambda Developer Guide, "Viewing CloudWatch logs for Lambda functions" (log format text).
"""

import base64
import math
import secrets
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from rds_sandbox.lambdas.execution_environment import MEBIBYTE, ExecutionEnvironment, Outcome
from rds_sandbox.lambdas.functions import SandboxFunction
from rds_sandbox.tables import limits


def stream_name(version: str) -> str:
    """A new stream, named as Lambda names them: one for each execution environment."""
    return f"{datetime.now(UTC):%Y/%m/%d}/[{version}]{secrets.token_hex(16)}"


def log_lines(request_id: str, version: str, environment: ExecutionEnvironment, outcome: Outcome) -> list[str]:
    """All log events of one invocation, oldest first."""
    return [
        f"START RequestId: {request_id} Version: {version}",
        *outcome.output,
        *_error_lines(request_id, outcome, environment.timeout),
        f"END RequestId: {request_id}",
        _report(request_id, environment, outcome),
    ]


def _error_lines(request_id: str, outcome: Outcome, timeout: float) -> Iterator[str]:
    """The runtime's report of an error: one event, however many lines it has."""
    if outcome.error is None:
        return
    if outcome.status == "timeout":
        yield f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.000Z} {request_id} Task timed out after {timeout:.2f} seconds"
        return
    kind, message = outcome.error["errorType"], outcome.error["errorMessage"]
    if kind == "Runtime.ExitError":
        yield f"{message}\n{kind}"
        return
    trace = "".join(outcome.error["stackTrace"])
    yield f"[ERROR] {kind}: {message}\nTraceback (most recent call last):\n{trace}"


def _report(request_id: str, environment: ExecutionEnvironment, outcome: Outcome) -> str:
    milliseconds = outcome.seconds * 1000
    initialised = f"\tInit Duration: {environment.init_seconds * 1000:.2f} ms" if environment.used == 1 else ""
    status = f"\tStatus: {outcome.status}" if outcome.status else ""
    return (
        f"REPORT RequestId: {request_id}\tDuration: {milliseconds:.2f} ms\tBilled Duration: {math.ceil(milliseconds)} ms"
        f"\tMemory Size: {environment.memory_size} MB\tMax Memory Used: {math.ceil(outcome.memory / MEBIBYTE)} MB"
        f"{initialised}{status}"
    )


def write(function: SandboxFunction, stream: str, lines: list[str]) -> None:
    """Put the lines, one event each, into a stream; group and stream are made unless they are there."""
    now, logs = int(time.time() * 1000), function.logs_backend
    logs.ensure_log_group(function.log_group)
    logs.ensure_log_stream(function.log_group, stream)
    logs.put_log_events(function.log_group, stream, [{"timestamp": now, "message": line + "\n"} for line in lines])


def tail(lines: list[str]) -> str:
    """The last 4 KB, as the header X-Amz-Log-Result has them."""
    return base64.b64encode("".join(f"{line}\n" for line in lines).encode()[-limits("lambda")["tail"] :]).decode()
