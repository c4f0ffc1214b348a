"""Every benchmark works, whatever it measures: once, with little data."""

from __future__ import annotations

import subprocess
import sys

import pytest

from benchmarks.__main__ import MODULES
from cruddur_ops.state import PROJECT


@pytest.mark.parametrize("module", MODULES)
def test_a_benchmark_prints_its_lines(module: str) -> None:
    """Nothing goes to standard error, where nobody watches a bar."""
    command = [sys.executable, "-m", "benchmarks", "--tiny", module]
    finished = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=600)
    assert (0, "") == (finished.returncode, finished.stderr)
    assert len(finished.stdout.splitlines()) > 1


def test_a_mistyped_name_is_told() -> None:
    """Before anything is measured."""
    finished = subprocess.run([sys.executable, "-m", "benchmarks", "fead"], cwd=PROJECT, capture_output=True, text=True)
    assert (1, "") == (finished.returncode, finished.stdout)
    assert finished.stderr.startswith("no benchmark fead: use some of start,")
