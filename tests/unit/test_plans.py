"""The plan file, its digest and its approval: pure functions, and small notebooks in processes of their own."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cruddur_ops import approvals
from cruddur_ops.change import Action, Change
from cruddur_ops.errors import ConfirmationRequired, PlanMoved, WrongInput
from tests.unit.headless import Finished, Project

CHANGE = {"action": "create", "resource": "database a", "setting": "", "before": None, "after": None, "unknown": False}
# A file stands for the resource.
SETUP = """\
from pathlib import Path
from cruddur_ops import load_target
from cruddur_ops.change import Action, Change
from cruddur_ops.plan import Plan, step
@step
def plan_file(target, name, note=""):
    action = Action.NONE if Path(name).exists() else Action.CREATE
    return Plan(f"{name} on test", (Change(action, f"file {name}", note=note, make=Path(name).touch),))
def found(*given):
    return plan_file(load_target(target, confirm=confirm), *given)
"""


def document(*changes: dict[str, Any], title: str = "things on test", **others: Any) -> dict[str, Any]:
    """What a plan file holds."""
    plan = {"notebook": "01_a", "title": title, "changes": list(changes)}
    place = {"target": "test", "db_instance_identifier": "mine", "where": {}, "notebooks": ["01_a"], "given": {}}
    content = {**place, "parameters": {"01_a": {"rows": 3}}, "plans": [plan], **others}
    return {**content, "digest": approvals.digest(content)}


@pytest.fixture
def approved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of an approved plan, which the process is told of."""
    path = tmp_path / approvals.NAME
    path.write_text(json.dumps(document(CHANGE)))
    monkeypatch.setenv(approvals.VARIABLE, str(path))
    return path


def confirmed(*changes: Change, title: str = "things on test") -> None:
    """What comes before every apply."""
    approvals.require_covered(title, [change.shown for change in changes if change.mutating])


@pytest.mark.usefixtures("approved")
def test_what_was_approved_may_be_changed() -> None:
    """And what changes nothing needs no approval."""
    confirmed(Change(Action.CREATE, "database a", note="other words"))
    confirmed(Change(Action.NONE, "database b"))
    confirmed()


@pytest.mark.usefixtures("approved")
@pytest.mark.parametrize(
    ("change", "title"),
    [
        (Change(Action.CREATE, "database b"), "things on test"),
        (Change(Action.DELETE, "database a"), "things on test"),
        (Change(Action.CREATE, "database a", after="large"), "things on test"),
        (Change(Action.CREATE, "database a"), "things elsewhere"),
    ],
)
def test_what_was_not_approved_may_not(change: Change, title: str) -> None:
    """Another resource, action, value or place: nothing of that plan is changed."""
    with pytest.raises(ConfirmationRequired, match="is not in the approved plan.*--plan"):
        confirmed(Change(Action.CREATE, "database a"), change, title=title)


def test_what_could_not_be_known_is_left_open(approved: Path) -> None:
    """A plan that said "known after" another step covers what that step makes known."""
    approved.write_text(json.dumps(document(CHANGE | {"unknown": True})))
    confirmed(Change(Action.CREATE, "user andrew"))


def test_without_approval_nothing_is_asked() -> None:
    """A run that applies no plan file goes on as ever."""
    confirmed(Change(Action.CREATE, "anything"))


@given(st.dictionaries(st.text(), st.none() | st.integers() | st.text() | st.lists(st.text())))
def test_a_digest_does_not_hang_on_the_order_of_members(content: dict[str, Any]) -> None:
    """Nor on itself; it is a SHA-256."""
    turned = dict(reversed(content.items()))
    assert approvals.digest(content) == approvals.digest({**turned, "digest": "any"})
    assert 64 == len(approvals.digest(content))


def test_a_plan_is_found_by_the_beginning_of_its_digest(tmp_path: Path) -> None:
    """In the runs' folders, or in the file that is named."""
    path = tmp_path / "run" / approvals.NAME
    path.parent.mkdir()
    plan = document(CHANGE)
    path.write_text(json.dumps(plan))
    assert path == approvals.find(plan["digest"][:12], tmp_path) == approvals.find(plan["digest"], tmp_path / "no", path)
    for wrong in ("", plan["digest"][:11], "f" * 12):
        with pytest.raises(WrongInput, match="no plan has the digest"):
            approvals.find(wrong, tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "{}", json.dumps(document(CHANGE) | {"target": "prod"})])
def test_a_file_that_was_not_planned_so_is_refused(tmp_path: Path, content: str) -> None:
    """Whoever edits a plan after its approval has another plan."""
    path = tmp_path / approvals.NAME
    path.write_text(content)
    with pytest.raises(WrongInput, match="no plan file|was changed after"):
        approvals.find("0" * 12, tmp_path, path)


def test_what_moved_is_shown() -> None:
    """A line for each change that is gone, and for each that is new; and how to approve the new plan."""
    before, after = document(CHANGE), document(CHANGE | {"resource": "database b"})
    with pytest.raises(PlanMoved) as moved:
        approvals.require_unmoved(before, after)
    lines = str(moved.value).splitlines()
    assert "  no longer: 01_a: things on test: + database a" == lines[1]
    assert "  new:       01_a: things on test: + database b" == lines[2]
    assert after["digest"][:12] in lines[3]
    approvals.require_unmoved(before, document(CHANGE))


def plan(project: Project, *options: str) -> str:
    """Plan on the protected target, and return the digest that is shown."""
    finished = project.run("run", "--target", "guarded", "--plan", *options)
    assert finished.code in (0, 2), finished
    return finished.stdout.partition("--approved ")[2].partition("`")[0]


def approve(project: Project, digest: str, *options: str) -> Finished:
    """Apply the plan with this digest."""
    return project.run("run", "--approved", digest, *options)


def write(project: Project, name: str, file: str, note: str = "") -> None:
    """A notebook that plans a file, makes it, and shows the outcome."""
    project.write(name, SETUP, ("plan", f"plan = found({file!r}, {note!r})\nplan"), ("apply", f"found({file!r}).apply()"))


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, str]:
    """Two notebooks that were planned, and the digest."""
    project = Project(tmp_path_factory.mktemp("planned"))
    write(project, "00_first", "a")
    write(project, "01_second", "b")
    return project, plan(project, "-p", "rows", "7")


@pytest.fixture
def planned(once: tuple[Project, str], tmp_path: Path) -> tuple[Project, str]:
    """A copy of them."""
    shutil.copytree(once[0].folder, tmp_path, dirs_exist_ok=True)
    return Project(tmp_path), once[1]


def test_an_approved_plan_is_applied(planned: tuple[Project, str]) -> None:
    """On a protected target without typing its name; the run's folder says which plan it was."""
    project, digest = planned

    finished = approve(project, digest)

    assert 0 == finished.code, finished
    assert "2 created" in finished.stdout
    record = project.records()[-1]
    assert record["approved"].startswith(digest)
    assert (7, f"plan {digest}") == tuple(record["parameters"]["00_first: rows"].values())
    assert ["a", "b"] == sorted(path.name for path in (project.folder / "notebooks").glob("?"))


def test_a_plan_that_was_made_elsewhere_approves_nothing(planned: tuple[Project, str]) -> None:
    """Another account, region or server of the same target; what differs is told. The evidence says where, too."""
    project, digest = planned
    made = {"account": "000000000000", "region": "ca-central-1", "endpoint": "database guarded on 127.0.0.1:1"}
    (path,) = project.folder.glob("runs/*/plan.json")
    assert [made, made] == [json.loads(path.read_text())["where"], project.records()[-1]["where"]]
    elsewhere = project.folder / "elsewhere.toml"
    section = (
        '[guarded]\naccount_id = "111111111111"\nregion = "eu-west-1"\nconnection_url = "postgresql://127.0.0.1:2/guarded"\n'
    )
    elsewhere.write_text(section)

    refused = project.run("run", "--approved", digest, CRUDDUR_TARGETS=str(elsewhere))

    assert (1, 1) == (refused.code, len(list(project.folder.glob("runs/*"))))
    for moved in ("account was 000000000000 and is 1", "region was ca-central-1 and is eu", "endpoint was .*:1 and is .*:2"):
        assert re.search(f"was made elsewhere, and nothing was changed .*{moved}", refused.stderr)


def test_a_plan_that_moved_is_not_applied(planned: tuple[Project, str]) -> None:
    """What moved is told, and nothing is changed."""
    project, digest = planned
    (project.folder / "notebooks" / "a").touch()

    finished = approve(project, digest)

    assert 1 == finished.code
    assert "  no longer: 00_first: a on test: + file a\n  new:       00_first: a on test: = file a\n" in finished.stderr
    assert not (project.folder / "notebooks" / "b").exists()


def test_a_change_that_nobody_approved_fails_its_notebook(project: Project) -> None:
    """Though the plan came out the same: 01 would make what its plan did not show."""
    write(project, "00_first", "a", note="known after something")
    project.write("01_second", SETUP, ("plan", "found('b')"), ("apply", "found('c').apply()"))
    finished = approve(project, plan(project))
    assert 1 == finished.code
    assert 'why   ConfirmationRequired: "create file c" is not in the approved plan' in finished.stderr
    assert ["a"] == sorted(path.name for path in (project.folder / "notebooks").glob("?"))


@pytest.mark.parametrize("option", ["--approved", "--resume"])
def test_an_empty_name_runs_nothing(project: Project, option: str) -> None:
    """A script whose variable is not set would otherwise run everything, unapproved."""
    project.write("00_first", "open('ran', 'w')")
    finished = project.run("run", option, "")
    assert (2, False) == (finished.code, (project.folder / "notebooks" / "ran").exists())


@pytest.mark.parametrize("others", [["00"], ["--target", "plain"], ["-p", "rows", "1"], ["--confirm", "x"], ["--plan"]])
def test_an_approved_plan_says_everything_itself(project: Project, others: list[str]) -> None:
    """Notebooks, target and parameters beside it would be something else than was approved."""
    finished = approve(project, "0" * 12, *others)
    assert (1 if "--plan" in others else 2, 1) == (finished.code, len(finished.stderr.splitlines()))
    assert "leave out the other options" in finished.stderr


def test_a_plan_tells_by_its_exit_code_whether_anything_differs(project: Project) -> None:
    """2 for a difference, 0 for none; 1 for every failure, also where the same without --plan ends with 2."""
    write(project, "00_first", "a")
    write(project, "01_second", "b")
    project.write("02_third", "1 / 0")
    (project.folder / "notebooks" / "b").touch()
    assert [2, 0, 1] == [project.run("run", "--plan", "--target", "plain", name).code for name in ("00", "01", "02")]
    for wrong in (["--target", "nowhere"], ["--cell-timeout", "0"], ["--nonsense"]):
        assert [1, 2] == [project.run("run", *plan, *wrong).code for plan in (["--plan"], [])]
