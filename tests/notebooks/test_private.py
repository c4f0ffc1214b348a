"""An instance that is not publicly accessible, from nothing to a served sign-up: the way in leads through its VPC."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from rds_sandbox import Sandbox
from tests.database.doors import tunnel
from tests.notebooks.conftest import CommandLine

MACHINE = "127.0.0.77"  # from where a program of this machine connects as one in the VPC would
PRIVATE = {"CRUDDUR_PUBLICLY_ACCESSIBLE": "false"}
CLOSED = "9"  # nobody listens there


@pytest.fixture
def address(sandbox: object, rds_sandbox: Sandbox) -> str:
    """The private address of a machine in the default VPC, which SSM manages."""
    ec2 = rds_sandbox.client("ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    interface = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]
    body = {"LoopbackAddress": MACHINE, "NetworkInterfaceId": interface["NetworkInterfaceId"]}
    rds_sandbox._ask("PUT", "/_sandbox/interface", body)
    return str(interface["PrivateIpAddress"])


@contextmanager
def forwarding(sandbox: Sandbox) -> Iterator[str]:
    """`aws ssm start-session`, as 02 says; the port of this machine."""
    [found] = sandbox.client("rds").describe_db_instances()["DBInstances"]
    with tunnel(found["Endpoint"]["Address"], found["Endpoint"]["Port"], source=MACHINE) as port:
        yield str(port)


@pytest.mark.thorough  # a tunnel to the endpoint, and one that is not open, are tried in tests/sandbox
def test_all_notebooks_through_a_tunnel(ops: CommandLine, rds_sandbox: Sandbox, address: str) -> None:
    """02 says how to open it, and where it is not open; through it all goes, and a second time nothing differs."""
    known = {**PRIVATE, "LOCAL_IP": address}
    made = ops.run("run", "00", "01", **known)
    assert 0 == made.code, made
    for port, said in (("", "is not publicly accessible, and did not answer"), (CLOSED, "is behind a tunnel that is not open")):
        shut = ops.run("run", "02", **known, CRUDDUR_TUNNEL_PORT=port)
        assert (1, True) == (shut.code, said in shut.stderr), shut
    with forwarding(rds_sandbox) as port:
        for expected in (True, False):
            through = ops.run("run", **known, CRUDDUR_TUNNEL_PORT=port)
            assert 0 == through.code, through
            created = [notebook["outcome"]["created"] for notebook in ops.record(through)["notebooks"]]
            assert expected == any(created)
            assert "aws ssm start-session" in next(max(ops.runs()).glob("02_*.ipynb")).read_text()
