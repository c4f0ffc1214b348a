"""How long it takes to see that nothing of a whole deployment differs: the plans of 00 to 06, and Terraform's of the same things.

`python -m benchmarks.unchanged` makes the plans, in one process, and prints how many API calls that took.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from botocore.client import BaseClient

from benchmarks.compare import ROUNDS, compare, timed
from benchmarks.runs import run, sandbox
from cruddur_ops import cognito, database, network, rds, targets
from cruddur_ops.database import connection

MOST, MOST_WITH_START = 0.25, 0.5  # of Terraform's time: the plans, and with them the start of the process and its imports
CONFIGURATION = Path(__file__).with_name("deployment.tf")
STEPS = (
    rds.plan_both, network.plan_access, database.plan_create, database.plan_roles, database.plan_schema, database.plan_migrations,
    database.plan_seed, cognito.plan, cognito.plan_sync,
)  # fmt: skip


def lines(tiny: bool = False) -> Iterator[str]:
    """The number of API calls, and the comparison where Terraform is installed; tiny, the first alone."""
    with sandbox():
        run("01", "02", "03", "05")
        yield plan().strip()
        if tiny or not shutil.which("terraform"):
            yield "terraform plan, nothing to do: not measured without Terraform" if not tiny else "tiny: not beside Terraform"
            return
        with applied() as terraform:
            theirs = timed(functools.partial(terraform, "plan", "-detailed-exitcode"))
            yield compare("plans of 00 to 06, nothing to do : terraform plan", planning, theirs, MOST, ROUNDS)
            yield compare("the same with the start of a process : terraform plan", timed(plan), theirs, MOST_WITH_START, ROUNDS)


def plan() -> str:
    """The plans, in a process of their own, which must find nothing; what it says."""
    return subprocess.run([sys.executable, "-m", "benchmarks.unchanged"], check=True, capture_output=True, text=True).stdout


def planning() -> float:
    """Seconds of the plans alone."""
    return float(plan().split()[-2])


@contextmanager
def applied() -> Iterator[Any]:
    """What runs a verb of Terraform in a folder whose configuration is applied."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(CONFIGURATION, folder)
        with zipfile.ZipFile(Path(folder) / "function.zip", "w") as archive:
            archive.writestr("function.py", "def handler(event, context):\n    return event\n")

        runtime = {"TF_VAR_runtime": f"python3.{sys.version_info.minor}"}

        def terraform(verb: str, *options: str) -> None:
            command = ["terraform", verb, "-input=false", "-no-color", *options]
            done = subprocess.run(command, cwd=folder, env=os.environ | runtime, capture_output=True, text=True, check=False)
            if done.returncode:
                sys.exit(f"`terraform {verb}` failed: {done.stderr or done.stdout}")

        terraform("init")
        terraform("apply", "-auto-approve")
        yield terraform


def main() -> None:
    """Make the plans."""
    made: list[str] = []
    call = BaseClient._make_api_call  # where each call passes, whatever its client

    def counted(self: Any, name: str, parameters: Any) -> Any:
        made.append(name)
        return call(self, name, parameters)

    BaseClient._make_api_call = counted
    target, began = targets.load("local"), time.perf_counter()
    changes = [str(change) for step in STEPS for change in step(target).mutating]
    connection.close_sessions()
    if changes:
        sys.exit("\n".join(changes))
    print(f"the plans of 00 to 06 with nothing to do make {len(made)} API calls, in {time.perf_counter() - began:.2f} s")


if __name__ == "__main__":
    main()
