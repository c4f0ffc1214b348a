"""Killed at any cell and resumed, every notebook comes to the state of an undisturbed run; and its checks hold then."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from cruddur_ops.runbook.notebooks import NOTEBOOKS
from cruddur_ops.sandbox.control import throwaway
from cruddur_ops.state import PROJECT

NAMES = [path.stem for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))]

Results = Mapping[str, Mapping[str, Any]]


def start(sandbox: Mapping[str, str], *options: str) -> subprocess.Popen[str]:
    """All notebooks, one after the other."""
    command = [sys.executable, "-m", "tests.notebooks.kills", *options, *NAMES]
    environment = {**os.environ, **sandbox, "PYTHONPATH": str(PROJECT)}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=pipe, stderr=pipe, text=True)


def finish(process: subprocess.Popen[str]) -> Results:
    """What came of each notebook."""
    stdout, stderr = process.communicate(timeout=1200)
    assert 0 == process.returncode, stderr
    return {found["name"]: found for found in map(json.loads, stdout.splitlines())}


@pytest.fixture(scope="module")
def both() -> tuple[Results, Results]:
    """Undisturbed, and killed at every cell: side by side, on a sandbox each."""
    with throwaway() as first, throwaway() as second:
        undisturbed, killed = start(first, "--undisturbed"), start(second)
        return finish(undisturbed), finish(killed)


@pytest.mark.parametrize("name", NAMES)
def test_the_end_state_is_that_of_an_undisturbed_run(both: tuple[Results, Results], name: str) -> None:
    """Resources, settings and rows: nothing is missing, nothing is there twice."""
    undisturbed, killed = both[0][name], both[1][name]
    assert ("", "") == (undisturbed["error"], killed["error"])
    assert killed["kills"] > 0
    assert undisturbed["state"] == killed["state"]


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_that_has_passed_can_be_checked(both: tuple[Results, Results], name: str) -> None:
    """Its preflight and verify cells hold by themselves, without those that plan and apply."""
    assert ("", "") == (both[0][name]["check"], both[1][name]["check"])
