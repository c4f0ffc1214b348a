"""The runs that left a folder: found by name, listed, and two of them compared."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cruddur_ops.errors import WrongInput
from cruddur_ops.plan import Outcome
from cruddur_ops.runbook.evidence import chain

LAST = "last"


def folders(runs: Path) -> list[Path]:
    """The folders of all runs, oldest first."""
    return sorted(path.parent for path in runs.glob("*/run.json"))


def find(name: str, runs: Path) -> Path:
    """The folder of a run.

    Args:
        name: of the folder, its path, or "last".
        runs: where the folders are.

    Raises:
        WrongInput: there is none of this name.
    """
    available = folders(runs)
    if name == LAST and available:
        return available[-1]
    for folder in (runs / name, Path(name)):
        if name and (folder / "run.json").is_file():
            return folder
    near = difflib.get_close_matches(name, [folder.name for folder in available], n=1)
    advice = f'did you mean "{near[0]}"?' if near else "`cruddur-ops runs` lists those that there are"
    raise WrongInput(f'{runs} has no run "{name}": {advice}')


def listing(runs: Path) -> str:
    """A line for each run, newest last: when and where, how it ended, what it came to, by whom."""
    lines = [_line(folder) for folder in folders(runs)]
    return "\n".join(lines) or f"no run has left a folder in {runs} yet"


def _line(folder: Path) -> str:
    try:
        record = chain.read(folder)
    except WrongInput as error:
        return f"{folder.name:34} cannot be read: {error}"
    outcome = sum((Outcome(**step["outcome"]) for step in record["notebooks"]), Outcome())
    numbers = ", ".join(step["name"][:2] for step in record["notebooks"])
    kind = "plan" if record["plan_only"] else record["verdict"]
    return f"{folder.name:34} {kind:12} {outcome}  ({numbers}; {record['user']}@{record['host']})"


def compare(before: Path, after: Path) -> str:
    """What differs between two runs: how they began, each notebook's verdict, counts and seconds.

    Raises:
        WrongInput: one of them cannot be read.
    """
    first, second = (dict(_facts(chain.read(folder))) for folder in (before, after))
    names = list(dict.fromkeys([*first, *second]))
    rows = [(name, first.get(name, "-"), second.get(name, "-")) for name in names]
    lines = [f"{name:52} {old} -> {new}" for name, old, new in rows if old != new]
    return "\n".join([f"{before.name} -> {after.name}", *(lines or ["no difference"])])


def _facts(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What is worth comparing, by name."""
    for name in ("verdict", "target", "caller", "user", "host"):
        yield name, str(record[name])
    yield "git", str(record["git"] and record["git"]["commit"][:12])
    for group in ("versions", "parameters", "settings"):
        for name, value in record[group].items():
            yield f"{group}: {name}", str(value["value"] if isinstance(value, Mapping) else value)
    for step in record["notebooks"]:
        yield f"{step['name']}: verdict", step["verdict"]
        yield f"{step['name']}: outcome", str(Outcome(**step["outcome"]))
        yield f"{step['name']}: seconds", f"{step['seconds']:.1f}"
        yield f"{step['name']}: retries", str(step["retries"])
