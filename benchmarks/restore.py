"""Snapshot and restore of a database of 1 GiB: the sandbox's, and a bare pg_basebackup and the start of its copy."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from psycopg import sql

from benchmarks.compare import compare
from benchmarks.databases import Databases, databases
from benchmarks.runs import sandbox
from cruddur_ops import database, network, rds, targets
from cruddur_ops.database.connection import connect
from cruddur_ops.rds.replicas import plan_delete
from cruddur_ops.rds.snapshots import plan_delete_snapshot
from cruddur_ops.target import Target

# Rows that are too short to be compressed; a million of them are 1 GiB.
FILLING = sql.SQL(
    "CREATE TABLE filling AS SELECT number, repeat(md5(number::text), 31) AS filler FROM generate_series(1, {}) AS number"
)
GIBIBYTE, ROUNDS = 1_000_000, 3
SNAPSHOT, COPY = "bench-snapshot", "bench-copy"


def lines(tiny: bool = False) -> Iterator[str]:
    """Both with the same data."""
    rows, rounds = (1000, 1) if tiny else (GIBIBYTE, ROUNDS)
    title = f"snapshot and restore of {rows / GIBIBYTE:g} GiB : pg_basebackup, pg_ctl"
    with sandbox(), databases() as found:
        target = instance()
        for one in (target, found.make("bench")):
            with connect(one) as connection:
                connection.execute(FILLING.format(rows))
        yield compare(title, lambda: ours(target), lambda: bare(found), 1.5, rounds)


def instance() -> Target:
    """A DB instance with a database; without automated backups, which bare has none of either."""
    target = targets.load("local", backup_retention_period=0)
    rds.plan_group(target).apply()
    rds.plan_instance(target).apply()
    network.plan_access(target).apply()
    database.plan_create(target).apply()
    return target


def ours(target: Target) -> float:
    """Seconds from the request for the snapshot until the restored instance is available."""
    began = time.monotonic()
    rds.plan_snapshot(target, SNAPSHOT).apply()
    rds.plan_restore(target, SNAPSHOT, COPY).apply()
    elapsed = time.monotonic() - began
    plan_delete(target, COPY).apply()
    plan_delete_snapshot(target, SNAPSHOT).apply()
    return elapsed


def bare(found: Databases) -> float:
    """Seconds of pg_basebackup from a server with the same data, and of the copy's start."""
    server = found.server
    with tempfile.TemporaryDirectory(dir=server.folder, ignore_cleanup_errors=True) as name:
        copy, log = Path(name) / "data", Path(name) / "log"
        subprocess.run(["chown", str(server.programs.account.uid), name], check=True)
        environment = {**os.environ, "PGPASSWORD": server.password}
        began = time.monotonic()
        connection = ["--host", str(server.folder), "--username", "rdsadmin"]
        server.programs.run("pg_basebackup", "--pgdata", str(copy), *connection, "--checkpoint=fast", env=environment)
        control = ["--pgdata", str(copy), "--silent"]
        options = ["--options", f"-k {name} -h ''", "--log", str(log)]
        server.programs.run("pg_ctl", "start", *control, *options, stdin=subprocess.DEVNULL)
        elapsed = time.monotonic() - began
        server.programs.run("pg_ctl", "stop", *control, "--mode", "immediate")
    return elapsed
