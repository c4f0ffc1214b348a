"""A plan is data, and knows how it is applied: the changes that a step would make, computed before any of them is made.

A step is a function that returns a Plan, decorated with `step`. `Plan.apply` and `Plan.verify` are the only way on from there.

They raise WrongInput where the target names no account; ConfirmationRequired where it is protected and was not confirmed, where
another name was typed, or where an approved plan has not all of these changes;
PlanMoved where planning again comes out differently; InstanceNotReady where the plan waits for something that is not there yet;
NotVerified where a difference stays; and what making the changes raises, see `calls` and `database`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from functools import partial, reduce, wraps
from operator import add
from typing import Any, Concatenate, ParamSpec

from cruddur_ops import approvals, calls, ledger, locks, markup, moment, progress
from cruddur_ops.calls import Call
from cruddur_ops.change import Action, Change, Outcome, Verified
from cruddur_ops.errors import ConfirmationRequired, InstanceNotReady, NotVerified, OpsError, PlanMoved
from cruddur_ops.target import Target
from cruddur_ops.targets import require_pinned
from cruddur_ops.texttable import cell

__all__ = ["Action", "Call", "Change", "Outcome", "Plan", "Verified", "step"]  # what a step is made of

LATE_SECONDS = 60.0  # as long as AWS may take to show what it has accepted
LISTED = 3  # how many resources a verification names one by one
Arguments = ParamSpec("Arguments")

PLAN_MIME = "application/vnd.cruddur-ops.plan+json"


@dataclass(frozen=True)
class Plan:
    """What a step would change, and what it leaves alone.

    Attributes:
        title: what the plan is for, such as "DB instance on local".
        changes: in the order in which they are applied.
        facts: lines worth knowing before agreeing: costs, dates, risks.
        pending: what AWS has accepted and makes in its window, such as "EngineVersion until sun:03:00-sun:03:30".
        asks: the name that is to be typed for it; the DB instance identifier where it is empty.
        asks_always: whether it is to be typed although the target is not protected.
        target: where; given by `step`.
        again: plans again; with the same function and arguments, given by `step`, unless the step says how.
        session: for changes that must hold together, such as a transaction: plans again in it, and what is found then
            stays so until the changes are made.
        parts: the plans that this one is the sum of, each applied and verified by itself.
    """

    title: str
    changes: tuple[Change, ...] = ()
    facts: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    asks: str = ""
    asks_always: bool = False
    target: Target | None = field(default=None, compare=False, repr=False)
    again: Callable[[], Plan] | None = field(default=None, compare=False, repr=False)
    session: Callable[[], AbstractContextManager[Plan]] | None = field(default=None, compare=False, repr=False)
    parts: tuple[Plan, ...] = field(default=(), compare=False, repr=False)

    @property
    def mutating(self) -> tuple[Change, ...]:
        """The changes that applying the plan would make."""
        return tuple(change for change in self.changes if change.mutating)

    @property
    def outcome(self) -> Outcome:
        """What applying it comes to. A resource counts once in each part, however many settings differ."""
        if self.parts:
            return sum((part.outcome for part in self.parts), Outcome())
        actions = {change.resource: Action.NONE for change in self.changes}
        for change in self.mutating:
            if actions[change.resource] is Action.NONE:
                actions[change.resource] = change.action
        found = list(actions.values())
        return Outcome(*(found.count(action) for action in Action))

    @property
    def heading(self) -> str:
        """Its title with the counts."""
        counts = self.outcome
        planned = f"{counts.created} to create, {counts.changed} to change, {counts.deleted} to delete"
        return f"{self.title}: {planned}, {counts.unchanged} unchanged"

    def __str__(self) -> str:
        """The plan as text: a heading with the counts, a line for each change, the facts."""
        lines = [f"  {change}" for change in self.changes] + [f"  i {cell(fact)}" for fact in self.facts]
        return "\n".join([self.heading, *lines])

    def __repr__(self) -> str:
        """The same text, so that a plan at the end of a cell reads well."""
        return str(self)

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        """The plan for the reader of the notebook, and its changes for the runner that collects them."""
        table = markup.plan(self.heading, [one.shown for one in self.changes], self.facts)
        return {"text/plain": str(self), "text/html": table, PLAN_MIME: self._document()}

    def _document(self) -> dict[str, Any]:
        """Its changes as JSON; those of a sum also by its parts, under whose titles they are approved."""
        parts = {"parts": [part._document() for part in self.parts]} if self.parts else {}
        return {"title": self.title, "changes": [one.shown for one in self.changes], **parts}

    def __add__(self, other: Plan) -> Plan:
        """Both plans as one, under the first title."""
        return Plan(
            self.title,
            self.changes + other.changes,
            self.facts + other.facts,
            self.pending + other.pending,
            parts=(self.parts or (self,)) + (other.parts or (other,)),
        )

    def apply(self) -> Outcome:
        """Make the changes in their order, once planning again has come out the same; the first failure ends it.

        What was "known after" something stays open: that is as it comes out now.
        """
        begun = ledger.mark()
        for part in self.parts or (self,):
            part._require_allowed(begun)
        with self._lock():
            for part in self.parts:  # whatever stands in the way of one of them is found before the first change of any
                with part._session() as planned:
                    part._require_agreed(planned, begun)
            made: list[Outcome] = []
            for part in self.parts or (self,):
                if made and any(change.unknown for change in part.changes):
                    self.parts[len(made) - 1].verify()  # AWS may answer late, and what follows on it be unknown still
                made.append(part._apply(begun))
            return reduce(add, made)

    def _apply(self, begun: int) -> Outcome:
        with self._session() as planned:
            now = self._require_agreed(planned, begun)
            now._require_complete()
            made = [(change, now._make(change)) for change in now.changes]
        others = replace(now, changes=tuple(change for change, outcome in made if outcome is None))
        return sum((outcome for _, outcome in made if outcome), others.outcome)

    def verify(self) -> Verified:
        """Plan again, several times where AWS answers late, until nothing differs any more; and say what was found.

        What is on its way to what is wanted is waited for first.
        """
        if self.parts:
            return Verified("\n".join(part.verify().text for part in self.parts))
        now = progress.poll(f"verifying {self.title}", self._look, LATE_SECONDS, self._differs)
        gone = dict.fromkeys(change.resource for change in self.mutating if change.action is Action.DELETE)
        left = dict.fromkeys(change.resource for change in now.changes if change.resource not in gone)
        said = [_said(self.title, list(names), verdict) for names, verdict in ((left, "as wanted"), (gone, "gone")) if names]
        text = f"verified: {'; '.join(said) or f'nothing is left to do for {self.title}'}"
        return Verified(text + "".join(f"; pending: {one}" for one in now.pending))

    def _lock(self) -> AbstractContextManager[object]:
        """Of the target, where anything is to be changed."""
        target = self.target or next((part.target for part in self.parts), None)
        return locks.held(target, self.title) if target and self.mutating else nullcontext()

    def _plan_again(self) -> Plan:
        assert self.again, "a plan comes from a function that is a step"
        moment.forget()
        return self.again()

    def _session(self) -> AbstractContextManager[Plan]:
        return self.session() if self.session else nullcontext(self._plan_again())

    def _look(self) -> tuple[str, Plan | None]:
        try:
            now = self._plan_again()
        except InstanceNotReady as refusal:  # AWS may answer as before: an instance of a switchover is renaming still
            return str(refusal), None
        on_the_way = [change.settle for change in now.changes if change.settle and not now.mutating]
        for settle in on_the_way:
            settle()
        now = self._plan_again() if on_the_way else now
        return "; ".join(map(str, now.mutating)), None if now.mutating else now

    def _differs(self, status: str) -> NotVerified:
        return NotVerified(f"{self.title} is not as wanted yet: {status}: look at that, then apply the plan again")

    def _require_agreed(self, planned: Plan, begun: int) -> Plan:
        """What was planned just now, if it is what was shown, and is allowed."""
        now = replace(planned, target=self.target)
        self._require_same(now, begun)
        now._require_allowed(begun)
        return now

    def _require_allowed(self, begun: int) -> None:
        """Refuse changes in an account that the target does not name, what was not confirmed, and what no approved plan covers.

        A target with a connection URL is pinned by the label in its database, as long as AWS is left out.
        """
        if self.target:
            self._require_confirmed(self.target, begun)
        for change in self.mutating:
            if change.refusal:
                raise change.refusal
        if not self.mutating:
            return
        assert self.target, "a plan comes from a function that is a step"
        if not self.target.connection_url or any(change.calls for change in self.mutating):
            require_pinned(self.target)
        approvals.require_covered(self.title, [change.shown for change in self.mutating])

    def _require_confirmed(self, target: Target, begun: int) -> None:
        """Compare what was typed, wherever something was; a protected target changes only where it is the right name."""
        asked, typed = self.asks or target.db_instance_identifier, target.confirm
        needed = self.mutating and (target.protected or self.asks_always)
        if typed != asked and (typed or needed):
            state = f'was confirmed with "{typed}"' if typed else "is protected" if target.protected else "is to be confirmed"
            message = f"{self.title} {state} and {ledger.since(begun)}: read the plan, then repeat"
            raise ConfirmationRequired(f'{message} with confirm = "{asked}" (on the command line: --confirm {asked})')

    def _require_same(self, now: Plan, begun: int) -> None:
        """Refuse to make changes that were not shown, or not all that were."""
        if any(change.unknown for change in self.changes):
            return
        shown, found = [{change.compared: change for change in plan.mutating} for plan in (self, now)]
        moved = [f"no longer: {shown[key]}" for key in shown if key not in found]
        moved += [f"new: {found[key]}" for key in found if key not in shown]
        if moved:
            message = f"{self.title} comes out differently now, and {ledger.since(begun)} ({'; '.join(moved)})"
            raise PlanMoved(f"{message}: read the plan again, then apply that")

    def _require_complete(self) -> None:
        for change in self.mutating:
            if change.unknown:
                raise InstanceNotReady(f"{change.resource} cannot be changed yet: {change.note}")

    def _make(self, change: Change) -> Outcome | None:
        """Make a change, unless nothing differs, and wait until it has settled; what it came to, where it says so."""
        assert self.target
        made = None
        if change.mutating:
            for call in change.calls:
                calls.send(self.target, call, partial(self._is_made, call))
            if change.make:
                made = change.make()
                ledger.changed(change.resource)
        if change.settle:
            _settle(change, change.settle)
        return made if isinstance(made, Outcome) else None

    def _is_made(self, call: Call, error: Exception) -> bool:
        """Whether planning again finds nothing any more for which to make the call, by when AWS shows what it has accepted."""

        def look() -> tuple[str, bool | None]:
            try:
                left = [one for change in self._plan_again().mutating for one in change.calls]
            except OpsError as refusal:
                return str(refusal), None
            return "as before", None if call in left else True

        with suppress(NotVerified):
            return progress.poll(call.operation.replace("_", " "), look, LATE_SECONDS, NotVerified)
        return False


def _settle(change: Change, settle: Callable[[], object]) -> None:
    """Wait until a change can be used; as long as AWS may answer as before it, a refusal says nothing."""
    refusals: list[InstanceNotReady] = []

    def look() -> tuple[str, bool | None]:
        try:
            settle()
        except InstanceNotReady as refusal:
            refusals.append(refusal)
            return str(refusal), None
        return "", True

    progress.poll(change.resource, look, LATE_SECONDS if change.mutating else 0, lambda _: refusals[-1])


def _said(title: str, resources: list[str], verdict: str) -> str:
    """Such as "DB instance x is as wanted", "role a and role b are gone", or "all 22 of Roles on local are as wanted"."""
    if len(resources) > LISTED:
        return f"all {len(resources)} of {title} are {verdict}"
    names = " and ".join(filter(None, [", ".join(resources[:-1]), resources[-1]]))
    return cell(f"{names} {'is' if len(resources) == 1 else 'are'} {verdict}")


def step(function: Callable[Concatenate[Target, Arguments], Plan]) -> Callable[Concatenate[Target, Arguments], Plan]:
    """Let the plans of a function keep their target, and the function with its arguments to plan again."""

    @wraps(function)
    def planned(target: Target, /, *given: Arguments.args, **named: Arguments.kwargs) -> Plan:
        with moment.one():
            plan = function(target, *given, **named)
        again = plan.again or partial(planned, target, *given, **named)
        return replace(plan, target=target, again=again, parts=())

    return planned
