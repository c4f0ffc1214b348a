"""Where a sandbox of this user says how to reach it: one small file for each name."""

import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import platformdirs

from rds_sandbox.errors import WrongInput
from rds_sandbox.folders import private

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def state_folder() -> Path:
    """The folder of these files: RDS_SANDBOX_STATE_DIR, else the user's state folder by the XDG rules."""
    named = os.environ.get("RDS_SANDBOX_STATE_DIR")
    folder = Path(named) if named else platformdirs.user_state_path("rds-sandbox")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WrongInput(f"{folder} cannot be made ({error.strerror}): name another folder in RDS_SANDBOX_STATE_DIR") from error
    return folder


def record_file(name: str | None = None) -> Path:
    """Where the sandbox of this name (else of RDS_SANDBOX_NAME, else "default") says how to reach it."""
    name = name or os.environ.get("RDS_SANDBOX_NAME", "default")
    if not NAME.fullmatch(name):
        raise WrongInput(f"{name[:64]!r} is no name of a sandbox: give letters, digits, hyphens and underscores, 64 at most")
    return state_folder() / f"{name}.json"


def read_record(name: str | None = None) -> dict[str, Any] | None:
    """What the sandbox wrote about itself: process id, folder, environment. None where there is nothing."""
    try:
        record: dict[str, Any] = json.loads(record_file(name).read_text())
    except FileNotFoundError:
        return None
    return record


@contextmanager
def one_at_a_time(file: Path) -> Iterator[None]:
    """For the length of a `with`, nobody else starts or ends the sandbox whose file this is."""
    with private(file.with_suffix(".lock")).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
