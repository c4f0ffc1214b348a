"""A real PostgreSQL server behind CONNECTION_URL, and databases on it."""

from __future__ import annotations

import itertools
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from psycopg import sql
from sqlalchemy.engine import URL

from cruddur_ops import database, queries, targets
from cruddur_ops.database import connection
from cruddur_ops.database.connection import engine
from cruddur_ops.database.drop import KEPT
from cruddur_ops.database.location import database_name
from cruddur_ops.targets import Target
from rds_sandbox.postgres import Server
from rds_sandbox.programs import find_programs
from rds_sandbox.roles import create_master_user
from tests.database.people import people

__all__ = ["people"]

USER = "cruddurroot"
PASSWORD = "p@ss/w:rd %40?&#"
numbers = itertools.count(1)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A server with a master user that is set up as on RDS."""
    with tempfile.TemporaryDirectory(prefix="cruddur-") as folder:
        Path(folder).chmod(0o755)  # the server's account must reach it
        server = Server(Path(folder) / "server", find_programs(Path(folder)))
        server.initialise()
        server.start({"archive_mode": "off"})
        create_master_user(server, USER, PASSWORD, None)
        yield server
        server.stop(signal.SIGQUIT)


@pytest.fixture
def at(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Target]]:
    """Makes the target `local` point at a database of the server; ends its connections afterwards, and drops it."""
    made: list[Target] = []

    def load(name: str, user: str = USER, password: str = PASSWORD, **options: str) -> Target:
        query = {"host": str(server.folder), **options}
        url = URL.create("postgresql", user, password, database=name, query=query)
        monkeypatch.setenv("CONNECTION_URL", url.render_as_string(hide_password=False))
        made.append(targets.load("local"))
        return made[-1]

    yield load
    for target in made:
        engine(target).dispose()
    connection.close_sessions()
    with server.administrator() as administrator:
        for name in {database_name(target) for target in made} - KEPT:
            administrator.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def target(at: Callable[..., Target]) -> Target:
    """A target whose database does not exist yet."""
    return at(f"test_{next(numbers)}")


@pytest.fixture
def empty(target: Target) -> Target:
    """A target whose database is empty."""
    database.create(target)
    return target


@pytest.fixture
def seeded(empty: Target) -> Target:
    """A target with schema and seed."""
    database.load_schema(empty)
    database.seed(empty)
    return empty


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of sql/ that a test may change, in place of the project's."""
    folder = tmp_path / "sql"
    shutil.copytree(queries.FOLDER, folder)
    monkeypatch.setattr(queries, "FOLDER", folder)
    queries.load.cache_clear()
    yield folder
    queries.load.cache_clear()
