"""The operator's public address."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cruddur_ops import addresses
from cruddur_ops.errors import NotFound, WrongInput
from cruddur_ops.network import address
from cruddur_ops.target import Target

TARGET = Target("test")
NOTHING = "it is compared with nothing"


class Service(HTTPServer):
    """An address service that answers what the test sets."""

    status = 200
    body = b"8.8.8.8\n"
    location = ""

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server_port}/"


class Handler(BaseHTTPRequestHandler):
    """Answers what its server says."""

    def do_GET(self) -> None:  # noqa: N802 - the library's name
        """Answer with the server's status, body and redirection."""
        assert isinstance(self.server, Service)
        self.send_response(self.server.status)
        if self.server.location:
            self.send_header("Location", self.server.location)
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """An address service on this machine, which nobody has asked yet."""
    monkeypatch.setattr(address, "_answers", {})
    with Service(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_the_service_is_asked(service: Service) -> None:
    """Without LOCAL_IP the address is what the service answers, as a network of one."""
    assert ip_network("8.8.8.8/32") == address.find(replace(TARGET, checkip_url=service.url))


def test_a_set_address_comes_first(service: Service) -> None:
    """LOCAL_IP and GITPOD_IP save the question."""
    service.body = b"no address"
    target = replace(TARGET, checkip_url=service.url, operator_address="8.8.4.4")
    assert ip_network("8.8.4.4/32") == address.find(target)


def test_an_ipv6_address(service: Service) -> None:
    """In IPv6 the network of one is a /128."""
    service.body = b"2600:1f14::7\n"
    assert ip_network("2600:1f14::7/128") == address.find(replace(TARGET, checkip_url=service.url))


@pytest.mark.parametrize("status", [204, 302, 404, 500])
def test_no_answer_of_status_200(service: Service, status: int) -> None:
    """Failures, empty answers and captive portals that redirect to themselves give no address."""
    service.status, service.location = status, f"{service.url}login"
    service.body = b""
    with pytest.raises(NotFound, match="set LOCAL_IP"):
        address.find(replace(TARGET, checkip_url=service.url))


def test_a_redirection_is_not_followed(service: Service) -> None:
    """Even where an address would stand at its end: nobody knows whose."""
    service.status, service.location = 302, service.url
    with pytest.raises(NotFound, match="status 302"):
        address.find(replace(TARGET, checkip_url=service.url))


def test_nobody_listens() -> None:
    """A service that is down is named, with the way out."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(NotFound, match=f"127.0.0.1:{port}.*set LOCAL_IP"):
        address.fetch(f"http://127.0.0.1:{port}/")


def test_a_silent_service_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that never answers holds nobody up for long."""
    monkeypatch.setattr(address, "TIMEOUT_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(NotFound, match="LOCAL_IP"):
        address.fetch(f"http://127.0.0.1:{server.getsockname()[1]}/")


def test_a_server_that_speaks_no_http() -> None:
    """What is no HTTP is no answer."""

    def answer(server: socket.socket) -> None:
        with server.accept()[0] as connection:
            connection.sendall(b"\x15\x03\x01\x00\x02\x02\x50")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer, args=(server,))
        thread.start()
        with pytest.raises(NotFound):
            address.fetch(f"http://127.0.0.1:{server.getsockname()[1]}/")
        thread.join()


def test_the_environment_has_no_say_by_proxy(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """An HTTP proxy would be told its own address."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert "8.8.8.8\n" == address.fetch(service.url)


@pytest.mark.parametrize("url", ["", "checkip", "http://"])
def test_a_url_that_is_none(url: str) -> None:
    """A mistyped CRUDDUR_CHECKIP_URL is told like a service that is down."""
    with pytest.raises(NotFound):
        address.fetch(url)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<!doctype html><title>Sign in</title>",
        "8.8.8.8\n8.8.4.4",
        "8.8.8.8, 8.8.4.4",
        "8.8.8.8/32",
        "008.8.8.8",
        "2600:1f14::7%eth0",
        "8.8.8",
    ],
)
def test_what_is_no_address(text: str) -> None:
    """HTML, nothing, several addresses and networks are no address."""
    with pytest.raises(NotFound, match="no IP address"):
        address.answered(text)


PRIVATE_IPV4 = "10.1.2.3 192.168.1.2 127.0.0.1 0.0.0.0 169.254.1.1 100.64.0.1 224.0.0.1 203.0.113.7"
PRIVATE_IPV6 = "::1 :: fe80::1 fc00::1 ff02::1 2001:db8::7 ::ffff:10.1.2.3"


@pytest.mark.parametrize("text", f"{PRIVATE_IPV4} {PRIVATE_IPV6}".split())
def test_addresses_that_are_not_public(text: str) -> None:
    """The service of a private network may answer these; AWS will never see them."""
    with pytest.raises(NotFound, match="no public address"):
        address.answered(text)


@pytest.mark.parametrize("text", ["203.0.113.7", "198.51.100.1", "192.0.2.255", "2001:db8::7"])
def test_documentation_addresses_in_the_sandbox(text: str) -> None:
    """The sandbox's operator has an address that nobody on the internet has."""
    assert ip_network(text) == address.answered(text, sandbox=True)


def test_the_sandbox_takes_no_private_address_either() -> None:
    """Only the documentation's networks are an exception."""
    with pytest.raises(NotFound):
        address.answered("192.168.1.2", sandbox=True)


@given(st.ip_addresses())
def test_public_addresses_are_taken(found: object) -> None:
    """Every address is either refused, or a network of that one."""
    try:
        network = address.answered(f" {found}\r\n")
    except NotFound:
        return
    assert 1 == network.num_addresses
    assert str(network.network_address) in (str(found), str(getattr(found, "ipv4_mapped", "")))


@given(st.text(max_size=50))
def test_any_text_is_an_address_or_unknown(text: str) -> None:
    """Nothing that a service could answer raises anything else."""
    try:
        network = address.answered(text)
    except NotFound:
        return
    assert network == ip_network(ip_address(text.strip()))


@pytest.mark.parametrize("text", ["10.1.2.3", "10.1.2.3/32", "8.8.8.8", "203.0.113.7", "fc00::7"])
def test_given_addresses(text: str) -> None:
    """The operator may know better: an instance can be reached privately."""
    assert ip_network(text) == addresses.given(text)


def test_an_ipv4_address_within_an_ipv6_one_is_that() -> None:
    """RDS sees the IPv4 connection that it stands for."""
    assert ip_network("203.0.113.7") == addresses.given("::ffff:203.0.113.7")


@pytest.mark.parametrize(
    ("seen", "told"),
    [("198.51.100.7", ["WARNING: the address service sees this machine as 198.51.100.7"]), ("203.0.113.7", []), ("", [NOTHING])],
)
def test_a_set_address_is_compared_with_what_the_service_sees(service: Service, seen: str, told: list[str]) -> None:
    """With where it was set; whatever differs is said. A private one is not seen from outside."""
    service.body = seen.encode()
    target = replace(TARGET, sandbox=True, checkip_url=service.url).asking("X", operator_address="203.0.113.7")
    (first, *others), doubtful = address.compared(target, address.find(target))
    assert ("203.0.113.7 is set by X", told) == (first, [other[: len(one)] for other, one in zip(others, told, strict=True)])
    assert ("198" in seen) is doubtful
    assert (["10.1.2.3 is set by X"], False) == address.compared(target, ip_network("10.1.2.3"))


def test_the_service_is_asked_once_in_some_minutes(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where an address is set: each plan compares it."""
    target = replace(TARGET, checkip_url=service.url, operator_address="9.9.9.9")
    shown = [address.compared(target, address.find(target))]
    service.body = b"9.9.9.9"
    shown.append(address.compared(target, address.find(target)))
    monkeypatch.setattr(address, "SEEN_SECONDS", 0)
    assert [True, True, False] == [doubtful for _, doubtful in (*shown, address.compared(target, address.find(target)))]


NO_ADDRESSES = ["localhost", "8.8.8.8/33", "8.8.8.8/24", "127.0.0.1", "0.0.0.0", "::1", "fe80::1%eth0", "fe80::1%lo"]
NO_ADDRESSES += ["255.255.255.255", "240.0.0.1", "::ffff:127.0.0.1", "0x7f.1"]


@pytest.mark.parametrize("text", NO_ADDRESSES)
def test_given_text_that_is_no_address(text: str) -> None:
    """No connection comes from there."""
    with pytest.raises(WrongInput, match="set LOCAL_IP"):
        addresses.given(text)


@pytest.mark.parametrize("text", ["0.0.0.0/0", "::/0", "8.8.8.0/24", "2600::/64"])
def test_given_networks_are_refused(text: str) -> None:
    """One rule admits one address."""
    with pytest.raises(WrongInput, match="one alone"):
        addresses.given(text)
