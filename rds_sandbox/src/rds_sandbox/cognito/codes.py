"""The codes that Cognito sends to users, and the sandbox keeps for the operator to read.

Source: Amazon Cognito user pools API Reference, the errors of ConfirmSignUp.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from moto.cognitoidp.exceptions import CodeMismatchException, ExpiredCodeException

from rds_sandbox.tables import limits


@dataclass(frozen=True)
class Code:
    """Six digits, the attribute that they were sent to, and until when they count (time.monotonic)."""

    digits: str
    attribute: str
    expires: float


def send(pool: Any, user: Any, purpose: str, attribute: str) -> dict[str, str]:
    """A new code, which the one before gives way to, to "email" or "phone_number"; the answer is CodeDeliveryDetails."""
    digits, expires = f"{secrets.randbelow(10**6):06}", time.monotonic() + limits("cognito-idp")["code_seconds"][purpose]
    pool.codes[user.id, purpose] = Code(digits, attribute, expires)
    medium = {"email": "EMAIL", "phone_number": "SMS"}[attribute]
    return {"AttributeName": attribute, "DeliveryMedium": medium, "Destination": masked(user.attribute_lookup[attribute])}


def masked(address: str) -> str:
    """What the answer shows of an email address or a telephone number."""
    name, at, domain = address.partition("@")
    return f"{name[:1]}***@{domain[:1]}***" if at else f"+*******{address[-4:]}"


def use(pool: Any, user: Any, purpose: str, digits: str) -> str:
    """Check a code, which counts once; the answer is the attribute that it verifies."""
    code = pool.codes.get((user.id, purpose))
    if code is None or code.expires < time.monotonic():
        raise ExpiredCodeException("Invalid code provided, please request a code again.")
    if not secrets.compare_digest(code.digits.encode(), digits.encode()):
        raise CodeMismatchException("Invalid verification code provided, please try again.")
    del pool.codes[user.id, purpose]
    return str(code.attribute)


def listed(pools: Any) -> Iterator[dict[str, str]]:
    """All codes that still count, for the operator of the sandbox."""
    for pool in pools:
        users = {user.id: user for user in pool.users.values()}
        for (user_id, purpose), code in list(pool.codes.items()):
            if user_id in users and code.expires > time.monotonic():
                username = users[user_id].username
                yield {"UserPoolId": pool.id, "Username": username, "Purpose": purpose, "Code": code.digits}
