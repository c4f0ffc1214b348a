"""Clients that nobody wrote for this project: the AWS CLI, psql, a shell, SQLAlchemy; a clean environment each."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
import sqlalchemy

from rds_sandbox import control
from tests.support import PASSWORD, make_client, reset, wait_for, wanted

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Call = Callable[..., dict[str, Any]]

NAME = "an-instance"
ORIGINAL = f"""--db-instance-class db.t3.micro --engine postgres --engine-version 18 --master-username master
    --master-user-password {PASSWORD} --allocated-storage 20 --storage-type gp2 --availability-zone ca-central-1a
    --backup-retention-period 0 --port 5432 --no-multi-az --db-name app --publicly-accessible --storage-encrypted
    --enable-performance-insights --performance-insights-retention-period 7 --no-deletion-protection""".split()
DESCRIBED = {
    "DBInstanceClass": "db.t3.micro",
    "Engine": "postgres",
    "MasterUsername": "master",
    "AllocatedStorage": 20,
    "StorageType": "gp2",
    "AvailabilityZone": "ca-central-1a",
    "BackupRetentionPeriod": 0,
    "MultiAZ": False,
    "DBName": "app",
    "PubliclyAccessible": True,
    "StorageEncrypted": True,
    "PerformanceInsightsEnabled": True,
    "PerformanceInsightsRetentionPeriod": 7,
    "DeletionProtection": False,
}
CLIENT_ERROR = (254, 255)  # the exit code for an error that AWS answers: 254 from version 2 of the AWS CLI, 255 from 1
DRIVER = "import sys, psycopg; print(psycopg.connect(sys.argv[1]).execute(sys.argv[2]).fetchone()[0])"


@pytest.fixture(scope="module")
def clean(sandbox: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Nothing but the sandbox's variables, PATH and an empty home; the sandbox is emptied before and after."""
    reset(sandbox)
    yield {"PATH": os.environ["PATH"], "HOME": str(tmp_path_factory.mktemp("home")), **sandbox}
    reset(sandbox)


@pytest.fixture(scope="module")
def aws(clean: Mapping[str, str]) -> Run:
    """Run the AWS CLI."""
    return lambda *words: run([sys.executable, "-m", "awscli", *words], clean)


@pytest.fixture(scope="module")
def call(aws: Run) -> Call:
    """Run the AWS CLI, which must succeed; return the answer."""

    def answer(*words: str) -> dict[str, Any]:
        finished = aws(*words)
        assert 0 == finished.returncode, finished.stderr
        return json.loads(finished.stdout) if finished.stdout else {}

    return answer


@pytest.fixture(scope="module")
def psql(clean: Mapping[str, str]) -> Run:
    """Run one statement at a URL: by psql where one with TLS is there, else by psycopg in a process of its own."""
    command = ["psql", "-XAt", "-d"] if psql_has_tls(clean) else [sys.executable, "-c", DRIVER]
    separator = ["-c"] if command[0] == "psql" else []
    return lambda url, sql: run([*command, url, *separator, sql], clean)


@pytest.fixture(scope="module")
def instance(call: Call) -> dict[str, Any]:
    """An instance that the AWS CLI made by the original creation command, in the default security group."""
    call("rds", "create-db-instance", "--db-instance-identifier", NAME, *ORIGINAL)
    return available(call, NAME)


@pytest.fixture(scope="module")
def url(instance: Mapping[str, Any]) -> str:
    """Where clients find the instance; PGSSLROOTCERT names the root certificate."""
    endpoint = instance["Endpoint"]
    place = f"{endpoint['Address']}:{endpoint['Port']}"
    return f"postgresql://master:{PASSWORD}@{place}/app?sslmode=verify-full&connect_timeout=5"


@pytest.fixture
def rule(clean: Mapping[str, str], call: Call, instance: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """A rule for the address that the address service answers, for the length of the test."""
    with urlopen(clean["RDS_SANDBOX_CHECKIP_URL"], timeout=10) as answer:
        cidr = f"{answer.read().decode().strip()}/32"
    group = instance["VpcSecurityGroups"][0]["VpcSecurityGroupId"]
    source = ["--group-id", group, "--protocol", "tcp", "--port", "5432", "--cidr", cidr]
    (made,) = call("ec2", "authorize-security-group-ingress", *source)["SecurityGroupRules"]
    yield {"group": group, "id": made["SecurityGroupRuleId"], "cidr": cidr}
    call("ec2", "revoke-security-group-ingress", "--group-id", group, "--security-group-rule-ids", made["SecurityGroupRuleId"])


def run(command: list[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a program with exactly this environment."""
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def psql_has_tls(environment: Mapping[str, str]) -> bool:
    """Whether there is a psql whose libpq has TLS; one without refuses the setting before it connects."""
    if shutil.which("psql", path=environment["PATH"]) is None:
        return False
    return "not compiled in" not in run(["psql", "host=/nowhere sslmode=require"], environment).stderr


def available(call: Call, identifier: str) -> dict[str, Any]:
    """Poll until the instance is available, more often than the CLI's waiter does; return its description."""
    deadline = time.monotonic() + 60
    found: dict[str, Any] = {}
    while found.get("DBInstanceStatus") != "available" and time.monotonic() < deadline:
        (found,) = call("rds", "describe-db-instances", "--db-instance-identifier", identifier)["DBInstances"]
    assert "available" == found["DBInstanceStatus"]
    return found


def test_cli_reads_back_what_it_asked_for(instance: dict[str, Any]) -> None:
    """Every parameter of the original creation command is described as it was sent."""
    assert {name: instance.get(name) for name in DESCRIBED} == DESCRIBED
    assert 5432 == instance["Endpoint"]["Port"]
    assert "18" == instance["EngineVersion"].partition(".")[0]


def test_cli_waiter_finds_it_available(aws: Run, instance: dict[str, Any]) -> None:
    """The CLI's own waiter ends at once."""
    finished = aws("rds", "wait", "db-instance-available", "--db-instance-identifier", NAME)
    assert (0, "", "") == (finished.returncode, finished.stdout, finished.stderr)


def test_psql_times_out_without_a_rule(psql: Run, url: str) -> None:
    """Nobody is admitted by the default security group."""
    finished = psql(url, "SELECT current_user")
    assert finished.returncode != 0
    assert "timeout expired" in finished.stderr


def test_psql_connects_once_authorized(psql: Run, url: str, rule: dict[str, str]) -> None:
    """With the CLI's rule, psql connects with full verification, as the master user."""
    finished = psql(url, "SELECT current_user")
    assert (0, "master\n", "") == (finished.returncode, finished.stdout, finished.stderr)


def test_cli_moves_the_rule(call: Call, psql: Run, url: str, rule: dict[str, str]) -> None:
    """The rule keeps its id, and admits its new source only."""

    def move(cidr: str) -> None:
        values = f"{{IpProtocol=tcp,FromPort=5432,ToPort=5432,CidrIpv4={cidr}}}"
        changed = f"SecurityGroupRuleId={rule['id']},SecurityGroupRule={values}"
        call("ec2", "modify-security-group-rules", "--group-id", rule["group"], "--security-group-rules", changed)

    move("198.51.100.7/32")
    assert "timeout expired" in psql(url, "SELECT 1").stderr
    move(rule["cidr"])
    assert "1\n" == psql(url, "SELECT 1").stdout


def test_cli_modifies_and_deletes(call: Call, aws: Run) -> None:
    """A change shows in the description; after the deletion the instance is not found."""
    name = ["--db-instance-identifier", "short-lived"]
    call("rds", "create-db-instance", *name, *ORIGINAL)
    available(call, name[1])
    call("rds", "modify-db-instance", *name, "--allocated-storage", "30", "--deletion-protection", "--apply-immediately")
    found = available(call, name[1])
    assert (30, True) == (found["AllocatedStorage"], found["DeletionProtection"])
    assert "(InvalidParameterCombination)" in aws("rds", "delete-db-instance", *name, "--skip-final-snapshot").stderr
    call("rds", "modify-db-instance", *name, "--no-deletion-protection", "--apply-immediately")
    available(call, name[1])

    assert "deleting" == call("rds", "delete-db-instance", *name, "--skip-final-snapshot")["DBInstance"]["DBInstanceStatus"]
    call("rds", "wait", "db-instance-deleted", *name)
    missing = aws("rds", "describe-db-instances", *name)
    assert missing.returncode in CLIENT_ERROR
    assert "(DBInstanceNotFound)" in missing.stderr


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--engine-version", "14.6"], "InvalidParameterCombination"),
        (["--db-instance-class", "db.x"], "InvalidParameterValue"),
        (["--vpc-security-group-ids", "sg-0123456789abcdef0"], "InvalidParameterValue"),
        (["--db-subnet-group-name", "nowhere"], "DBSubnetGroupNotFoundFault"),
        (["--db-instance-identifier", NAME], "DBInstanceAlreadyExists"),
    ],
)
def test_cli_shows_the_code_of_wrong_input(aws: Run, instance: dict[str, Any], words: list[str], code: str) -> None:
    """The error code is on standard error, and the exit code says that AWS refused."""
    finished = aws("rds", "create-db-instance", "--db-instance-identifier", "wrong-input", *ORIGINAL, *words)
    assert finished.returncode in CLIENT_ERROR
    assert "" == finished.stdout
    assert f"({code}) when calling the CreateDBInstance operation" in finished.stderr


def test_sqlalchemy_takes_the_plain_url(sandbox: Mapping[str, str], url: str, rule: dict[str, str]) -> None:
    """A standard URL is all that an engine needs."""
    engine = sqlalchemy.create_engine(f"{url}&sslrootcert={sandbox['PGSSLROOTCERT']}")
    with engine.connect() as connection:
        assert "master" == connection.scalar(sqlalchemy.text("SELECT current_user"))
    engine.dispose()


@pytest.fixture
def kept_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A sandbox in the background; the command that asks about it."""
    monkeypatch.setenv("RDS_SANDBOX_STATE_DIR", str(tmp_path))
    control.up("shell")
    yield ["env", f"RDS_SANDBOX_STATE_DIR={tmp_path}", sys.executable, "-m", "rds_sandbox"]
    control.down("shell")


def test_shell_evaluates_the_environment(kept_up: list[str]) -> None:
    """`eval` exports each variable as it is, and takes the shell's own profile and session away."""
    script = 'eval "$("$@")" && env'
    before = {"PATH": os.environ["PATH"], "AWS_PROFILE": "mine", "AWS_SESSION_TOKEN": "mine"}
    finished = run(["sh", "-c", script, "sh", *kept_up, "env", "--name", "shell"], before)

    found = dict(line.split("=", 1) for line in finished.stdout.splitlines())
    expected = control.find("shell").environment
    assert (0, "") == (finished.returncode, finished.stderr)
    assert expected == {name: found.get(name) for name in expected}
    assert {"AWS_PROFILE", "AWS_SESSION_TOKEN"}.isdisjoint(found)


def test_status_names_the_instance(kept_up: list[str]) -> None:
    """The instance is a line with its status and its endpoint."""
    rds = make_client(control.find("shell").environment, "rds")
    rds.create_db_instance(**wanted("named"))
    endpoint = wait_for(rds, "named", "available")["Endpoint"]

    finished = run([*kept_up, "status", "--name", "shell"], {"PATH": os.environ["PATH"]})
    (line,) = [line for line in finished.stdout.splitlines() if line.startswith("DB instance")]
    assert "named (ca-central-1): available, PostgreSQL 18" in line
    assert line.endswith(f", {endpoint['Address']}:{endpoint['Port']}")
