"""The lock on this machine, for this user: a file that the system unlocks when the process ends."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from cruddur_ops.errors import RunInProgress
from cruddur_ops.state import state_folder
from cruddur_ops.targets import Target


@contextmanager
def held(target: Target, notebooks: Sequence[str]) -> Iterator[None]:
    """Hold the target while the block runs. The system frees the lock of a process that died (flock(2)).

    Raises:
        RunInProgress: another run holds it.
    """
    path = lock_file(target)
    holder = path.with_suffix(".json")
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise RunInProgress(_message(target.name, holder)) from error
    try:
        holder.write_text(json.dumps(_description(notebooks)))
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def lock_file(target: Target) -> Path:
    """The lock of a target. Two sandboxes are two: the endpoint counts, though not for its looks."""
    key = hashlib.sha256(f"{target.name} {target.endpoint_url}".encode()).hexdigest()[:12]
    return state_folder() / f"run-{key}.lock"


def _description(notebooks: Sequence[str]) -> dict[str, object]:
    since = datetime.now(UTC).isoformat(sep=" ", timespec="seconds")
    return {"pid": os.getpid(), "since": since, "notebooks": list(notebooks)}


def _message(name: str, holder: Path) -> str:
    """Who holds the target; without details in the instant before the holder has written them."""
    try:
        by = json.loads(holder.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return f'another run has just begun on target "{name}": wait until it has ended'
    return (
        f'another run holds target "{name}" (process {by["pid"]}, since {by["since"]}, '
        f"notebooks {', '.join(by['notebooks'])}): wait until it has ended, or end it with `kill {by['pid']}`"
    )
