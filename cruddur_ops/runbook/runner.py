"""Executes a run that was checked: notebook after notebook, up to the first failure, and says how it went."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from cruddur_ops import approvals, colour, ledger, locks
from cruddur_ops.errors import RunFailed, RunInterrupted
from cruddur_ops.locks import Hold
from cruddur_ops.redaction import redact
from cruddur_ops.runbook import evidence, notebooks, notify, report, runs
from cruddur_ops.runbook.background import Background
from cruddur_ops.runbook.evidence import Record, Result, page, storage
from cruddur_ops.runbook.notebooks import Notebook
from cruddur_ops.runbook.parameters import described, typed_values
from cruddur_ops.runbook.resumption import CHECK, require_same_place, write_plan
from cruddur_ops.runbook.runs import Run

if TYPE_CHECKING:
    from cruddur_ops.runbook.kernels import Kernels

SEAL_DIGITS = 12
LONGEST_FINISH = 10  # seconds for what is left in the background


@dataclass(frozen=True)
class Step:
    """A notebook, and whether it runs, plans or is only checked (see `notebooks.prepare`)."""

    notebook: Notebook
    mode: str

    @property
    def name(self) -> str:
        """What the executed file is called."""
        return self.notebook.name + (CHECK if self.mode == "check" else "")

    def variables(self, run: Run, folder: Path, approved: Path | None) -> dict[str, str]:
        """What its kernel has in its environment."""
        own = {ledger.VARIABLE: str(evidence.ledger_file(folder / f"{self.name}.ipynb"))}
        if run.changing:
            own |= {locks.VARIABLE: locks.identity(run.target)}
        return own | ({approvals.VARIABLE: str(approved)} if approved and self.mode == "run" else {})


@contextmanager
def interruptible() -> Iterator[None]:
    """In the block the first SIGINT, SIGTERM or SIGHUP raises KeyboardInterrupt; later ones leave the clearing-up alone.

    A SIGHUP that is ignored stays so: the run was started by nohup(1).
    """

    def interrupt(*_: object) -> NoReturn:
        for number in before:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    if before[signal.SIGHUP] is signal.SIG_IGN:
        del before[signal.SIGHUP]
    for number in before:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def execute(run: Run, folder: Path | None = None) -> Record:
    """Execute the notebooks up to the first failure, show how it went, and leave a dated folder in `folder`.

    Raises RunInProgress where another run holds the target, and PlanMoved where the approved plan does not hold any more: nothing
    was touched then. RunFailed where a notebook failed, RunInterrupted where a signal ended it.
    """
    folder = folder or runs.RUNS
    if run.request.approved:
        require_same_place(approvals.read(run.request.approved), run.target)
    if run.request.evidence_url:
        storage.require(run.request.evidence_url, run.target)
    with _lock(run) as hold:
        from cruddur_ops.runbook.kernels import Kernels  # slow to import: the fork server loads meanwhile

        try:
            with Kernels(run.notebooks[0].path.parent) as kernels:
                if run.request.approved and "plan" in run.request.origin:
                    _require_unmoved(run, run.request.approved, folder, kernels)
                return _perform(run, folder, kernels)
        except RunInterrupted as error:
            raise RunInterrupted(hold.lost or str(error)) from error


def _lock(run: Run) -> AbstractContextManager[Hold]:
    fleet = f"{run.request.origin['fleet']}: " if "fleet" in run.request.origin else ""  # first: a server keeps the beginning
    doing = f"{fleet}run of {', '.join(notebook.name for notebook in run.notebooks)}"
    return locks.held(run.target, doing) if run.changing else nullcontext(Hold())


def _require_unmoved(run: Run, approved: Path, folder: Path, kernels: Kernels) -> None:
    """Plan again, and refuse where that comes out differently."""
    planned = replace(run, target=replace(run.target, notify=""), request=replace(run.request, plan_only=True, evidence_url=""))
    now = _perform(planned, folder, kernels)
    approvals.require_unmoved(approvals.read(approved), approvals.read(now.folder / approvals.NAME))


def _perform(run: Run, folder: Path, kernels: Kernels) -> Record:
    """Execute the notebooks, with a record of their own."""
    record = Record(folder, run.target.name, _facts(run) | notify.heard(run, folder))
    if run.request.approved and not run.plan_only:
        (record.folder / approvals.NAME).write_bytes(run.request.approved.read_bytes())
    background = Background(kernels.waited)
    background.do(page.prepare)
    background.do(lambda: record.facts.update(caller=evidence.caller(run.target), where=evidence.where(run.target)))
    try:
        _execute_all(run, record, kernels, background)
    except KeyboardInterrupt as error:
        kernels.stop()
        _conclude(run, record, "interrupted", background)
        raise RunInterrupted(f"interrupted: {report.advice(run, record)}") from error
    except BaseException:
        notify.tell(run, record, "failed")
        record.write("failed")
        raise
    verdict = record.results[-1].verdict
    _conclude(run, record, verdict, background)
    if verdict == "failed":
        raise RunFailed(report.panel(record.results, record.folder, report.advice(run, record)))
    return record


def _facts(run: Run) -> dict[str, Any]:
    """What run.json says beforehand: each value with its source, secrets masked."""
    found = {one.name: described(run.given, one.parameters) for one in run.notebooks}
    return {
        "plan_only": run.plan_only,
        **run.request.origin,
        "order": [notebook.name for notebook in run.notebooks],
        "parameters": {f"{name}: {key}": value for name, values in found.items() for key, value in values.items()},
        "settings": {name: {"value": value, "source": source} for name, value, source in run.target.rows()},
        "limits": {"cell_seconds": run.request.cell_seconds, "notebook_seconds": run.request.notebook_seconds},
    }


def _execute_all(run: Run, record: Record, kernels: Kernels, background: Background) -> None:
    modes = {True: "check", False: "plan" if run.plan_only else "run"}
    steps = deque(Step(notebook, modes[notebook.name in run.request.verified]) for notebook in run.notebooks)
    width = max(len(step.name) for step in steps)
    while steps:
        step = steps.popleft()
        result = _execute_one(run, step, steps[0] if steps else None, record, kernels)
        background.do(partial(page.body, record.folder / f"{step.name}.ipynb"))
        print(report.line(result, width), file=sys.stderr, flush=True)
        if result.verdict != "passed":
            if step.mode != "check":
                return
            steps.appendleft(Step(step.notebook, "run"))  # its postconditions do not hold any more


def _execute_one(run: Run, step: Step, following: Step | None, record: Record, kernels: Kernels) -> Result:
    """Execute a notebook, and add to the record how it went, even where it was interrupted."""
    from cruddur_ops.runbook import execution  # imports papermill, while the fork server loads

    output = record.folder / f"{step.name}.ipynb"
    prepared = notebooks.prepare(step.notebook.document, step.mode)
    with evidence.writing(record.folder):
        output.write_text(json.dumps(prepared))
    approved = record.folder / approvals.NAME if run.request.approved else None
    variables = [one.variables(run, record.folder, approved) for one in (step, following) if one]
    kernel = kernels.take(*variables)
    limits = execution.Limits(run.request.cell_seconds, run.request.notebook_seconds)
    verdict, error = "interrupted", ""
    try:
        with report.Bar(step.name, len(prepared["cells"]) + 1) as bar:
            error = execution.run(output, typed_values(run.given, step.notebook.parameters), kernel, bar, limits)
        verdict = "failed" if error else "passed"
        kernels.end(kernel)
    finally:
        seconds = round(time.monotonic() - limits.began, 1)
        record.add(evidence.result(step.name, verdict, seconds, error, output))
    return record.results[-1]


def _conclude(run: Run, record: Record, verdict: str, background: Background) -> None:
    """Complete the folder, and show the plans, or the table."""
    reached = {result.name.removesuffix(CHECK) for result in record.results}
    record.results += [Result(notebook.name) for notebook in run.notebooks if notebook.name not in reached]
    background.finish(LONGEST_FINISH)
    if run.plan_only and verdict == "passed":
        record.facts["plan_digest"] = write_plan(run, record.folder)
    notify.tell(run, record, verdict)
    record.write(verdict)
    shown = report.plans(record.results) if run.plan_only else report.table(record.results)
    sealed = f"evidence: {record.folder}, seal {record.seal[:SEAL_DIGITS]}"
    try:
        colour.echo(redact("\n".join([shown, report.next_step(record), sealed])))
    except OSError:
        record.write("failed" if verdict == "passed" else verdict)  # nobody was told how it went, nor the seal
        raise
    if run.request.evidence_url:
        print(f"copy: {storage.store(record.folder, run.request.evidence_url, run.target)}")
