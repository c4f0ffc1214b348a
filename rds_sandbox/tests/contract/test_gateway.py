"""The gateway of an instance: silence, security groups, TLS; through psycopg, libpq and raw sockets."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
import trustme

from rds_sandbox import Sandbox
from tests.instance import run, statuses
from tests.support import Client, connect, from_address, make_group, reset, tcp, wait_for, wanted

OPERATOR = "203.0.113.10"
INSIDE = "127.0.0.9"  # a loopback address that stands for a network interface of the VPC
Move = Callable[[str], object]


@pytest.fixture(scope="module")
def group(sandbox: Mapping[str, str], ec2: Client) -> str:
    """A security group without rules."""
    reset(sandbox)
    return make_group(ec2, "gateway")


@pytest.fixture(scope="module")
def instance(rds: Client, group: str) -> dict[str, Any]:
    """An instance of the latest major in that group."""
    rds.create_db_instance(**wanted("gateway", VpcSecurityGroupIds=[group]))
    return wait_for(rds, "gateway", "available")


@pytest.fixture
def admit(ec2: Client, group: str) -> Iterator[Callable[..., None]]:
    """Authorize a permission for the length of the test."""
    given: list[dict[str, Any]] = []

    def authorize(**permission: Any) -> None:
        given.append({"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, **permission})
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=given[-1:])

    yield authorize
    for permission in given:
        ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[permission])


@pytest.fixture
def operator_address(rds_sandbox: Sandbox) -> Iterator[Move]:
    """Move the operator to another public address for the length of the test."""
    yield lambda address: rds_sandbox.simulate("address", address=address)
    rds_sandbox.simulate("address", address=OPERATOR)


def answers(instance: Mapping[str, Any], source: str = "127.0.0.1") -> bool:
    """Whether the endpoint answers an SSLRequest from this loopback address within two seconds."""
    endpoint = (instance["Endpoint"]["Address"], instance["Endpoint"]["Port"])
    with socket.create_connection(endpoint, timeout=2, source_address=(source, 0)) as client:
        client.sendall(struct.pack("!II", 8, 80877103))
        try:
            return client.recv(1) == b"S"
        except TimeoutError:
            return False


def test_no_rule_means_silence(sandbox: Mapping[str, str], instance: dict[str, Any]) -> None:
    """Without a rule the client times out, as on AWS."""
    with pytest.raises(psycopg.errors.ConnectionTimeout):
        connect(sandbox, instance, connect_timeout=2)


@pytest.mark.parametrize(
    ("permission", "admitted"),
    [
        ({"IpRanges": [{"CidrIp": f"{OPERATOR}/32"}]}, True),
        ({"IpRanges": [{"CidrIp": "203.0.113.0/24"}]}, True),
        ({"IpRanges": [{"CidrIp": "203.0.113.11/32"}]}, False),
        ({"IpRanges": [{"CidrIp": f"{OPERATOR}/32"}], "FromPort": 5433, "ToPort": 5440}, False),
        ({"IpRanges": [{"CidrIp": f"{OPERATOR}/32"}], "FromPort": 5000, "ToPort": 6000}, True),
        ({"IpRanges": [{"CidrIp": f"{OPERATOR}/32"}], "IpProtocol": "udp"}, False),
        ({"IpRanges": [{"CidrIp": f"{OPERATOR}/32"}], "IpProtocol": "-1"}, True),
    ],
)
def test_rule_decides(instance: dict[str, Any], admit: Callable[..., None], permission: dict[str, Any], admitted: bool) -> None:
    """A connection gets through exactly if protocol, port and source of a rule admit it."""
    admit(**permission)

    assert admitted is answers(instance)


def test_ipv6_rule_admits(instance: dict[str, Any], admit: Callable[..., None], operator_address: Move) -> None:
    """An operator who comes by IPv6 needs an IPv6 rule."""
    operator_address("2001:db8::5")
    assert not answers(instance)
    admit(Ipv6Ranges=[{"CidrIpv6": "2001:db8::/64"}])

    assert answers(instance)


def test_prefix_list_admits(ec2: Client, instance: dict[str, Any], admit: Callable[..., None]) -> None:
    """A rule that names a prefix list admits the addresses of its entries."""
    prefix_list = ec2.create_managed_prefix_list(
        PrefixListName="office", AddressFamily="IPv4", MaxEntries=2, Entries=[{"Cidr": f"{OPERATOR}/32"}]
    )["PrefixList"]["PrefixListId"]
    admit(PrefixListIds=[{"PrefixListId": prefix_list}])

    assert answers(instance)


def way(ec2: Client, instance: Mapping[str, Any]) -> tuple[str, str, str]:
    """The network ACL and the route table of the instance's VPC, and the internet gateway that it leads to."""
    of_vpc = [{"Name": "vpc-id", "Values": [instance["DBSubnetGroup"]["VpcId"]]}]
    [acl] = ec2.describe_network_acls(Filters=of_vpc)["NetworkAcls"]
    [table] = ec2.describe_route_tables(Filters=of_vpc)["RouteTables"]
    gateways = [route["GatewayId"] for route in table["Routes"] if route["DestinationCidrBlock"] == "0.0.0.0/0"]
    return acl["NetworkAclId"], table["RouteTableId"], gateways[0]


@pytest.mark.parametrize(
    ("egress", "action", "ports", "open_"),
    [
        (False, "deny", (5432, 5432), False),
        (False, "deny", (5433, 6000), True),
        (False, "allow", (5432, 5432), True),
        (True, "deny", (32768, 60999), False),
        (True, "deny", (5432, 5432), True),
    ],
)
def test_network_acl_decides(
    ec2: Client,
    instance: dict[str, Any],
    admit: Callable[..., None],
    egress: bool,
    action: str,
    ports: tuple[int, int],
    open_: bool,
) -> None:
    """Whatever the security group admits: its first entry about the packet, and about the answer."""
    admit(**from_address(f"{OPERATOR}/32"))
    entry = {"NetworkAclId": way(ec2, instance)[0], "RuleNumber": 50, "Egress": egress}
    span = {"From": ports[0], "To": ports[1]}
    ec2.create_network_acl_entry(**entry, Protocol="6", RuleAction=action, CidrBlock="203.0.113.0/24", PortRange=span)
    answered = answers(instance)
    ec2.delete_network_acl_entry(**entry)
    assert open_ is answered


def test_route_decides(ec2: Client, instance: dict[str, Any], admit: Callable[..., None]) -> None:
    """Without a route to an internet gateway that is attached, nobody outside is answered."""
    admit(**from_address(f"{OPERATOR}/32"))
    _, table, gateway = way(ec2, instance)
    route = {"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0"}
    ec2.delete_route(**route)
    without = answers(instance)
    ec2.create_route(**route, GatewayId=gateway)
    assert (False, True) == (without, answers(instance))


def test_an_instance_shows_its_network_interface(
    ec2: Client, instance: dict[str, Any], group: str, admit: Callable[..., None], rds_sandbox: Sandbox
) -> None:
    """With the address that its name leads to; where that is stale, it has another, and nobody answers at the old one."""
    admit(**from_address(f"{OPERATOR}/32"))
    filters = [{"Name": "description", "Values": ["RDSNetworkInterface"]}, {"Name": "group-id", "Values": [group]}]

    def address() -> str:
        [found] = ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
        return str(found["Association"]["PublicIp"])

    assert instance["Endpoint"]["Address"] == address()
    rds_sandbox.simulate("stale", identifier="gateway", seconds=60)
    assert (True, False) == (instance["Endpoint"]["Address"] != address(), answers(instance))
    rds_sandbox.simulate("stale", identifier="gateway", seconds=0)
    assert (True, True) == (instance["Endpoint"]["Address"] == address(), answers(instance))


def test_a_certificate_ends(
    sandbox: Mapping[str, str], instance: dict[str, Any], admit: Callable[..., None], rds_sandbox: Sandbox, rds: Client
) -> None:
    """A client that verifies does not connect, the API says when it ended, and a rotation helps; a restart is asked for.

    RDS User Guide, "Rotating your SSL/TLS certificate"; API Reference, DBEngineVersion.
    """
    admit(**from_address(f"{OPERATOR}/32"))
    name, action = {"DBInstanceIdentifier": "gateway"}, "ca-certificate-rotation"
    rotation = {**name, "CACertificateIdentifier": "rds-ca-rsa4096-g1", "ApplyImmediately": True}
    arn, usual = instance["DBInstanceArn"], {**rotation, "CACertificateIdentifier": "rds-ca-rsa2048-g1"}
    opt_in = {"ResourceIdentifier": arn, "ApplyAction": action, "OptInType": "immediate"}
    began = []
    for call, asked in (
        (rds.modify_db_instance, rotation),
        (rds.apply_pending_maintenance_action, opt_in),
        (rds.modify_db_instance, {**usual, "CertificateRotationRestart": True}),
    ):
        rds_sandbox.simulate("announce", identifier="gateway", action=action)
        rds_sandbox.simulate("certificate", identifier="gateway", days=-1)
        with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
            connect(sandbox, instance)
        assert wait_for(rds, "gateway", "available")["CertificateDetails"]["ValidTill"] < datetime.now(UTC)
        with statuses(rds, "gateway", "available"):
            call(**asked)
        assert wait_for(rds, "gateway", "available")["CertificateDetails"]["ValidTill"] > datetime.now(UTC)
        began.append(run(sandbox, instance, "SELECT pg_postmaster_start_time()"))
    assert began[0] == began[1] < began[2]


def test_group_reference_admits_members_from_inside(
    ec2: Client, control: Callable[..., Any], instance: dict[str, Any], admit: Callable[..., None]
) -> None:
    """A rule that names a group admits the network interfaces in it, and nobody from outside."""
    members = make_group(ec2, "members")
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    interface = ec2.create_network_interface(SubnetId=subnet, Groups=[members])["NetworkInterface"]["NetworkInterfaceId"]
    control("PUT", "/interface", {"LoopbackAddress": INSIDE, "NetworkInterfaceId": interface})
    assert not answers(instance, INSIDE)
    admit(UserIdGroupPairs=[{"GroupId": members}])

    assert answers(instance, INSIDE)
    assert not answers(instance)


def test_private_instance_is_silent_to_the_outside(rds: Client, instance: dict[str, Any], admit: Callable[..., None]) -> None:
    """From outside, only a publicly accessible instance answers, whatever the rules say."""
    admit(**from_address(f"{OPERATOR}/32"))
    rds.modify_db_instance(DBInstanceIdentifier="gateway", PubliclyAccessible=False, ApplyImmediately=True)
    wait_for(rds, "gateway", "available")
    silent = not answers(instance)
    rds.modify_db_instance(DBInstanceIdentifier="gateway", PubliclyAccessible=True, ApplyImmediately=True)
    wait_for(rds, "gateway", "available")

    assert silent
    assert answers(instance)


def test_revoked_rule_shuts_for_new_connections(
    sandbox: Mapping[str, str], ec2: Client, group: str, instance: dict[str, Any]
) -> None:
    """A connection that is open goes on; the next one finds silence."""
    permission = tcp(5432, **from_address(f"{OPERATOR}/32"))
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])
    with connect(sandbox, instance) as connection:
        ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[permission])

        assert (1,) == connection.execute("SELECT 1").fetchone()
        with pytest.raises(psycopg.errors.ConnectionTimeout):
            connect(sandbox, instance, connect_timeout=2)


def test_waiting_client_gets_in_once_the_rule_is_there(
    sandbox: Mapping[str, str], instance: dict[str, Any], admit: Callable[..., None]
) -> None:
    """TCP repeats its SYN: a client that still waits when the rule appears is let in."""
    timer = threading.Timer(0.5, admit, kwargs=from_address(f"{OPERATOR}/32"))
    timer.start()
    with connect(sandbox, instance) as connection:
        assert (1,) == connection.execute("SELECT 1").fetchone()
    timer.join()


@pytest.mark.parametrize("negotiation", ["postgres", "direct"])
def test_verify_full_works_with_the_exported_root(
    sandbox: Mapping[str, str], instance: dict[str, Any], admit: Callable[..., None], negotiation: str
) -> None:
    """Full verification succeeds with the sandbox's root, by SSLRequest and by direct TLS."""
    admit(**from_address(f"{OPERATOR}/32"))
    with connect(sandbox, instance, sslnegotiation=negotiation) as connection:
        assert connection.pgconn.ssl_in_use


def test_verify_full_fails_with_another_root(
    sandbox: Mapping[str, str], instance: dict[str, Any], admit: Callable[..., None], tmp_path: Path
) -> None:
    """Another authority's root certificate does not do."""
    admit(**from_address(f"{OPERATOR}/32"))
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))

    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        connect(sandbox, instance, sslrootcert=str(other))


def test_certificate_names_the_endpoint(sandbox: Mapping[str, str], instance: dict[str, Any], admit: Callable[..., None]) -> None:
    """The certificate holds for this endpoint alone: by another name it does not verify."""
    admit(**from_address(f"{OPERATOR}/32"))

    with pytest.raises(psycopg.OperationalError, match="does not match|verify failed"):
        connect(sandbox, instance, host="another.example", hostaddr=instance["Endpoint"]["Address"])


def test_certificate_names_what_node_compares(
    sandbox: Mapping[str, str], instance: dict[str, Any], admit: Callable[..., None]
) -> None:
    """A client that has an address and no name looks for `localhost`, as Node.js does for node-postgres (`tls.connect`)."""
    admit(**from_address(f"{OPERATOR}/32"))

    with connect(sandbox, instance, host="localhost", hostaddr=instance["Endpoint"]["Address"]) as connection:
        assert connection.pgconn.ssl_in_use


def test_answers_come_in_records_of_8_kb(
    sandbox: Mapping[str, str], instance: dict[str, Any], admit: Callable[..., None]
) -> None:
    """As PostgreSQL sends them: of a longer record libpq leaves a part where no poll of the socket shows it."""
    admit(**from_address(f"{OPERATOR}/32"))
    heard = bytearray()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=relay, args=(listener, instance["Endpoint"], heard), daemon=True).start()
        with connect(sandbox, instance, hostaddr="127.0.0.1", port=listener.getsockname()[1]) as connection:
            connection.execute("SELECT repeat('x', 100000)")

    sizes = list(record_sizes(bytes(heard[1:])))
    assert sum(sizes) > 100_000
    assert max(sizes) < 8192 + 256


def relay(listener: socket.socket, endpoint: Mapping[str, Any], heard: bytearray) -> None:
    """Pass one connection on to the endpoint, and keep what that says."""
    client, _ = listener.accept()
    server = socket.create_connection((endpoint["Address"], endpoint["Port"]))
    threading.Thread(target=copy, args=(client, server, bytearray()), daemon=True).start()
    copy(server, client, heard)


def copy(one: socket.socket, other: socket.socket, heard: bytearray) -> None:
    """What one says to the other."""
    with one, other, suppress(OSError):
        while data := one.recv(65536):
            heard += data
            other.sendall(data)


def record_sizes(data: bytes) -> Iterator[int]:
    """The lengths of the records of application data (RFC 8446, chapter 5.1)."""
    while len(data) >= 5:
        size = int.from_bytes(data[3:5])
        if data[0] == 23:
            yield size
        data = data[5 + size :]


def test_without_tls_is_refused_from_15_on(
    sandbox: Mapping[str, str], instance: dict[str, Any], admit: Callable[..., None]
) -> None:
    """rds.force_ssl is on: the refusal is pg_hba.conf's own, with the caller's public address."""
    admit(**from_address(f"{OPERATOR}/32"))
    expected = f'no pg_hba.conf entry for host "{OPERATOR}", user "master", database "app", no encryption'

    with pytest.raises(psycopg.OperationalError, match=expected):
        connect(sandbox, instance, sslmode="disable")


def test_without_tls_is_admitted_before_15(sandbox: Mapping[str, str], rds: Client, ec2: Client) -> None:
    """Major 14 does not force TLS."""
    group = make_group(ec2, "fourteen", tcp(5432, **from_address(f"{OPERATOR}/32")))
    rds.create_db_instance(**wanted("fourteen", EngineVersion="14", VpcSecurityGroupIds=[group]))
    old = wait_for(rds, "fourteen", "available")
    with connect(sandbox, old, sslmode="disable") as connection:
        assert not connection.pgconn.ssl_in_use


def test_parameter_group_may_unset_force_ssl(sandbox: Mapping[str, str], rds: Client, ec2: Client) -> None:
    """rds.force_ssl = 0 in the instance's parameter group admits connections without TLS."""
    rds.create_db_parameter_group(DBParameterGroupName="plain", DBParameterGroupFamily="postgres18", Description="test")
    parameter = {"ParameterName": "rds.force_ssl", "ParameterValue": "0", "ApplyMethod": "immediate"}
    rds.modify_db_parameter_group(DBParameterGroupName="plain", Parameters=[parameter])
    group = make_group(ec2, "plain", tcp(5432, **from_address(f"{OPERATOR}/32")))
    rds.create_db_instance(**wanted("plain", DBParameterGroupName="plain", VpcSecurityGroupIds=[group]))
    with connect(sandbox, wait_for(rds, "plain", "available"), sslmode="disable") as connection:
        assert not connection.pgconn.ssl_in_use


def test_a_query_can_be_cancelled(sandbox: Mapping[str, str], instance: dict[str, Any], admit: Callable[..., None]) -> None:
    """A cancel request reaches the server through the gateway."""
    admit(**from_address(f"{OPERATOR}/32"))
    with connect(sandbox, instance) as connection:
        timer = threading.Timer(0.3, connection.cancel_safe)
        timer.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("SELECT pg_sleep(20)")
        timer.join()


@pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1\r\n\r\n", b"\x00", b"\xff" * 64, struct.pack("!II", 8, 80877104) * 3])
def test_garbage_harms_nobody(
    sandbox: Mapping[str, str], instance: dict[str, Any], admit: Callable[..., None], garbage: bytes
) -> None:
    """Bytes that are not Postgres' protocol end their own connection at most."""
    admit(**from_address(f"{OPERATOR}/32"))
    endpoint = (instance["Endpoint"]["Address"], instance["Endpoint"]["Port"])
    with socket.create_connection(endpoint, timeout=1) as client:
        client.sendall(garbage)

    connect(sandbox, instance).close()


def test_many_megabytes_pass_unharmed(sandbox: Mapping[str, str], instance: dict[str, Any], admit: Callable[..., None]) -> None:
    """A large value goes to the server and back as it was."""
    admit(**from_address(f"{OPERATOR}/32"))
    value = "abcdefgh" * 1_000_000
    with connect(sandbox, instance) as connection:
        assert (value,) == connection.execute("SELECT %s::text", [value]).fetchone()


def test_tls_is_current(instance: dict[str, Any], admit: Callable[..., None]) -> None:
    """The gateway speaks TLS 1.3 with a client that can."""
    admit(**from_address(f"{OPERATOR}/32"))
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    endpoint = (instance["Endpoint"]["Address"], instance["Endpoint"]["Port"])
    with socket.create_connection(endpoint, timeout=5) as client:
        client.sendall(struct.pack("!II", 8, 80877103))
        assert b"S" == client.recv(1)
        with context.wrap_socket(client) as secured:
            assert "TLSv1.3" == secured.version()
