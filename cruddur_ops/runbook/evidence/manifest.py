"""Proof against later edits: SHA256SUMS has the SHA-256 of each file of a run's folder, as sha256sum(1) writes and checks it.

The SHA-256 of that file is the seal of the run.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from cruddur_ops.errors import OpsError
from cruddur_ops.runbook.evidence import history

NAME = "SHA256SUMS"


def seal(folder: Path) -> str:
    """Write the manifest of a folder to which nothing comes any more, and return the seal."""
    lines = [f"{_digest(path)}  {path.name}\n" for path in sorted(folder.iterdir()) if path.name != NAME]
    (folder / NAME).write_text("".join(lines), encoding="utf-8")
    return _digest(folder / NAME)


def verify(folder: Path) -> str:
    """The seal of a folder that is as the run left it, to be compared with the one that the run printed.

    Raises OpsError where a file was changed, or where the run never ended; WrongInput where it is no folder of a run.
    """
    history.read(folder)
    if not (folder / NAME).is_file():
        raise OpsError(f"the run never ended, or an older version wrote it, so there is no {NAME}: see what it did in {folder}")
    for line in (folder / NAME).read_text(encoding="utf-8").splitlines():
        digest, _, name = line.partition("  ")
        if _digest(folder / name) != digest:
            raise OpsError(f"{name} was changed after the run: do not rely on {folder}")
    return _digest(folder / NAME)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
