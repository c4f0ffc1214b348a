"""The fork server that kernels come from: multiprocessing's, which has loaded what they need (see preload.py).

On Linux alone: elsewhere each kernel is a new interpreter, since a fork is not safe with the system's own libraries
(macOS's among them).
"""

import functools
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
from multiprocessing import forkserver, util
from pathlib import Path

import psutil

CONTEXT = multiprocessing.get_context("forkserver") if sys.platform == "linux" else multiprocessing.get_context("spawn")
# sockaddr_un holds 104 bytes on macOS and 108 on Linux (unix(7)); what follows a socket's folder takes up to 62 of them.
LONGEST_FOLDER = 42
PREFIX = "cruddur-ops-"
PRELOAD = "cruddur_ops.runbook.preload"


def start() -> None:
    """Start the server, unless it runs already; it begins to load at once, and ends with this process and its kernels."""
    if sys.platform == "linux":
        CONTEXT.set_forkserver_preload([PRELOAD])
        before, tempfile.tempdir = tempfile.tempdir, str(folder())  # where its socket is made
        handler = signal.signal(signal.SIGINT, signal.SIG_IGN)  # for it, too: Ctrl-C goes to a terminal's whole group
        try:
            forkserver.ensure_running()
        finally:
            tempfile.tempdir = before
            signal.signal(signal.SIGINT, handler)


@functools.cache
def folder() -> Path:
    """This process's own folder for sockets, which goes when it ends."""
    remove_abandoned()
    made = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=socket_folder()))
    util.Finalize(None, shutil.rmtree, (made,), {"ignore_errors": True}, exitpriority=-200)  # after what it keeps there itself
    return made


def socket_folder() -> str:
    """A folder with a name short enough for sockets: the ordinary temporary folder, else /tmp."""
    found = tempfile.gettempdir()
    return "/tmp" if len(os.fsencode(found)) > LONGEST_FOLDER else found


def remove_abandoned() -> None:
    """Remove the folders of processes that were killed: their names hold the process that made them."""
    for found in Path(socket_folder()).glob(f"{PREFIX}*-*"):
        number = found.name.removeprefix(PREFIX).partition("-")[0]
        if number.isdecimal() and not psutil.pid_exists(int(number)):
            shutil.rmtree(found, ignore_errors=True)  # another user's stays: it is not ours to remove
