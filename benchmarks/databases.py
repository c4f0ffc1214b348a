"""Databases to measure on: on a server of their own, with the schema of the project."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from sqlalchemy.engine import URL

from cruddur_ops import database, targets
from cruddur_ops.database.drop import plan_drop
from cruddur_ops.target import Target
from rds_sandbox.postgres import Server, standalone

USER, PASSWORD = "bench", "bench-only"
MEMORY = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


@dataclass(frozen=True)
class Databases:
    """A server and its databases."""

    server: Server

    def target(self, name: str) -> Target:
        """The target whose database has this name."""
        url = URL.create("postgresql", USER, PASSWORD, database=name, query={"host": str(self.server.folder)})
        return replace(targets.load("local"), connection_url=url.render_as_string(hide_password=False))

    def make(self, name: str) -> Target:
        """A database with empty tables, in place of one of this name."""
        target = self.target(name)
        for plan in (plan_drop, database.plan_create, database.plan_schema):
            plan(target).apply()
        return target

    def scaled(self, name: str, activities: int) -> Target:
        """A database with so many activities, vacuumed: as it is a minute after they came."""
        target = self.make(name)
        seed(target, activities)
        self.psql(name, "--command", "VACUUM ANALYZE users, activities")
        return target

    def psql(self, name: str, *arguments: str) -> None:
        """Run psql on a database, as a single transaction where --single-transaction is among the arguments."""
        variables = {"PGHOST": str(self.server.folder), "PGUSER": USER, "PGPASSWORD": PASSWORD, "PGDATABASE": name}
        program = self.server.programs.path("psql")
        command = [program, "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", *arguments]
        subprocess.run(command, check=True, env={**os.environ, **variables})


def seed(target: Target, activities: int) -> float:
    """Seconds of `cruddur-ops db seed --scale`."""
    began = time.perf_counter()
    subprocess.run(_seed_command(activities), check=True, stdout=subprocess.DEVNULL, env=_environment(target))
    return time.perf_counter() - began


def memory_of_seed(target: Target, activities: int) -> float:
    """The largest resident memory of the same, in MiB. A process of its own looks: a child begins with its parent's."""
    command = [sys.executable, "-c", MEMORY, *_seed_command(activities)]
    return int(subprocess.run(command, check=True, stdout=subprocess.PIPE, env=_environment(target)).stdout) / 1024


def _seed_command(activities: int) -> list[str]:
    return [sys.executable, "-m", "cruddur_ops", "db", "seed", "--scale", str(activities)]


def _environment(target: Target) -> dict[str, str]:
    return {**os.environ, "CONNECTION_URL": target.connection_url}


@contextmanager
def databases() -> Iterator[Databases]:
    """A server, for as long as it is measured."""
    with standalone(USER, PASSWORD) as server:
        yield Databases(server)
