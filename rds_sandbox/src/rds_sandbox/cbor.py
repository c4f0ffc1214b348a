"""Smithy RPC v2 CBOR, in which newer SDKs ask CloudWatch, the tagging API and others: read as JSON, and answered as that.

Source: https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html.
"""

import base64
import io
import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import cbor2
from botocore.parsers import create_parser
from moto.core.utils import get_service_model
from werkzeug.wrappers import Response

from rds_sandbox.signatures import Refused

CBOR, JSON = "application/cbor", "application/x-amz-json-1.0"
PROTOCOL = {"Smithy-Protocol": "rpc-v2-cbor"}
PATH = re.compile(r"/service/(\w+)/operation/(\w+)")
# Services of the sandbox that are asked in it, by what the path calls them.
SERVICES = {"GraniteServiceVersion20100801": "cloudwatch", "ResourceGroupsTaggingAPI_20170126": "resourcegroupstaggingapi"}


@dataclass(frozen=True)
class Call:
    """What a request asks for."""

    service: str  # as the path has it
    operation: str

    def answer(self, response: Response) -> Response:
        """An answer in JSON as one in CBOR."""
        if response.mimetype == "text/plain":  # the sandbox's own, to web pages
            return response
        body = json.loads(response.get_data()) if response.status_code >= 400 else self._parsed(response)
        headers = {**PROTOCOL, **{key: value for key, value in response.headers if key.lower().startswith("x-amz")}}
        return Response(cbor2.dumps(body, datetime_as_timestamp=True), response.status_code, headers, mimetype=CBOR)

    def _parsed(self, response: Response) -> Any:
        """Its values as the service's model has them: times are no numbers, images no text."""
        shape = get_service_model(SERVICES[self.service]).operation_model(self.operation).output_shape
        raw = {"body": response.get_data(), "headers": dict(response.headers), "status_code": response.status_code}
        parsed = create_parser("json").parse(raw, shape)
        return {key: value for key, value in parsed.items() if key != "ResponseMetadata"}


def asked(environ: dict[str, Any]) -> Call | None:
    """What a request in CBOR asks for; None for any other."""
    found = PATH.fullmatch(environ["PATH_INFO"])
    spoken = environ.get("HTTP_SMITHY_PROTOCOL") == PROTOCOL["Smithy-Protocol"]
    return Call(found[1], found[2]) if found and spoken else None


def as_json(environ: dict[str, Any]) -> dict[str, Any]:
    """Make a request in CBOR one in JSON, whose signature is looked at no more; any other stays as it is."""
    call = asked(environ)
    if not call:
        return environ
    if call.service not in SERVICES:
        raise Refused("NotInSandbox", f"{call.service} in CBOR is not in the sandbox: see docs/fidelity.md of rds-sandbox", 501)
    try:
        values = cbor2.loads(environ["wsgi.input"].read() or cbor2.dumps({}))
        body = json.dumps(values, default=_plain).encode()
    except (cbor2.CBORDecodeError, TypeError, ValueError) as error:
        raise Refused("SerializationException", "The request is no CBOR of the protocol's types.", 400) from error
    environ |= {"PATH_INFO": "/", "HTTP_X_AMZ_TARGET": f"{call.service}.{call.operation}", "CONTENT_TYPE": JSON}
    environ |= {"CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)}
    return environ


def _plain(value: object) -> float | str:
    """What JSON has no type for, as AWS's JSON protocol writes it."""
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} is of no type of the protocol")
