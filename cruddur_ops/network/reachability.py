"""How a database server answers a caller who does not sign in: lets in, refuses, or stays silent."""

import socket
import struct

from cruddur_ops.network.tunnel import entrance
from cruddur_ops.target import Target

SSL_REQUEST = struct.pack("!II", 8, 80877103)  # PostgreSQL 18, chapter 54.7; a server says whether it speaks TLS


def reachability(host: str, port: int, timeout: float = 5, through: Target | None = None) -> str:
    """How a database server answers.

    Args:
        through: a target, whose tunnel is the way there, if it has one.

    Returns:
        "answers"; "refused" where nothing listens on the port; "silent" where a firewall drops the
        connection; "unknown host" where the name does not resolve.
    """
    address, port = entrance(through, port) if through else ("", port)
    try:
        with socket.create_connection((address or host, port), timeout) as probe:
            probe.sendall(SSL_REQUEST)
            return "answers" if probe.recv(1) else "silent"
    except ConnectionRefusedError:
        return "refused"
    except socket.gaierror:
        return "unknown host"
    except OSError:
        return "silent"
