"""This user's small files that outlive a process: where a sandbox runs, locks, RDS's root certificates."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import platformdirs

from cruddur_ops.errors import WrongInput

PROJECT = Path(__file__).resolve().parent.parent


def state_folder() -> Path:
    """The folder of these files: CRUDDUR_STATE_DIR, else the user's state folder by the XDG rules.

    Raises:
        WrongInput: it cannot be made.
    """
    named = os.environ.get("CRUDDUR_STATE_DIR")
    folder = Path(named) if named else platformdirs.user_state_path("cruddur-ops")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WrongInput(f"{folder} cannot be made ({error.strerror}): name another folder in CRUDDUR_STATE_DIR") from error
    return folder


def sandbox_file(name: str | None = None) -> Path:
    """Where the sandbox of this name (else of CRUDDUR_SANDBOX, else "default") says how to reach it."""
    name = name or os.environ.get("CRUDDUR_SANDBOX", "default")
    return state_folder() / f"sandbox-{name}.json"


def read_sandbox(name: str | None = None) -> dict[str, Any] | None:
    """What the running sandbox wrote about itself: process id, folder, environment. None where none is up."""
    try:
        record: dict[str, Any] = json.loads(sandbox_file(name).read_text())
    except FileNotFoundError:
        return None
    return record


def sandbox_environment() -> Mapping[str, str]:
    """The variables that `cruddur-ops sandbox env` prints; empty where no sandbox is up.

    The process's own environment comes first, so that a throwaway sandbox or an exported one wins.
    """
    if "AWS_ENDPOINT_URL" in os.environ:
        return os.environ
    record = read_sandbox()
    return record["environment"] if record else {}
