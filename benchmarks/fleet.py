"""How long a fleet takes: how well AWS's waits overlap, twenty targets beside one, and what Dask adds for one."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import rds_sandbox
from cruddur_ops.state import PROJECT
from rds_sandbox import Sandbox

OPS = [sys.executable, "-m", "cruddur_ops"]
ADDED_SECONDS, OF_LONGEST = 3, 2.5  # at most
WAITS, STATUSES = 60, 3  # seconds in all of a creation, and the statuses that the sandbox has of one
FIRST = "t01"
EACH = '[t{0:02}]\nsandbox = true\ndb_instance_identifier = "fleet-{0:02}"\n'


@dataclass(frozen=True)
class Measured:
    """A command: its seconds, the CPU seconds of its processes, and the longest of its targets."""

    seconds: float
    cpu: float
    longest: float = 0.0


def lines(tiny: bool = False) -> Iterator[str]:
    """Twenty targets that wait for AWS while they are made; the same unchanged, beside one; and what the fleet adds for one."""
    count, rounds, notebooks = (2, 1, ["00"]) if tiny else (20, 3, ["01", "02", "03"])
    with targets(count) as it:
        it.simulate("delay", seconds=str(WAITS / STATUSES))
        waits = fleet(notebooks[0])
        yield (
            f"{count} targets that wait for AWS, {WAITS} s each, at a concurrency of {count}: {waits.seconds:.1f} s,"
            f" {waits.seconds / waits.longest:.2f} of the longest, {waits.longest:.1f} s (at most {OF_LONGEST});"
            f" {waits.cpu / count:.1f} CPU seconds each"
        )
        it.simulate("delay", seconds="0.02")
        if not tiny:
            fleet(*notebooks[1:])
        many = fleet(*notebooks)
        one = median(ops("run", *notebooks, "--target", FIRST).seconds for _ in range(rounds))
        yield (
            f"{count} targets, nothing to do: {many.seconds:.1f} s, {many.seconds / one / count:.2f} of {count} times one"
            f" ({one:.1f} s); {many.cpu / count:.1f} CPU seconds each"
        )
        direct = median(ops("run", "00", "--target", FIRST).seconds for _ in range(rounds))
        by_fleet = median(fleet("00", of=FIRST).seconds for _ in range(rounds))
        yield f"one target by the fleet: {by_fleet - direct:.1f} s more than by `run` (at most {ADDED_SECONDS} s)"


@contextmanager
def targets(count: int) -> Iterator[Sandbox]:
    """A sandbox in the environment, with so many targets to create."""
    with tempfile.TemporaryDirectory() as folder, rds_sandbox.sandbox() as it, it.exported():
        file = Path(folder) / "targets.toml"
        file.write_text("".join(EACH.format(number) for number in range(1, count + 1)))
        own = {"CRUDDUR_TARGETS": str(file), "CRUDDUR_RUNS": str(Path(folder) / "runs")}
        os.environ.update(own)
        try:
            yield it
        finally:
            for name in own:
                del os.environ[name]


def ops(*arguments: str) -> Measured:
    """Run the command line."""
    began, before = time.monotonic(), _cpu()
    done = subprocess.run([*OPS, *arguments], cwd=PROJECT, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(arguments)}: {done.stdout}{done.stderr}")
    return Measured(time.monotonic() - began, _cpu() - before)


def fleet(*notebooks: str, of: str = "t*") -> Measured:
    """Run a fleet, the canary first, and read how long its targets took."""
    found = ops("fleet", "run", *notebooks, "--targets", of, "--max-concurrency", "20")
    newest = max(Path(os.environ["CRUDDUR_RUNS"]).glob("*-fleet*/results.jsonl"), key=lambda path: path.stat().st_mtime)
    reports: list[dict[str, Any]] = [json.loads(line) for line in newest.read_text().splitlines()]
    return Measured(found.seconds, found.cpu, max(report["seconds"] for report in reports))


def _cpu() -> float:
    """The CPU seconds of all children that have ended, and theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
