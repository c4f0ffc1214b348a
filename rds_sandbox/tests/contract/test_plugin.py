"""The pytest plugin, in a project that is not this one."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[1] / "example"


def test_another_project_tests_against_the_sandbox(tmp_path: Path) -> None:
    """Its test asks for the fixture, and passes, where nothing of our tests is in sight."""
    shutil.copytree(EXAMPLE, tmp_path / "example")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=tmp_path / "example", capture_output=True, text=True, timeout=120)
    assert done.stdout.splitlines()[-1].startswith("1 passed"), done.stdout
