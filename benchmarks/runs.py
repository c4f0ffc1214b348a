"""How long a run of the notebooks takes: ours, and a loop of the papermill command over the same notebooks."""

from __future__ import annotations

import json
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

import rds_sandbox
from benchmarks.compare import compare, timed
from cruddur_ops.state import PROJECT

RUN = [sys.executable, "-m", "cruddur_ops", "run"]
ALL = sorted((PROJECT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
DEFAULT = [path for path in ALL if path.stem[:2] <= "06"]
MOST = 0.5  # of what the loop takes


def lines(tiny: bool = False) -> Iterator[str]:
    """A run of all from nothing to nothing, one that finds everything in place, and where the seconds go.

    Tiny, it is a run of 00 instead, once.
    """
    every, usual, rounds = (["00"], ["00"], 1) if tiny else (["--all"], [], 3)
    with sandbox():
        yield _beside_loop(" --all", every, DEFAULT[:1] if tiny else ALL, rounds)
        yield beside(run(*every))
        run(*usual)
        yield _beside_loop(", all is in place", usual, DEFAULT[:1] if tiny else DEFAULT, rounds)
        yield beside(run(*usual))
    yield f"`make run` with the environment in place, {from_nothing(usual)}"
    yield more("import cruddur_ops", ["-c", "import cruddur_ops"], 60, rounds)
    yield more("cruddur-ops --help", ["-m", "cruddur_ops", "--help"], 200, rounds)


def _beside_loop(name: str, arguments: Sequence[str], paths: Sequence[Path], rounds: int) -> str:
    title = f"cruddur-ops run{name} : loop of papermill commands"
    return compare(title, timed(lambda: run(*arguments)), loop(paths), MOST, rounds)


@contextmanager
def sandbox() -> Iterator[None]:
    """A sandbox in the environment."""
    with rds_sandbox.sandbox() as it, it.exported():
        yield


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
        f"  not inside cells: {share:.0f}% of {record['whole']:.1f} s; {between:.1f} s of it between the first and the last cell"
    )


def from_nothing(arguments: Sequence[str]) -> str:
    """The seconds of a run with a throwaway sandbox, and where they went."""
    record = run(*arguments)
    parts = [f"{result['seconds']:.1f} s {result['name']}" for result in record["notebooks"]]
    rest = record["whole"] - sum(result["seconds"] for result in record["notebooks"])
    return f"{record['whole']:.1f} s: {', '.join(parts)}, {rest:.1f} s sandbox and Python"


def more(name: str, arguments: Sequence[str], limit: int, rounds: int) -> str:
    """How many milliseconds Python needs for this, more than for nothing."""

    def seconds(*command: str) -> float:
        return timed(lambda: subprocess.run([sys.executable, *command], check=True, capture_output=True))()

    found = median(seconds(*arguments) - seconds("-c", "pass") for _ in range(2 * rounds + 1))
    return f"{name}: {1000 * found:.0f} ms more than `python -c pass` (at most {limit} ms)"
