"""The notebooks of the runbook as files: found by name, read, and made ready for a run."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cruddur_ops.errors import UnknownNotebook, WrongInput
from cruddur_ops.runbook import parameters
from cruddur_ops.runbook.parameters import Parameter
from cruddur_ops.state import PROJECT

NOTEBOOKS = PROJECT / "notebooks"
DEFAULT = ("00", "01", "02", "03", "04")  # what runs where no name is given: nothing that takes away
CHANGING = {"apply", "verify"}  # tags of the cells that a plan leaves out


@dataclass(frozen=True)
class Notebook:
    """A notebook of the runbook, as it lies in its folder."""

    path: Path
    document: Mapping[str, Any] = field(repr=False)
    parameters: Mapping[str, Parameter] = field(repr=False)

    @property
    def name(self) -> str:
        """Such as "01_provision_rds"."""
        return self.path.stem

    @property
    def database_only(self) -> bool:
        """Whether its metadata say that it needs a database, and no AWS: `cruddur_ops: {database_only: true}`."""
        return bool(self.document["metadata"].get("cruddur_ops", {}).get("database_only"))

    @property
    def imports(self) -> str:
        """Its import lines, and the heavy modules that they lead to: what its kernel can load ahead."""
        sources = ["".join(cell["source"]) for cell in self.document["cells"] if cell["cell_type"] == "code"]
        lines = [line for source in sources for line in source.splitlines() if line.startswith(("import ", "from "))]
        magics = ["import cruddur_ops.magics"] if any("%load_ext cruddur_ops" in source for source in sources) else []
        return "\n".join(["import boto3", *lines, *magics])


def select(folder: Path, names: Sequence[str]) -> list[Path]:
    """The notebooks with these names, numbers or file names, ordered by number; by default 00 to 04.

    Raises:
        UnknownNotebook: a name fits none, or the folder has none.
    """
    available = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    if names and available:
        return sorted({_find(name, available) for name in names})
    chosen = [path for path in available if path.stem[:2] in DEFAULT]
    if not chosen:
        raise UnknownNotebook(f"there is no notebook in {folder}: restore it with `git checkout notebooks`")
    return chosen


def _find(name: str, available: Sequence[Path]) -> Path:
    wanted = Path(name).name.removesuffix(".ipynb")
    for path in available:
        if wanted == path.stem or (wanted.isdecimal() and wanted.zfill(2) == path.stem[:2]):
            return path
    stems = [path.stem for path in available]
    near = difflib.get_close_matches(wanted, stems, n=1)
    advice = f'did you mean "{near[0]}"?' if near else f"use one of {', '.join(stems)}"
    raise UnknownNotebook(f'there is no notebook "{name}": {advice}')


def read(path: Path) -> Notebook:
    """Read a notebook, and the parameters that its cell declares.

    Raises:
        WrongInput: the file is no notebook, or it does not declare what every notebook must.
    """
    try:
        document = json.loads(path.read_text())
        sources = ["".join(cell["source"]) for cell in document["cells"] if "parameters" in tags(cell)]
        declared = parameters.declared("".join(sources[:1]))
    except (ValueError, KeyError, TypeError, SyntaxError) as error:
        message = f"{path} cannot be read as a notebook ({error!r}): restore it with `git checkout {path.name}`"
        raise WrongInput(message) from error
    for name in ("target", "confirm"):
        if name not in declared:
            raise WrongInput(f'{path} declares no parameter "{name}": add it to the cell tagged parameters')
    return Notebook(path, document, declared)


def tags(cell: Mapping[str, Any]) -> list[str]:
    """The tags of a cell."""
    found: list[str] = cell["metadata"].get("tags", [])
    return found


def prepare(document: Mapping[str, Any], plan_only: bool) -> dict[str, Any]:
    """The notebook without its committed outputs; for a plan, without the cells that change or verify."""
    kept = [cell for cell in document["cells"] if not (plan_only and CHANGING.intersection(tags(cell)))]
    return {**document, "cells": [_blank(cell) for cell in kept]}


def _blank(cell: Mapping[str, Any]) -> dict[str, Any]:
    return {**cell, "outputs": [], "execution_count": None} if cell["cell_type"] == "code" else dict(cell)
