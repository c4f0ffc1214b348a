"""The two distributions as others get them: wheels, in an environment that knows nothing of this folder."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cruddur_ops.state import PROJECT

Outcome = tuple[int, str, str]
PIP = ("-m", "pip", "--disable-pip-version-check")


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Outcome]:
    """`cruddur-ops` from its wheel, with the extra `sandbox`: words to exit code, standard output and standard error."""
    folder = tmp_path_factory.mktemp("wheels")
    wheel: list[str | Path] = [sys.executable, *PIP, "wheel", "--quiet", "--no-deps", "--wheel-dir", folder]
    subprocess.run([*wheel, PROJECT, PROJECT / "rds_sandbox"], check=True, timeout=300)
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True, timeout=120)
    install: list[str | Path] = [
        folder / "venv/bin/python",
        *PIP,
        "install",
        "--quiet",
        "--constraint",
        PROJECT / "requirements.lock",
    ]
    subprocess.run([*install, "--find-links", folder, "cruddur-ops[sandbox]"], check=True, timeout=1800, cwd=folder)

    def run(*words: str) -> Outcome:
        clean = {"PATH": "/usr/bin:/bin", "HOME": str(folder)}
        program = folder / "venv/bin/cruddur-ops"
        done = subprocess.run([program, *words], env=clean, cwd=folder, capture_output=True, text=True, timeout=120)
        return done.returncode, done.stdout, done.stderr

    return run


def test_its_sandbox_is_there(command: Callable[..., Outcome]) -> None:
    """The extra brings the server: it comes up, and goes down."""
    assert (0, "the sandbox is up\n", "") == command("sandbox", "up")
    assert command("sandbox", "status")[1].startswith("AWS endpoint ")
    assert (0, "the sandbox is down\n", "") == command("sandbox", "down")


@pytest.mark.parametrize("verb", ["run", "targets", "db status", "rds status", "runs"])
def test_the_runbook_is_elsewhere(command: Callable[..., Outcome], verb: str) -> None:
    """Notebooks and SQL are those of a checkout: a sentence says so, and nothing is done."""
    code, said, told = command(*verb.split())
    assert (2, "", 1) == (code, said, len(told.splitlines()))
    assert told.startswith("cruddur-ops runs from a checkout of its repository")


def test_the_command_says_what_it_is(command: Callable[..., Outcome]) -> None:
    """Help and version need no checkout."""
    assert 0 == command("--help")[0] == command("--version")[0]
