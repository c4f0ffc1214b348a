"""The operator's public address, as the firewall of the database sees it.

An address service that does not tell one raises NotFound.
"""

import ipaddress
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any

from cruddur_ops.addresses import LONGEST, REMEDY, Network, given, parsed, plain, private
from cruddur_ops.errors import NotFound
from cruddur_ops.target import Target

TIMEOUT_SECONDS = 5
# Reserved for documentation (RFC 5737, RFC 3849): the sandbox's operator has one, nobody on the internet.
DOCUMENTATION = tuple(map(ipaddress.ip_network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")))
SEEN_SECONDS = 120  # for which an answer of the address service is as good as a new one, where an address is set
_answers: dict[str, tuple[float, str | NotFound]] = {}  # of address services, by URL: since when, and what


def find(target: Target) -> Network:
    """The operator's address, as a network of one: /32, or /128 in IPv6.

    It is the target's `operator_address` (LOCAL_IP, GITPOD_IP) where set, else the address service's answer.
    """
    if target.operator_address:
        return given(target.operator_address)
    return answered(fetch(target.checkip_url), sandbox=target.sandbox)


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


def answered(text: str, *, sandbox: bool = False) -> Network:
    """The address in the answer of an address service: one public address, and nothing else."""
    line = text.strip()
    network = None if "/" in line else parsed(line)
    if network is None:
        raise NotFound(f"the address service answers {line[:LONGEST]!r}, which is no IP address: {REMEDY}")
    address = plain(network)
    documentation = sandbox and any(address in block for block in DOCUMENTATION)
    if not documentation and (not address.is_global or address.is_multicast):
        raise NotFound(f"the address service answers {address}, which is no public address: {REMEDY}")
    return ipaddress.ip_network(address)


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
            text: str = response.read(LONGEST * 4).decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        raise NotFound(f"the address service {url} answers with status {error.code}: {REMEDY}") from error
    except (OSError, HTTPException, ValueError) as error:
        raise NotFound(f"the address service {url} cannot be reached ({error}): {REMEDY}") from error
    return text
