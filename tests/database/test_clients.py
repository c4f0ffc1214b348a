"""Other people's programs on a real server: psql, and whatever reads libpq's variables."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg
import pytest
from click.testing import CliRunner
from psycopg.pq import Conninfo

from cruddur_ops import database
from cruddur_ops.cli import main
from cruddur_ops.database import programs
from cruddur_ops.database.clients import execute, exports, url
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
from tests.database.support import run
from tests.unit.headless import until

At = Callable[..., Target]
COMMAND = [sys.executable, "-m", "cruddur_ops", "db"]
PSQL, _ = programs.find("psql", 0)
WHO = "SELECT current_user || ' on ' || current_database()"


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state folder and a history of the test's own."""
    monkeypatch.setenv("CRUDDUR_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("HOME", str(tmp_path))


def evaluated(program: str) -> str:
    """What a shell says that has evaluated the lines of `env` and then runs a program."""
    lines = CliRunner().invoke(main, ["db", "env"]).stdout
    script = f'eval "$1" && {program}'
    done = subprocess.run(["sh", "-c", script, "sh", lines], cwd=PROJECT, capture_output=True, text=True, timeout=60)
    assert 0 == done.returncode, done.stderr
    return done.stdout.strip()


def test_psql_does_what_it_is_told_and_its_exit_code_is_passed_on(empty: Target) -> None:
    """Arguments after -- are psql's; where it acts is on standard error, so that the output is psql's alone."""
    right, wrong = run("connect", "--", "-Atc", WHO), run("connect", "--", "-v", "ON_ERROR_STOP=1", "-c", "SELECT 1/0")

    assert (0, f"{USER} on {locate(empty).database}\n") == right[:2]
    assert right[2].startswith("connect on local: database test_")
    assert (1, "") == wrong[:2]


def test_psql_may_go_on_to_another_database(empty: Target) -> None:
    """The password is good for the whole server."""
    assert f"{USER} on postgres" in run("connect", "--", "-At", "-d", "postgres", "-c", WHO)[1]


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
        execute(at("nothing_like_it"), "psql")
    with pytest.raises(LoginRefused, match="correct the user and the password"):
        execute(at("postgres", password="wrong-password"), "psql")


def script(folder: Path, name: str, version: str) -> Path:
    """A program that tells this version."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) {version}'\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Puts programs where Debian keeps its versions apart; nothing else is installed, and PATH has an empty folder."""
    monkeypatch.setattr(programs, "ROOT", tmp_path)
    monkeypatch.setattr(programs, "find_spec", lambda _: None)  # as where the sandbox is not installed
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    return lambda name, version: script(tmp_path / "usr/lib/postgresql" / version.partition(".")[0] / "bin", name, version)


def test_a_program_of_the_servers_version(installed: Callable[[str, str], Path], tmp_path: Path) -> None:
    """Of several the server's own, else the next one: an older pg_dump refuses the server."""
    script(tmp_path / "path", "pg_dump", "15.18")
    paths = {version: str(installed("pg_dump", version)) for version in ("14.1", "16.2", "18.6")}

    expected = {15: str(tmp_path / "path/pg_dump"), 16: paths["16.2"], 17: paths["18.6"], 18: paths["18.6"]}
    assert expected == {server: programs.find("pg_dump", server)[0] for server in expected}
    with pytest.raises(NotFound, match="the server is PostgreSQL 19, and every pg_dump here is older: .*postgresql-client-19"):
        programs.find("pg_dump", 19)


def test_the_first_of_the_path_is_what_the_operator_wants(installed: Callable[[str, str], Path], tmp_path: Path) -> None:
    """psql, which gets on with any server, and what is not PostgreSQL's; where PATH has none, any that is there is found."""
    beside = str(installed("psql", "18.6"))
    assert beside == programs.find("psql", 18)[0]

    own = [str(script(tmp_path / "path", name, "15.18")) for name in ("psql", "pgcli")]
    assert own == [programs.find(name, 18)[0] for name in ("psql", "pgcli")]


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("psql", "install the package postgresql-client"), ("pg_dump", "postgresql-client-18"), ("pgclj", "correct its name")],
)
def test_a_program_that_is_nowhere(installed: Callable[[str, str], Path], name: str, remedy: str) -> None:
    """The message says what to install."""
    with pytest.raises(NotFound, match=f"there is no {name} on this machine: .*{remedy}"):
        programs.find(name, 18)


@pytest.mark.parametrize("name", ["", "..", "pg_*", "x" * 5000])
def test_a_name_that_is_no_programs(installed: Callable[[str, str], Path], name: str) -> None:
    """Neither a folder, nor a pattern that some other program fits, is run."""
    installed("pg_resetwal", "18.6")
    with pytest.raises(NotFound, match="there is no .* on this machine"):
        programs.find(name, 18)


def test_bundled_psql(empty: Target) -> None:
    """Without one on the path the bundled one works."""
    done = run("connect", "--", "-Atc", WHO, PATH="/nowhere")
    assert (0, f"{USER} on {locate(empty).database}\n") == done[:2]


@pytest.mark.parametrize("name", ["qu\"o$te`d' ünïcode 🎉", "-a=b c"])
def test_env_works_for_others(at: At, name: str, server: Server) -> None:
    """Any name survives the shell, and pg_dump's kind of program gets in; a Unix socket is a place like any other."""
    at("postgres")
    with server.administrator() as administrator:
        administrator.execute(f'CREATE DATABASE "{name.replace(chr(34), chr(34) * 2)}"'.encode())
    at(name)

    assert f"{USER} on {name}" == evaluated(f'{PSQL} -AtXc "{WHO}"')
    with server.administrator() as administrator:
        administrator.execute(f'DROP DATABASE "{name.replace(chr(34), chr(34) * 2)}"'.encode())


def test_env_with_an_odd_password(empty: Target, people: People, at: At) -> None:
    """Colons and backslashes are escaped in the password file."""
    at(locate(empty).database, people.role("guest"), ODD_PASSWORD)
    assert "guest" == evaluated(f'{PSQL} -AtXc "SELECT current_user"')


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
    assert "cruddur_reader" == evaluated(f'{PSQL} -AtXc "SELECT current_user"')


def test_options_of_the_url_come_along(at: At) -> None:
    """Those that libpq reads from the environment are exported, the others go to psql as an argument."""
    at("postgres", options="-c search_path=elsewhere", keepalives_idle="7", application_name="its own")
    _, shown, _ = run("connect", "--", "-Atc", "SELECT current_setting('search_path'), current_setting('application_name')")

    assert "elsewhere|its own\n" == shown
    assert "elsewhere" == evaluated(f'{PSQL} -AtXc "SHOW search_path"')


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

        assert "postgres" in run("connect", "--", "-Atc", WHO)[1]
        assert f"{USER} on postgres ::1" == evaluated(f'{PSQL} -AtXc "{WHO}" && echo $PGHOST').replace("\n", " ")


def test_pg_dump(seeded: Target, server: Server) -> None:
    """The program that one needs most often when things are bad."""
    dump = server.programs.path("pg_dump")
    assert "CREATE TABLE public.activities" in evaluated(f"{dump} --schema-only")


def test_exec_runs_a_program_on_the_target(seeded: Target) -> None:
    """pg_dump of a version that the server lets in; nothing of it but its output is on standard output."""
    code, output, errors = run("exec", "--", "pg_dump", "--schema-only", "--table", "users")

    assert 0 == code, errors
    assert "CREATE TABLE public.users" in output
    assert errors.startswith("exec on local: database test_")


def test_exec_passes_on_what_the_program_says(empty: Target) -> None:
    """Its exit code and its arguments are its own."""
    assert (7, "a b\n") == run("exec", "--", "sh", "-c", 'echo "$1"; exit 7', "-", "a b")[:2]


def parsed(text: str) -> dict[str, str]:
    """What libpq reads in a URL."""
    return {option.keyword.decode(): option.val.decode() for option in Conninfo.parse(text.encode()) if option.val}


@pytest.mark.parametrize("place", [{}, {"host": "::1", "port": "5433"}, {"host": "a,b", "port": "1,2"}, {"sslmode": "require"}])
def test_url_is_the_connection(at: At, place: dict[str, str]) -> None:
    """libpq reads in it what the package connects with; the password only where it was asked for."""
    target = at('qu"o te/d', options="-c search_path=a,b", **place)
    wanted = {name: str(value) for name, value in locate(target).parameters.items()}

    assert wanted == parsed(url(target, with_password=True))
    assert {**wanted, "password": None} == {"password": None, **parsed(url(target))}


def test_url_lets_one_in(empty: Target) -> None:
    """With the password it needs nothing else."""
    with psycopg.connect(url(empty, with_password=True)) as connection:
        assert (locate(empty).database,) == connection.execute("SELECT current_database()").fetchone()


@pytest.mark.parametrize("variable", ["CRUDDUR_LEDGER", "JPY_PARENT_PID"])
def test_no_password_where_output_is_kept(empty: Target, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """A run's evidence and a notebook keep what is printed: there the URL has none."""
    monkeypatch.setenv(variable, "1")
    done = CliRunner().invoke(main, ["db", "url", "--with-password"])

    assert (2, "") == (done.exit_code, done.stdout)
    assert f"{variable} is set" in done.stderr
    assert not any(secret in url(empty) for secret in spellings())


def test_the_password_is_named(empty: Target) -> None:
    """`env` and `url` say whose it is, beside the lines that a shell reads."""
    said = [CliRunner().invoke(main, ["db", verb]).stderr for verb in ("env", "url")]
    assert all(text.endswith("; the password is that of the connection URL (environment CONNECTION_URL)\n") for text in said)


def test_verb_in_this_process(empty: Target) -> None:
    """`env` prints the lines, and nothing else, on standard output."""
    result = CliRunner().invoke(main, ["db", "env"])
    assert (0, exports(empty) + "\n") == (result.exit_code, result.stdout)
    assert result.stderr.startswith("env on local: database test_")
