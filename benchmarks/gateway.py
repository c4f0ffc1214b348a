"""What the way to a DB instance costs: through its gateway with TLS, and by the Unix socket of the very same server."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg

import rds_sandbox
from benchmarks.compare import Measure, compare
from benchmarks.instances import Instance, connect, create, run

ANSWERS = {"10 B": 10, "16 kB": 16_000, "400 kB": 400_000}
MOST = 2.5
# pgbench's transactions a second, at least this part of those by the socket.
SHARES = {"select only": (0.5, ["--select-only"]), "TPC-B": (0.6, [])}
ROUNDS = 3
COPY_BYTES = 100_000_000


def lines(tiny: bool = False) -> Iterator[str]:
    """Single queries, ten clients, and a big copy."""
    rounds, seconds, size = (1, 1, 100_000) if tiny else (ROUNDS, 4, COPY_BYTES)
    with rds_sandbox.sandbox() as it, tempfile.TemporaryDirectory(dir="/tmp") as folder:
        found = create(it, "bench")
        for name, size_of_answer in ANSWERS.items():
            yield _queries(name, found, size_of_answer, 20 if tiny else 400, rounds)
        run("pgbench", "--initialize", "--quiet", way=found.socket)
        for name, (share, options) in SHARES.items():
            title = f"pgbench -c 10, {name}, a transaction : by the Unix socket"
            ours, theirs = (_pgbench(way, *options, "--time", str(seconds)) for way in (found.gateway, found.socket))
            yield compare(title, ours, theirs, 1 / share, rounds)
        yield _copy(found, Path(folder), size, rounds)


def _queries(name: str, found: Instance, size: int, count: int, rounds: int) -> str:
    def measure(connection: psycopg.Connection[Any]) -> float:
        began = time.perf_counter()
        for _ in range(count):
            connection.execute("SELECT repeat('x', %s)", [size], prepare=True).fetchone()
        return (time.perf_counter() - began) / count

    with connect(found.gateway) as ours, connect(found.socket) as theirs:
        title = f"a query, answer of {name}, through the gateway : Unix socket"
        return compare(title, lambda: measure(ours), lambda: measure(theirs), MOST, rounds + 2)


def _pgbench(way: Mapping[str, str], *options: str) -> Measure:
    """The seconds that a transaction takes of all that ten clients make."""

    def measure() -> float:
        said = run("pgbench", "--client", "10", "--no-vacuum", *options, way=way)
        found = re.search(r"tps = ([\d.]+)", said)
        assert found
        return 1 / float(found[1])

    return measure


def _copy(found: Instance, folder: Path, size: int, rounds: int) -> str:
    rows = size // 100
    file = folder / "rows"
    file.write_text("".join(f"{number}\t{'x' * (98 - len(str(number)))}\n" for number in range(rows)))
    run("psql", "--command", "CREATE TABLE copied (number int, filler text)", way=found.socket)

    def measure(way: Mapping[str, str]) -> float:
        run("psql", "--command", "TRUNCATE copied", way=way)
        began = time.perf_counter()
        run("psql", "--command", f"\\copy copied FROM '{file}'", way=way)
        return time.perf_counter() - began

    title = f"\\copy of {size // 1_000_000} MB, through the gateway : Unix socket"
    return compare(title, lambda: measure(found.gateway), lambda: measure(found.socket), 1.3, rounds)
