"""TCP ports that lead to a server: to that of the tests, which listens on a Unix socket only, or as a tunnel to another port."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
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

    def inside() -> socket.socket:
        made = socket.socket(socket.AF_UNIX)
        made.connect(str(server.socket))
        return made

    with _door(inside, address, port) as found:
        yield found


@contextmanager
def tunnel(host: str, port: int, source: str = "") -> Iterator[int]:
    """Listen on this machine, and pass connections on to another place, from this address; the port."""
    with _door(lambda: socket.create_connection((host, port), source_address=(source, 0)), "127.0.0.1", 0) as found:
        yield found


@contextmanager
def _door(inside: Callable[[], socket.socket], address: str, port: int) -> Iterator[int]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, port), family=family) as listener:
        threading.Thread(target=_accept, args=(listener, inside), daemon=True).start()
        yield listener.getsockname()[1]
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, inside: Callable[[], socket.socket]) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            server = inside()
            for ends in ((client, server), (server, client)):
                threading.Thread(target=_copy, args=ends, daemon=True).start()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(65536):
            sink.sendall(chunk)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
