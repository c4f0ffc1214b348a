"""The plan file of a run: all changes that its notebooks would make, with a digest by which they are approved."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cruddur_ops.approvals import UNKNOWN
from cruddur_ops.errors import PlanMoved, WrongInput
from cruddur_ops.plan import PLAN_MIME, SYMBOLS, Action
from cruddur_ops.runbook.evidence import outputs
from cruddur_ops.runbook.parameters import described

if TYPE_CHECKING:
    from cruddur_ops.runbook.runs import Run

NAME = "plan.json"
SHORTEST = 12  # hexadecimal digits of a digest that still tell one plan from another
FIELDS = ("action", "resource", "setting", "before", "after")


def write(run: Run, folder: Path) -> str:
    """Collect the plans that the executed notebooks show into plan.json, and return its digest.

    Args:
        run: the run, which planned only.
        folder: where the executed notebooks are.
    """
    names = [notebook.name for notebook in run.notebooks]
    content = {
        "schema": 1,
        "target": run.target.name,
        "db_instance_identifier": run.target.db_instance_identifier,
        "notebooks": names,
        "given": {name: one.value for name, one in run.given.items() if name not in ("target", "confirm")},
        "parameters": {one.name: _parameters(run, one) for one in run.notebooks},
        "plans": [plan for name in names for plan in collect(name, folder / f"{name}.ipynb")],
    }
    found = digest(content)
    document = {**content, "digest": found}
    (folder / NAME).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return found


def _parameters(run: Run, notebook: Any) -> dict[str, Any]:
    """The values that count: whoever plans, and whoever applies, types a confirmation or none."""
    found = described(run.given, notebook.parameters)
    return {name: one["value"] for name, one in found.items() if name != "confirm"}


def collect(name: str, executed: Path) -> Iterator[dict[str, Any]]:
    """The plans that an executed notebook shows; without notes, which may tell the days that are left."""
    document = json.loads(executed.read_text(encoding="utf-8"))
    for shown in (output.get("data", {}).get(PLAN_MIME) for output in outputs(document)):
        if shown:
            yield {"notebook": name, "title": shown["title"], "changes": [_change(change) for change in shown["changes"]]}


def _change(shown: Mapping[str, Any]) -> dict[str, Any]:
    return {**{name: shown[name] for name in FIELDS}, "unknown": (shown["note"] or "").startswith(UNKNOWN)}


def digest(content: Mapping[str, Any]) -> str:
    """SHA-256 over the content as canonical JSON, in hexadecimal."""
    text = json.dumps({key: value for key, value in content.items() if key != "digest"}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def find(wanted: str, runs: Path, file: Path | None = None) -> Path:
    """The plan file with this digest, or one that begins so.

    Args:
        wanted: at least 12 hexadecimal digits.
        runs: the folders to search, the newest first.
        file: the one file to look at, where it lies elsewhere.

    Raises:
        WrongInput: there is none, or it is not as it was planned.
    """
    for path in [file] if file else sorted(runs.glob(f"*/{NAME}"), reverse=True):
        if len(wanted) >= SHORTEST and read(path)["digest"].startswith(wanted):
            return path
    where = file or f"{runs}, in which `cruddur-ops run --plan` leaves it"
    raise WrongInput(
        f'no plan has the digest "{wanted}" in {where}: give its first {SHORTEST} digits or more, as they were shown'
    )


def read(path: Path) -> dict[str, Any]:
    """A plan file that is as it was written.

    Raises:
        WrongInput: it is none, or was changed since.
    """
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        written = document["digest"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WrongInput(f"{path} is no plan file: make one with `cruddur-ops run --plan`") from error
    if written != digest(document):
        raise WrongInput(f"{path} was changed after it was planned: plan again with `cruddur-ops run --plan`")
    return document


def require_unmoved(approved: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse to apply a plan that would no longer come out the same, and show what moved.

    Raises:
        PlanMoved: so it is.
    """
    if approved["digest"] == now["digest"]:
        return
    before, after = _lines(approved), _lines(now)
    moved = [f"  no longer: {line}" for line in before if line not in after]
    moved += [f"  new:       {line}" for line in after if line not in before]
    head = (
        f"the plan {approved['digest'][:SHORTEST]} does not hold any more, and nothing was changed; what moved since it was made:"
    )
    remedy = f"if that is what you want, apply it with `cruddur-ops run --approved {now['digest'][:SHORTEST]}`"
    raise PlanMoved("\n".join([head, *(moved or ["  the order of the changes"]), remedy]))


def _lines(document: Mapping[str, Any]) -> Sequence[str]:
    """A plan file in lines: its parameters, and a line for each change."""
    lines = [f"{name}: {key} = {value}" for name, one in document["parameters"].items() for key, value in one.items()]
    for plan in document["plans"]:
        lines += [f"{plan['notebook']}: {plan['title']}: {_line(change)}" for change in plan["changes"]]
    return lines


def _line(change: Mapping[str, Any]) -> str:
    name = ": ".join(part for part in (change["resource"], change["setting"]) if part)
    values = " -> ".join(value for value in (change["before"], change["after"]) if value is not None)
    return f"{SYMBOLS[Action(change['action'])]} {name}" + (f" = {values}" if values else "")
