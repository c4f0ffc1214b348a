"""The bar of a long wait: on a terminal, in a log, and in a notebook."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from nbclient import NotebookClient

from cruddur_ops import ledger, progress

CELL = """
from cruddur_ops import progress
with progress.waiting("cruddur-db-instance") as show:
    show("creating")
    show("backing-up")
"available"
"""


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        """Yes."""
        return True


def test_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Status and elapsed time in one line of stderr, of which nothing is left."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    with progress.waiting("cruddur-db-instance") as show:
        show("creating")
    shown = stream.getvalue()
    assert "cruddur-db-instance: creating  00:0" in shown
    assert "\n" not in shown
    assert "" == shown.split("\r")[-2].strip()


def test_in_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    """Where nobody watches, nothing is drawn."""
    with progress.waiting("cruddur-db-instance") as show:
        show("creating")
    assert ("", "") == capsys.readouterr()


def test_a_count_with_its_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    """How many of how many, and how many a second; nothing is left of it."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    with progress.counting("seed", 2_000_000, " rows") as count:
        count(1_000_000)
        count(1_000_000)
    shown = stream.getvalue()
    assert "seed:   0%" in shown
    assert "/2.00M [" in shown
    assert "rows/s]" in shown
    assert "" == shown.split("\r")[-2].strip()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time that passes only where somebody sleeps."""
    now = [0.0]
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: now[0], sleep=lambda _: now.append(now.pop() + 100)))


def create(kept: bool) -> str:
    """Wait for something that is created, then backed up."""
    statuses = iter(["creating: 1 %", "creating: 2 %", "backing-up", "available"])

    def look() -> tuple[str, str | None]:
        status = next(statuses)
        return status, status if status == "available" else None

    return progress.poll("mine", look, 1000, RuntimeError, kept=kept)


@pytest.mark.usefixtures("clock")
def test_the_usual_time_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the status that it holds for."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    create(kept=False)
    assert "mine: creating: 1 % (on AWS usually 5 to 15 minutes)  " in stream.getvalue()


@pytest.mark.usefixtures("clock")
def test_the_statuses_passed_are_kept_with_their_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the ledger of a run; and in a line, where it is no rehearsal's output that is compared."""
    monkeypatch.setenv(ledger.VARIABLE, str(tmp_path / "ledger.jsonl"))
    create(kept=True)
    create(kept=False)
    assert ("", "mine: creating 0:03:20, backing-up 0:01:40\n") == capsys.readouterr()
    passed = [{"status": "creating", "seconds": 200.0}, {"status": "backing-up", "seconds": 100.0}]
    assert [passed, passed] == [line["statuses"] for line in ledger.read(tmp_path / "ledger.jsonl")]


def test_an_interrupt_before_the_bar_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """While tqdm is loaded, say: it stays an interrupt."""

    def interrupted(_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(progress, "waiting", interrupted)
    with pytest.raises(KeyboardInterrupt):
        progress.poll("x", lambda: ("creating", None), 60, RuntimeError)


@pytest.fixture(scope="module")
def executed() -> nbformat.NotebookNode:
    """A notebook with a wait in it, after it ran."""
    cell: dict[str, object] = {"cell_type": "code", "source": CELL, "id": "wait"}
    cell |= {"metadata": {}, "outputs": [], "execution_count": None}
    text = json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    notebook: nbformat.NotebookNode = nbformat.reads(text, as_version=4)
    project = Path(progress.__file__).parent.parent
    NotebookClient(notebook, resources={"metadata": {"path": str(project)}}, kernel_name="python3").execute()
    return notebook


@pytest.mark.thorough  # strict nbval of the project's notebooks has waits, too
def test_in_a_notebook(executed: nbformat.NotebookNode) -> None:
    """Of the wait, an empty output is kept: nothing that differs from run to run, or that is compared."""
    outputs = executed.cells[0].outputs
    assert ["display_data", "execute_result"] == [output.output_type for output in outputs]
    assert [{}, {"text/plain": "'available'"}] == [output.data for output in outputs]
    assert "creating" not in json.dumps(outputs)


def test_notebook_is_told_from_ipython_and_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a kernel shows displays."""
    assert progress.in_notebook() is False
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert progress.in_notebook() is False
