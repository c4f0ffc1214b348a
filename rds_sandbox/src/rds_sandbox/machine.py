"""What stands behind one DB instance: a PostgreSQL server and the gateway in front of it."""

import logging
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from rds_sandbox.gateway import Admission, Gateway, listening_socket
from rds_sandbox.host import Host
from rds_sandbox.postgres import Server, ServerFailed
from rds_sandbox.tables import limits

log = logging.getLogger(__name__)


@dataclass
class Machine:
    """A server with its gateway. Its methods return when what they name has happened, or raise ServerFailed."""

    host: Host
    name: str
    admission: Admission
    server: Server | None = field(default=None, init=False)
    gateway: Gateway | None = field(default=None, init=False)
    endpoint: tuple[str, int] | None = field(default=None, init=False)
    # whether connections are passed on to the server; the gateway is silent otherwise
    serving: bool = field(default=False, init=False)
    removed: bool = field(default=False, init=False)
    valid_till: datetime | None = field(default=None, init=False)  # the end of the server certificate (UTC)
    # until when its name leads to where it is not, by the clock of `time.monotonic`
    misled_until: float = field(default=0.0, init=False)
    _one_at_a_time: threading.RLock = field(default_factory=threading.RLock, init=False, repr=False)

    @property
    def dead(self) -> bool:
        """Whether the server has ended by itself."""
        return self.server is not None and self.serving and not self.server.running

    def create(self, name: str, port: int, obtain: Callable[[], Server], prepare: Callable[[Server], None]) -> None:
        """Obtain a server, prepare it, which includes its start, and open the gateway under this name."""
        with self._one_at_a_time:
            if self.removed:
                raise ServerFailed(f"{self.name} was removed before it was created")
            self.server = obtain()
            prepare(self.server)
            self._open_gateway(name, port)
            self.serving = True

    def running_server(self) -> Server:
        """The server; there is none where its creation failed."""
        if self.server is None:
            raise ServerFailed(f"{self.name} has no server")
        return self.server

    def move(self, name: str, port: int) -> None:
        """Listen under another name or port; connections end."""
        with self._one_at_a_time:
            if not self.removed:
                self._close_gateway()
                self._open_gateway(name, port)

    def certify(self, valid_till: datetime | None = None) -> None:
        """Show another certificate from now on, which ends then, or when one that is new ends."""
        with self._one_at_a_time:
            if self.gateway and self.endpoint:
                self.gateway.certificate = self._certificate(self.endpoint[0], valid_till)

    @property
    def misled(self) -> bool:
        """Whether its name leads to where it is not."""
        return time.monotonic() < self.misled_until

    @property
    def address(self) -> str | None:
        """Where it is: what its name leads to, unless that is stale."""
        if self.endpoint is None:
            return None
        return str(ip_address(self.endpoint[0]) + 1) if self.misled else self.endpoint[0]

    def stop(self) -> None:
        """End the server, and with it the connections; the data stay, and the gateway, which is silent now."""
        with self._one_at_a_time:
            self.serving = False
            self.running_server().stop()

    def start(self) -> None:
        """Bring the server back with its data, at the same endpoint."""
        with self._one_at_a_time:
            if not self.removed:
                self.running_server().start()
                self.serving = True

    def remove(self) -> None:
        """End everything and delete the data; whatever was under way comes first."""
        with self._one_at_a_time:
            self.removed = True
            self.serving = False
            self._close_gateway()
            if self.server:
                self.server.remove()

    def _open_gateway(self, name: str, port: int) -> None:
        """Listen, on the address that belongs to the name where it has one already."""
        listener = listening_socket(port, self.host.addresses.get(name))
        address, port = listener.getsockname()[:2]
        self.host.addresses[name] = address
        certificate = self._certificate(address)
        self.gateway = Gateway(listener, self.running_server().socket, self.admission, certificate)
        realism = self.host.realism
        self.gateway.open(self.host.loop, realism.name_seconds(name) if realism else 0)
        self.endpoint = (address, port)
        log.info("%s answers on %s:%s", self.name, address, port)

    def _certificate(self, address: str, valid_till: datetime | None = None) -> ssl.SSLContext:
        """A server's TLS context whose certificate names this address, and ends then.

        The name is the subject's too: libpq before 15 looks for addresses there alone
        (PostgreSQL 15 release notes, libpq). `localhost` is what Node.js compares where a client
        gave it a socket and no name, as node-postgres does with addresses (Node.js documentation, `tls.connect`).
        """
        self.valid_till = valid_till or datetime.now(UTC) + timedelta(days=limits("rds")["certificate_days"])
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.set_alpn_protocols(["postgresql"])
        issued = self.host.authority.issue_cert(address, "localhost", common_name=address, not_after=self.valid_till)
        issued.configure_cert(context)
        return context

    def _close_gateway(self) -> None:
        """End its connections and listen no more."""
        if self.gateway:
            self.gateway.close(self.host.loop)
            self.gateway = None
