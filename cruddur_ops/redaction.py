"""Keeps secrets out of what is shown and kept: values that this process came to know, and patterns of the usual kinds.

A kernel is given this at its chokepoint, the session through which every message leaves it: streams, results,
displays and tracebacks are clean before anybody else sees them.
"""

from __future__ import annotations

import base64
import html
import json
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus, unquote, urlsplit

MASK = "***"
SHORTEST = 6  # a shorter value would be masked in words that have nothing to do with it
SECRET_VARIABLES = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "PGPASSWORD")
PUBLIC = {"sandbox"}  # the sandbox's credentials, which open nothing else
# Members of AWS's answers and requests that hold a secret (each service's API reference).
SECRET_MEMBERS = frozenset({
    "AccessToken", "ClientSecret", "ConfirmationCode", "IdToken", "MasterUserPassword", "Password", "RandomPassword",
    "RefreshToken", "SecretAccessKey", "SecretString", "Session", "SessionToken", "TemporaryPassword", "TokenCode",
})  # fmt: skip
# What a secret looks like where nobody told of it; the group `secret` is masked.
PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        r"\b[a-z][a-z0-9+.-]*://[^\s:/@]*:(?P<secret>[^\s@/'\"]+)@",  # user information of a URL (RFC 3986, 3.2.1)
        r"(?i)\bpassword['\"]?\s*:\s*['\"](?P<secret>[^'\"]+)['\"]",  # JSON, YAML, a Python dictionary
        r"(?i)\b(?:pg)?password\s*=\s*(?P<secret>'(?:[^'\\]|\\.)*'|[^\s'\"*]\S*)",  # libpq's connection string, a shell
        r"(?i)\bpassword\s+(?P<secret>'(?:[^']|'')*')",  # SQL: ALTER ROLE ... PASSWORD '...'
        r"(?i)\baws_(?:secret_access_key|session_token)['\"]?\s*[:=]\s*['\"]?(?P<secret>[A-Za-z0-9/+=]{16,})",
        r"\b(?P<secret>SCRAM-SHA-256\$\d+:[^\s'\"]+)",  # a password's verifier (RFC 5803)
        r"\b(?P<secret>eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*)",  # a JSON web token (RFC 7519)
        r"(?P<secret>-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z))",  # PEM (RFC 7468)
        r"[?&]X-Amz-(?:Signature|Security-Token)=(?P<secret>[^&\s'\"]+)",  # a presigned URL, an IAM token of RDS
    )
)

_known: dict[str, None] = {}  # every spelling of every secret


def remember(secret: str) -> None:
    """Mask this value from now on, in whichever spelling it turns up."""
    if len(secret) >= SHORTEST and secret not in PUBLIC:
        _known.update(dict.fromkeys(spellings(secret)))


def spellings(secret: str) -> Iterator[str]:
    """The value plain, as in a URL, in JSON, in HTML, as Python shows it, and in base64."""
    yield from (secret, quote(secret), quote(secret, safe=""), quote_plus(secret))
    yield from (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1])
    yield from (html.escape(secret), html.escape(secret, quote=False))
    yield from _in_base64(secret.encode(errors="surrogatepass"))


def _in_base64(data: bytes) -> Iterator[str]:
    """The characters that these bytes alone decide in base64, wherever they stand in a longer text (RFC 4648)."""
    for offset in range(3):
        first, last = -(-8 * offset // 6), 8 * (offset + len(data)) // 6
        encoded = base64.b64encode(b"\0" * offset + data).decode()[first:last]
        yield from (encoded, encoded.replace("+", "-").replace("/", "_"))


def redact(text: str) -> str:
    """The text with `***` in the place of each secret."""
    for secret in sorted(_known, key=len, reverse=True):  # one may be part of another
        text = text.replace(secret, MASK)
    for pattern in PATTERNS:
        text = pattern.sub(_masked, text)
    return text


def _masked(match: re.Match[str]) -> str:
    return match[0].replace(match["secret"], MASK)


def redact_all(value: Any) -> Any:
    """The same for every text within mappings and sequences, as they come from and go into JSON."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {redact_all(key): redact_all(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [redact_all(item) for item in value]
    return value


def remember_environment() -> None:
    """Remember the secrets that environment variables hold, in themselves or in a URL."""
    for name, value in os.environ.items():
        if name in SECRET_VARIABLES:
            remember(value)
        elif name.endswith("CONNECTION_URL"):
            remember_url(value)


def remember_url(url: str) -> None:
    """Remember the password of a URL, as it stands there and as it is meant."""
    password = urlsplit(url).password or ""
    remember(password)
    remember(unquote(password))


def remember_members(value: Any) -> None:
    """Remember what the secret members of a request to AWS, or of its answer, hold."""
    for name, item in value.items() if isinstance(value, Mapping) else ():
        if name in SECRET_MEMBERS and isinstance(item, str):
            _remember_member(item)
        else:
            remember_members(item)
    for item in value if isinstance(value, (list, tuple)) else ():
        remember_members(item)


def _remember_member(text: str) -> None:
    """Remember a secret; of a JSON document, such as Secrets Manager keeps for a database, the password."""
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if isinstance(document, Mapping):
        remember(str(document.get("password", "")))
    else:
        remember(text)


def guard(session: Any) -> None:
    """Redact every message that this Jupyter session sends (jupyter_client's Session.send); once is enough."""
    send = session.send
    if getattr(send, "__name__", "") == "send_redacted":
        return

    def send_redacted(stream: Any, msg_or_type: Any, content: Any = None, *arguments: Any, **options: Any) -> Any:
        if isinstance(msg_or_type, Mapping):
            msg_or_type = {**msg_or_type, "content": redact_all(msg_or_type["content"])}
        return send(stream, msg_or_type, redact_all(content), *arguments, **options)

    session.send = send_redacted
