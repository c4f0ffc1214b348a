"""Statements of sql/ on a target: one at a time, or inside somebody's transaction."""

from __future__ import annotations

import functools
from typing import Any

import psycopg
import sqlalchemy
from psycopg import sql
from psycopg.rows import dict_row
from sqlalchemy.dialects import postgresql

from cruddur_ops import queries
from cruddur_ops.database.connection import session
from cruddur_ops.database.refusals import told
from cruddur_ops.errors import OpsError
from cruddur_ops.targets import Target


class SchemaMissing(OpsError):
    """The database has no tables yet."""


def rows(target: Target, statement: str | sql.Composed, **parameters: Any) -> list[dict[str, Any]]:
    """Run a statement in a transaction of its own, in one round trip, and return its rows.

    Args:
        target: whose database.
        statement: the name of a query of sql/, or a composed statement.
        parameters: the values of the query's bind parameters.

    Raises:
        SchemaMissing: the schema has not been loaded.
        DatabaseUnreachable: no connection came about.
        OpsError: PostgreSQL refused for a reason that `refusals` knows.
    """
    with session(target) as cursor:
        return _fetched(cursor, statement, parameters)


def fetch(connection: sqlalchemy.Connection, query: str, **parameters: Any) -> list[dict[str, Any]]:
    """Run a query of sql/ in the transaction of this connection, and return its rows.

    Raises:
        SchemaMissing: the schema has not been loaded.
        OpsError: PostgreSQL refused for a reason that `refusals` knows.
    """
    return ask(driver(connection), query, **parameters)


def compose(query: str, **names: str | None | sql.Composable) -> sql.Composed:
    """A statement of sql/ with `{name}` filled in: text as a quoted identifier, anything else as it is given."""
    quoted = {key: sql.Identifier(value) if isinstance(value, str) else value for key, value in names.items()}
    return sql.SQL(queries.load(query).text).format(**quoted)


def ask(connection: psycopg.Connection[Any], statement: str | sql.Composed, **parameters: Any) -> list[dict[str, Any]]:
    """Run a statement on psycopg's own connection, and return its rows.

    Args:
        connection: in whose transaction, or autocommit.
        statement: the name of a query of sql/, or a composed statement.
        parameters: the values of the query's bind parameters.

    Raises:
        SchemaMissing: the schema has not been loaded.
        OpsError: PostgreSQL refused for a reason that `refusals` knows.
    """
    return _fetched(connection.cursor(row_factory=dict_row), statement, parameters)


def _fetched(
    cursor: psycopg.Cursor[dict[str, Any]], statement: str | sql.Composed, parameters: dict[str, Any]
) -> list[dict[str, Any]]:
    try:
        if isinstance(statement, str):
            cursor.execute(compiled(statement), parameters)
        else:
            cursor.execute(statement, parameters or None)  # without any, psycopg leaves % alone
        return [] if cursor.rownumber is None else cursor.fetchall()
    except psycopg.errors.UndefinedTable as error:
        raise SchemaMissing("the database has no schema yet: run 03_load_schema_and_seed") from error
    except psycopg.Error:
        with told():
            raise


def compiled(query: str) -> bytes:
    """A query of sql/ with its bind parameters as psycopg writes them."""
    return _compiled(queries.load(query).text)


@functools.cache
def _compiled(text: str) -> bytes:
    dialect: Any = postgresql.psycopg.dialect
    return str(sqlalchemy.text(text).compile(dialect=dialect())).encode()


def driver(connection: sqlalchemy.Connection) -> psycopg.Connection[Any]:
    """psycopg's connection beneath SQLAlchemy's, within the same transaction."""
    found: Any = connection.connection.driver_connection
    return found  # type: ignore[no-any-return]  # psycopg's, by the dialect of our engines
