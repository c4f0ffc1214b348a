"""All notebooks pass where AWS answers as on a real day: late, throttled, some answers lost after the work was done."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping

import pytest

from cruddur_ops.state import PROJECT
from tests.notebooks.in_process import NAMES

SEEDS = [str(number) for number in range(1, 21)]
SOME = SEEDS[:1]
CASES = [seed if seed in SOME else pytest.param(seed, marks=pytest.mark.thorough) for seed in SEEDS]


@pytest.fixture(scope="module")
def errors(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Mapping[str, Mapping[str, str]]:
    """The error of each notebook, by seed."""
    seeds = SEEDS if pytestconfig.getoption("--all") else SOME
    own = {"IPYTHONDIR": str(tmp_path_factory.mktemp("ipython")), "MPLBACKEND": "agg", "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-m", "tests.notebooks.in_process", *seeds]
    done = subprocess.run(command, cwd=PROJECT, env=os.environ | own, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stderr
    return {found["seed"]: found["errors"] for found in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("seed", CASES)
def test_all_notebooks_pass(errors: Mapping[str, Mapping[str, str]], seed: str) -> None:
    """What failed is repeated by `rds-sandbox up --realistic --seed SEED`."""
    assert dict.fromkeys(NAMES, "") == errors[seed]
