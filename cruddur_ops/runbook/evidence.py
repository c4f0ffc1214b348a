"""The folder of a run: the executed notebooks, and run.json, which says who ran what, where, and how it went."""

from __future__ import annotations

import getpass
import json
import os
import platform
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from cruddur_ops.plan import OUTCOME_MIME, Outcome
from cruddur_ops.state import PROJECT

PACKAGES = ("cruddur-ops", "boto3", "botocore", "ipython-sql", "moto", "papermill", "psycopg", "sqlalchemy")


@dataclass(frozen=True)
class Result:
    """How one notebook went.

    Attributes:
        name: of the notebook, without ending.
        verdict: "passed", "failed", "interrupted" or "not run".
        seconds: from its first cell to its last.
        outcome: the sum of what its cells created, changed, deleted and left alone.
        cell: where it failed, such as "In [3] rds.apply(plan)".
        error: what failed there, in a line.
        plans: what its cells tagged `plan` showed.
    """

    name: str
    verdict: str = "not run"
    seconds: float = 0.0
    outcome: Outcome = field(default_factory=Outcome)
    cell: str = ""
    error: str = ""
    plans: tuple[str, ...] = ()


class Record:
    """The dated folder of one run. run.json is whole at any moment, and up to date after each notebook."""

    def __init__(self, runs: Path, target: str, facts: Mapping[str, Any]) -> None:
        """Make the folder, and write down what is known before the run."""
        now = datetime.now(UTC)
        name = re.sub(r"[^\w.-]", "_", target)  # a section of a TOML file may be called anything
        self.folder = new_folder(runs, f"{now:%Y%m%dT%H%M%SZ}-{name}")
        self.facts = {"started": now.isoformat(timespec="seconds"), "target": target, **facts, **surroundings()}
        self.results: list[Result] = []
        self.write("running")

    def add(self, result: Result) -> None:
        """Write down how a notebook went."""
        self.results.append(result)
        self.write("running")

    def write(self, verdict: str) -> None:
        """Replace run.json."""
        ended = None if verdict == "running" else datetime.now(UTC).isoformat(timespec="seconds")
        record = {"verdict": verdict, **self.facts, "ended": ended, "notebooks": [asdict(one) for one in self.results]}
        draft = self.folder / "run.json.part"
        draft.write_text(json.dumps(record, indent=2) + "\n")
        draft.replace(self.folder / "run.json")


def new_folder(parent: Path, name: str) -> Path:
    """Make a folder of this name; a second one of the same second gets a number."""
    folder, number = parent / name, 1
    while True:
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            number += 1
            folder = parent / f"{name}-{number}"
        else:
            return folder


def surroundings() -> dict[str, Any]:
    """Who runs it, on which machine, from which commit, with which versions."""
    return {
        "user": getpass.getuser(),
        "host": platform.node(),
        "process": os.getpid(),
        "git": commit(PROJECT),
        "versions": {"python": platform.python_version(), **dict(_versions())},
    }


def _versions() -> Iterator[tuple[str, str]]:
    for package in PACKAGES:
        try:
            yield package, version(package)
        except PackageNotFoundError:  # such as moto, which production use does not install
            continue


def commit(folder: Path) -> dict[str, Any] | None:
    """The commit that is checked out, and whether files differ from it; None without git or repository."""
    git = ["git", "-C", str(folder)]
    try:
        head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
        status = subprocess.run([*git, "status", "--porcelain"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return {"commit": head.stdout.strip(), "dirty": bool(status.stdout.strip())}


def result(name: str, verdict: str, seconds: float, error: str, notebook: Path) -> Result:
    """How a notebook went, with what its executed file shows."""
    try:
        document = json.loads(notebook.read_text())
    except ValueError:  # interrupted while papermill wrote it
        document = {"cells": []}
    cell = failed_cell(document) if verdict != "passed" else ""
    return Result(name, verdict, seconds, outcome(document), cell, error, plans(document))


def outputs(document: Mapping[str, Any], tag: str | None = None) -> Iterator[Mapping[str, Any]]:
    """The outputs of an executed notebook's cells, or of those with the tag; not what they wrote to stderr."""
    for cell in document["cells"]:
        if tag is None or tag in cell["metadata"].get("tags", []):
            yield from (output for output in cell.get("outputs", []) if output.get("name") != "stderr")


def outcome(document: Mapping[str, Any]) -> Outcome:
    """The sum of the outcomes that the cells of an executed notebook show."""
    shown = (output.get("data", {}).get(OUTCOME_MIME) for output in outputs(document))
    return sum((Outcome(**counts) for counts in shown if counts), Outcome())


def plans(document: Mapping[str, Any]) -> tuple[str, ...]:
    """What the cells tagged `plan` show, as text."""
    shown = (output.get("text") or output.get("data", {}).get("text/plain", "") for output in outputs(document, "plan"))
    return tuple(text for text in ("".join(part).strip() for part in shown) if text)


def failed_cell(document: Mapping[str, Any]) -> str:
    """The cell that papermill marked as failed: its number and first line; "" where there is none."""
    for cell in document["cells"]:
        if cell["metadata"].get("papermill", {}).get("status") == "failed":
            number = cell.get("execution_count") or "*"
            return f"In [{number}] {''.join(cell['source']).strip().splitlines()[0]}"
    return ""
