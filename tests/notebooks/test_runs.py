"""The project's notebooks through the real command line, on a sandbox that all but the first runs share.

The tests build on the state that those before them left, as an operator's runs do: an empty sandbox,
interrupted runs, a complete one. Whichever is picked out alone brings that about first.
"""

from __future__ import annotations

import base64
import json
import re
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import pytest

from cruddur_ops.runbook.notebooks import NOTEBOOKS
from cruddur_ops.state import PROJECT
from tests.notebooks.conftest import CommandLine, resources
from tests.sandbox.support import make_client
from tests.unit.headless import Finished, until

NAMES = tuple(path.stem for path in sorted(NOTEBOOKS.glob("0[0-6]_*.ipynb")))
LATER = ("07", "08", "09 -p rows 1000", "09 -p rows 1000 -p method blue/green")
NOTHING_DONE = rf"{len(NAMES)} of {len(NAMES)} notebooks passed in .* s: 0 created, 0 changed, 0 deleted, \d+ unchanged"


@pytest.fixture(scope="module")
def planned(ops: CommandLine, sandbox: Mapping[str, str]) -> tuple[Finished, str]:
    """A plan of an empty sandbox, and its digest as it was shown."""
    finished = ops.run("run", "--plan")
    return finished, finished.stdout.partition("--approved ")[2].partition("`")[0]


def test_a_plan_of_an_empty_sandbox_changes_nothing(planned: tuple[Finished, str], sandbox: Mapping[str, str]) -> None:
    """Everything is to be created, some of it known only later; and nothing is there afterwards."""
    finished, _ = planned
    assert 2 == finished.code, finished.stderr
    assert "known after 01" in finished.stdout
    assert "nothing was changed" in finished.stdout
    assert set() == resources(sandbox)  # without an instance there is no database either


@pytest.fixture(scope="module")
def killed(ops: CommandLine, planned: tuple[Finished, str]) -> tuple[Finished, Finished]:
    """From there on: the approved run, killed halfway through 03, and resumed."""
    return ops.stop_halfway("03", signal.SIGKILL, "--approved", planned[1]), ops.run("run", "--resume", "last")


@pytest.fixture(scope="module")
def complete(ops: CommandLine, killed: tuple[Finished, Finished]) -> Finished:
    """A run of all notebooks after that."""
    return ops.run("run")


def test_a_killed_run_is_resumed(ops: CommandLine, killed: tuple[Finished, Finished]) -> None:
    """What had passed is checked, the rest runs; all of it under the plan that was approved."""
    first, resumed = killed
    assert (-signal.SIGKILL, 0) == (first.code, resumed.code), resumed
    record = ops.record(resumed)
    names = [f"{name}.check" if name[:2] < "03" else name for name in NAMES]
    assert [(name, "passed") for name in names] == [(one["name"], one["verdict"]) for one in record["notebooks"]]


@pytest.mark.thorough
@pytest.mark.usefixtures("killed")
def test_an_interrupted_run_leaves_evidence(ops: CommandLine) -> None:
    """Ctrl-C halfway through 02: exit code 130, how to go on, and run.json says what was reached."""
    finished = ops.stop_halfway("02", signal.SIGINT, "02")
    assert 130 == finished.code, finished
    assert re.fullmatch(r"interrupted: go on with `cruddur-ops run --resume \w+-local`", finished.stderr.splitlines()[-1])
    record = ops.record(finished)
    assert ("interrupted", ["interrupted"]) == (record["verdict"], [one["verdict"] for one in record["notebooks"]])


def test_after_interruptions_nothing_is_left_to_do(ops: CommandLine, complete: Finished) -> None:
    """A complete run finds everything in place, and says so in the table and in run.json."""
    assert 0 == complete.code, complete
    assert re.search(NOTHING_DONE, complete.stdout)
    record = ops.record(complete)
    outcomes = [notebook["outcome"] for notebook in record["notebooks"]]
    assert ("passed", list(NAMES)) == (record["verdict"], [notebook["name"] for notebook in record["notebooks"]])
    assert {(0, 0, 0)} == {(one["created"], one["changed"], one["deleted"]) for one in outcomes}


def test_plots_are_in_the_evidence(ops: CommandLine, complete: Finished) -> None:
    """In the executed notebook, and on the page."""
    folder = ops.evidence(complete)
    cells = json.loads((folder / "04_query_activities.ipynb").read_text())["cells"]
    data = [output.get("data", {}) for cell in cells for output in cell.get("outputs", [])]
    images = [one["image/png"] for one in data if "image/png" in one]
    page = (folder / "index.html").read_text()
    assert [True, True] == [image[:500] in page for image in images]


@pytest.mark.thorough
@pytest.mark.usefixtures("complete")
def test_a_plan_that_was_applied_does_not_hold_any_more(ops: CommandLine, planned: tuple[Finished, str]) -> None:
    """The state has moved: what moved is shown, and nothing is done."""
    refused = ops.run("run", "--approved", planned[1])
    assert 1 == refused.code
    assert (
        "  no longer: 01_provision_rds: security group on local: + security group cruddur-db-instance-access\n" in refused.stderr
    )
    assert (
        "  new:       01_provision_rds: security group on local: = security group cruddur-db-instance-access\n" in refused.stderr
    )


@pytest.mark.thorough
@pytest.mark.usefixtures("complete")
@pytest.mark.parametrize("arguments", LATER)
def test_what_cannot_be_told_beforehand_is_approved_as_such(ops: CommandLine, sandbox: Mapping[str, str], arguments: str) -> None:
    """What 07 does after the stop, 08 after its first restore, and 09 to what it practises on; they end where they began."""
    before = resources(sandbox)
    planned = ops.run("run", *arguments.split(), "--plan")
    assert "known after" in planned.stdout, planned
    finished = ops.run("run", "--approved", planned.stdout.partition("--approved ")[2].partition("`")[0])
    assert 0 == finished.code, finished
    assert before == resources(sandbox)


@pytest.mark.usefixtures("complete")
def test_neither_kernels_nor_locks_are_left(ops: CommandLine, sandbox: Mapping[str, str]) -> None:
    """The kernels of killed runs end by themselves, and the runs that resume them free their locks."""
    until(lambda: not ops.kernels(), seconds=10)
    ssm = make_client(sandbox, "ssm")
    locks = [ssm.get_parameter(Name=one["Name"])["Parameter"]["Value"] for one in ssm.describe_parameters()["Parameters"]]
    assert {None} == {json.loads(one)["holder"] for one in locks}


@pytest.mark.usefixtures("complete")
def test_plain_papermill_runs_a_notebook(ops: CommandLine) -> None:
    """The notebooks need nothing of our command line."""
    notebook, output = "notebooks/01_provision_rds.ipynb", str(ops.folder / "out.ipynb")
    finished = ops.finish(ops.python(PROJECT, "-m", "papermill", notebook, output, "-p", "target", "local"))
    assert 0 == finished.code, finished
    assert "0 created, 0 changed" in Path(output).read_text()


def test_a_protected_target_wants_its_name(ops: CommandLine, sandbox: Mapping[str, str]) -> None:
    """Unconfirmed, nothing is created, and one sentence names the option; with it the run succeeds."""
    before = resources(sandbox)
    refused = ops.run("run", "01", "--target", "guarded")
    assert refused.code != 0
    (line,) = [line for line in refused.stderr.splitlines() if line.startswith("  why ")]
    assert line.startswith("  why   ConfirmationRequired: ")
    assert "--confirm guarded-instance" in line
    assert before == resources(sandbox)
    confirmed = ops.run("run", "01", "--target", "guarded", "--confirm", "guarded-instance")
    assert 0 == confirmed.code, confirmed
    assert {"ca-central-1 guarded-instance", "ca-central-1 guarded-instance-access"} == resources(sandbox) - before


WRONG = {
    "unknown notebook": ("run 01_provision", 'no notebook "01_provision": did you mean "01_provision_rds"?'),
    "unknown parameter": ("run 01 -p db_instance_clas x", 'did you mean "db_instance_class"?'),
    "parameter of another notebook": ("run 01 -p handle andrew", "there are .*db_instance_class, engine_version, region"),
    "choice that there is not": ("run 04 -p ttl 2-hours", 'ttl cannot be "2-hours": did you mean "12-hours"?'),
    "unknown target": ("run --target sparse", 'no target "sparse": use one of local, guarded, spare'),
    "confirmation of another": ("run 01 --target spare --confirm other", "repeat with --confirm spare-instance"),
    "no such class in the region": (
        "run 01 --target spare -p region af-south-1 -p db_instance_class db.m7g.large",
        r"no db\.m7g\.large .* in af-south-1: set db_instance_class to one of db\.m8g\.large, db\.m6g\.large",
    ),
    "unknown class": (
        "run 01 --target spare -p db_instance_class db.t4g.mikro",
        r"no db\.t4g\.mikro .*: set db_instance_class to one of db\.t4g\.micro",
    ),
    "withdrawn version": (
        "run 01 --target spare -p engine_version 14.6",
        r"no PostgreSQL 14\.6 in ca-central-1: set engine_version to one of 14\.19",
    ),
    "no instance yet": ("run 03 --target spare", "run 01_provision_rds"),
}
ALIKE = ("no such class in the region", "unknown class")  # found on the same way as a version that there is not


def require_sentence(finished: Finished, sentence: str) -> None:
    """The process failed, with one line that says why and what to do, and no traceback."""
    said = finished.stdout + finished.stderr
    assert finished.code != 0
    assert "Traceback" not in said
    assert 1 == len([line for line in said.splitlines() if re.search(sentence, line)]), said


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.thorough) if name in ALIKE else name for name in WRONG])
def test_wrong_input_is_a_sentence_with_the_remedy(ops: CommandLine, sandbox: Mapping[str, str], name: str) -> None:
    """It names what can be used instead, and nothing was created."""
    command, sentence = WRONG[name]
    before = {one for one in resources(sandbox) if "spare" not in one}  # what another case created counts here too
    finished = ops.run(*command.split())
    assert before == resources(sandbox), finished
    require_sentence(finished, sentence)


def test_a_variable_of_the_wrong_type_is_told(alone: CommandLine) -> None:
    """The sentence names the variable, before a sandbox is started."""
    finished = alone.run("run", "01", CRUDDUR_ALLOCATED_STORAGE="many")
    require_sentence(finished, 'CRUDDUR_ALLOCATED_STORAGE must be a whole number, not "many"')
    assert set() == alone.runs()


@pytest.mark.parametrize("command", ["security-group open", "db setup"])
def test_a_verb_on_its_own_starts_no_sandbox(alone: CommandLine, command: str) -> None:
    """What it would make would be gone at once; it says how to start one that stays."""
    finished = alone.run(*command.split())
    require_sentence(finished, "is not up: start it with `cruddur-ops sandbox up`")


def disguises(password: str) -> Iterator[str]:
    """The forms in which a password could stand in a file: plain, in a URL, in JSON, in base64 at each offset."""
    yield from (password, quote(password, safe=""), quote(password), json.dumps(password)[1:-1])
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + password.encode()).decode()
        yield encoded[-(-8 * offset // 6) : -4]  # without the characters that its neighbours share


@pytest.mark.parametrize("before", ["", "a", "ab"])
def test_a_disguised_password_would_be_found(before: str) -> None:
    """Base64 of a longer text holds one of the forms, wherever in it the password stands."""
    text = base64.b64encode(f"{before}correct-horse, and more".encode()).decode()
    assert any(form in text for form in disguises("correct-horse"))


@pytest.mark.usefixtures("complete")
def test_the_password_is_nowhere(ops: CommandLine, sandbox: Mapping[str, str]) -> None:
    """Neither in a file that the runs left, nor in what they printed."""
    (instance,) = make_client(sandbox, "rds").describe_db_instances(DBInstanceIdentifier="cruddur-db-instance")["DBInstances"]
    arn = instance["MasterUserSecret"]["SecretArn"]
    password = json.loads(make_client(sandbox, "secretsmanager").get_secret_value(SecretId=arn)["SecretString"])["password"]
    files = {str(path): path.read_bytes().decode(errors="replace") for path in ops.folder.rglob("*") if path.is_file()}
    assert any(name.endswith("04_query_activities.ipynb") for name in files)
    texts = {**files, **{f"output {number}": text for number, text in enumerate(ops.said)}}
    assert [] == [name for name, text in texts.items() if any(form in text for form in disguises(password))]
