"""Statements of sql/ on a target: one at a time, or inside somebody's transaction.

Running one raises SchemaMissing where the schema has not been loaded, what `errors` knows, and what connecting raises.
"""

from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import DictRow, dict_row

from cruddur_ops import queries
from cruddur_ops.database.connection import Connection, session
from cruddur_ops.database.errors import SchemaMissing, told
from cruddur_ops.target import Target

Statement = str | sql.Composed  # the name of a query of sql/, or a statement that is filled in


def rows(target: Target, statement: Statement, **parameters: Any) -> list[dict[str, Any]]:
    """Run a statement in a transaction of its own, in one round trip, and return its rows."""
    with session(target) as cursor:
        return _fetched(cursor, statement, parameters)


def ask(connection: Connection, statement: Statement, **parameters: Any) -> list[dict[str, Any]]:
    """Run a statement on a connection, in its transaction or by itself, and return its rows."""
    return _fetched(connection.cursor(row_factory=dict_row), statement, parameters)


def compose(query: str, **names: str | None | sql.Composable) -> sql.Composed:
    """A statement of sql/ with `{name}` filled in: text as a quoted identifier, anything else as it is given."""
    quoted = {key: sql.Identifier(value) if isinstance(value, str) else value for key, value in names.items()}
    return sql.SQL(queries.load(query).text).format(**quoted)


def qualified(schema: str, name: str) -> str:
    """A table's name as an operator writes it: without the schema where that is public."""
    return name if schema == "public" else f"{schema}.{name}"


def _fetched(cursor: psycopg.Cursor[DictRow], statement: Statement, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    try:
        if isinstance(statement, str):
            cursor.execute(queries.load(statement).text.encode(), parameters)
        else:
            cursor.execute(statement, parameters or None)  # without any, psycopg leaves % alone
        return [] if cursor.rownumber is None else cursor.fetchall()
    except psycopg.errors.UndefinedTable as error:
        where = f" (sql/{statement}.sql)" if isinstance(statement, str) else ""
        remedy = "run 03_load_schema_and_seed, if sql/schema.sql makes it"
        raise SchemaMissing(f"{error.diag.message_primary}{where}: {remedy}") from error
    except psycopg.Error:
        with told():
            raise
