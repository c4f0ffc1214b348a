"""Who is connected to the server, doing what since when, who stands in whose way, and how a session is ended."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import psycopg

from cruddur_ops.database.connection import Connection
from cruddur_ops.database.errors import NotPermitted, said
from cruddur_ops.database.masking import HIDDEN, statement_kind
from cruddur_ops.database.planning import changing, on_server
from cruddur_ops.database.statements import ask
from cruddur_ops.errors import InUse, WrongInput
from cruddur_ops.pictures import Picture
from cruddur_ops.plan import Action, Change, Outcome, Plan, step
from cruddur_ops.target import Target
from cruddur_ops.texttable import table

# Roles under which AWS looks after an instance (Amazon RDS User Guide, "Understanding PostgreSQL roles and permissions").
AWS_ROLES = frozenset({"rdsadmin", "rdsrepladmin", "rdstopmgr"})
IDLE = frozenset({"idle", "idle in transaction", "idle in transaction (aborted)"})
TOO_SLOW = "it did not end within five seconds"


@dataclass(frozen=True)
class Session:
    """A client's session. What one may not see is None."""

    pid: int
    user: str
    database: str | None = None
    address: str | None = None  # the client's; None also on a Unix socket
    application: str | None = None
    state: str | None = None
    age: timedelta | None = None  # how long it has been in its state
    changed: datetime | None = None  # when it came into its state
    started: datetime | None = None  # when it connected
    wait_event: str = ""  # kind and name of what it waits for (PostgreSQL 18, chapter 27.2.3); empty for nothing
    tls: bool | None = None
    blocked_by: tuple[int, ...] = ()  # the pids of the sessions whose locks it waits for
    statement: str = ""  # the kind of its present or last statement, never its text
    visible: bool = True  # whether one may see what it does

    @property
    def aws_own(self) -> bool:
        """Whether it belongs to AWS: such a session is neither listed nor ended."""
        return self.user in AWS_ROLES

    @property
    def shown(self) -> dict[str, Any]:
        """Its columns in a list of sessions."""
        return {
            "pid": self.pid,
            "user": self.user,
            "database": self.database,
            "address": self.address,
            "application": self.application,
            "state": self.state,
            "for": None if self.age is None else whole_seconds(self.age),
            "waits for": self.wait_event,
            "TLS": self.tls,
            "blocked by": ", ".join(map(str, self.blocked_by)),
            "statement": self.statement,
        }

    def __str__(self) -> str:
        """Who it is: "session 123 of cruddur_app on cruddur from 10.0.0.7 (api)"."""
        place = f" from {self.address}" if self.address else ""
        application = f" ({self.application})" if self.application else ""
        return f"session {self.pid} of {self.user} on {self.database}{place}{application}"

    @property
    def doing(self) -> str:
        """What it does: "idle in transaction for 0:31:05, last UPDATE"."""
        since = f"{self.state} for {whole_seconds(self.age)}" if self.state and self.age is not None else "state not visible"
        last = "last " if self.state in IDLE else ""
        return f"{since}, {last}{self.statement}" if self.statement else since


@dataclass(frozen=True)
class Sessions:
    """The sessions of a server, those first that have been in their state longest."""

    all: tuple[Session, ...] = ()

    @property
    def hidden(self) -> int:
        """How many do not show what they do."""
        return sum(not one.visible for one in self.all)

    @property
    def blocks(self) -> list[str]:
        """A line for each session that waits for another's lock, by application: who waits, who holds it, doing what."""
        by_pid = {one.pid: one for one in self.all}
        pairs = [(one, by_pid[pid]) for one in self.all for pid in one.blocked_by if pid in by_pid]
        return sorted(
            f"{waiter.application} ({waiter.statement}, {waiter.wait_event}) waits for {holder.application} "
            f"({holder.state}, {holder.statement})"
            for waiter, holder in pairs
        )

    def picture(self) -> Picture:
        """Who waits for whom."""
        from cruddur_ops.database import jams

        return jams.picture(self)

    def __str__(self) -> str:
        if not self.all:
            return "nobody else is connected"
        lines = [table([one.shown for one in self.all])]
        if self.hidden:
            remedy = "connect as a member of pg_read_all_stats, such as the master user"
            lines.append(f"{self.hidden} of {len(self.all)} do not show what they do to this user: {remedy}")
        return "\n".join(lines)

    __repr__ = __str__


def whole_seconds(length: timedelta) -> str:
    """Such as "0:31:05" or "2 days, 3:00:00"; what is negative, by clocks that differ, counts as none."""
    return str(timedelta(seconds=max(0, int(length.total_seconds()))))


def sessions(target: Target) -> Sessions:
    """Everybody who is connected to the target's server, but oneself and AWS."""
    with on_server(target) as connection:
        return Sessions(others(all_sessions(connection)))


def all_sessions(connection: Connection) -> tuple[Session, ...]:
    """The sessions of the server but this one, with those of AWS."""
    return tuple(_session(row) for row in ask(connection, "operations/sessions"))


def _session(row: dict[str, Any]) -> Session:
    query = row.pop("query") or ""
    blocked_by = tuple(dict.fromkeys(row.pop("blocked_by")))  # a parallel query's pid comes several times
    return Session(**row, blocked_by=blocked_by, statement=statement_kind(query), visible=query != HIDDEN)


def others(found: Iterable[Session]) -> tuple[Session, ...]:
    """Those that are not AWS's own."""
    return tuple(one for one in found if not one.aws_own)


def idle_longer_than(connection: Connection, found: Iterable[Session], length: str) -> tuple[Session, ...]:
    """Those that have been idle for longer, in or out of a transaction; all of them where no length is given."""
    if not length:
        return tuple(found)
    least = interval(connection, length)
    return tuple(one for one in found if one.state in IDLE and one.age is not None and one.age > least)


def interval(connection: Connection, text: str) -> timedelta:
    """A length of time as the server reads it; WrongInput where it is none, has no unit, or is negative."""
    try:
        length: timedelta = ask(connection, "operations/interval", text=text)[0]["length"]
    except psycopg.DataError as error:
        raise _no_length(text) from error
    if length < timedelta(0) or not text.strip()[-1:].isalpha():
        raise _no_length(text)
    return length


def _no_length(text: str) -> WrongInput:
    return WrongInput(f'"{text}" is no length of time: write it as 90s, 30m, 1h30m or 2d')


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
