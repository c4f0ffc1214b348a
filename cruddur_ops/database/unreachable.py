"""Why a connection failed, as far as libpq tells: each kind is an error with its remedy.

libpq gives no SQLSTATE for a connection that never came about (PostgreSQL 18, chapter 32.1), and the
server's words are in the server's language. So a kind is told by psycopg's class, by the system's own
error text, by how far libpq got, and by asking the server about its databases. The server's words are
only quoted.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from typing import Any

import psycopg

from cruddur_ops import queries
from cruddur_ops.database.location import MAINTENANCE_DATABASE, Location
from cruddur_ops.errors import OpsError


class DatabaseUnreachable(OpsError, psycopg.OperationalError):
    """No connection to the database came about.

    Attributes:
        rds: what to do where RDS named the database.
        url: what to do where a connection URL did.
    """

    rds = "see its state with `aws rds describe-db-instances`, then try again"
    url = "check the URL and the server, then try again"


class ConnectionTimedOut(DatabaseUnreachable):
    """Nothing answered in time: on RDS a security group that does not admit the caller, or a stopped instance."""

    rds = "run 02_open_security_group to let your address in, and see that the instance is not stopped"
    url = "check the host and the port in the URL, and the firewall in front of it"


class ConnectionRefused(DatabaseUnreachable):
    """Nothing listens there."""

    rds = "wait until the instance is available (01_provision_rds does), then try again"
    url = "start the server, or correct the host and the port in the URL"


class HostUnknown(DatabaseUnreachable):
    """The name of the host has no address."""

    rds = "a new endpoint takes a minute to be known: check the network's DNS, then try again"
    url = "correct the host in the URL, or check the network's DNS"


class TlsFailed(DatabaseUnreachable):
    """The server's certificate could not be verified, or it does not speak TLS."""

    rds = "name the right root certificates in PGSSLROOTCERT, or unset it and delete the fetched ones to get them anew"
    url = "correct sslmode and sslrootcert in the URL"


class LoginRefused(DatabaseUnreachable):
    """The server does not let this user in with this password."""

    rds = "try again, since the managed password may be rotating just now; then see its secret's status with 01_provision_rds"
    url = "correct the user and the password in the URL"


class RoleRefused(DatabaseUnreachable):
    """The server lets the user in, but not in the role that the target names."""

    rds = url = "run 03_load_schema_and_seed, which makes cruddur_app and cruddur_reader, or correct db_role"


class DatabaseMissing(DatabaseUnreachable):
    """The server is there and lets us in, but has no database of this name."""

    rds = url = "03_load_schema_and_seed creates it"


NOBODY_LISTENS = (os.strerror(errno.ECONNREFUSED), os.strerror(errno.ENOENT))
WHAT_HAPPENED = {
    DatabaseUnreachable: "cannot be reached",
    ConnectionTimedOut: "did not answer in time",
    ConnectionRefused: "refused the connection",
    HostUnknown: "has a host that is not known",
    TlsFailed: "failed the TLS handshake",
    LoginRefused: "refused the login",
    RoleRefused: "refused the role",
    DatabaseMissing: "does not exist",
}


def diagnose(error: psycopg.OperationalError, location: Location, parameters: Mapping[str, Any]) -> DatabaseUnreachable:
    """The error to raise instead of psycopg's; asks the server for its databases where that tells more.

    Args:
        error: what psycopg raised.
        location: what was to be reached.
        parameters: what psycopg.connect was given.
    """
    words = _words(error, location)
    without_role = {**parameters, "options": location.options.get("options", "")}
    kind = _kind(error, words, without_role)
    if location.role and kind in (LoginRefused, DatabaseUnreachable) and _enters(without_role):
        kind = RoleRefused
    user = f" to user {location.user}" if kind is LoginRefused and location.user else ""
    quoted = "" if kind in (ConnectionTimedOut, DatabaseMissing) else f" ({words})"
    certificates = location.options.get("sslrootcert") if kind is TlsFailed else None
    verified = f", verified with {certificates}" if certificates else ""
    remedy = kind.url if location.source else kind.rds
    return kind(f"{location} {WHAT_HAPPENED[kind]}{user}{quoted}{verified}: {remedy}")


def _kind(error: psycopg.OperationalError, words: str, parameters: Mapping[str, Any]) -> type[DatabaseUnreachable]:
    if isinstance(error, psycopg.errors.ConnectionTimeout):
        return ConnectionTimedOut
    if error.pgconn is None:  # psycopg resolves names itself, before libpq has anything to do
        return HostUnknown
    if words in NOBODY_LISTENS:
        return ConnectionRefused
    if _missing(parameters):
        return DatabaseMissing
    if error.pgconn.used_password:
        return LoginRefused
    return TlsFailed if "SSL" in words or "certificate" in words else DatabaseUnreachable  # libpq's own words


def _missing(parameters: Mapping[str, Any]) -> bool:
    """Whether the same login reaches the maintenance database, and that knows no database of this name."""
    try:
        with psycopg.connect(**{**parameters, "dbname": MAINTENANCE_DATABASE}) as connection:
            found = connection.execute(queries.load("operations/databases").text.encode()).fetchall()
    except psycopg.OperationalError:
        return False
    return (parameters["dbname"],) not in found


def _enters(parameters: Mapping[str, Any]) -> bool:
    """Whether these parameters lead to a session."""
    try:
        psycopg.connect(**parameters).close()
    except psycopg.OperationalError:
        return False
    return True


def _words(error: psycopg.OperationalError, location: Location) -> str:
    """What libpq or the server said, without libpq's preamble; never the password."""
    said = str(error).splitlines()[0].rpartition(" failed: ")[2]
    return said.replace(location.password, "***") if location.password else said
