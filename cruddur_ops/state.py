"""This user's small files that outlive a process: locks, RDS's root certificates; and where a sandbox is."""

import errno
import getpass
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import platformdirs

from cruddur_ops.errors import WrongInput

PROJECT = Path(__file__).resolve().parent.parent
MOST_BYTES = 32 << 20  # of a file that is read as a whole
KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
TOLD = ("CHECKIP_URL", "LAMBDA_RUNTIME", "LAMBDA_ARCHITECTURE")  # what a sandbox says of itself, and we have settings for


def user() -> str:
    """Who works on this machine; by number, where the system has no name for it, as in some containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid-{os.getuid()}"


def began(process: int) -> float | None:
    """When a process of this machine began; None where there is none. Its number is given away again.

    On Linux in ticks since the machine began: psutil's time of day is another one once somebody has set the clock.
    """
    import psutil

    try:
        if psutil.LINUX:
            return float(Path(f"/proc/{process}/stat").read_text(errors="replace").rpartition(")")[2].split()[19])
        moment: float = psutil.Process(process).create_time()
    except (OSError, psutil.NoSuchProcess):
        return None
    return moment


def read_text(path: Path, encoding: str = "utf-8") -> str:
    """A file that a person has written; OSError for what has no end, such as a device."""
    with path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
    return content.decode(encoding)


def require_checkout() -> None:
    """Refuse to work from a wheel, which has neither notebooks nor SQL."""
    if not (PROJECT / "notebooks").is_dir():
        remedy = "clone it, and `make env` there"
        raise WrongInput(f"cruddur-ops runs from a checkout of its repository, with notebooks/, sql/ and targets.toml: {remedy}")


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


def sandbox_environment() -> Mapping[str, str]:
    """The variables of the sandbox that is up, by the names of our settings; empty where none is.

    The process's own environment comes first, so that a throwaway sandbox or an exported one wins.
    """
    found = os.environ if "AWS_ENDPOINT_URL" in os.environ else _running_sandbox()
    return {**found, **{f"CRUDDUR_{name}": found[f"RDS_SANDBOX_{name}"] for name in TOLD if f"RDS_SANDBOX_{name}" in found}}


def _running_sandbox() -> Mapping[str, str]:
    sandboxes = rds_sandbox()
    return sandboxes.running() if sandboxes else {}


def sandbox_keys(endpoint_url: str) -> Mapping[str, str]:
    """The keys of the sandbox there: those of the environment where it is that of a sandbox, else of the one that is up.

    Empty where neither is known; a real key of the environment is never among them.
    """
    for found in (os.environ if "RDS_SANDBOX_TOKEN" in os.environ else {}, _running_sandbox()):
        if found.get("AWS_ENDPOINT_URL") == endpoint_url:
            return {name.lower(): found[name] for name in KEYS if name in found}
    return {}


def rds_sandbox() -> Any:
    """The public face of rds_sandbox; None in a production install, though its folder may be in sight."""
    try:
        import rds_sandbox as found
    except ModuleNotFoundError:
        return None
    return found if found.__file__ else None
