"""The post-confirmation function: its handler beside a bare INSERT, what its start costs, and its unchanged plan."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import itertools
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from types import ModuleType
from typing import Any

from benchmarks import runs
from benchmarks.compare import compare, shown, timed
from benchmarks.databases import PASSWORD, USER, databases
from cruddur_ops import aws, cognito, ledger, load_target, queries
from cruddur_ops.cognito.packaging import HANDLER, STATEMENTS
from cruddur_ops.database.connection import connect
from rds_sandbox.postgres import Server

SERVICES = ("cognito-idp", "ec2", "iam", "lambda", "logs", "rds", "secretsmanager", "sts")
START = "import time; began = time.perf_counter(); import {module}; print(time.perf_counter() - began)"
ROUNDS, STARTS = 1000, 11
numbers = itertools.count()


def lines(tiny: bool = False) -> Iterator[str]:
    """One line for each figure."""
    rounds, starts = (1, 1) if tiny else (ROUNDS, STARTS)
    with databases() as made, tempfile.TemporaryDirectory() as folder:
        target = made.make("handler")
        function = load(Path(folder), made.server, "handler")
        insert = function.statement(function.INSERT)
        with connect(target, autocommit=True) as bare:
            yield compare(
                "confirming a user, warm : its INSERT through psycopg",
                timed(lambda: confirm(function)),
                timed(lambda: bare.execute(insert, function.values(user())).fetchone()),
                1.5,
                rounds,
            )
        function.DATABASE._connection.close()
        handler, driver = (start(Path(folder), module, starts) for module in (HANDLER.stem, "psycopg"))
        yield f"cold start: the handler's imports take {shown(handler)}, psycopg alone {shown(driver)}"
    with runs.sandbox():
        runs.run("--until", "05")
        yield unchanged_plan()


def load(folder: Path, server: Server, database: str) -> ModuleType:
    """The handler as Lambda unpacks it, with a secret that is at hand."""
    shutil.copy(HANDLER, folder)
    for name in STATEMENTS:
        (folder / f"{name}.sql").write_text(queries.load(f"users/{name}").text)
    spec = importlib.util.spec_from_file_location(HANDLER.stem, folder / HANDLER.name)
    assert spec and spec.loader
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    secret = {"host": str(server.folder), "port": 5432, "dbname": database, "username": USER, "password": PASSWORD}
    module.read_secret = lambda: secret
    return module  # type: ignore[no-any-return]


def user() -> dict[str, str]:
    """A user who has not been there yet."""
    name = f"user{next(numbers)}"
    return {"sub": name, "name": name.title(), "preferred_username": name, "email": f"{name}@example.com"}


def confirm(function: ModuleType) -> None:
    """One invocation, whose log goes nowhere."""
    event = {"triggerSource": function.TRIGGER, "request": {"userAttributes": user()}}
    with contextlib.redirect_stdout(io.StringIO()):
        function.handler(event, None)


def start(folder: Path, module: str, starts: int) -> float:
    """The median of the seconds that an import takes in a new process."""
    command = [sys.executable, "-c", START.format(module=module)]
    found = [subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout for _ in range(starts)]
    return median(float(seconds) for seconds in found)


def unchanged_plan() -> str:
    """The calls and the seconds of the plan of what is deployed already."""
    target = load_target("local")
    cognito.plan(target)  # makes the clients
    made: Counter[str] = Counter()
    for service in SERVICES:
        aws.client(target, service).meta.events.register("before-call", lambda model, **_: made.update([model.name]))
    began = time.perf_counter()
    plan = cognito.plan(target)
    seconds = time.perf_counter() - began
    assert not plan.mutating
    writes = sum(ledger.mutating(name) for name in made)
    return f"unchanged deployment plan: {made.total()} API calls, {writes} of them writes, {shown(seconds)}"
