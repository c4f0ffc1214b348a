"""Why a connection fails: each kind on a real server or socket, with its remedy and without the password."""

from __future__ import annotations

import socket
import socketserver
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import psycopg
import pytest

from cruddur_ops import database
from cruddur_ops.database.connection import connect, session
from cruddur_ops.database.errors import ConnectionTimedOut, DatabaseMissing, DatabaseUnreachable, LoginRefused
from cruddur_ops.diagnosis import diagnose
from cruddur_ops.diagnosis.ladder import State
from cruddur_ops.errors import OpsError, WrongInput
from cruddur_ops.target import Target
from rds_sandbox.postgres import Server
from tests.database.conftest import PASSWORD, USER

At = Callable[..., Target]


def url(target: Target, place: str, **options: str) -> Target:
    """The same target at another place."""
    query = "&".join(f"{name}={value}" for name, value in options.items())
    password = "secret-word"
    return replace(target, connection_url=f"postgresql://{USER}:{password}@{place}/cruddur?{query}")


def failure(target: Target) -> DatabaseUnreachable:
    """The error of connecting; it shows no password."""
    with pytest.raises(DatabaseUnreachable) as caught:
        connect(target)
    shown = "".join(traceback.format_exception(caught.value))
    assert PASSWORD not in shown
    assert "secret-word" not in shown
    return caught.value


def test_wrong_password(at: At) -> None:
    """The server's refusal is quoted, and the URL is to be corrected."""
    error = failure(at("postgres", password="secret-word"))

    assert LoginRefused is type(error)
    assert f"refused the login to user {USER}" in str(error)
    way = "each step is looked at by `cruddur-ops db diagnose --target local`"
    assert str(error).endswith(f"correct the user and the password in the URL; {way}")


def test_no_password(at: At) -> None:
    """A password that is nowhere to be found is a refused login, too."""
    assert LoginRefused is type(failure(at("postgres", password="")))


def test_missing_database(at: At) -> None:
    """A database that the server does not have is created by notebook 03."""
    error = failure(at("not there; drop"))

    assert DatabaseMissing is type(error)
    assert str(error).startswith("database not there; drop on ")
    assert str(error).endswith("does not exist: 03_load_schema_and_seed creates it")


@pytest.mark.parametrize("name", ["Connection refused", "SSL certificate", " failed: "])
def test_missing_database_with_a_misleading_name(at: At, name: str) -> None:
    """The kind does not hang on the server's words."""
    assert DatabaseMissing is type(failure(at(name)))


def test_database_that_lets_nobody_in(empty: Target, server: Server) -> None:
    """A database that exists and refuses is not called missing."""
    name = database.connection_facts(empty)["database"]
    session(empty).close()
    with server.administrator() as administrator:
        administrator.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())

    assert LoginRefused is type(failure(empty))


def test_nothing_listens(target: Target) -> None:
    """A port without a server, a folder without a socket."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    assert "refused the connection" in str(failure(url(target, f"127.0.0.1:{port}")))
    assert "refused the connection" in str(failure(url(target, "", host="/nowhere")))


def test_unknown_host(target: Target) -> None:
    """A name without an address (RFC 6761 keeps .invalid free of any)."""
    assert "has a host that is not known" in str(failure(url(target, "db.invalid")))


def test_silence(target: Target) -> None:
    """A host that takes the connection and says nothing times out; on RDS that is the security group."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = f"127.0.0.1:{silent.getsockname()[1]}"
        error = failure(url(target, place, connect_timeout="1"))

    assert ConnectionTimedOut is type(error)
    assert "and the firewall in front of it; each step" in str(error)


def test_timeout_hangs_up(target: Target) -> None:
    """A connection that timed out is closed, though the error is still held."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with pytest.raises(ConnectionTimedOut):
            connect(url(target, f"127.0.0.1:{silent.getsockname()[1]}", connect_timeout="1"))
        client, _ = silent.accept()
        with client:
            client.settimeout(5)
            request = client.recv(8)
            end = client.recv(8)

    assert (8, b"") == (len(request), end)


@contextmanager
def answering(answer: bytes, *, and_waits: bool = False) -> Iterator[str]:
    """A server that answers SSLRequest (PostgreSQL 18, chapter 54.2.10), then hangs up, or waits for the client: its address."""

    class Answer(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(8)
            self.request.sendall(answer)
            while and_waits and self.request.recv(1000):
                pass

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_server_without_tls(target: Target) -> None:
    """A server that does not speak TLS where the URL requires it."""
    with answering(b"N") as place:
        error = failure(url(target, place, sslmode="require"))
    assert (True, False) == ("failed the TLS handshake" in str(error), error.passing)


@pytest.mark.parametrize("answer", [b"", b"S"], ids=["at once", "before TLS"])
def test_a_server_that_dies_is_not_blamed_on_tls(target: Target, answer: bytes) -> None:
    """It hangs up before the login; that may pass."""
    with answering(answer) as place:
        error = failure(url(target, place, sslmode="require"))
    assert (True, True) == ("ended the connection before the login: the server has died" in str(error), error.passing)


def test_a_paused_server_is_not_blamed_on_the_firewall(target: Target) -> None:
    """It answered, and then no more."""
    with answering(b"S", and_waits=True) as place:
        error = failure(url(target, place, sslmode="require", connect_timeout="2"))
    assert ConnectionTimedOut is type(error)
    assert "accepted the connection and then fell silent: the server is paused" in str(error)


@pytest.mark.parametrize(
    ("name", "user", "rung"),
    [
        ("postgres", (), ""),
        ("nowhere", (), "database"),
        ("postgres", (USER, "wrong"), "login"),
        ("postgres", ("nobody",), "login"),
    ],
)
def test_the_ladder_of_a_server_without_aws(at: At, name: str, user: tuple[str, ...], rung: str) -> None:
    """Behind a Unix socket; what failed is told at the rung of its sentence."""
    ladder = diagnose(at(name, *user))
    failed = [one.name for one in ladder.rungs if one.state is State.FAILED]
    assert ([rung] if rung else [], not rung) == (failed, ladder.sound), ladder


def test_a_full_server_is_no_wrong_password(at: At, server: Server) -> None:
    """Its own code says so, after the password was taken."""
    target = at("postgres")
    with server.administrator() as administrator:
        administrator.execute(f"ALTER ROLE {USER} CONNECTION LIMIT 0".encode())
        try:
            error = failure(target)
        finally:
            administrator.execute(f"ALTER ROLE {USER} CONNECTION LIMIT -1".encode())
    assert (DatabaseUnreachable, "connections", True) == (type(error), error.rung[0], error.passing)


def test_options_that_libpq_cannot_use(target: Target) -> None:
    """A wrong value in the URL is wrong input, not an unreachable server."""
    with pytest.raises(WrongInput, match="connect_timeout"):
        connect(url(target, "127.0.0.1:1", connect_timeout="soon"))


@pytest.mark.parametrize(
    ("variable", "value"), [("PGTARGETSESSIONATTRS", "mine"), ("PGTZ", "Nowhere"), ("PGOPTIONS", "-c x"), ("PGSERVICE", "none")]
)
def test_variables_that_libpq_or_the_server_cannot_use(at: At, variable: str, value: str) -> None:
    """The server is there, and the password is right: neither is to be looked at."""
    for target in (at("postgres"), at("not there yet")):
        with (
            pytest.MonkeyPatch.context() as patch,
            pytest.raises(DatabaseUnreachable, match="with an option that means nothing .*variable .*PGOPTIONS"),
        ):
            patch.setenv(variable, value)
            database.plan_create(target)


def test_kinds_are_errors_of_the_driver_and_of_the_package() -> None:
    """Whoever catches psycopg's OperationalError, or OpsError, catches them."""
    assert issubclass(DatabaseUnreachable, psycopg.OperationalError)
    assert issubclass(DatabaseUnreachable, OpsError)
