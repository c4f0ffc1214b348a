"""What the sandbox answers of the AWS API in moto's place: one table of functions, and the one place that looks them up.

A function takes a `Request`, and gives the result in the shape of botocore's model (or as
status, headers and body), or MOTO where moto is to answer
after all. It raises moto's errors, or NotInSandbox. A module that is imported puts its functions into the table.
"""

import json
import threading
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Any, TypeVar

from flask import g
from moto.backends import get_backend
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse
from moto.core.serialize import SERVICE_SPECIFIC_SERIALIZERS, QuerySerializer, TimestampSerializer
from moto.core.utils import get_service_model
from moto.utilities import paginator
from werkzeug.exceptions import HTTPException

from rds_sandbox import request_model, tables
from rds_sandbox.errors import NotInSandbox
from rds_sandbox.host import Host

MOTO = object()
JSON = {"json": "application/x-amz-json-1.1", "smithy-rpc-v2-cbor": "application/x-amz-json-1.1", "rest-json": "application/json"}
DRY_RUN_CODE = "DryRunOperation"
TOKENS = {"Marker", "NextToken", "nextToken"}  # of the next page
DENIALS = ("AccessDenied", "UnauthorizedOperation")
FORM = "application/x-www-form-urlencoded"  # what the two XML protocols that have actions are sent as

# Whose import patches a service, under moto's name of it: at its first request, so that what nobody uses costs no time.
MODULES = {
    "awslambda": "rds_sandbox.lambdas", "cloudwatch": "rds_sandbox.alarms", "cognitoidp": "rds_sandbox.cognito",
    "ec2": "rds_sandbox.ec2", "iam": "rds_sandbox.iam", "kms": "rds_sandbox.kms", "logs": "rds_sandbox.cloudwatch_logs",
    "rds": "rds_sandbox.rds", "resourcegroupstaggingapi": "rds_sandbox.tagging", "scheduler": "rds_sandbox.schedules",
    "secretsmanager": "rds_sandbox.secrets_manager", "sns": "rds_sandbox.notifications", "ssm": "rds_sandbox.parameters",
    "sts": "rds_sandbox.sessions",
}  # fmt: skip

# The services that moto knows more of than anything stands behind: what it answers otherwise would look done without
# having been done. Beside the functions of the table these actions count, which are plain bookkeeping.
BOOKKEEPING = {
    "lambda": frozenset(),
    "rds": frozenset({"AddTagsToResource", "ListTagsForResource", "RemoveTagsFromResource"}),
}  # fmt: skip

Function = Callable[["Request"], Any]
Replacement = TypeVar("Replacement")

host: Host
turn = threading.RLock()  # of what finds a DB instance in a state and begins something: requests come in threads, servers die
_functions: dict[tuple[str, str], Function] = {}
_constants: dict[object, tuple[int, Any, Any]] = {}


@dataclass(frozen=True)
class Request:
    """A call of an AWS action."""

    name: str  # of the action
    moto: Any  # the object that moto made for it
    parameters: dict[str, Any]  # under the names of botocore's model

    @property
    def host(self) -> Host:
        """The sandbox's."""
        return host

    @property
    def backend(self) -> Any:
        """moto's backend of the service, in the request's account and region."""
        return get_backend(self.moto.boto3_service_name)[self.moto.current_account][self.moto.region]

    @property
    def iam(self) -> Any:
        """moto's backend of IAM, in the request's account and partition."""
        return get_backend("iam")[self.moto.current_account][self.moto.partition]


@dataclass(frozen=True)
class Constant:
    """A result that never changes, which is written in the shape of the protocol once."""

    key: object  # what tells it from other results of the action
    result: Any  # what the function would have given


def action(service: str, *names: str) -> Callable[[Function], Function]:
    """Let the function answer these actions."""

    def register(function: Function) -> Function:
        _functions.update({(service, name): function for name in names})
        return function

    return register


def replaces(owner: Any, name: str) -> Callable[[Replacement], Replacement]:
    """Put a class or function in the place of moto's."""

    def put(own: Replacement) -> Replacement:
        setattr(owner, name, own)
        return own

    return put


def backend_of(backends: Any) -> Callable[[Replacement], Replacement]:
    """Put a class in the place of a service's backend; nobody has used what there is of the service by then."""

    def put(own: Any) -> Any:
        own.__module__ = backends.backend.__module__  # moto finds the URLs of the service by it
        backends.backend = own
        backends.clear()
        return own

    return put


def load(service: str) -> None:
    """Patch a service, under moto's name of it."""
    if service in MODULES:
        import_module(MODULES[service])


def install(own: Host) -> None:
    """Let every request pass through the table; `host` is there from then on."""
    global host
    host = own
    moto = BaseResponse.call_action

    def call_action(response: Any) -> Any:
        return _answer(response, moto)

    BaseResponse.call_action = call_action  # type: ignore[method-assign,assignment]
    parse = BaseResponse.parse_parameters

    def parse_parameters(response: Any, request: Any) -> None:
        _parameters(response, request)  # which refuses what moto would fail on
        parse(response, request)

    replaces(paginator, "InvalidToken")(ValueError)  # as moto's other lists have it: see _by_moto
    TimestampSerializer._timestamp_iso8601 = _to_the_millisecond  # type: ignore[method-assign,assignment]
    TimestampSerializer._timestamp_seconds = _to_the_second  # type: ignore[attr-defined]
    SERVICE_SPECIFIC_SERIALIZERS.update({service: {"query": _InSeconds} for service in ("iam", "sts")})
    BaseResponse.parse_parameters = parse_parameters  # type: ignore[method-assign,assignment]


def _to_the_millisecond(_: Any, value: datetime) -> str:
    """Of moments, as AWS writes them."""
    return f"{value:%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03}Z"


def _to_the_second(_: Any, value: datetime) -> str:
    return f"{value:%Y-%m-%dT%H:%M:%SZ}"


class _InSeconds(QuerySerializer):
    """Of IAM and STS, which write no fractions: outputs of the AWS CLI, as users show them."""

    DEFAULT_TIMESTAMP_FORMAT = "seconds"


def _answer(response: Any, moto: Callable[[Any], Any]) -> Any:
    service, name = response.boto3_service_name, response._get_action()
    function = _functions.get((service, name))
    if not name:
        raise _no_action(service, response)
    if function is None and name not in BOOKKEEPING.get(service, {name}):
        raise NotInSandbox(f"{service}:{name} is not in the sandbox")
    try:
        given = _parameters(response, response.normalized_request)
        if host.iam:
            import_module("rds_sandbox.authorization").require(response, service, name, given, host.keys.owner.key_id)
        request_model.check(service, name, given)
        request_model.check_lacking(service, name, given)
        if service == "ec2" and given.get("DryRun"):  # and nothing refuses the request (EC2 API Reference, of every action)
            raise request_model.Refused(DRY_RUN_CODE, "Request would have succeeded, but DryRun flag is set.")
        if function is None:
            return _by_moto(response, given, moto)
        g.own = True
        with turn if service == "rds" and not name.startswith("Describe") else nullcontext():
            result = function(Request(name, response, given))
        if result is MOTO:
            g.pop("own")
            return _by_moto(response, given, moto)
    except ServiceException as error:
        result = error
    except HTTPException as error:  # of the older kind, which has its own shape
        headers = {**response.response_headers, **dict(error.get_headers())}
        return _in_protocol(response, int(error.code or 400), *response._enrich_response(headers, error.description))
    if isinstance(result, tuple):  # status, headers and body
        return result[0], {**response.response_headers, **result[1]}, result[2]
    status, headers, body = _serialized(response, result)
    status = _status(service, result.code, status) if isinstance(result, ServiceException) else status
    return status, *response._enrich_response(headers, body)


def _by_moto(response: Any, given: dict[str, Any], moto: Callable[[Any], Any]) -> tuple[int, Any, Any]:
    """moto's answer; where it cannot read the token of a page, that the token is wrong."""
    try:
        return _in_protocol(response, *moto(response))
    except ValueError as error:
        if not TOKENS & given.keys():
            raise
        service = response.boto3_service_name
        code = tables.code("token", service) or tables.code("invalid", service, get_service_model(service).protocol)
        raise request_model.Refused(code, "The token is invalid: take it from the answer before.") from error


def _no_action(service: str, response: Any) -> request_model.Refused:
    protocols = get_service_model(service).metadata.get("protocols", ())
    asked = protocols if response.normalized_request.mimetype == FORM else ()
    return request_model.Refused(
        tables.code("no_action", *asked), f"{service} has no operation for {response.uri} without an action"
    )


def _status(service: str, code: str, usual: int) -> int:
    """412 of a dry run; 403 of a denial, but of services that are asked in JSON alone ("Common Errors" of each)."""
    if code == DRY_RUN_CODE:
        return 412
    denied = code in DENIALS or (code == "AccessDeniedException" and get_service_model(service).protocol.startswith("rest"))
    return 403 if denied else usual


def _serialized(response: Any, result: Any) -> tuple[int, Any, Any]:
    if not isinstance(result, Constant):
        found: tuple[int, Any, Any] = response.serialized(ActionResult(result))
        return found
    key = response.boto3_service_name, response._get_action(), result.key
    if key not in _constants:
        _constants[key] = response.serialized(ActionResult(result.result))
    status, headers, body = _constants[key]
    return status, {**headers, **response.response_headers}, body  # which has its date


def _in_protocol(response: Any, status: int, headers: Any, body: Any) -> tuple[int, Any, Any]:
    """moto's answer, said to be what it is; an error that moto writes as JSON, whatever the service, as XML where awaited."""
    protocol = get_service_model(response.boto3_service_name).protocol
    if protocol in JSON and not {"content-type"} & {key.lower() for key in headers}:
        headers = {**headers, "Content-Type": JSON[protocol]}
    if protocol == "json" and 400 < status < 500:  # of which these answer with no other (the errors in their API references)
        return 400, headers, body
    if status < 400 or not str(body).startswith('{"__type"') or response.normalized_request.mimetype != FORM:
        return status, headers, body
    said = json.loads(body)
    answer: tuple[int, Any, Any] = response.serialized(ActionResult(request_model.Refused(said["__type"], said["message"])))
    return answer


def _parameters(response: Any, request: Any) -> dict[str, Any]:
    """Those of the request; none of a path that is no action's."""
    name = response._get_action()
    return request_model.read(response.boto3_service_name, name, request, response.uri_match or {}) if name else {}
