"""`make outputs`: run the notebooks on a fresh sandbox, and keep in them what that printed."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from tqdm import tqdm

from cruddur_ops.runbook.notebooks import NOTEBOOKS
from cruddur_ops.sandbox.control import throwaway


def execute(path: Path) -> None:
    """Execute a notebook in place; the metadata stay, so that no version or time is committed."""
    notebook = nbformat.read(path, as_version=4)
    metadata = dict(notebook.metadata)
    client = NotebookClient(notebook, record_timing=False, resources={"metadata": {"path": str(path.parent)}})
    client.execute(env=dict(os.environ))
    notebook.metadata = nbformat.from_dict(metadata)
    nbformat.write(notebook, path)


def main() -> None:
    """Execute all, in order."""
    with throwaway() as variables:
        os.environ.update(variables)
        for path in tqdm(sorted(NOTEBOOKS.glob("*.ipynb"))):
            execute(path)


if __name__ == "__main__":
    main()
