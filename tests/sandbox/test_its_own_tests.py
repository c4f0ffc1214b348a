"""The sandbox has tests of its own, `make -C rds_sandbox test`; here some of them, which take less than a third of their time."""

from __future__ import annotations

import subprocess
import sys

import pytest

from cruddur_ops.state import PROJECT

PART = "tests/unit"


def test_a_part_of_them(pytestconfig: pytest.Config) -> None:
    """Whoever changes the sandbox while working here is told at once."""
    if pytestconfig.getoption("--all"):
        pytest.skip("`make test-all` runs all of them")
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:nbval", "--hypothesis-profile", "some"]
    command = [sys.executable, "-m", "pytest", *options, PART]
    done = subprocess.run(command, cwd=PROJECT / "rds_sandbox", capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stdout
