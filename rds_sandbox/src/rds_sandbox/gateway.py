"""The TCP gateway of a DB instance: security group first, then TLS, then the server's Unix socket."""

import asyncio
import errno
import random
import socket
import ssl
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path

from rds_sandbox.callers import Origin, Peer
from rds_sandbox.ends import End
from rds_sandbox.logins import Denied, Login, by_token, fatal, parse_startup, refusal

# Request codes of the frontend/backend protocol (PostgreSQL 18, chapter 54.7 "Message Formats").
SSL_REQUEST = 80877103
GSSENC_REQUEST = 80877104
CANCEL_REQUEST = 80877102
TLS_HANDSHAKE = 0x16  # first byte of a TLS record: sslnegotiation=direct, from PostgreSQL 17 on

SILENCE_SECONDS = 130.0  # as long as Linux repeats a SYN that nobody answers
LOOK_AGAIN_SECONDS = 0.25  # a repeated SYN gets through once a rule admits it: so does a waiting client
HANDSHAKE_SECONDS = 30.0  # authentication_timeout is a minute; an idle half-open client goes sooner
ADDRESS_TRIES = 20


@dataclass(frozen=True)
class Admission:
    """What the gateway asks anew for each connection."""

    origin: Callable[[Peer], Origin]  # where the connection from this address and port comes from
    admits: Callable[[Origin], bool]  # whether a connection from there gets through
    seen_as: Callable[[Origin], str]  # the address that the server would see for it
    requires_tls: Callable[[], bool]  # whether `rds.force_ssl` is on
    login: Callable[[str], Login | None]  # how a role logs in, other than by its password; it may take a while
    examines: Callable[[], bool]  # whether there can be such a role


def listening_socket(port: int, address: str | None = None) -> socket.socket:
    """A socket on a loopback address of its own with the port asked for, or else a free port; OSError where there is none at all.

    The address is tried first, as when a stopped instance comes back. Linux answers on all of 127.0.0.0/8; macOS on 127.0.0.1
    alone, unless aliases were added.
    """
    addresses = [str(IPv4Address(random.randrange(0x7F010000, 0x7FFF0000))) for _ in range(ADDRESS_TRIES)]
    places = [(place, port) for place in [address, *addresses, "127.0.0.1"] if place]
    for place in [*places, ("127.0.0.1", 0)]:
        try:
            return socket.create_server(place, backlog=128)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EADDRNOTAVAIL):
                raise
    raise OSError(errno.EADDRINUSE, "no loopback port is free")


@dataclass
class Gateway:
    """Passes admitted connections on to one server, for as long as it is open."""

    listener: socket.socket
    upstream: Path
    admission: Admission
    certificate: ssl.SSLContext
    connections: set[asyncio.Task[None]] = field(default_factory=set)
    _accepting: asyncio.Task[None] | None = None

    def open(self, loop: asyncio.AbstractEventLoop, unknown: float = 0) -> None:
        """Start to accept connections on the event loop, from whichever thread.

        For `unknown` seconds they are ended at once, as if the name of the endpoint were not known yet.
        """
        self.listener.setblocking(False)
        asyncio.run_coroutine_threadsafe(self._open(loop.time() + unknown), loop).result()

    async def _open(self, known: float) -> None:
        self._accepting = asyncio.create_task(self._accept(known))

    def close(self, loop: asyncio.AbstractEventLoop) -> None:
        """End every connection and stop listening."""
        asyncio.run_coroutine_threadsafe(self._close(), loop).result()

    async def _close(self) -> None:
        tasks = [task for task in (self._accepting, *self.connections) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.listener.close()

    async def _accept(self, known: float) -> None:
        loop = asyncio.get_running_loop()
        while True:
            client, _ = await loop.sock_accept(self.listener)
            if loop.time() < known:
                client.close()
                continue
            task = loop.create_task(self._serve(client))
            self.connections.add(task)
            task.add_done_callback(self.connections.discard)

    async def _serve(self, client: socket.socket) -> None:
        """One connection, from its first byte to its last; a client that goes away is no failure."""
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # asyncio does so only where `proto` says TCP
        try:
            origin = self.admission.origin(client.getpeername()[:2])
            if not await self._wait_for_admission(client, origin):
                return
            async with asyncio.timeout(HANDSHAKE_SECONDS):
                end = await self._negotiate(client, origin)
            if end:
                await self._pass_on(end, origin)
        except (OSError, ssl.SSLError, EOFError, TimeoutError):
            return
        finally:
            client.close()

    async def _wait_for_admission(self, client: socket.socket, origin: Origin) -> bool:
        """Silence until a rule admits the caller; False where it gave up, or waited too long."""
        for _ in range(int(SILENCE_SECONDS / LOOK_AGAIN_SECONDS)):
            if self.admission.admits(origin):
                return True
            if _has_left(client):
                return False
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
        return False

    async def _negotiate(self, client: socket.socket, origin: Origin) -> End | None:
        """Answer the client's requests for encryption; None where it may not go on."""
        loop = asyncio.get_running_loop()
        while True:
            first = await _peek(client, 8)
            if first[0] == TLS_HANDSHAKE:
                return await _accepted(client, self.certificate)
            code = struct.unpack("!I", first[4:8])[0] if len(first) == 8 else 0
            if code == GSSENC_REQUEST:
                client.recv(8)
                await loop.sock_sendall(client, b"N")
            elif code == SSL_REQUEST:
                client.recv(8)
                await loop.sock_sendall(client, b"S")
                return await _accepted(client, self.certificate)
            elif code != CANCEL_REQUEST and self.admission.requires_tls():
                await loop.sock_sendall(client, refusal(await _startup(client), self.admission.seen_as(origin)))
                return None
            else:
                return await _accepted(client, None)

    async def _pass_on(self, client: End, origin: Origin) -> None:
        """Copy both ways until either side ends."""
        try:
            server = await _connected(self.upstream)
            try:
                if self.admission.examines() and not await self._log_in(client, server, origin):
                    return
                client.join(server)
                await asyncio.wait([client.lost, server.lost], return_when=asyncio.FIRST_COMPLETED)
            finally:
                server.close()
        finally:
            client.close()

    async def _log_in(self, client: End, server: End, origin: Origin) -> bool:
        """Take part in the login of a role that needs it; False where it was refused."""
        async with asyncio.timeout(HANDSHAKE_SECONDS):
            size = int.from_bytes(await client.ahead(4))
            startup = parse_startup(await client.ahead(size))
            login = await asyncio.to_thread(self.admission.login, startup.get("user", ""))
            if login is None:
                return True
            if not client.encrypted:
                client.send(refusal(startup, self.admission.seen_as(origin)))
                return False
            server.send(client.early)
            client.early = b""
            try:
                await by_token(client, server, login.accepts, login.password)
            except Denied:
                client.send(fatal(f'PAM authentication failed for user "{startup["user"]}"'))
                return False
            return True


async def _startup(client: socket.socket) -> dict[str, str]:
    """Read the whole StartupMessage (its protocol limit is 10,000 bytes)."""
    loop = asyncio.get_running_loop()
    packet = await loop.sock_recv(client, 10000)
    while 4 <= len(packet) < min(struct.unpack("!I", packet[:4])[0], 10000):
        packet += await loop.sock_recv(client, 10000) or _end()
    return parse_startup(packet)


def _end() -> bytes:
    raise EOFError


def _has_left(client: socket.socket) -> bool:
    try:
        return client.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False


async def _peek(client: socket.socket, size: int) -> bytes:
    """The first bytes, left in the socket for whoever reads next: a full request, or a TLS record's start."""
    while True:
        try:
            seen = client.recv(size, socket.MSG_PEEK)
        except BlockingIOError:
            await _readable(client)
            continue
        if not seen:
            raise EOFError
        if len(seen) == size or seen[0] == TLS_HANDSHAKE:
            return seen
        await asyncio.sleep(0.01)  # part of a request: the rest is on its way


async def _readable(client: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_reader(client, ready.cancel)  # called again while there is something to read: cancelling twice is harmless
    try:
        await asyncio.wait([ready])
    finally:
        loop.remove_reader(client)


async def _accepted(client: socket.socket, certificate: ssl.SSLContext | None) -> End:
    """The accepted socket as an end, after a TLS handshake where a certificate is given."""
    owned = client.dup()  # an end closes its descriptor when all is sent, so it must be its own
    client.close()
    try:
        if certificate:
            owned = certificate.wrap_socket(owned, server_side=True, do_handshake_on_connect=False)
            await _shake_hands(owned)
        return End(owned)
    except BaseException:
        owned.close()
        raise


async def _shake_hands(client: ssl.SSLSocket) -> None:
    while True:
        try:
            client.do_handshake()
            return
        except ssl.SSLWantReadError:
            await _readable(client)


async def _connected(server: Path) -> End:
    """The server's end."""
    connection = socket.socket(socket.AF_UNIX)
    connection.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(connection, str(server))
    except BaseException:
        connection.close()
        raise
    return End(connection)
