"""The operator's public address, as the firewall of the database sees it."""

from __future__ import annotations

import ipaddress
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

from cruddur_ops.errors import AddressUnknown, RuleRefused

if TYPE_CHECKING:
    from cruddur_ops.targets import Target

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
TIMEOUT_SECONDS = 5
LONGEST_ADDRESS = 64
# Reserved for documentation (RFC 5737, RFC 3849): the sandbox's operator has one, nobody on the internet.
DOCUMENTATION = tuple(
    ipaddress.ip_network(block) for block in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
)
REMEDY = "set LOCAL_IP to your public address"


def find(target: Target) -> Network:
    """The operator's address, as a network of one: /32, or /128 in IPv6.

    It is the target's `operator_address` (LOCAL_IP, GITPOD_IP) where set, else the address service's answer.

    Raises:
        AddressUnknown: the service does not answer, or not with a public address; or the set one is none.
        RuleRefused: a network of more than one address is set.
    """
    if target.operator_address:
        return given(target.operator_address)
    return answered(fetch(target.checkip_url), sandbox=target.sandbox)


def given(text: str) -> Network:
    """The address that the operator set; a private one will do, for an instance that is reached privately.

    Raises:
        AddressUnknown: it is no address from which a connection could come.
        RuleRefused: it is a network of more than one address.
    """
    message = f"{text[:LONGEST_ADDRESS]!r} is set, which is no IP address: {REMEDY}"
    network: Network = _parse(ipaddress.ip_network, text, message)
    if network.num_addresses > 1:
        message = f"{network} would let in {network.num_addresses} addresses: {REMEDY}, one alone"
        raise RuleRefused(message)
    address = network.network_address
    if address.is_loopback or address.is_unspecified or address.is_multicast or address.is_link_local:
        raise AddressUnknown(f"no connection comes from {address}, which is set: {REMEDY}")
    return network


def answered(text: str, *, sandbox: bool = False) -> Network:
    """The address in the answer of an address service.

    Raises:
        AddressUnknown: the answer is anything else than one public address.
    """
    line = text.strip()
    message = f"the address service answers {line[:LONGEST_ADDRESS]!r}, which is no IP address: {REMEDY}"
    address = _parse(ipaddress.ip_address, line, message)
    address = getattr(address, "ipv4_mapped", None) or address
    documentation = sandbox and any(address in block for block in DOCUMENTATION)
    if not documentation and (not address.is_global or address.is_multicast):
        raise AddressUnknown(f"the address service answers {address}, which is no public address: {REMEDY}")
    return ipaddress.ip_network(address)


def _parse(parse: Callable[[str], Any], text: str, message: str) -> Any:
    """What ipaddress makes of it; a zone ("%eth0") means something on this machine alone."""
    try:
        if "%" in text:
            raise ValueError(text)
        return parse(text)
    except ValueError as error:
        raise AddressUnknown(message) from error


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """An address service answers by itself; who redirects is a captive portal."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow none: the redirect then is an HTTPError."""


def fetch(url: str) -> str:
    """The answer of the address service.

    No HTTP proxy is asked: it would be told its own address, and connections to the database do not pass it.

    Raises:
        AddressUnknown: no answer within five seconds, or none of status 200.
    """
    opener = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=TIMEOUT_SECONDS) as response:
            text: str = response.read(LONGEST_ADDRESS * 4).decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        message = f"the address service {url} answers with status {error.code}: {REMEDY}"
        raise AddressUnknown(message) from error
    except (OSError, HTTPException, ValueError) as error:
        raise AddressUnknown(f"the address service {url} cannot be reached ({error}): {REMEDY}") from error
    return text
