"""Passwords for other programs, in files that only this user can read (PostgreSQL 18, chapter 32.16 "The Password File")."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psutil

from cruddur_ops.database.location import Location
from cruddur_ops.errors import WrongInput
from cruddur_ops.state import state_folder

TEMPORARY = "psql-"


def lines(location: Location) -> str:
    """A line for each host of the location, good for all its databases.

    Raises:
        WrongInput: the password holds the end of a line, which a password file cannot.
    """
    if "\n" in location.password or "\r" in location.password:
        raise WrongInput("a password with a line break fits in no password file: give the role another password")
    hosts = location.host.split(",")
    ports = location.port.split(",") if "," in location.port else [location.port] * len(hosts)
    return "".join(_line(host, port, location) for host, port in zip(hosts, ports, strict=False))


def _line(host: str, port: str, location: Location) -> str:
    """libpq looks for a socket in its own default folder under another name, and knows its default port and user itself."""
    place = "*" if host.startswith(("/", "@")) else escape(host)
    return ":".join([place, port or "*", "*", escape(location.user) or "*", escape(location.password)]) + "\n"


def escape(text: str) -> str:
    r"""Put a backslash before each : and \."""
    return text.replace("\\", "\\\\").replace(":", "\\:")


def keep(location: Location, name: str) -> Path | None:
    """Write the password file of a target's role into the state folder; None where there is no password.

    Args:
        location: whose password.
        name: of the target.
    """
    if not location.password:
        return None
    path = state_folder() / f"passfile-{quote(f'{name}-{location.user}', safe='')}"
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8", newline="") as file:  # mode 0600
        file.write(lines(location))
    return Path(file.name).replace(path)


@contextmanager
def temporary(location: Location) -> Iterator[Path | None]:
    """A password file for as long as a program runs; None where there is no password.

    What a killed process left behind goes when the next one comes.
    """
    _tidy()
    if not location.password:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix=f"{TEMPORARY}{os.getpid()}-", dir=state_folder()) as folder:
        path = Path(folder) / "passfile"
        path.touch(0o600)
        path.write_text(lines(location), encoding="utf-8", newline="")
        yield path


def _tidy() -> None:
    for folder in state_folder().glob(f"{TEMPORARY}*"):
        number = folder.name.removeprefix(TEMPORARY).partition("-")[0]
        if number.isdecimal() and not psutil.pid_exists(int(number)):
            shutil.rmtree(folder, ignore_errors=True)
