"""Every query of sql/ is one that the server can prepare: no misspelt name, no half placeholder."""

from __future__ import annotations

import re

import psycopg
import pytest
from psycopg import sql
from psycopg.pq import ExecStatus

from cruddur_ops import database, queries
from cruddur_ops.database.connection import connect
from cruddur_ops.target import Target
from tests.database.support import execute

VALUE = re.compile(r"%\((\w+)\)s")
SCRIPTS = ("schema", "migrations/")
# What a name in braces stands for, where it stands for a table or a role that is there; anything else is a new name.
FILLED = {"schema": "public", "table": "users", "role": "cruddur_reader", "owner": "cruddur_owner"}
STAGED = (
    "adoption/",
    "parts/",
    "recovery/",
)  # what they fill in are tables of their own transaction, in which their tests run them
QUERIES = [
    query
    for query in map(queries.load, queries.names())
    if not query.name.startswith(SCRIPTS) and not (query.name.startswith(STAGED) and "{" in query.text)
]


@pytest.fixture
def complete(seeded: Target) -> psycopg.Connection[tuple[object, ...]]:
    """A database with everything that a query may ask for."""
    database.plan_roles(seeded).apply()
    database.mark(seeded, "now")
    columns = "query text, calls bigint, mean_exec_time float8, total_exec_time float8, dbid oid"
    execute(seeded, f"CREATE TABLE pg_stat_statements ({columns})")  # the extension's, which this server has not loaded
    return connect(seeded)


def prepared(query: queries.Query) -> bytes:
    """The query with PostgreSQL's own placeholders, and names filled in."""
    names = {
        name: sql.SQL("SELECT 1") if name == "statement" else sql.Literal("x") if name in ("comment", "verifier")
        else sql.Identifier(FILLED.get(name, "new name"))
        for name in re.findall(r"\{(\w+)\}", query.text)
    }  # fmt: skip
    if names:
        assert "%" not in query.text, "a query with {name} takes no values"
        return sql.SQL(query.text).format(**names).as_bytes()
    given = list(dict.fromkeys(VALUE.findall(query.text)))
    text = VALUE.sub(lambda found: f"${given.index(found[1]) + 1}", query.text)
    assert "%" not in text.replace("%%", ""), "any other % is doubled"
    return text.replace("%%", "%").encode()


def test_each_query_is_prepared(complete: psycopg.Connection[tuple[object, ...]]) -> None:
    """By the server, which looks every name up, and does nothing."""
    assert 60 < len(QUERIES)
    wrong = {}
    with complete as connection:
        for query in QUERIES:
            answer = connection.pgconn.prepare(b"", prepared(query))
            if answer.status != ExecStatus.COMMAND_OK:
                wrong[query.name] = answer.error_message.decode()
                connection.rollback()
    assert {} == wrong
