"""What has to be done so that every confirmed user of the pool has a row: decided here, from values alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cruddur_ops.change import Action, Change

INSERT, UPDATE, LINK = "users/confirm", "users/recognise", "users/link"
ATTRIBUTES = ("sub", "email", "name", "preferred_username")
# A user in one of these was confirmed once (Amazon Cognito API Reference, UserType: UserStatus).
CONFIRMED = frozenset({"CONFIRMED", "EXTERNAL_PROVIDER", "RESET_REQUIRED"})
CHANGE_ATTRIBUTES = "change it with `aws cognito-idp admin-update-user-attributes`, then repeat"


@dataclass(frozen=True)
class Member:
    """A user of the pool."""

    attributes: Mapping[str, str] = field(repr=False)  # by name, those of ATTRIBUTES that the user has
    status: str  # as Cognito calls it

    @property
    def handle(self) -> str:
        """The preferred_username; empty where there is none."""
        return self.attributes.get("preferred_username", "")

    @property
    def missing(self) -> list[str]:
        """The attributes that a row needs and the user does not have."""
        return [name for name in ATTRIBUTES if not self.attributes.get(name, "").strip()]

    @property
    def parameters(self) -> dict[str, str]:
        """Those of the statements; they hold personal data."""
        names = {"cognito_user_id": "sub", "display_name": "name", "handle": "preferred_username", "email": "email"}
        return {parameter: self.attributes[name] for parameter, name in names.items()}


@dataclass(frozen=True)
class Row:
    """A row of users; one without a Cognito id was seeded."""

    handle: str
    email: str = field(repr=False)
    cognito_user_id: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Repair:
    """A change, and the statement that makes it."""

    change: Change
    query: str
    parameters: Mapping[str, str] = field(repr=False)


class Reconciliation:
    """The rows as they are, and what comes of each member in turn."""

    def __init__(self, members: Iterable[Member], rows: Iterable[Row]) -> None:
        """Compare them all."""
        self.repairs: list[Repair] = []
        self.reports: list[str] = []  # what only a person can decide; with handles, which are public, and no emails
        self.settled = 0  # how many members have their rows
        everybody, found = list(members), list(rows)
        self._alive = {member.attributes.get("sub") for member in everybody}
        self._by_sub = {row.cognito_user_id: row for row in found if row.cognito_user_id}
        self._by_email = {row.email.lower(): row for row in found}
        self._by_handle = {row.handle.lower(): row for row in found}
        confirmed = [member for member in everybody if member.status in CONFIRMED]
        for member in sorted(confirmed, key=lambda one: (one.handle.lower(), one.attributes.get("sub", ""))):
            self._compare(member)
        gone = [row for sub, row in sorted(self._by_sub.items()) if sub not in self._alive]
        self.reports += [f"@{row.handle}: the user is gone from the pool, and the row is left" for row in gone]

    def _compare(self, member: Member) -> None:
        sub = member.attributes.get("sub", "")
        if sub in self._by_sub:
            self.settled += 1
        elif member.missing:
            self.reports.append(f"Cognito id {sub} has no row, for want of {', '.join(member.missing)}: {CHANGE_ATTRIBUTES}")
        else:
            self._give_row(member)

    def _give_row(self, member: Member) -> None:
        """By email as the function does it, else by handle, which the function does not: anybody could claim one."""
        named = self._by_handle.get(member.handle.lower())
        known = self._by_email.get(member.attributes["email"].lower())
        if known and known.cognito_user_id in self._alive:
            self._report(member, f"its email is that of @{known.handle}, another user")
        elif known:
            if named in (None, known):
                before = "of a user who is gone" if known.cognito_user_id else "none"
                self._repair(member, UPDATE, Action.MODIFY, before)
            else:
                self._report(member, "the handle is somebody else's")
        elif named is None:
            self._repair(member, INSERT, Action.CREATE)
        elif named.cognito_user_id is None:
            self._repair(member, LINK, Action.MODIFY, "none")
        else:
            self._report(member, "the handle is somebody else's")

    def _report(self, member: Member, reason: str) -> None:
        who = f"@{member.handle} (Cognito id {member.attributes['sub']})"
        self.reports.append(f"{who} has no row, since {reason}: {CHANGE_ATTRIBUTES}")

    def _repair(self, member: Member, query: str, action: Action, before: str | None = None) -> None:
        """Note the repair, and go on as if it had been made."""
        resource = f"user @{member.handle}"
        modified = Change(action, resource, "Cognito id", before, "that of the pool")
        self.repairs.append(Repair(modified if before else Change(action, resource), query, member.parameters))
        email, sub = member.attributes["email"].lower(), member.attributes["sub"]
        replaced = self._by_email.get(email)
        if replaced and replaced.cognito_user_id:
            del self._by_sub[replaced.cognito_user_id]
        row = Row(member.handle, email, sub)
        self._by_sub[sub] = self._by_email[email] = self._by_handle[member.handle.lower()] = row
