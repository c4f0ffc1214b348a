"""What decides each rung of the ladder, from facts alone."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from cruddur_ops.addresses import given as address_given
from cruddur_ops.diagnosis import blocked, packet
from cruddur_ops.diagnosis.certificate import Handshake, tls
from cruddur_ops.diagnosis.ladder import Ladder, Rung, State, climbed, decided, failed, passed, unknown
from cruddur_ops.errors import AccessDenied, AwsUnreachable, InstanceNotReady, OpsError
from cruddur_ops.network.rules import Rule
from cruddur_ops.rds.instances import described
from cruddur_ops.rds.prechecks import Finding

CALLER = ipaddress.ip_address("203.0.113.10")
SIX = ipaddress.ip_address("2001:db8::5")
RUNGS = some.builds(Rung, some.sampled_from("abcdef"), some.sampled_from(State), some.just("fact"), some.just("remedy"))


def in_group(source: str, port: int = 5432, name: str = "sgr-1") -> Rule:
    """A rule of the instance's group."""
    return Rule("tcp", port, port, source, id=name, group_id="sg-1")


@given(some.lists(RUNGS, unique_by=lambda rung: rung.name))
def test_only_the_first_that_failed_has_a_remedy(found: list[Rung]) -> None:
    """Every name has its rung, and what was not reached is unknown; it is sound if all passed."""
    ladder = climbed("local", "way", "abcdef", found)
    first = ladder.first_failed
    assert list("abcdef") == [rung.name for rung in ladder.rungs]
    assert [first] * bool(first) == [rung for rung in ladder.rungs if rung.remedy and rung.state is State.FAILED]
    assert ladder.sound == (len(found) == 6 and all(rung.state is State.PASSED for rung in found))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (AccessDenied("AWS denies ec2:X: ask"), unknown("name", "AWS denies ec2:X: ask")),
        (AwsUnreachable("no answer: repeat"), unknown("name", "no answer: repeat")),
        (InstanceNotReady("it is stopped: start it: now"), failed("name", "it is stopped", "start it: now")),
    ],
)
def test_an_expected_failure_is_a_rung(error: OpsError, expected: Rung) -> None:
    """Its sentence is fact and remedy; what one may not look at is unknown."""

    def raising() -> Rung:
        raise error

    assert expected == decided("name", raising)


def test_a_ladder_reads_from_top_to_bottom() -> None:
    """The remedy stands below what failed."""
    ladder = Ladder("way", (passed("one", "fine"), failed("another", "broken", "mend it"), unknown("third", "not seen")))
    expected = """\
way: ends at another
  passed   one      fine
  failed   another  broken
                    -> mend it
  unknown  third    not seen"""
    assert expected == repr(ladder)


@pytest.mark.parametrize(
    ("rules", "fact"),
    [
        ([], "no rule admits 203.0.113.10 to tcp 5432"),
        (
            [in_group("203.0.113.11/32"), in_group("198.51.100.1/32")],
            "nearest, tcp 5432 from 203.0.113.11/32 (sgr-1)",
        ),
        ([in_group("203.0.113.11/32"), in_group("0.0.0.0/0", 22, "sgr-2")], "(sgr-2), is for another port"),
        ([in_group("sg-2"), in_group("2001:db8::/32", name="sgr-2")], "of 2 the nearest"),
    ],
)
def test_the_nearest_rule_is_told(rules: list[Rule], fact: str) -> None:
    """One for the caller comes before one for the port."""
    assert fact in packet.security_group(CALLER, 5432, rules, [], {}).fact


def acl(*entries: tuple[int, str, bool, str, str, tuple[int, int] | None]) -> dict[str, Any]:
    """A network ACL of subnet-1."""
    names = ("RuleNumber", "RuleAction", "Egress", "CidrBlock", "Protocol")
    listed = []
    for *values, ports in entries:
        span = {"PortRange": {"From": ports[0], "To": ports[1]}} if ports else {}
        item = dict(zip(names, values, strict=True)) | span
        listed.append({("Ipv6CidrBlock" if key == "CidrBlock" and ":" in str(one) else key): one for key, one in item.items()})
    return {"NetworkAclId": "acl-1", "Associations": [{"SubnetId": "subnet-1"}], "Entries": listed}


OUT = (100, "allow", True, "0.0.0.0/0", "-1", None)


@pytest.mark.parametrize(
    ("entries", "state"),
    [
        ([(100, "allow", False, "0.0.0.0/0", "-1", None), OUT], State.PASSED),
        ([(100, "allow", False, "0.0.0.0/0", "6", (5432, 5432)), OUT], State.PASSED),
        ([(100, "allow", False, "0.0.0.0/0", "6", (5433, 5433)), OUT], State.FAILED),
        ([(100, "allow", False, "0.0.0.0/0", "17", None), OUT], State.FAILED),
        ([(90, "deny", False, "203.0.113.0/24", "-1", None), (100, "allow", False, "0.0.0.0/0", "-1", None), OUT], State.FAILED),
        ([(100, "allow", False, "0.0.0.0/0", "-1", None), (90, "deny", False, "198.51.100.0/24", "-1", None), OUT], State.PASSED),
        ([(100, "allow", False, "0.0.0.0/0", "-1", None), (100, "allow", True, "0.0.0.0/0", "6", (1024, 40000))], State.FAILED),
        ([(100, "allow", False, "::/0", "-1", None), OUT], State.FAILED),
        ([], State.FAILED),
    ],
)
def test_a_network_acl(entries: list[Any], state: State) -> None:
    """The first entry by number that is about the packet decides, and so for the answer."""
    assert state is packet.network_acl(CALLER, 5432, ["subnet-1"], [acl(*entries)]).state


def table(*routes: dict[str, str], subnet: str = "") -> dict[str, Any]:
    """A route table: the main one, unless it is a subnet's."""
    return {"RouteTableId": "rtb-1", "Associations": [{"SubnetId": subnet} if subnet else {"Main": True}], "Routes": list(routes)}


WAY = {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1", "State": "active"}
NAT = {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1", "State": "active"}
LOCAL = {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active"}


@pytest.mark.parametrize(
    ("tables", "caller", "state"),
    [
        ([table(LOCAL, WAY)], CALLER, State.PASSED),
        ([table(LOCAL)], CALLER, State.FAILED),
        ([table(LOCAL, NAT)], CALLER, State.FAILED),
        ([table({**WAY, "State": "blackhole"})], CALLER, State.FAILED),
        ([table(WAY), table(LOCAL, subnet="subnet-1")], CALLER, State.FAILED),
        ([table(LOCAL), table(WAY, subnet="subnet-1")], CALLER, State.PASSED),
        ([table(WAY, {**NAT, "DestinationCidrBlock": "203.0.113.0/24"})], CALLER, State.FAILED),
        ([table(WAY)], SIX, State.FAILED),
        ([table({"DestinationIpv6CidrBlock": "::/0", "GatewayId": "igw-1", "State": "active"})], SIX, State.PASSED),
        ([table(LOCAL)], ipaddress.ip_address("10.0.3.7"), State.PASSED),
        ([], CALLER, State.FAILED),
    ],
)
def test_a_route(tables: list[Any], caller: Any, state: State) -> None:
    """The subnet's own table, else the main one; its most specific route; an internet gateway for a public address."""
    assert state is packet.route(caller, ["subnet-1"], tables).state


def test_a_subnet_that_rds_cannot_use() -> None:
    """It is told; and the instance is looked for in its zone."""
    subnets = [
        {"SubnetIdentifier": f"subnet-{zone}", "SubnetStatus": status, "SubnetAvailabilityZone": {"Name": f"x-{zone}"}}
        for zone, status in (("a", "Active"), ("b", "Gone"))
    ]
    item = {"DBInstanceIdentifier": "x", "DBInstanceStatus": "available", "AvailabilityZone": "x-b"}
    found = described({**item, "DBSubnetGroup": {"VpcId": "vpc-1", "Subnets": subnets}})
    assert "RDS cannot use subnet-b (Gone)" == packet.subnets(found).fact
    assert ["subnet-b"] == packet.subnets_of(found)


def test_an_address_of_ipv6() -> None:
    """Does not reach an instance of IPv4; a private one that is set is believed."""
    assert State.FAILED is packet.own_address(None, "", address_given("2001:db8::5"), "IPV4").state
    assert State.PASSED is packet.own_address(None, "", address_given("2001:db8::5"), "DUAL").state
    assert State.PASSED is packet.own_address(address_given("10.0.3.7"), "LOCAL_IP", None, "IPV4").state


ENDS = datetime.now(UTC) + timedelta(days=30, hours=1)


@pytest.mark.parametrize(
    ("seen", "state", "said"),
    [
        (Handshake("TLSv1.3", ENDS), State.PASSED, "TLSv1.3, verified (verify-full), for 30 days; by ca-1"),
        (Handshake("TLSv1.3"), State.PASSED, "TLSv1.3, the certificate not verified (sslmode verify-full)"),
        (Handshake(), State.FAILED, "the server speaks no TLS"),
        (Handshake("TLS", problem=10), State.FAILED, f"the server's certificate has expired ({ENDS:%Y-%m-%d})"),
        (Handshake("TLS", problem=9), State.FAILED, "the server's certificate is not valid yet"),
        (Handshake("TLS", problem=62), State.FAILED, "the server's certificate is for another name"),
        (Handshake("TLS", problem=20), State.FAILED, "the server's certificate is signed by none of root.pem"),
        (Handshake(broken="Connection reset by peer"), State.FAILED, "the handshake broke off (Connection reset by peer)"),
    ],
)
def test_a_certificate(seen: Handshake, state: State, said: str) -> None:
    """Each thing that may be wrong with it, by OpenSSL's code."""
    rung = tls(seen, "verify-full", Path("root.pem"), ENDS, "ca-1")
    assert (state, said) == (rung.state, rung.fact)


@pytest.mark.parametrize(
    ("rung", "state", "fact"),
    [
        (blocked.quota({"DBInstances": (40, 40)}, {"DBInstances": 1}), State.FAILED, "the account has 40 of 40 instances"),
        (blocked.quota({"DBInstances": (39, 40)}, {"DBInstances": 1}), State.PASSED, "39 of 40 instances"),
        (blocked.earlier("tables (log)"), State.UNKNOWN, "RDS refused one: tables (log)"),
        (blocked.judged("x", [Finding(False, "a", "b"), Finding(True, "c", "d")], "well"), State.FAILED, "c"),
        (blocked.judged("x", [Finding(False, "a", "b")], "well"), State.PASSED, "a"),
        (blocked.judged("x", [], "well"), State.PASSED, "well"),
    ],
)
def test_what_blocks_a_change(rung: Rung, state: State, fact: str) -> None:
    """A full quota, what a check found, and what RDS said of an earlier attempt, which nobody can tell to be mended."""
    assert (state, fact) == (rung.state, rung.fact)
