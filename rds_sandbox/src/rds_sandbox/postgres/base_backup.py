"""A base backup of a running server, its files copied inside the kernel: several times as quick as pg_basebackup.

Source: PostgreSQL 18, chapter 25.3.4 "Making a Base Backup Using the Low Level API".
"""

import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg

from rds_sandbox.postgres import queries
from rds_sandbox.postgres.programs import Account

# What a backup leaves out (chapter 25.3.4): of these folders the contents, of these files all.
EMPTY = {"pg_dynshmem", "pg_notify", "pg_replslot", "pg_serial", "pg_snapshots", "pg_stat_tmp", "pg_subtrans", "pg_wal"}
LEFT_OUT = re.compile(r"postmaster\.(pid|opts)|pg_internal\.init.*|pgsql_tmp.*|backup_label.*|current_logfiles.*")
LAST = Path("global/pg_control")  # after all other files, as a backup of a standby server needs it
CHUNK = 1 << 30  # bytes that are copied at once
WAL_FILE = re.compile(r"[0-9A-F]{24}")


def back_up(connection: psycopg.Connection[Any], data: Path, target: Path, account: Account) -> None:
    """Copy a running server's data directory, and the WAL that makes it consistent, to where it can be started as it is.

    The connection is a superuser's; the backup ends with its session, whatever happens. The copy belongs to the account.
    """
    connection.execute(queries.load("reserve_wal"))
    connection.execute(queries.load("start_backup"))
    _make(target, account)
    for path in _files(data, target, account):
        _copy(data / path, target / path, account)
    _copy(data / LAST, target / LAST, account)
    row = connection.execute(queries.load("stop_backup")).fetchone()
    assert row is not None
    with (target / "backup_label").open("x") as written:
        _own(written.fileno(), account)
        written.write(row[0])
    _copy_wal(data / "pg_wal", target / "pg_wal", _first_wal_file(row[0]), row[1], account)


def _files(data: Path, target: Path, account: Account) -> Iterator[Path]:
    """The files to copy, relative to the data directory; their folders are made in the target."""
    for folder, names, files in os.walk(data):
        place = Path(folder).relative_to(data)
        if place.parts[:1] and place.parts[0] in EMPTY:
            names.clear()
            continue
        for name in names:
            if not LEFT_OUT.fullmatch(name):
                _make(target / place / name, account)
        names[:] = [name for name in names if not LEFT_OUT.fullmatch(name)]
        yield from (place / name for name in files if not LEFT_OUT.fullmatch(name) and place / name != LAST)


def _make(folder: Path, account: Account) -> None:
    folder.mkdir(mode=0o700)
    os.chown(folder, account.uid, account.gid)


def _copy(source: Path, target: Path, account: Account) -> None:
    """Copy a file; one that has gone since it was listed was dropped, which the WAL tells of."""
    with suppress(FileNotFoundError), source.open("rb", 0) as read, target.open("xb", 0) as written:
        _own(written.fileno(), account)
        if sys.platform == "linux":  # elsewhere it sends to sockets alone; shutil.copyfile looks at a file five times
            while os.sendfile(written.fileno(), read.fileno(), None, CHUNK):
                pass
        else:
            shutil.copyfileobj(read, written)


def _own(file: int, account: Account) -> None:
    os.fchown(file, account.uid, account.gid)
    os.fchmod(file, 0o600)


def _copy_wal(source: Path, target: Path, first: str, end: int, account: Account) -> None:
    """Copy the WAL between its first needed file and the end; every timeline's history too."""
    last = wal_file(first, (source / first).stat().st_size, end)
    for file in sorted(source.iterdir()):
        if file.suffix == ".history" or (WAL_FILE.fullmatch(file.name) and first <= file.name <= last):
            _copy(file, target / file.name, account)


def wal_file(other: str, size: int, position: int) -> str:
    """The name of the WAL file with this position, on the timeline of another file (src/include/access/xlog_internal.h).

    The size of a file is in bytes, and so is the position, since the beginning of all WAL.
    """
    high, low = divmod(position // size, (1 << 32) // size)
    return f"{other[:8]}{high:08X}{low:08X}"


def _first_wal_file(label: str) -> str:
    found = re.search(r"START WAL LOCATION: .*\(file ([0-9A-F]{24})\)", label)
    assert found is not None
    return found[1]
