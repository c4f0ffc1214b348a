"""The sandbox's HTTP face: moto's AWS API, the address service, and what is not in the sandbox."""

import hmac
import io
import json
import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from flask import Flask, g
from flask import request as current_request
from moto.core.exceptions import ServiceException
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.moto_api._internal.models import moto_api_backend
from moto.moto_server.werkzeug_app import BackendRequest, DomainDispatcherApplication, create_backend_app
from werkzeug.exceptions import BadRequest, HTTPException, InternalServerError, NotFound
from werkzeug.wrappers import Request, Response
from werkzeug.wsgi import get_input_stream

from rds_sandbox import cbor, patches, reports, signatures, simulations
from rds_sandbox.ec2.vpc_endpoints import wait_for_a_way
from rds_sandbox.errors import NotInSandbox, WrongInput
from rds_sandbox.host import Host
from rds_sandbox.patches import FORM
from rds_sandbox.rds import pricing, recovery
from rds_sandbox.realism import read_call
from rds_sandbox.simulate import AT_ONCE

PREFIX = "/_sandbox"
SIMULATE = "/simulate/"
RESET = "/moto-api/reset"  # moto's own
CHECKIP = "/checkip"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
XML_SERVICES = ("s3", "cloudfront", "route53")  # whose requests are no forms
XML_TYPES = (FORM, "multipart/form-data")
XML_PARAMETERS = {"Action", "X-Amz-Signature"}
MOTO_API = "/moto-api"
PUBLIC = ("/.well-known/jwks.json", "/.well-known/openid-configuration")
KEYS_REMEDY = '`eval "$(rds-sandbox env)"` as the user who started it'
# Services some of whose operations AWS asks no signature for, by the prefix of X-Amz-Target. STS has two more, whose tokens
# nobody checks here: a signature is asked for these.
OPEN = {"AWSCognitoIdentityProviderService": "cognito-idp", "AWSCognitoIdentityService": "cognito-identity"}
# With --iam: those whose requests are asked for policies, by their signing names; any other is the owner's alone.
EVALUATED = (
    "rds", "ec2", "lambda", "iam", "sts", "logs", "secretsmanager", "ssm", "cognito-idp", "monitoring", "kms", "scheduler",
    "tagging", "pricing", "sns",
)  # fmt: skip
DEFAULT_REGION = "us-east-1"  # moto's for what is not signed

Environ = dict[str, Any]
Wsgi = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


@dataclass(frozen=True)
class SandboxApp:
    """The WSGI application of a sandbox."""

    host: Host
    moto: DomainDispatcherApplication

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        call = cbor.asked(environ)
        application = self.respond(environ)
        answer = call.answer(Response.from_app(application, environ)) if call else application
        return answer(environ, start_response)

    def respond(self, environ: Environ) -> Wsgi:
        """The application that answers this request: ours, moto's, or an error."""
        request = Request(environ)
        if not _is_local(request):
            return Response("The sandbox answers programs on this machine, not web pages.\n", 403)
        if request.path.startswith(PREFIX):
            return self._own(request)
        if request.path.startswith(MOTO_API):
            return self._moto_api(request)
        try:
            self._require_signature(request)
            request = Request(cbor.as_json(environ))
        except signatures.Refused as refused:
            return aws_error(request, refused.code, str(refused), refused.status)
        region, service = scope(request)
        if self.host.iam and not self._is_evaluated(request, service):
            return aws_error(request, "AccessDenied", f"{service or 's3'} is the owner's alone with --iam", 403)
        if self.host.realism and service and AT_ONCE not in request.headers.get("User-Agent", ""):
            return self._late(request, region, service)
        return self._aws(request, region, service)

    def _moto_api(self, request: Request) -> Wsgi:
        """moto's own interface, which asks nobody who he is: closed unless the owner has opened it."""
        if not self.host.moto_api:
            return Response("moto's own interface is closed: `rds-sandbox up --moto-api` opens it.\n", 403)
        if self.host.realism and request.path == RESET:
            self.host.realism.forget()
        return self.moto

    def _require_signature(self, request: Request) -> None:
        """Let pass what the sandbox's keys have signed, and what AWS asks no signature for; the body can be read again."""
        environ = request.environ
        body = get_input_stream(environ).read()
        environ["wsgi.input"] = io.BytesIO(body)
        if not self._is_open(request):
            signatures.require(BackendRequest(environ), body, self.host.keys)
            environ |= signatures.in_headers(request)
        environ["wsgi.input"] = io.BytesIO(body)

    def _is_open(self, request: Request) -> bool:
        """Whether AWS asks no signature for this: some of Cognito's operations, and the public keys of a user pool."""
        if "Authorization" in request.headers:
            return False
        if request.method == "GET" and request.path.endswith(PUBLIC):
            return bool(self._backend(request) == "cognitoidp")
        prefix, _, name = request.headers.get("X-Amz-Target", "").partition(".")
        return prefix in OPEN and request.path == "/" and name in signatures.open_operations(OPEN[prefix])

    def _is_evaluated(self, request: Request, service: str) -> bool:
        """Whether nobody needs a policy for it, or policies are asked later on."""
        owner = signatures.key_id(request.headers.get("Authorization", "")) == self.host.keys.owner.key_id
        return owner or service in EVALUATED or self._is_open(request)

    def _late(self, request: Request, region: str, service: str) -> Response:
        """As a realistic AWS answers; a lost answer is a connection that ends without one."""
        environ, realism = request.environ, self.host.realism
        call = read_call(environ, region, service)
        assert realism
        try:
            return realism.respond(call, lambda: Response.from_app(self._aws(request, region, service), environ, buffered=True))
        except signatures.Refused as refused:
            return aws_error(request, refused.code, refused.message, refused.status)
        except ConnectionAbortedError:
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)  # the server would wait for the next request
            raise

    def _aws(self, request: Request, region: str, service: str) -> Wsgi:
        environ = request.environ
        wait_for_a_way(self.host.callers, (environ["REMOTE_ADDR"], int(environ["REMOTE_PORT"])), region, service)
        if service == "pricing":
            return self._price_list(request)
        return not_in_sandbox(request, service) if service and not self._backend(request) else self.moto

    def _price_list(self, request: Request) -> Wsgi:
        """The AWS Price List Query API: GetProducts alone."""
        name = _action(request).rpartition(".")[2]
        if name != "GetProducts":
            return not_in_sandbox(request, "pricing")
        try:
            if self.host.iam:
                who = {"partition": "aws", "region": DEFAULT_REGION, "current_account": DEFAULT_ACCOUNT_ID}
                signed = SimpleNamespace(headers=request.headers, **who)
                import_module("rds_sandbox.authorization").require(signed, "pricing", name, {}, self.host.keys.owner.key_id)
            answer = pricing.get_products(json.loads(request.get_data() or b"{}"))
        except ServiceException as error:
            return aws_error(request, error.code, error.message, 400)
        return _json(answer, "application/x-amz-json-1.1")

    def _backend(self, request: Request) -> Any:
        """moto's module for the request; None where it has none."""
        return self.moto.get_backend_for_host(self.moto.infer_service_region_host(request.environ, request.path))

    def _own(self, request: Request) -> Wsgi:
        try:
            return self._route(request, request.path.removeprefix(PREFIX))
        except HTTPException as error:
            return error

    def _route(self, request: Request, path: str) -> Response:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")  # RFC 6750, section 2.1
        if path != CHECKIP and not hmac.compare_digest(given.encode(), self.host.keys.control.encode()):
            return Response(f"this sandbox is another's, or its keys are not at hand: {KEYS_REMEDY}", 403)
        if request.method == "PUT" and path.startswith(SIMULATE):
            return self._simulate(request, path.removeprefix(SIMULATE))
        match request.method, path:
            case "GET", "/checkip":  # as public as AWS's
                return Response(f"{self.host.callers.operator}\n")
            case "GET", "/status":
                return _json(reports.status(self.host))
            case "GET", "/confirmation-codes":
                return _json({"Codes": reports.confirmation_codes(request.args.get("UserPoolId"))})
            case "POST", "/reset":
                return self._reset()
            case "PUT", "/moto-api":
                self.host.moto_api = True
                return _json({})
            case "PUT", "/iam":
                self.host.iam = True
                return _json({})
            case "PUT", "/interface":
                self.host.callers.interfaces[_member(request, "LoopbackAddress")] = _member(request, "NetworkInterfaceId")
                return _json({})
            case "PUT", "/trigger-seconds":
                self.host.trigger_seconds = float(_member(request, "Seconds"))
                return _json({})
        raise NotFound

    def _reset(self) -> Response:
        if self.host.realism:
            self.host.realism.forget()
        moto_api_backend.reset()
        return _json({})

    def _simulate(self, request: Request, name: str) -> Response:
        try:
            simulations.perform(self.host, name, request.get_json(force=True))
        except WrongInput as error:
            return Response(str(error), 400)
        return _json({})


def create_app(host: Host) -> SandboxApp:
    """The application over moto's own dispatcher; what RDS stands on is patched before anybody asks for it."""
    patches.load("ec2")
    patches.load("iam")  # which tells for every service whose keys a request is signed with
    patches.load("rds")
    recovery.watch(host)
    return SandboxApp(host, DomainDispatcherApplication(create_service))


def create_service(name: Any) -> Flask:
    """One AWS service as moto makes it, whose failures are AWS errors and not stack traces."""
    patches.load(name)
    try:
        application = create_backend_app(name)
    except ImportError:  # of a package that the sandbox does without
        application = Flask("lacking")
    application.debug = False
    application.url_map.merge_slashes = False  # an empty name in a path is no redirection
    application.register_error_handler(NotInSandbox, lambda error: lacking(current_request, str(error)))
    for error in (NotImplementedError, NotFound):  # an action that moto knows no method of, or no path
        application.register_error_handler(error, lambda _: not_in_sandbox(current_request, name))
    application.register_error_handler(ServiceException, lambda error: aws_error(current_request, error.code, error.message, 400))
    application.register_error_handler(InternalServerError, lambda error: internal_failure(current_request, error))
    return application


def internal_failure(request: Request, error: InternalServerError) -> Response:
    """The sandbox's own fault, or that moto does not know what to make of a request; the log has the stack trace."""
    cause = type(error.original_exception).__name__
    message = f"{_action(request)} failed in the sandbox ({cause}): its log has the stack trace."
    if "own" not in g:
        return lacking(request, message)
    return aws_error(request, "InternalFailure", message, 500)


def _is_local(request: Request) -> bool:
    """Whether a program of this machine asks: a web page would send Origin, or another host name."""
    return "Origin" not in request.headers and urlsplit(f"//{request.host}").hostname in LOOPBACK


def scope(request: Request) -> tuple[str, str]:
    """Region and service that the request is signed for (AWS Signature Version 4); no service where it is not signed."""
    words = request.headers.get("Authorization", "").partition("Credential=")[2].partition(",")[0].split("/")
    return (words[2], words[3].lower()) if len(words) == 5 else (DEFAULT_REGION, "")


def not_in_sandbox(request: Request, service: str) -> Response:
    """An AWS error, in the shape of the service's protocol, that says what the sandbox lacks."""
    return lacking(request, f"{service}:{_action(request)} is not in the sandbox")


def lacking(request: Request, what: str) -> Response:
    """The same, with the sentence given."""
    return aws_error(request, "NotInSandbox", f"{what}: see docs/fidelity.md of rds-sandbox", 501)


def aws_error(request: Request, code: str, message: str, status_code: int) -> Response:
    """An error in the shape of the request's protocol: XML where a form was sent, else JSON."""
    if request.mimetype in XML_TYPES or scope(request)[1] in XML_SERVICES or XML_PARAMETERS & request.args.keys():
        return Response(_xml_error(code, message), status_code, mimetype="text/xml")
    body = json.dumps({"__type": code, "message": message, "Message": message})
    return Response(body, status_code, {"x-amzn-ErrorType": code}, mimetype="application/x-amz-json-1.1")


def _action(request: Request) -> str:
    """The name of the action, wherever the protocol keeps it."""
    target = request.headers.get("X-Amz-Target", "").rpartition(".")[2]
    return request.values.get("Action") or target or f"{request.method} {request.path}"


def _xml_error(code: str, message: str) -> str:
    """Readable by both XML protocols: `query` looks for Error, `ec2` for Errors/Error."""
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    return f"<ErrorResponse>{error}<Errors>{error}</Errors><RequestId>sandbox</RequestId></ErrorResponse>"


def _json(body: Mapping[str, Any], mimetype: str = "application/json") -> Response:
    return Response(json.dumps(body), mimetype=mimetype)


def _member(request: Request, name: str) -> str:
    body = request.get_json(force=True)
    if not isinstance(body, dict) or not isinstance(body.get(name), str):
        raise BadRequest(f"{name} is missing")
    return str(body[name])
