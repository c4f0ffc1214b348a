"""Runs that go on where earlier ones ended: small notebooks in processes of their own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.unit.headless import Finished, Project

FILE = "from pathlib import Path\nmade = Path('made')"
ONCE = ("apply", "with made.open('a') as file: _ = file.write('x')")  # it counts
HOLDS = ("verify", "assert made.exists(), 'it is gone'")
MENDED = "assert Path('mended').exists(), 'mend it first'"


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A run whose second notebook failed."""
    project = Project(tmp_path_factory.mktemp("failed"))
    project.write("00_first", FILE, ONCE, HOLDS)
    project.write("01_second", FILE, MENDED, "print(rows)")
    project.write("02_third")
    first = project.run("run", "--target", "plain", "-p", "rows", "7")
    assert 1 == first.code, first
    return project


@pytest.fixture
def failed(once: Project, tmp_path: Path) -> Project:
    """A copy of it, where the reason is gone now."""
    shutil.copytree(once.folder, tmp_path, dirs_exist_ok=True)
    (tmp_path / "notebooks" / "mended").touch()
    return Project(tmp_path)


def resume(project: Project, run: str = "last", *options: str) -> Finished:
    """Go on."""
    return project.run("run", "--resume", run, *options)


def steps(project: Project) -> list[tuple[str, str]]:
    """The steps of the last run, and how they went."""
    return [(step["name"], step["verdict"]) for step in project.records()[-1]["notebooks"]]


def made(project: Project) -> Path:
    """What the first notebook makes: a letter for each time."""
    return project.folder / "notebooks" / "made"


def test_what_passed_is_only_checked(failed: Project) -> None:
    """Its postconditions are asked for, the rest runs, with the parameters of the first run and their source."""
    (before,) = failed.folder.glob("runs/*")
    finished = resume(failed)
    assert 0 == finished.code, finished
    assert [("00_first.check", "passed"), ("01_second", "passed"), ("02_third", "passed")] == steps(failed)
    assert "x" == made(failed).read_text()
    record = failed.records()[-1]
    assert before.name == record["resumes"]
    assert {"value": 7, "source": f"command line of {before.name}"} == record["parameters"]["01_second: rows"]


def test_what_does_not_hold_any_more_runs_again(failed: Project) -> None:
    """A failed check is no failure of the run."""
    made(failed).unlink()
    finished = resume(failed)
    assert 0 == finished.code, finished
    expected = [("00_first.check", "failed"), ("00_first", "passed"), ("01_second", "passed"), ("02_third", "passed")]
    assert expected == steps(failed)
    assert "x" == made(failed).read_text()


@pytest.mark.thorough
def test_a_resumed_run_can_be_resumed(failed: Project) -> None:
    """A notebook that was checked counts as passed."""
    (failed.folder / "notebooks" / "mended").unlink()
    assert 1 == resume(failed).code
    (failed.folder / "notebooks" / "mended").touch()
    assert 0 == resume(failed).code
    assert ("00_first.check", "passed") == steps(failed)[0]
    assert "x" == made(failed).read_text()


def test_a_run_that_passed_or_planned_has_nothing_to_resume(project: Project) -> None:
    """Each is told in a sentence, before anything is touched; so is a run that there is not."""
    project.write("00_first")
    assert "`cruddur-ops runs` lists" in resume(project).stderr
    project.run("run", "--target", "plain")
    assert "has passed, nothing is left" in resume(project).stderr
    project.run("run", "--target", "plain", "--plan")
    refused = resume(project)
    assert (2, "") == (refused.code, refused.stdout)
    assert "only planned: run it without --plan, or name one" in refused.stderr


@pytest.mark.parametrize("others", [["00"], ["--target", "other"], ["-p", "rows", "1"], ["--all"], ["--from", "00"]])
def test_a_resumed_run_says_everything_itself(project: Project, others: list[str]) -> None:
    """Another choice would be another run."""
    finished = resume(project, "last", *others)
    assert (2, True) == (finished.code, "leave out the other options" in finished.stderr)
