"""How long a run of the notebooks takes: ours, and a loop of the papermill command over the same notebooks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.compare import ROUNDS, compare, timed
from cruddur_ops.state import PROJECT
from rds_sandbox import throwaway

RUN = [sys.executable, "-m", "cruddur_ops", "run"]
ALL = sorted((PROJECT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
DEFAULT = [path for path in ALL if path.stem[:2] <= "06"]
MOST_BESIDE = 15  # percent of a run that is not spent inside cells


def lines() -> Iterator[str]:
    """A run of all from nothing to nothing, one that finds everything in place, and where the seconds go."""
    with sandbox():
        yield compare("cruddur-ops run --all : loop of papermill commands", timed(lambda: run("--all")), loop(ALL), 0.4, rounds=3)
        yield beside(run("--all"))
        run()
        yield compare("cruddur-ops run, all is in place : loop of papermill commands", timed(run), loop(DEFAULT), 0.4, rounds=3)
        yield beside(run())
    yield f"`make run` with the environment in place, {from_nothing()}"
    yield more("import cruddur_ops", ["-c", "import cruddur_ops"], 60)
    yield more("cruddur-ops --help", ["-m", "cruddur_ops", "--help"], 200)


@contextmanager
def sandbox() -> Iterator[None]:
    """A sandbox in the environment."""
    before = dict(os.environ)
    with throwaway() as variables:
        os.environ.update(variables)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


def run(*arguments: str) -> dict[str, Any]:
    """Run `cruddur-ops run`; what its run.json says, with its folder and the seconds of the whole process."""
    began = time.monotonic()
    done = subprocess.run([*RUN, *arguments], check=True, capture_output=True, text=True)
    whole = time.monotonic() - began
    folder = Path(done.stdout.partition("evidence: ")[2].partition(", seal ")[0])
    record: dict[str, Any] = json.loads((folder / "run.json").read_text())
    return {**record, "folder": folder, "whole": whole}


def loop(paths: Sequence[Path]) -> Any:
    """A measure of the papermill command, once for each of the notebooks."""

    def each() -> None:
        with tempfile.TemporaryDirectory() as folder:
            for path in paths:
                command = [sys.executable, "-m", "papermill", str(path), str(Path(folder) / path.name)]
                subprocess.run(command, check=True, capture_output=True, cwd=path.parent)

    return timed(each)


def beside(record: dict[str, Any]) -> str:
    """How much of a run was not spent inside cells, and on what."""
    inside = sum(cell["seconds"] for step in record["notebooks"] for cell in step["cells"])
    moments = [datetime.fromisoformat(cell["began"]) for step in record["notebooks"] for cell in step["cells"]]
    between = (max(moments) - min(moments)).total_seconds() + record["notebooks"][-1]["cells"][-1]["seconds"] - inside
    share = 100 * (1 - inside / record["whole"])
    return (
        f"  not inside cells: {share:.0f}% of {record['whole']:.1f} s (at most {MOST_BESIDE}%); "
        f"{between:.1f} s of it between the first and the last cell"
    )


def from_nothing() -> str:
    """The seconds of a run with a throwaway sandbox, and where they went."""
    record = run()
    parts = [f"{result['seconds']:.1f} s {result['name']}" for result in record["notebooks"]]
    rest = record["whole"] - sum(result["seconds"] for result in record["notebooks"])
    return f"{record['whole']:.1f} s: {', '.join(parts)}, {rest:.1f} s sandbox and Python"


def more(name: str, arguments: Sequence[str], limit: int) -> str:
    """How many milliseconds Python needs for this, more than for nothing."""

    def seconds(*command: str) -> float:
        return timed(lambda: subprocess.run([sys.executable, *command], check=True, capture_output=True))()

    found = median(seconds(*arguments) - seconds("-c", "pass") for _ in range(2 * ROUNDS))
    return f"{name}: {1000 * found:.0f} ms more than `python -c pass` (at most {limit} ms)"
