"""Files of several statements, run in a transaction; a failure is told with its line, and nothing of the file is kept.

Running one raises WrongInput where the file cannot be run, NotPermitted where a right is missing, and what `refusals` knows.
"""

from __future__ import annotations

import re

import psycopg
from psycopg import generators
from psycopg.pq import ExecStatus

from cruddur_ops import queries
from cruddur_ops.database.connection import Connection
from cruddur_ops.database.errors import NotPermitted
from cruddur_ops.database.refusals import refusal
from cruddur_ops.errors import OpsError, WrongInput

# Strings, quoted names, dollar-quoted bodies and comments may hold semicolons (PostgreSQL 18, chapter 4.1).
TOKENS = re.compile(
    r"""(?P<blank>\s+|--[^\n]*|/\*.*?\*/)|(?P<end>;)|[eE]'(?:\\.|''|[^'\\])*'|'(?:''|[^'])*'|"(?:""|[^"])*"
    |(?P<tag>\$\w*\$).*?(?P=tag)|[^\s;'"$/-]+|.""",
    re.DOTALL | re.VERBOSE,
)


def run(connection: Connection, name: str) -> None:
    """Run a file of sql/ as it is, in the transaction of this connection, as the owner of the schema."""
    content = queries.load(name).text
    if not statement_lines(content):
        raise WrongInput(f"sql/{name}.sql has no statement yet: write it, or delete the pair")
    _act_as_owner(connection)
    connection.pgconn.send_query(content.encode(connection.info.encoding))  # execute() would not tell how far it came
    *done, last = connection.wait(generators.execute(connection.pgconn))
    if last.status == ExecStatus.FATAL_ERROR:
        error = psycopg.errors.error_from_result(last)
        raise _failure(error, name, _line(content, error.diag.statement_position, len(done))) from error


def _act_as_owner(connection: Connection) -> None:
    """Let the rest of the transaction run as cruddur_owner, so that what it makes belongs to that role."""
    try:
        connection.execute(queries.load("roles/act_as_owner").text.encode())
    except (psycopg.errors.InvalidParameterValue, psycopg.errors.InsufficientPrivilege) as error:
        raise WrongInput(f"{error.diag.message_primary}: run `cruddur-ops db create` as the master user first") from error


def _failure(error: psycopg.Error, name: str, line: int) -> OpsError:
    sentence = refusal(error)
    where = f"sql/{name}.sql, line {line}: {error.diag.message_primary}"
    if isinstance(sentence, NotPermitted):
        return NotPermitted(f"{where}: take the statement out, since RDS gives nobody more rights, or grant them first")
    return sentence or WrongInput(f"{where}: correct the file and repeat; nothing of it was kept")


def _line(content: str, position: str | None, done: int) -> int:
    """The line of an error: where PostgreSQL points, else the beginning of the statement after those done."""
    if position:
        return content[: int(position) - 1].count("\n") + 1
    starts = statement_lines(content)
    return starts[min(done, len(starts) - 1)]


def statement_lines(content: str) -> list[int]:
    """The line on which each statement begins."""
    lines, fresh = [], True
    for token in TOKENS.finditer(content):
        if token["end"]:
            fresh = True
        elif fresh and not token["blank"]:
            lines.append(content[: token.start()].count("\n") + 1)
            fresh = False
    return lines
