"""What a database refuses, as far as somebody tells it apart; each message ends with the remedy."""

from __future__ import annotations

import psycopg

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
