"""What a security group rule may say is made canonical, or refused with EC2's error."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.ec2.exceptions import InvalidParameterValue

from rds_sandbox.ec2.sources import (
    canonical_cidr,
    canonical_ports,
    canonical_protocol,
    checked_description,
)

PREFIXES = {4: 32, 6: 128}


@given(st.sampled_from([(4, IPv4Network), (6, IPv6Network)]), st.data())
def test_cidr_is_the_network_of_the_address(family: tuple[int, Any], data: st.DataObject) -> None:
    """Host bits do not matter, and what is canonical stays as it is."""
    version, network = family
    address = data.draw(st.ip_addresses(v=version))  # type: ignore[arg-type]
    length = data.draw(st.integers(0, PREFIXES[version]))
    canonical = canonical_cidr(f"{address}/{length}", network)
    assert ip_network(f"{address}/{length}", strict=False) == ip_network(canonical)
    assert canonical == canonical_cidr(canonical, network)


@given(st.text(max_size=20), st.sampled_from([IPv4Network, IPv6Network]))
def test_other_text_is_malformed(text: str, network: Any) -> None:
    """Whatever somebody types, the answer is a network or EC2's error."""
    try:
        canonical = canonical_cidr(text, network)
    except InvalidParameterValue as error:
        assert f"CIDR block {text} is malformed" == error.message
    else:
        assert network(text, strict=False) == network(canonical)


@given(st.sampled_from(["tcp", "udp"]), st.integers(-2, 65537), st.integers(-2, 65537))
def test_ports_are_a_range(protocol: str, first: int, last: int) -> None:
    """From 0 to 65535, the first no greater than the last."""
    if 0 <= first <= last <= 65535:
        assert (first, last) == canonical_ports(protocol, first, last)
    else:
        with pytest.raises(InvalidParameterValue):
            canonical_ports(protocol, first, last)


@given(st.integers(-2, 300))
def test_protocols_by_number(number: int) -> None:
    """0 to 255 and -1 for all; the canonical name is its own."""
    if -1 <= number <= 255:
        name = canonical_protocol(str(number))
        assert name == canonical_protocol(name)
    else:
        with pytest.raises(InvalidParameterValue):
            canonical_protocol(str(number))


@pytest.mark.parametrize("text", ["", "all", "http", "-2", "6.0", "٦", "²"])
def test_unknown_protocols(text: str) -> None:
    """Words, and digits of other scripts, are no protocol."""
    with pytest.raises(InvalidParameterValue):
        canonical_protocol(text)


@given(st.text(alphabet="abcXYZ019. _-:/()#,@[]+=&;{}!$*", max_size=255))
def test_descriptions_of_allowed_characters(text: str) -> None:
    """They stay as they are; an empty one is none."""
    assert (text or None) == checked_description(text)
