"""How one notebook went, read from the executed file and the ledger that its kernel wrote."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from cruddur_ops import figures, ledger
from cruddur_ops.change import OUTCOME_MIME, Outcome
from cruddur_ops.markup import MARK
from cruddur_ops.plan import PLAN_MIME
from cruddur_ops.redaction import redact_all
from cruddur_ops.runbook import secrets

VERIFIED = re.compile(rf"(?m)^(?:{MARK} )?verified: ")
TRANSIENT = "transient"  # the tag of a cell whose plan is no difference: the notebook takes away what it makes


@dataclass(frozen=True)
class Result:
    """How one notebook went, as docs/evidence.md describes it."""

    name: str
    verdict: str = "not run"
    seconds: float = 0.0
    outcome: Outcome = field(default_factory=Outcome)
    cell: str = ""  # where it failed, such as "In [3] plan.apply()"
    error: str = ""  # what failed there, in a line
    plans: tuple[str, ...] = ()  # what its cells tagged `plan` showed, as text
    changes: tuple[Mapping[str, Any], ...] = ()  # of these plans, each with the plan's title
    cells: tuple[Mapping[str, Any], ...] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)  # that cells showed, by kind
    calls: tuple[Mapping[str, Any], ...] = ()  # to AWS, those that change something or were retried (see `ledger.record`)
    waits: tuple[Mapping[str, Any], ...] = ()  # the statuses that each passed, with their seconds (see `ledger.waited`)
    applied: int = 0  # plans
    verified: int = 0  # statements
    next: str = ""  # the notebook to go on with, as its last paragraph says

    @property
    def differences(self) -> tuple[Mapping[str, Any], ...]:
        """The changes of its plans, but for what the notebook makes and takes away again."""
        return tuple(change for change in self.changes if TRANSIENT not in change)

    @property
    def retries(self) -> int:
        """How many times a call to AWS was repeated."""
        return sum(call["retries"] for call in self.calls)

    @property
    def summary(self) -> str:
        """Such as "2 plans applied: 2 created; 2 verified; next 02_open_security_group"."""
        counts = ", ".join(f"{count} {name}" for name, count in asdict(self.outcome).items() if count and name != "unchanged")
        applied = f"{self.applied} plan{'' if self.applied == 1 else 's'} applied: {counts or 'nothing changed'}"
        told = {applied: self.applied, f"{self.verified} verified": self.verified, f"next {self.next}": self.next}
        return "; ".join(text for text, worth in told.items() if worth)


def result(name: str, verdict: str, seconds: float, error: str, notebook: Path) -> Result:
    """How a notebook went; its executed file is redacted, and its ledger taken over."""
    document = _clean(notebook)
    lines = _take_ledger(notebook)
    return Result(
        name,
        verdict,
        seconds,
        outcome(document),
        failed_cell(document) if verdict != "passed" else "",
        error,
        plans(document),
        tuple(changes(document)),
        tuple(cells(document)),
        figures_of(document),
        tuple(line for line in lines if "call" in line),
        tuple(line for line in lines if "wait" in line),
        sum(OUTCOME_MIME in output.get("data", {}) for output in outputs(document)),
        sum(len(VERIFIED.findall(text)) for text in texts(document)),
        following(document) if verdict == "passed" else "",
    )


def ledger_file(notebook: Path) -> Path:
    """Where the kernel of an executed notebook writes its ledger."""
    return notebook.with_suffix(".ledger.jsonl")


def _clean(notebook: Path) -> dict[str, Any]:
    """The executed notebook, rewritten where a secret stands in it, such as one that was printed in parts."""
    secrets.catch_up()
    try:
        document = json.loads(notebook.read_text(encoding="utf-8"))
    except ValueError:  # interrupted while papermill wrote it
        notebook.write_text("")
        return {"cells": []}
    clean: dict[str, Any] = redact_all(document)
    if clean != document:
        notebook.write_text(json.dumps(clean, indent=1) + "\n", encoding="utf-8")
    return clean


def _take_ledger(notebook: Path) -> list[dict[str, Any]]:
    path = ledger_file(notebook)
    lines = ledger.read(path)
    path.unlink(missing_ok=True)
    return lines


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
    return tuple(filter(None, map(str.strip, texts(document, "plan"))))


def texts(document: Mapping[str, Any], tag: str | None = None) -> Iterator[str]:
    """What the same cells print and show, as text."""
    for output in outputs(document, tag):
        yield "".join(output.get("text") or output.get("data", {}).get("text/plain", ""))


def following(document: Mapping[str, Any]) -> str:
    """The first notebook that is named below the heading "Next"; empty where none is."""
    words = "".join("".join(cell["source"]) for cell in document["cells"][-1:] if cell["cell_type"] == "markdown")
    return next(iter(re.findall(r"\*\*(\d\d_\w+)\*\*", words.partition("## Next")[2])), "")


def changes(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The changes that the notebook's plans would make, each with the title of its plan; marked where they come and go."""
    for cell in document["cells"]:
        mark = {TRANSIENT: True} if TRANSIENT in cell["metadata"].get("tags", []) else {}
        for plan in shown_plans({"cells": [cell]}):
            shown = (change for change in plan["changes"] if change["action"] != "unchanged")
            yield from ({"plan": plan["title"], **change, **mark} for change in shown)


def shown_plans(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The plans that the cells show: each with its title and its changes."""
    for output in outputs(document):
        if plan := output.get("data", {}).get(PLAN_MIME):
            yield from plan.get("parts", [plan])


def figures_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """The figures that the cells show, by kind; of one kind the last."""
    found: dict[str, Any] = {}
    for output in outputs(document):
        found |= output.get("data", {}).get(figures.MIME, {})
    return found


def cells(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """When each cell ran, by the times that papermill keeps."""
    for number, cell in enumerate(document["cells"]):
        times = cell["metadata"].get("papermill", {})
        if times.get("start_time") and times.get("end_time"):
            began, ended = (datetime.fromisoformat(times[key]) for key in ("start_time", "end_time"))
            if cell["cell_type"] == "code":
                seconds = round((ended - began).total_seconds(), 3)
                yield {"number": number, "line": first_line(cell), "began": times["start_time"], "seconds": seconds}


def first_line(cell: Mapping[str, Any]) -> str:
    """The first line of a cell's source."""
    return next(iter("".join(cell["source"]).strip().splitlines()), "")


def failed_cell(document: Mapping[str, Any]) -> str:
    """The cell that papermill marked as failed: its number and first line; "" where there is none."""
    for cell in document["cells"]:
        if cell["metadata"].get("papermill", {}).get("status") == "failed":
            return f"In [{cell.get('execution_count') or '*'}] {first_line(cell)}"
    return ""
