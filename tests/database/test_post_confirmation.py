"""The function's handler against a real server, loaded from a folder such as Lambda unpacks."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from cruddur_ops import database, queries
from cruddur_ops.cognito.packaging import HANDLER, STATEMENTS
from cruddur_ops.database import statements
from cruddur_ops.database.connection import connect
from cruddur_ops.database.roles import APP
from cruddur_ops.lambdas import post_confirmation
from cruddur_ops.target import Target
from rds_sandbox.postgres import Server
from tests.database.conftest import PASSWORD, USER
from tests.unit.headless import until

SUB = "3f0c4f0e-7d0c-4a5e-9a3e-0d6f6a1c2b3d"
ATTRIBUTES = {"sub": SUB, "email": "Ivanova@Example.com", "name": "Susan Ivanova", "preferred_username": "ivanova"}
VERIFIED = {"email_verified": "true"}  # as Cognito writes it
PERSONAL = (SUB, "ivanova@example.com", "Susan", "ivanova")


def event(**changes: Any) -> dict[str, Any]:
    """What Cognito sends; None takes an attribute out."""
    attributes = {name: value for name, value in {**ATTRIBUTES, **VERIFIED, **changes}.items() if value is not None}
    return {"version": "1", "triggerSource": "PostConfirmation_ConfirmSignUp", "request": {"userAttributes": attributes}}


class Context:
    """What Lambda gives besides."""

    aws_request_id = "request-1"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The handler with its statements beside it."""
    shutil.copy(HANDLER, tmp_path)
    for name in STATEMENTS:
        (tmp_path / f"{name}.sql").write_text(queries.load(f"users/{name}").text)
    return tmp_path


@pytest.fixture
def secret(seeded: Target, server: Server) -> dict[str, Any]:
    """What Secrets Manager keeps about the database."""
    name = seeded.connection_url.rpartition("/")[2].partition("?")[0]
    return {"host": str(server.folder), "port": 5432, "dbname": name, "username": USER, "password": PASSWORD}


@pytest.fixture
def read(secret: dict[str, Any]) -> list[str]:
    """The passwords that were read from Secrets Manager, one after the other."""
    return []


@pytest.fixture
def load(
    folder: Path, secret: dict[str, Any], read: list[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], ModuleType]]:
    """Loads the handler as a new execution environment does; closes its connection afterwards."""
    loaded = []

    def load() -> ModuleType:
        spec = importlib.util.spec_from_file_location(f"handler_{uuid.uuid4().hex}", folder / HANDLER.name)
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)

        def read_secret() -> dict[str, Any]:
            read.append(secret["password"])
            return dict(secret)

        monkeypatch.setattr(module, "read_secret", read_secret)
        loaded.append(module)
        return module

    yield load
    for module in loaded:
        if module.DATABASE._connection:
            module.DATABASE._connection.close()


@pytest.fixture
def function(load: Callable[[], ModuleType]) -> ModuleType:
    """One execution environment."""
    return load()


def rows(target: Target) -> list[tuple[Any, ...]]:
    """The users who were not seeded, or were given a Cognito id."""
    with connect(target) as connection:
        found = connection.execute(
            "SELECT cognito_user_id, handle, display_name, email FROM users WHERE cognito_user_id IS NOT NULL ORDER BY handle"
        )
        return found.fetchall()


IVANOVA = (SUB, "ivanova", "Susan Ivanova", "ivanova@example.com")


def test_a_confirmed_user_gets_a_row(function: ModuleType, seeded: Target) -> None:
    """With handle, display name, and the email in lower case; the event comes back as it was."""
    given = event()
    assert given is function.handler(given, Context())
    assert [IVANOVA] == rows(seeded)


def test_the_same_event_three_times_makes_one_row(function: ModuleType, seeded: Target) -> None:
    """Cognito calls again where no answer came in time."""
    for _ in range(3):
        function.handler(event(), Context())
    assert [IVANOVA] == rows(seeded)


def test_the_same_event_ten_times_at_once_makes_one_row(load: Callable[[], ModuleType], seeded: Target) -> None:
    """From ten execution environments, none of which fails."""
    environments = [load() for _ in range(10)]
    start = threading.Barrier(10)

    def call(environment: ModuleType) -> None:
        start.wait()
        environment.handler(event(), Context())

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(call, environments))
    assert [IVANOVA] == rows(seeded)


def test_an_event_waits_for_another_that_is_not_done(load: Callable[[], ModuleType], seeded: Target) -> None:
    """Both insert the same user: the second finds the row of the first, once that is there."""
    first, second = load(), load()
    with connect(seeded) as connection, ThreadPoolExecutor(1) as pool:
        connection.execute(first.statement(first.INSERT), first.values(ATTRIBUTES))
        answer = pool.submit(second.write, ATTRIBUTES)
        until(lambda: waiting(seeded))
        connection.commit()
        assert "updated" == answer.result()
    assert [IVANOVA] == rows(seeded)


def waiting(target: Target) -> bool:
    """Whether a call of the function waits for another transaction."""
    query = "SELECT FROM pg_stat_activity WHERE application_name = 'post-confirmation' AND wait_event_type = 'Lock'"
    with connect(target) as connection:
        return bool(connection.execute(query).fetchall())


def test_a_row_of_another_user_is_not_given_over(function: ModuleType, seeded: Target) -> None:
    """The same email with another Cognito id: whether the other is gone, `users sync` finds out, which asks the pool."""
    function.handler(event(), Context())
    with pytest.raises(function.PostConfirmationError, match="this email belongs to another account"):
        function.handler(event(sub="another", name="Susan I.", preferred_username="susan"), Context())
    assert [IVANOVA] == rows(seeded)


@pytest.mark.parametrize("verified", [None, "false"])
def test_an_email_that_is_not_verified_links_nothing(function: ModuleType, seeded: Target, verified: str | None) -> None:
    """Whoever only claims the address of a seeded user does not get the row."""
    with pytest.raises(function.PostConfirmationError, match="this email belongs to another account"):
        function.handler(event(email="andrew@example.com", email_verified=verified), Context())
    assert [] == rows(seeded)


def test_a_seeded_user_signs_up(function: ModuleType, seeded: Target) -> None:
    """The seeded row with this email gets the Cognito id, and keeps its activities."""
    before = database.counts(seeded)
    function.handler(event(email="andrew@example.com", name="Andrew Brown", preferred_username="andrew"), Context())
    assert [(SUB, "andrew", "Andrew Brown", "andrew@example.com")] == rows(seeded)
    assert before == database.counts(seeded)


@pytest.mark.parametrize("handle", ["andrew", "Andrew"])
def test_a_taken_handle_is_refused(function: ModuleType, seeded: Target, handle: str) -> None:
    """Nobody gets another one than chosen, and nobody gets the row of a seeded user by its handle."""
    with pytest.raises(function.PostConfirmationError, match="taken: choose another"):
        function.handler(event(preferred_username=handle), Context())
    assert [] == rows(seeded)


def test_a_known_user_cannot_take_a_handle_either(function: ModuleType, seeded: Target) -> None:
    """The row stays as it was."""
    function.handler(event(), Context())
    with pytest.raises(function.PostConfirmationError, match="taken: choose another"):
        function.handler(event(preferred_username="andrew"), Context())
    assert [IVANOVA] == rows(seeded)


def test_an_email_of_somebody_else_is_refused(function: ModuleType, seeded: Target) -> None:
    """A user with a row cannot take over another row by its email."""
    function.handler(event(), Context())
    with pytest.raises(function.PostConfirmationError, match="this email belongs to another account"):
        function.handler(event(email="andrew@example.com"), Context())
    assert [IVANOVA] == rows(seeded)


@pytest.mark.parametrize("name", ["sub", "email", "name", "preferred_username"])
def test_missing_attributes_are_named(function: ModuleType, read: list[str], name: str) -> None:
    """By name, and before the database is asked."""
    for value in (None, "", "  "):
        with pytest.raises(function.PostConfirmationError, match=f"no {name}"):
            function.handler(event(**{name: value}), Context())
    assert [] == read


def test_other_triggers_change_nothing(function: ModuleType, read: list[str]) -> None:
    """A forgotten password confirms nobody: the event comes back, the database is not asked."""
    for trigger in ("PostConfirmation_ConfirmForgotPassword", "PreSignUp_SignUp", None):
        given = {**event(), "triggerSource": trigger}
        assert given is function.handler(given, Context())
    assert [] == read


def test_values_that_cannot_be_stored_are_refused(function: ModuleType) -> None:
    """PostgreSQL's text has no NUL."""
    with pytest.raises(function.PostConfirmationError, match="these attributes cannot be stored"):
        function.handler(event(name="Su\0san"), Context())


def test_nothing_personal_is_logged(function: ModuleType, seeded: Target, capsys: pytest.CaptureFixture[str]) -> None:
    """Each line is JSON with the id of the request; neither lines nor errors say who the user is."""
    raised = []
    for changes in ({}, {"email": "andrew@example.com"}, {"preferred_username": "andrew"}, {"name": "\0"}, {"name": None}):
        try:
            function.handler(event(**changes), Context())
        except function.PostConfirmationError as error:
            raised.append(f"{error} {error.reason}")
    said = capsys.readouterr().out.splitlines()
    assert 5 == len([line for line in said if "request-1" == json.loads(line)["request"]])
    shown = "\n".join([*said, *raised]).replace("preferred_username", "")
    assert [] == [word for word in PERSONAL if word.lower() in shown.lower()]


def test_the_log_says_what_came_of_it(function: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    """Inserted, updated, nothing to do, or the error's name."""
    function.handler(event(), Context())
    function.handler(event(), Context())
    function.handler({**event(), "triggerSource": "PostConfirmation_ConfirmForgotPassword"}, Context())
    with pytest.raises(function.PostConfirmationError, match="the user has no "):
        function.handler(event(name=None), Context())
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert ["row inserted", "row updated", "nothing to do", "the user has no row"] == [line["message"] for line in said]
    assert ["INFO", "INFO", "INFO", "ERROR"] == [line["level"] for line in said]
    assert "AttributeMissing" == said[-1]["error"]


def test_the_connection_is_kept(function: ModuleType, seeded: Target, read: list[str]) -> None:
    """A second call asks neither Secrets Manager nor for a new connection."""
    function.handler(event(), Context())
    kept = function.DATABASE._connection
    function.handler(event(), Context())
    assert (kept, 1) == (function.DATABASE._connection, len(read))


def test_a_kept_connection_that_the_server_ended_is_made_anew(function: ModuleType, seeded: Target, read: list[str]) -> None:
    """As a restart does: the caller does not notice."""
    function.handler(event(), Context())
    with connect(seeded) as connection:
        connection.execute("SELECT pg_terminate_backend(%s)", [function.DATABASE._connection.info.backend_pid])
    assert function.handler(event(name="Susan"), Context())
    assert "Susan" == rows(seeded)[0][2]
    assert 1 == len(read)


def test_a_rotated_secret_is_read_anew(function: ModuleType, seeded: Target, secret: dict[str, Any], read: list[str]) -> None:
    """Between two calls the password changed, and the connection ended."""
    function.handler(event(), Context())
    function.DATABASE._connection.close()
    function.DATABASE._secret["dbname"] = "gone"  # what the kept secret says is no longer so
    assert function.handler(event(name="Susan"), Context())
    assert ("Susan", 2) == (rows(seeded)[0][2], len(read))


def test_a_database_that_cannot_be_reached_is_an_error(function: ModuleType, secret: dict[str, Any]) -> None:
    """Its message is for the user who signs up; why it was, the log says."""
    secret["host"] = "/nowhere"
    with pytest.raises(function.PostConfirmationError, match="^please try again later$") as raised:
        function.handler(event(), Context())
    assert "nowhere" in raised.value.reason
    assert raised.value.__suppress_context__


def test_a_statement_that_waits_too_long_is_an_error(function: ModuleType, seeded: Target) -> None:
    """Somebody holds the row: the function gives up before Cognito does."""
    function.handler(event(), Context())
    with connect(seeded) as connection:
        connection.execute("SELECT FROM users FOR UPDATE")
        with pytest.raises(function.PostConfirmationError, match="^please try again later$") as raised:
            function.handler(event(name="Susan"), Context())
    assert "QueryCanceled" in raised.value.reason


class Busy(BaseHTTPRequestHandler):
    """A Secrets Manager that throttles the first call, or loses its answer."""

    def do_POST(self) -> None:  # noqa: N802 - the library's name
        """Answer the second call."""
        self.rfile.read(int(self.headers["Content-Length"]))
        asked = self.server.__dict__.setdefault("asked", [])
        asked.append(self.path)
        if len(asked) == 1 and self.server.__dict__["loses"]:
            self.close_connection = True
            return
        answer = {"__type": "ThrottlingException"} if len(asked) == 1 else {"SecretString": json.dumps({"host": "here"})}
        self.send_response(400 if len(asked) == 1 else 200)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@pytest.mark.parametrize("loses", [False, True], ids=["throttled", "lost"])
def test_a_busy_secrets_manager_is_asked_once_more(loses: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cognito calls no function again that has failed, and the user would have no row."""
    with HTTPServer(("127.0.0.1", 0), Busy) as server:
        server.__dict__["loses"] = loses
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        given = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}", "AWS_DEFAULT_REGION": "ca-central-1"}
        for name, value in {**given, "SECRET_ARN": "x", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None))
        assert {"host": "here"} == post_confirmation.read_secret()
        server.shutdown()


def test_the_statements_need_no_more_than_the_application_may(empty: Target) -> None:
    """They run as cruddur_app, for a new user and for a known one."""
    database.plan_roles(empty).apply()
    database.plan_schema(empty).apply()
    user: dict[str, Any] = {
        "cognito_user_id": SUB,
        "display_name": "Susan Ivanova",
        "handle": "ivanova",
        "email": "ivanova@example.com",
    }
    user |= {"email_verified": True, "former": None}
    done = [statements.rows(replace(empty, db_role=APP), f"users/{name}", **user) for name in STATEMENTS]
    assert [[{"outcome": "inserted"}], [{"outcome": "updated"}]] == done


def test_cold_start_imports_psycopg_and_the_standard_library() -> None:
    """Beside boto3, which is the runtime's."""
    program = "import boto3, sys; before = set(sys.modules); import post_confirmation; print(*(set(sys.modules) - before))"
    found = subprocess.run(
        [sys.executable, "-c", program], cwd=HANDLER.parent, capture_output=True, text=True, check=True, timeout=60
    )
    imported = {name.partition(".")[0] for name in found.stdout.split()}
    foreign = {name for name in imported - sys.stdlib_module_names if "cython" not in name and "sysconfigdata" not in name}
    assert {"post_confirmation", "psycopg", "psycopg_binary", "typing_extensions"} >= foreign
