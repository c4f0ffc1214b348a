"""The dated folder of one run, whole at any moment."""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cruddur_ops.errors import WrongInput
from cruddur_ops.redaction import redact_all, redact_known
from cruddur_ops.runbook import secrets
from cruddur_ops.runbook.evidence import history, manifest, page
from cruddur_ops.runbook.evidence.results import Result
from cruddur_ops.runbook.evidence.surroundings import surroundings


class Record:
    """The folder of one run. run.json is whole at any moment, and up to date after each notebook."""

    def __init__(self, runs: Path, target: str, facts: Mapping[str, Any]) -> None:
        """Make the folder, and write down what is known before the run."""
        now = datetime.now(UTC)
        name = re.sub(r"[^\w.-]", "_", target)  # a section of a TOML file may be called anything
        self.folder = new_folder(runs, f"{now:%Y%m%dT%H%M%SZ}-{name}")
        began = now.isoformat(timespec="seconds")
        self.facts = {
            "schema": history.SCHEMA,
            "folder": self.folder.name,
            "started": began,
            "target": target,
            **facts,
            **surroundings(),
        }
        self.results: list[Result] = []
        self.seal = ""
        self.write("running")

    def add(self, result: Result) -> None:
        """Write down how a notebook went."""
        self.results.append(result)
        self.write("running")

    def write(self, verdict: str) -> None:
        """Replace run.json; with any other verdict than "running", write the page, and seal the folder."""
        ended = None if verdict == "running" else datetime.now(UTC).isoformat(timespec="seconds")
        steps = [asdict(result) | {"retries": result.retries, "summary": result.summary} for result in self.results]
        record: dict[str, Any] = redact_all({"verdict": verdict, **self.facts, "ended": ended, "notebooks": steps})
        with writing(self.folder):
            replace_whole(self.folder / "run.json", json.dumps(record, indent=2) + "\n")
            if ended:
                (self.folder / page.NAME).write_text(page.render(record, self.folder), encoding="utf-8")
                self._search()
                self.seal = manifest.seal(self.folder)

    def _search(self) -> None:
        """Look through the finished files once more for every secret that the run came to know, and mask it where it is."""
        secrets.catch_up()
        for path in sorted(self.folder.iterdir()):
            text = path.read_text(encoding="utf-8", errors="surrogateescape")
            if (clean := redact_known(text)) != text:
                path.write_text(clean, encoding="utf-8", errors="surrogateescape")
                print(f"a secret had come into {path.name}, and was masked there", file=sys.stderr)


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Let a failure name the folder: a write for which the disk has no room names no file."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(folder)
        raise


def replace_whole(path: Path, text: str) -> None:
    """Write a file, or write it anew, so that it is whole at any moment."""
    with writing(path.parent):
        draft = path.with_name(f"{path.name}.part")
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)


def new_folder(parent: Path, name: str) -> Path:
    """Make a folder of this name; a second one of the same second gets a number. WrongInput where there can be none."""
    folder, number = parent / name, 1
    try:
        parent.mkdir(parents=True, exist_ok=True)
        while not _made(folder):
            number += 1
            folder = parent / f"{name}-{number}"
    except OSError as error:
        raise WrongInput(f"{parent} cannot keep the runs ({error.strerror}): name another folder in CRUDDUR_RUNS") from error
    return folder


def _made(folder: Path) -> bool:
    try:
        folder.mkdir()
    except FileExistsError:
        return False
    return True
