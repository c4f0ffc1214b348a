"""The two ends of a connection that the gateway passes on.

Sockets that never block, read as soon as they can be: asyncio's transports would copy each message through TLS twice as slowly.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from rds_sandbox import passing

BUFFER = memoryview(bytearray(1 << 18))  # of all ends, which take turns on one event loop
LATER = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
# As PostgreSQL's own server sends (PQ_SEND_BUFFER_SIZE): libpq has room for as much, and what it left of a longer record
# in OpenSSL's memory, a client that waits for its socket would wait for without end.
RECORD = 8192


class End:
    """One end: what comes in here goes out at the other, no faster than that takes it."""

    other: End | None = None

    def __init__(self, connection: socket.socket) -> None:
        """Read from it from now on; `lost` is done once the peer has gone."""
        self.loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[None] = self.loop.create_future()
        self.early = b""  # what comes before there is another end: a client's startup message
        self.encrypted = isinstance(connection, ssl.SSLSocket)
        self._connection = connection
        self._take: Callable[[], Any] = partial(connection.recv_into, BUFFER)
        self._give: Callable[[Any], int] = connection.send
        if isinstance(connection, ssl.SSLSocket):  # what its recv_into and send come to
            self._take = partial(connection.read, len(BUFFER), BUFFER)
            self._give = lambda data: connection.write(data[:RECORD])
        self._rest = b""  # what the peer has not taken yet
        self._closing = False
        self._came = asyncio.Event()
        self._listen()

    def join(self, other: End) -> None:
        """From now on what one receives is sent by the other."""
        self.other, other.other = other, self
        for one, another in ((self, other), (other, self)):
            if early := one.early:
                one.early = b""
                one._pass(early, another)

    def _listen(self) -> None:
        if not self.lost.done():
            self.loop.add_reader(self._connection, self._read)
            passing.readers[self._connection.fileno()] = self._read

    def _pause(self) -> None:
        self.loop.remove_reader(self._connection)
        passing.readers.pop(self._connection.fileno(), None)

    def _read(self) -> bool:
        """What has come, at most a record of TLS, which this takes whole: of what is left the selector tells again.

        True where others wait for it.
        """
        try:
            size = self._take()
        except LATER:
            return False
        except (OSError, ValueError):
            size = 0
        if not size:
            self._lose()
        elif self.other:
            self._pass(BUFFER[:size], self.other)
        else:
            self.early += BUFFER[:size]
            self._came.set()
        return self.other is None or self.lost.done() or self.other.lost.done()

    def _pass(self, data: bytes | memoryview, other: End) -> None:
        """Where the other takes no more for now, this one waits."""
        other.send(data)
        if other._rest:
            self._pause()

    def send(self, data: bytes | memoryview) -> None:
        """What the peer does not take at once, it gets as soon as it does."""
        if self._rest:
            self._rest += data
            return
        self._rest = self._sent(data)
        if self._rest:
            self.loop.add_writer(self._connection, self._go_on)

    def _sent(self, data: bytes | memoryview) -> bytes:
        """Send; what is left."""
        try:
            while (sent := self._give(data)) < len(data):
                data = memoryview(data)[sent:]
        except LATER:
            return bytes(data)
        except (OSError, ValueError):
            self._lose()
        return b""

    def _go_on(self) -> None:
        self._rest = self._sent(self._rest)
        if self._rest:
            return
        self.loop.remove_writer(self._connection)
        if self._closing:
            self.close()
        elif self.other:
            self.other._listen()

    async def ahead(self, size: int) -> bytes:
        """The first bytes, once they are there; they stay."""
        while len(self.early) < size:
            if self.lost.done():
                raise EOFError
            self._came.clear()
            await self._came.wait()
        return self.early[:size]

    async def message(self) -> tuple[bytes, bytes]:
        """Take the next message of the protocol: its type, and its content."""
        size = int.from_bytes((await self.ahead(5))[1:]) + 1
        whole = await self.ahead(size)
        self.early = self.early[size:]
        return whole[:1], whole[5:]

    def say(self, kind: bytes, content: bytes) -> None:
        """Send a message of the protocol."""
        self.send(kind + (len(content) + 4).to_bytes(4) + content)

    def _lose(self) -> None:
        """The peer has gone."""
        self._came.set()
        if not self.lost.done():
            self._pause()
            self.lost.set_result(None)

    def close(self) -> None:
        """Once the peer has all that was sent."""
        self._closing = True
        if self._connection.fileno() < 0:
            return
        self._pause()
        if self._rest and not self.lost.done():
            return
        self.loop.remove_writer(self._connection)
        with suppress(OSError, ValueError):
            if isinstance(self._connection, ssl.SSLSocket):
                self._connection.unwrap()  # says that it ends, and waits for no answer
        self._connection.close()
