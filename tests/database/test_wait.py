"""Waiting for a server."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
from click.testing import CliRunner

from cruddur_ops.cli import main
from cruddur_ops.database import connection
from cruddur_ops.database.errors import ConnectionTimedOut, LoginRefused
from cruddur_ops.database.instance import wait_until_reachable as wait
from cruddur_ops.errors import InstanceNotReady
from cruddur_ops.rds import instances
from cruddur_ops.rds.instances import Instance
from cruddur_ops.target import Target
from rds_sandbox.postgres import Server
from tests.database.conftest import PASSWORD
from tests.database.doors import tcp_door

At = Callable[..., Target]


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


def test_a_server_that_is_there(empty: Target) -> None:
    """It answers at once."""
    started = time.monotonic()
    assert wait(empty, timeout=30)
    assert time.monotonic() - started < 5


def test_a_missing_database_is_an_answer(target: Target) -> None:
    """The server is there; its database is for another verb to make."""
    assert not wait(target, timeout=30)


def test_a_wrong_password_ends_the_wait_at_once(at: At) -> None:
    """It would be as wrong in five minutes."""
    with pytest.raises(LoginRefused):
        wait(at("postgres", password="wrong-password"), timeout=300)


def test_an_instance_that_is_ready_once_it_was_asked_for(empty: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """It had no endpoint when it was described, and is available when its status is looked at: the next look tells."""
    refusals = iter([InstanceNotReady("x is creating and has no endpoint yet")])

    def connect(*arguments: Any, **options: Any) -> Any:
        for refusal in refusals:
            raise refusal
        return connection.connect(*arguments, **options)

    monkeypatch.setattr("cruddur_ops.database.instance.connect", connect)
    monkeypatch.setattr(instances, "describe", lambda _: Instance("x", "available"))
    assert wait(empty, timeout=30)


def test_a_server_that_comes_up_meanwhile(at: At, server: Server) -> None:
    """The wait ends when it answers."""
    port = free_port()
    target = at("postgres", host="127.0.0.1", port=str(port))
    with ExitStack() as stack:
        timer = threading.Timer(1.5, lambda: stack.enter_context(tcp_door(server, "127.0.0.1", port)))
        timer.start()
        assert wait(target, timeout=60)
        timer.join()


def test_a_server_that_does_not_come_up(at: At) -> None:
    """The time is kept, and the message is the last failure's, with its remedy and without a password."""
    target = at("postgres", host="127.0.0.1", port=str(free_port()))
    started = time.monotonic()
    with pytest.raises(
        ConnectionTimedOut, match=r"no answer within 1.5 seconds: database postgres on 127.0.0.1.* refused"
    ) as caught:
        wait(target, timeout=1.5)

    assert time.monotonic() - started < 5
    assert "correct the host and the port in the URL; each step is looked at by" in str(caught.value)
    assert PASSWORD not in str(caught.value)


def test_verb(target: Target, at: At) -> None:
    """It says what it found; in vain is exit code 1."""
    missing = CliRunner().invoke(main, ["db", "wait"])
    at("postgres", host="127.0.0.1", port=str(free_port()))
    vain = CliRunner().invoke(main, ["db", "wait", "--timeout", "0"])

    assert (0, True) == (missing.exit_code, "the database is missing: `cruddur-ops db create`" in missing.stdout)
    assert (1, True) == (vain.exit_code, "no answer within 0 seconds" in vain.stderr)
