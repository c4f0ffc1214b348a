"""Terraform with the real AWS provider: apply, then nothing to change, then destroy."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.support import Client, majors, reset

CONFIGURATIONS = Path(__file__).parent
NO_CHANGES = 0  # of `plan -detailed-exitcode`, beside 1 (an error) and 2 (changes)
Terraform = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def terraform(sandbox: Mapping[str, str], tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Terraform]:
    """Run a verb of Terraform on a configuration, in a folder of its own, on an empty sandbox."""
    program = shutil.which("terraform")
    if program is None:
        pytest.skip("there is no terraform on the PATH: install it")
    shutil.copy(CONFIGURATIONS / request.param / "main.tf", tmp_path)
    environment = {**os.environ, **sandbox, "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}

    def run(verb: str, *options: str) -> subprocess.CompletedProcess[str]:
        command = [program, verb, "-input=false", "-no-color", *options]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600)

    started = run("init")
    if started.returncode:
        pytest.skip(f"`terraform init` cannot get the AWS provider: {' '.join(started.stderr.split())}")
    reset(sandbox)
    yield run
    reset(sandbox)


def apply(terraform: Terraform, *options: str) -> None:
    """Apply; what was applied is described just as it was asked for."""
    applied = terraform("apply", "-auto-approve", *options)
    assert 0 == applied.returncode, applied.stderr
    planned = terraform("plan", "-detailed-exitcode", *options)
    assert NO_CHANGES == planned.returncode, planned.stdout + planned.stderr


def destroy(terraform: Terraform, rds: Client, *options: str) -> None:
    """Nothing is left."""
    destroyed = terraform("destroy", "-auto-approve", *options)
    assert 0 == destroyed.returncode, destroyed.stderr
    assert [] == rds.describe_db_instances()["DBInstances"]


@pytest.mark.parametrize("terraform", ["single"], indirect=True)
def test_second_plan_finds_no_difference(terraform: Terraform, rds: Client) -> None:
    """A DB instance with its security group."""
    apply(terraform)
    destroy(terraform, rds)


@pytest.mark.parametrize("terraform", ["upgraded"], indirect=True)
def test_a_major_upgrade(terraform: Terraform, rds: Client) -> None:
    """Parameter group, subnet group, replica, IAM authentication, a managed password; then the next major version."""
    there = majors()
    if len(there) < 2:
        pytest.skip("this machine has one major of PostgreSQL")
    for major in there[-2:]:
        apply(terraform, f"-var=major={major}")
    versions = [each["EngineVersion"].partition(".")[0] for each in rds.describe_db_instances()["DBInstances"]]
    assert ["18", str(there[-1]), str(there[-1])] == versions
    destroy(terraform, rds, f"-var=major={there[-1]}")


@pytest.mark.parametrize("terraform", ["blue_green"], indirect=True)
def test_an_update_by_a_blue_green_deployment(terraform: Terraform, rds: Client) -> None:
    """The provider makes the deployment, switches over, and deletes the old instance and the deployment."""
    for version in ("18.1", "18.3"):
        apply(terraform, f"-var=engine_version={version}")
    assert [("shop", "18.3")] == [
        (each["DBInstanceIdentifier"], each["EngineVersion"]) for each in rds.describe_db_instances()["DBInstances"]
    ]
    assert [] == rds.describe_blue_green_deployments()["BlueGreenDeployments"]
    destroy(terraform, rds, "-var=engine_version=18.3")
