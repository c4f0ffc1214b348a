"""Small notebooks, and the real command line that runs them, here or in a process of its own."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

from cruddur_ops import cli, locks
from cruddur_ops.runbook import notebooks, runs
from cruddur_ops.state import PROJECT

PARAMETERS = """\
target: str = "plain"  # where to act
confirm: str = ""  # the DB instance identifier
rows: int = 3  # how many rows
"""
TARGETS = """\
[plain]
protected = false
account_id = "000000000000"
connection_url = "postgresql://nobody@127.0.0.1:1/plain"
[other]
protected = false
[guarded]
account_id = "000000000000"
connection_url = "postgresql://nobody@127.0.0.1:1/guarded"
"""
PROGRAM = """\
import sys
from cruddur_ops.runbook import forkserver
from tests.unit.headless import run_here
forkserver.PRELOAD = "ipykernel.kernelapp"  # the rest takes seconds, and these notebooks need none of it
run_here(sys.argv[1:])
"""
WAIT = "import os, pathlib, time\npathlib.Path('started').write_text(str(os.getpid()))\ntime.sleep(120)"
OUTCOME = "from cruddur_ops.plan import Outcome\n"

T = TypeVar("T")
Cell = tuple[str, str] | str


def write_notebook(folder: Path, name: str, *cells: Cell, parameters: str = PARAMETERS, **metadata: Any) -> Path:
    """A notebook of code cells, each its source, or its tag and its source."""
    pairs = [("parameters", parameters), *(("", cell) if isinstance(cell, str) else cell for cell in cells)]
    document = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}, **metadata},
        "cells": [_cell(number, tag, source) for number, (tag, source) in enumerate(pairs)],
    }
    path = folder / f"{name}.ipynb"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(document))
    return path


def _cell(number: int, tag: str, source: str) -> dict[str, Any]:
    stale = {"output_type": "stream", "name": "stdout", "text": "committed output"}
    return {
        "id": f"cell-{number}",
        "cell_type": "code",
        "metadata": {"tags": [tag]} if tag else {},
        "source": source,
        "execution_count": 1,
        "outputs": [stale],
    }


@dataclass(frozen=True)
class Project:
    """A folder with notebooks/ and targets.toml, in which the command line runs."""

    folder: Path

    def write(self, name: str, *cells: Cell, **options: Any) -> Path:
        """Write a notebook into notebooks/."""
        return write_notebook(self.folder / "notebooks", name, *cells, **options)

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables of the command line's process."""
        targets = self.folder / "targets.toml"
        targets.write_text(TARGETS)
        own = {
            "CRUDDUR_TARGETS": targets,
            "CRUDDUR_STATE_DIR": self.folder / "state",
            "PYTHONPATH": PROJECT,
            "TMPDIR": self.folder,
        }
        return {**os.environ, **{name: str(value) for name, value in own.items()}}

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """Start the command line."""
        command = [sys.executable, "-c", PROGRAM, *arguments]
        environment = {**self.environment, **variables}
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=self.folder, env=environment, stdout=pipe, stderr=pipe, text=True)

    def run(self, *arguments: str, output: type[io.StringIO] = io.StringIO, **variables: str) -> Finished:
        """Run the command line to its end, in this process."""
        return here(lambda: run_here(arguments), self.folder, {**self.environment, **variables}, output)

    def records(self) -> list[dict[str, Any]]:
        """What each run.json says, oldest first."""
        return [json.loads(path.read_text()) for path in sorted(self.folder.glob("runs/*/run.json"))]


def run_here(arguments: Sequence[str]) -> None:
    """Be the command line, on the notebooks of the working folder; no target is locked, since that needs AWS or a database."""
    with (
        patch.object(notebooks, "NOTEBOOKS", Path("notebooks").absolute()),
        patch.object(runs, "RUNS", Path("runs").absolute()),
        patch.object(locks, "held", lambda *_: contextlib.nullcontext(locks.Hold())),
    ):
        cli.main(arguments, prog_name="cruddur-ops")


@dataclass(frozen=True)
class Finished:
    """How a process ended."""

    code: int
    stdout: str
    stderr: str


def here(
    work: Callable[[], object], folder: Path, environment: Mapping[str, str], output: type[io.StringIO] = io.StringIO
) -> Finished:
    """Do the work of a process in this one, which has imported everything, and has a fork server."""
    code: Any = 0
    with contextlib.ExitStack() as stack:
        stdout = stack.enter_context(contextlib.redirect_stdout(output()))
        stderr = stack.enter_context(contextlib.redirect_stderr(io.StringIO()))
        stack.enter_context(contextlib.chdir(folder))
        stack.enter_context(patch.dict(os.environ, environment))
        try:
            work()
        except SystemExit as end:
            code = end.code
    return Finished(code, stdout.getvalue(), stderr.getvalue())


def finish(process: subprocess.Popen[str]) -> Finished:
    """Wait for the process."""
    stdout, stderr = process.communicate(timeout=600)
    return Finished(process.returncode, stdout, stderr)


def until(found: Callable[[], T], seconds: float = 60) -> T:
    """Wait until the answer is true, and return it."""
    deadline = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
    return answer


def alive(process: int) -> bool:
    """Whether the process exists, and is no zombie."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


class Running:
    """A run on its way, and the kernel of its notebook."""

    def __init__(self, process: subprocess.Popen[str], kernel: int) -> None:
        """Remember both."""
        self.process = process
        self.kernel = kernel
