"""The command line on the project's notebooks, whose runs stay out of the project."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psutil
import pytest

from cruddur_ops import aws, cli
from cruddur_ops.database import connection
from cruddur_ops.runbook import runs
from cruddur_ops.state import PROJECT
from rds_sandbox import Sandbox
from tests.sandbox.support import make_client, reset
from tests.unit.headless import Finished, finish, here, until

TARGETS = """\
[local]
sandbox = true
[guarded]
sandbox = true
protected = true
db_instance_identifier = "guarded-instance"
[spare]
sandbox = true
db_instance_identifier = "spare-instance"
"""
PROGRAM = """\
from pathlib import Path
from cruddur_ops import cli
from cruddur_ops.runbook import runs
runs.RUNS = Path("runs").absolute()
cli.main(prog_name="cruddur-ops")
"""


@dataclass(frozen=True)
class CommandLine:
    """A folder in which `cruddur-ops` runs, and what it has said there.

    Attributes:
        folder: for runs/, the state and targets.toml.
        sandbox: the variables of a sandbox; empty where none is up.
        said: standard output and standard error of all that ended.
    """

    folder: Path
    sandbox: Mapping[str, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """The variables of the processes."""
        targets = self.folder / "targets.toml"
        targets.write_text(TARGETS)
        own = {
            "CRUDDUR_TARGETS": targets,
            "CRUDDUR_STATE_DIR": self.state,
            "IPYTHONDIR": self.folder / "ipython",
            "PYTHONPATH": PROJECT,
        }
        return {**os.environ, **self.sandbox, **{name: str(value) for name, value in own.items()}}

    @property
    def state(self) -> Path:
        """The folder of locks."""
        return self.folder / "state"

    def python(self, cwd: Path, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """Start Python."""
        environment, pipe = {**self.environment, **variables}, subprocess.PIPE
        command = [sys.executable, *arguments]
        return subprocess.Popen(command, cwd=cwd, env=environment, stdout=pipe, stderr=pipe, text=True)

    def finish(self, process: subprocess.Popen[str]) -> Finished:
        """Wait for a process, and keep what it said."""
        return self._keep(finish(process))

    def _keep(self, finished: Finished) -> Finished:
        self.said.extend((finished.stdout, finished.stderr))
        return finished

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """Start the command line in a process of its own."""
        return self.python(self.folder, "-c", PROGRAM, *arguments, **variables)

    def run(self, *arguments: str, **variables: str) -> Finished:
        """Run the command line to its end, in this process; it begins without clients and sessions."""
        aws.forget()
        with patch.object(runs, "RUNS", self.folder / "runs"):
            work = partial(cli.main, arguments, prog_name="cruddur-ops")
            finished = here(work, self.folder, {**self.environment, **variables})
        connection.close_sessions()
        return self._keep(finished)

    def runs(self) -> set[Path]:
        """The dated folders."""
        return set(self.folder.glob("runs/*"))

    def evidence(self, finished: Finished) -> Path:
        """The folder of a run, which its last line names."""
        return Path(finished.stdout.splitlines()[-1].removeprefix("evidence: ").partition(", seal ")[0])

    def record(self, finished: Finished) -> dict[str, Any]:
        """The run.json of a run."""
        record: dict[str, Any] = json.loads((self.evidence(finished) / "run.json").read_text())
        return record

    def stop_halfway(self, notebook: str, number: signal.Signals, *arguments: str) -> Finished:
        """Begin a run, and send the process a signal once half of the notebook's code cells have been executed."""
        before = self.runs()
        process = self.start("run", *arguments, TMPDIR=str(self.folder))  # a killed run leaves its sockets there
        until(lambda: process.poll() is not None or any(half_done(run, notebook) for run in self.runs() - before), seconds=120)
        process.send_signal(number)
        return self.finish(process)

    def kernels(self) -> list[psutil.Process]:
        """The kernels that processes of this folder started and that are there still, with their fork servers; not this one's."""
        return [process for process in psutil.process_iter() if self._is_kernel(process)]

    def _is_kernel(self, process: psutil.Process) -> bool:
        try:
            ours = process.environ().get("CRUDDUR_STATE_DIR") == str(self.state) and process.ppid() != os.getpid()
            return ours and any("import main; main(" in argument for argument in process.cmdline())  # multiprocessing
        except (psutil.AccessDenied, psutil.NoSuchProcess):  # zombies among them
            return False


def half_done(run: Path, notebook: str) -> bool:
    """Whether the run's executed copy of the notebook, and not a plan's, has numbers at half of its code cells."""
    for path in run.glob(f"{notebook}*.ipynb"):
        try:
            cells = [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]
            planning = json.loads((run / "run.json").read_text())["plan_only"]
        except ValueError:  # it is written for the first time at this moment
            return False
        return not planning and 2 * sum(cell["execution_count"] is not None for cell in cells) >= len(cells)
    return False


@pytest.fixture(scope="module")
def sandbox(rds_sandbox: Sandbox) -> Iterator[Mapping[str, str]]:
    """The environment of a sandbox with nothing in it, which the tests of a module share."""
    reset(rds_sandbox.environment)
    yield rds_sandbox.environment
    reset(rds_sandbox.environment)


@pytest.fixture(scope="module")
def ops(sandbox: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """The command line on that sandbox."""
    return CommandLine(tmp_path_factory.mktemp("ops"), sandbox)


@pytest.fixture
def alone(tmp_path: Path) -> CommandLine:
    """The command line where no sandbox is up."""
    return CommandLine(tmp_path)


def resources(sandbox: Mapping[str, str]) -> set[str]:
    """The DB instances, security groups and inbound rules of both regions that the tests use; not EC2's own groups."""
    found: set[str] = set()
    for region in ("ca-central-1", "af-south-1"):
        instances = make_client(sandbox, "rds", region).describe_db_instances()["DBInstances"]
        groups = make_client(sandbox, "ec2", region).describe_security_groups()["SecurityGroups"]
        own = [group for group in groups if group["GroupName"] != "default"]
        found |= {f"{region} {instance['DBInstanceIdentifier']}" for instance in instances}
        found |= {f"{region} {group['GroupName']}" for group in own}
        found |= {f"{region} {group['GroupName']} {group['IpPermissions']}" for group in own if group["IpPermissions"]}
    return found
