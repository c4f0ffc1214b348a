"""Why a connection failed, as far as libpq tells: each kind with its remedy, and the wait for those that pass.

libpq gives no SQLSTATE for a connection that never came about (PostgreSQL 18, chapter 32.1), and the server's words are in
the server's language. So a kind is told by psycopg's class, by the system's own error text, by how far libpq got, and by
asking the server about its databases. The server's words are only quoted.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg

from cruddur_ops import queries
from cruddur_ops.database.errors import ConnectionTimedOut, DatabaseMissing, DatabaseUnreachable, LoginRefused
from cruddur_ops.database.location import MAINTENANCE_DATABASE, Location


@dataclass(frozen=True)
class Kind:
    """A way to fail: what happened, what to do where RDS or a URL named the place, and whether it may pass by itself."""

    happened: str
    rds: str
    url: str = ""  # the same as on RDS
    error: type[DatabaseUnreachable] = DatabaseUnreachable
    passing: bool = True


FAILED = Kind(
    "cannot be reached",
    "see its state with `cruddur-ops rds status`, then try again",
    "check the URL and the server, then try again",
)
SILENT = Kind(
    "did not answer in time",
    "run 02_open_security_group to let your address in, and see that the instance is not stopped",
    "check the host and the port in the URL, and the firewall in front of it",
    ConnectionTimedOut,
)
NOBODY = Kind(
    "refused the connection",
    "wait until the instance is available (01_provision_rds does), then try again",
    "start the server, or correct the host and the port in the URL",
)
PRIVATE = Kind(
    "is not publicly accessible, and did not answer",
    "open a tunnel as 02_open_security_group says, or work from within its VPC",
    error=ConnectionTimedOut,
)
TUNNEL = Kind(
    "is behind a tunnel that is not open", "open it as 02_open_security_group says, or correct tunnel_port, then try again"
)
PAUSED = Kind(
    "accepted the connection and then fell silent: the server is paused or overloaded",
    "see its load with `cruddur-ops rds status`, then try again",
    "see what the server's process does, then try again",
    ConnectionTimedOut,
)
HUNG_UP = Kind(
    "ended the connection before the login: the server has died or is starting",
    "wait until `cruddur-ops rds status` shows it available, then try again",
    "start the server, or wait until it has started, then try again",
)
UNKNOWN_HOST = Kind(
    "has a host that is not known",
    "a new endpoint takes a minute to be known: check the network's DNS, then try again",
    "correct the host in the URL, or check the network's DNS",
)
TLS = Kind(
    "failed the TLS handshake",
    "name the right root certificates in PGSSLROOTCERT, or unset it and delete the fetched ones to get them anew",
    "correct sslmode and sslrootcert in the URL",
    passing=False,
)
LOGIN = Kind(
    "refused the login",
    "try again, since the managed password may be rotating just now; then see its secret's status with 01_provision_rds",
    "correct the user and the password in the URL",
    LoginRefused,
    passing=False,
)
ROLE = Kind("refused the role", "run 03_load_schema_and_seed, which makes cruddur_app and cruddur_reader, or correct db_role")
MISSING = Kind("does not exist", "03_load_schema_and_seed creates it", "", DatabaseMissing, passing=False)
SSL_REQUEST = struct.pack("!II", 8, 80877103)  # PostgreSQL 18, chapter 54.7
PROBE_SECONDS = 0.5
GONE = (
    "closed unexpectedly",
    "closed the connection unexpectedly",
    "EOF detected",
    "unexpected eof",
    os.strerror(errno.ECONNRESET),
)
NOBODY_LISTENS = (os.strerror(errno.ECONNREFUSED), os.strerror(errno.ENOENT))


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
    if location.role and kind in (LOGIN, FAILED) and _ask(without_role) is not None:
        kind = ROLE
    if kind is NOBODY and "hostaddr" in location.options and not location.source:
        kind = TUNNEL
    if kind in (SILENT, UNKNOWN_HOST) and location.private and "hostaddr" not in location.options:
        kind = PRIVATE
    details = f" to user {location.user}" if kind is LOGIN and location.user else ""
    details += "" if kind in (SILENT, PAUSED, PRIVATE, MISSING) else f" ({words})"
    if kind is TLS and location.options.get("sslrootcert"):
        details += f", verified with {location.options['sslrootcert']}"
    remedy = location.source and kind.url or kind.rds
    made = kind.error(f"{location} {kind.happened}{details}: {remedy}")
    made.passing = kind.passing
    return made


def _kind(error: psycopg.OperationalError, words: str, parameters: Mapping[str, Any]) -> Kind:
    if isinstance(error, psycopg.errors.ConnectionTimeout):
        return PAUSED if _speaks(parameters) else SILENT
    if error.pgconn is None:  # psycopg resolves names itself, before libpq has anything to do
        return UNKNOWN_HOST
    if words in NOBODY_LISTENS:
        return NOBODY
    databases = _ask({**parameters, "dbname": MAINTENANCE_DATABASE})
    if databases is not None and parameters["dbname"] not in databases:
        return MISSING
    if error.pgconn.used_password:
        return LOGIN
    if any(one in words for one in GONE):  # libpq's own words
        return HUNG_UP
    return TLS if "SSL" in words or "certificate" in words else FAILED  # libpq's own words


def _speaks(parameters: Mapping[str, Any]) -> bool:
    """Whether anybody answers SSLRequest there: a firewall lets nothing through, and a stopped instance says nothing.

    What is paused as a whole, with its network, cannot be told from these.
    """
    place = str(parameters.get("hostaddr") or parameters.get("host", ""))
    try:
        with socket.create_connection((place, int(parameters.get("port") or 5432)), PROBE_SECONDS) as probe:
            probe.sendall(SSL_REQUEST)
            return probe.recv(1) in (b"S", b"N")
    except (OSError, ValueError):  # several hosts, or a Unix socket
        return False


def _ask(parameters: Mapping[str, Any]) -> list[str] | None:
    """The server's databases; None where these parameters do not lead to a session."""
    try:
        with psycopg.connect(**parameters) as connection:
            return [name for (name,) in connection.execute(queries.load("operations/databases").text.encode())]
    except psycopg.OperationalError:
        return None


def _words(error: psycopg.OperationalError, location: Location) -> str:
    """What libpq or the server said, without libpq's preamble; never the password."""
    said = str(error).splitlines()[0].rpartition(" failed: ")[2]
    return said.replace(location.password, "***") if location.password else said
