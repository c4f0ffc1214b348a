"""Secrets that the process knows, in every spelling, and those that only look like one."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cruddur_ops import redaction

SECRET = 'Tr0ub4dor&3 /"<ü>\\'


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test begins with no secret known, and leaves none."""
    monkeypatch.setattr(redaction, "_known", {})
    yield


@pytest.mark.parametrize(
    "spell",
    [
        str, quote, quote_plus, html.escape, repr, json.dumps, lambda text: quote(text, safe=""),
        lambda text: json.dumps(text, ensure_ascii=False), lambda text: base64.b64encode(text.encode()).decode(),
        lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
        lambda text: re.sub("%..", lambda found: found[0].lower(), quote(text, safe="")),
        lambda text: json.dumps(text)[1:-1].replace("/", r"\/").replace("&", r"\u0026").replace("<", r"\u003C"),
        lambda text: "".join(f"&#{ord(one)};" if not one.isalnum() else one for one in text),
        lambda text: "".join(f"&#x{ord(one):X};" if not one.isalnum() else one for one in text),
        lambda text: text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace("/", "&sol;"),
        lambda text: json.dumps(json.dumps(text)[1:-1])[1:-1], lambda text: quote(json.dumps(text)[1:-1]),
    ],
)  # fmt: skip
def test_a_known_secret_is_masked_in_every_spelling(spell: Any) -> None:
    """However it is written, nothing of it is left."""
    redaction.remember(SECRET)
    masked = redaction.redact(f"before {spell(SECRET)} after")
    assert re.fullmatch("before ['\"]?[*]{3}.{0,3} after", masked)  # quotes, or the padding of base64


@given(st.text(min_size=redaction.SHORTEST, max_size=40).filter(lambda text: "*" not in text))
def test_any_secret_is_masked(secret: str) -> None:
    """Whatever it consists of."""
    redaction._known.clear()
    redaction.remember(secret)
    assert f"before {redaction.MASK} after" == redaction.redact(f"before {secret} after")


@given(st.binary(max_size=8), st.text("abcdefgh?~", min_size=redaction.SHORTEST, max_size=20), st.binary(max_size=8))
def test_a_secret_within_base64_is_masked(before: bytes, secret: str, after: bytes) -> None:
    """Such as a password in an Authorization header, at any place of the text that was encoded."""
    redaction._known.clear()
    redaction.remember(secret)
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        assert redaction.MASK in redaction.redact(encode(before + secret.encode() + after).decode())


def test_a_secret_within_another_leaves_nothing_of_either() -> None:
    """The longer one is masked first."""
    redaction.remember("abcdef")
    redaction.remember("abcdef-ghijkl")
    assert "*** ***" == redaction.redact("abcdef-ghijkl abcdef")


def test_a_short_value_is_not_masked_everywhere() -> None:
    """A password of few letters would be taken for a word."""
    redaction.remember("up")
    assert "the sandbox is up" == redaction.redact("the sandbox is up")


@pytest.mark.parametrize("common", ["password", "postgres", "Secret", "cruddur"])
def test_a_common_password_masks_no_prose_and_disarms_no_pattern(common: str) -> None:
    """It is masked where it stands as a password, and the word stays a word."""
    redaction.remember(common)
    assert f"the {common} of x" == redaction.redact(f"the {common} of x")
    for text in ("postgresql://u:{}@h/d", "password={} host=h", "PASSWORD '{}';", '"password": "{}"'):
        masked = redaction.redact(text.format(common))
        assert masked == text.replace("'{}'", "{}").format("***")


def test_a_short_value_is_masked_as_a_word_alone() -> None:
    """A longer word that contains it has nothing to do with it."""
    redaction.remember("seed42")
    assert "***, user_***-x, reseed421" == redaction.redact("seed42, user_seed42-x, reseed421")


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("postgresql://user:s3cr%40t@host:5432/cruddur", "postgresql://user:***@host:5432/cruddur"),
        ('{"username": "u", "password": "s3cret"}', '{"username": "u", "password": "***"}'),
        ("host=h password=s3cret port=1", "host=h password=*** port=1"),
        (r"host=h password='it\'s' port=1", "host=h password='***' port=1"),
        ("export PGPASSWORD=s3cret", "export PGPASSWORD=***"),
        ("ALTER ROLE cruddur_app PASSWORD 'it''s'", "ALTER ROLE cruddur_app PASSWORD ***"),
        ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "aws_secret_access_key = ***"),
        ("SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy", "***"),
        ("token eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.c2lnbmF0dXJl", "token ***"),
        ("-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----\n", "***\n"),
        ("POSTGRES://user:s3cret@host/d", "POSTGRES://user:***@host/d"),
        ("postgresql+psycopg://user:s3/cr@et@host/d", "postgresql+psycopg://user:***@host/d"),
        (r'"url": "https:\/\/user:s3cret@host\/d"', r'"url": "https:\/\/user:***@host\/d"'),
        ("PASSWORD E'it\\'s' VALID", "PASSWORD *** VALID"),
        ("PASSWORD $$it's$$ VALID", "PASSWORD *** VALID"),
        ("PASSWORD $x$it$$s$x$ VALID", "PASSWORD *** VALID"),
        ('password = "s3 cret"', 'password = "***"'),
        ("db:\n  password: s3cret\n  port: 1", "db:\n  password: ***\n  port: 1"),
        ('"MasterUserPassword": "s3cret"', '"MasterUserPassword": "***"'),
        ("{'SecretAccessKey': 's3cret'}", "{'SecretAccessKey': '***'}"),
        (r'"SecretString": "{\"password\": \"s3cret\"}"', '"SecretString": "***"'),
        (r"{\"password\": \"s3cret\"}", r"{\"password\": \"***\"}"),
        ("AKIAIOSFODNN7EXAMPLE", "***"),
        ("Authorization: Bearer abc123def456", "Authorization: Bearer ***"),
        ("localhost:5432:*:user:s3cret:x", "localhost:5432:*:user:***"),
        ("https://h/?Action=connect&X-Amz-Signature=0123abcd&x=1", "https://h/?Action=connect&X-Amz-Signature=***&x=1"),
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str, clean: str) -> None:
    """The usual kinds, though nobody told of them."""
    assert clean == redaction.redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "the password is in Secrets Manager", "password: changed by RDS", "https://host:5432/path", "Password management",
        "refused the login to user cruddurroot (password authentication failed)", "password = ***",
        "ManageMasterUserPassword: True", "ManageMasterUserPassword = False -> True",
        "the bearer certificate", "12:30:45 start: 1:2",
        "arn:aws:rds:ca-central-1:123456789012:db:x",
        "https://host:5432/path?to=a@b.example", "PASSWORD NULL",
    ],
)  # fmt: skip
def test_words_about_secrets_stay(text: str) -> None:
    """A sentence that only speaks of a password is not one."""
    assert text == redaction.redact(text)


def test_everything_within_json_is_redacted() -> None:
    """Keys, values and items alike; numbers stay."""
    redaction.remember("s3cret-value")
    assert {"a ***": ["***", 1, {"b": "***"}]} == redaction.redact_all(
        {"a s3cret-value": ("s3cret-value", 1, {"b": "s3cret-value"})}
    )


def test_the_environment_tells_its_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials, and passwords of connection URLs, as written and as meant."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "key-of-somebody")
    monkeypatch.setenv("PROD_CONNECTION_URL", "postgresql://u:pass%2Fword@h/d")
    redaction.remember_environment()
    assert "*** *** ***" == redaction.redact("key-of-somebody pass%2Fword pass/word")


def test_answers_of_aws_tell_their_secrets() -> None:
    """The members that hold one by AWS's documentation; of a database's secret, the password alone."""
    secret = json.dumps({"username": "cruddurroot", "password": "from-secrets-manager"})
    redaction.remember_members({"ARN": "arn:aws:x", "SecretString": secret})
    redaction.remember_members(
        {"AuthenticationResult": {"AccessToken": "token-of-cognito"}, "Items": [{"SessionToken": "of-sts"}]}
    )
    assert "cruddurroot arn:aws:x *** *** ***" == redaction.redact(
        "cruddurroot arn:aws:x from-secrets-manager token-of-cognito of-sts"
    )


class Session:
    """What a kernel sends messages with."""

    def __init__(self) -> None:
        """Nothing was sent."""
        self.sent: list[Any] = []

    def send(self, stream: Any, msg_or_type: Any, content: Any = None, **_: Any) -> None:
        """Keep it."""
        self.sent.append((msg_or_type, content))


def test_nothing_leaves_a_guarded_session_unredacted() -> None:
    """Whether a message is given whole or by its content, and however often the session is guarded."""
    redaction.remember("s3cret-value")
    session = Session()
    redaction.guard(session)
    redaction.guard(session)
    session.send(None, "stream", {"text": "s3cret-value"})
    session.send(None, {"msg_type": "error", "content": {"evalue": "s3cret-value"}})
    assert [("stream", {"text": "***"}), ({"msg_type": "error", "content": {"evalue": "***"}}, None)] == session.sent
