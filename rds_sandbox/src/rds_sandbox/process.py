"""The sandbox's process, as whoever starts it sees it: begin, hear how to reach it, see whether it lives."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rds_sandbox import keeper
from rds_sandbox.errors import PostgresMissing, SandboxFailed

Record = dict[str, Any]  # what a sandbox says of itself: pid, root (its folder), environment
PYTHON = "RDS_SANDBOX_PYTHON"
PROGRAM = """
import sys
try:
    from rds_sandbox.entry import main
except ImportError:
    sys.exit(f"{sys.executable} has no rds-sandbox")
main()
"""


def start(standard_input: int, log: Any) -> tuple[subprocess.Popen[bytes], Record]:
    """Start the process and wait for the line in which it says how to reach it; what it says then goes to the open file `log`.

    The input is subprocess.PIPE for one that ends with us, else subprocess.DEVNULL.
    """
    keeper.tidy_all()
    root = Path(tempfile.mkdtemp(prefix=keeper.PREFIX, dir=keeper.temporary_folder()))
    root.chmod(0o711 if os.geteuid() == 0 else 0o700)  # PostgreSQL's account must pass through root's
    with keeper.take(root) as held:  # the process inherits the lock and holds it until it ends, however it ends
        process = _popen(root, stdin=standard_input, stderr=log, pass_fds=[held.fileno()])
    assert process.stdout is not None
    with process.stdout:
        line = process.stdout.readline()
    answer: Record = json.loads(line) if line else {}
    if "environment" not in answer:
        if process.stdin:
            process.stdin.close()
        process.wait()
        keeper.tidy(root)
        raise _failure(answer, log)
    return process, answer


def _popen(root: Path, **options: Any) -> subprocess.Popen[bytes]:
    """The server of our own Python, or of that in RDS_SANDBOX_PYTHON; -P keeps the current folder out of its imports."""
    python = os.environ.get(PYTHON) or sys.executable
    command = [python, "-P", "-c", PROGRAM, str(root), version("rds-sandbox")]
    try:
        return subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True, **options)
    except OSError as error:
        keeper.tidy(root)
        raise SandboxFailed(f"{python} does not run ({error.strerror}): name a Python in {PYTHON}, or unset it") from error


def _failure(answer: Mapping[str, str], log: Any) -> SandboxFailed:
    if "postgres" in answer:
        return PostgresMissing(answer["postgres"])
    if "installation" in answer:
        return SandboxFailed(answer["installation"])
    named = isinstance(log.name, str)
    text = Path(log.name).read_bytes() if named else log.seek(0) or log.read()
    last = text.decode(errors="replace").strip().rpartition("\n")[2]
    if last.endswith("has no rds-sandbox"):
        return SandboxFailed(
            f"{last}: `pip install 'rds-sandbox[server]=={version('rds-sandbox')}'` there, or name another in {PYTHON}"
        )
    remedy = f"its log {log.name} says why" if named else "mend that and try again"
    return SandboxFailed(f"the sandbox ended before it was ready ({last}): {remedy}")


def alive(record: Record | None) -> bool:
    """Whether the process still holds its folder."""
    if record is None or not Path(record["root"]).is_dir():
        return False
    held = keeper.lock(Path(record["root"]))
    if held is None:
        return True
    held.close()
    return False
