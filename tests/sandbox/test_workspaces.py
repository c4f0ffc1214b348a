"""What is done when a workspace starts: the files are read, and their commands run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from cruddur_ops import targets
from cruddur_ops.network.address import fetch
from cruddur_ops.state import PROJECT
from rds_sandbox import running
from tests.sandbox.support import from_address, make_client, make_group, tcp

COMMENT = re.compile(r"^\s*//.*$", re.MULTILINE)
CONTAINER: dict[str, Any] = json.loads(COMMENT.sub("", (PROJECT / ".devcontainer/devcontainer.json").read_text()))
DOCUMENT = (PROJECT / "docs/workspaces.md").read_text()
SHELL = re.findall(r"```sh\n(.*?)```", DOCUMENT, re.DOTALL)[1]
HOST = {"LOCAL_IP": "203.0.113.9", "DB_SG_ID": "sg-0123456789abcdef0", "DB_SG_RULE_ID": "sgr-0123456789abcdef0"}


def passed_on(host: Mapping[str, str]) -> dict[str, str]:
    """What the container's processes get of the host's variables, as containers.dev/implementors/json_reference has it."""
    given: dict[str, str] = CONTAINER["remoteEnv"]
    return {name: re.sub(r"\$\{localEnv:(\w+)\}", lambda found: host.get(found[1], ""), text) for name, text in given.items()}


def shell(command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a workspace does, with this project's Python in the place of .venv's."""
    text = command.replace(".venv/bin/cruddur-ops", f"{sys.executable} -m cruddur_ops")
    environment = {**os.environ, **variables}
    return subprocess.run(["bash", "-c", text], cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=90)


def test_the_hosts_variables_are_the_targets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each by its own name; what the host does not set is not set in the container either."""
    settings = {"operator_address": "LOCAL_IP", "security_group_id": "DB_SG_ID", "security_group_rule_id": "DB_SG_RULE_ID"}
    for host in (HOST, {}):
        for name, value in passed_on(host).items():
            monkeypatch.setenv(name, value)
        target = targets.load("prod")
        expected = {key: (host.get(name, ""), f"environment {name}" if host else "default") for key, name in settings.items()}
        assert expected == {key: (getattr(target, key), target.sources[key]) for key in settings}


def test_urls_are_in_no_file_of_the_repository(tmp_path: Path) -> None:
    """They come from a file that git ignores, and that each shell reads where it is there."""
    assert "CONNECTION_URL" not in json.dumps(CONTAINER)
    assert "/.env" in (PROJECT / ".gitignore").read_text().splitlines()

    (tmp_path / "make").write_text("#!/bin/sh\n")
    (tmp_path / "make").chmod(0o755)
    where = {"HOME": str(tmp_path), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    command = CONTAINER["postCreateCommand"].replace("${containerWorkspaceFolder}", str(tmp_path))
    assert 0 == shell(command, **where).returncode
    read = ". ~/.bashrc && sh -c 'echo \"$CONNECTION_URL\"'"
    assert (0, "\n") == ((done := shell(read, **where)).returncode, done.stdout)
    (tmp_path / ".env").write_text(re.findall(r"```sh\n(.*?)```", DOCUMENT, re.DOTALL)[0])
    assert "postgresql://me:secret@localhost:5432/cruddur\n" == shell(read, **where).stdout


@pytest.fixture
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Neither sandbox nor state of anybody else's; a sandbox that a command started is taken away."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "RDS_SANDBOX_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("RDS_SANDBOX_STATE_DIR", str(tmp_path / "sandboxes"))
    monkeypatch.setenv("CRUDDUR_STATE_DIR", str(tmp_path / "state"))
    yield
    shell(".venv/bin/cruddur-ops sandbox down")


@pytest.mark.thorough
@pytest.mark.usefixtures("apart")
def test_a_workspace_starts(tmp_path: Path) -> None:
    """A sandbox is up before the group is opened; where there is none yet, a sentence says so, and the start is no failure."""
    start = CONTAINER["postStartCommand"]
    first = shell(start, **passed_on({}))
    assert 0 == first.returncode, first.stderr
    assert "the sandbox is up" in first.stdout + first.stderr
    assert first.stdout.endswith("The security group was left as it is: see the line above.\n")

    ec2, seen = make_client(running(), "ec2"), fetch(running()["RDS_SANDBOX_CHECKIP_URL"]).strip()
    groups = [make_group(ec2, name, tcp(5432, **from_address("192.0.2.1/32"))) for name in ("one", "two")]
    opened = shell(start, **passed_on({"LOCAL_IP": seen, "DB_SG_ID": groups[0]}))
    assert "left as it is" not in opened.stdout, opened.stderr

    (tmp_path / "curl").write_text(f"#!/bin/sh\necho {seen}\n")
    (tmp_path / "curl").chmod(0o755)
    plain = shell(f"set -e\n{SHELL}", PATH=f"{tmp_path}:{os.environ['PATH']}", DB_SG_ID=groups[1])
    assert 0 == plain.returncode, plain.stderr
    for group in groups:
        assert f"{seen}/32" in str(ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}]))
