"""Runs notebooks headless: checks what was asked for, executes in order, and says how it went."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from cruddur_ops import targets
from cruddur_ops.errors import ConfirmationRequired, RunFailed, RunInterrupted
from cruddur_ops.runbook import evidence, lock, notebooks, parameters, report
from cruddur_ops.runbook.evidence import Record, Result
from cruddur_ops.runbook.notebooks import Notebook
from cruddur_ops.state import PROJECT
from cruddur_ops.targets import SETTINGS, Target

if TYPE_CHECKING:
    from cruddur_ops.runbook.kernels import Kernels

RUNS = PROJECT / "runs"


@dataclass(frozen=True)
class Run:
    """A run that was checked and can begin; nothing was touched yet.

    Attributes:
        notebooks: in the order in which they run.
        target: where they act.
        given: the values from the command line, as text, `target` and `confirm` among them.
        plan_only: whether the cells that change anything are left out.
    """

    notebooks: tuple[Notebook, ...]
    target: Target
    given: Mapping[str, str]
    plan_only: bool = False

    @property
    def needs_sandbox(self) -> bool:
        """Whether a sandbox has to be started: the target is one, none is up, and AWS will be called."""
        without_aws = self.target.connection_url and all(notebook.database_only for notebook in self.notebooks)
        return self.target.sandbox and not self.target.endpoint_url and not without_aws


def check(
    names: Sequence[str],
    target: str = "local",
    confirm: str = "",
    given: Mapping[str, str] | None = None,
    plan_only: bool = False,
    folder: Path | None = None,
) -> Run:
    """Check everything that a run is given, before anything is touched.

    Args:
        names: of notebooks, as `notebooks.select` takes them.
        target: a section of targets.toml.
        confirm: the DB instance identifier, to change a protected target; "" for none.
        given: other parameters, as text.
        plan_only: leave out the cells that change anything.
        folder: where the notebooks are; by default the project's.

    Raises:
        WrongInput: a name or a value cannot be used.
    """
    given = given or {}
    chosen = tuple(notebooks.read(path) for path in notebooks.select(folder or notebooks.NOTEBOOKS, names))
    offered = {name for notebook in chosen for name in notebook.parameters} - {"target", "confirm"}
    parameters.require_known(given, offered)
    parameters.refuse_secrets(given)
    for notebook in chosen:
        parameters.values(given, notebook.parameters)
    settings = {name: value for name, value in given.items() if name in SETTINGS}
    loaded = targets.load(target, **settings)
    _require_match(loaded, confirm)
    named = {"target": target, "confirm": confirm} if confirm else {"target": target}
    return Run(chosen, loaded, {**given, **named}, plan_only)


def _require_match(target: Target, confirm: str) -> None:
    if confirm and confirm != target.db_instance_identifier:
        message = (
            f'"{confirm}" is not the DB instance of target {target.name} and nothing was changed: '
            f"if you mean that one, repeat with --confirm {target.db_instance_identifier}"
        )
        raise ConfirmationRequired(message)


@contextmanager
def interruptible() -> Iterator[None]:
    """In the block the first SIGINT or SIGTERM raises KeyboardInterrupt; later ones leave the clearing-up alone."""

    def interrupt(*_: object) -> NoReturn:
        for number in before:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def execute(run: Run, runs: Path | None = None) -> None:
    """Execute the notebooks up to the first failure, show how it went, and leave a dated folder.

    Args:
        run: what to do.
        runs: where the dated folder is made; by default the project's.

    Raises:
        RunInProgress: another run holds the target; nothing was touched.
        RunFailed: a notebook failed.
        RunInterrupted: SIGINT or SIGTERM ended it.
    """
    with nullcontext() if run.plan_only else lock.held(run.target, [notebook.name for notebook in run.notebooks]):
        record = Record(runs or RUNS, run.target.name, _facts(run))
        try:
            _execute_all(run, record)
        except KeyboardInterrupt as error:
            _conclude(run, record, "interrupted")
            raise RunInterrupted("interrupted: repeat the run, it converges") from error
        except BaseException:
            record.write("failed")
            raise
        _conclude(run, record, record.results[-1].verdict)
    _raise_failed(record)


def _facts(run: Run) -> dict[str, Any]:
    """What run.json says beforehand: each value with its source, secrets masked."""
    values = {}
    for notebook in run.notebooks:
        given = parameters.values(run.given, notebook.parameters)
        for name, parameter in notebook.parameters.items():
            source = "command line" if name in given else "default"
            values[f"{notebook.name}: {name}"] = {"value": given.get(name, parameter.default), "source": source}
    settings = {name: {"value": value, "source": source} for name, value, source in run.target.rows()}
    return {"plan_only": run.plan_only, "parameters": values, "settings": settings}


def _execute_all(run: Run, record: Record) -> None:
    from cruddur_ops.runbook.kernels import Kernels  # slow to import: wrong input is told without it

    width = max(len(notebook.name) for notebook in run.notebooks)
    with Kernels([notebook.imports for notebook in run.notebooks], run.notebooks[0].path.parent) as kernels:
        for notebook in run.notebooks:
            _execute_one(run, notebook, record, kernels)
            result = record.results[-1]
            print(report.line(result, width), file=sys.stderr, flush=True)
            if result.verdict != "passed":
                break


def _execute_one(run: Run, notebook: Notebook, record: Record, kernels: Kernels) -> None:
    """Execute a notebook, and add to the record how it went, even where it was interrupted."""
    from cruddur_ops.runbook import execution  # imports papermill, while the first kernel starts

    output = record.folder / notebook.path.name
    prepared = notebooks.prepare(notebook.document, run.plan_only)
    output.write_text(json.dumps(prepared))
    values = parameters.values(run.given, notebook.parameters)
    verdict, error, began = "interrupted", "", time.monotonic()
    try:
        with report.Bar(notebook.name, len(prepared["cells"]) + 1) as bar:
            error = execution.run(output, values, kernels, bar)
        verdict = "failed" if error else "passed"
    finally:
        seconds = round(time.monotonic() - began, 1)
        record.add(evidence.result(notebook.name, verdict, seconds, error, output))


def _conclude(run: Run, record: Record, verdict: str) -> None:
    """Complete run.json, and show the plans, or the table."""
    reached = {result.name for result in record.results}
    record.results += [Result(notebook.name) for notebook in run.notebooks if notebook.name not in reached]
    record.write(verdict)
    show = report.plans if run.plan_only else report.table
    print(f"{show(record.results)}\n\nevidence: {record.folder}")


def _raise_failed(record: Record) -> None:
    for result in record.results:
        if result.verdict == "failed":
            file = record.folder / f"{result.name}.ipynb"
            raise RunFailed(f"{result.name} failed (see {file}): do what the line under its name says, then repeat the run")
