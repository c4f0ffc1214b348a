"""The notebooks of the runbook as files: found by name, read, and made ready for a run.

WrongInput is raised where a name fits none, or a file is no notebook with the parameters that all must have.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cruddur_ops.errors import WrongInput, nearest
from cruddur_ops.runbook import parameters
from cruddur_ops.runbook.parameters import Parameter
from cruddur_ops.state import PROJECT

NOTEBOOKS = PROJECT / "notebooks"
DEFAULT = ("00", "01", "02", "03", "04", "05", "06")  # what runs where no name is given: nothing that takes away
# The tags of the cells that each mode leaves out; a check asks whether what was verified still holds.
LEFT_OUT: dict[str, set[str]] = {"run": set(), "plan": {"apply", "verify"}, "check": {"apply"}}


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
    def changing(self) -> bool:
        """Whether it has cells that change anything."""
        return any("apply" in tags(cell) for cell in self.document["cells"])


@dataclass(frozen=True)
class Selection:
    """Which notebooks a run shall have, each by number, name or file name."""

    names: Sequence[str] = ()  # empty for the default, 00 to 06
    everything: bool = False  # all there are
    first: str = ""  # the one to begin with
    last: str = ""  # the one to end with


def select(folder: Path, wanted: Selection) -> list[Path]:
    """The selected notebooks, ordered by number, each once."""
    available = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    if not available:
        raise WrongInput(f"there is no notebook in {folder}: `git status` shows what became of them")
    chosen = [path for path in available if wanted.everything or path.stem[:2] in DEFAULT]
    if wanted.names:
        chosen = sorted({_find(name, available) for name in wanted.names})
    first = _find(wanted.first, available) if wanted.first else available[0]
    last = _find(wanted.last, available) if wanted.last else available[-1]
    found = [path for path in chosen if first <= path <= last]
    if not found:
        raise WrongInput("nothing is selected: name notebooks, widen --from and --until, or add --all")
    return found


def _find(name: str, available: Sequence[Path]) -> Path:
    wanted = Path(name).name.removesuffix(".ipynb")
    for path in available:
        if wanted == path.stem or (wanted.isdecimal() and wanted.zfill(2) == path.stem[:2]):
            return path
    stems = [path.stem for path in available]
    advice = nearest(wanted, stems, f"use one of {', '.join(stems)}")
    raise WrongInput(f'there is no notebook "{name}": {advice}')


def read(path: Path) -> Notebook:
    """Read a notebook, and the parameters that its cell declares."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        sources = ["".join(cell["source"]) for cell in document["cells"] if "parameters" in tags(cell)]
        declared = parameters.declared("".join(sources[:1]))
    except WrongInput as error:
        raise WrongInput(f"{path.name}: {error}") from error
    except (ValueError, KeyError, TypeError, SyntaxError) as error:
        raise WrongInput(f"{path} cannot be read as a notebook ({error!r}): `git diff` shows what was changed in it") from error
    for name in ("target", "confirm"):
        if name not in declared:
            raise WrongInput(f'{path} declares no parameter "{name}": add it to the cell tagged parameters')
    return Notebook(path, document, declared)


def tags(cell: Mapping[str, Any]) -> list[str]:
    """The tags of a cell."""
    found: list[str] = cell["metadata"].get("tags", [])
    return found


def prepare(document: Mapping[str, Any], mode: str = "run") -> dict[str, Any]:
    """The notebook without its committed outputs, and without the cells that the mode leaves out.

    Args:
        document: as it lies in its folder.
        mode: "run"; "plan", which neither changes nor verifies; or "check", which plans and verifies.
    """
    kept = [cell for cell in document["cells"] if not LEFT_OUT[mode].intersection(tags(cell))]
    return {**document, "cells": [_blank(cell) for cell in kept]}


def _blank(cell: Mapping[str, Any]) -> dict[str, Any]:
    return {**cell, "outputs": [], "execution_count": None} if cell["cell_type"] == "code" else dict(cell)
