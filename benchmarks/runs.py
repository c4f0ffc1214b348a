"""How long a run of the notebooks takes: ours, and a loop of the papermill command over the same notebooks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cruddur_ops.sandbox.control import throwaway
from cruddur_ops.state import PROJECT

RUN = [sys.executable, "-m", "cruddur_ops", "run"]
NOTEBOOKS = sorted((PROJECT / "notebooks").glob("0[0-4]_*.ipynb"))


@contextmanager
def provisioned() -> Iterator[None]:
    """A sandbox in the environment, on which everything that the notebooks want exists already."""
    before = dict(os.environ)
    with throwaway() as variables:
        os.environ.update(variables)
        try:
            ours()
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


def ours() -> float:
    """Seconds of `cruddur-ops run` over the five notebooks."""
    began = time.monotonic()
    subprocess.run(RUN, check=True, capture_output=True)
    return time.monotonic() - began


def shell_loop() -> float:
    """Seconds of the papermill command, once for each of them."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        for notebook in NOTEBOOKS:
            command = [sys.executable, "-m", "papermill", str(notebook), str(Path(folder) / notebook.name)]
            subprocess.run(command, check=True, capture_output=True, cwd=notebook.parent)
        return time.monotonic() - began


def from_nothing() -> str:
    """The seconds of a run with a throwaway sandbox, and where they went."""
    began = time.monotonic()
    done = subprocess.run(RUN, check=True, capture_output=True, text=True)
    whole = time.monotonic() - began
    folder = Path(done.stdout.partition("evidence: ")[2].strip())
    results = json.loads((folder / "run.json").read_text())["notebooks"]
    parts = [f"{result['seconds']:.1f} s {result['name']}" for result in results]
    rest = whole - sum(result["seconds"] for result in results)
    return f"{whole:.1f} s: {', '.join(parts)}, {rest:.1f} s sandbox and Python"
