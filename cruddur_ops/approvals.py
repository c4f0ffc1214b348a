"""Plans that are approved: the file in which a run leaves what it would change, its digest, and what that allows.

Where CRUDDUR_APPROVED names such a file, the changes in it may be made, and no others; without it, nothing is asked.
WrongInput is raised where there is no such plan, PlanMoved where it does not hold any more, ConfirmationRequired for a
change that it does not have.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cruddur_ops.errors import ConfirmationRequired, PlanMoved, WrongInput
from cruddur_ops.state import read_text

VARIABLE = "CRUDDUR_APPROVED"
NAME = "plan.json"
SHORTEST = 12  # hexadecimal digits of a digest that still tell one plan from another
UNKNOWN = "known after"  # how the note of a change begins that stands for others, which cannot be told yet
SHAPE = {
    **dict.fromkeys(("target", "db_instance_identifier"), str),
    **dict.fromkeys(("where", "given", "parameters"), dict),
    **dict.fromkeys(("notebooks", "plans"), list),
}
COMPARED = ("action", "resource", "setting", "after")
SYMBOLS = {"create": "+", "modify": "~", "delete": "-", "unchanged": "="}  # of each action


def write(content: Mapping[str, Any], folder: Path) -> str:
    """Write a plan file, and return its digest, by which it is approved."""
    found = digest(content)
    (folder / NAME).write_text(json.dumps({**content, "digest": found}, indent=2) + "\n", encoding="utf-8")
    return found


def entry(notebook: str, shown: Mapping[str, Any]) -> dict[str, Any]:
    """A plan that a notebook shows, as the file has it: without notes, which may tell the days that are left."""
    changes = [{name: one[name] for name in (*COMPARED, "before")} | {"unknown": _unknown(one)} for one in shown["changes"]]
    return {"notebook": notebook, "title": shown["title"], "changes": changes}


def _unknown(change: Mapping[str, Any]) -> bool:
    return str(change["note"]).startswith(UNKNOWN)


def digest(content: Mapping[str, Any]) -> str:
    """SHA-256 over the content as canonical JSON, in hexadecimal."""
    text = json.dumps({key: value for key, value in content.items() if key != "digest"}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def find(wanted: str, runs: Path, file: Path | None = None) -> Path:
    """The plan file with this digest, or one that begins so: the newest in the runs' folders, or the one that is named."""
    for path in [file] if file else sorted(runs.glob(f"*/{NAME}"), reverse=True):
        if len(wanted) >= SHORTEST and read(path)["digest"].startswith(wanted):
            return path
    where = file or f"{runs}, in which `cruddur-ops run --plan` leaves it"
    remedy = f"give its first {SHORTEST} digits or more, as they were shown"
    raise WrongInput(f'no plan has the digest "{wanted}" in {where}: {remedy}')


def parse(text: str) -> Any:
    """The value of a JSON text; ValueError where a key stands twice: a reader may take the first, a program takes the last."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(found := dict(pairs)) < len(pairs):
            raise ValueError("a key stands twice")
        return found

    try:
        return json.loads(text, object_pairs_hook=once)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def read(path: Path) -> dict[str, Any]:
    """A plan file that is as it was written."""
    try:
        document: dict[str, Any] = parse(read_text(path))
        written = document["digest"]
        fits = all(isinstance(document[name], kind) for name, kind in SHAPE.items())
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WrongInput(f"{path} is no plan file: make one with `cruddur-ops run --plan`") from error
    if not fits:
        raise WrongInput(f"{path} is no plan file of this version: make one with `cruddur-ops run --plan`")
    if written != digest(document):
        raise WrongInput(f"{path} was changed after it was planned: plan again with `cruddur-ops run --plan`")
    return document


def require_unmoved(approved: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse to apply a plan that would no longer come out the same, and show what moved."""
    if approved["digest"] == now["digest"]:
        return
    before, after = list(_lines(approved)), list(_lines(now))
    moved = [f"  no longer: {line}" for line in before if line not in after]
    moved += [f"  new:       {line}" for line in after if line not in before]
    named = f"the plan {approved['digest'][:SHORTEST]} does not hold any more"
    remedy = f"if that is what you want, apply it with `cruddur-ops run --approved {now['digest'][:SHORTEST]}`"
    head = f"{named}, and nothing was changed; what moved since it was made:"
    raise PlanMoved("\n".join([head, *(moved or ["  the order of the changes"]), remedy]))


def _lines(document: Mapping[str, Any]) -> Iterator[str]:
    """A plan file in lines: its parameters, and a line for each change."""
    for name, one in document["parameters"].items():
        yield from (f"{name}: {key} = {value}" for key, value in one.items())
    for plan in document["plans"]:
        yield from (f"{plan['notebook']}: {plan['title']}: {line(change)}" for change in plan["changes"])


def line(change: Mapping[str, Any]) -> str:
    """A change, as `Change.shown` has it, in a line without its note."""
    name = ": ".join(part for part in (change["resource"], change["setting"]) if part)
    values = " -> ".join(value for value in (change["before"], change["after"]) if value is not None)
    return f"{SYMBOLS[change['action']]} {name}" + (f" = {values}" if values else "")


def require_covered(title: str, changes: Sequence[Mapping[str, Any]]) -> None:
    """Refuse changes, as `Change.shown` has them, that the approved plan of this title neither has nor leaves open."""
    path = os.environ.get(VARIABLE)
    if not path or not changes:
        return
    plans = json.loads(Path(path).read_text(encoding="utf-8"))["plans"]
    approved = [change for plan in plans if plan["title"] == title for change in plan["changes"]]
    if any(change["unknown"] for change in approved):
        return
    allowed = {_compared(change) for change in approved}
    for change in changes:
        if _compared(change) not in allowed:
            named = " ".join(str(change[name]) for name in COMPARED if change[name])
            message = f'"{named}" is not in the approved plan, and nothing of "{title}" was changed'
            raise ConfirmationRequired(f"{message}: read the plan of now, `cruddur-ops run --plan`, and approve that")


def _compared(change: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(change[name] for name in COMPARED)
