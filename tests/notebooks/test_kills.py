"""Killed at any cell and resumed, every notebook comes to the state of an undisturbed run; and its checks hold then."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from cruddur_ops.runbook.notebooks import NOTEBOOKS
from cruddur_ops.state import PROJECT
from rds_sandbox import sandbox as new_sandbox

NAMES = [path.stem for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))]
MINUTES = 60
SOME = NAMES[1:4]  # they apply in all kinds of ways: AWS, the network, SQL; 00 applies nothing
CASES = [name if name in SOME else pytest.param(name, marks=pytest.mark.thorough) for name in NAMES]
LONG = ("08_snapshot_and_restore", "09_upgrade")  # each killed in a process of its own

Results = Mapping[str, Mapping[str, Any]]


class Execution:
    """A process that executes notebooks one after the other, some killed at every cell; it writes to files."""

    def __init__(self, sandbox: Mapping[str, str], folder: Path, *arguments: str) -> None:
        """Start it."""
        command = [sys.executable, "-m", "tests.notebooks.kills", *arguments]
        environment = {**os.environ, **sandbox, "PYTHONPATH": str(PROJECT)}
        self.said, self.errors = (tempfile.TemporaryFile("w+", dir=folder) for _ in range(2))  # noqa: SIM115  # for its time
        self.process = subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=self.said, stderr=self.errors)

    def close(self) -> None:
        """End it where it still runs."""
        self.process.kill()
        self.process.wait()
        self.said.close()
        self.errors.close()

    def results(self) -> list[dict[str, Any]]:
        """What came of each notebook."""
        code = self.process.wait(MINUTES * 60)
        self.said.seek(0)
        self.errors.seek(0)
        assert 0 == code, self.errors.read()
        return [json.loads(line) for line in self.said]


@pytest.fixture(scope="module")
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Results, Results]:
    """Undisturbed, and killed at every cell.

    Without --all: some notebooks, killed at the cells that apply a plan.
    """
    folder = tmp_path_factory.mktemp("kills")
    if request.config.getoption("--all"):
        return _all(folder)
    arguments = [*SOME, "--killed", *SOME, "--applying", "--compared"]
    with closing(Execution(request.getfixturevalue("sandbox"), folder, *arguments)) as execution:
        found = execution.results()
    return by_name(found[: len(SOME)]), by_name(found[len(SOME) :])


def _all(folder: Path) -> tuple[Results, Results]:
    """At once, each in a sandbox of its own. The drill takes as long as all others."""
    others = [name for name in NAMES if name not in LONG]
    making = NAMES[: NAMES.index(LONG[0])]
    executions = [NAMES, [*others, "--killed", *others], *([*making, name, "--killed", name] for name in LONG)]
    with ExitStack() as stack:
        begun = [
            stack.enter_context(closing(Execution(stack.enter_context(new_sandbox()).environment, folder, *arguments)))
            for arguments in executions
        ]
        undisturbed, killed, *long = (by_name(one.results()) for one in begun)
        return undisturbed, {**killed, **{name: found for one in long for name, found in one.items() if name in LONG}}


def by_name(found: Sequence[Mapping[str, Any]]) -> Results:
    """What came of each notebook, by name."""
    return {one["name"]: one for one in found}


@pytest.mark.parametrize("name", CASES)
def test_the_end_state_is_that_of_an_undisturbed_run(both: tuple[Results, Results], name: str) -> None:
    """Resources, settings and rows: nothing is missing, nothing is there twice."""
    undisturbed, killed = both[0][name], both[1][name]
    assert ("", "") == (undisturbed["error"], killed["error"])
    assert {"killed"} >= {end[-1] for end in killed["ends"]}
    assert undisturbed["state"] == killed["state"]


@pytest.mark.parametrize("name", CASES)
def test_a_notebook_that_has_passed_can_be_checked(both: tuple[Results, Results], name: str) -> None:
    """Its preflight and verify cells hold by themselves, without those that plan and apply."""
    assert "" == both[1][name]["check"]
