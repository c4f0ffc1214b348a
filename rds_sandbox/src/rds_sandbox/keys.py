"""The keys that open a sandbox: its owner's, and those that its own IAM and STS have issued."""

import secrets
import string
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

LETTERS = string.ascii_uppercase + "234567"  # of access key ids


@dataclass(frozen=True)
class Key:
    """An access key; a temporary one has a session token and an end (UTC, without a zone), and STS names its holder."""

    key_id: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)
    expires: datetime | None = None
    holder: Mapping[str, str] = field(default_factory=dict)


def made(prefix: str, **more: Any) -> Key:
    """A new one, at random; AWS's ids are as long, and begin with AKIA, those of temporary keys with ASIA."""
    key_id = prefix + "".join(secrets.choice(LETTERS) for _ in range(16))
    return Key(key_id, secrets.token_urlsafe(30), **more)


@dataclass(frozen=True)
class Keys:
    """Those of one sandbox."""

    owner: Key = field(default_factory=lambda: made("AKIA"))  # that of whoever started the sandbox
    control: str = field(default_factory=secrets.token_urlsafe, repr=False)  # the token of the sandbox's own interface
    sessions: dict[str, Key] = field(default_factory=dict)  # what GetSessionToken and GetFederationToken have issued, by id

    def find(self, key_id: str) -> Key | None:
        """The key of this id, while it is active."""
        return self.owner if key_id == self.owner.key_id else self.sessions.get(key_id) or _issued(key_id)


def _issued(key_id: str) -> Key | None:
    """One of AssumeRole's or CreateAccessKey's; neither service is imported before it is used."""
    for backend in _backends("sts", "sts_backends"):
        role = backend.get_assumed_role_from_access_key(key_id)
        if role:
            return Key(key_id, role.secret_access_key, role.session_token, role.expiration)
    for backend in _backends("iam", "iam_backends"):
        found = backend.access_keys.get(key_id)
        if found and found.user_name and found.status == "Active":
            return Key(key_id, found.secret_access_key)
    return None


def _backends(service: str, name: str) -> list[Any]:
    """Those of all accounts."""
    module = sys.modules.get(f"moto.{service}.models")
    accounts: Mapping[str, Mapping[str, Any]] = getattr(module, name, {})
    return [backend for account in list(accounts.values()) for backend in list(account.values())]
