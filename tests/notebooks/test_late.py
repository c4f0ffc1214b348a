"""All notebooks pass where AWS answers as on a real day: late, throttled, some answers lost after the work was done."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from cruddur_ops.state import PROJECT
from tests.notebooks.in_process import LONG, NAMES

SEEDS = [str(number) for number in range(1, 21)]
SOME = SEEDS[:2]
CASES = [seed if seed in SOME else pytest.param(seed, marks=pytest.mark.thorough) for seed in SEEDS]


@pytest.fixture(scope="module")
def errors(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Mapping[str, str]]:
    """The error of each notebook, by seed; with --all every second seed in a process of its own, since each is mostly waiting."""
    folder = tmp_path_factory.mktemp("late")
    if request.config.getoption("--all"):
        begun = [begin(SEEDS[number::2], folder / str(number)) for number in range(2)]
    else:
        begun = [begin(["--quick", *SOME], folder, **request.getfixturevalue("sandbox"))]
    said = [process.communicate() for process in begun]
    assert {0} == {process.returncode for process in begun}, said
    return {found["seed"]: found["errors"] for output, _ in said for found in map(json.loads, output.splitlines())}


def begin(arguments: Sequence[str], folder: Path, **variables: str) -> subprocess.Popen[str]:
    """Run the notebooks for these seeds, one after the other."""
    own = {"IPYTHONDIR": str(folder), "MPLBACKEND": "agg", "PYTHONPATH": str(PROJECT), **variables}
    command = [sys.executable, "-m", "tests.notebooks.in_process", *arguments]
    return subprocess.Popen(command, cwd=PROJECT, env=os.environ | own, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("seed", CASES)
def test_all_notebooks_pass(errors: Mapping[str, Mapping[str, str]], seed: str) -> None:
    """What failed is repeated by `rds-sandbox up --realistic --seed SEED`."""
    assert dict.fromkeys(errors[seed], "") == errors[seed]
    assert {*NAMES} - LONG <= errors[seed].keys()
