"""The outputs that are committed in the notebooks are those of a run on a fresh sandbox."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from cruddur_ops.runbook.notebooks import DEFAULT, NOTEBOOKS
from cruddur_ops.state import PROJECT

NAMES = sorted(path.stem for path in NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))


def code_cells(name: str) -> Iterator[Mapping[str, Any]]:
    """The cells of code of a notebook."""
    document = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text())
    return (cell for cell in document["cells"] if cell["cell_type"] == "code")


def shows(source: str) -> bool:
    """Whether a cell has something to show: it ends in an expression, or it prints."""
    if source.startswith("%%"):
        return True
    lines = [line for line in source.splitlines() if not line.startswith("%load_ext")]
    magic = [line for line in lines if line.startswith("%")]
    statements = ast.parse("\n".join(line for line in lines if line not in magic)).body
    return bool(magic) or "print(" in source or bool(statements and isinstance(statements[-1], ast.Expr))


@pytest.mark.parametrize("name", NAMES)
def test_what_shows_something_has_outputs(name: str) -> None:
    """nbval compares nothing where outputs were stripped; where some are missing: `make outputs`."""
    cells = ["".join(cell["source"]) for cell in code_cells(name) if not cell["outputs"]]
    assert [] == [source for source in cells if shows(source)]


def test_strict_nbval(sandbox: Mapping[str, str], tmp_path: Path, pytestconfig: pytest.Config) -> None:
    """Every output of every cell of what runs by default, or of all; where one differs with good reason: `make outputs`.

    With --all each kernel is an interpreter of its own; else all come from a fork server, as those of a run.
    """
    everything = pytestconfig.getoption("--all")
    names = [name for name in NAMES if everything or name.startswith(DEFAULT)]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval", "--nbval-current-env"]
    command += [] if everything else ["-p", "tests.notebooks.forked"]
    command += [str(NOTEBOOKS / f"{name}.ipynb") for name in names]
    environment = {**os.environ, **sandbox, "IPYTHONDIR": str(tmp_path / "ipython")}
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stdout
