"""The folder of a fleet: fleet.json says what was asked for, results.jsonl has a line for each target that has ended.

A line is added and never changed, so that ten thousand targets cost no more than their own lines.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cruddur_ops.approvals import SHORTEST, parse
from cruddur_ops.errors import WrongInput, nearest
from cruddur_ops.fleet.order import PASSED, Report, place
from cruddur_ops.runbook.evidence import history, new_folder, replace_whole, writing
from cruddur_ops.state import began, user

LAST, NAME, RESULTS = "last", "fleet.json", "results.jsonl"


@dataclass(frozen=True)
class Record:
    """A fleet's folder, and what fleet.json says."""

    folder: Path
    facts: Mapping[str, Any]

    @property
    def name(self) -> str:
        """That of the folder."""
        return self.folder.name

    def write(self, **facts: Any) -> Record:
        """Replace fleet.json, whole at any moment; the process that writes it is the one at work."""
        own = {"host": platform.node(), "process": os.getpid(), "process_began": began(os.getpid())}
        found = replace(self, facts={**self.facts, **own, **facts})
        replace_whole(self.folder / NAME, json.dumps(found.facts, indent=2) + "\n")
        return found

    def add(self, report: Report) -> None:
        """Keep how a target went, and its plan apart from that."""
        with writing(self.folder):
            if report.plan:
                (self.folder / place(report.target)).mkdir(exist_ok=True)
                self.plan_file(report.target).write_text(report.plan, encoding="utf-8")
            with (self.folder / RESULTS).open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(replace(report, plan=""))) + "\n")

    def plan_file(self, target: str) -> Path:
        """Where the plan of a target is kept."""
        return self.folder / place(target) / "plan.json"

    def reports(self) -> dict[str, Report]:
        """The last report of each target that has one; a line that was cut off when the client was killed says nothing."""
        found = {}
        path = self.folder / RESULTS
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
            try:
                report = Report(**json.loads(line))
            except (ValueError, TypeError):
                continue
            found[report.target] = report
        return found

    @property
    def verdict(self) -> str:
        """How it ended; "killed" where its client is gone."""
        return history.verdict(self.facts)


def cut_off(runs: Path) -> str:
    """The run of a target that was to change it and has not passed, the last one of these; "" where there is none."""
    found = [(folder.name, history.read(folder)) for folder in history.folders(runs)]
    began = [(name, one["verdict"]) for name, one in found if not one["plan_only"]]
    return began[-1][0] if began and began[-1][1] != PASSED else ""


def create(runs: Path, facts: Mapping[str, Any]) -> Record:
    """A new folder."""
    now = datetime.now(UTC)
    folder = new_folder(runs, f"{now:%Y%m%dT%H%M%SZ}-fleet")
    return Record(folder, facts).write(schema=1, user=user(), started=now.isoformat(timespec="seconds"), verdict="running")


def read(folder: Path) -> Record:
    """The record in a folder."""
    try:
        facts = parse((folder / NAME).read_text(encoding="utf-8"))
        complete = {"notebooks", "waves", "verdict", "host", "process", "process_began"} <= facts.keys()
    except (OSError, ValueError, AttributeError) as error:
        raise WrongInput(f"{folder} has no fleet.json that can be read: `ls {folder.parent}` shows the fleets") from error
    if not complete:
        raise WrongInput(f"{folder} has a fleet.json that no fleet wrote: `ls {folder.parent}` shows the fleets")
    return Record(folder, facts)


def find(name: str, runs: Path) -> Record:
    """A fleet by the name of its folder, or the last one."""
    names = sorted(path.parent.name for path in runs.glob(f"*/{NAME}"))
    if name == LAST and names:
        return read(runs / names[-1])
    if name not in names:
        raise WrongInput(f'{runs} has no fleet "{name}": {nearest(name, names, "name one of its folders that end with -fleet")}')
    return read(runs / name)


def planned(digest: str, runs: Path) -> Record:
    """The fleet whose plans have this digest, or one that begins so."""
    for path in sorted(runs.glob(f"*/{NAME}"), reverse=True):
        found = read(path.parent)
        if len(digest) >= SHORTEST and found.facts.get("digest", "").startswith(digest):
            return found
    remedy = f"give the first {SHORTEST} digits or more that `cruddur-ops fleet plan` has shown"
    raise WrongInput(f'no fleet in {runs} has plans with the digest "{digest}": {remedy}')
