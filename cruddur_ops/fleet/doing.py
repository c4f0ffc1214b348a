"""A fleet from beginning to end: checked, then wave after wave on Dask's workers, up to the error budget.

Dask schedules, and runs a target again whose worker is lost; what is decided here is which target may start next.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cruddur_ops import approvals, runbook, targets
from cruddur_ops.errors import ConfirmationRequired, RunInterrupted, WrongInput
from cruddur_ops.fleet import record, selection, waves, worker
from cruddur_ops.fleet.order import Order, Report, place
from cruddur_ops.fleet.record import Record
from cruddur_ops.fleet.window import NOT_STARTED, Task, Window
from cruddur_ops.runbook import Request, Selection
from cruddur_ops.runbook.evidence import storage


@dataclass(frozen=True)
class Wish:
    """What is asked for, not yet checked."""

    targets: Sequence[str] = ()
    notebooks: Sequence[str] = ()
    given: Mapping[str, str] = field(default_factory=dict)
    plan_only: bool = False
    approved: str = ""
    waves: str = "1,100%"
    most: int = 10  # runs at a time
    errors: str = "0"  # how many targets may fail, or what percentage
    seconds: int = 0  # for each target; 0 for as long as the notebooks may take
    evidence_url: str = ""
    scheduler: str = ""


@dataclass(frozen=True)
class Fleet:
    """A fleet that was checked and can begin, or go on."""

    record: Record
    scheduler: str
    most: int
    left: tuple[tuple[str, ...], ...]  # the waves, without what has passed

    @property
    def facts(self) -> Mapping[str, Any]:
        """What was asked for."""
        return self.record.facts

    @property
    def needs_sandbox(self) -> bool:
        """Whether a sandbox has to be started, for all of them."""
        found = map(targets.load, self.facts["targets"])
        return not self.scheduler and any(target.sandbox and not target.endpoint_url for target in found)

    def order(self, target: str, *, plan_only: bool, plan: str = "") -> Order:
        """What a worker is asked for."""
        facts = self.facts
        folder, url = self.record.folder, "" if plan_only and not facts["plan_only"] else facts["evidence_url"]
        url = f"{storage.copy(folder, url)}/{place(target)}" if url else ""  # as in the folder, so that the page leads there
        return Order(target, folder.name, str(folder), tuple(facts["notebooks"]), facts["given"], plan_only, plan, url,
                     facts["seconds"])  # fmt: skip


def begin(wish: Wish, runs: Path) -> Fleet:
    """Check everything that a fleet is given, and make its folder."""
    plans: dict[str, str] = {}
    source = record.planned(wish.approved, runs) if wish.approved else None
    if source:
        plans = {target: report.digest for target, report in source.reports().items()}
        wish = replace(wish, notebooks=source.facts["notebooks"], given=source.facts["given"])
        names = tuple(source.facts["targets"])
    else:
        names = selection.select(wish.targets, targets.read_targets())
    _require_usable(wish, names)
    split = [names] if wish.plan_only else waves.split(names, wish.waves)
    errors = len(names) if wish.plan_only else waves.count(wish.errors, len(names), "max-errors")
    facts = {
        **{"targets": names, "notebooks": [*wish.notebooks], "given": {**wish.given}, "plan_only": wish.plan_only},
        **{"waves": split, "errors": errors, "seconds": wish.seconds, "evidence_url": wish.evidence_url},
        **{"approved": source.facts["digest"] if source else "", "source": source.name if source else "", "plans": plans},
    }
    made = record.create(runs, {**facts, "digest": ""})
    return Fleet(made, wish.scheduler, wish.most, tuple(map(tuple, split)))


def _require_usable(wish: Wish, names: Sequence[str]) -> None:
    """Refuse what would fail on each of these targets."""
    chosen, url = Selection(tuple(wish.notebooks)), wish.evidence_url
    asked = Request(chosen, options=wish.given, plan_only=wish.plan_only, evidence_url=url)
    checked = [runbook.check(replace(asked, target=name)) for name in names]
    selection.require_distinct(run.target for run in checked)
    protected = [run.target.name for run in checked if run.changing and run.target.protected]
    if protected and not wish.approved:
        message = f"{', '.join(protected[:5])}: protected, so that a fleet changes only what was read before"
        raise ConfirmationRequired(f"{message}: `cruddur-ops fleet plan`, then `cruddur-ops fleet run --approved DIGEST`")


def resumed(name: str, runs: Path, wish: Wish) -> Fleet:
    """A fleet that goes on with the targets that have not passed."""
    found = record.find(name, runs)
    if found.verdict == "running":
        raise WrongInput(
            f"{found.name} is running (process {found.facts['process']} on {found.facts['host']}): wait, or end that"
        )
    done = {target for target, report in found.reports().items() if report.passed}
    left = tuple(tuple(target for target in wave if target not in done) for wave in found.facts["waves"])
    if not any(left):
        raise WrongInput(f"{found.name} has passed on all targets, nothing is left of it: begin a new one")
    return Fleet(found, wish.scheduler, wish.most, tuple(filter(None, left)))


def carry_out(fleet: Fleet, tell: Callable[[Report], object], say: Callable[[str], object], task: Task = worker.run) -> Fleet:
    """Run it to its end, and write down how it ended.

    Args:
        fleet: that was checked.
        tell: is given each report.
        say: is given where Dask shows its work.
        task: what a worker does with an order.
    """
    from cruddur_ops.fleet import cluster  # imports dask

    fleet = replace(fleet, record=fleet.record.write(verdict="running"))
    verdict = "failed"
    try:
        with cluster.workers(fleet.scheduler, fleet.most) as (client, most):
            if dashboard := cluster.dashboard(client):
                say(f"Dask's dashboard: {dashboard}")
            _follow(fleet, Window(client, most, task), tell)
        said = fleet.record.reports()
        verdict = "passed" if all(report.passed for report in said.values()) else "failed"
    except (KeyboardInterrupt, RunInterrupted) as error:
        verdict = "interrupted"
        raise RunInterrupted(
            f"{str(error) or 'interrupted'}: go on with `cruddur-ops fleet resume {fleet.record.name}`"
        ) from error
    finally:
        fleet = replace(fleet, record=fleet.record.write(verdict=verdict, **_digest(fleet)))
    return fleet


def _follow(fleet: Fleet, window: Window, tell: Callable[[Report], object]) -> None:
    """Keep each report; where that is interrupted, or fails, what runs ends with its evidence."""

    def note(report: Report) -> None:
        fleet.record.add(report)
        tell(report)

    try:
        for report in _reports(fleet, window):
            note(report)
    except BaseException:
        for report in window.interrupted():
            with suppress(OSError):
                note(report)
        raise


def _digest(fleet: Fleet) -> dict[str, str]:
    """Of all plans, where every target has one."""
    if not fleet.facts["plan_only"]:
        return {}
    found = {target: report.digest for target, report in fleet.record.reports().items() if report.passed}
    return {"digest": approvals.digest({"plans": found})} if set(fleet.facts["targets"]) <= found.keys() else {}


def _reports(fleet: Fleet, window: Window) -> Iterator[Report]:
    """What becomes of each target, wave after wave; at the end those that were not started."""
    canary, failed = "" if fleet.facts["plan_only"] else fleet.facts["waves"][0][0], set[str]()
    for wave in fleet.left:
        plans: Mapping[str, str] = {}
        if not window.stop and fleet.facts["plans"]:
            plans, unlike = _planned_again(fleet, wave, window)
            yield from unlike
            failed |= {report.target for report in unlike}
            wave = tuple(name for name in wave if name not in failed)
            window.stop = f"the plan of {unlike[0].target} is not the one that was approved" if unlike else ""
        orders = [fleet.order(name, plan_only=fleet.facts["plan_only"], plan=plans.get(name, "")) for name in wave]
        for report in window.run(orders):
            if not report.passed and report.verdict != NOT_STARTED:
                failed.add(report.target)
            window.stop = window.stop or waves.stop_reason(failed, canary, fleet.facts["errors"])
            yield report


def _planned_again(fleet: Fleet, wave: Collection[str], window: Window) -> tuple[dict[str, str], list[Report]]:
    """The approved plans of a wave, and the targets that cannot be planned any more, or come out differently.

    What was cut off in the middle would: there each change is held to the plan when it is made.
    """
    whole = [name for name in wave if not record.cut_off(fleet.record.folder / place(name))]
    reports = list(window.run([fleet.order(name, plan_only=True) for name in whole]))
    source = record.read(fleet.record.folder.parent / fleet.facts["source"])
    approved: Mapping[str, str] = fleet.facts["plans"]
    plans = {name: source.plan_file(name).read_text(encoding="utf-8") for name in wave}
    unlike = [
        replace(report, verdict="moved", why="its plan came out differently, and nothing was changed: see its folder, plan again")
        if report.passed
        else report
        for report in reports
        if approved[report.target] != report.digest
    ]
    return plans, unlike
