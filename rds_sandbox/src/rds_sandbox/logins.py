"""Logins that the gateway takes part in: a token from the client, a password of the sandbox's own to the server.

Sources: PostgreSQL 18, chapters 54.2.1 "Start-up", 54.3 "SASL Authentication" and 54.7 "Message Formats"; RFC 5802 and 7677.
"""

import base64
import hashlib
import hmac
import secrets
import struct
from collections.abc import Callable
from dataclasses import dataclass

from rds_sandbox.ends import End

CLEARTEXT, SASL = (3).to_bytes(4), (10).to_bytes(4)  # kinds of Authentication messages
MECHANISM = b"SCRAM-SHA-256\0"


@dataclass(frozen=True)
class Login:
    """By a token, over TLS alone: what accepts it, and the password that the server has of the role."""

    accepts: Callable[[str], bool]
    password: str


class Denied(Exception):
    """The client has not shown what it must."""


async def by_token(client: End, server: End, accepts: Callable[[str], bool], password: str) -> None:
    """Ask the client for its token, and log in at the server, which has the startup message already."""
    client.say(b"R", CLEARTEXT)
    kind, content = await client.message()
    if kind != b"p" or not accepts(content.rstrip(b"\0").decode(errors="replace")):
        raise Denied
    await _log_in(server, password)


async def _log_in(server: End, password: str) -> None:
    """SCRAM without channel binding; what the server says after it is for the client."""
    if not await _asks(server, SASL):
        return  # it has refused for another reason, which the client is to hear
    bare = f"n=,r={secrets.token_urlsafe(18)}".encode()
    server.say(b"p", MECHANISM + (len(bare) + 3).to_bytes(4) + b"n,," + bare)
    _, challenge = await server.message()
    fields = dict(part.split(b"=", 1) for part in challenge[4:].split(b","))
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(fields[b"s"]), int(fields[b"i"]))
    key = hmac.digest(salted, b"Client Key", "sha256")
    final = b"c=biws,r=" + fields[b"r"]
    signature = hmac.digest(hashlib.sha256(key).digest(), b",".join([bare, challenge[4:], final]), "sha256")
    proof = bytes(one ^ other for one, other in zip(key, signature, strict=True))
    server.say(b"p", final + b",p=" + base64.b64encode(proof))
    await server.message()  # SASLFinal: this server is our own


async def _asks(server: End, kind: bytes) -> bool:
    """Whether this is its next message, which is taken then."""
    size = int.from_bytes((await server.ahead(5))[1:]) + 1
    if (await server.ahead(size))[5:9] != kind or server.early[:1] != b"R":
        return False
    await server.message()
    return True


def refusal(startup: dict[str, str], address: str) -> bytes:
    """The server's own error for a connection that pg_hba.conf admits over TLS only.

    Source: PostgreSQL 18, chapter 20.1 "The pg_hba.conf File" and 54.7, ErrorResponse; SQLSTATE 28000.
    """
    user = startup.get("user", "")
    database = startup.get("database", user)
    message = f'no pg_hba.conf entry for host "{address}", user "{user}", database "{database}", no encryption'
    return fatal(message)


def fatal(message: str) -> bytes:
    """The end of a login; SQLSTATE 28000, invalid_authorization_specification."""
    fields = {"S": "FATAL", "V": "FATAL", "C": "28000", "M": message}
    body = b"".join(key.encode() + value.encode() + b"\0" for key, value in fields.items()) + b"\0"
    return b"E" + struct.pack("!I", len(body) + 4) + body


def parse_startup(packet: bytes) -> dict[str, str]:
    """The parameters of a StartupMessage: pairs of zero-terminated strings after length and version."""
    words = [word.decode(errors="replace") for word in packet[8:].split(b"\0")]
    return dict(zip(words[0::2], words[1::2], strict=False))
