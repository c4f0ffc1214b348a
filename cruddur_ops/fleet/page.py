"""index.html of a fleet, and the same as text: targets and notebooks as a matrix, and what differs between targets."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cruddur_ops import targets
from cruddur_ops.change import Outcome
from cruddur_ops.fleet import record
from cruddur_ops.fleet.order import Report, place
from cruddur_ops.fleet.record import Record
from cruddur_ops.runbook.evidence import storage, writing

HERE = Path(__file__).parent
NAME = "index.html"
NAMED = 5  # targets of a group that are told by name in a terminal
UNKNOWN = "-"  # what a target does not tell


@dataclass(frozen=True)
class Difference:
    """A fact that is not the same everywhere, and who has which value, the largest group first."""

    name: str
    groups: Sequence[tuple[str, tuple[str, ...]]]


def write(folder: Path) -> None:
    """Write the page of a fleet as its folder is now, and copy it with the record to where the evidence goes.

    Raises OpsError where S3 refuses; WrongInput where there is no such bucket.
    """
    fleet = record.read(folder)
    with writing(folder):
        (folder / NAME).write_text(render(fleet.facts, fleet.name, fleet.reports()), encoding="utf-8")
    if url := fleet.facts["evidence_url"]:
        canary = targets.load(fleet.facts["targets"][0])
        storage.require(url, canary)
        storage.store(folder, url, canary)


def render(facts: Mapping[str, Any], name: str, reports: Mapping[str, Report]) -> str:
    """The page, which opens offline and links to the page of each target's run where that is in the fleet's folder."""
    from cruddur_ops.runbook.evidence import page

    html: str = page.template("fleet.html.j2", HERE).render(
        fleet=facts,
        name=name,
        notebooks=list(dict.fromkeys(step["name"] for report in reports.values() for step in report.notebooks)),
        rows=[(report, _cells(report), link(report, copied=bool(facts["evidence_url"]))) for report in _ordered(facts, reports)],
        summary=summary(facts, reports),
        differences=found(reports),
        figures=sorted({key for report in reports.values() for key in report.figures}),
        style=(page.HERE / "index.css").read_text(encoding="utf-8"),
    )
    return html


def link(report: Report, *, copied: bool) -> str:
    """The page of its run, from the fleet's; "" where the run is on another machine, and nowhere else."""
    whose, run = place(report.target), Path(report.folder)
    return f"{whose}/{run.name}/{NAME}" if run.parent.name == whose or (copied and run.name) else ""


def found(reports: Mapping[str, Report]) -> list[Difference]:
    """What differs between the targets that told what they are like."""
    return differences({name: report.facts for name, report in reports.items() if report.facts})


def differences(facts: Mapping[str, Mapping[str, str]]) -> list[Difference]:
    """What is not the same on all targets; first what most of them have alike, since few are the exceptions there.

    Args:
        facts: of each target by name; what a target does not tell is a value of its own.
    """
    names = dict.fromkeys(name for found in facts.values() for name in found)
    compared = [Difference(name, _same(name, facts)) for name in names]
    return sorted((one for one in compared if len(one.groups) > 1), key=lambda one: -len(one.groups[0][1]))


def _same(name: str, facts: Mapping[str, Mapping[str, str]]) -> list[tuple[str, tuple[str, ...]]]:
    found: dict[str, list[str]] = defaultdict(list)
    for target, its in facts.items():
        found[its.get(name, UNKNOWN)].append(target)
    return sorted(((value, tuple(who)) for value, who in found.items()), key=lambda group: (-len(group[1]), group[0]))


def summary(facts: Mapping[str, Any], reports: Mapping[str, Report]) -> str:
    """How many ended how, in a line."""
    counts = Counter(report.verdict for report in reports.values())
    waiting = len(facts["targets"]) - len(reports)
    parts = [f"{number} {verdict}" for verdict, number in counts.most_common()] + ([f"{waiting} to come"] if waiting else [])
    return f"{len(facts['targets'])} targets: {', '.join(parts)}; {sum(report.changes for report in reports.values())} changes"


def text(fleet: Record) -> str:
    """The same for a terminal."""
    width = max(map(len, fleet.facts["targets"]))
    lines = [line(report, width) for report in _ordered(fleet.facts, fleet.reports())]
    return "\n".join([*lines, end(fleet)])


def end(fleet: Record) -> str:
    """What it came to, and what differs."""
    reports = fleet.reports()
    shown = [f"  {one.name}: {'; '.join(_group(*group) for group in one.groups)}" for one in found(reports)]
    heading = ["what differs between targets:", *shown] if shown else []
    return "\n".join([*heading, f"{fleet.name}: {fleet.verdict}; {summary(fleet.facts, reports)}"])


def line(report: Report, width: int = 0) -> str:
    """A target in a line."""
    numbers = " ".join(f"{step['name'][:2]} {step['verdict']}" for step in report.notebooks if step["verdict"] != "passed")
    return f"{report.target:{width}}  {report.verdict:11}  {report.seconds:7.1f} s  {report.why or numbers}".rstrip()


def _group(value: str, who: Sequence[str]) -> str:
    named = ", ".join(who[:NAMED]) + (f" and {len(who) - NAMED} more" if len(who) > NAMED else "")
    return f"{value} ({named})"


def _ordered(facts: Mapping[str, Any], reports: Mapping[str, Report]) -> Iterator[Report]:
    yield from (reports[name] for name in facts["targets"] if name in reports)


def _cells(report: Report) -> dict[str, tuple[str, str]]:
    """Of each notebook the verdict, and what is told of it."""
    told = {step["name"]: f"{step['seconds']} s, {Outcome(**step['outcome'])}" for step in report.notebooks}
    return {step["name"]: (step["verdict"], told[step["name"]]) for step in report.notebooks}
