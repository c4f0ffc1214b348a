"""Notebooks in this process, without kernels: cell by cell in one IPython, for tests that run them many times.

`python -m tests.notebooks.in_process SEED...`: all of them, in a realistic sandbox, for each seed; prints a line of JSON for each
seed, with the error of each notebook. `--quick` before the seeds leaves out those that take minutes, and takes the sandbox of
the environment.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from cruddur_ops import garbage, progress
from cruddur_ops.database import connection
from cruddur_ops.runbook import notebooks
from cruddur_ops.runbook.notebooks import NOTEBOOKS, Selection
from rds_sandbox import Sandbox, sandbox

LONG = {"09_upgrade"}
NAMES = [path.stem for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))]


class Notebooks:
    """An IPython that runs the project's notebooks."""

    def __init__(self) -> None:
        """Made once: what it imports is there for all of them."""
        main = sys.modules["__main__"]
        self.shell = InteractiveShell.instance(cache_size=0)  # it collects garbage with what it forgets: 0.2 s for each notebook
        sys.modules["__main__"] = main  # IPython puts its own there, from which multiprocessing could start nothing
        self.shell.user_ns["display"] = print
        self.said = ""  # by the last notebook or cell
        self.again: Callable[[str, str], bool] = lambda error, said: False  # whether a cell that ended so is run once more

    def run(self, *names: str, **parameters: Any) -> dict[str, str]:
        """Run notebooks in order, up to the first failure; the error of each, empty where it passed."""
        found: dict[str, str] = {}
        for path in notebooks.select(NOTEBOOKS, Selection(list(names))):
            found[path.stem] = self._run(json.loads(path.read_text()), parameters)
            self._end()
            if found[path.stem]:
                break
        return found

    def run_code(self, source: str) -> str:
        """Run a cell that stands in no notebook; its error."""
        error = self._run({"cells": [{"cell_type": "code", "source": [source], "metadata": {}}]}, {})
        self._end()
        return error

    def _end(self) -> None:
        """Close what the end of a kernel closes."""
        from sql.connection import Connection as SqlConnection  # brings pandas

        connection.close_sessions()
        if magic := SqlConnection.current:
            magic.internal_connection.close()
            magic.internal_connection.engine.dispose()
            SqlConnection.current, SqlConnection.connections = None, {}
            self.shell.run_line_magic("reload_ext", "cruddur_ops")  # its magic keeps its connection

    def _run(self, document: Mapping[str, Any], parameters: Mapping[str, Any]) -> str:
        self.shell.reset(new_session=False)
        self.said = ""
        for number, (source, tags) in enumerate(_cells(document)):
            error, said = self._cell(source)
            while self.again(error, said):
                error, said = self._cell(source)
            self.said += said
            if error:
                return f"{error}: cell {number}: {source}"
            if "parameters" in tags:
                self.shell.push({name: value for name, value in parameters.items() if name in self.shell.user_ns})
        return ""

    def _cell(self, source: str) -> tuple[str, str]:
        """Its error, and what it says."""
        with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.redirect_stderr(said):
            result = self.shell.run_cell(source)
        error = result.error_before_exec or result.error_in_exec
        return f"{type(error).__name__}: {error}" if error else "", said.getvalue()


def _cells(document: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    for cell in document["cells"]:
        if cell["cell_type"] == "code":
            yield "".join(cell["source"]), cell["metadata"].get("tags", [])


def main() -> None:
    """Run all notebooks for each seed, on one sandbox."""
    progress.FIRST_PAUSE_SECONDS, progress.LONGEST_PAUSE_SECONDS = 0.2, 0.5  # the times of AWS are shortened, too
    garbage.settle()  # as in a kernel
    shell = Notebooks()
    quick = "--quick" in sys.argv
    names = [name for name in NAMES if not (quick and name in LONG)]
    with contextlib.nullcontext(Sandbox(dict(os.environ))) if quick else sandbox() as it, it.exported():
        for seed in sys.argv[2 if quick else 1 :]:
            it.reset()
            it.simulate("realistic", seed=seed)
            print(json.dumps({"seed": seed, "errors": shell.run(*names)}), flush=True)
            it.simulate("ideal")


if __name__ == "__main__":
    main()
