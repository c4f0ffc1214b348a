"""What has to be done so that every confirmed user of the pool has a row with the pool's values: decided from values alone.

Whose row it is, sql/users/recognise.sql says, for the function of the sign-ups too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from cruddur_ops.change import Action, Change

INSERT, UPDATE = "users/confirm", "users/recognise"
ATTRIBUTES = ("sub", "email", "name", "preferred_username")
VERIFIED = "email_verified"
# A user in one of these was confirmed once (Amazon Cognito API Reference, UserType: UserStatus).
CONFIRMED = frozenset({"CONFIRMED", "EXTERNAL_PROVIDER", "RESET_REQUIRED"})
CHANGE_ATTRIBUTES = "change it with `aws cognito-idp admin-update-user-attributes`, then repeat"


@dataclass(frozen=True)
class Member:
    """A user of the pool."""

    attributes: Mapping[str, str] = field(repr=False)  # by name, those of ATTRIBUTES that the user has, and VERIFIED
    status: str  # as Cognito calls it

    @property
    def handle(self) -> str:
        """The preferred_username; empty where there is none."""
        return self.attributes.get("preferred_username", "").strip()

    @property
    def missing(self) -> list[str]:
        """The attributes that a row needs and the user does not have."""
        return [name for name in ATTRIBUTES if not self.attributes.get(name, "").strip()]

    @property
    def verified(self) -> bool:
        """Whether the email is known to be the user's own."""
        return self.attributes.get(VERIFIED) == "true"

    @property
    def row(self) -> Row:
        """The row that the user should have."""
        sub, email, name = (self.attributes[name].strip() for name in ("sub", "email", "name"))
        return Row(self.handle, email.lower(), sub, name)


@dataclass(frozen=True)
class Row:
    """A row of users; one without a Cognito id was seeded."""

    handle: str
    email: str = field(repr=False)
    cognito_user_id: str | None = field(default=None, repr=False)
    display_name: str = field(default="", repr=False)


@dataclass(frozen=True)
class Repair:
    """A change, and the statement that makes it."""

    change: Change
    query: str
    parameters: Mapping[str, Any] = field(repr=False)


class Reconciliation:
    """The rows as they are, and what comes of each member in turn."""

    def __init__(self, members: Iterable[Member], rows: Iterable[Row]) -> None:
        self.repairs: list[Repair] = []
        self.reports: list[str] = []  # what only a person can decide; with handles, which are public, and no emails
        self.settled = 0  # how many members have their rows
        everybody, found = list(members), list(rows)
        self._alive = {member.attributes["sub"] for member in everybody if "sub" in member.attributes}
        self._by_sub: dict[str | None, Row] = {row.cognito_user_id: row for row in found if row.cognito_user_id}
        self._by_email = {row.email.lower(): row for row in found}
        self._by_handle = {row.handle.lower(): row for row in found}
        confirmed = [member for member in everybody if member.status in CONFIRMED]
        self._settle_all(sorted(confirmed, key=lambda one: (one.handle.lower(), one.attributes.get("sub", ""))))
        gone = [row for sub, row in sorted(self._by_sub.items()) if sub not in self._alive]
        self.reports += [f"@{row.handle}: the user is gone from the pool, and the row is left" for row in gone]

    def _settle_all(self, waiting: list[Member]) -> None:
        """In turn, and again as long as somebody gives up a handle or an email that another one waits for."""
        while refused := [(member, reason) for member in waiting if (reason := self._settle(member))]:
            if len(refused) == len(waiting):
                break
            waiting = [member for member, _ in refused]
        self.reports += [f"{self._who(member)}, {reason}: {CHANGE_ATTRIBUTES}" for member, reason in refused]

    def _who(self, member: Member) -> str:
        sub = member.attributes.get("sub", "")
        name = f"@{member.handle} (Cognito id {sub})" if member.handle else f"Cognito id {sub}"
        return f"{name} {'has another row' if sub in self._by_sub else 'has no row'}"

    def _settle(self, member: Member) -> str:
        """Repair what differs; else why only a person can."""
        own = self._by_sub.get(member.attributes.get("sub"))
        if member.missing:
            self.settled += bool(own)
            return "" if own else f"for want of {', '.join(member.missing)}"
        wanted = member.row if member.verified or own is None else replace(member.row, email=own.email)
        same = self._by_email.get(wanted.email.lower())
        if same not in (None, own) and (own or same.cognito_user_id in self._alive):
            return f"since its email is that of @{same.handle}, another user"
        if own is None and same and not member.verified:
            return f"since its email, which is that of @{same.handle}, is not verified"
        if self._by_handle.get(wanted.handle.lower()) not in (None, own or same):
            return "since the handle is somebody else's"
        self._bring(own or same, wanted, member)
        return ""

    def _bring(self, found: Row | None, wanted: Row, member: Member) -> None:
        """Note the repair, and go on as if it had been made."""
        if found == wanted:
            self.settled += 1
            return
        email = found.email if found and found.cognito_user_id != wanted.cognito_user_id else wanted.email  # as it is spelled
        values = {**vars(wanted), "email": email, VERIFIED: member.verified, "former": found and found.cognito_user_id}
        self.repairs.append(Repair(_change(found, wanted), UPDATE if found else INSERT, values))
        if found:
            self._by_sub.pop(found.cognito_user_id, None)
            del self._by_email[found.email.lower()], self._by_handle[found.handle.lower()]
        self._by_sub[wanted.cognito_user_id] = self._by_email[wanted.email.lower()] = wanted
        self._by_handle[wanted.handle.lower()] = wanted


def _change(found: Row | None, wanted: Row) -> Change:
    resource = f"user @{wanted.handle}"
    if found is None:
        return Change(Action.CREATE, resource)
    if found.cognito_user_id != wanted.cognito_user_id:
        before = "of a user who is gone" if found.cognito_user_id else "none"
        return Change(Action.MODIFY, resource, "Cognito id", before, "that of the pool")
    differing = [name.replace("_", " ") for name, value in vars(wanted).items() if getattr(found, name) != value]
    return Change(Action.MODIFY, resource, ", ".join(differing), after="that of the pool")
