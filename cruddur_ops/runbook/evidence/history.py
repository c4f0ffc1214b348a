"""The runs that left a folder: found by name, read, listed, and compared; WrongInput is raised where there is none."""

import functools
import os
import platform
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import fastjsonschema

from cruddur_ops import approvals, pictures
from cruddur_ops.change import Outcome
from cruddur_ops.errors import WrongInput, nearest
from cruddur_ops.pictures import BLUE, VERMILION, Picture
from cruddur_ops.state import began

LAST = "last"
MOST, DRAWN = 100, 20  # runs that are read for a picture, and the recoveries that it shows
RECOVERY = {
    "recovery time": {"color": BLUE, "marker": "o", "linestyle": "-"},
    "recovery point": {"color": VERMILION, "marker": "s", "linestyle": "--"},
}
SCHEMA = 2  # of run.json: docs/evidence.md describes it
READABLE = (1, SCHEMA)
# What is read of a record (JSON Schema, draft 7): what an older schema lacks is not required.
TEXT, COUNT = {"type": "string"}, {"type": "integer", "minimum": 0}
VALUES = {"type": "object", "additionalProperties": {"type": "object", "required": ["value", "source"]}}
OUTCOME = {"created": COUNT, "changed": COUNT, "deleted": COUNT, "unchanged": COUNT}
STEP = {
    "type": "object",
    "required": ["name", "verdict", "outcome", "seconds", "retries"],
    "properties": {
        "name": TEXT,
        "error": TEXT,
        "outcome": {"type": "object", "properties": OUTCOME, "additionalProperties": False},
        "seconds": {"type": "number"},
        "figures": {"type": "object", "additionalProperties": {"type": "object"}},
    },
}
REQUIRED = ("verdict", "target", "user", "host", "plan_only", "caller", "started", "git", "versions", "parameters",
            "settings", "notebooks")  # fmt: skip
SHAPE = {
    "type": "object",
    "required": [*REQUIRED],
    "properties": {
        **{"verdict": TEXT, "target": TEXT, "host": TEXT, "user": TEXT, "heard": TEXT},
        "started": {**TEXT, "format": "date-time"},
        "caller": {"type": ["string", "null"]},
        "where": {"type": ["object", "null"]},
        "process": {**COUNT, "maximum": 2**31 - 1},
        "versions": {"type": "object"},
        "parameters": VALUES,
        "settings": VALUES,
        "order": {"type": "array", "items": TEXT},
        "notebooks": {"type": "array", "items": STEP},
        "git": {"type": ["object", "null"], "required": ["commit"], "properties": {"commit": TEXT}},
    },
}


def folders(runs: Path) -> list[Path]:
    """The folders of all runs, oldest first; WrongInput where they cannot be in a file."""
    if runs.is_file():
        raise WrongInput(f"{runs} is no folder, so no run is in it: name a folder in CRUDDUR_RUNS, or unset it")
    return sorted(path.parent for path in runs.glob("*/run.json"))


def find(name: str, runs: Path) -> Path:
    """The folder of a run, by its name, its path, or "last"."""
    available = folders(runs)
    if name == LAST and available:
        return available[-1]
    for folder in (runs / name, Path(name)):
        if name and os.path.isfile(folder / "run.json"):  # noqa: PTH113  # Path's raises where a name is too long
            return folder
    advice = nearest(name, [folder.name for folder in available], "`cruddur-ops runs` lists those that there are")
    raise WrongInput(f'{runs} has no run "{name}": {advice}')


def read(folder: Path) -> dict[str, Any]:
    """The record of a run."""
    try:
        record: dict[str, Any] = approvals.parse((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WrongInput(f"{folder} has no run.json that can be read: `cruddur-ops runs` lists the runs") from error
    found = record.get("schema", "none") if isinstance(record, dict) else "none"
    if found not in READABLE:
        raise WrongInput(f"{folder} has a record of schema {found}, not {SCHEMA}: read it with the version that wrote it")
    try:
        _validator()(record)
    except fastjsonschema.JsonSchemaException as error:
        raise WrongInput(f"{folder} has a run.json that no run wrote ({error}): `cruddur-ops runs` lists the runs") from error
    return record


@functools.cache
def _validator() -> Callable[[Any], Any]:
    """Compiled once: it takes longer than all else that is done to a record."""
    found: Callable[[Any], Any] = fastjsonschema.compile(SHAPE)
    return found


def verdict(record: Mapping[str, Any]) -> str:
    """How a run ended; "killed" where it says that it runs, and its process is gone from this machine."""
    said = str(record["verdict"])
    if said != "running" or record["host"] != platform.node():
        return said
    now = began(record["process"])
    return "killed" if now is None or now != record.get("process_began", now) else said


def listing(runs: Path) -> str:
    """A line for each run, newest last: when and where, how it ended, what it came to, by whom."""
    lines = [_line(folder) for folder in folders(runs)]
    return "\n".join(lines) or f"no run has left a folder in {runs} yet"


def _line(folder: Path) -> str:
    try:
        record = read(folder)
    except WrongInput as error:
        return f"{folder.name:34} cannot be read: {error}"
    outcome = sum((Outcome(**step["outcome"]) for step in record["notebooks"]), Outcome())
    numbers = ", ".join(step["name"][:2] for step in record["notebooks"])
    kind = "plan" if record["plan_only"] else verdict(record)
    times = "".join(f"; {name} {figure}" for one in _figures(record, "recovery") for name, figure in one.items())
    return f"{folder.name:34} {kind:12} {outcome}  ({numbers}; {record['user']}@{record['host']}{times})"


def _figures(record: Mapping[str, Any], kind: str) -> Iterator[Mapping[str, Any]]:
    """The figures of this kind, notebook by notebook."""
    yield from (step["figures"][kind] for step in record["notebooks"] if kind in step.get("figures", {}))


def recoveries(runs: Path, target: str) -> Picture | None:
    """How long a recovery took in each run of a target that measured one; None where fewer than two did."""
    found = [
        (record["started"][:16].replace("T", " "), one)
        for record in readable(runs)
        for one in _figures(record, "recovery")
        if record["target"] == target
    ]
    found = found[-DRAWN:]
    if len(found) < 2:
        return None
    figure, [axes] = pictures.panels(2.2)
    for name, look in RECOVERY.items():
        seconds = [float(str(one.get(name, "nan")).removesuffix(" s")) for _, one in found]
        axes.plot(range(len(found)), seconds, **look, label=name)
    axes.set(ylabel="seconds", xticks=range(len(found)), xlim=(-0.5, len(found) - 0.5))
    axes.set_xticklabels([when for when, _ in found], rotation=30, ha="right", fontsize=8)
    axes.set_ylim(bottom=0)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    said = "; ".join(f"{when}: " + ", ".join(f"{name} {value}" for name, value in one.items()) for when, one in found)
    return Picture(f"{target}: {said}", figure)


def newest(runs: Path) -> Iterator[dict[str, Any]]:
    """The records that can be read, the newest first; each is read when its turn comes."""
    for folder in reversed(folders(runs)):
        with suppress(WrongInput):
            yield read(folder)


def readable(runs: Path) -> list[dict[str, Any]]:
    """The records of the last runs, oldest first."""
    return [*islice(newest(runs), MOST)][::-1]


def rows_in_production(runs: Path) -> dict[str, int]:
    """The rows of each table that the last run told whose target is not the sandbox; empty where there was none."""
    for record in newest(runs):
        found = list(_figures(record, "rows"))
        if found and str(record["settings"].get("sandbox", {}).get("value")) == "False":
            return dict(found[-1])
    return {}


def compare(before: Path, after: Path) -> str:
    """What differs between two runs: how they began, each notebook's verdict, counts and seconds."""
    first, second = (dict(_facts(read(folder))) for folder in (before, after))
    rows = [(name, first.get(name, "-"), second.get(name, "-")) for name in {**first, **second}]
    lines = [f"{name:52} {old} -> {new}" for name, old, new in rows if old != new]
    return "\n".join([f"{before.name} -> {after.name}", *(lines or ["no difference"])])


def _facts(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What is worth comparing, by name."""
    yield "verdict", verdict(record)
    yield from ((name, str(record[name])) for name in ("target", "caller", "user", "host"))
    yield from ((f"where: {name}", str(found)) for name, found in (record.get("where") or {}).items())
    yield "git", str(record["git"] and record["git"]["commit"][:12])
    yield from ((f"versions: {name}", found) for name, found in record["versions"].items())
    for group in ("parameters", "settings"):
        yield from ((f"{group}: {name}", str(one["value"])) for name, one in record[group].items())
    for step in record["notebooks"]:
        shown = {**step, "outcome": Outcome(**step["outcome"])}
        yield from ((f"{step['name']}: {key}", str(shown[key])) for key in ("verdict", "outcome", "seconds", "retries"))
