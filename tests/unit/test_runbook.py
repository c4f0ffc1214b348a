"""Headless runs: what is checked beforehand, and real runs of small notebooks in processes of their own."""

from __future__ import annotations

import ast
import errno
import io
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cruddur_ops import runbook
from cruddur_ops.change import Outcome
from cruddur_ops.errors import ConfirmationRequired, WrongInput
from cruddur_ops.runbook import Request, Run, Selection, evidence, execution, forkserver, notebooks
from cruddur_ops.state import PROJECT
from tests.unit.headless import OUTCOME, TARGETS, Finished, Project, Running, alive, finish, until, write_notebook


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of three notebooks, and targets of its own."""
    (tmp_path / "targets.toml").write_text(TARGETS)
    monkeypatch.setenv("CRUDDUR_TARGETS", str(tmp_path / "targets.toml"))
    folder = tmp_path / "notebooks"
    for name in ("00_preflight", "04_query", "07_stop"):
        write_notebook(folder, name)
    return folder


def names(folder: Path, *asked: str) -> list[str]:
    """The notebooks that a run of these names would execute."""
    return [path.stem for path in notebooks.select(folder, Selection(asked))]


def check(folder: Path, *asked: str, **options: Any) -> Run:
    """The checked run of these notebooks, on the target "plain" where none is given."""
    return runbook.check(Request(Selection(asked), **{"target": "plain", **options}), folder)


def test_by_default_nothing_runs_that_takes_away(folder: Path) -> None:
    """Without names, the notebooks 00 to 06 run."""
    assert names(folder) == ["00_preflight", "04_query"]


def test_all_is_all(folder: Path) -> None:
    """On request, those that take away run too."""
    assert ["00_preflight", "04_query", "07_stop"] == [one.stem for one in notebooks.select(folder, Selection(everything=True))]


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(first="04"), ["04_query"]),
        (Selection(last="00"), ["00_preflight"]),
        (Selection(first="4", last="04_query"), ["04_query"]),
        (Selection(first="04", everything=True), ["04_query", "07_stop"]),
        (Selection(["07", "00"], last="06_none"), WrongInput),
        (Selection(first="07"), WrongInput),
        (Selection(first="04", last="00"), WrongInput),
    ],
)
def test_a_run_begins_and_ends_where_it_is_told(folder: Path, selection: Selection, expected: Any) -> None:
    """`--from` and `--until` cut what is selected; nothing left is told."""
    if expected is WrongInput:
        with pytest.raises(WrongInput, match="use one of|did you mean|add --all"):
            notebooks.select(folder, selection)
    else:
        assert expected == [path.stem for path in notebooks.select(folder, selection)]


@pytest.mark.parametrize("name", ["07_stop", "07", "7", "07_stop.ipynb", "notebooks/07_stop.ipynb"])
def test_a_notebook_has_several_names(folder: Path, name: str) -> None:
    """Name, number and file name mean the same."""
    assert names(folder, name) == ["07_stop"]


def test_the_order_is_that_of_the_numbers(folder: Path) -> None:
    """However the names are given, each runs once, in order."""
    assert names(folder, "7", "0", "07") == ["00_preflight", "07_stop"]


@pytest.mark.parametrize(("name", "advice"), [("07_stpo", "07_stop"), ("8", "00_preflight, 04_query, 07_stop"), ("", "one of")])
def test_an_unknown_notebook_is_told_the_nearest(folder: Path, name: str, advice: str) -> None:
    """A mistyped name is answered with the one that was meant, or with all."""
    with pytest.raises(WrongInput, match=advice):
        names(folder, name)


def test_an_empty_folder_is_told_the_remedy(tmp_path: Path) -> None:
    """Without notebooks there is nothing to run."""
    with pytest.raises(WrongInput, match="git status"):
        names(tmp_path, "00")


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"cells": 1}', '{"cells": [{"cell_type": "code"}]}'])
def test_a_file_that_is_no_notebook_is_refused(folder: Path, content: str) -> None:
    """A damaged file is named before anything runs."""
    (folder / "00_preflight.ipynb").write_text(content)
    with pytest.raises(WrongInput, match="00_preflight"):
        check(folder)


def test_a_parameters_cell_that_is_no_python_is_refused(folder: Path) -> None:
    """A damaged cell is named before anything runs."""
    write_notebook(folder, "00_preflight", parameters="target: str =")
    with pytest.raises(WrongInput, match="00_preflight"):
        check(folder)


@pytest.mark.parametrize("missing", ["target", "confirm"])
def test_every_notebook_must_take_target_and_confirm(folder: Path, missing: str) -> None:
    """A notebook that did not take the target would act on its own default."""
    write_notebook(folder, "04_query", parameters="".join(f'{name} = ""\n' for name in {"target", "confirm"} - {missing}))
    with pytest.raises(WrongInput, match=f'04_query.*no parameter "{missing}"'):
        check(folder)


def test_unknown_parameter_target_and_wrong_type_are_refused(folder: Path) -> None:
    """Each is told before anything runs."""
    with pytest.raises(WrongInput, match='did you mean "rows"'):
        check(folder, options={"row": "1"})
    with pytest.raises(WrongInput, match="rows must be a whole number"):
        check(folder, options={"rows": "many"})
    with pytest.raises(WrongInput, match="plain, other, guarded"):
        check(folder, target="plian")


def test_a_parameter_must_belong_to_a_chosen_notebook(folder: Path) -> None:
    """What only another notebook takes is unknown."""
    write_notebook(folder, "07_stop", parameters='target: str = ""\nconfirm: str = ""\ndays: int = 7')
    assert check(folder, "7", options={"days": "3"}).given["days"].value == "3"
    with pytest.raises(WrongInput, match='no notebook of this run has a parameter "days"'):
        check(folder, "0", options={"days": "3"})


@pytest.mark.parametrize("name", ["target", "confirm"])
def test_target_and_confirm_have_options_of_their_own(folder: Path, name: str) -> None:
    """`-p target prod` would go round the checks of --target."""
    with pytest.raises(WrongInput, match=f'no notebook of this run has a parameter "{name}"'):
        check(folder, options={name: "guarded"})


def test_a_confirmation_of_another_instance_is_refused(folder: Path) -> None:
    """Whoever typed the identifier of another instance means another target."""
    with pytest.raises(ConfirmationRequired, match="cruddur-db-instance"):
        check(folder, target="guarded", confirm="other-instance")


def test_the_instance_of_a_parameter_is_the_one_to_confirm(folder: Path) -> None:
    """A parameter that is a setting of the target reaches it."""
    write_notebook(folder, "00_preflight", parameters='target = ""\nconfirm = ""\ndb_instance_identifier: str = ""')
    run = check(folder, "0", target="guarded", confirm="mine", options={"db_instance_identifier": "mine"})
    assert (run.target.db_instance_identifier, run.given["confirm"].value) == ("mine", "mine")


def test_a_sandbox_is_needed_unless_one_is_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the target decides, and whether its endpoint is known."""
    targets = folder.parent / "targets.toml"
    targets.write_text("[local]\nsandbox = true\n[aws]\n")
    assert not check(folder, target="aws").needs_sandbox
    assert check(folder, target="local").needs_sandbox
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:5555")
    assert not check(folder, target="local").needs_sandbox


def test_a_database_named_by_url_needs_no_sandbox(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With CONNECTION_URL, notebooks that say they need only a database run without AWS."""
    (folder.parent / "targets.toml").write_text("[local]\nsandbox = true\n")
    write_notebook(folder, "04_query", cruddur_ops={"database_only": True})
    monkeypatch.setenv("CONNECTION_URL", "postgresql://me@localhost/cruddur")
    assert not check(folder, "04", target="local").needs_sandbox
    assert check(folder, target="local").needs_sandbox


def test_a_rehearsal_has_no_use_for_a_url(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It makes an instance; the notebooks that need a database alone use it, and so does a target that is not the sandbox."""
    (folder.parent / "targets.toml").write_text('[local]\nsandbox = true\n[prod]\naccount_id = "123456789012"\n')
    write_notebook(folder, "04_query", cruddur_ops={"database_only": True})
    assert "" == check(folder, target="local").unwanted_variable
    for name in ("CONNECTION_URL", "PROD_CONNECTION_URL"):
        monkeypatch.setenv(name, "postgresql://me@localhost/cruddur")
    assert "CONNECTION_URL" == check(folder, target="local").unwanted_variable
    assert ["", ""] == [check(folder, "04", target="local").unwanted_variable, check(folder, target="prod").unwanted_variable]


def test_a_shell_for_the_sandbox_leaves_no_evidence_of_another_target(project: Project) -> None:
    """It is refused before anything is asked, with the command that mends it."""
    project.write("00_first")
    refused = project.run("run", "--target", "plain", AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert (2, []) == (refused.code, project.records())
    assert "AWS_ENDPOINT_URL is set, and target" in refused.stderr


def test_a_target_without_an_account_may_only_look(project: Project) -> None:
    """A run that would change something is refused before it takes the lock, with the line to add; a plan is not."""
    project.write("00_first", ("apply", "open('changed', 'w')"))
    bare = project.folder / "bare.toml"
    bare.write_text("[bare]\nprotected = false\n")
    refused = project.run("run", "--target", "bare", CRUDDUR_TARGETS=str(bare))
    assert (2, []) == (refused.code, project.records())
    assert f'add account_id = "123456789012", with its digits, to [bare] of {bare}' in refused.stderr
    assert 0 == project.run("run", "--target", "bare", "--plan", CRUDDUR_TARGETS=str(bare)).code


def test_a_plan_has_no_cell_that_changes_anything(folder: Path) -> None:
    """The cells tagged apply and verify are left out; a check leaves out those tagged plan and apply."""
    path = write_notebook(folder, "01_p", ("plan", "p"), ("apply", "a"), ("verify", "v"), "d", ("preflight", "f"))
    document = json.loads(path.read_text())
    kept = {mode: [cell["source"] for cell in notebooks.prepare(document, mode)["cells"][1:]] for mode in notebooks.LEFT_OUT}
    assert {"run": ["p", "a", "v", "d", "f"], "plan": ["p", "d", "f"], "check": ["p", "v", "d", "f"]} == kept


def test_committed_outputs_are_left_behind(folder: Path) -> None:
    """What a run shows is its own."""
    document = json.loads((folder / "00_preflight.ipynb").read_text())
    assert [[]] == [cell["outputs"] for cell in notebooks.prepare(document)["cells"]]


CHANGING = {"apply", "forget_markers", "mark", "post", "reply"}  # what plans cannot: activities, and the marks of a drill


def changes(source: str) -> list[str]:
    """What a cell calls that changes anything, and the SQL in it that does."""
    lines = [line for line in source.splitlines() if not line.startswith("%")]
    statements = re.findall(r"\b(?:ALTER|CREATE|DELETE|DROP|GRANT|INSERT|TRUNCATE|UPDATE)\b", source)
    calls = [] if "%%" in source else [node for node in ast.walk(ast.parse("\n".join(lines))) if isinstance(node, ast.Call)]
    called = {ast.unparse(call.func).rpartition(".")[2] for call in calls}
    return [*statements, *sorted(called & CHANGING)]


def test_cells_that_change_anything_are_told_apart() -> None:
    """The test below sees calls and statements, however they are written."""
    found = [changes(source) for source in ("plan.apply()", "x = activities.post(target)", "%%sql\nDROP TABLE users", "plan")]
    assert [["apply"], ["post"], ["DROP"], []] == found


def test_no_cell_that_a_plan_keeps_changes_anything() -> None:
    """In the project's notebooks, only cells tagged apply change the target."""
    paths = sorted(notebooks.NOTEBOOKS.glob("*.ipynb"))
    kept = [(path.stem, cell) for path in paths for cell in notebooks.prepare(json.loads(path.read_text()), "plan")["cells"]]
    sources = [(name, "".join(cell["source"])) for name, cell in kept if cell["cell_type"] == "code"]
    assert [] == [(name, source) for name, source in sources if changes(source)]


def test_the_notebooks_have_only_tags_that_are_known() -> None:
    """A mistyped tag would let a plan run what it should leave out."""
    known = {"parameters", "preflight", "plan", "apply", "verify", "nbval-ignore-output", "raises-exception", "transient"}
    documents = [json.loads(path.read_text()) for path in sorted(notebooks.NOTEBOOKS.glob("*.ipynb"))]
    assert {tag for document in documents for cell in document["cells"] for tag in notebooks.tags(cell)} <= known


def test_two_runs_of_one_second_have_two_folders(tmp_path: Path) -> None:
    """The second one gets a number."""
    assert ["now", "now-2", "now-3"] == [evidence.new_folder(tmp_path, "now").name for _ in range(3)]


def test_a_folder_without_repository_has_no_commit(tmp_path: Path) -> None:
    """The run goes on without."""
    assert evidence.commit(tmp_path) is None


def test_folders_of_killed_runs_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of a process that lives stays, that of one that is gone goes."""
    monkeypatch.setattr(forkserver, "socket_folder", lambda: str(tmp_path))
    gone = subprocess.Popen(["true"])
    gone.wait()
    for number in (gone.pid, os.getpid()):
        (tmp_path / f"cruddur-ops-{number}-abc").mkdir()

    forkserver.remove_abandoned()

    assert [f"cruddur-ops-{os.getpid()}-abc"] == [folder.name for folder in tmp_path.iterdir()]


def test_a_long_temporary_folder_is_too_long_for_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket's path has about 100 bytes; /tmp leaves enough of them."""
    monkeypatch.setattr("tempfile.tempdir", "/short")
    assert forkserver.socket_folder() == "/short"
    monkeypatch.setattr("tempfile.tempdir", "/" + "long" * 20)
    assert forkserver.socket_folder() == "/tmp"


@pytest.fixture(scope="module")
def passed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Finished, Project]:
    """A run of three notebooks that went well, in a folder whose name is awkward."""
    project = Project(tmp_path_factory.mktemp("a {b} c"))
    project.write("00_first", "import sys\nprint(sys.executable)", "import os\nprint(os.getcwd(), rows)")
    project.write("01_second", f"{OUTCOME}Outcome(created=2, unchanged=1)", "Outcome(changed=3)")
    project.write("02_third", "from ipykernel.kernelapp import IPKernelApp\nprint(IPKernelApp.instance().transport)")
    return project.run("run", "--target", "plain", "-p", "rows", "7"), project


def printed(project: Project, name: str) -> list[str]:
    """What the cells of the first run's executed notebook printed."""
    document = json.loads(next(project.folder.glob(f"runs/*/{name}.ipynb")).read_text())
    return ["".join(output["text"]).strip() for output in evidence.outputs(document)]


def test_a_run_that_went_well_ends_with_0(passed: tuple[Finished, Project]) -> None:
    """The table has a row for each notebook, and the sum."""
    finished, _ = passed
    assert finished.code == 0, finished.stderr
    rows = [line.split() for line in finished.stdout.splitlines()]
    assert ["01_second", "passed", "2", "3", "0", "1"] == rows[2][:2] + rows[2][3:]
    assert "3 of 3 notebooks passed" in finished.stdout
    assert "2 created, 3 changed, 0 deleted, 1 unchanged" in finished.stdout


def test_without_a_terminal_progress_is_a_line_for_each_notebook(passed: tuple[Finished, Project]) -> None:
    """A log of CI stays readable."""
    assert ["00_first", "01_second", "02_third"] == [line.split()[0] for line in passed[0].stderr.splitlines()]


def test_notebooks_run_in_the_interpreter_that_runs_us(passed: tuple[Finished, Project]) -> None:
    """Whichever kernelspecs the machine has; in the notebooks' own folder, with typed values."""
    project = passed[1]
    assert [sys.executable, f"{project.folder / 'notebooks'} 7"] == printed(project, "00_first")


def test_kernels_are_spoken_to_over_ipc(passed: tuple[Finished, Project]) -> None:
    """No TCP port is opened."""
    assert ["ipc"] == printed(passed[1], "02_third")


def test_run_json_says_who_ran_what_and_how_it_went(passed: tuple[Finished, Project]) -> None:
    """Parameters and settings stand with their sources, results with their counts."""
    (record,) = passed[1].records()
    assert ("passed", "plain", False) == (record["verdict"], record["target"], record["plan_only"])
    assert {"value": 7, "source": "command line"} == record["parameters"]["01_second: rows"]
    assert {"value": "", "source": "default"} == record["parameters"]["01_second: confirm"]
    assert {"value": "ca-central-1", "source": "default"} == record["settings"]["region"]
    assert Outcome(2, 3, 0, 1) == Outcome(**record["notebooks"][1]["outcome"])
    assert record["started"] <= record["ended"]
    assert {"user", "host", "git", "versions"} <= record.keys()


def test_nothing_is_left_behind(passed: tuple[Finished, Project]) -> None:
    """No half-written record."""
    assert [] == [*passed[1].folder.glob("runs/*/*.part")]


class FullDisk(io.StringIO):
    """Where nothing can be written."""

    def write(self, text: str) -> int:
        """Refuse."""
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_run_that_cannot_say_how_it_went_has_not_passed(project: Project) -> None:
    """Nobody has its seal; and whoever looks at the exit code knows."""
    project.write("00_first")
    finished = project.run("run", "--target", "plain", output=FullDisk)
    assert (1, "failed") == (finished.code, project.records()[0]["verdict"])
    assert "standard output cannot be used (No space left on device)" in finished.stderr


PARTS = """
from cruddur_ops import redaction
secret = "".join(["pieces-", "of-a-password-9"])
redaction.remember(secret)
print(secret[:9], end="", flush=True)
print(secret[9:], flush=True)
for number in range(20_000):
    print(number)
print(secret[:9], end="")
import time; time.sleep(0.3)
print(secret[9:])
"""


def test_a_secret_that_is_printed_in_parts_is_in_no_file(project: Project) -> None:
    """The kernel has told it to the runner, which masks it where the parts are joined."""
    project.write("00_first", PARTS)
    finished = project.run("run", "--target", "plain")
    assert finished.code == 0, finished.stderr
    printed_there = printed(project, "00_first")
    assert ("***", "***") == (printed_there[0].splitlines()[0], printed_there[-1].splitlines()[-1])
    for path in project.folder.glob("runs/*/*"):
        assert "pieces-of-a-password" not in path.read_text()


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Finished, Project]:
    """A run whose second notebook fails as expected, after having created something."""
    project = Project(tmp_path_factory.mktemp("failed"))
    project.write("00_first")
    raising = "from cruddur_ops.errors import NotOffered\nraise NotOffered('no such class: take another')"
    project.write("01_second", f"{OUTCOME}Outcome(created=1)", raising, "never = 1")
    project.write("02_third", "open('reached', 'w')")
    return project.run("run", "--target", "plain"), project


def test_the_first_failure_ends_the_run(failed: tuple[Finished, Project]) -> None:
    """What comes after it does not run, and says so."""
    finished, project = failed
    assert finished.code == 1
    verdicts = [result["verdict"] for result in project.records()[0]["notebooks"]]
    assert ["passed", "failed", "not run"] == verdicts
    assert not (project.folder / "notebooks" / "reached").exists()


def test_a_failure_is_a_sentence_and_its_cell(failed: tuple[Finished, Project]) -> None:
    """The panel: the cell, the sentence with its remedy, how to go on, and where the whole notebook is; no traceback."""
    finished, project = failed
    (folder,) = project.folder.glob("runs/*")
    panel = finished.stderr.splitlines()[-6:]
    assert panel[0].startswith("-- 01_second failed ---")
    assert [
        "  cell  In [4] from cruddur_ops.errors import NotOffered",
        "  why   NotOffered: no such class: take another",
        f"  then  go on with `cruddur-ops run --resume {folder.name}`",
        f"  see   {folder / '01_second.ipynb'}",
    ] == panel[1:5]
    assert "Traceback" not in finished.stdout + finished.stderr


def test_a_failed_notebook_keeps_its_counts(failed: tuple[Finished, Project]) -> None:
    """What was created before the failure was created."""
    assert Outcome(created=1) == Outcome(**failed[1].records()[0]["notebooks"][1]["outcome"])


@pytest.mark.thorough
def test_any_other_failure_shows_its_first_line(project: Project) -> None:
    """The rest stands in the executed notebook."""
    project.write("00_first", "raise ValueError('one' + chr(10) + 'two')")
    finished = project.run("run", "--target", "plain")
    assert 1 == finished.code
    assert "  why   ValueError: one\n" in finished.stderr


def test_the_bar_shows_what_is_printed_and_waited_for() -> None:
    """And nothing of a result, which may be long."""
    wait = {"data": {"text/plain": "mine: creating (on AWS usually 5 to 15 minutes)  04:10"}}
    messages = {"stream": {"name": "stdout", "text": "hello"}, "update_display_data": wait, "execute_result": wait, "status": {}}
    expected = ["hello", wait["data"]["text/plain"], "", ""]
    assert expected == [execution.said({"msg_type": kind, "content": content}) for kind, content in messages.items()]
    assert "" == execution.said({"msg_type": "update_display_data", "content": {"data": {}}})


def test_an_assertion_alone_is_told_in_words() -> None:
    """Whoever wrote it may have said nothing."""
    told = execution.sentence("AssertionError", "", ["x"])
    assert told.startswith("AssertionError: what this cell asserts does not hold: ")
    assert "AssertionError: all of them" == execution.sentence("AssertionError", "all of them", ["x"])


@pytest.mark.thorough
def test_a_kernel_that_dies_fails_its_notebook(project: Project) -> None:
    """The cell is named, and the exit code."""
    project.write("00_first", "import os", "os._exit(3)")
    finished = project.run("run", "--target", "plain")
    assert finished.code == 1
    assert "] os._exit(3)\n" in finished.stderr
    assert "exit code 3" in finished.stderr


def test_a_kernel_that_does_not_start_says_why(project: Project) -> None:
    """The last line that its process wrote is told."""
    (project.folder / "ipykernel.py").write_text("raise ImportError('broken installation')")
    project.write("00_first")
    path = os.pathsep.join([str(project.folder), str(PROJECT)])
    finished = finish(project.start("run", "--target", "plain", PYTHONPATH=path))
    assert finished.code == 1
    assert "did not start (ImportError: broken installation): `make env`" in finished.stderr


def test_a_plan_shows_and_changes_nothing(project: Project) -> None:
    """Neither the cells that apply nor those that verify run; what the plan cells show is printed."""
    project.write(
        "00_first", ("plan", "print('1 to create')"), ("apply", "open('changed', 'w')"), ("verify", "open('changed', 'w')")
    )
    finished = project.run("run", "--target", "guarded", "--plan")
    assert finished.code == 0, finished.stderr
    assert "00_first: passed\n1 to create\n\nnothing was changed\nplan " in finished.stdout
    assert not (project.folder / "notebooks" / "changed").exists()
    assert project.records()[0]["plan_only"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["7"], 2),
        (["-p", "rows", "many"], 2),
        (["-p", "row", "1"], 2),
        (["--target", "nowhere"], 2),
        (["--confirm", "other"], 2),
        (["-p", "owner", "postgresql://me:hush@localhost/x"], 2),
    ],
)
def test_wrong_input_touches_nothing(project: Project, arguments: list[str], code: int) -> None:
    """One sentence, exit code 2, and no folder."""
    project.write("00_first", parameters='target: str = "plain"\nconfirm: str = ""\nrows: int = 3\nowner: str = ""')
    finished = project.run("run", "--target", "plain", *arguments)
    assert (code, "", 1) == (finished.code, finished.stdout, len(finished.stderr.splitlines()))
    assert not (project.folder / "runs").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_interrupts_once(number: signal.Signals) -> None:
    """Later ones leave the clearing-up alone."""
    with runbook.interruptible():
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
        signal.raise_signal(number)


def test_an_interrupted_run_leaves_evidence_and_no_kernel(waiting: tuple[Project, Running]) -> None:
    """It says how to go on, and ends with 130."""
    project, running = waiting
    running.process.send_signal(signal.SIGINT)
    finished = finish(running.process)
    (folder,) = project.folder.glob("runs/*")
    advice = f"interrupted: go on with `cruddur-ops run --resume {folder.name}`"
    assert (130, advice) == (finished.code, finished.stderr.splitlines()[-1])
    assert not alive(running.kernel)
    (record,) = project.records()
    assert "interrupted" == record["verdict"]
    assert ["interrupted", "not run"] == [result["verdict"] for result in record["notebooks"]]
    assert record["notebooks"][0]["cell"].endswith("] import os, pathlib, time")


@pytest.mark.thorough
def test_a_killed_run_leaves_no_kernel(waiting: tuple[Project, Running]) -> None:
    """It sees that the runner is gone; what the runner left is removed by the next one."""
    project, running = waiting
    running.process.kill()
    running.process.wait()
    until(lambda: not alive(running.kernel), seconds=10)
    assert "running" == project.records()[0]["verdict"]
