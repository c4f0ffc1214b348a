"""How a database server answers a caller: lets in, refuses, or stays silent."""

from __future__ import annotations

import socket

from cruddur_ops.network.tunnel import entrance
from cruddur_ops.target import Target

LEAST_TIMEOUT_SECONDS = 2  # libpq takes a shorter connect_timeout for this one (PostgreSQL, chapter "libpq")


def reachability(host: str, port: int, timeout: int = 5, through: Target | None = None) -> str:
    """How a database server answers a caller who does not sign in, found out as pg_isready does.

    Args:
        host: name or address.
        port: TCP port.
        timeout: seconds, at least 2.
        through: a target, whose tunnel is the way there, if it has one.

    Returns:
        "answers"; "refused" where nothing listens on the port; "silent" where a firewall drops the
        connection; "unknown host" where the name does not resolve.
    """
    from psycopg import conninfo, pq

    seconds = max(timeout, LEAST_TIMEOUT_SECONDS)
    address, port = entrance(through, port) if through else ("", port)
    asked = conninfo.make_conninfo(host=host, hostaddr=address or None, port=port, connect_timeout=seconds)
    if pq.PGconn.ping(asked.encode()) in (pq.Ping.OK, pq.Ping.REJECT):
        return "answers"
    return _unanswered(address or host, port, seconds)


def _unanswered(host: str, port: int, seconds: int) -> str:
    """Why: libpq does not tell, TCP does."""
    try:
        with socket.create_connection((host, port), seconds):
            return "silent"
    except ConnectionRefusedError:
        return "refused"
    except socket.gaierror:
        return "unknown host"
    except OSError:
        return "silent"
