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
from pathlib import Path

from benchmarks import runs
from cruddur_ops.runbook import evidence
from cruddur_ops.runbook.evidence import chain

MOST_SECONDS, MOST_MEGABYTES = 1, 3


def lines() -> Iterator[str]:
    """Of a run of all notebooks, in a process of its own, the import of what renders them included."""
    with runs.sandbox():
        folder = runs.run("--all")["folder"]
    done = subprocess.run([sys.executable, "-m", "benchmarks.evidence", folder], check=True, capture_output=True, text=True)
    yield f"evidence of all notebooks: {done.stdout.strip()}"


def write(run: Path, folder: Path) -> str:
    """Write the evidence of a run once more; says how long that took, and how large the page is."""
    before = chain.read(run)
    began = time.perf_counter()
    record = evidence.Record(folder, before["target"], {"plan_only": False, "settings": {}, "parameters": {}})
    for step in before["notebooks"]:
        executed = Path(shutil.copy(run / f"{step['name']}.ipynb", record.folder))
        record.add(evidence.result(step["name"], step["verdict"], step["seconds"], "", executed))
    record.write("passed")
    seconds = time.perf_counter() - began
    size = (record.folder / chain.PAGE).stat().st_size / 1e6
    return f"{seconds:.2f} s (at most {MOST_SECONDS} s), its page {size:.2f} MB (at most {MOST_MEGABYTES} MB)"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        print(write(Path(sys.argv[1]), Path(name)))
