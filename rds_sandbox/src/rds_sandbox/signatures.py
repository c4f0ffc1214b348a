"""Whether a request is signed by a key of the sandbox: AWS Signature Version 4, computed as botocore signs.

Source: IAM User Guide, "AWS Signature Version 4 for API requests" (headers, query); S3 API Reference, "Authenticating
Requests: Browser-Based Uploads Using POST"; "Common Errors" of each service's API reference, and EC2's list of error codes.
"""

import functools
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from botocore.auth import SIGV4_TIMESTAMP, UNSIGNED_PAYLOAD, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials
from botocore.session import Session
from werkzeug.wrappers import Request

from rds_sandbox.keys import Key, Keys
from rds_sandbox.tables import code, limits

SKEW = timedelta(seconds=limits("signature")["skew"])
LONGEST = limits("signature")["url"]
AUTHORIZATION = re.compile(r"AWS4-HMAC-SHA256 Credential=([^,\s]+),\s*SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]{64})")
HASH = re.compile("[0-9a-f]{64}")
UNKNOWN_KEY, WRONG, OLD, EXPIRED = range(4)  # what the services say of these four is in codes.toml
WORDS = (
    "The security token included in the request is invalid.",
    "The request signature we calculated does not match the signature you provided.",
    "Signature expired: the request is dated {date}, and it is {now} now.",
    "The security token included in the request is expired",
)


class Refused(Exception):
    """AWS refuses the request before its service looks at it: error code, message and HTTP status."""

    def __init__(self, code: str, message: str, status: int = 403) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


@dataclass(frozen=True)
class Claim:
    """What a request says of its signature."""

    credential: tuple[str, ...]  # key id, day, region, service and "aws4_request"
    date: str  # when it was signed
    signature: str
    token: str
    headers: tuple[str, ...] = ()  # the names of those that are signed; empty for a form, whose policy is signed
    expires: int | None = None  # seconds for which it is good; None for the usual quarter of an hour

    @property
    def service(self) -> str:
        """The signing name of the service."""
        return self.credential[3]


class _Signer(SigV4Auth):  # type: ignore[misc]
    """botocore's, for a request that was signed elsewhere: which headers count is known."""

    def __init__(self, key: Key, claim: Claim, headers: HTTPHeaders) -> None:
        super().__init__(Credentials(key.key_id, key.secret), claim.service, claim.credential[2])
        self.signed = headers

    def headers_to_sign(self, request: AWSRequest) -> HTTPHeaders:
        return self.signed

    def _normalize_url_path(self, path: str) -> str:
        """S3 takes the path as it is (S3 API Reference, "Create a canonical request")."""
        return path if self._service_name.startswith("s3") else str(super()._normalize_url_path(path))


def require(request: Request, body: bytes, keys: Keys, now: datetime | None = None) -> None:
    """Raise Refused unless a key of the sandbox has signed the request, whose form is read only where it is one of S3's.

    The body is that without the framing of the transfer, `now` in UTC.
    """
    now = now or datetime.now(UTC)
    claim = _claim(request)
    key = keys.find(claim.credential[0])
    if key is None or not hmac.compare_digest(key.token.encode(), claim.token.encode()):
        raise _refused(request, claim, UNKNOWN_KEY, now)
    _require_time(request, claim, now)
    if not hmac.compare_digest(_signature(request, body, key, claim), claim.signature):
        raise _refused(request, claim, WRONG, now)
    if key.expires and key.expires.replace(tzinfo=UTC) < now:
        raise _refused(request, claim, EXPIRED, now)


def key_id(authorization: str) -> str:
    """The id of the key that has signed; empty where the header is not one of a signature."""
    found = AUTHORIZATION.fullmatch(authorization.strip())
    return found[1].partition("/")[0] if found else ""


def in_headers(request: Request) -> dict[str, str]:
    """What a request that was found to be signed in its query would have in its headers: all but S3 read there whose it is."""
    claim = _read(request.args, (), None)
    if "Authorization" in request.headers or not claim.signature or claim.credential[3] == "s3":
        return {}
    named = f"Credential={'/'.join(claim.credential)}, SignedHeaders={request.args['X-Amz-SignedHeaders']}"
    headers = {"HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 {named}, Signature={claim.signature}"}
    return headers | ({"HTTP_X_AMZ_SECURITY_TOKEN": claim.token} if claim.token else {})


def _claim(request: Request) -> Claim:
    """The signature in the headers, in the query, or in the fields of a form."""
    found = AUTHORIZATION.fullmatch(request.headers.get("Authorization", "").strip())
    if found:
        date, token = request.headers.get("X-Amz-Date", ""), request.headers.get("X-Amz-Security-Token", "")
        return _checked(Claim(tuple(found[1].split("/")), date, found[3], token, tuple(found[2].split(";"))))
    if "Authorization" in request.headers:
        raise Refused("IncompleteSignature", "The Authorization header is not one of AWS Signature Version 4.", 400)
    given: Mapping[str, str] = request.args
    if "X-Amz-Signature" not in given and request.mimetype == "multipart/form-data":
        given = {name.title(): value for name, value in request.form.items()}
        if "X-Amz-Signature" not in given:
            raise unsigned()
        return _checked(_read(given, (), None))
    if "X-Amz-Signature" not in given:
        raise unsigned()
    expires = given.get("X-Amz-Expires", "")
    seconds = int(expires) if expires.isascii() and expires.isdecimal() and len(expires) < 7 else LONGEST + 1
    return _checked(_read(given, tuple(given.get("X-Amz-SignedHeaders", "").split(";")), seconds))


def _read(given: Mapping[str, str], headers: tuple[str, ...], expires: int | None) -> Claim:
    credential, date, signature = (given.get(f"X-Amz-{name}", "") for name in ("Credential", "Date", "Signature"))
    return Claim(tuple(credential.split("/")), date, signature, given.get("X-Amz-Security-Token", ""), headers, expires)


@functools.cache
def open_operations(service: str) -> frozenset[str]:
    """Those that need no signature, such as SignUp."""
    model = Session().get_service_model(service)
    return frozenset(name for name in model.operation_names if model.operation_model(name).auth_type == "none")


def unsigned() -> Refused:
    """There is no signature."""
    return Refused("MissingAuthenticationToken", "Request is missing Authentication Token")


def _checked(claim: Claim) -> Claim:
    if len(claim.credential) != 5 or claim.credential[4] != "aws4_request" or not claim.signature.isascii():
        raise Refused("IncompleteSignature", "Credential must be of the form <key>/<day>/<region>/<service>/aws4_request.", 400)
    return claim


def _require_time(request: Request, claim: Claim, now: datetime) -> None:
    try:
        date = datetime.strptime(claim.date, SIGV4_TIMESTAMP).replace(tzinfo=UTC)
    except ValueError as error:
        raise Refused("IncompleteSignature", "X-Amz-Date is not a date such as 20261126T044500Z.", 400) from error
    good = SKEW if claim.expires is None else timedelta(seconds=claim.expires)
    if not date - SKEW <= now <= date + good or (claim.expires or 0) > LONGEST:
        raise _refused(request, claim, OLD, now)


def _signature(request: Request, body: bytes, key: Key, claim: Claim) -> str:
    """The right one; "" where what is said to be signed is not there, or is not what came."""
    headers = HTTPHeaders()
    for name in claim.headers:
        for value in request.headers.getlist(name):
            headers[name] = value
    signer = _Signer(key, claim, headers)
    if claim.headers:
        signed = _aws_request(request, body, claim)
        if signed is None or "host" not in claim.headers or len(headers) < len(claim.headers):
            return ""
        text = signer.string_to_sign(signed, signer.canonical_request(signed))
    else:
        signed, text = AWSRequest(), request.form.get("policy", "")
    signed.context["timestamp"] = claim.date
    if claim.credential[1] != claim.date[:8]:
        return ""
    return str(signer.signature(text, signed))


def _aws_request(request: Request, body: bytes, claim: Claim) -> AWSRequest | None:
    """As the client made it; None where the body has another hash than the one that is said and signed."""
    path, _, query = str(request.environ["REQUEST_URI"]).partition("?")
    query = "&".join(part for part in query.split("&") if not part.startswith("X-Amz-Signature="))
    right = sha256(body).hexdigest()
    said = request.headers.get("X-Amz-Content-SHA256", right)
    if claim.expires is not None and claim.service.startswith("s3"):
        said = UNSIGNED_PAYLOAD
    if not path.startswith("/") or (HASH.fullmatch(said) and said != right):
        return None
    made = AWSRequest(request.method, f"http://sandbox{path}?{query}", {"X-Amz-Content-SHA256": said})
    made.context["timestamp"] = claim.date
    return made


def _refused(request: Request, claim: Claim, what: int, now: datetime) -> Refused:
    form = request.mimetype == "application/x-www-form-urlencoded" or "Action" in request.args
    if claim.service == "s3" and what == OLD and claim.expires is not None:
        return Refused("AccessDenied", "Request has expired")
    status, *codes = code("signature", claim.service, "query" if form else "json")
    message = WORDS[what].format(date=claim.date, now=now.strftime(SIGV4_TIMESTAMP))
    return Refused(codes[what], message, status)
