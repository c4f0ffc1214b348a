"""Ending other people's sessions: those that a plan has shown, and nobody who has come since."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from cruddur_ops.change import Action, Change, Outcome
from cruddur_ops.database.connection import Connection
from cruddur_ops.database.errors import NotPermitted
from cruddur_ops.database.planning import changing, on_server
from cruddur_ops.database.refusals import said
from cruddur_ops.database.sessions import Session, all_sessions, idle_longer_than, others
from cruddur_ops.database.statements import ask
from cruddur_ops.errors import InUse
from cruddur_ops.plan import Plan, step
from cruddur_ops.target import Target

TOO_SLOW = "it did not end within five seconds"


def plan_kill(target: Target, idle: str = "") -> Plan:
    """The end of the sessions that `sessions` lists; what they have not committed is rolled back.

    Sessions that are gone when it is applied are fine; where one cannot be ended the others are, and then InUse is raised.

    Args:
        idle: end only those that have been idle for longer than this, such as "30m" or "2h".
    """
    with on_server(target) as connection:
        found = idle_longer_than(connection, others(all_sessions(connection)), idle)
    return _plan_end(target, found, bool(idle))


@step
def _plan_end(target: Target, found: tuple[Session, ...], still_idle: bool) -> Plan:
    """The end of these sessions, as far as they are still there."""
    with on_server(target) as connection:
        there = {_known(one, still_idle) for one in all_sessions(connection)}
    left = [one for one in found if _known(one, still_idle) in there]
    plan = Plan(f"Sessions on {target.name}", tuple(Change(Action.DELETE, str(one), note=one.doing) for one in left))
    return replace(plan, session=partial(_ending, target, plan, left, still_idle))


def _known(one: Session, still_idle: bool) -> tuple[object, ...]:
    """What makes it the same session as before: a pid is used again, and an idle session may have woken up."""
    return one.pid, one.started, one.changed if still_idle else None


@contextmanager
def _ending(target: Target, plan: Plan, found: list[Session], still_idle: bool) -> Iterator[Plan]:
    left: dict[Session, str] = {}
    with changing(target, on_server) as connection:
        makes = [partial(_end, connection, one, still_idle, left) for one in found]
        yield replace(plan, changes=tuple(replace(one, make=make) for one, make in zip(plan.changes, makes, strict=True)))
    _require_none_left(len(found), left)


def _end(connection: Connection, one: Session, still_idle: bool, left: dict[Session, str]) -> Outcome:
    """End a session, unless it has ended by itself or woken up; note why it is still there."""
    seen = {"pid": one.pid, "started": one.started, "changed": one.changed, "still_idle": still_idle}
    try:
        answer = ask(connection, "operations/terminate_session", **seen)
    except NotPermitted as error:
        left[one] = said(error.__cause__)
        return Outcome()
    if not answer:
        return Outcome(unchanged=1)
    if not answer[0]["ended"]:
        left[one] = TOO_SLOW
    return Outcome(deleted=1)


def _require_none_left(count: int, left: Mapping[Session, str]) -> None:
    if left:
        reasons = "; ".join(f"{one} is still there ({why.rstrip('.')})" for one, why in left.items())
        remedy = "end it from its own side, or connect as a user who may end it"
        raise InUse(f"{count - len(left)} of {count} sessions were ended; {reasons}: {remedy}")
