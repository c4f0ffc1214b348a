"""What a worker does: each run is a process of its own, as `cruddur-ops run` is one, and ends with its worker."""

import json
import os
import platform
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryFile

from cruddur_ops.fleet.order import Order, Report

COMMAND = (sys.executable, "-m", "cruddur_ops.fleet.child")
GRACE = 60  # seconds in which an interrupted run ends its kernels, writes its evidence and frees its lock
_running: set[subprocess.Popen[str]] = set()


def run(order: Order) -> Report:
    """Run what is ordered, and answer how that went; what its process prints is kept beside its evidence."""
    began = time.monotonic()
    log = _log(order)
    with log.open("a") as output, TemporaryFile("w+") as answer:
        child = subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=answer, stderr=output, text=True, start_new_session=True)
        _running.add(child)
        try:
            why = _wait(child, order)
        finally:
            _running.discard(child)
        answer.seek(0)
        text = answer.read()
    found = Report(**json.loads(text)) if text else Report(order.target, "failed", _last_line(log))
    verdict = "timed out" if why else found.verdict
    given = {"verdict": verdict, "why": why or found.why, "host": platform.node(), "seconds": round(time.monotonic() - began, 1)}
    return Report(**{**asdict(found), **given})


def _log(order: Order) -> Path:
    """Where the output goes: into the folder of the fleet, where this machine has it, else nowhere."""
    folder = Path(order.folder)
    if not order.folder or not folder.is_dir():
        return Path(os.devnull)
    place = folder / order.place
    place.mkdir(exist_ok=True)
    return place / "output.txt"


def _wait(child: subprocess.Popen[str], order: Order) -> str:
    """Wait until it ends, and say why that was too early, or "". Its standard input is open as long as this process lives."""
    assert child.stdin
    try:
        with suppress(BrokenPipeError):  # it ended at once: its last line says why
            print(json.dumps(asdict(order)), file=child.stdin, flush=True)
        return _within(child, order.seconds)
    finally:
        interrupt(child)


def _within(child: subprocess.Popen[str], seconds: int) -> str:
    try:
        child.wait(seconds or None)
        return ""
    except subprocess.TimeoutExpired:
        interrupt(child)
        try:
            child.wait(GRACE)
        except subprocess.TimeoutExpired:
            child.kill()  # its kernels end with it
            child.wait()
        return f"it took longer than {seconds} seconds: see its output.txt for what it waits for, or raise --timeout"


def interrupt(child: subprocess.Popen[str]) -> None:
    """Let a run end as after Ctrl-C."""
    assert child.stdin
    with suppress(BrokenPipeError):  # of what it never read
        child.stdin.close()


def interrupt_all() -> None:
    """Let all that this worker runs end."""
    for child in tuple(_running):
        interrupt(child)


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return (lines or ["its process ended without a word"])[-1][:300]
