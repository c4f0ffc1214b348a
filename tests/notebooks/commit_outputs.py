"""`make outputs`: run the notebooks on a fresh sandbox, and keep in them what that printed.

`python -m tests.notebooks.commit_outputs 03 04` runs all up to 04, and keeps the outputs of these two.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from tqdm import tqdm

from cruddur_ops.runbook.notebooks import NOTEBOOKS
from rds_sandbox import sandbox


def execute(path: Path) -> nbformat.NotebookNode:
    """Execute a notebook; the metadata stay, so that no version or time is committed."""
    notebook: nbformat.NotebookNode = nbformat.read(path, as_version=4)
    metadata = dict(notebook.metadata)
    client = NotebookClient(notebook, record_timing=False, resources={"metadata": {"path": str(path.parent)}})
    client.execute(env=dict(os.environ))
    notebook.metadata = nbformat.from_dict(metadata)
    return notebook


def main() -> None:
    """Execute all in order, up to the last one that is wanted."""
    wanted = tuple(sys.argv[1:]) or ("",)
    paths = sorted(NOTEBOOKS.glob("*.ipynb"))
    while not paths[-1].name.startswith(wanted):
        paths.pop()
    with sandbox() as it, it.exported():
        for path in tqdm(paths):
            executed = execute(path)
            if path.name.startswith(wanted):
                nbformat.write(executed, path)


if __name__ == "__main__":
    main()
