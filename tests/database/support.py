"""What the database tests do over and over."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import psutil
import pytest

from cruddur_ops import aws, queries
from cruddur_ops.cli import main
from cruddur_ops.database import connection
from cruddur_ops.database.connection import connect
from cruddur_ops.plan import Plan
from cruddur_ops.state import PROJECT
from cruddur_ops.target import Target

Planner = Callable[[Target], Plan]
TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v') ORDER BY 1"


def execute(target: Target, statement: str) -> list[tuple[Any, ...]]:
    """Run a statement past the package."""
    with connect(target, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def append(path: Path, text: str) -> None:
    """Add to a file of the copy of sql/."""
    write(path, f"{path.read_text()}{text}")


def write(path: Path, text: str) -> None:
    """Write a file of the copy of sql/, so that it is read anew."""
    path.write_text(text)
    queries.load.cache_clear()


def some(names: Iterable[str], *chosen: str) -> list[Any]:
    """The cases of a test: all of them with --all, else those that were chosen."""
    return [name if name in chosen else pytest.param(name, marks=pytest.mark.thorough) for name in names]


class Process:
    """The command line in a process of its own: a copy of this one, which has imported everything."""

    def __init__(self, *arguments: str, **variables: str) -> None:
        """Start it."""
        self._said = tempfile.TemporaryFile("w+"), tempfile.TemporaryFile("w+")  # noqa: SIM115 -- closed by `wait`
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of threads, from Python 3.12 on: the copy uses none of theirs
            self.pid = os.fork()
        if not self.pid:
            self._become(arguments, variables)

    def _become(self, arguments: Sequence[str], variables: Mapping[str, str]) -> NoReturn:
        """Be the command line, and nothing of pytest's after it."""
        code: Any = 70
        try:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            connection._sessions.clear()  # which are the original's
            aws.forget()
            for number, file in enumerate(self._said, 1):
                os.dup2(file.fileno(), number)
            sys.stdout, sys.stderr = (open(number, "w", closefd=False) for number in (1, 2))  # noqa: PTH123, SIM115
            os.environ.update(variables)
            os.chdir(PROJECT)
            main(arguments, prog_name="cruddur-ops")
        except SystemExit as ended:
            code = ended.code
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(int(code or 0))

    def wait(self) -> tuple[int, str, str]:
        """Its exit code, and what it said on standard output and standard error; it has a minute."""
        code, said = psutil.Process(self.pid).wait(60), []
        for file in self._said:
            with file:
                file.seek(0)
                said.append(file.read())
        return code, said[0], said[1]

    def kill(self) -> None:
        """End it with kill -9."""
        os.kill(self.pid, signal.SIGKILL)
        self.wait()


def run(*arguments: str, **variables: str) -> tuple[int, str, str]:
    """Run a verb of `db` in a process of its own: its exit code, and what it said."""
    return Process("db", *arguments, **variables).wait()
