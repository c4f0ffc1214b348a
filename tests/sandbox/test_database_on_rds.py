"""The package's way to a database on RDS: endpoint, managed password, security group and TLS."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trustme
from psycopg import sql

from cruddur_ops import database, targets
from cruddur_ops.change import Action, Outcome
from cruddur_ops.database import clients
from cruddur_ops.database.connection import connect, session
from cruddur_ops.database.errors import ConnectionTimedOut, DatabaseUnreachable, LoginRefused
from cruddur_ops.database.location import locate
from cruddur_ops.database.planning import PLAN_SECONDS
from cruddur_ops.errors import InstanceNotReady
from cruddur_ops.target import Target
from rds_sandbox import Sandbox
from tests.database.doors import tunnel
from tests.sandbox.support import Client, from_address, make_group, tcp, wait_for, wanted
from tests.unit.headless import until

IDENTIFIER = "cruddur-db-instance"
MANAGED = {"ManageMasterUserPassword": True, "MasterUserPassword": None}
RULE = tcp(5432, **from_address("203.0.113.10/32"))
EXEC = [sys.executable, "-m", "cruddur_ops", "db", "exec", "--"]
PLANS = [database.plan_create, database.plan_roles, database.plan_schema, database.plan_seed]


@pytest.fixture(scope="module")
def target(module_target: Target) -> Target:
    """The target `local` on a sandbox that these tests share."""
    return module_target


@pytest.fixture(scope="module")
def group(target: Target, ec2: Client) -> str:
    """A security group that admits the operator."""
    return make_group(ec2, "database-on-rds", RULE)


@pytest.fixture(scope="module", autouse=True)
def instance(target: Target, group: str, rds: Client) -> dict[str, Any]:
    """The target's instance, with a managed password and without a database of its own."""
    rds.create_db_instance(**wanted(IDENTIFIER, **MANAGED, DBName=None, VpcSecurityGroupIds=[group]))
    return wait_for(rds, IDENTIFIER, "available")


@contextmanager
def in_maintenance_database(target: Target) -> Iterator[Target]:
    """The target with a database that every server has."""
    there = replace(target, db_name="postgres")
    yield there
    session(there).close()


def test_a_tunnel_verifies_the_endpoints_name(target: Target, instance: dict[str, Any]) -> None:
    """The way in is a port of this machine; when it is closed, that is one sentence."""
    with in_maintenance_database(target) as there:
        with tunnel(instance["Endpoint"]["Address"], instance["Endpoint"]["Port"]) as port:
            through = replace(there, tunnel_port=port)
            facts = database.connection_facts(through, "postgres")
            assert (True, "verify-full") == (facts["tls"], facts["sslmode"])
            location = locate(through)
            assert (instance["Endpoint"]["Address"], "127.0.0.1") == (location.host, location.options["hostaddr"])
            assert "export PGHOSTADDR=127.0.0.1" in clients.exports(through).splitlines()
        session(through).close()
        with pytest.raises(
            DatabaseUnreachable, match="is behind a tunnel that is not open .*: open it as 02_open_security_group"
        ):
            connect(through)


def test_an_instance_without_a_public_address(target: Target, rds: Client) -> None:
    """Silence there is no matter of the firewall: the way in is told."""
    rds.modify_db_instance(DBInstanceIdentifier=IDENTIFIER, PubliclyAccessible=False)
    until(lambda: not wait_for(rds, IDENTIFIER, "available")["PubliclyAccessible"])
    try:
        with pytest.raises(ConnectionTimedOut, match="is not publicly accessible, and did not answer: open a tunnel"):
            connect(replace(target, db_name="postgres"), connect_timeout=2)
    finally:
        rds.modify_db_instance(DBInstanceIdentifier=IDENTIFIER, PubliclyAccessible=True)
        until(lambda: wait_for(rds, IDENTIFIER, "available")["PubliclyAccessible"])


def test_from_nothing_to_seeded_and_again(target: Target) -> None:
    """On an instance without a database the steps make everything once."""
    first, second = [plan(target).apply() for plan in PLANS], [plan(target).apply() for plan in PLANS]

    expected = [Outcome(created=2), Outcome(created=4, unchanged=1), Outcome(created=1), Outcome(created=17)]
    assert expected == first
    assert [2, 13, 1, 17] == [outcome.unchanged for outcome in second]
    assert [(0, 0, 0)] * 4 == [(outcome.created, outcome.changed, outcome.deleted) for outcome in second]


def test_connection_is_verified_and_not_a_superusers(target: Target) -> None:
    """The client sees TLS that it verified; the master user is no superuser."""
    with in_maintenance_database(target) as there:
        facts = database.connection_facts(there)

    expected = {"tls": True, "sslmode": "verify-full", "superuser": False, "database": "postgres", "user": "cruddurroot"}
    assert expected == {key: facts[key] for key in expected}


def test_a_program_gets_in_with_tls_and_the_managed_password(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one of the wheel's, which was built without TLS; and whose the password is, is told."""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    done = subprocess.run([*EXEC, "pg_dump", "--schema-only", "--table=users"], capture_output=True, text=True, timeout=60)

    assert "CREATE TABLE public.users" in done.stdout, done.stderr
    assert "the one that RDS manages, and rotates" == locate(target).origin


def test_another_root_certificate_is_not_trusted(target: Target, tmp_path: Path) -> None:
    """With another authority's certificate nothing is sent; the message names the file."""
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))

    with pytest.raises(DatabaseUnreachable, match="other.pem: name the right root certificates in PGSSLROOTCERT"):
        connect(replace(target, ssl_root_certificate=str(other)))


def test_password_is_fetched_for_each_connection(target: Target, rds: Client) -> None:
    """A rotated password goes unnoticed: the next connection uses the new one."""
    before = locate(target)
    rds.modify_db_instance(DBInstanceIdentifier=IDENTIFIER, RotateMasterUserPassword=True, ApplyImmediately=True)
    until(lambda: wait_for(rds, IDENTIFIER, "available")["MasterUserSecret"]["SecretStatus"] == "active")

    connect(target, "postgres").close()

    assert before.password != locate(target).password


def test_stale_password(target: Target) -> None:
    """A secret that does not fit (any more) is a refused login, and the message shows no password."""
    right = str(locate(target).password)
    with connect(target, "postgres") as connection:
        connection.execute("ALTER ROLE CURRENT_USER PASSWORD 'another-password'")
        connection.commit()
        with pytest.raises(LoginRefused, match="refused the login to user cruddurroot .*may be rotating") as caught:
            connect(target, "postgres")
        connection.execute(sql.SQL("ALTER ROLE CURRENT_USER PASSWORD {}").format(right))
        connection.commit()
    assert right not in str(caught.value)


def test_closed_security_group(target: Target, group: str, ec2: Client) -> None:
    """Silence is told as what it is, and the plans wait for notebook 02."""
    ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[RULE])

    with pytest.raises(ConnectionTimedOut, match="did not answer in time: run 02_open_security_group"):
        connect(target, connect_timeout=2)
    session(target).close()  # it would answer still
    began = time.monotonic()
    changes = [plan(target).changes[0] for plan in PLANS]
    seconds = time.monotonic() - began
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[RULE])

    assert ["known after 02_open_security_group"] * 4 == [change.note for change in changes]
    assert seconds < 2 * PLAN_SECONDS  # several plans in a row wait once


def test_a_dead_server_and_a_paused_one_are_told_apart(target: Target, rds_sandbox: Sandbox, rds: Client, slow: None) -> None:
    """Neither is blamed on TLS or on the security group; the dead one comes back by itself."""
    instances = rds_sandbox._ask("GET", "/_sandbox/status")["DBInstances"]
    [found] = [one for one in instances if one["DBInstanceIdentifier"] == IDENTIFIER]
    server = int((Path(found["Logs"]).parent / "data" / "postmaster.pid").read_text().split()[0])
    os.kill(server, signal.SIGSTOP)
    with pytest.raises(ConnectionTimedOut, match="fell silent: the server is paused or overloaded"):
        connect(target, "postgres", connect_timeout=2)
    os.kill(server, signal.SIGKILL)
    wait_for(rds, IDENTIFIER, "rebooting")
    wait_for(rds, IDENTIFIER, "available")
    connect(target, "postgres").close()


def test_no_instance(target: Target) -> None:
    """Before there is an instance each plan says what it waits for, and each step where to start."""
    nowhere = replace(target, db_instance_identifier="nowhere")
    changes = [plan(nowhere).changes[0] for plan in PLANS]

    assert [(Action.CREATE, "known after 01_provision_rds")] * 4 == [(change.action, change.note) for change in changes]
    assert "database cruddur" == changes[0].resource
    for plan in PLANS:
        with pytest.raises(InstanceNotReady, match="run 01_provision_rds"):
            plan(nowhere).apply()


@pytest.mark.usefixtures("slow")
def test_instance_without_endpoint_and_without_managed_password(target: Target, rds: Client, group: str) -> None:
    """Neither an instance that is being created nor one that keeps no secret can be connected to."""
    another = replace(target, db_instance_identifier="another")
    rds.create_db_instance(**wanted("another", VpcSecurityGroupIds=[group]))

    with pytest.raises(InstanceNotReady, match="is creating and has no endpoint yet: run 01_provision_rds"):
        locate(another)
    wait_for(rds, "another", "available")
    with pytest.raises(InstanceNotReady, match="does not keep its password in Secrets Manager: name the secret"):
        locate(another)


def test_stopped_instance(target: Target, rds: Client) -> None:
    """A stopped instance is told with the command that starts it, and is found again once it runs."""
    rds.stop_db_instance(DBInstanceIdentifier=IDENTIFIER)
    wait_for(rds, IDENTIFIER, "stopped")

    with pytest.raises(InstanceNotReady, match="is stopped: start it with `cruddur-ops rds start"):
        connect(target)
    rds.start_db_instance(DBInstanceIdentifier=IDENTIFIER)
    wait_for(rds, IDENTIFIER, "available")
    with in_maintenance_database(target) as there:
        assert database.connection_facts(there)["tls"]


def test_url_of_an_instance(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same server by URL, without a call to AWS."""
    found = locate(target)
    url = f"postgresql://{found.user}:{found.password}@{found.host}:{found.port}/postgres"
    monkeypatch.setenv("CONNECTION_URL", f"{url}?sslmode=verify-full&sslrootcert={found.options['sslrootcert']}")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")

    with in_maintenance_database(targets.load("local")) as by_url:
        assert database.connection_facts(by_url)["tls"]


def test_plain_connection_is_refused(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a URL turns TLS off, the server's words are quoted."""
    found = locate(target)
    url = f"postgresql://{found.user}@{found.host}:{found.port}/postgres?sslmode=disable"
    monkeypatch.setenv("CONNECTION_URL", url)

    with pytest.raises(DatabaseUnreachable, match="no encryption"):
        connect(targets.load("local"))
