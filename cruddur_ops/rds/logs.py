"""What PostgreSQL and RDS wrote down lately: the last lines of the server's log, and the events of the instance.

Where there is no instance, or no log yet, reading raises InstanceNotReady.
"""

from __future__ import annotations

import re
from collections import deque

from cruddur_ops import aws
from cruddur_ops.errors import InstanceNotReady
from cruddur_ops.rds import instances
from cruddur_ops.target import Target

NOT_READY_CODES = frozenset({"DBInstanceNotReady", "DBLogFileNotFoundFault"})
DAY_MINUTES = 1440
LOG = "error/postgresql"  # all names of PostgreSQL's log files on RDS begin so; there is one for each hour
# A failed statement is logged with its values (PostgreSQL 18, log_min_error_statement); so may be users' data.
PASSWORD = re.compile(r"(?i)(password\s*=?\s*)(E?'(?:[^'\\]|''|\\.)*'|\$\w*\$.*?\$\w*\$|SCRAM-\S+)")
ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")


def tail(target: Target, lines: int = 20) -> list[str]:
    """The last lines of the newest log files of PostgreSQL, passwords and e-mail addresses masked."""
    from botocore.exceptions import ClientError

    identifier = instances.require(target).identifier
    kept: deque[str] = deque(maxlen=lines)
    try:
        for name in _files(target, identifier)[-2:]:  # the newest may have just begun
            kept.extend(_lines(target, identifier, name, lines))
    except ClientError as error:
        if aws.error_code(error) in NOT_READY_CODES:
            raise InstanceNotReady(f"{identifier} has no log yet: wait until it is available, then repeat") from error
        raise
    return [masked(line) for line in kept]


def _files(target: Target, identifier: str) -> list[str]:
    """The names of the log files, the newest last."""
    found = aws.pages(target, "rds", "describe_db_log_files", DBInstanceIdentifier=identifier, FilenameContains="postgresql")
    names = [item["LogFileName"] for item in sorted(found, key=lambda item: (item["LastWritten"], item["LogFileName"]))]
    return [name for name in names if name.startswith(LOG) and not name.endswith((".csv", ".json"))]


def _lines(target: Target, identifier: str, name: str, lines: int) -> list[str]:
    """The last lines of a file; without a marker, RDS sends the end of it (DownloadDBLogFilePortion)."""
    rds = aws.client(target, "rds")
    answer = rds.download_db_log_file_portion(DBInstanceIdentifier=identifier, LogFileName=name, NumberOfLines=lines)
    return str(answer.get("LogFileData") or "").splitlines()


def masked(line: str) -> str:
    """A line of the log without passwords and e-mail addresses."""
    return ADDRESS.sub("***", PASSWORD.sub(r"\1***", line))


def events(target: Target, minutes: int = DAY_MINUTES) -> list[str]:
    """What RDS did with the instance in the last minutes, the newest last, such as "2026-11-20 03:04 DB instance stopped"."""
    wanted = {"SourceType": "db-instance", "SourceIdentifier": target.db_instance_identifier, "Duration": minutes}
    found = aws.pages(target, "rds", "describe_events", **wanted)
    return [f"{date:%Y-%m-%d %H:%M} {message}" for date, message in sorted((item["Date"], item["Message"]) for item in found)]
