"""TCP ports that lead to the server of the tests, which listens on a Unix socket only."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from rds_sandbox.postgres import Server


@contextmanager
def tcp_door(server: Server, address: str, port: int = 0) -> Iterator[int]:
    """Listen on an address, and pass connections on; the port.

    Args:
        server: where to.
        address: of this machine.
        port: 0 for any that is free.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, port), family=family) as listener:
        threading.Thread(target=_accept, args=(listener, server), daemon=True).start()
        yield listener.getsockname()[1]
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, server: Server) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            inside = socket.socket(socket.AF_UNIX)
            inside.connect(str(server.socket))
            for ends in ((client, inside), (inside, client)):
                threading.Thread(target=_copy, args=ends, daemon=True).start()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(65536):
            sink.sendall(chunk)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
