"""IP addresses as somebody writes them, and the one that the operator set; WrongInput where no connection comes from that."""

import ipaddress

from cruddur_ops.errors import WrongInput

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
LONGEST = 64
# Of private networks (RFC 1918, RFC 4193), and of carriers' and VPNs' shared ones (RFC 6598)
PRIVATE = tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")))
REMEDY = "set LOCAL_IP to your public address"


def given(text: str) -> Network:
    """The address that the operator set; a private one will do, for an instance that is reached privately."""
    network = parsed(text)
    if network is None:
        raise WrongInput(f"{text[:LONGEST]!r} is set, which is no IP address: {REMEDY}")
    if network.num_addresses > 1:
        raise WrongInput(f"{network} would let in {network.num_addresses} addresses: {REMEDY}, one alone")
    address = plain(network)
    if any((address.is_loopback, address.is_unspecified, address.is_multicast, address.is_link_local, address.is_reserved)):
        raise WrongInput(f"no connection comes from {address}, which is set: {REMEDY}")
    return ipaddress.ip_network(address)


def private(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether it is of a private network, such as a VPN's; Python's own test takes those of documentation, too."""
    return any(address in one for one in PRIVATE)


def plain(network: Network) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The address of a network of one; of an IPv4 address in an IPv6 one, the former (RFC 4291, 2.5.5.2)."""
    return getattr(network.network_address, "ipv4_mapped", None) or network.network_address


def parsed(text: str) -> Network | None:
    """The network that a text names; None for any other text, and for a zone ("%eth0"), which means something here alone."""
    try:
        return None if "%" in text else ipaddress.ip_network(text)
    except ValueError:
        return None
