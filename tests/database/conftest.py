"""A real PostgreSQL server behind CONNECTION_URL, and databases on it."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from psycopg import sql
from sqlalchemy.engine import URL

from cruddur_ops import database, locks, queries, targets
from cruddur_ops.database import connection
from cruddur_ops.database.connection import session
from cruddur_ops.database.drop import KEPT
from cruddur_ops.database.location import database_name
from cruddur_ops.database.roles import OWNER
from cruddur_ops.target import Target
from rds_sandbox.postgres import Server, standalone
from tests.database.people import people

__all__ = ["people"]

USER = "cruddurroot"
PASSWORD = "p@ss/w:rd %40?&#"
COMMENT = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s"
MANY = 10
CHANGED = ("schema.sql", "seed.sql", "migrations", "roles")  # what tests change of sql/
numbers = itertools.count(1)
left: set[str] = set()  # databases that no test uses any more
shared: set[str] = set()  # those that the tests of a module share


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A server with a master user that is set up as on RDS."""
    with standalone(USER, PASSWORD, autovacuum="off", wal_level="logical", max_prepared_transactions="2") as server:
        yield server


@pytest.fixture
def unlocked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody takes a target's lock, as where a lost one was taken over: the database keeps its own order."""
    monkeypatch.setattr(locks, "_lock", lambda *_: nullcontext(locks.Hold()))


def url_of(server: Server, name: str, user: str = USER, password: str = PASSWORD, **options: str) -> str:
    """Where a database of the server is."""
    url = URL.create("postgresql", user, password, database=name, query={"host": str(server.folder), **options})
    return url.render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def templates(server: Server) -> Callable[[Target, str], None]:
    """Makes a target's database as a copy of one that was made once: "empty", "loaded" with the schema, "seeded" with rows."""
    plans = [database.plan_create, database.plan_schema, database.plan_seed]
    for number, name in enumerate(("empty", "loaded", "seeded"), 1):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CONNECTION_URL", url_of(server, name))
            target = targets.load("local")
            for plan in plans[:number]:
                plan(target).apply()
            session(target).close()
    connection.close_sessions()
    return lambda target, name: copy(server, name, database_name(target))


def copy(server: Server, template: str, name: str) -> None:
    """Copy a database; its owner and its comment do not come along by themselves."""
    names = {"name": sql.Identifier(name), "template": sql.Identifier(template), "owner": sql.Identifier(OWNER)}
    with server.administrator() as administrator:
        found = administrator.execute(COMMENT, [template]).fetchone()
        assert found is not None
        administrator.execute(
            sql.SQL("CREATE DATABASE {name} TEMPLATE {template} OWNER {owner} STRATEGY FILE_COPY").format(**names)
        )
        administrator.execute(sql.SQL("COMMENT ON DATABASE {name} IS {comment}").format(**names, comment=sql.Literal(found[0])))


@pytest.fixture
def at(server: Server, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Callable[..., Target]]:
    """Makes the target `local` point at a database of the server; ends its connections afterwards, and drops it in time."""
    made: list[Target] = []

    def load(name: str, *user: str, **options: str) -> Target:
        monkeypatch.setenv("CONNECTION_URL", url_of(server, name, *user, **options))
        made.append(targets.load("local"))
        return made[-1]

    yield load
    for target in made:
        session(target).close()
    connection.close_sessions()
    left.update({database_name(target) for target in made} - KEPT - shared)
    roles = {"people", "outsider"} & set(request.fixturenames)  # which can be dropped once nothing is theirs
    if len(left) >= MANY or roles or not all(name.startswith("test_") for name in left):
        drop_left(server)


def drop_left(server: Server) -> None:
    """Drop them, many at a time: before each the server writes a checkpoint, and all but the first are quick."""
    with server.administrator() as administrator:
        for name in sorted(left):
            administrator.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
    left.clear()


@pytest.fixture
def target(at: Callable[..., Target]) -> Target:
    """A target whose database does not exist yet."""
    return at(f"test_{next(numbers)}")


@pytest.fixture
def empty(target: Target, templates: Callable[[Target, str], None]) -> Target:
    """A target whose database is empty."""
    templates(target, "empty")
    return target


@pytest.fixture
def loaded(target: Target, templates: Callable[[Target, str], None]) -> Target:
    """A target with schema and without rows."""
    templates(target, "loaded")
    return target


@pytest.fixture
def seeded(target: Target, templates: Callable[[Target, str], None]) -> Target:
    """A target with schema and seed."""
    templates(target, "seeded")
    return target


@pytest.fixture(scope="module")
def shared_database(server: Server, templates: Callable[[Target, str], None]) -> Iterator[str]:
    """The name of a database with schema and seed."""
    name = f"test_{next(numbers)}"
    copy(server, "seeded", name)
    shared.add(name)
    yield name
    shared.remove(name)
    left.add(name)


@pytest.fixture
def unchanged(at: Callable[..., Target], shared_database: str) -> Target:
    """A target with schema and seed, which the tests of a module share that leave it as it was."""
    return at(shared_database)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of sql/ that a test may change, in place of the project's; what none changes is linked: there are 160 files."""

    def copy_or_link(source: str, copy: str) -> None:
        changed = Path(source).relative_to(queries.FOLDER).parts[0] in CHANGED
        (shutil.copy if changed else os.symlink)(source, copy)

    folder = tmp_path / "sql"
    shutil.copytree(queries.FOLDER, folder, copy_function=copy_or_link)
    monkeypatch.setattr(queries, "FOLDER", folder)
    queries.load.cache_clear()
    yield folder
    queries.load.cache_clear()
