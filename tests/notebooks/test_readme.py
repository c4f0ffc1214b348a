"""The README's command lines: each is one that there is, and, with --all, each is run, in one sandbox and in order."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from cruddur_ops.cli import main
from cruddur_ops.cli.groups import DRIFT
from cruddur_ops.state import PROJECT

BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
LINE = re.compile(r"^\$ ((?:.*\\\n)*.*)$", re.MULTILINE)
TARGETS = """\
[local]
sandbox = true
[prod]
sandbox = true
protected = true
db_instance_identifier = "prod-instance"
"""
# What a reader fills in, or has in the place of the sandbox.
FILLED = {
    "cruddur-ops targets adopt my-db --target old": "cruddur-ops targets adopt cruddur-db-instance --target old --sandbox",
    "papermill notebooks/01_provision_rds.ipynb": f"papermill {PROJECT}/notebooks/01_provision_rds.ipynb",
    ".venv/bin/cruddur-ops": "cruddur-ops",
    "'prod-*'": "'prod*'",
    "make ": f"make -C {PROJECT} ",
}
LEFT_OUT = {
    "make lab": "it is a server, which does not end",
    "make test": "this is a part of it",
    "terraform apply": "the sandbox's own tests have configurations to apply",
}
# What a reader has done before, where the line before it has taken it away; and where a run has ended for --resume.
BEFORE = {
    "cruddur-ops db connect": "cruddur-ops run",
    "cruddur-ops run --resume last": "! cruddur-ops run 00 01 --notebook-timeout 1",
    "make up": "cruddur-ops sandbox down",
}


def lines(document: Path) -> list[str]:
    """The command lines of a document's transcripts, without their comments."""
    found = [line for block in BLOCK.findall(document.read_text()) for line in LINE.findall(block)]
    return [re.sub(r"\s+# .*$", "", line) for line in found]


def commands() -> Iterator[tuple[str, ...]]:
    """What follows `cruddur-ops` in every line of both READMEs and docs."""
    for document in (PROJECT / "README.md", PROJECT / "notebooks" / "README.md", *(PROJECT / "docs").rglob("*.md")):
        for line in lines(document):
            for found in re.findall(r"(?:^|\()(?:\.venv/bin/)?cruddur-ops ([^)]*)", line):
                yield tuple(shlex.split(found))


@pytest.mark.parametrize("words", sorted(set(commands())), ids=" ".join)
def test_it_is_a_command(words: tuple[str, ...]) -> None:
    """With arguments and options that it has."""
    command, rest = main, list(words)
    while rest and isinstance(command, click.Group) and rest[0] in command.commands:
        command = command.commands[rest.pop(0)]  # type: ignore[assignment]
    command.make_parser(click.Context(command)).parse_args(rest)
    assert command is not main


OF_MAKE = ("ARGS", "MAKEFLAGS", "MAKELEVEL", "MFLAGS")  # what `make test-all` hands on to what it runs


def run(folder: Path, command: str) -> str:
    """What a shell says that runs a command, which succeeds; the plan of what is not there yet differs."""
    own = {
        "CRUDDUR_TARGETS": folder / "targets.toml",
        "CRUDDUR_STATE_DIR": folder / "state",
        "CRUDDUR_RUNS": folder / "runs",
        "RDS_SANDBOX_STATE_DIR": folder / "sandboxes",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    inherited = {name: value for name, value in os.environ.items() if name not in OF_MAKE}
    environment = {**inherited, **{name: str(value) for name, value in own.items()}}
    script = ["bash", "-c", f"set -e\n{command}"]
    done = subprocess.run(
        script, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False
    )
    expected = DRIFT if "cruddur-ops run --plan" in command else 0
    assert expected == done.returncode, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.thorough
def test_every_line_runs(tmp_path: Path) -> None:
    """As printed, but for what a reader fills in; the digest is that of the plan before it."""
    (tmp_path / "targets.toml").write_text(TARGETS)
    said, exported = "", ""
    try:
        run(tmp_path, "cruddur-ops sandbox up")
        for line in lines(PROJECT / "README.md"):
            command = line
            for printed, filled in FILLED.items():
                command = command.replace(printed, filled)
            digests = re.findall(r"--approved (\w+)", said)
            command = command.replace("DIGEST", digests[-1] if digests else "")
            if not line.startswith(tuple(LEFT_OUT)):
                said = run(tmp_path, "\n".join([BEFORE.get(line, "true"), exported, command]))
            exported = command if "sandbox env" in line else "" if line == "make down" else exported
    finally:
        run(tmp_path, "cruddur-ops sandbox down")
