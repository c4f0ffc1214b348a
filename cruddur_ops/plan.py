"""A plan is data: the changes that a step would make, computed before any of them is made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from cruddur_ops import approvals
from cruddur_ops.errors import ConfirmationRequired

OUTCOME_MIME = "application/vnd.cruddur-ops.outcome+json"
PLAN_MIME = "application/vnd.cruddur-ops.plan+json"


class Action(StrEnum):
    """What a change does to its resource."""

    CREATE = "create"
    MODIFY = "modify"
    DELETE = "delete"
    NONE = "unchanged"


SYMBOLS = {Action.CREATE: "+", Action.MODIFY: "~", Action.DELETE: "-", Action.NONE: "="}


@dataclass(frozen=True)
class Call:
    """One AWS API call, not yet made.

    Attributes:
        service: boto3's name of the service, such as "rds".
        operation: the client's method, such as "create_db_instance".
        parameters: its keyword arguments; never a secret.
    """

    service: str
    operation: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """One difference between what is wanted and what was found.

    Attributes:
        action: what is done to the resource.
        resource: its kind and name, such as "DB instance cruddur-db-instance".
        setting: the attribute that differs; empty where the whole resource is meant.
        before: the value found, None where there is none.
        after: the value wanted, None where it goes away.
        note: what it costs, risks or waits for; empty where nothing is to be said.
        calls: the AWS API calls that make the change, in order; empty for changes made in SQL
            and for details of another change's call.
    """

    action: Action
    resource: str
    setting: str = ""
    before: str | None = None
    after: str | None = None
    note: str = ""
    calls: tuple[Call, ...] = ()

    @property
    def mutating(self) -> bool:
        """Whether applying it would change anything."""
        return self.action is not Action.NONE

    @property
    def shown(self) -> dict[str, str | None]:
        """What its line says, by name: all but the calls."""
        names = ("action", "resource", "setting", "before", "after", "note")
        return {name: None if getattr(self, name) is None else str(getattr(self, name)) for name in names}

    def __str__(self) -> str:
        """One line: symbol, resource, setting, values, note."""
        name = f"{self.resource}: {self.setting}" if self.setting else self.resource
        values = " -> ".join(value for value in (self.before, self.after) if value is not None)
        line = f"{SYMBOLS[self.action]} {name}" + (f" = {values}" if values else "")
        return line + (f"  ({self.note})" if self.note else "")


@dataclass(frozen=True)
class Outcome:
    """How many resources a step created, changed, deleted and left alone."""

    created: int = 0
    changed: int = 0
    deleted: int = 0
    unchanged: int = 0

    def __add__(self, other: Outcome) -> Outcome:
        """The counts of both."""
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
        return {"text/plain": str(self), OUTCOME_MIME: asdict(self)}


@dataclass(frozen=True)
class Plan:
    """What a step would change, and what it leaves alone.

    Attributes:
        title: what the plan is for, such as "DB instance on local".
        changes: in the order in which they are applied.
        facts: lines worth knowing before agreeing: costs, dates, risks.
    """

    title: str
    changes: tuple[Change, ...] = ()
    facts: tuple[str, ...] = ()

    @property
    def mutating(self) -> tuple[Change, ...]:
        """The changes that applying the plan would make."""
        return tuple(change for change in self.changes if change.mutating)

    @property
    def outcome(self) -> Outcome:
        """What applying it comes to. A resource counts once, however many settings differ."""
        actions = {change.resource: Action.NONE for change in self.changes}
        for change in self.mutating:
            if actions[change.resource] is Action.NONE:
                actions[change.resource] = change.action
        found = list(actions.values())
        return Outcome(*(found.count(action) for action in Action))

    def __str__(self) -> str:
        """The plan as text: a heading with the counts, a line for each change, the facts."""
        counts = self.outcome
        heading = (
            f"{self.title}: {counts.created} to create, {counts.changed} to change, "
            f"{counts.deleted} to delete, {counts.unchanged} unchanged"
        )
        lines = [f"  {change}" for change in self.changes] + [f"  i {fact}" for fact in self.facts]
        return "\n".join([heading, *lines])

    def __repr__(self) -> str:
        """The same text, so that a plan at the end of a cell reads well."""
        return str(self)

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        """The plan for the reader of the notebook, and its changes for the runner that collects them."""
        return {"text/plain": str(self), PLAN_MIME: {"title": self.title, "changes": [one.shown for one in self.changes]}}

    def __add__(self, other: Plan) -> Plan:
        """Both plans as one, under the first title."""
        return Plan(self.title, self.changes + other.changes, self.facts + other.facts)


def require_confirmation(plan: Plan, *, protected: bool, identifier: str, confirm: str) -> None:
    """Refuse a plan that changes a protected target, unless its identifier was typed; and what no approved plan covers.

    Raises:
        ConfirmationRequired: the target is protected and `confirm` is not its identifier.
        NotApproved: the run applies an approved plan, which has not all of these changes.
    """
    if plan.mutating and protected and confirm != identifier:
        message = (
            f"{plan.title} is protected and nothing was changed: read the plan, "
            f'then repeat with confirm = "{identifier}" (on the command line: --confirm {identifier})'
        )
        raise ConfirmationRequired(message)
    approvals.require_covered(plan.title, [change.shown for change in plan.mutating])


def apply(plan: Plan, make: Callable[[Change], None]) -> Outcome:
    """Make the plan's changes in their order; the first failure ends it and is raised.

    Args:
        plan: what to do.
        make: makes one change, or raises.
    """
    for change in plan.mutating:
        make(change)
    return plan.outcome


def differences(resource: str, wanted: Mapping[str, Any], found: Mapping[str, Any]) -> Iterable[Change]:
    """A MODIFY for each wanted setting whose found value is another; settings not wanted are ignored."""
    for setting, after in wanted.items():
        before = found.get(setting)
        if before != after:
            yield Change(Action.MODIFY, resource, setting, str(before), str(after))
