"""How long the evidence of a run takes to write, and how large its page is.

`python -m benchmarks.evidence RUN` writes it anew from the executed notebooks of that folder.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from benchmarks import runs
from cruddur_ops.runbook import evidence
from cruddur_ops.runbook.evidence import history, page

MOST_SECONDS, MOST_MEGABYTES = 1, 3


def lines(tiny: bool = False) -> Iterator[str]:
    """Of a run of all notebooks: what comes after the last cell, then the whole, most of which is done beside the cells.

    Tiny, it is a run of 00.
    """
    with runs.sandbox():
        record = runs.run("00" if tiny else "--all")
    folder = Path(record["folder"])
    last = record["notebooks"][-1]["cells"][-1]
    ended = datetime.fromisoformat(last["began"]).timestamp() + last["seconds"]
    added = (folder / "run.json").stat().st_mtime - ended
    size = (folder / page.NAME).stat().st_size / 1e6
    yield f"evidence of all notebooks: {added:.2f} s after the last cell (at most {MOST_SECONDS} s)"
    yield f"  its page: {size:.2f} MB (at most {MOST_MEGABYTES} MB)"
    alone = subprocess.run([sys.executable, "-m", "benchmarks.evidence", folder], check=True, capture_output=True, text=True)
    yield f"  written anew in a process of its own, with the import of nbconvert: {float(alone.stdout):.2f} s"


def write(run: Path, folder: Path) -> float:
    """Write the evidence of a run once more; returns the seconds that it took."""
    before = history.read(run)
    began = time.perf_counter()
    record = evidence.Record(folder, before["target"], {"plan_only": False, "settings": {}, "parameters": {}})
    for step in before["notebooks"]:
        executed = Path(shutil.copy(run / f"{step['name']}.ipynb", record.folder))
        record.add(evidence.result(step["name"], step["verdict"], step["seconds"], "", executed))
    record.write("passed")
    return time.perf_counter() - began


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        print(write(Path(sys.argv[1]), Path(name)))
