"""What PostgreSQL refuses, as sentences: the one place that knows what each kind means to an operator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors

from cruddur_ops.errors import OpsError, WrongInput


class NotPermitted(WrongInput):
    """The user who connects lacks a right."""


class StorageFull(OpsError):
    """The server has no room left."""


class StorageFailed(OpsError):
    """The server cannot read or write its files."""


class ServerReadOnly(OpsError):
    """The server, or this session, only reads."""


class ConnectionLost(OpsError):
    """The server ended the session in the middle of a step."""


class StatementCancelled(OpsError):
    """The server gave up a statement: another session held it up for too long, or it took too long itself."""


AGAIN = "nothing half done was kept; repeat when it answers, it converges"
OWNER = "connect as a user with CREATEDB and CREATEROLE, such as the master user, and without db_role"
LATER = "see who is at work with `cruddur-ops db sessions`, then repeat"
ROOM = "give the server more storage (on RDS: allocated_storage and 01_provision_rds), then repeat"
PRIMARY = "connect to the primary, and see default_transaction_read_only"
# By psycopg's class for the SQLSTATE (PostgreSQL 18, appendix A); the first that fits.
KINDS: tuple[tuple[type[psycopg.Error], type[OpsError], str], ...] = (
    (errors.InsufficientPrivilege, NotPermitted, OWNER),
    (errors.DiskFull, StorageFull, ROOM),
    (errors.ReadOnlySqlTransaction, ServerReadOnly, PRIMARY),
    (errors.IoError, StorageFailed, "see the server's log"),
    (errors.UndefinedFile, StorageFailed, "see the server's log"),
    (errors.AdminShutdown, ConnectionLost, AGAIN),
    (errors.CrashShutdown, ConnectionLost, AGAIN),
    (errors.IdleInTransactionSessionTimeout, ConnectionLost, AGAIN),
    (errors.LockNotAvailable, StatementCancelled, LATER),
    (errors.DeadlockDetected, StatementCancelled, LATER),
    (errors.QueryCanceled, StatementCancelled, LATER),
)


def refusal(error: BaseException) -> OpsError | None:
    """The sentence for an error of psycopg; None for one that only its caller can explain."""
    if not isinstance(error, psycopg.Error):
        return None
    for kind, refused, remedy in KINDS:
        if isinstance(error, kind):
            return refused(f"{error.diag.message_primary or error}: {remedy}")
    if isinstance(error, psycopg.OperationalError) and error.sqlstate is None:
        return ConnectionLost(f"the connection to the server broke ({str(error).splitlines()[0]}): {AGAIN}")
    return None


@contextmanager
def told() -> Iterator[None]:
    """Raise the sentence instead of psycopg's error, around what does not go through an engine.

    Raises:
        OpsError: one of the kinds above.
    """
    try:
        yield
    except psycopg.Error as error:
        sentence = None if isinstance(error, OpsError) else refusal(error)
        if sentence is None:
            raise
        raise sentence from error
