"""The command line: verbs, exit codes, sentences, and how little it loads."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from cruddur_ops import errors
from cruddur_ops.cli import main
from cruddur_ops.cli.groups import Commands
from cruddur_ops.cli.table import TABLE
from cruddur_ops.cli.verb import Verb, tell
from cruddur_ops.state import PROJECT
from tests.unit.headless import TARGETS, Project
from tests.unit.test_plan import PLAN

HEAVY = {"boto3", "filelock", "jupyter_client", "nbformat", "papermill", "psycopg", "sqlalchemy", "tqdm"}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CliRunner]:
    """A runner with targets of its own and no sandbox."""
    (tmp_path / "targets.toml").write_text(TARGETS + "[local]\nsandbox = true\n")
    monkeypatch.setenv("CRUDDUR_TARGETS", str(tmp_path / "targets.toml"))
    monkeypatch.setenv("CRUDDUR_STATE_DIR", str(tmp_path / "state"))
    yield CliRunner()


def invoke(run: CliRunner, *arguments: str) -> Result:
    """Invoke the command line."""
    return run.invoke(main, arguments)


def test_help_names_every_verb(run: CliRunner) -> None:
    """`--help` is the way in."""
    expected = {
        "db",
        "evidence",
        "expired",
        "fleet",
        "iam",
        "rds",
        "rehearse",
        "run",
        "runs",
        "sandbox",
        "security-group",
        "targets",
        "users",
    }
    result = invoke(run, "--help")
    assert 0 == result.exit_code
    assert expected == set(main.commands)
    assert all(f"  {verb} " in result.output for verb in expected)


def every_verb(group: click.Group = main, *above: str) -> Iterator[tuple[str, ...]]:
    """The words of every verb, such as ("db", "create")."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from every_verb(command, *above, name)
        else:
            yield (*above, name)


@pytest.mark.parametrize("verbs", list(every_verb()), ids=" ".join)
def test_every_verb_has_help(run: CliRunner, verbs: tuple[str, ...]) -> None:
    """Each says what it does, in a sentence."""
    result = invoke(run, *verbs, "--help")
    assert (0, True) == (result.exit_code, ".\n" in result.output)


@pytest.mark.parametrize("verb", TABLE, ids=lambda verb: f"{verb.group.name} {verb.name}")
def test_every_row_fits_its_function(verb: Verb) -> None:
    """The name is that of a function, which takes what the options give."""
    given = {parameter.name: None for parameter in verb.command().params if parameter.name not in ("target", "confirm")}
    where = [object()] if "target" in [parameter.name for parameter in verb.command().params] else []
    inspect.signature(verb.function).bind(*where, **given)


def test_an_unknown_verb_is_wrong_input(run: CliRunner) -> None:
    """click answers it, with exit code 2."""
    assert 2 == invoke(run, "rnu").exit_code


def test_help_loads_nothing_heavy() -> None:
    """Imports wait for the verb that needs them, so that `--help` answers at once."""
    program = "import json, sys, cruddur_ops.cli; print(json.dumps(list(sys.modules)))"
    finished = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, check=True)
    assert set() == HEAVY & set(json.loads(finished.stdout))


def test_an_expected_failure_is_a_sentence_and_its_exit_code() -> None:
    """No traceback; the exception's class gives the code."""

    @click.group(cls=Commands)
    def group() -> None: ...

    @group.command()
    @click.argument("name")
    def fail(name: str) -> None:
        raise getattr(errors, name)("it is so: do this")

    for name, code in {"OpsError": 1, "WrongInput": 2, "ConfirmationRequired": 2, "RunInterrupted": 130}.items():
        result = CliRunner().invoke(group, ["fail", name])
        assert (code, "", "it is so: do this\n") == (result.exit_code, result.stdout, result.stderr)


def test_a_programming_error_keeps_its_traceback() -> None:
    """Only expected failures are shortened."""

    @click.group(cls=Commands)
    def group() -> None: ...

    @group.command()
    def fail() -> None:
        raise ZeroDivisionError

    assert isinstance(CliRunner().invoke(group, ["fail"]).exception, ZeroDivisionError)


def test_a_plan_is_coloured_on_a_terminal(run: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is created is green, changed yellow, deleted red; elsewhere, and with NO_COLOR, it is the text alone."""
    show = click.Command("show", callback=lambda: tell([PLAN.heading, str(PLAN)]))
    monkeypatch.delenv("NO_COLOR", raising=False)
    shown = run.invoke(show, color=True).stdout
    for number, symbol in ((32, "+"), (33, "~"), (31, "-")):
        assert f"\x1b[{number}m  {symbol} " in shown
    plain = run.invoke(show).stdout
    assert f"{PLAN.heading}\n{PLAN}\n" == plain == click.unstyle(shown)
    monkeypatch.setenv("NO_COLOR", "1")
    assert plain == run.invoke(show, color=True).stdout


def test_targets_shows_values_with_their_sources(run: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each setting is a line; a secret is masked."""
    monkeypatch.setenv("PLAIN_CONNECTION_URL", "postgresql://me:hush@localhost/cruddur")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    result = invoke(run, "targets", "--target", "plain")
    lines = [line.split(maxsplit=2) for line in result.stdout.splitlines()]
    assert ["region", "eu-west-1", "environment AWS_REGION"] in lines
    assert ["connection_url", "***", "environment PLAIN_CONNECTION_URL"] in lines
    assert "hush" not in result.output


@pytest.mark.parametrize("verbs", ["targets", "db status", "rds modify", "expired"])
def test_an_empty_name_is_no_target(run: CliRunner, verbs: str) -> None:
    """Such as that of a variable that is not set: a sentence, no default."""
    result = invoke(run, *verbs.split(), "--target", "")
    assert (2, True) == (result.exit_code, result.stderr.startswith('there is no target ""'))


@pytest.mark.parametrize("options", [["--time", "yesterday"], [], ["--snapshot", "a", "--time", "2026-11-20T14:03:00+00:00"]])
def test_restore_takes_a_snapshot_or_a_time(run: CliRunner, options: list[str]) -> None:
    """One of both, and a time that can be read."""
    result = invoke(run, "rds", "restore", "rescue", *options)
    assert (2, True) == (result.exit_code, "is no time: write it as" in result.stderr or "either a --snapshot" in result.stderr)


def test_targets_shows_all_targets_by_default(run: CliRunner) -> None:
    """Each under its name."""
    headings = [line for line in invoke(run, "targets").stdout.splitlines() if line.startswith("[")]
    assert ["[plain]", "[other]", "[guarded]", "[local]"] == headings


@pytest.mark.parametrize("verbs", ["db setup guarded", "db setup --target guarded"])
def test_a_targets_name_alone_is_understood(run: CliRunner, verbs: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the scripts of old, `bin/db/setup prod`: with the same answer as with --target."""
    monkeypatch.setenv("GUARDED_CONNECTION_URL", "postgresql://me@db.example.com/cruddur")
    result = invoke(run, *verbs.split())
    assert (2, "setup on guarded: database cruddur on db.example.com\n") == (result.exit_code, result.stdout)
    assert 'target "guarded" is protected' in result.stderr


def test_a_targets_name_alone_before_a_program(run: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `db connect guarded -- -c ...`; what comes after -- is the program's."""
    monkeypatch.setenv("GUARDED_CONNECTION_URL", "postgresql://me@127.0.0.1:1/cruddur")
    result = invoke(run, "db", "exec", "guarded", "--", "plain")
    assert "exec on guarded: database cruddur on 127.0.0.1:1" in result.stderr


@pytest.mark.parametrize("verbs", ["db setup nowhere", "db setup guarded --target local", "db setup --force guarded"])
def test_anything_else_alone_is_not(run: CliRunner, verbs: str) -> None:
    """A name that is no target's, a second one, and one that does not come first."""
    result = invoke(run, *verbs.split())
    assert 2 == result.exit_code
    assert "Got unexpected extra argument" in result.stderr


@pytest.mark.parametrize(
    "verbs",
    [
        "db create", "db schema-load", "db seed", "db connect", "db env", "db url", "db exec true", "db wait", "db status",
        "db sessions", "db kill-sessions", "db drop", "sandbox status", "sandbox env",
    ],
)  # fmt: skip
def test_without_a_sandbox_its_verbs_say_how_to_start_one(run: CliRunner, verbs: str) -> None:
    """One sentence with the command."""
    result = invoke(run, *verbs.split())
    assert (1, "", 1) == (result.exit_code, result.stdout, len(result.stderr.splitlines()))
    assert "sandbox up`" in result.stderr


def test_security_group_open_needs_an_address_and_a_sandbox(run: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hook of a workspace gets a sentence, whatever is missing."""
    monkeypatch.setenv("LOCAL_IP", "203.0.113.7")
    result = invoke(run, "security-group", "open")
    assert (1, "", 1) == (result.exit_code, result.stdout, len(result.stderr.splitlines()))


def test_no_sandbox_was_up(run: CliRunner) -> None:
    """Ending what is not there is no failure."""
    result = invoke(run, "sandbox", "down")
    assert (0, "no sandbox was up\n") == (result.exit_code, result.stdout)


@pytest.mark.thorough
def test_a_run_without_a_sandbox_has_its_own(tmp_path: Path) -> None:
    """Its notebooks reach it, and its environment; afterwards it is gone."""
    project = Project(tmp_path)
    project.write(
        "00_first",
        "import os\nprint(os.environ['AWS_ENDPOINT_URL'])",
        "from cruddur_ops import aws, load_target\nprint(aws.caller_identity(load_target(target))['Account'])",
    )
    sandboxed = write(tmp_path / "sandboxed.toml", "[local]\nsandbox = true\n")
    url = "postgresql://me@127.0.0.1:1/mine"  # of the operator's own database, which is not touched
    finished = project.run("run", CRUDDUR_TARGETS=str(sandboxed), CONNECTION_URL=url)
    assert 0 == finished.code, finished.stdout
    assert "CONNECTION_URL is left aside" in finished.stderr
    assert "this run has its own" in finished.stderr
    (record,) = project.records()
    endpoint = record["settings"]["endpoint_url"]
    assert endpoint["value"].startswith("http://127.0.0.1:")
    assert endpoint["source"].startswith("environment")
    assert "" == record["settings"]["connection_url"]["value"]
    down = project.run("sandbox", "status")
    assert 1 == down.code


def write(path: Path, text: str) -> Path:
    """Write a file and return its path."""
    path.write_text(text)
    return path
