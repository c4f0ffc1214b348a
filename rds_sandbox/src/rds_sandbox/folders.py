"""Folders of a sandbox: readable for the server's account, or no longer wanted."""

import secrets
import shutil
import threading
from pathlib import Path


def share(folder: Path) -> None:
    """Let other accounts read all of it, whatever umask it was made under: PostgreSQL's, where we are root, is another."""
    for path in (folder, *folder.rglob("*")):
        mode = path.stat().st_mode
        path.chmod(mode | 0o044 | (0o011 if mode & 0o100 else 0))


def private(file: Path) -> Path:
    """The file, which is there from now on, and which its owner alone may read, whatever it was before."""
    file.touch(0o600)
    file.chmod(0o600)
    return file


def discard(folder: Path, root: Path) -> None:
    """Take a folder out of sight at once, and delete it in the background: on a busy disk that takes seconds.

    Nothing happens where there is none; the root is the sandbox's folder, which is deleted at its end with whatever is left.
    """
    bin_folder = root / "discarded"
    bin_folder.mkdir(exist_ok=True)
    if folder.exists():
        gone = folder.rename(bin_folder / secrets.token_hex(8))
        threading.Thread(target=shutil.rmtree, args=(gone, True), daemon=True).start()
