"""Terraform with the real AWS provider: apply, then nothing to change, then destroy."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.support import Client, reset

CONFIGURATION = Path(__file__).with_name("main.tf")
NO_CHANGES = 0  # of `plan -detailed-exitcode`, beside 1 (an error) and 2 (changes)
Terraform = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def terraform(sandbox: Mapping[str, str], tmp_path: Path) -> Iterator[Terraform]:
    """Run a verb of Terraform in a folder of its own, on an empty sandbox."""
    program = shutil.which("terraform")
    if program is None:
        pytest.skip("there is no terraform on the PATH: install it")
    shutil.copy(CONFIGURATION, tmp_path)
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


def test_second_plan_finds_no_difference(terraform: Terraform, rds: Client) -> None:
    """What was applied is described just as it was asked for; destroy leaves nothing."""
    applied = terraform("apply", "-auto-approve")
    assert 0 == applied.returncode, applied.stderr
    planned = terraform("plan", "-detailed-exitcode")
    assert NO_CHANGES == planned.returncode, planned.stdout + planned.stderr

    destroyed = terraform("destroy", "-auto-approve")
    assert 0 == destroyed.returncode, destroyed.stderr
    assert [] == rds.describe_db_instances()["DBInstances"]
