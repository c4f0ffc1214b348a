"""The environment label: which target a database belongs to, written into it at creation.

It is the database's comment. That survives whatever happens to the tables, is there before any schema is, is read from the
maintenance database too, comes along with a snapshot, and whoever owns the database may write it. A setting of one's own
(ALTER DATABASE ... SET) would need a superuser, a table would go with a drop.
"""

import re
from typing import Any
from weakref import WeakSet

from psycopg import sql

from cruddur_ops.database.connection import Connection, connect, session
from cruddur_ops.database.location import database_name
from cruddur_ops.database.statements import ask
from cruddur_ops.errors import WrongInput
from cruddur_ops.target import Target

_compared: WeakSet[Connection] = WeakSet()
LABEL = re.compile(r"^cruddur-ops environment: (.+)$", re.MULTILINE)


def labelled(comment: str | None) -> str:
    """The environment in a database's comment; empty where there is none."""
    found = LABEL.search(comment or "")
    return found[1] if found else ""


def with_label(comment: str | None, environment: str) -> str:
    """The comment with the environment in it; what else somebody wrote there is kept."""
    others = LABEL.sub("", comment or "").strip()
    return f"{others}\ncruddur-ops environment: {environment}".strip()


def find(connection: Connection, database: str = "") -> dict[str, Any] | None:
    """Owner and comment of a database of the server, the connected one by default; None where it is not there."""
    found = ask(connection, "operations/database", database=database or None)
    return found[0] if found else None


def read(connection: Connection, database: str = "") -> str:
    """The environment that a database is labelled with; empty where there is none, or no such database."""
    found = find(connection, database)
    return labelled(found["comment"]) if found else ""


def require(target: Target, connection: Connection) -> None:
    """Refuse to change what belongs to another environment, with WrongInput. A database that is not there is nobody's.

    So is an empty one without a label, such as CreateDBInstance makes. One that holds anything is somebody else's.

    Args:
        connection: to any database of its server.
    """
    if not compare(target, connection) and find(connection, database_name(target)) and _holds_anything(target):
        message = f"database {database_name(target)} holds something and does not say whose it is, so nothing in it was changed"
        raise WrongInput(f"{message}: if it is that of {target.name}, `cruddur-ops db adopt --target {target.name}` labels it")


def require_labelled(target: Target, connection: Connection) -> None:
    """The same for what fills a database, which is to say first whose it is: filled without a label it would be nobody's."""
    require(target, connection)
    if not compare(target, connection):
        message = f"database {database_name(target)} does not say yet whose it is, and nothing was loaded"
        raise WrongInput(f"{message}: run `cruddur-ops db create`, which labels it")


def require_once(target: Target) -> None:
    """The same for single statements on the kept connection, which is asked once."""
    with session(target) as cursor:
        if cursor.connection not in _compared:
            require(target, cursor.connection)
            _compared.add(cursor.connection)


def compare(target: Target, connection: Connection) -> str:
    """The environment that the target's database is labelled with; another than the target's is refused, with WrongInput."""
    environment = read(connection, database_name(target))
    require_same(target, environment)
    return environment


def require_same(target: Target, environment: str) -> None:
    """Refuse a database that is labelled with the name of another target, with WrongInput."""
    if environment and environment != target.name:
        name = database_name(target)
        message = f'database {name} belongs to the environment "{environment}", and the target is "{target.name}"'
        remedy = f"use --target {environment}, or, where it is really a copy, label it anew: COMMENT ON DATABASE"
        raise WrongInput(f"{message}: {remedy} {sql.Identifier(name).as_string()} IS '{with_label('', target.name)}'")


def _holds_anything(target: Target) -> bool:
    with connect(target, autocommit=True) as connection:
        return bool(ask(connection, "operations/holds_anything")[0]["holds_anything"])
