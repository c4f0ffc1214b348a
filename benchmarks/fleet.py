"""How long a fleet takes: twenty targets beside one, what Dask adds for one, and how well AWS's waits overlap."""

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
WAITS, DELAY = 60, 20  # seconds in all of a creation, of which the sandbox has three statuses; and of each
EACH = '[{0}{1:02}]\nsandbox = true\ndb_instance_identifier = "fleet-{0}{1:02}"\n'


@dataclass(frozen=True)
class Measured:
    """A command: its seconds, the CPU seconds of its processes, and the longest of its targets."""

    seconds: float
    cpu: float
    longest: float = 0.0


def lines(tiny: bool = False) -> Iterator[str]:
    """Twenty unchanged targets beside one, the overhead for one, and waits that overlap; tiny, two and without waits."""
    count, notebooks = (2, ["00"]) if tiny else (20, ["01", "02", "03"])
    with targets(count) as it:
        ops("fleet", "run", *notebooks, "--targets", "a*")
        many = fleet(*notebooks, "--targets", "a*", "--max-concurrency", "10")
        one = median(ops("run", *notebooks, "--target", "a01").seconds for _ in range(1 if tiny else 3))
        yield (
            f"{count} targets, nothing to do: {many.seconds:.1f} s, {many.cpu / count:.1f} CPU seconds each;"
            f" {many.seconds / one / count:.2f} of {count} times one ({one:.1f} s)"
        )
        rounds = [
            fleet("00", "--targets", "a01").seconds - ops("run", "00", "--target", "a01").seconds for _ in range(1 if tiny else 3)
        ]
        yield f"one target by the fleet: {median(rounds):.1f} s more than by `run` (at most {ADDED_SECONDS} s)"
        if not tiny:
            it.simulate("delay", seconds=str(DELAY))
        waits = fleet("00" if tiny else "01", "--targets", "b*", "--max-concurrency", "20")
        waited = f"{count} targets that wait for AWS, about {WAITS} s each"
        yield f"{waited}: {waits.seconds:.1f} s, {waits.cpu / count:.1f} CPU seconds each;" + (
            f" {waits.seconds / waits.longest:.2f} of the longest, {waits.longest:.1f} s (at most {OF_LONGEST})"
        )


@contextmanager
def targets(count: int) -> Iterator[Sandbox]:
    """A sandbox in the environment, with so many targets to change and so many to create."""
    with tempfile.TemporaryDirectory() as folder, rds_sandbox.sandbox() as it, it.exported():
        file = Path(folder) / "targets.toml"
        file.write_text("".join(EACH.format(kind, number) for kind in "ab" for number in range(1, count + 1)))
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


def fleet(*arguments: str) -> Measured:
    """Run a fleet, and read how long its targets took."""
    found = ops("fleet", "run", *arguments)
    newest = max(Path(os.environ["CRUDDUR_RUNS"]).glob("*-fleet*/results.jsonl"), key=lambda path: path.stat().st_mtime)
    reports: list[dict[str, Any]] = [json.loads(line) for line in newest.read_text().splitlines()]
    return Measured(found.seconds, found.cpu, max(report["seconds"] for report in reports))


def _cpu() -> float:
    """The CPU seconds of all children that have ended, and theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
