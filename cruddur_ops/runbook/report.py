"""What a run shows: a bar on a terminal, a line for each notebook, and a table at the end."""

import re
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Self

from tqdm import tqdm

from cruddur_ops.approvals import SHORTEST
from cruddur_ops.change import Outcome
from cruddur_ops.runbook.evidence import Record, Result
from cruddur_ops.runbook.runs import Run

BAR = "{desc} |{bar:20}| cell {n_fmt}/{total_fmt} {elapsed} {postfix}"


class Bar:
    """A bar for the notebook that runs, where standard error is a terminal; nothing elsewhere."""

    def __init__(self, name: str, cells: int) -> None:
        """Show the bar of a notebook."""
        self.bar = tqdm(desc=name, total=cells, bar_format=BAR, leave=False, file=sys.stderr, disable=None)
        self.ended = threading.Event()

    def __enter__(self) -> Self:
        """Begin to refresh the elapsed time, every second."""
        if not self.bar.disable:
            threading.Thread(target=self._tick, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take the bar away."""
        self.ended.set()
        self.bar.close()

    def cell(self, index: int) -> None:
        """Show that the cell with this index, counted from 0, has begun."""
        self.bar.set_postfix_str("", refresh=False)
        self.bar.update(index + 1 - self.bar.n)

    def say(self, text: str) -> None:
        """Show the last line that the cell printed."""
        lines = text.strip().splitlines()
        if lines:
            self.bar.set_postfix_str(lines[-1][:60])

    def _tick(self) -> None:
        while not self.ended.wait(1):
            self.bar.refresh()


def line(result: Result, width: int = 0) -> str:
    """One notebook in a line: name, verdict, seconds, what was done, and what is next."""
    return f"{result.name:{width}}  {result.verdict:11}  {result.seconds:7.1f} s  {result.summary}".rstrip()


def table(results: Sequence[Result]) -> str:
    """The run as a table: what each notebook created, changed, deleted and left alone; and the sum."""
    width = max(len("notebook"), *(len(result.name) for result in results))
    lines = [f"{'notebook':{width}}  {'verdict':11}  seconds  created  changed  deleted  unchanged"]
    for result in results:
        counts = "  ".join(f"{count:{len(name)}}" for name, count in asdict(result.outcome).items())
        lines.append(f"{result.name:{width}}  {result.verdict:11}  {result.seconds:7.1f}  {counts}")
    return "\n".join([*lines, total(results)])


def total(results: Sequence[Result]) -> str:
    """The run in a line."""
    passed = sum(result.verdict == "passed" for result in results)
    seconds = sum(result.seconds for result in results)
    counts = sum((result.outcome for result in results), Outcome())
    return f"{passed} of {len(results)} notebooks passed in {seconds:.1f} s: {counts}"


def plans(results: Sequence[Result]) -> str:
    """What each notebook of a plan showed, and that nothing more was done."""
    lines = []
    for result in results:
        lines += [f"{result.name}: {result.verdict}", *result.plans, ""]
    return "\n".join([*lines, "nothing was changed"])


def next_step(record: Record) -> str:
    """How to apply what was planned; empty for other runs."""
    digest = record.facts.get("plan_digest", "")[:SHORTEST]
    return f"plan {digest}: apply exactly this with `cruddur-ops run --approved {digest}`\n" if digest else ""


def advice(run: Run, record: Record) -> str:
    """How to go on after a failure or an interruption."""
    if run.plan_only:
        return "repeat the command: nothing was changed"
    confirmation = f" --confirm {run.target.db_instance_identifier}" if run.target.protected and not run.request.approved else ""
    return f"go on with `cruddur-ops run --resume {record.folder.name}{confirmation}`"


def panel(results: Sequence[Result], folder: Path, resume: str) -> str:
    """What failed, where and why, what mends it, and how to go on; the traceback stays in the executed notebook."""
    result = next(one for one in reversed(results) if one.verdict == "failed")
    rows = {
        "cell": result.cell,
        "why": result.error,
        "mend": remedy(result.error, result.name),
        "then": resume,
        "see": str(folder / f"{result.name}.ipynb"),
    }
    lines = [f"  {name:5} {text}" for name, text in rows.items() if text]
    return "\n".join([f"{f'-- {result.name} failed ':-<72}", *lines, "-" * 72])


def remedy(sentence: str, failed: str) -> str:
    """The commands that a failure's sentence names, and the notebooks but the one that failed; empty where it names none."""
    commands = re.findall(r"`([^`]+)`", sentence)
    named = [name for name in re.findall(r"\b\d\d_[a-z_]+\b", sentence) if name != failed]
    return ", ".join([*commands, *(f"cruddur-ops run {name[:2]} (notebooks/{name}.ipynb)" for name in dict.fromkeys(named))])
