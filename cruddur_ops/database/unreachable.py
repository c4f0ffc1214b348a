"""Why a connection failed, as far as libpq tells: each kind with its remedy, and the rung of the ladder on which it ended.

libpq gives no SQLSTATE for a connection that never came about (PostgreSQL 18, chapter 32.1), and the server's words are in
the server's language. So a kind is told by psycopg's class, by the system's own error text, by how far libpq got, by
asking the server about its databases, and by the SQLSTATE in a trace of the protocol. The server's words are only quoted.
"""

import errno
import os
import re
import select
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import conninfo, pq

from cruddur_ops import queries
from cruddur_ops.database.errors import ConnectionTimedOut, DatabaseMissing, DatabaseUnreachable, LoginRefused
from cruddur_ops.database.location import MAINTENANCE_DATABASE, Location
from cruddur_ops.network.reachability import reachability
from cruddur_ops.target import PORT


@dataclass(frozen=True)
class Kind:
    """A way to fail: on which rung, what happened, what to do where RDS or a URL named the place, and whether it may pass."""

    rung: str
    happened: str
    rds: str
    url: str = ""  # the same as on RDS
    error: type[DatabaseUnreachable] = DatabaseUnreachable
    passing: bool = True


FAILED = Kind(
    "login",
    "cannot be reached",
    "see its state with `cruddur-ops rds status`, then try again",
    "check the URL and the server, then try again",
)
SILENT = Kind(
    "TCP",
    "did not answer in time",
    "run 02_open_security_group to let your address in, and see that the instance is not stopped",
    "check the host and the port in the URL, and the firewall in front of it",
    ConnectionTimedOut,
)
NOBODY = Kind(
    "TCP",
    "refused the connection",
    "wait until the instance is available (01_provision_rds does), then try again",
    "start the server, or correct the host and the port in the URL",
)
PRIVATE = Kind(
    "public access",
    "is not publicly accessible, and did not answer",
    "open a tunnel as 02_open_security_group says, or work from within its VPC",
    error=ConnectionTimedOut,
    passing=False,
)
TUNNEL = Kind(
    "TCP",
    "is behind a tunnel that is not open",
    "open it as 02_open_security_group says, or correct tunnel_port, then try again",
    passing=False,
)
PAUSED = Kind(
    "TCP",
    "accepted the connection and then fell silent: the server is paused or overloaded",
    "see its load with `cruddur-ops rds status`, then try again",
    "see what the server's process does, then try again",
    ConnectionTimedOut,
)
HUNG_UP = Kind(
    "TCP",
    "ended the connection before the login: the server has died or is starting",
    "wait until `cruddur-ops rds status` shows it available, then try again",
    "start the server, or wait until it has started, then try again",
)
UNKNOWN_HOST = Kind(
    "name",
    "has a host that is not known",
    "a new endpoint takes a minute to be known: check the network's DNS, then try again",
    "correct the host in the URL, or check the network's DNS",
)
TLS = Kind(
    "TLS",
    "failed the TLS handshake",
    "name the right root certificates in PGSSLROOTCERT, or unset it and delete the fetched ones to get them anew",
    "correct sslmode and sslrootcert in the URL",
    passing=False,
)
LOGIN = Kind(
    "login",
    "refused the login",
    "try again, since the managed password may be rotating just now; then see its secret's status with 01_provision_rds",
    "correct the user and the password in the URL",
    LoginRefused,
    passing=False,
)
ROLE = Kind(
    "role",
    "refused the role",
    "run 03_load_schema_and_seed, which makes cruddur_app and cruddur_reader, or correct db_role",
)
MISSING = Kind("database", "does not exist", "03_load_schema_and_seed creates it", "", DatabaseMissing, passing=False)
UNENCRYPTED = Kind(
    "pg_hba",
    "admits no such connection",
    "connect with TLS, which rds.force_ssl asks for",
    "add sslmode=verify-full to the URL, since the server (on RDS rds.force_ssl) may ask for TLS",
    passing=False,
)
BY_TOKEN = Kind(
    "login",
    "lets no password in",
    "see that the role has LOGIN, and is not in rds_iam, whose members need a token of `aws rds generate-db-auth-token`",
    error=LoginRefused,
    passing=False,
)
FULL = Kind(
    "connections",
    "has no connection left for it",
    "see who has them with `cruddur-ops db sessions` as the master user, and the limits of server, database and role",
)
CLOSED = Kind("database", "lets it not in", "let its owner give the right to CONNECT, or allow connections", error=LoginRefused)
STARTING = Kind(
    "TCP", "is starting or stopping", "wait until `cruddur-ops rds status` shows it available, then try again", "wait"
)
OPTION = Kind(
    "login",
    "is asked for with an option that means nothing",
    "correct the variable that libpq reads it from, such as PGOPTIONS or PGTZ",
    "correct it in the URL, or the variable that libpq reads it from, such as PGOPTIONS or PGTZ",
    passing=False,
)
NOT_SENT = "nothing sent"
# By SQLSTATE (PostgreSQL 18, appendix A), and whether a password was asked for before: pg_hba.conf comes before it.
BY_CODE = {
    ("53300", True): FULL,
    ("53300", False): FULL,
    ("57P03", False): STARTING,
    ("28000", False): UNENCRYPTED,
    ("28000", True): BY_TOKEN,
    ("55000", True): CLOSED,
    ("42501", True): CLOSED,
    (NOT_SENT, False): OPTION,
    **{(code, asked): OPTION for code in ("22023", "42601", "42704") for asked in (True, False)},
    **{("3D000", asked): MISSING for asked in (True, False)},
}
REFUSED = re.compile(rb'ErrorResponse\t S "[^"]*" V "[^"]*" C "(\w{5})"')  # as PQtrace writes it (chapter 32.12)
PROBE_SECONDS, TRACE_SECONDS = 0.5, 5
GONE = (
    "closed unexpectedly",
    "closed the connection unexpectedly",
    "EOF detected",
    "unexpected eof",
    os.strerror(errno.ECONNRESET),
)
NOBODY_LISTENS = (os.strerror(errno.ECONNREFUSED), os.strerror(errno.ENOENT))


def diagnose(
    error: psycopg.OperationalError, location: Location, parameters: Mapping[str, Any], target: str
) -> DatabaseUnreachable:
    """The error to raise instead of psycopg's; asks the server for its databases where that tells more.

    Args:
        parameters: what psycopg.connect was given.
        target: its name.
    """
    words = _words(error, location)
    without_role = {**parameters, "options": location.options.get("options") or os.environ.get("PGOPTIONS", "")}
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
    more = "" if kind in (MISSING, ROLE) else f"; each step is looked at by `cruddur-ops db diagnose --target {target}`"
    made = kind.error(f"{location} {kind.happened}{details}: {remedy}{more}")
    made.passing, made.rung = kind.passing, (kind.rung, f"{location} {kind.happened}{details}", remedy)
    return made


def _kind(error: psycopg.OperationalError, words: str, parameters: Mapping[str, Any]) -> Kind:
    if isinstance(error, psycopg.errors.ConnectionTimeout):
        return PAUSED if _answers(parameters) else SILENT
    if error.pgconn is None:  # psycopg resolves names itself, before libpq has anything to do
        return UNKNOWN_HOST
    if words in NOBODY_LISTENS:
        return NOBODY
    databases = _ask({**parameters, "dbname": MAINTENANCE_DATABASE})
    if databases is not None and parameters["dbname"] not in databases:
        return MISSING
    known = BY_CODE.get((_code(parameters), error.pgconn.used_password))
    if known or error.pgconn.used_password:
        return known or LOGIN
    if any(one in words for one in GONE):  # libpq's own words
        return HUNG_UP
    return TLS if "SSL" in words or "certificate" in words else FAILED  # libpq's own words


def _answers(parameters: Mapping[str, Any]) -> bool:
    """Whether anybody does; what is paused as a whole, with its network, cannot be told from a firewall or a stopped instance."""
    place, port = str(parameters.get("hostaddr") or parameters.get("host", "")), str(parameters.get("port") or PORT)
    return port.isdecimal() and reachability(place, int(port), PROBE_SECONDS) == "answers"  # several hosts have several ports


def _code(parameters: Mapping[str, Any]) -> str:
    """The SQLSTATE of the refusal, from a trace in memory, since it may hold a password; empty where libpq cannot write one.

    NOT_SENT where libpq refuses to begin.
    """
    if sys.platform != "linux":
        return ""
    with os.fdopen(os.memfd_create("trace"), "w+b") as trace:
        connection = pq.PGconn.connect_start(conninfo.make_conninfo(**parameters).encode())
        if connection.status == pq.ConnStatus.BAD:  # an option that libpq does not take
            return NOT_SENT
        connection.trace(trace.fileno())
        poll, state = select.poll(), int(pq.PollingStatus.WRITING)
        while state in (pq.PollingStatus.READING, pq.PollingStatus.WRITING):
            poll.register(connection.socket, select.POLLIN if state == pq.PollingStatus.READING else select.POLLOUT)
            state = connection.connect_poll() if poll.poll(TRACE_SECONDS * 1000) else pq.PollingStatus.FAILED
        connection.untrace()  # which writes the rest of it
        connection.finish()
        trace.seek(0)
        found = REFUSED.search(trace.read())
        return found[1].decode() if found else ""


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
