"""Proof against later edits: SHA256SUMS has the SHA-256 of each file of a run's folder, as sha256sum(1) writes and checks it.

The SHA-256 of that file is the seal of the run.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from cruddur_ops.errors import OpsError
from cruddur_ops.runbook.evidence import history

NAME = "SHA256SUMS"


def seal(folder: Path) -> str:
    """Write the manifest of a folder to which nothing comes any more, and return the seal."""
    (folder / NAME).write_text(_lines(folder), encoding="utf-8")
    return _digest(folder / NAME)


def _lines(folder: Path) -> str:
    return "".join(f"{_digest(path)}  {path.name}\n" for path in sorted(folder.iterdir()) if path.name != NAME)


def verify(folder: Path, seal: str = "") -> str:
    """The seal of a folder that is as the run left it.

    Raises OpsError with all that was changed, or where the run never ended; WrongInput where it is no folder of a run.

    Args:
        folder: of the run.
        seal: its first digits, as the run printed them; empty to leave the comparison to whoever reads the answer.
    """
    if not (folder / NAME).is_file():
        history.read(folder)
        raise OpsError(f"the run never ended, or an older version wrote it, so there is no {NAME}: see what it did in {folder}")
    found = _digest(folder / NAME)
    changes = [*_changes(folder), *([] if found.startswith(seal.lower()) else [f"{NAME} was written anew, its seal is {found}"])]
    if not changes and (name := history.read(folder).get("folder", folder.name)) != folder.name:
        changes.append(f"the folder was renamed, it was {name}")
    if changes:
        raise OpsError(f"{'; '.join(changes)} after the run: do not rely on {folder}")
    return found


def _changes(folder: Path) -> Iterator[str]:
    """What differs from the manifest, file by file; else whether the manifest is what `seal` writes."""
    text = (folder / NAME).read_text(encoding="utf-8", errors="replace")
    now = _lines(folder)
    listed, there = _digests(text), _digests(now)
    yield from (f"{name} was changed" for name in listed if listed[name] != there.get(name))
    yield from (f"{name} was added" for name in there if name not in listed)
    if listed == there and text != now:
        yield f"{NAME} was changed"


def _digests(lines: str) -> dict[str, str]:
    """The digest of each file, by its name."""
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines.splitlines())}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() and not path.is_symlink() else ""
