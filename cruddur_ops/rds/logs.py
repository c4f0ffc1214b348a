"""What PostgreSQL and RDS wrote down lately: the last lines of the server's log, and the events of the instance.

Where there is no instance, or no log yet, reading raises InstanceNotReady.
"""

import re
import textwrap
from collections import deque
from collections.abc import Collection

from cruddur_ops import aws
from cruddur_ops.errors import InstanceNotReady
from cruddur_ops.rds import instances
from cruddur_ops.target import Target

NOT_READY_CODES = frozenset({"DBInstanceNotReady", "DBLogFileNotFoundFault"})
DAY_MINUTES = 1440
PRECHECK, UPGRADE = "pg_upgrade_precheck.log", "pg_upgrade"  # and of all that a major upgrade writes down
LONGEST = 300  # characters of one of its reasons: pg_upgrade's own have the whole of its report behind them
# RDS writes an asterisk before each, two before those of a database (User Guide), or dashes, and an end (users' logs).
REASONS, END = re.compile(r"\*+ |^--? ", re.MULTILINE), re.compile(r"-+ END OF LOG")
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
    """Of PostgreSQL itself, the newest last."""
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


def last_event(target: Target) -> str:
    """What RDS has said last of the instance; empty where it has said nothing for an hour."""
    return next((line.partition(" ")[2].partition(" ")[2] for line in reversed(events(target, 60))), "")


def of_upgrades(target: Target) -> list[str]:
    """The names of the files in which RDS and pg_upgrade say what became of a major upgrade, the newest last."""
    identifier = target.db_instance_identifier
    found = aws.pages(target, "rds", "describe_db_log_files", DBInstanceIdentifier=identifier, FilenameContains=UPGRADE)
    return [item["LogFileName"] for item in sorted(found, key=lambda item: (item["LastWritten"], item["LogFileName"]))]


def upgrade_failure(target: Target, known: Collection[str]) -> str:
    """Why a major upgrade was refused, or failed; empty where no file besides the known ones tells.

    The log of RDS's checks is a list of reasons, where it is there; of the others the last lines are the nearest.
    """
    names = [name for name in of_upgrades(target) if name not in known]
    checked = [name for name in names if name.startswith(PRECHECK)]
    if not checked:
        ends = [line for name in names for line in _lines(target, target.db_instance_identifier, name, 3) if line.strip()]
        return textwrap.shorten(masked(" ".join(ends)), LONGEST, placeholder="...")
    return _checked(target, checked[-1])


def refusal(target: Target) -> str:
    """Why RDS's checks refused a major upgrade last; empty where none did."""
    checked = [name for name in of_upgrades(target) if name.startswith(PRECHECK)]
    return _checked(target, checked[-1]) if checked else ""


def _checked(target: Target, name: str) -> str:
    """The reasons in a log of RDS's checks."""
    text = "\n".join(_lines(target, target.db_instance_identifier, name, 500))
    found = REASONS.split(END.split(text)[0])[1:] or [text]
    return " ".join([*(masked(textwrap.shorten(reason, LONGEST, placeholder="...")) for reason in found), f"({name})"])
