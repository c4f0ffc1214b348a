"""Which environment a database belongs to: the name of its target, written into it at creation.

It is the database's comment. That survives whatever happens to the tables, is there before any schema is,
is read from the maintenance database too, comes along with a snapshot, and whoever owns the database may
write it. A setting of one's own (ALTER DATABASE ... SET) would need a superuser, a table would go with a drop.
"""

from __future__ import annotations

import re
from typing import Any

import psycopg
from psycopg import sql

from cruddur_ops.database.connection import connect
from cruddur_ops.database.location import MAINTENANCE_DATABASE, database_name
from cruddur_ops.database.statements import ask, compose
from cruddur_ops.errors import WrongInput
from cruddur_ops.targets import Target

STAMP = re.compile(r"^cruddur-ops environment: (.+)$", re.MULTILINE)


class StampDiffers(WrongInput):
    """The database belongs to another environment than the target."""


class StampMissing(WrongInput):
    """The database does not say which environment it belongs to."""


def stamped(comment: str | None) -> str:
    """The environment in a database's comment; empty where there is none."""
    found = STAMP.search(comment or "")
    return found[1] if found else ""


def with_stamp(comment: str | None, environment: str) -> str:
    """The comment with the environment in it; what else somebody wrote there is kept."""
    others = STAMP.sub("", comment or "").strip()
    return f"{others}\ncruddur-ops environment: {environment}".strip()


def find(connection: psycopg.Connection[Any], database: str = "") -> dict[str, Any] | None:
    """Owner and comment of a database of the server, the connected one by default; None where it is not there."""
    name = sql.Literal(database or None)
    found = ask(connection, compose("operations/database", database=name))
    return found[0] if found else None


def read(connection: psycopg.Connection[Any], database: str = "") -> str:
    """The environment that a database is stamped with; empty where there is none, or no such database.

    Args:
        connection: to any database of the server.
        database: whose stamp; that of the connected one by default.
    """
    found = find(connection, database)
    return stamped(found["comment"]) if found else ""


def require(target: Target) -> None:
    """Refuse to destroy what belongs to another environment. A database that is not there is nobody's.

    Neither is an empty one without a stamp, such as CreateDBInstance makes.

    Raises:
        StampDiffers: the database is stamped with another name than the target's.
        StampMissing: it is not stamped, and holds something.
        DatabaseUnreachable: no connection came about.
    """
    name = database_name(target)
    with connect(target, MAINTENANCE_DATABASE, autocommit=True) as connection:
        found = find(connection, name)
    if found:
        require_same(target, stamped(found["comment"]))
        _require_any(target, stamped(found["comment"]))


def require_same(target: Target, environment: str) -> None:
    """Refuse a database that is stamped with the name of another target.

    Raises:
        StampDiffers: so it is.
    """
    if environment and environment != target.name:
        name = database_name(target)
        message = f'database {name} belongs to the environment "{environment}", and the target is "{target.name}"'
        remedy = f"use --target {environment}, or, where it is really a copy, stamp it anew: COMMENT ON DATABASE"
        raise StampDiffers(f"{message}: {remedy} {_quoted(name)} IS '{with_stamp('', target.name)}'")


def _require_any(target: Target, environment: str) -> None:
    if not environment and _holds_anything(target):
        message = f'database {database_name(target)} does not say whether it belongs to the environment "{target.name}"'
        raise StampMissing(f"{message}: `cruddur-ops db create --target {target.name}` stamps it")


def _holds_anything(target: Target) -> bool:
    with connect(target, autocommit=True) as connection:
        return bool(ask(connection, "operations/holds_anything")[0]["holds_anything"])


def _quoted(name: str) -> str:
    return sql.Identifier(name).as_string()
