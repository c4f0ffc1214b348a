"""A long wait: a bar with what it waits for and since when, on a terminal or in a notebook's cell; and what is kept of it."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import pairwise
from typing import TypeVar

from cruddur_ops import ledger, moment
from cruddur_ops.errors import AwsUnreachable

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 5.0
LONG = 1.0  # seconds, from which on a wait is worth a line
# How long each status usually lasts on AWS, with a small instance: experience, not a promise; but renaming as in "Renaming a DB
# instance", and optimizing as in "Working with storage" (RDS User Guide).
USUAL = {
    "backing-up": "some minutes",
    "configuring-log-exports": "some minutes",
    "creating": "5 to 15 minutes",
    "deleting": "some minutes, with a final snapshot more",
    "modifying": "5 to 15 minutes",
    "pending": "some minutes",  # a VPC endpoint
    "rebooting": "1 to 3 minutes",
    "renaming": "10 minutes",
    "resetting-master-credentials": "a minute",
    "starting": "5 to 15 minutes",
    "stopping": "some minutes",
    "storage-optimization": "hours, in which it can be used",
    "upgrading": "10 to 30 minutes, and for many tables more",
}
Found = TypeVar("Found")


class CellLine:
    """A stream that shows its last line in a notebook's cell, and leaves nothing there in the end.

    The first content of the display is empty and so is the last: whether there was a wait, which differs
    from run to run, cannot be told from the outputs, also by a reader that does not follow the updates
    in between (nbval is one).
    """

    def __init__(self) -> None:
        """Make room for the line in the cell that is running."""
        from IPython.display import display

        self._display = display({}, raw=True, display_id=True)

    def write(self, text: str) -> int:
        """Show this line in place of the one before."""
        self._display.update({"text/plain": text.strip()} if text.strip() else {}, raw=True)
        return len(text)

    def flush(self) -> None:
        """Nothing is held back."""


def in_notebook() -> bool:
    """Whether a Jupyter kernel runs this code; a program that never loaded IPython is none."""
    shell = sys.modules.get("IPython")
    return getattr(shell and shell.get_ipython(), "kernel", None) is not None


@contextmanager
def waiting(name: str) -> Iterator[Callable[[str], None]]:
    """Show a bar with what the yielded function is given, and the elapsed time.

    It goes to stderr, only to a terminal, and leaves nothing there; in a notebook, to the cell.
    """
    from tqdm import tqdm

    stream = CellLine() if in_notebook() else sys.stderr
    with tqdm(desc=name, file=stream, bar_format="{desc}  {elapsed}", leave=False, disable=None) as bar:
        yield lambda status: bar.set_description_str(f"{name}: {status}")


@contextmanager
def counting(name: str, total: int, unit: str) -> Iterator[Callable[[int], object]]:
    """Show how many of a total are done, and how many a second; the yielded function is given each further number.

    It goes where `waiting` goes.
    """
    from tqdm import tqdm

    stream = CellLine() if in_notebook() else sys.stderr
    with tqdm(desc=name, total=total, unit=unit, unit_scale=True, file=stream, leave=False, disable=None) as bar:
        yield bar.update


@contextmanager
def _keeping(name: str, kept: bool) -> Iterator[Callable[[str], None]]:
    """Keep the statuses that the yielded function is given, each with its time, however the wait ends."""
    seen: list[tuple[str, float]] = []

    def see(status: str) -> None:
        status = _plain(status)
        if not seen or seen[-1][0] != status:
            seen.append((status, time.monotonic()))

    try:
        yield see
    finally:
        moments = [*seen, ("", time.monotonic())]
        passed = [(status, round(end - begin, 1)) for (status, begin), (_, end) in pairwise(moments)]
        if sum(seconds for _, seconds in passed) >= LONG:
            ledger.waited(name, passed)
            if kept:
                _leave(f"{name}: " + ", ".join(f"{status} {timedelta(seconds=round(taken))}" for status, taken in passed))


def _plain(status: str) -> str:
    """Without what changes from look to look: a number before it, and what follows a colon."""
    return status.partition(":")[0].lstrip("0123456789 ")


def _leave(line: str) -> None:
    """In the cell, or on stderr: what a verb answers may be read by a program."""
    if in_notebook():
        from IPython.display import display

        display({"text/plain": line}, raw=True)
    else:
        print(line, file=sys.stderr)


def pauses() -> Iterator[float]:
    """Seconds between two looks: short at first, since the sandbox is quick, then as long as AWS deserves."""
    pause = FIRST_PAUSE_SECONDS
    while True:
        yield pause
        pause = min(pause * 1.3, LONGEST_PAUSE_SECONDS)


def poll(
    name: str,
    look: Callable[[], tuple[str, Found | None]],
    timeout: float,
    overdue: Callable[[str], Exception],
    passing: type[Exception] | tuple[()] = AwsUnreachable,
    kept: bool = False,
) -> Found:
    """Look again and again until there is a result, with a bar that shows the status that came with none.

    An answer that is lost on the way ends no wait: it counts as a look without a result, but for the last one, which is raised.

    Args:
        name: what is waited for.
        look: gives a status, and the result or None.
        timeout: seconds; the last look is at or before its end.
        overdue: makes the error for when the time is over, from the last status.
        passing: what a look raises where nothing was learnt.
        kept: whether a line with the statuses and their times stays, in any case in the ledger. The sandbox's differ from
            run to run, and nbval compares them.
    """
    deadline = time.monotonic() + timeout

    def attempt() -> tuple[str, Found | None, Exception | None]:
        moment.forget()
        try:
            return *look(), None
        except passing as error:
            return "no answer", None, error

    status, found, lost = attempt()
    if found is not None:
        return found
    with _keeping(name, kept) as passed, waiting(name) as show:
        for pause in pauses():
            passed(status)
            usual = USUAL.get(_plain(status))
            show(status + (f" (on AWS usually {usual})" if usual else ""))
            if time.monotonic() + pause > deadline:
                raise lost or overdue(status)
            time.sleep(pause)
            status, found, lost = attempt()
            if found is not None:
                return found
    raise AssertionError("the pauses never end")
