"""`python -m tests.notebooks.kills NAME... --killed NAME...`: notebooks, some killed at every cell and resumed.

With `--applying` at the cells alone that apply a plan. With `--compared` all of them undisturbed before that, in the same
sandbox, which is emptied then.

Prints a line of JSON for each notebook: the error of its last execution, how the killed ones ended, the error of
the check of their postconditions then, the seconds, and the state that it left. A kernel is killed
while the cell runs (its first moment, or a little later), and the runner stops there as if it had
been killed too. The next execution is the resumed one: it comes one cell further, so that each cell
is hit where it does its work for the first time.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from botocore import loaders, session

from cruddur_ops.runbook import execution, notebooks
from cruddur_ops.runbook.kernels import Kernel, Kernels
from cruddur_ops.runbook.notebooks import Notebook
from cruddur_ops.runbook.report import Bar
from rds_sandbox import Sandbox
from tests.notebooks.state import state

DELAYS = (0.0, 0.03, 0.1)  # seconds into the cell
SECONDS = 300


class Killer(Bar):
    """Kills the kernel at a cell, counted from 0."""

    def __init__(self, kernel: Kernel, target: int | None) -> None:
        """None kills nothing."""
        super().__init__("", 1)
        self.kernel = kernel
        self.target = target
        self.timer: threading.Timer | None = None

    def cell(self, index: int) -> None:
        """Set the timer."""
        if index == self.target:
            self.timer = threading.Timer(DELAYS[index % len(DELAYS)], self._kill)
            self.timer.start()

    @property
    def process(self) -> Any:
        """The kernel's."""
        return self.kernel.manager.provisioner.process  # type: ignore[union-attr]

    def join(self) -> None:
        """Let the runner die here, where it has not yet, and not while it clears up."""
        if self.timer:
            self.timer.join()

    def _kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGINT)


def execute(notebook: Notebook, folder: Path, target: int | None = None, mode: str = "run") -> str:
    """Execute the notebook once, to its end or to its death; returns what failed."""
    output = folder / notebook.path.name
    output.write_text(json.dumps(notebooks.prepare(notebook.document, mode)))
    try:
        with Kernels(notebook.path.parent) as kernels:
            kernel = kernels.take({})
            killer = Killer(kernel, target)
            try:
                return execution.run(output, {}, kernel, killer, execution.Limits(SECONDS, SECONDS))
            finally:
                killer.join()
    except KeyboardInterrupt:
        return "killed"


def killed(notebook: Notebook, folder: Path, applying: bool) -> list[list[str]]:
    """Kill it at each of its cells of code, one further each time; returns how each execution ended.

    One that was refused, since something of the killed one was still there, is repeated, as an operator would.
    """
    cells = [
        (index, notebooks.tags(cell)) for index, cell in enumerate(notebook.document["cells"]) if cell["cell_type"] == "code"
    ]
    return [_insist(notebook, folder, index) for index, tags in cells if not applying or "apply" in tags]


def _insist(notebook: Notebook, folder: Path, index: int) -> list[str]:
    end = execute(notebook, folder, index)
    return [end] if end == "killed" else [end, execute(notebook, folder, index)]


def results(names: list[str], doomed: list[str], applying: bool) -> Iterator[dict[str, Any]]:
    """What came of each notebook, in order; the doomed ones were killed."""
    chosen = [notebooks.read(path) for path in notebooks.select(notebooks.NOTEBOOKS, notebooks.Selection(names))]
    with tempfile.TemporaryDirectory() as folder:
        for notebook in chosen:
            began = time.monotonic()
            kills = killed(notebook, Path(folder), applying) if notebook.name in doomed else []
            error = execute(notebook, Path(folder))
            check = execute(notebook, Path(folder), mode="check") if kills else ""
            seconds = round(time.monotonic() - began, 1)
            facts = {"name": notebook.name, "ends": kills, "error": error, "check": check, "seconds": seconds}
            yield {**facts, "state": state(os.environ)}


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it for what it starts in the background
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="+")
    parser.add_argument("--killed", nargs="*", default=[])
    parser.add_argument("--applying", action="store_true")
    parser.add_argument("--compared", action="store_true")
    arguments = parser.parse_args()
    session.create_loader = functools.cache(loaders.create_loader)  # as in tests/conftest.py
    if arguments.compared:
        for line in results(arguments.names, [], False):
            print(json.dumps(line), flush=True)
        Sandbox(dict(os.environ)).reset()
    for line in results(arguments.names, arguments.killed, arguments.applying):
        print(json.dumps(line), flush=True)
