"""Who is connected, and ending sessions, on a real server."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from click.testing import CliRunner

from cruddur_ops import database
from cruddur_ops.change import Outcome
from cruddur_ops.cli import main
from cruddur_ops.database.blocking import BLOCKER, WAITER
from cruddur_ops.database.connection import connect, session
from cruddur_ops.database.location import locate
from cruddur_ops.database.sessions import Session, Sessions, _plan_end, interval, plan_kill, whole_seconds
from cruddur_ops.errors import ConfirmationRequired, InUse, WrongInput
from cruddur_ops.target import Target
from tests.database.people import PASSWORD, Connection, People, alive
from tests.unit.headless import until

SECRET = "canary-in-a-statement"


@pytest.fixture(autouse=True)
def _alone(empty: Target) -> None:
    """No connection of the fixtures' own is left."""
    session(empty).close()


def by_application(found: Sessions) -> dict[str | None, Session]:
    """The sessions by the name of their application."""
    return {one.application: one for one in found.all}


def sleep(connection: Connection) -> None:
    """Work until somebody cancels it."""
    with suppress(psycopg.errors.QueryCanceled):
        connection.execute("SELECT pg_sleep(600)")


def test_nobody_else(empty: Target) -> None:
    """Oneself is not listed."""
    assert "nobody else is connected" == str(database.sessions(empty))


def test_a_session_with_all_there_is_to_know(empty: Target, people: People) -> None:
    """Who, where, since when, doing what: idle in a transaction after a SELECT."""
    people.connect(empty).execute("SELECT 1")

    listed = database.sessions(empty)  # once: the server may take a moment to end that connection
    (found,) = listed.all
    expected = ("cruddurroot", locate(empty).database, "theirs", "idle in transaction", "SELECT", False, ())
    assert expected == (
        found.user,
        found.database,
        found.application,
        found.state,
        found.statement,
        found.tls,
        found.blocked_by,
    )
    assert found.age is not None
    assert timedelta(0) <= found.age < timedelta(minutes=1)
    lines = str(listed).splitlines()
    assert ["pid", "user", "database", "address"] == lines[0].split()[:4]
    assert 2 == len(lines)


def test_a_password_in_a_statement_is_not_shown(empty: Target, people: People) -> None:
    """Of what somebody sent the kind is shown, in the list and in the plan."""
    people.role("guest")
    people.guest(empty, "boss").execute(f"ALTER ROLE guest PASSWORD '{SECRET}'".encode())

    shown = f"{database.sessions(empty)} {database.sessions(empty).all!r} {plan_kill(empty)}"
    assert SECRET not in shown
    assert "ALTER ROLE" in shown


def test_aws_is_not_listed_and_not_ended(empty: Target, people: People) -> None:
    """rdsadmin's sessions belong to AWS."""
    aws = people.administrator(empty)

    assert () == database.sessions(empty).all
    assert Outcome() == plan_kill(empty).apply()
    assert alive(aws)


def test_a_jam(empty: Target) -> None:
    """A staged blocker and who waits for it are listed, and gone afterwards."""
    with database.staged_block(empty):
        found = by_application(database.sessions(empty))
        blocks, picture = database.sessions(empty).blocks, database.sessions(empty).picture()

    waiter, blocker = found[WAITER], found[BLOCKER]
    assert (blocker.pid,) == waiter.blocked_by
    assert ("active", "Lock advisory", "idle in transaction") == (waiter.state, waiter.wait_event, blocker.state)
    assert [f"{WAITER} (SELECT, Lock advisory) waits for {BLOCKER} (idle in transaction, SELECT)"] == blocks == [picture.text]
    assert () == database.sessions(empty).all


def test_a_jam_whose_blocker_is_ended(empty: Target) -> None:
    """Whoever ends the blocker frees the other; the rehearsal takes that without a word."""
    with database.staged_block(empty):
        assert Outcome(deleted=1) == plan_kill(empty, idle="0s").apply()
        until(lambda: not database.sessions(empty).blocks)


def test_what_one_may_not_see_is_said(empty: Target, people: People, at: Callable[..., Target]) -> None:
    """Without pg_read_all_stats who is there remains, and a sentence says how to see the rest."""
    name = locate(empty).database
    people.connect(empty).execute("SELECT 1")
    guest = at(name, people.role("guest"), PASSWORD)

    found = database.sessions(guest)
    assert [("cruddurroot", None, None, False)] == [(one.user, one.state, one.age, one.visible) for one in found.all]
    assert str(found).endswith("1 of 1 do not show what they do to this user: connect as a member of pg_read_all_stats, "
                               "such as the master user")  # fmt: skip


def test_sessions_of_a_server_without_the_database(target: Target, people: People) -> None:
    """They are seen from the maintenance database."""
    people.connect(target, dbname="postgres")
    assert ["postgres"] == [one.database for one in database.sessions(target).all]


def test_kill_ends_all_and_says_who(empty: Target, people: People) -> None:
    """The plan names each; what was not committed is gone."""
    theirs = [people.connect(empty), people.guest(empty)]
    plan = plan_kill(empty)

    assert 2 == len(plan.mutating)
    assert "of guest on" in str(plan)
    assert Outcome(deleted=2) == plan_kill(empty).apply()
    assert [False, False] == [alive(one) for one in theirs]
    assert Outcome() == plan_kill(empty).apply()


def test_kill_of_the_idle_leaves_those_who_work(empty: Target, people: People) -> None:
    """A session that runs a statement is not idle, however long it takes; nor is one idle long enough that has just begun."""
    idle, busy = people.connect(empty, "idle"), people.connect(empty, "busy")
    working = threading.Thread(target=sleep, args=(busy,))
    working.start()
    until(lambda: by_application(database.sessions(empty))["busy"].state == "active")

    assert Outcome() == plan_kill(empty, idle="1h").apply()
    assert Outcome(deleted=1) == plan_kill(empty, idle="0s").apply()
    assert not alive(idle)
    until(lambda: ["busy"] == [one.application for one in database.sessions(empty).all])  # what looked has gone, too
    busy.cancel_safe()
    working.join()


def test_an_idle_session_that_wakes_up_is_left(empty: Target, people: People) -> None:
    """Between looking and ending somebody may have begun to work."""
    theirs = people.connect(empty)
    idle, all_of_them = plan_kill(empty, idle="0s"), plan_kill(empty)
    theirs.execute("SELECT 1")

    assert Outcome(unchanged=1) == idle.apply()
    assert repr(idle.verify()).startswith("verified: session ")
    assert alive(theirs)
    assert Outcome(deleted=1) == all_of_them.apply()


def test_a_pid_that_is_used_again_is_another_session(empty: Target, people: People) -> None:
    """It is known by its beginning, too."""
    theirs = people.connect(empty)
    (seen,) = database.sessions(empty).all

    assert Outcome() == _plan_end(empty, (replace(seen, started=None),), False).apply()
    assert alive(theirs)


def test_who_comes_after_the_plan_is_left(empty: Target, people: People) -> None:
    """Only whom the plan has named is ended."""
    early = people.connect(empty)
    plan = plan_kill(empty)
    late = people.connect(empty)

    assert Outcome(deleted=1) == plan.apply()
    assert [False, True] == [alive(early), alive(late)]
    assert repr(plan.verify()).endswith("(theirs) is gone")


def test_who_is_gone_by_then_is_fine(empty: Target, people: People) -> None:
    """The others are ended all the same."""
    theirs = [people.connect(empty), people.connect(empty)]
    plan = plan_kill(empty)
    theirs[0].close()
    until(lambda: len(database.sessions(empty).all) == 1)

    assert Outcome(deleted=1, unchanged=1) == plan.apply()
    assert not alive(theirs[1])


def test_a_superusers_session_remains_and_is_named(empty: Target, people: People) -> None:
    """The others are ended; the one that cannot be is told with PostgreSQL's reason."""
    boss, guest = people.guest(empty, "boss"), people.guest(empty)

    with pytest.raises(InUse, match=r"1 of 2 sessions were ended; session \d+ of boss .*SUPERUSER.*from its own side"):
        plan_kill(empty).apply()
    assert [True, False] == [alive(boss), alive(guest)]


def test_protected_target_needs_its_identifier(empty: Target, people: People) -> None:
    """Without it nobody is thrown out."""
    theirs = people.connect(empty)
    protected = replace(empty, protected=True)
    with pytest.raises(ConfirmationRequired, match="--confirm cruddur-db-instance"):
        plan_kill(protected).apply()

    assert alive(theirs)
    assert Outcome(deleted=1) == plan_kill(replace(protected, confirm="cruddur-db-instance")).apply()


def test_what_operators_write(empty: Target) -> None:
    """Days, hours, minutes and seconds, alone or together."""
    written = {"90s": 90, "30m": 1800, "2h": 7200, "1h30m": 5400, "1d": 86400, "1d1h1m1s": 90061, "0s": 0, " 5m ": 300}
    with connect(empty) as connection:
        read = {text: interval(connection, text).total_seconds() for text in written}
    assert written == read


def test_what_is_no_length_of_time(empty: Target) -> None:
    """Without a unit, negative, or nothing that the server knows: wrong input, with examples."""
    for text in (" ", "30", "m", "-5m", "1e3s", "٣m", "9999999999999d", "'; --", "5 nothing"):
        with pytest.raises(WrongInput, match="write it as 90s, 30m, 1h30m or 2d"):
            plan_kill(empty, idle=text)


@pytest.mark.parametrize(("seconds", "text"), [(-3.5, "0:00:00"), (1865.9, "0:31:05"), (183600, "2 days, 3:00:00")])
def test_lengths_are_shown_in_whole_seconds(seconds: float, text: str) -> None:
    """A negative length, by clocks that differ, is none."""
    assert text == whole_seconds(timedelta(seconds=seconds))


def test_verbs(empty: Target, people: People) -> None:
    """The list, the plan with what it came to, and a length of time that is none."""
    people.connect(empty)
    listed, killed, wrong = (
        CliRunner().invoke(main, ["db", *verb])
        for verb in (["sessions"], ["kill-sessions"], ["kill-sessions", "--idle-longer-than", "long"])
    )

    assert (0, True) == (listed.exit_code, "theirs" in listed.output)
    assert listed.output.startswith("sessions on local: database test_")
    assert (0, True) == (killed.exit_code, "\n0 created, 0 changed, 1 deleted, 0 unchanged\nverified: session " in killed.output)
    assert (2, True) == (wrong.exit_code, '"long" is no length of time' in wrong.stderr)


def test_verb_says_who_remains(empty: Target, people: People) -> None:
    """Not all ended: not zero."""
    people.guest(empty, "boss")
    result = CliRunner().invoke(main, ["db", "kill-sessions"])
    assert (1, True) == (result.exit_code, "of boss" in result.stderr)
