"""A major upgrade of a database of 1 GB: ModifyDBInstance, and a bare pg_upgrade of a server with the same data."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import rds_sandbox
from benchmarks.compare import compare
from benchmarks.instances import connect, create, wait
from benchmarks.restore import FILLING, GIBIBYTE
from rds_sandbox import Sandbox
from rds_sandbox.postgres import Programs, find_programs

DEBIAN = Path("/usr/lib/postgresql")
NAME = "bench"


def lines(tiny: bool = False) -> Iterator[str]:
    """Where another major is on this machine: Debian's is looked for."""
    rows = 1000 if tiny else GIBIBYTE
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        new = find_programs(folder)
        found = sorted(path for path in DEBIAN.glob("[0-9]*/bin") if (path / "pg_upgrade").exists())
        olds = [each for each in (Programs(path, new.account) for path in found) if 15 <= each.major() < new.major()]
        if not olds:
            yield "a major upgrade: there is one major of PostgreSQL on this machine, so that none was measured"
            return
        title = f"major upgrade of {rows / GIBIBYTE:g} GiB, {olds[0].major()} to {new.major()} : pg_upgrade"
        yield compare(title, lambda: ours(olds[0], new, rows), lambda: bare(olds[0], new, folder, rows), 1.5, 1)


def ours(old: Programs, new: Programs, rows: int) -> float:
    """Seconds from ModifyDBInstance until the new major is available; without backups, hence without snapshots."""
    with rds_sandbox.sandbox() as it:
        found = create(it, NAME, EngineVersion=str(old.major()))
        with connect(found.gateway) as connection:
            connection.execute(FILLING.format(rows))
        return _upgraded(it, new.major())


def _upgraded(it: Sandbox, major: int) -> float:
    rds, began = it.client("rds"), time.perf_counter()
    rds.modify_db_instance(
        DBInstanceIdentifier=NAME, EngineVersion=str(major), AllowMajorVersionUpgrade=True, ApplyImmediately=True
    )
    wait(rds, NAME, "available", str(major))
    return time.perf_counter() - began


def bare(old: Programs, new: Programs, folder: Path, rows: int) -> float:
    """Seconds of stop, initdb, pg_upgrade as it is by default, and start."""
    place = Path(tempfile.mkdtemp(dir=folder))
    shutil.chown(place, new.account.uid, new.account.gid)
    options = ["--username", "bench", "--encoding", "UTF8", "--locale", "C", "--data-checksums"]
    data = {old: place / "old", new: place / "new"}
    old.run("initdb", "--pgdata", str(data[old]), *options)
    _control(old, "start", data[old])
    with connect({"PGHOST": str(place), "PGUSER": "bench", "PGDATABASE": "postgres"}) as connection:
        connection.execute(FILLING.format(rows))
    began = time.perf_counter()
    _control(old, "stop", data[old])
    new.run("initdb", "--pgdata", str(data[new]), *options)
    where = ["-b", str(old.folder), "-B", str(new.folder), "-d", str(data[old]), "-D", str(data[new]), "-s", str(place)]
    new.run("pg_upgrade", *where, "-U", "bench", cwd=place)
    _control(new, "start", data[new])
    elapsed = time.perf_counter() - began
    _control(new, "stop", data[new])
    shutil.rmtree(place)
    return elapsed


def _control(programs: Programs, verb: str, data: Path) -> None:
    more = ["--options", f"-k {data.parent} -h ''", "--log", f"{data}.log"] if verb == "start" else []
    programs.run("pg_ctl", verb, "--pgdata", str(data), "--silent", "--wait", *more, stdin=subprocess.DEVNULL)
