"""The two ends of a connection that the gateway passes on."""

from __future__ import annotations

import asyncio
from typing import Any


class End(asyncio.Protocol):
    """One end: what comes in here goes out at the other, no faster than that takes it."""

    transport: asyncio.Transport
    other: End | None = None

    def __init__(self, lost: asyncio.Future[None]) -> None:
        """The future is done once the peer has gone."""
        self.lost = lost
        self.early = b""  # what comes before there is another end: a client's startup message
        self._came = asyncio.Event()

    def connection_made(self, transport: Any) -> None:
        """The peer is there."""
        self.transport = transport

    def join(self, other: End) -> None:
        """From now on what one receives is sent by the other."""
        self.other, other.other = other, self
        other.transport.write(self.early)
        self.transport.write(other.early)

    def data_received(self, data: bytes) -> None:
        """Send it on."""
        if self.other:
            self.other.transport.write(data)
        else:
            self.early += data
            self._came.set()

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
        self.transport.write(kind + (len(content) + 4).to_bytes(4) + content)

    def pause_writing(self) -> None:
        """The peer here takes no more for now: let the other wait."""
        if self.other and not self.other.transport.is_closing():
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        """It takes more again."""
        if self.other and not self.other.transport.is_closing():
            self.other.transport.resume_reading()

    def connection_lost(self, _: Exception | None) -> None:
        """The peer has gone."""
        self._came.set()
        if not self.lost.done():
            self.lost.set_result(None)
