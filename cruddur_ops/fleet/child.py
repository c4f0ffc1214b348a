"""The process of one run: reads its order, runs it, and answers with a report, as JSON on standard output."""

import json
import os
import signal
import sys
import tempfile
import threading
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from cruddur_ops import approvals, progress, runbook
from cruddur_ops.errors import OpsError, RunInProgress
from cruddur_ops.fleet import facts, record
from cruddur_ops.fleet.order import PASSED, VERDICTS, Order, Report
from cruddur_ops.redaction import redact, redact_known
from cruddur_ops.runbook import Request, Run, forkserver, runs
from cruddur_ops.runbook.evidence import history
from cruddur_ops.runbook.evidence.results import TRANSIENT
from cruddur_ops.runbook.resumption import CHECK

TELLING = (PASSED, "failed", "moved", "locked")  # after which the target can be asked what it is like
LOCK_SECONDS = 6 * 60  # in which the lock of a run whose worker is lost becomes stale


def main() -> None:
    """Read the order, and write the report; all else that is printed goes to standard error."""
    with os.fdopen(os.dup(1), "w") as answer:
        os.dup2(2, 1)
        order = Order(**json.loads(sys.stdin.readline()))
        threading.Thread(target=_end_with_worker, daemon=True).start()
        forkserver.start()  # it loads meanwhile
        with runbook.interruptible():
            report = perform(order)
        answer.write(redact_known(json.dumps(asdict(report), ensure_ascii=False)))


def _end_with_worker() -> None:
    """Interrupt this process once nobody has its standard input open any more."""
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGINT)


def perform(order: Order) -> Report:
    """Run what is ordered."""
    shared = Path(order.folder) / order.place
    folder = shared if shared.is_dir() else runs.RUNS
    before = history.folders(folder)
    run, failure = None, None
    try:
        with tempfile.TemporaryDirectory() as scratch:
            run = runbook.check(_request(order, folder, Path(scratch) / approvals.NAME))
            _execute(order, run, folder)
    except OpsError as error:
        failure = error
    found = [one for one in history.folders(folder) if one not in before]
    report = _report(order, failure, found[-1] if found else None)
    if run is None or report.verdict not in TELLING:
        return report
    its = facts.gather(run.target)
    return replace(report, facts=its["facts"], figures=its["figures"])


def _request(order: Order, folder: Path, plan: Path) -> Request:
    """What is asked of the runbook: to go on with what was cut off; a plan that may be applied is written to a file for it."""
    own = Request(evidence_url=order.evidence_url, origin={"fleet": order.fleet})
    if folder != runs.RUNS and not order.plan_only and (earlier := record.cut_off(folder)):
        resumed = runbook.resume(earlier, folder, own)
        return replace(resumed, origin={**resumed.origin, **own.origin})
    if not order.plan:
        selection = runbook.Selection(tuple(order.notebooks))
        return replace(own, selection=selection, target=order.target, options=order.given, plan_only=order.plan_only)
    plan.write_text(order.plan, encoding="utf-8")
    applied = runbook.apply_plan(json.loads(order.plan)["digest"], plan, runs.RUNS, own)
    return replace(applied, origin={**applied.origin, **own.origin})


def _execute(order: Order, run: Run, folder: Path) -> None:
    """Execute it; where this fleet has lost the worker that holds the target, once that one's lock is over."""

    def attempt() -> tuple[str, bool | None]:
        try:
            runbook.execute(run, folder)
        except RunInProgress as error:
            if order.fleet not in str(error):
                raise
            return str(error), None
        return "", True

    progress.poll("lock", attempt, LOCK_SECONDS, RunInProgress, ())


def _report(order: Order, failure: OpsError | None, folder: Path | None) -> Report:
    found: dict[str, Any] = history.read(folder) if folder else {"notebooks": []}
    steps = {step["name"].removesuffix(CHECK): step for step in found["notebooks"]}  # a check that failed was followed by a run
    failed = next((step for step in steps.values() if step["verdict"] == "failed"), None)
    name, why = type(failure).__name__, redact(str(failure))
    if failed and name == "RunFailed":
        name, why = failed["error"].partition(":")[0], f"{failed['name']}: {failed['error']}"
    plan = folder / approvals.NAME if folder else None
    return Report(
        order.target,
        VERDICTS.get(name, "failed") if failure else PASSED,
        why if failure else "",
        folder=str(folder or ""),
        notebooks=tuple(
            {"name": name, **{key: step[key] for key in ("verdict", "seconds", "outcome")}} for name, step in steps.items()
        ),
        changes=sum(TRANSIENT not in change for step in steps.values() for change in step["changes"]),
        digest=found.get("plan_digest", ""),
        plan=plan.read_text(encoding="utf-8") if plan and order.plan_only and plan.exists() else "",
    )


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
