"""A change that a plan has: one difference between what is wanted and what was found, and what making it came to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from cruddur_ops import approvals, markup
from cruddur_ops.calls import Call
from cruddur_ops.errors import OpsError
from cruddur_ops.texttable import cell

OUTCOME_MIME = "application/vnd.cruddur-ops.outcome+json"


class Action(StrEnum):
    """What a change does to its resource."""

    CREATE = "create"
    MODIFY = "modify"
    DELETE = "delete"
    NONE = "unchanged"


@dataclass(frozen=True)
class Change:
    """One difference between what is wanted and what was found."""

    action: Action  # what is done to the resource
    resource: str  # its kind and name, such as "DB instance cruddur-db-instance"
    setting: str = ""  # the attribute that differs; empty where the whole resource is meant
    before: str | None = None  # the value found, None where there is none
    after: str | None = None  # the value wanted, None where it goes away
    note: str = ""  # what it costs, risks or waits for; empty where nothing is to be said
    calls: tuple[Call, ...] = ()  # the AWS API calls that make the change, in order
    # Makes it where no AWS API call does, as in SQL. With neither it is a detail of another change. An Outcome that it returns
    # counts in the place of its resource: that of the rows, or that somebody else had made it
    make: Callable[[], object] | None = field(default=None, compare=False, repr=False)
    # Waits until what was changed can be used, before the next change; also where it was found unchanged
    settle: Callable[[], object] | None = field(default=None, compare=False, repr=False)
    # Why it cannot be made as it is, though it is to be seen: raised before the first change of the plan
    refusal: OpsError | None = field(default=None, compare=False, repr=False)

    @property
    def mutating(self) -> bool:
        """Whether applying it would change anything."""
        return self.action is not Action.NONE

    @property
    def unknown(self) -> bool:
        """Whether it stands for others, which cannot be told before something else is there."""
        return self.note.startswith(approvals.UNKNOWN)

    @property
    def compared(self) -> tuple[str, ...]:
        """What makes it another change than the one that was shown."""
        return tuple(str(getattr(self, name)) for name in approvals.COMPARED)

    @property
    def shown(self) -> dict[str, str | None]:
        """What its line says, by name: all but how it is made."""
        names = ("action", "resource", "setting", "before", "after", "note")
        return {name: None if getattr(self, name) is None else str(getattr(self, name)) for name in names}

    def __str__(self) -> str:
        """Its line, in which what others named moves no terminal's cursor."""
        return cell(approvals.line(self.shown) + (f"  ({self.note})" if self.note else ""))


def later(action: Action, resource: str) -> Change:
    """Stands for changes of a step that can be planned only when its time comes, so that they may be approved before."""
    return Change(action, resource, note=f"{approvals.UNKNOWN} the steps before it")


def removal(resource: str, *calls: Call, note: str = "", kept: str = "") -> Change:
    """The resource goes; where there is a reason, it is kept, and shown with that."""
    return Change(Action.NONE, resource, note=kept) if kept else Change(Action.DELETE, resource, note=note, calls=calls)


def absent(resource: str, found: object, settle: Callable[[], object] | None = None) -> Change:
    """Nothing is to go: there is none, or what was found is being deleted; `settle`, where given, waits for that."""
    return Change(Action.NONE, resource, note="is being deleted" if found else "is not there", settle=settle)


@dataclass(frozen=True)
class Outcome:
    """How many resources a step created, changed, deleted and left alone."""

    created: int = 0
    changed: int = 0
    deleted: int = 0
    unchanged: int = 0

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(
            self.created + other.created,
            self.changed + other.changed,
            self.deleted + other.deleted,
            self.unchanged + other.unchanged,
        )

    def __str__(self) -> str:
        """Such as "1 created, 0 changed, 0 deleted, 2 unchanged"."""
        return ", ".join(f"{count} {name}" for name, count in asdict(self).items())

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        """The counts for the reader of the notebook, and for the runner that adds them up."""
        return {"text/plain": str(self), "text/html": markup.outcome(asdict(self)), OUTCOME_MIME: asdict(self)}


@dataclass(frozen=True)
class Verified:
    """What was found to be as it should, in one line for each plan."""

    text: str

    def __repr__(self) -> str:
        """The text, so that it reads well at the end of a cell."""
        return self.text

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        """The same with a mark, which a terminal might not have."""
        marked = "\n".join(f"{markup.MARK} {line}" for line in self.text.splitlines())
        return {"text/plain": marked, "text/html": markup.verified(self.text)}


def differences(resource: str, wanted: Mapping[str, Any], found: Mapping[str, Any]) -> Iterable[Change]:
    """A MODIFY for each wanted setting whose found value is another; settings not wanted are ignored."""
    for setting, after in wanted.items():
        before = found.get(setting)
        if before != after:
            yield Change(Action.MODIFY, resource, setting, str(before), str(after))
