"""Files of several statements, run in a transaction; a failure is told with its line, and nothing of the file is kept.

What would leave the transaction, or act as somebody else, is refused before anything is sent; what a file SETs holds for the
file alone. A migration that says so in its first line is run outside of a transaction, one statement by itself.

Running one raises WrongInput where the file cannot be run, NotPermitted where a right is missing, and what `errors` knows.
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import ContextVar
from itertools import groupby

import psycopg
from psycopg import generators
from psycopg.abc import PQGen
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn, PGresult

from cruddur_ops import queries
from cruddur_ops.database import omissions
from cruddur_ops.database.connection import Connection, settle
from cruddur_ops.database.errors import NotPermitted, refusal
from cruddur_ops.database.statements import ask
from cruddur_ops.database.tokens import MEANINGLESS, Statement, statements
from cruddur_ops.database.waits import shown, watched
from cruddur_ops.errors import OpsError, WrongInput

OUTSIDE = "-- cruddur-ops: outside a transaction"
CORRECT = "correct the file and repeat; nothing of it was kept"
NOT_RECORDED = "correct the file and repeat; it is not recorded as made"
DONE = "where a run that was cut off has done it, write IF NOT EXISTS or IF EXISTS, and repeat; else correct the name"
NO_RIGHTS = "take the statement out, since RDS gives nobody more rights, or grant them first"
TWICE = "a seed is run again, also to verify it: write INSERT ... ON CONFLICT DO NOTHING, and COPY to a temporary table"
NO_EXTENSION = "the file is right, and this server does not have it: install it there, or take out what needs it"
EXTENSION_RIGHTS = "create it once as the master user, with `cruddur-ops db connect`, and write CREATE EXTENSION IF NOT EXISTS"
NOT_OURS = "connect as a user who has the right, such as the master user, and without db_role; a policy admits those it names"
# What helps against a fault of the file, a right that is missing, and a row that is there already.
OWNERS, OTHERS = (CORRECT, NO_RIGHTS, CORRECT), (CORRECT, NOT_OURS, TWICE)
ALONE = f"put it alone into a migration whose first line is `{OUTSIDE}`"
OTHER_DATABASE = "is about another database: take it out, since the target says which, and `cruddur-ops db create` makes it"
# What a statement meets that a killed client's server has finished, and nobody has recorded.
ALREADY = (psycopg.errors.DuplicateTable, psycopg.errors.DuplicateObject, psycopg.errors.UndefinedObject)
# What is of the server, and what to do instead; nobody who acts as cruddur_owner may do it either.
OF_THE_SERVER = {
    ("CREATE", "DATABASE"): OTHER_DATABASE,
    ("DROP", "DATABASE"): OTHER_DATABASE,
    ("CREATE", "TABLESPACE"): "is about the whole server: take it out, since RDS keeps all databases on one storage",
    ("ALTER", "SYSTEM"): "is about the whole server: set it in the DB parameter group, or with ALTER DATABASE for this one",
}
Observer = Callable[[Connection, str, Statement, float], object]  # the file, a statement of it, and the seconds that it took
observer: ContextVar[Observer | None] = ContextVar("observer", default=None)  # is told each statement once it is done
ENDS = (("BEGIN",), ("START", "TRANSACTION"), ("COMMIT",), ("END",), ("ABORT",), ("ROLLBACK",), ("PREPARE", "TRANSACTION"))


def run(connection: Connection, name: str, *, as_owner: bool = True) -> list[dict[str, str]]:
    """Run a file of sql/ as it is, in the transaction of this connection; its last rows, as text.

    Args:
        as_owner: as the owner of the schema, so that what the file makes is that role's; else as whoever is connected.
    """
    content, found = require_runnable(name)
    left_out = omissions.omitted(connection, found)
    content, found = _without(content, left_out), [one for one in found if one not in left_out]
    if as_owner:
        act_as_owner(connection)
    remedies = OWNERS if as_owner else OTHERS
    result = None
    with watched(connection, queries.place(name)):
        for part in [[one] for one in found] if observer.get() else _parts(found):
            result = _observed(connection, name, content, part, remedies)
    connection.execute("RESET ALL")  # back to what the connection was made with
    settle(connection)
    return _rows(result) if result else []


def require_runnable(name: str) -> tuple[str, list[Statement]]:
    """Refuse a file that cannot be run in a transaction; else its content and its statements."""
    content, found = _read(name)
    for one in found:
        _require_inside(one, f"{queries.place(name)}, line {one.line}")
    return content, found


def left_out(connection: Connection, name: str) -> str:
    """What a file says that means nothing here, and is not run; empty for nothing."""
    return omissions.summary(omissions.omitted(connection, _read(name)[1]))


def _without(content: str, left_out: Iterable[Statement]) -> str:
    """The file with these statements blank, so that all others stand where they stood."""
    pieces, position = list[str](), 0
    for one in left_out:
        pieces += [content[position : one.start], re.sub(r"[^\n]", " ", content[one.start : one.end])]
        position = one.end
    return "".join([*pieces, content[position:]])


def is_outside(name: str) -> bool:
    """Whether a file is to be run outside of a transaction."""
    return queries.load(name).text.partition("\n")[0].strip() == OUTSIDE


def run_outside(connection: Connection, name: str) -> None:
    """Run the one statement of a file by itself, on a connection that commits by itself."""
    (content, found), place = _read(name), queries.place(name)
    if "CONCURRENTLY ON" in " ".join(found[0].words):
        raise WrongInput(f"{place}, line {found[0].line}: the index has no name, by which to know one half made: name it")
    if len(found) != 1:
        raise WrongInput(f"{place}, line {found[1].line}: what runs outside a transaction stands alone: split the file")
    _require_stays(found[0], f"{place}, line {found[0].line}")
    act_as_owner(connection, "SET ROLE cruddur_owner")
    try:
        with shown(connection, place):
            _observed(connection, name, content, found, (NOT_RECORDED, NO_RIGHTS, NOT_RECORDED))
    finally:
        if not connection.closed:
            connection.execute("RESET ROLE")


def half_made(connection: Connection, name: str) -> list[dict[str, str]]:
    """The invalid indexes, by schema and index, that an interrupted CREATE INDEX CONCURRENTLY of a file has left."""
    words = {word for one in _read(name)[1] for word in one.words}
    return [row for row in ask(connection, "operations/invalid_indexes") if row["index"].upper() in words]


def _read(name: str) -> tuple[str, list[Statement]]:
    """What to send of a file, and where its statements stand in that."""
    content = MEANINGLESS.sub(lambda found: " " * len(found[0]), queries.load(name).text)
    found = statements(content, queries.place(name))
    if not found:
        raise WrongInput(f"{queries.place(name)} has no statement yet: write it, or delete the pair")
    return content, found


def _require_inside(one: Statement, where: str) -> None:
    """Refuse what would leave the transaction, or cannot be run in one; the server refuses others, with SQLSTATE 25001."""
    _require_stays(one, where)
    concurrently = one.words[0] in ("CREATE", "DROP", "REINDEX") and "CONCURRENTLY" in one.words[:6]
    if concurrently or one.begins("VACUUM"):
        raise WrongInput(f"{where}: {_name(one, concurrently)} cannot run inside a transaction block: {ALONE}")


def _require_stays(one: Statement, where: str) -> None:
    if any(one.begins(*words) for words in ENDS) and not (one.words[0] == "ROLLBACK" and "TO" in one.words[:3]):
        remedy = "take it out, since each file is one transaction as it is"
        raise WrongInput(f"{where}: {one.words[0]} begins or ends a transaction: {remedy}")
    for words, remedy in OF_THE_SERVER.items():
        if one.begins(*words):
            raise WrongInput(f"{where}: {' '.join(words)} {remedy}")
    if one.words[0] in ("SET", "RESET") and {"ROLE", "AUTHORIZATION"} & set(one.words[1:3]):
        remedy = "take it out, since what a file makes belongs to cruddur_owner"
        raise WrongInput(f"{where}: {' '.join(one.words[:2])} acts as somebody else: {remedy}")
    if one.begins("COPY") and one.data is None and {"STDIN", "STDOUT"} & set(one.words):
        remedy = "give it its data on the lines below, ended by \\., or use `cruddur-ops db connect`"
        raise WrongInput(f"{where}: this COPY has no data in the file: {remedy}")


def _name(one: Statement, concurrently: bool) -> str:
    return " ".join(one.words[: one.words.index("CONCURRENTLY") + 1 if concurrently else 1])


def act_as_owner(connection: Connection, statement: str = "") -> None:
    """Let the rest of the transaction run as cruddur_owner, so that what it makes belongs to that role."""
    try:
        connection.execute((statement or queries.load("roles/act_as_owner").text).encode())
    except (psycopg.errors.InvalidParameterValue, psycopg.errors.InsufficientPrivilege) as error:
        raise WrongInput(f"{error.diag.message_primary}: run `cruddur-ops db create` as the master user first") from error


def _parts(found: Sequence[Statement]) -> Iterator[list[Statement]]:
    """The statements by what is sent at once: a COPY with its data by itself, all others together."""
    for number, group in groupby(enumerate(found), lambda one: one[0] if one[1].data is not None else -1):
        yield [one for _, one in group] if number < 0 else [found[number]]


def _observed(
    connection: Connection, name: str, content: str, part: Sequence[Statement], remedies: tuple[str, str, str]
) -> PGresult:
    began, observe = time.monotonic(), observer.get()
    result = _sent(connection, name, content, part, remedies)
    if observe:
        observe(connection, name, part[0], time.monotonic() - began)
    return result


def _sent(connection: Connection, name: str, content: str, part: Sequence[Statement], remedies: tuple[str, str, str]) -> PGresult:
    """Send statements that follow one another in one message, which execute() would not do; their last result."""
    start, end = part[0].start, part[-1].end
    encoding = connection.info.encoding
    last: PGresult
    *done, last = connection.wait(_exchange(connection.pgconn, content[start:end].encode(encoding)))
    if last.status == ExecStatus.FATAL_ERROR:
        error = psycopg.errors.error_from_result(last)
        place = start + int(error.diag.statement_position or 0) - 1
        one = part[min(len(done), len(part) - 1)]
        line = content.count("\n", 0, place) + 1 if place >= start else one.line
        raise _failure(error, f"{queries.place(name)}, line {line}", one, *remedies) from error
    if part[0].data is not None:
        try:
            connection.wait(_copy(connection.pgconn, part[0].data.encode(encoding)))
        except psycopg.DatabaseError as error:
            raise _failure(error, f"{queries.place(name)}, line {part[0].line}", part[0], *remedies) from error
    return last


def _exchange(pgconn: PGconn, statements: bytes) -> PQGen[list[PGresult]]:
    """Send and await them as one step of psycopg's, which cancels at the server what Ctrl-C meets there, and nothing else."""
    pgconn.send_query(statements)
    results: list[PGresult] = yield from generators.execute(pgconn)
    return results


def _copy(pgconn: PGconn, data: bytes) -> PQGen[PGresult]:
    """The same for the data of a COPY."""
    yield from generators.copy_to(pgconn, data)
    return (yield from generators.copy_end(pgconn, None))


def _failure(error: psycopg.Error, where: str, one: Statement, remedy: str, rights: str, duplicate: str) -> OpsError:
    """The sentence for an error, without what rows hold."""
    sentence = refusal(error)
    said = f"{where}: {_without_rows(error)}"
    extension = one.begins("CREATE", "EXTENSION")
    if isinstance(sentence, NotPermitted):
        return NotPermitted(f"{said}: {EXTENSION_RIGHTS if extension else rights}")
    if extension and isinstance(error, psycopg.errors.FeatureNotSupported | psycopg.errors.UndefinedFile):
        return WrongInput(f"{said}: {NO_EXTENSION}")
    if isinstance(error, psycopg.errors.ActiveSqlTransaction):
        return WrongInput(f"{said}: {ALONE}")
    if isinstance(error, psycopg.errors.UniqueViolation):
        return WrongInput(f"{said}: {duplicate}")
    if isinstance(error, ALREADY) and remedy is NOT_RECORDED:
        return WrongInput(f"{said}: {DONE}")
    return sentence or WrongInput(f"{said}: {remedy}")


def _without_rows(error: psycopg.Error) -> str:
    """PostgreSQL's message; of a value that is not written in the statement only what is wrong with it."""
    message = error.diag.message_primary or str(error)
    from_a_row = isinstance(error, psycopg.DataError) and not error.diag.statement_position
    return message.partition(': "')[0] if from_a_row else message


def _rows(result: PGresult) -> list[dict[str, str]]:
    names = [(result.fname(column) or b"").decode() for column in range(result.nfields)]
    return [
        {name: (result.get_value(row, column) or b"").decode() for column, name in enumerate(names)}
        for row in range(result.ntuples)
    ]
