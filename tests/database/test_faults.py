"""What goes wrong in the middle: nothing half done is kept, and one sentence says what happened."""

from __future__ import annotations

import os
import signal
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock
from urllib.parse import quote

import psycopg
import pytest
from psycopg import generators

from cruddur_ops import cli, database
from cruddur_ops.change import Outcome
from cruddur_ops.database import scripts
from cruddur_ops.database.connection import connect, session
from cruddur_ops.database.drop import plan_drop
from cruddur_ops.database.errors import DatabaseMissing, DatabaseUnreachable, LoginRefused, StatementFailed
from cruddur_ops.database.expire import plan_expire
from cruddur_ops.database.location import database_name
from cruddur_ops.database.schema import plan_rollback
from cruddur_ops.database.steps import setup
from cruddur_ops.errors import WrongInput
from cruddur_ops.state import PROJECT
from cruddur_ops.target import Target
from rds_sandbox.postgres import Server, standalone
from tests.database.conftest import PASSWORD, USER, url_of
from tests.database.support import TABLES, Planner, Process, execute, some, write
from tests.unit.headless import here

At = Callable[..., Target]
SLEEPING = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
SLEEP = "SELECT pg_sleep(60);\n"
NOTHING = {"activities": 0, "users": 0}


def until(found: Callable[[], object], seconds: float = 20) -> None:
    """Wait for something to be so."""
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def terminate(server: Server, query: str) -> None:
    """End the sessions that a query finds, once there are any."""
    with server.administrator() as administrator:
        until(lambda: administrator.execute(query.encode()).fetchall())
        administrator.execute(f"SELECT pg_terminate_backend(pid, 5000) FROM ({query}) AS found".encode())


def asleep(files: Path, place: str, length: str = SLEEP) -> None:
    """Let the schema fall asleep at its first statement, in the middle, or at its end; or the seed at its beginning."""
    if place == "seed":
        text = (files / "seed.sql").read_text()
        write(files / "seed.sql", text.replace("WITH wanted_users", "WITH asleep AS (SELECT pg_sleep(60)), wanted_users", 1)
              .replace("FROM numbered_users\n", "FROM numbered_users, asleep\n", 1))  # fmt: skip
        return
    text = (files / "schema.sql").read_text()
    first, middle = text.index("CREATE TABLE"), text.index("CREATE FUNCTION")
    at = {"first": first, "middle": middle, "last": len(text)}[place]
    write(files / "schema.sql", f"{text[:at]}{length}{text[at:]}")


@pytest.mark.parametrize("place", some(["first", "middle", "last"], "middle"))
def test_a_session_that_ends_in_the_middle_of_the_schema(empty: Target, server: Server, files: Path, place: str) -> None:
    """Nothing remains, one sentence tells, and a repetition makes it."""
    whole = (files / "schema.sql").read_text()
    asleep(files, place)
    with ThreadPoolExecutor(1) as pool:
        loading = pool.submit(database.plan_schema(empty).apply)
        terminate(server, SLEEPING)
        with pytest.raises(StatementFailed, match="nothing half done was kept; repeat when it answers"):
            loading.result()
    assert [] == execute(empty, TABLES)
    write(files / "schema.sql", whole)
    assert Outcome(created=1) == database.plan_schema(empty).apply()


def test_a_session_that_ends_in_the_middle_of_the_seed(loaded: Target, server: Server, files: Path) -> None:
    """No row remains."""
    plan = database.plan_seed(loaded)
    asleep(files, "seed")
    with ThreadPoolExecutor(1) as pool:
        seeding = pool.submit(plan.apply)
        terminate(server, SLEEPING)
        with pytest.raises(StatementFailed):
            seeding.result()
    assert NOTHING == database.counts(loaded)


@pytest.fixture(scope="module")
def own_server() -> Iterator[Server]:
    """A server that tests may crash, and whose files they may take away."""
    with standalone(USER, PASSWORD) as server:
        yield server


@pytest.fixture
def fragile(own_server: Server, at: At) -> Target:
    """A target whose database on that server has its schema."""
    target = at("fragile", host=str(own_server.folder))
    setup(target, tell=lambda _: None)
    execute(target, "TRUNCATE users, activities")
    return target


def test_a_server_that_crashes(own_server: Server, at: At, files: Path) -> None:
    """In the middle of the schema and of the seed: nothing remains when it is back, and the same command goes on."""
    target = at("crashing", host=str(own_server.folder))
    database.plan_create(target).apply()
    before = {path: path.read_text() for path in (files / "schema.sql", files / "seed.sql")}
    for place, planner in (("middle", database.plan_schema), ("seed", database.plan_seed)):
        asleep(files, place)
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(lambda: planner(target).apply())  # noqa: B023 -- awaited at once
            with own_server.administrator() as administrator:
                until(lambda: administrator.execute(SLEEPING.encode()).fetchall())  # noqa: B023 -- awaited at once
            own_server.stop(signal.SIGQUIT)
            with pytest.raises(StatementFailed):
                running.result()
        own_server.start({"archive_mode": "off"})
        assert not execute(target, TABLES) or NOTHING == database.counts(target)
        for path, text in before.items():
            write(path, text)
        assert planner(target).apply().created


@pytest.mark.parametrize("place", some(["first", "middle", "last", "seed"], "middle", "seed"))
def test_a_setup_that_is_killed(target: Target, server: Server, files: Path, place: str) -> None:
    """Wherever kill -9 met it, what it was at is gone, its lock is free, and the same command finishes the work."""
    originals = {path: path.read_text() for path in (files / "schema.sql", files / "seed.sql")}
    asleep(files, place)
    process = Process("db", "setup")
    with server.administrator() as administrator:
        until(lambda: administrator.execute(SLEEPING.encode()).fetchall())
    process.kill()
    with server.administrator() as administrator:
        until(lambda: not administrator.execute(SLEEPING.encode()).fetchall())
    assert not execute(target, TABLES) or NOTHING == database.counts(target)
    for path, text in originals.items():
        write(path, text)
    session(target).close()

    again = here(lambda: cli.main(["db", "setup"], prog_name="cruddur-ops"), PROJECT, os.environ)
    assert (0, 6) == (again.code, f"{again.stdout}{again.stderr}".count(" passed ")), again


def test_one_that_was_killed_holds_up_nobody_for_long(target: Target, server: Server, files: Path) -> None:
    """Another session that waits for its lock gets it when the server has noticed."""
    database.plan_create(target).apply()
    whole = (files / "schema.sql").read_text()
    asleep(files, "middle")
    process = Process("db", "schema-load")
    with server.administrator() as administrator:
        until(lambda: administrator.execute(SLEEPING.encode()).fetchall())
    process.kill()
    write(files / "schema.sql", whole)

    assert Outcome(created=1) == database.plan_schema(target).apply()


@pytest.fixture(params=["while it waits", "just after it sent"])
def at_work(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the client already waits for the server, or another process has its CPU just after it sent the statement."""

    def late(pgconn: psycopg.pq.abc.PGconn) -> object:
        time.sleep(10)
        return generators.execute(pgconn)

    if request.param == "just after it sent":
        monkeypatch.setattr(scripts, "generators", SimpleNamespace(execute=late))


@pytest.mark.usefixtures("at_work")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: str(number.name))
def test_an_interrupt(target: Target, server: Server, files: Path, number: int) -> None:
    """The statement is cancelled, nothing remains, and the exit code is that of an interruption."""
    database.plan_create(target).apply()
    asleep(files, "middle")
    process = Process("db", "schema-load")
    with server.administrator() as administrator:
        until(lambda: administrator.execute(SLEEPING.encode()).fetchall())
        os.kill(process.pid, number)
        code, _, said = process.wait()
        until(lambda: not administrator.execute(SLEEPING.encode()).fetchall())

    assert (130, "interrupted: repeat the command, it converges") == (code, said.splitlines()[-1])
    assert [] == execute(target, TABLES)


def test_an_interrupted_rollback(loaded: Target, server: Server) -> None:
    """To repeat it would undo another migration: it says where to look first."""
    with connect(loaded) as connection:
        connection.execute("LOCK TABLE users")
        process = Process("db", "rollback", "--target", "local", CONNECTION_URL=url_of(server, database_name(loaded)))
        until(lambda: connection.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchall())
        os.kill(process.pid, signal.SIGINT)
        code, _, said = process.wait()
    assert (130, True) == (code, "interrupted: see with `cruddur-ops db status`" in said)


def test_an_interrupted_cell(empty: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel lives on, and so does what it does next, wherever the interrupt met the statement."""
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(scripts, "generators", SimpleNamespace(execute=Mock(side_effect=KeyboardInterrupt)))
        database.plan_schema(empty).apply()

    assert Outcome(created=1) == database.plan_schema(empty).apply()


@contextmanager
def replaced(own_server: Server, fragile: Target, by: Path) -> Iterator[None]:
    """The file of the users' table is another one for a while."""
    ((path,),) = execute(fragile, "SELECT pg_relation_filepath('users')")
    file = own_server.data / path
    file.rename(file.with_suffix(".kept"))
    file.symlink_to(by)
    yield
    file.unlink()
    file.with_suffix(".kept").rename(file)


def test_a_full_disk(own_server: Server, fragile: Target) -> None:
    """A file that takes nothing: the seed is told so, nothing remains, and goes on when there is room."""
    with (
        replaced(own_server, fragile, Path("/dev/full")),
        pytest.raises(StatementFailed, match="No space left on device: give the server more storage .*allocated_storage"),
    ):
        database.plan_seed(fragile).apply()
    session(fragile).close()  # its server process still has the other file open
    assert NOTHING == database.counts(fragile)
    assert 17 == database.plan_seed(fragile).apply().created


def test_a_disk_that_failed(own_server: Server, fragile: Target) -> None:
    """A file that is gone is told with PostgreSQL's words."""
    session(fragile).close()
    with (
        replaced(own_server, fragile, Path("/nowhere")),
        pytest.raises(StatementFailed, match="could not open file .*: see the server's log"),
    ):
        database.plan_seed(fragile).apply()


def surplus(target: Target) -> None:
    """Give the application a right that it should not have."""
    database.plan_schema(target).apply()
    database.plan_roles(target).apply()
    execute(target, "GRANT DELETE ON activities TO cruddur_app")


def behind(target: Target) -> None:
    """Leave the database without its newest migration."""
    database.plan_schema(target).apply()
    plan_rollback(target).apply()


def load(target: Target) -> None:
    """Load the schema."""
    database.plan_schema(target).apply()


PREPARATIONS: dict[Planner, Callable[[Target], object]] = {
    database.plan_schema: lambda _: None,
    database.plan_seed: load,
    database.plan_roles: surplus,
    database.plan_migrations: behind,
    plan_rollback: load,
}


@pytest.mark.parametrize("planner", PREPARATIONS, ids=lambda planner: str(planner.__name__))
def test_a_session_that_only_reads(empty: Target, at: At, planner: Planner) -> None:
    """As on a replica, or where the storage is full."""
    PREPARATIONS[planner](empty)
    read_only = at(database_name(empty), options="-c default_transaction_read_only=on")

    with pytest.raises(StatementFailed, match="in a read-only transaction: connect to the primary"):
        planner(read_only).apply()


PLANNERS = [*PREPARATIONS, database.plan_create, plan_drop, plan_expire]


@pytest.mark.parametrize("planner", PLANNERS, ids=lambda planner: str(planner.__name__))
def test_a_wrong_password(at: At, planner: Planner) -> None:
    """Each step says so, and how to mend it."""
    with pytest.raises(LoginRefused, match="correct the user and the password in the URL") as caught:
        planner(at("anything", password="secret-word"))
    assert "secret-word" not in str(caught.value)


@pytest.mark.parametrize("planner", [*PREPARATIONS, plan_expire], ids=lambda planner: str(planner.__name__))
def test_a_missing_database(target: Target, planner: Planner) -> None:
    """Each step that needs one says what creates it."""
    plan = planner(target)
    with pytest.raises(DatabaseMissing, match="does not exist: 03_load_schema_and_seed creates it"):
        plan.apply()


def test_a_session_that_holds_everything_up(seeded: Target, at: At) -> None:
    """With a lock_timeout in the URL the step gives up, and names the verb that shows who is at work."""
    impatient = at(database_name(seeded), options="-c lock_timeout=200ms")
    with connect(seeded) as connection:
        connection.execute("LOCK TABLE users")
        with pytest.raises(StatementFailed, match="lock timeout: see who is at work with `cruddur-ops db sessions`"):
            plan_rollback(impatient).apply()
    assert Outcome(deleted=1) == plan_rollback(impatient).apply()


class Relay(socketserver.BaseRequestHandler):
    """Passes a TCP connection on to the server's Unix socket."""

    def handle(self) -> None:
        """Pump both ways until one side ends."""
        with socket.socket(socket.AF_UNIX) as upstream:
            upstream.connect(self.server.socket_path)  # type: ignore[attr-defined]  # set below
            back = threading.Thread(target=self._pump, args=(upstream, self.request))
            back.start()
            self._pump(self.request, upstream)
            back.join()

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket) -> None:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


class Server6(socketserver.ThreadingTCPServer):
    """A TCP server on IPv6."""

    address_family = socket.AF_INET6


@contextmanager
def relayed(path: Path, kind: type[socketserver.ThreadingTCPServer], host: str) -> Iterator[int]:
    """The port on which the server behind a Unix socket answers."""
    with kind((host, 0), Relay) as relay:
        relay.socket_path = str(path)  # type: ignore[attr-defined]
        thread = threading.Thread(target=relay.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield relay.server_address[1]
        relay.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("kind", "host"),
    [
        pytest.param(socketserver.ThreadingTCPServer, "127.0.0.1", id="IPv4"),
        pytest.param(Server6, "::1", id="IPv6", marks=pytest.mark.thorough),
    ],
)
def test_all_steps_through_an_odd_url(server: Server, at: At, kind: type[socketserver.ThreadingTCPServer], host: str) -> None:
    """The password has every character that means something in a URL; the name of the database too."""
    name = "test ?&#/@:%"
    with relayed(server.socket, kind, host) as port:
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        url = f"postgresql://{USER}:{quote(PASSWORD, safe='')}@{place}/{quote(name, safe='')}"
        odd = replace(at(name), connection_url=url)
        with closing(session(odd)):  # the relay ends with its last connection
            setup(odd, tell=lambda _: None)
            assert {"activities": 12, "users": 5} == database.counts(odd)


def test_a_server_that_nobody_started(at: At) -> None:
    """setup says so before anything else."""
    with pytest.raises(DatabaseUnreachable):
        setup(at("anything", host="/nowhere"))


def test_errors_keep_their_cause(loaded: Target, server: Server) -> None:
    """Whoever debugs finds psycopg's own error behind the sentence."""
    execute(loaded, "ALTER TABLE users ADD CHECK (false)")

    with pytest.raises(WrongInput, match="violates check constraint") as caught:
        database.plan_seed(loaded).apply()
    assert isinstance(caught.value.__cause__, psycopg.errors.CheckViolation)
