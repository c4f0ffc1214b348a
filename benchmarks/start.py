"""How long until there is a database: the sandbox's whole stack, and its bare parts."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.compare import ROUNDS, compare
from rds_sandbox import down, find
from rds_sandbox.postgres import find_programs

SANDBOX = "bench"
MOTO = """
from urllib.request import urlopen
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
host, port = server.get_host_and_port()
urlopen(f"http://{host}:{port}/moto-api/data.json").read()
"""


def lines(tiny: bool = False) -> Iterator[str]:
    """The whole stack beside its parts."""
    yield compare("sandbox up, instance available : initdb, pg_ctl, moto", ours, bare, 2.0, 1 if tiny else ROUNDS)


def ours() -> float:
    """Seconds from `cruddur-ops sandbox up` until an instance is available."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-m", "cruddur_ops", "sandbox", "up", "--name", SANDBOX], check=True, capture_output=True)
    _create_instance()
    elapsed = time.monotonic() - began
    down(SANDBOX)
    return elapsed


def _create_instance() -> None:
    rds = find(SANDBOX).client("rds")
    rds.create_db_instance(
        DBInstanceIdentifier="bench",
        DBInstanceClass="db.t4g.micro",
        Engine="postgres",
        AllocatedStorage=20,
        MasterUsername="bench",
        ManageMasterUserPassword=True,
        BackupRetentionPeriod=0,
    )
    while rds.describe_db_instances()["DBInstances"][0]["DBInstanceStatus"] != "available":
        time.sleep(0.01)


def bare() -> float:
    """Seconds for initdb, `pg_ctl start` and moto's own server, one after the other."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    folder.chmod(0o755)
    programs = find_programs(folder)
    data = folder / "server"
    data.mkdir()
    subprocess.run(["chown", f"{programs.account.uid}:{programs.account.gid}", data], check=True)
    control_arguments = ["--pgdata", str(data / "data"), "--log", str(data / "log"), "--silent"]
    began = time.monotonic()
    programs.run("initdb", "--pgdata", str(data / "data"))
    programs.run("pg_ctl", "start", *control_arguments, "--options", f"-k {data} -h ''", stdin=subprocess.DEVNULL)
    subprocess.run([sys.executable, "-c", MOTO], check=True, capture_output=True)
    elapsed = time.monotonic() - began
    programs.run("pg_ctl", "stop", *control_arguments, "--mode", "immediate")
    shutil.rmtree(folder, ignore_errors=True)
    return elapsed
