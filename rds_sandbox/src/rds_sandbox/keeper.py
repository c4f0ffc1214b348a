"""Ends the servers and functions of a sandbox whose process is gone, however it went."""

import fcntl
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

import psutil

from rds_sandbox.folders import private

PREFIX = "rds-sandbox-"
LOCK = "lock"
ENDING_SECONDS = 10


def take(root: Path) -> IO[str]:
    """Hold a new sandbox's folder for as long as the returned file is open: nobody sees a lock that is not held."""
    draft = private(root / f"{LOCK}.new")
    file = draft.open("a")
    fcntl.flock(file, fcntl.LOCK_EX)
    draft.rename(root / LOCK)
    return file


def lock(root: Path) -> IO[str] | None:
    """Hold the sandbox's folder for as long as the returned file is open; None where its process lives."""
    file = private(root / LOCK).open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def roots() -> Iterator[Path]:
    """The folders of this machine's sandboxes that we may look at."""
    return Path(temporary_folder()).glob(f"{PREFIX}*")


def temporary_folder() -> str:
    """A folder with a short name: a Unix socket's path has at most 103 bytes on macOS, 107 on Linux."""
    folder = tempfile.gettempdir()
    return folder if len(folder) < 50 else "/tmp"


def tidy(root: Path) -> None:
    """End the functions and the servers whose files are under this folder, then delete it."""
    for file in root.glob("functions/environment-*/pid"):
        _kill_function(file)
    servers = [process for file in root.glob("*/data/postmaster.pid") if (process := _postmaster(file))]
    for server in servers:
        with suppress(psutil.NoSuchProcess):
            server.send_signal(signal.SIGQUIT)
    _wait(lambda: all(map(ended, servers)))
    for server in servers:
        with suppress(psutil.NoSuchProcess):
            server.kill()
    _wait(lambda: _removed(root))


def _wait(condition: Callable[[], bool]) -> None:
    """Until it holds, or has had its time."""
    deadline = time.monotonic() + ENDING_SECONDS
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)


def _removed(root: Path) -> bool:
    """Whether all of it is gone: a server's logger outlives the server by a moment, and may write meanwhile."""
    shutil.rmtree(root, ignore_errors=True)
    return not root.exists()


def ended(process: psutil.Process) -> bool:
    """Whether it runs no more. The first process of a container, whose child it became, may never take notice of that."""
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def tidy_all() -> None:
    """Tidy up after every sandbox whose process is gone."""
    for root in roots():
        try:
            held = lock(root) if _started(root) else None
        except (FileNotFoundError, PermissionError):
            continue  # just gone, or another user's
        if held:
            with held:
                tidy(root)


def _started(root: Path) -> bool:
    """Whether its process has had the time to take the lock."""
    return (root / LOCK).exists() or time.time() - root.stat().st_mtime > 60


def _postmaster(file: Path) -> psutil.Process | None:
    """The server of a data directory, which is its working directory; None where it is gone."""
    try:
        process = psutil.Process(int(file.read_text().splitlines()[0]))
        return process if Path(process.cwd()) == file.parent.resolve() else None
    except (OSError, ValueError, IndexError, psutil.Error):
        return None


def _kill_function(file: Path) -> None:
    """End the process group of an execution environment, whose folder is an argument of its leader."""
    with suppress(OSError, ValueError, psutil.Error):
        process = psutil.Process(int(file.read_text()))
        if str(file.parent) in process.cmdline():
            os.killpg(process.pid, signal.SIGKILL)


def main() -> None:
    """Wait until the sandbox's process is gone: then its end of our standard input closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stdin.read()
    tidy(Path(sys.argv[1]))
