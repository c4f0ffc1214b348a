"""The distribution as others get it: a wheel, in environments that know nothing of this folder."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
ANSWERS = """
import sys, psycopg
from rds_sandbox import find
it = find()
rds, ec2 = it.client("rds"), it.client("ec2")
wanted = dict(DBInstanceIdentifier="mine", Engine="postgres", DBInstanceClass="db.t4g.micro", AllocatedStorage=20)
rds.create_db_instance(**wanted, MasterUsername="me", MasterUserPassword="correct-horse-battery")
rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier="mine", WaiterConfig={"Delay": 1})
[found] = rds.describe_db_instances()["DBInstances"]
rule = dict(IpProtocol="tcp", FromPort=5432, ToPort=5432, CidrIp=it.operator_address + "/32")
ec2.authorize_security_group_ingress(GroupId=found["VpcSecurityGroups"][0]["VpcSecurityGroupId"], **rule)
place = dict(host=found["Endpoint"]["Address"], port=found["Endpoint"]["Port"], dbname="postgres", sslmode="verify-full")
login = dict(user="me", password="correct-horse-battery", sslrootcert=it.environment["PGSSLROOTCERT"])
print(psycopg.connect(**place, **login).execute("SELECT current_user").fetchone()[0])
"""


class Environment:
    """A virtual environment, and an empty home."""

    def __init__(self, folder: Path, wheels: Path, *packages: str) -> None:
        """Make it, and install the packages: ours from the wheels, others from the index."""
        self.folder = folder
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True, timeout=120)
        pip = [self.program("python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--find-links", wheels, *packages], check=True, timeout=900, cwd=folder)

    def program(self, name: str) -> str:
        """The path of one of its programs."""
        return str(self.folder / "venv" / "bin" / name)

    def run(self, name: str, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run one, with nothing of ours in the environment."""
        clean = {"PATH": "/usr/bin:/bin", "HOME": str(self.folder), **variables}
        command = [self.program(name), *words]
        return subprocess.run(command, env=clean, cwd=self.folder, capture_output=True, text=True, timeout=180)


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with our wheel."""
    folder = tmp_path_factory.mktemp("wheels")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*command, "--wheel-dir", folder, PROJECT], check=True, timeout=300)
    return folder


@pytest.fixture(scope="module")
def server(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with the server."""
    return Environment(tmp_path_factory.mktemp("server"), wheels, "rds-sandbox[server]")


@pytest.fixture(scope="module")
def project(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The environment of a project that tests with it, without the server."""
    return Environment(tmp_path_factory.mktemp("project"), wheels, "rds-sandbox", "pytest", "psycopg[binary]")


def outcome(done: subprocess.CompletedProcess[str]) -> tuple[int, str]:
    """Exit code, and the last line of what was said."""
    return done.returncode, (done.stdout + done.stderr).rstrip().rpartition("\n")[2]


def test_a_sandbox_from_the_wheel_has_instances(server: Environment) -> None:
    """Up, an instance, a connection with verification, down."""
    assert (0, "the sandbox is up") == outcome(server.run("rds-sandbox", "up"))
    try:
        assert (0, "me") == outcome(server.run("python", "-c", ANSWERS))
    finally:
        assert (0, "the sandbox is down") == outcome(server.run("rds-sandbox", "down"))


def test_a_project_tests_with_a_server_elsewhere(server: Environment, project: Environment) -> None:
    """Its own environment has no moto: the plugin starts the Python that is named."""
    shutil.copytree(PROJECT / "tests" / "example", project.folder / "example")
    words = ("-m", "pytest", "-q", "example")
    code, said = outcome(project.run("python", *words, RDS_SANDBOX_PYTHON=server.program("python")))
    assert (0, "1 passed") == (code, said.partition(" in ")[0])
    assert 1 == project.run("python", "-c", "import moto").returncode


def test_a_project_without_a_server_is_told(project: Environment) -> None:
    """What is missing, and what to install where."""
    code, said = outcome(project.run("rds-sandbox", "up"))
    assert 1 == code
    assert "the sandbox's server lacks cbor2, " in said
    assert ", moto 5.2.5, " in said
    assert f"{project.program('python')} -m pip install 'rds-sandbox[server]==" in said
