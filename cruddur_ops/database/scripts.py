"""Files of several statements, run in one transaction; a failure is told with its line."""

from __future__ import annotations

import re

import psycopg
import sqlalchemy
from psycopg import generators
from psycopg.pq import ExecStatus

from cruddur_ops import queries
from cruddur_ops.database.refusals import NotPermitted, refusal, told
from cruddur_ops.database.statements import driver
from cruddur_ops.errors import WrongInput

# Strings, quoted names, dollar-quoted bodies and comments may hold semicolons (PostgreSQL 18, chapter 4.1).
TOKENS = re.compile(
    r"""(?P<blank>\s+|--[^\n]*|/\*.*?\*/)|(?P<end>;)|[eE]'(?:\\.|''|[^'\\])*'|'(?:''|[^'])*'|"(?:""|[^"])*"
    |(?P<tag>\$\w*\$).*?(?P=tag)|[^\s;'"$/-]+|.""",
    re.DOTALL | re.VERBOSE,
)


class ScriptFailed(WrongInput):
    """PostgreSQL refused a statement of a file; nothing of the file was kept."""


class OwnerMissing(WrongInput):
    """The role that owns the schema is not there, or may not be taken on."""


def act_as_owner(connection: sqlalchemy.Connection) -> None:
    """Let the rest of the transaction run as cruddur_owner, so that what it makes belongs to that role.

    Raises:
        OwnerMissing: there is no such role, or whoever connects is no member of it.
    """
    try:
        driver(connection).execute(queries.load("roles/act_as_owner").text.encode())
    except (psycopg.errors.InvalidParameterValue, psycopg.errors.InsufficientPrivilege) as error:
        remedy = "run `cruddur-ops db create` as the master user first"
        raise OwnerMissing(f"{error.diag.message_primary}: {remedy}") from error


def text(name: str) -> str:
    """What a file of sql/ holds."""
    return queries.load(name).text


def run(connection: sqlalchemy.Connection, name: str) -> None:
    """Run a file of sql/ as it is, as the owner of the schema, in the transaction of this connection.

    Raises:
        ScriptFailed: PostgreSQL refused one of its statements.
        NotPermitted: the owner of the schema lacks a right that one of them needs.
        OwnerMissing: the schema's owner is missing.
        OpsError: the server failed; see `refusals`.
    """
    act_as_owner(connection)
    content = text(name)
    session = driver(connection)
    with told():
        session.pgconn.send_query(content.encode(session.info.encoding))  # execute() would not tell how far it came
        *done, last = session.wait(generators.execute(session.pgconn))
    if last.status == ExecStatus.FATAL_ERROR:
        error = psycopg.errors.error_from_result(last)
        raise _failure(error, name, _line(content, error.diag.statement_position, len(done))) from error


def _failure(error: psycopg.Error, name: str, line: int) -> Exception:
    sentence = refusal(error)
    if sentence and not isinstance(sentence, NotPermitted):
        return sentence
    said = error.diag.message_primary
    where = f"sql/{name}.sql, line {line}: {said}"
    if sentence:
        return NotPermitted(f"{where}: take the statement out, since RDS gives nobody more rights, or grant them first")
    return ScriptFailed(f"{where}: correct the file and repeat; nothing of it was kept")


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
