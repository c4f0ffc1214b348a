"""The operator's public address, as the firewall of the database sees it.

An address that is set and is not one raises WrongInput; an address service that does not tell one raises NotFound.
"""

import ipaddress
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any

from cruddur_ops.errors import NotFound, WrongInput
from cruddur_ops.target import Target

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
TIMEOUT_SECONDS = 5
LONGEST_ADDRESS = 64
# Reserved for documentation (RFC 5737, RFC 3849): the sandbox's operator has one, nobody on the internet.
DOCUMENTATION = tuple(map(ipaddress.ip_network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")))
# Of private networks (RFC 1918, RFC 4193), and of carriers' and VPNs' shared ones (RFC 6598)
PRIVATE = tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")))
SEEN_SECONDS = 120  # for which an answer of the address service is as good as a new one, where an address is set
REMEDY = "set LOCAL_IP to your public address"
_answers: dict[str, tuple[float, str | NotFound]] = {}  # of address services, by URL: since when, and what


def find(target: Target) -> Network:
    """The operator's address, as a network of one: /32, or /128 in IPv6.

    It is the target's `operator_address` (LOCAL_IP, GITPOD_IP) where set, else the address service's answer.
    """
    if target.operator_address:
        return given(target.operator_address)
    return answered(fetch(target.checkip_url), sandbox=target.sandbox)


def given(text: str) -> Network:
    """The address that the operator set; a private one will do, for an instance that is reached privately."""
    network = _parsed(text)
    if network is None:
        raise WrongInput(f"{text[:LONGEST_ADDRESS]!r} is set, which is no IP address: {REMEDY}")
    if network.num_addresses > 1:
        raise WrongInput(f"{network} would let in {network.num_addresses} addresses: {REMEDY}, one alone")
    address = _plain(network)
    if any((address.is_loopback, address.is_unspecified, address.is_multicast, address.is_link_local, address.is_reserved)):
        raise WrongInput(f"no connection comes from {address}, which is set: {REMEDY}")
    return ipaddress.ip_network(address)


def compared(target: Target, source: Network) -> tuple[list[str], bool]:
    """Where the address that is set came from, and how that of the address service compares; whether that is another one."""
    if not target.operator_address:
        return [], False
    origin = f"{source.network_address} is set by {target.sources.get('operator_address', 'the target')}"
    if private(source.network_address):
        return [origin], False
    try:
        seen = answered(_asked(target.checkip_url), sandbox=target.sandbox)
    except NotFound as error:
        return [origin, f"it is compared with nothing: {error}"], False
    other = f"WARNING: the address service sees this machine as {seen.network_address}"
    doubts = [f"{other}: a proxy or a VPN may be between, or {source.network_address} is stale"] if seen != source else []
    return [origin, *doubts], bool(doubts)


def _asked(url: str) -> str:
    """The answer of the address service, asked once in some minutes: a plan is made often, and a service that is down is slow."""
    since, answer = _answers.get(url, (0.0, None))
    if answer is None or time.monotonic() - since > SEEN_SECONDS:
        try:
            answer = fetch(url)
        except NotFound as error:
            answer = error.with_traceback(None)
        _answers[url] = time.monotonic(), answer
    if isinstance(answer, NotFound):
        raise answer
    return answer


def private(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether it is of a private network, such as a VPN's; Python's own test takes those of documentation, too."""
    return any(address in one for one in PRIVATE)


def answered(text: str, *, sandbox: bool = False) -> Network:
    """The address in the answer of an address service: one public address, and nothing else."""
    line = text.strip()
    network = None if "/" in line else _parsed(line)
    if network is None:
        raise NotFound(f"the address service answers {line[:LONGEST_ADDRESS]!r}, which is no IP address: {REMEDY}")
    address = _plain(network)
    documentation = sandbox and any(address in block for block in DOCUMENTATION)
    if not documentation and (not address.is_global or address.is_multicast):
        raise NotFound(f"the address service answers {address}, which is no public address: {REMEDY}")
    return ipaddress.ip_network(address)


def _plain(network: Network) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The address of a network of one; of an IPv4 address in an IPv6 one, the former (RFC 4291, 2.5.5.2)."""
    return getattr(network.network_address, "ipv4_mapped", None) or network.network_address


def _parsed(text: str) -> Network | None:
    """The network that a text names; None for any other text, and for a zone ("%eth0"), which means something here alone."""
    try:
        return None if "%" in text else ipaddress.ip_network(text)
    except ValueError:
        return None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """An address service answers by itself; who redirects is a captive portal."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow none: the redirect then is an HTTPError."""


def fetch(url: str) -> str:
    """The answer of the address service, within five seconds and with status 200.

    No HTTP proxy is asked: it would be told its own address, and connections to the database do not pass it.
    """
    opener = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=TIMEOUT_SECONDS) as response:
            text: str = response.read(LONGEST_ADDRESS * 4).decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        raise NotFound(f"the address service {url} answers with status {error.code}: {REMEDY}") from error
    except (OSError, HTTPException, ValueError) as error:
        raise NotFound(f"the address service {url} cannot be reached ({error}): {REMEDY}") from error
    return text
