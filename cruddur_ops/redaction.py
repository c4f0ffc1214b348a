"""Keeps secrets out of what is shown and kept: values that this process came to know, and patterns of the usual kinds.

A kernel is given this at its chokepoint, the session through which every message leaves it: streams, results,
displays and tracebacks are clean before anybody else sees them.
"""

import base64
import functools
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from html.entities import html5
from typing import Any
from urllib.parse import unquote, urlsplit

MASK = "***"
SHORTEST = 6  # a shorter value is masked where a pattern finds it, and nowhere else
LONG = 12  # from here on a value is masked within a longer word, too
# What many take for a password, and every text about databases has as a word: masked where a pattern finds it alone.
COMMON = frozenset({
    "admin", "administrator", "changeme", "cruddur", "cruddurroot", "database", "default", "letmein", "localhost", "master",
    "passw0rd", "password", "password1", "postgres", "postgresql", "public", "qwerty", "sandbox", "secret", "username", "welcome",
})  # fmt: skip
SECRET_VARIABLES = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "PGPASSWORD", "RDS_SANDBOX_TOKEN")
# Members of AWS's answers and requests that hold a secret (each service's API reference).
SECRET_MEMBERS = frozenset({
    "AccessToken", "ClientSecret", "ConfirmationCode", "IdToken", "MasterUserPassword", "Password", "RandomPassword",
    "RefreshToken", "SecretAccessKey", "SecretString", "Session", "SessionToken", "TemporaryPassword", "TokenCode",
})  # fmt: skip
KEY = r"(?:password|passwd|secret_?access_?key|(?:session|access|refresh|id)_?token|secret_?string|client_?secret)"
NOT_A_VALUE = r"(?!(?:true|false|none|null|~)(?:\s|$))"
# What a secret looks like where nobody told of it; the group `secret` is masked. detect-secrets, which looks for such lines
# in source code, finds half of these, and of a private key the heading alone.
PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        # The user information of a URL (RFC 3986, 3.2.1), in PostgreSQL's also with an @ or a / that should have been encoded.
        r"(?i)\bpostgres(?:ql)?(?:\+\w+)?:(?:\\?/){2}[^\s:/@]*:(?P<secret>[^\s'\"]{1,500})@",
        r"(?i)\b[a-z][a-z0-9+.-]*:(?:\\?/){2}[^\s:/@]*:(?P<secret>[^\s/'\"]+)@",
        # JSON, Python, TOML: quoted, or quoted within a text that is quoted itself.
        rf"(?i){KEY}['\"]?\s*[:=]\s*(?P<quote>['\"])(?P<secret>(?:\\.|(?!(?P=quote))[^\\])+)",
        rf"(?i){KEY}(?:\\+['\"])?\s*[:=]\s*(?P<quote>\\+['\"])(?P<secret>(?:(?!(?P=quote)).)+)",
        rf"(?i){KEY}\s*=\s*(?P<secret>{NOT_A_VALUE}[^\s'\"*\\]\S*)",  # libpq's connection string, a shell, an INI file
        # YAML: one word, to the end of its line; a sentence about a password has more of them.
        rf"(?im)^[ \t]*(?:- )?[\w-]*{KEY}:[ \t]+(?P<secret>{NOT_A_VALUE}[^\s'\"*]\S*)[ \t]*$",
        # SQL: ALTER ROLE ... PASSWORD, in each of PostgreSQL's quotes ("Lexical Structure", String Constants).
        r"(?i)\bpassword\s+(?P<secret>(?:e|u&)?'(?:[^'\\]|''|\\.)*'|(?P<dollar>\$\w*\$)[\s\S]*?(?P=dollar))",
        r"(?im)^[^\s:#/]+:(?:\d{1,5}|\*):[^\s:]+:[^\s:]+:(?P<secret>[^\s*].*)$",  # a line of libpq's password file
        r"\b(?P<secret>SCRAM-SHA-256\$\d+:[^\s'\"]+)",  # a password's verifier (RFC 5803)
        r"\b(?P<secret>eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*)",  # a JSON web token (RFC 7519)
        r"(?i)\bbearer\s+(?P<secret>(?=\S*\d)[\w.~+/=-]{8,})",  # RFC 6750, 2.1
        r"\b(?P<secret>A[KS]IA[A-Z0-9]{16})\b",  # an access key's id (IAM User Guide, "IAM identifiers")
        r"(?P<secret>-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z))",  # PEM (RFC 7468)
        r"[?&]X-Amz-(?:Signature|Security-Token|Credential)=(?P<secret>[^&\s'\"]+)",  # a presigned URL, an IAM token of RDS
    )
)

NAMED = {text: [name for name, one in html5.items() if one == text] for text in ("&", "<", ">", '"', "'", "/", "+", "=")}

BACKSLASHES = r"(?:\\|%5c){0,4}"  # of an escape, of one within another

_known: dict[str, tuple[re.Pattern[str], ...]] = {}  # each secret, and what finds it in whichever spelling
_listeners: list[Callable[[str], object]] = []


def remember(secret: str) -> None:
    """Mask this value from now on, in whichever spelling it turns up."""
    if len(secret) < SHORTEST or secret.lower() in COMMON or secret in _known:
        return
    _known[secret] = tuple(_finders(secret))
    for tell in _listeners:
        tell(secret)


def listen(tell: Callable[[str], object]) -> None:
    """Have every secret told, those that are known already and those to come."""
    _listeners.append(tell)
    for secret in tuple(_known):
        tell(secret)


def _finders(secret: str) -> Iterator[re.Pattern[str]]:
    """What finds the value plain or escaped, alone or in a longer text; and within what was encoded as base64."""
    spelled = "".join(map(_spelled, secret))
    word = len(secret) < LONG and secret.isalnum()
    yield re.compile(rf"(?<![^\W_]){spelled}(?![^\W_])" if word else spelled)
    yield re.compile("|".join(map(re.escape, sorted({*_in_base64(secret.encode(errors="surrogatepass"))}))))


@functools.cache
def _spelled(character: str) -> str:
    """A character as it stands in text, a URL, JSON, Python or HTML, or in one of these within another."""
    if character.isascii() and character.isalnum():
        return character
    code, plain, shown = ord(character), re.escape(character), json.dumps(character, ensure_ascii=False)[1:-1]
    octets = character.encode(errors="surrogatepass")
    pairs = character.encode("utf-16-be", errors="surrogatepass").hex()
    forms = {
        plain,
        "".join(f"%{octet:02x}" for octet in octets),
        BACKSLASHES.join(f"u{pairs[at : at + 4]}" for at in range(0, len(pairs), 4)),
        rf"x{code:02x}|U{code:08x}|&\#(?:0*{code}|x0*{code:x});",
        *(f"&{name}" for name in NAMED.get(character, ())),
        *([re.escape(shown[1:])] if len(shown) > 1 else ()),  # the n of \n
        *([r"\+"] if character == " " else ()),
    }
    return rf"(?i:{BACKSLASHES}(?:{'|'.join(sorted(forms))}))"


def _in_base64(data: bytes) -> Iterator[str]:
    """The characters that these bytes alone decide in base64, wherever they stand in a longer text (RFC 4648)."""
    for offset in range(3):
        first, last = -(-8 * offset // 6), 8 * (offset + len(data)) // 6
        encoded = base64.b64encode(b"\0" * offset + data).decode()[first:last]
        yield from (encoded, encoded.replace("+", "-").replace("/", "_"))


def redact(text: str) -> str:
    """The text with `***` in the place of each secret.

    What is found by its place goes first: a known value may be a word that tells the place of another.
    """
    for pattern in PATTERNS:
        text = pattern.sub(_masked, text)
    return redact_known(text)


def redact_known(text: str) -> str:
    """The same for known values alone, which leaves the syntax of JSON and HTML as it is."""
    for secret in sorted(_known, key=len, reverse=True):  # one may be part of another
        for pattern in _known[secret]:
            text = pattern.sub(MASK, text)
    return text


def _masked(match: re.Match[str]) -> str:
    first, last = (edge - match.start() for edge in match.span("secret"))
    return match[0][:first] + MASK + match[0][last:]


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


def remember_webhook(url: str) -> None:
    """Remember a URL that is a secret: whole, and what follows the host, which an error may name alone."""
    remember_url(url)
    for text in (url, url.partition(urlsplit(url).netloc)[2]):
        remember(text if len(text) >= LONG else "")


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
