"""Killed at any cell and resumed, every notebook comes to the state of an undisturbed run; and its checks hold then."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from cruddur_ops.runbook.notebooks import NOTEBOOKS
from cruddur_ops.state import PROJECT
from rds_sandbox import sandbox

NAMES = [path.stem for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))]
MINUTES = 40
DRILL = "08_snapshot_and_restore"

Results = Mapping[str, Mapping[str, Any]]


class Execution:
    """A process that executes these notebooks one after the other, some killed at every cell; it writes to files."""

    def __init__(self, sandbox: Mapping[str, str], folder: Path, names: Sequence[str], killed: Sequence[str]) -> None:
        """Start it."""
        command = [sys.executable, "-m", "tests.notebooks.kills", *names, "--killed", *killed]
        environment = {**os.environ, **sandbox, "PYTHONPATH": str(PROJECT)}
        self.said, self.errors = (tempfile.TemporaryFile("w+", dir=folder) for _ in range(2))  # noqa: SIM115  # for its time
        self.process = subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=self.said, stderr=self.errors)

    def close(self) -> None:
        """End it where it still runs."""
        self.process.kill()
        self.process.wait()
        self.said.close()
        self.errors.close()

    def results(self) -> dict[str, Any]:
        """What came of each notebook, by name."""
        code = self.process.wait(MINUTES * 60)
        self.said.seek(0)
        self.errors.seek(0)
        assert 0 == code, self.errors.read()
        return {found["name"]: found for found in map(json.loads, self.said)}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Results, Results]]:
    """Undisturbed, and killed at every cell; at once, on sandboxes that do not dawdle. The drill takes as long as all others."""
    others = [name for name in NAMES if name != DRILL]
    until_drill = NAMES[: NAMES.index(DRILL) + 1]
    folder = tmp_path_factory.mktemp("kills")
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.setenv("RDS_SANDBOX_DELAY", "0.02")
        wanted: tuple[tuple[list[str], list[str]], ...] = ((NAMES, []), (others, others), (until_drill, [DRILL]))
        begun = [
            stack.enter_context(closing(Execution(stack.enter_context(sandbox()).environment, folder, names, killed)))
            for names, killed in wanted
        ]
        undisturbed, killed, drill = (one.results() for one in begun)
        yield undisturbed, killed | {DRILL: drill[DRILL]}


@pytest.mark.parametrize("name", NAMES)
def test_the_end_state_is_that_of_an_undisturbed_run(both: tuple[Results, Results], name: str) -> None:
    """Resources, settings and rows: nothing is missing, nothing is there twice."""
    undisturbed, killed = both[0][name], both[1][name]
    assert ("", "") == (undisturbed["error"], killed["error"])
    assert {"killed"} == {end[-1] for end in killed["ends"]}
    assert undisturbed["state"] == killed["state"]


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_that_has_passed_can_be_checked(both: tuple[Results, Results], name: str) -> None:
    """Its preflight and verify cells hold by themselves, without those that plan and apply."""
    assert ("", "") == (both[0][name]["check"], both[1][name]["check"])
