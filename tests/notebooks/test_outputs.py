"""The outputs that are committed in the notebooks are those of a run on a fresh sandbox."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from cruddur_ops.runbook.notebooks import DEFAULT, NOTEBOOKS
from cruddur_ops.state import PROJECT

NAMES = sorted(path.stem for path in NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))


def test_strict_nbval(sandbox: Mapping[str, str], tmp_path: Path, pytestconfig: pytest.Config) -> None:
    """Every output of every cell of what runs by default, or of all; where one differs with good reason: `make outputs`."""
    names = [name for name in NAMES if pytestconfig.getoption("--all") or name.startswith(DEFAULT)]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval", "--nbval-current-env"]
    command += [str(NOTEBOOKS / f"{name}.ipynb") for name in names]
    environment = {**os.environ, **sandbox, "IPYTHONDIR": str(tmp_path / "ipython")}
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stdout
