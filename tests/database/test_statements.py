"""Single statements: one session for each target, which outlives the server's hanging up."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from cruddur_ops import database
from cruddur_ops.database.connection import connect, session
from cruddur_ops.database.errors import StatementFailed
from cruddur_ops.database.statements import ask, compose, rows
from cruddur_ops.target import Target
from tests.unit.headless import until


def own_connection(target: Target) -> psycopg.Connection[Any]:
    """The connection of this target's statements."""
    with session(target) as cursor:
        return cursor.connection


def own_pid(target: Target) -> int:
    """The process of the server that answers them."""
    return own_connection(target).info.backend_pid


def terminate(target: Target, pid: int) -> None:
    """End a session from another one, and see it gone."""
    gone = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s"
    with connect(target, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [pid])
        until(lambda: (0,) == other.execute(gone, [pid]).fetchone())


def test_one_session_answers_all(seeded: Target) -> None:
    """Statement after statement, and those of equal targets."""
    pid = own_pid(seeded)
    database.counts(seeded)
    database.counts(replace(seeded))

    assert pid == own_pid(seeded)


def test_a_server_that_hung_up_is_called_again(seeded: Target) -> None:
    """Whoever asks next does not notice."""
    pid = own_pid(seeded)
    terminate(seeded, pid)

    assert {"activities": 12, "users": 5} == database.counts(seeded)
    assert pid != own_pid(seeded)


def test_a_server_that_goes_in_the_middle(seeded: Target) -> None:
    """The statement fails with a sentence: it may have been carried out. The next one goes through."""
    own = own_connection(seeded)
    terminate(seeded, own.info.backend_pid)
    with pytest.raises(StatementFailed):
        ask(own, "operations/countable")

    assert {"activities": 12, "users": 5} == database.counts(seeded)


def test_a_closed_session_is_opened_again(seeded: Target) -> None:
    """One call lets go of the database."""
    own = own_connection(seeded)
    session(seeded).close()

    assert own.closed
    assert not own_connection(seeded).closed


def test_a_failed_statement_leaves_the_session_usable(seeded: Target) -> None:
    """Each is a transaction of its own."""
    with pytest.raises(psycopg.errors.UndefinedColumn):
        rows(seeded, compose("operations/explain", statement=psycopg.sql.SQL("SELECT nothing_like_it")))

    assert 2 == len(rows(seeded, "operations/countable"))


def test_threads_take_turns(seeded: Target) -> None:
    """They share a session, and each gets the rows of its own statement."""
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda days: rows(seeded, "activities/over_time", days=days), range(1, 101)))

    assert list(range(1, 101)) == [len(answer) for answer in answers]
