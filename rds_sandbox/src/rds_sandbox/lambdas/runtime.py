"""The program in a function's process: it loads the handler and answers events as Lambda's Python runtime does.

Run as a script by an interpreter of the function's runtime, with three arguments: the descriptor of a socket
to the sandbox, the folder of the function's code, and that of the libraries which the runtime offers. It
imports the standard library alone. On the socket stand JSON documents, one in a line: out goes null or the
error of the initialisation, then for each request in one answer out.

Source: AWS Lambda Developer Guide, "Building Lambda functions with Python" (handler, context object, logging),
"Lambda function errors in Python" and the open source runtime interface client (names of the errors).
"""

import importlib
import json
import logging
import os
import socket
import sys
import time
import traceback
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, TextIO

LOG_FORMAT = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s"

Handler = Callable[[Any, Any], Any]


class Refused(Exception):
    """The runtime's own error, under the name that Lambda gives it."""

    def __init__(self, error_type: str, message: str) -> None:
        """The name begins with "Runtime."."""
        super().__init__(message)
        self.error_type = f"Runtime.{error_type}"


class ClientContext:
    """What a mobile client says of itself."""

    def __init__(self, said: dict[str, Any]) -> None:
        """What is not said is None."""
        self.custom, self.env, client = said.get("custom"), said.get("env"), said.get("client")
        names = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")
        self.client = SimpleNamespace(**{name: client.get(name) for name in names}) if client else None


class Context:
    """The context object: what a handler may ask about its invocation."""

    def __init__(self, request: dict[str, Any]) -> None:
        """Keep what the sandbox says; `deadline` is in milliseconds since 1970."""
        self.aws_request_id: str = request["request_id"]
        self.invoked_function_arn: str = request["arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.client_context = ClientContext(json.loads(request["client"])) if request["client"] else None
        self.identity = None
        self._deadline: int = request["deadline"]

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function times out."""
        return max(0, self._deadline - int(time.time() * 1000))


class LogFilter(logging.Filter):
    """Gives each record the id of the request under way."""

    request_id = ""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record through."""
        record.aws_request_id = self.request_id
        return True


def set_up_logging() -> LogFilter:
    """The handler that the runtime puts on the root logger."""
    formatter = logging.Formatter(LOG_FORMAT, "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter)
    requests = LogFilter()
    handler.addFilter(requests)
    logging.getLogger().addHandler(handler)
    return requests


def load(name: str) -> Handler:
    """The handler called "module.function"; slashes in the module's part are folders."""
    module_name, dot, function_name = name.rpartition(".")
    if not dot:
        raise Refused("MalformedHandlerName", f"Bad handler '{name}': not enough values to unpack (expected 2, got 1)")
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise Refused("ImportModuleError", f"Unable to import module '{module_name}': {error}") from error
    except SyntaxError as error:
        raise Refused("UserCodeSyntaxError", f"Syntax error in module '{module_name}': {error}") from error
    try:
        handler: Handler = getattr(module, function_name)
    except AttributeError as error:
        raise Refused("HandlerNotFound", f"Handler '{function_name}' missing on module '{module_name}'") from error
    return handler


def described(error: BaseException, skip: int) -> dict[str, Any]:
    """An error as the answer holds it; `skip` frames of the stack trace are our own."""
    if isinstance(error, Refused):
        return {"errorMessage": str(error), "errorType": error.error_type, "stackTrace": []}
    frames = traceback.format_list(traceback.extract_tb(error.__traceback__)[skip:])
    shown = [frame.replace(os.environ["LAMBDA_TASK_ROOT"], "/var/task") for frame in frames]
    return {"errorMessage": str(error), "errorType": type(error).__name__, "stackTrace": shown}


def answer(handler: Handler, request: dict[str, Any]) -> dict[str, Any]:
    """What the handler returns, as JSON text, or its error."""
    try:
        result = handler(json.loads(request["event"]), Context(request))
    except Exception as error:  # any error of the handler is its answer
        return {"error": {**described(error, skip=1), "requestId": request["request_id"]}}
    try:
        return {"result": json.dumps(result, ensure_ascii=False, allow_nan=False)}
    except (TypeError, ValueError) as error:
        problem = Refused("MarshalError", f"Unable to marshal response: {error}")
        return {"error": {**described(problem, skip=0), "requestId": request["request_id"]}}


def serve(handler: Handler, requests: TextIO, answers: TextIO, log: LogFilter) -> None:
    """Answer one request after another, until the sandbox closes its end."""
    for line in requests:
        request = json.loads(line)
        log.request_id = request["request_id"]
        say(answers, answer(handler, request))


def say(answers: TextIO, message: Any) -> None:
    """One message, after all that was printed before it."""
    sys.stdout.flush()
    sys.stderr.flush()
    answers.write(json.dumps(message) + "\n")
    answers.flush()


def main() -> None:
    """Load the handler, say how that went, and serve."""
    descriptor, task, libraries = sys.argv[1:4]
    os.set_inheritable(int(descriptor), False)
    channel = socket.socket(fileno=int(descriptor)).makefile("rw", encoding="utf-8")
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="replace", line_buffering=True)  # type: ignore[union-attr]
    sys.path[:0] = [task]
    sys.path.append(libraries)
    sys.argv[1:] = []
    log = set_up_logging()
    try:
        handler = load(os.environ["_HANDLER"])
    except Exception as error:  # what the module raises while it is imported is the function's error
        say(channel, described(error, skip=2))
        return
    say(channel, None)
    serve(handler, channel, channel, log)


if __name__ == "__main__":
    main()
