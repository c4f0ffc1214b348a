"""TLS in the place of a program that has none: a private Unix socket, from which connections go on to the server over TLS."""

from __future__ import annotations

import asyncio
import ssl
import struct
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cruddur_ops.database.connection import CONNECT_TIMEOUT
from cruddur_ops.database.location import Location
from cruddur_ops.errors import WrongInput

SSL_REQUEST = struct.pack("!II", 8, 80877103)  # PostgreSQL 18, chapter 54.7, SSLRequest
CHUNK = 65536
Stop = Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]]
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@contextmanager
def relayed(location: Location) -> Iterator[str]:
    """The folder of a Unix socket that leads to the server, for this user alone.

    Raises:
        WrongInput: the location names several hosts.
    """
    if "," in location.host:
        raise WrongInput("this psql has no TLS, and several hosts need one that has: install the package postgresql-client")
    certificate = context(location)
    # mkdtemp's mode is 0700, and its path is short: that of a socket may have 107 bytes
    with tempfile.TemporaryDirectory(prefix="cruddur-") as folder, ThreadPoolExecutor(1, "relay") as thread:
        started: Stop = Future()
        ended = thread.submit(asyncio.run, _listen(str(Path(folder) / ".s.PGSQL.5432"), location, certificate, started))
        loop, stop = started.result()
        try:
            yield folder
        finally:
            loop.call_soon_threadsafe(stop.set)
            ended.result()


def context(location: Location) -> ssl.SSLContext:
    """What libpq verifies, by sslmode (PostgreSQL 18, chapter 32.19.1): with a root certificate "require" means verify-ca."""
    options = location.options
    root, mode = options.get("sslrootcert"), options["sslmode"]
    made = ssl.create_default_context(cafile=root if root != "system" else None)
    made.check_hostname = mode == "verify-full"
    if mode == "require" and not root:
        made.verify_mode = ssl.CERT_NONE
    if "sslcert" in options:
        made.load_cert_chain(options["sslcert"], options.get("sslkey"))
    return made


async def _listen(path: str, location: Location, certificate: ssl.SSLContext, started: Stop) -> None:
    """Accept connections until told to stop; asyncio.run then ends those that are left."""
    stop, connections = asyncio.Event(), set()

    def accept(*client: Any) -> None:
        connections.add(asyncio.create_task(_serve(client, location, certificate)))

    server = await asyncio.start_unix_server(accept, path)
    started.set_result((asyncio.get_running_loop(), stop))
    await stop.wait()
    server.close()


async def _serve(client: Streams, location: Location, certificate: ssl.SSLContext) -> None:
    """One connection; where the server does not come up to it, the program hears that it was closed."""
    ends = [client]
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            ends.append(await _connect(location, certificate))
        directions = [_copy(one[0], other[1]) for one, other in (ends, reversed(ends))]
        await asyncio.wait(map(asyncio.create_task, directions), return_when=asyncio.FIRST_COMPLETED)
    except (OSError, EOFError, TimeoutError):  # ssl.SSLError is an OSError
        return
    finally:
        for _, writer in ends:
            writer.transport.abort()


async def _connect(location: Location, certificate: ssl.SSLContext) -> Streams:
    reader, writer = await asyncio.open_connection(location.options.get("hostaddr") or location.host, location.port or "5432")
    writer.write(SSL_REQUEST)
    if await reader.readexactly(1) != b"S":
        writer.close()
        raise ConnectionRefusedError("the server has no TLS")
    await writer.start_tls(certificate, server_hostname=location.host)
    return reader, writer


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
    except OSError:
        return  # either end has gone
