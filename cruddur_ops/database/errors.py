"""What a database refuses, as far as somebody tells it apart; each message ends with the remedy."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors

from cruddur_ops.errors import OpsError, WrongInput


class DatabaseUnreachable(OpsError, psycopg.OperationalError):
    """No connection to the database came about."""

    passing = True  # whether it may come about by itself, so that waiting helps
    rung: tuple[str, str, str] = ("", "", "")  # on which it ended, see `diagnosis`, with what happened there and the remedy


class ConnectionTimedOut(DatabaseUnreachable):
    """Nothing answered in time: on RDS a security group that does not admit the caller, or a stopped instance."""


class DatabaseMissing(DatabaseUnreachable):
    """The server is there and lets us in, but has no database of this name."""


class LoginRefused(DatabaseUnreachable):
    """The server does not let this user in with this password."""


class SchemaMissing(OpsError):
    """The database has no tables yet."""


class NotPermitted(WrongInput):
    """The user who connects lacks a right."""


class StatementFailed(OpsError):
    """The server did not carry a statement out: it gave it up, ended the session, only reads, or has no room left."""


AGAIN = "nothing half done was kept; repeat when it answers, it converges"
LATER = "see who is at work with `cruddur-ops db sessions`, then repeat"
GUARD = "somebody cancelled it or set a statement_timeout, which `SHOW statement_timeout` shows: see to that, then repeat"
LOG = "see the server's log"
# By psycopg's class for the SQLSTATE (PostgreSQL 18, appendix A); the first that fits.
REMEDIES: dict[type[psycopg.Error], str] = {
    errors.InsufficientPrivilege: "connect as a user with CREATEDB and CREATEROLE, such as the master user, and without db_role",
    errors.DiskFull: "give the server more storage (on RDS: allocated_storage and 01_provision_rds), then repeat",
    errors.ReadOnlySqlTransaction: "connect to the primary, and see default_transaction_read_only",
    errors.IoError: LOG,
    errors.UndefinedFile: LOG,
    errors.AdminShutdown: AGAIN,
    errors.CrashShutdown: AGAIN,
    errors.IdleInTransactionSessionTimeout: AGAIN,
    errors.LockNotAvailable: LATER,
    errors.DeadlockDetected: LATER,
    errors.QueryCanceled: GUARD,
}


def refusal(error: BaseException) -> OpsError | None:
    """The sentence for an error of psycopg; None for one that only its caller can explain."""
    if isinstance(error, OpsError) or not isinstance(error, psycopg.Error):
        return None
    for kind, remedy in REMEDIES.items():
        if isinstance(error, kind):
            refused = NotPermitted if kind is errors.InsufficientPrivilege else StatementFailed
            return refused(f"{error.diag.message_primary or error}: {remedy}")
    if isinstance(error, psycopg.OperationalError) and error.sqlstate is None:
        return StatementFailed(f"the connection to the server broke ({str(error).splitlines()[0]}): {AGAIN}")
    return None


@contextmanager
def told() -> Iterator[None]:
    """Raise the sentence instead of psycopg's error."""
    try:
        yield
    except psycopg.Error as error:
        sentence = refusal(error)
        if sentence is None:
            raise
        raise sentence from error


def said(error: BaseException | None) -> str:
    """PostgreSQL's message with its detail, on one line."""
    texts = (error.diag.message_primary, error.diag.message_detail) if isinstance(error, psycopg.Error) else (str(error),)
    return ", ".join(text.rstrip(".") for text in texts if text)
