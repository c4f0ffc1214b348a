"""DB instances to measure on, by plain boto3: how a client of the gateway connects, and one of the server behind it."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg
from psycopg import conninfo

import rds_sandbox
from benchmarks.compare import compare, timed
from rds_sandbox import Sandbox
from rds_sandbox.postgres import find_programs

USER, PASSWORD = "bench", "bench-only"
POLL_SECONDS = 0.01
MIB = 1 << 20


@dataclass(frozen=True)
class Instance:
    """An available DB instance that this machine may connect to."""

    gateway: Mapping[str, str]
    server: Path

    @property
    def socket(self) -> dict[str, str]:
        """The variables of libpq for the Unix socket of the server itself."""
        return {**_login(), "PGHOST": str(self.server)}


def create(it: Sandbox, name: str, **changes: Any) -> Instance:
    """One of the smallest class, without backups."""
    rds, ec2, before = it.client("rds"), it.client("ec2"), servers(it)
    request = {
        "DBInstanceIdentifier": name, "Engine": "postgres", "DBInstanceClass": "db.t4g.micro", "AllocatedStorage": 20,
        "MasterUsername": USER, "MasterUserPassword": PASSWORD, "BackupRetentionPeriod": 0, **changes,
    }  # fmt: skip
    rds.create_db_instance(**request)
    found = wait(rds, name, "available")
    rule = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "CidrIp": f"{it.operator_address}/32"}
    groups = ec2.describe_security_groups(GroupIds=[found["VpcSecurityGroups"][0]["VpcSecurityGroupId"]])["SecurityGroups"]
    if not any(each.get("FromPort") == 5432 for each in groups[0]["IpPermissions"]):
        ec2.authorize_security_group_ingress(GroupId=groups[0]["GroupId"], **rule)
    place = {"PGHOST": found["Endpoint"]["Address"], "PGPORT": str(found["Endpoint"]["Port"])}
    tls = {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": it.environment["PGSSLROOTCERT"]}
    [server] = servers(it) - before
    return Instance({**_login(), **place, **tls}, server)


def _login() -> dict[str, str]:
    return {"PGUSER": USER, "PGPASSWORD": PASSWORD, "PGDATABASE": "postgres"}


def wait(rds: Any, name: str, status: str, version: str = "") -> dict[str, Any]:
    """The instance, once it has this status and, where one is given, a version that begins so."""
    while True:
        found: dict[str, Any] = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
        if found["DBInstanceStatus"] == status and found["EngineVersion"].startswith(version):
            return found
        time.sleep(POLL_SECONDS)


def servers(it: Sandbox) -> set[Path]:
    """The folders of the servers that run."""
    return {path.parent for path in Path(it.environment["PGSSLROOTCERT"]).parent.glob("server-*/.s.PGSQL.5432")}


def memory(server: Path) -> tuple[int, int]:
    """Processes of a server, and the bytes that they have for themselves (PSS of Linux, where shared pages count in part)."""
    leader = psutil.Process(int((server / "data/postmaster.pid").read_text().split()[0]))
    family = [leader, *leader.children(recursive=True)]
    return len(family), sum(each.memory_full_info().pss for each in family)


def connect(way: Mapping[str, str]) -> psycopg.Connection[Any]:
    """Connect this way."""
    names = {"PGHOST": "host", "PGPORT": "port", "PGUSER": "user", "PGPASSWORD": "password", "PGDATABASE": "dbname"}
    names |= {"PGSSLMODE": "sslmode", "PGSSLROOTCERT": "sslrootcert"}
    return psycopg.connect(conninfo.make_conninfo(**{names[key]: value for key, value in way.items()}), autocommit=True)


def run(program: str, *arguments: str, way: Mapping[str, str]) -> str:
    """What a client's program prints that connects this way; the wheel's know no TLS, so it is the system's."""
    found = shutil.which(program)
    if found is None:
        sys.exit(f"{program} is not on this machine: install the client programs of PostgreSQL")
    done = subprocess.run([found, *arguments], check=True, capture_output=True, text=True, env=dict(way))
    return done.stdout


def lines(tiny: bool = False) -> Iterator[str]:
    """The start of an instance, the memory of idle ones, and how many connections one carries."""
    number, rounds, most = (2, 1, 20) if tiny else (50, 3, 1000)
    with rds_sandbox.sandbox() as it, tempfile.TemporaryDirectory(dir="/tmp") as folder:
        names = (f"bench-{count}" for count in itertools.count())
        made: list[Instance] = []
        title = "a DB instance, until it is available : initdb, pg_ctl start"
        yield compare(title, timed(lambda: made.append(create(it, next(names)))), lambda: _bare(Path(folder)), 2.0, rounds)
        began = time.monotonic()
        made += [create(it, next(names)) for _ in range(number - len(made))]
        each = (time.monotonic() - began) / max(1, number - rounds)
        family = [memory(one.server) for one in made]
        own = sum(size for _, size in family) / len(family) / MIB
        processes = family[0][0]
        yield f"{len(made)} DB instances: {each:.2f} s each (at most 1), {processes} processes and {own:.1f} MB each (at most 40)"
        yield f"the sandbox's process with them: {_of_sandbox(it):.0f} MB"
        yield _crowd(it, most)


def _bare(folder: Path) -> float:
    """Seconds of initdb and of the start of what it made."""
    folder.chmod(0o755)
    programs = find_programs(folder)
    data = Path(tempfile.mkdtemp(dir=folder))
    shutil.chown(data, programs.account.uid, programs.account.gid)
    control = ["--pgdata", str(data / "data"), "--log", str(data / "log"), "--silent"]
    began = time.perf_counter()
    programs.run("initdb", "--pgdata", str(data / "data"))
    programs.run("pg_ctl", "start", *control, "--options", f"-k {data} -h ''", stdin=subprocess.DEVNULL)
    elapsed = time.perf_counter() - began
    programs.run("pg_ctl", "stop", *control, "--mode", "immediate")
    return elapsed


def _of_sandbox(it: Sandbox) -> float:
    """The megabytes that its own process has for itself."""
    port = urlsplit(it.environment["AWS_ENDPOINT_URL"]).port
    [process] = {each.pid for each in psutil.net_connections("tcp") if each.status == "LISTEN" and each.laddr[1] == port}
    return float(psutil.Process(process).memory_full_info().pss / MIB)


def _crowd(it: Sandbox, most: int) -> str:
    """As many connections as the class allows at once, each of which asks something."""
    it.client("rds").create_db_parameter_group(
        DBParameterGroupName="many", DBParameterGroupFamily="postgres18", Description="bench"
    )
    value = {"ParameterName": "max_connections", "ParameterValue": str(most + 10), "ApplyMethod": "pending-reboot"}
    it.client("rds").modify_db_parameter_group(DBParameterGroupName="many", Parameters=[value])
    found = create(it, "crowded", DBParameterGroupName="many")
    began = time.monotonic()
    with ExitStack() as stack:
        made = [stack.enter_context(connect(found.gateway)) for _ in range(most)]
        answered = sum(connection.execute("SELECT 1").fetchone() == (1,) for connection in made)
        seconds, size = time.monotonic() - began, _of_sandbox(it)
    return f"{answered} connections at once through a gateway, in {seconds:.0f} s; the sandbox's process then: {size:.0f} MB"
