"""Ending other people's sessions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

import psycopg

from cruddur_ops.database.planning import require_agreement
from cruddur_ops.database.refusals import NotPermitted
from cruddur_ops.database.server import on_server
from cruddur_ops.database.sessions import Session, all_sessions, idle_longer_than, others, sessions
from cruddur_ops.database.statements import ask
from cruddur_ops.errors import OpsError
from cruddur_ops.plan import Action, Change, Outcome, Plan
from cruddur_ops.progress import waiting
from cruddur_ops.targets import Target

ENDED, GONE = "", "gone"
TOO_SLOW = "it did not end within five seconds"


class SessionsRemain(OpsError):
    """Some sessions could not be ended."""


def plan_kill(target: Target, idle: timedelta | None = None) -> Plan:
    """What `kill_sessions` would do.

    Raises:
        DatabaseUnreachable: no connection came about.
    """
    return kill_plan(target.name, idle_longer_than(sessions(target).all, idle))


def kill_plan(place: str, found: Iterable[Session]) -> Plan:
    """A change for each session; one that works in a transaction loses what it did in it."""
    return Plan(f"Sessions on {place}", tuple(Change(Action.DELETE, str(one), note=one.doing) for one in found))


def kill_sessions(target: Target, confirm: str = "", idle: timedelta | None = None, plan: Plan | None = None) -> Outcome:
    """End the sessions that `sessions` lists; what they have not committed is rolled back.

    Args:
        target: whose server.
        confirm: the DB instance identifier, for a protected target.
        idle: end only those that have been idle for longer than this.
        plan: end only those that it names, and not who has come since.

    Raises:
        ConfirmationRequired: the target is protected and `confirm` is not its DB instance identifier.
        SessionsRemain: some could not be ended; the others were.
        DatabaseUnreachable: no connection came about.
    """
    with on_server(target) as connection, waiting("sessions") as show:
        found = _planned(idle_longer_than(others(all_sessions(connection)), idle), plan)
        require_agreement(kill_plan(target.name, found), target, confirm)
        results = {}
        for one in found:
            show(str(one))
            results[one] = _end(connection, one, still_idle=idle is not None)
    _require_none_left(results)
    answers = list(results.values())
    return Outcome(deleted=answers.count(ENDED), unchanged=answers.count(GONE))


def _planned(found: tuple[Session, ...], plan: Plan | None) -> tuple[Session, ...]:
    named = {change.resource for change in plan.changes} if plan else set()
    return tuple(one for one in found if plan is None or str(one) in named)


def _end(connection: psycopg.Connection[Any], one: Session, *, still_idle: bool) -> str:
    """End a session. ENDED, GONE where it has ended by itself or woken up, else why it is still there."""
    seen = {"pid": one.pid, "started": one.started, "changed": one.changed, "still_idle": still_idle}
    try:
        answer = ask(connection, "operations/terminate_session", **seen)
    except NotPermitted as error:
        return said(error.__cause__)
    if not answer:
        return GONE
    return ENDED if answer[0]["ended"] else TOO_SLOW


def said(error: BaseException | None) -> str:
    """PostgreSQL's message with its detail, on one line."""
    texts = (error.diag.message_primary, error.diag.message_detail) if isinstance(error, psycopg.Error) else (str(error),)
    return ", ".join(text.rstrip(".") for text in texts if text)


def _require_none_left(results: Mapping[Session, str]) -> None:
    left = {one: why for one, why in results.items() if why not in (ENDED, GONE)}
    if left:
        reasons = "; ".join(f"{one} is still there ({why.rstrip('.')})" for one, why in left.items())
        remedy = "end it from its own side, or connect as a user who may end it"
        raise SessionsRemain(f"{len(results) - len(left)} of {len(results)} sessions were ended; {reasons}: {remedy}")
