"""Where others have what is called alike, one target's notebooks and verbs leave all but that target as it was."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cruddur_ops.state import PROJECT

NUMBER = 12  # of accounts that are drawn


@pytest.mark.thorough  # minutes; two drills and a deployment beside others stand for it in `make test`
def test_all_else_stays_as_it_was(tmp_path: Path) -> None:
    """By what every service describes before and after each notebook and each verb, clocks and last uses aside."""
    own = {"IPYTHONDIR": str(tmp_path), "MPLBACKEND": "agg", "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-m", "tests.notebooks.crowded", str(NUMBER)]
    done = subprocess.run(command, cwd=PROJECT, env=os.environ | own, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stderr
