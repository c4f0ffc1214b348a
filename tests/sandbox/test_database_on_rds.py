"""The package's way to a database on RDS: endpoint, managed password, security group and TLS."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trustme

from cruddur_ops import database, targets
from cruddur_ops.connection import connect, engine
from cruddur_ops.errors import InstanceNotReady
from cruddur_ops.location import locate
from cruddur_ops.plan import Action, Outcome
from cruddur_ops.targets import Target
from cruddur_ops.unreachable import ConnectionTimedOut, DatabaseUnreachable, LoginRefused, TlsFailed
from tests.sandbox.support import PASSWORD, Client, from_address, make_group, tcp, wait_for, wanted

IDENTIFIER = "cruddur-db-instance"
OPERATOR = from_address("203.0.113.10/32")
MANAGED = {"ManageMasterUserPassword": True, "MasterUserPassword": None}
PLANS = [database.plan_create, database.plan_schema, database.plan_seed]
STEPS = [database.create, database.load_schema, database.seed]


@pytest.fixture
def group(target: Target, ec2: Client) -> str:
    """A security group that admits nobody yet."""
    return make_group(ec2, "database-on-rds")


@pytest.fixture
def create(group: str, rds: Client) -> Callable[..., dict[str, Any]]:
    """Creates the target's DB instance in that group and waits until it is available."""

    def make(**changes: Any) -> dict[str, Any]:
        rds.create_db_instance(**wanted(IDENTIFIER, VpcSecurityGroupIds=[group], **{**MANAGED, **changes}))
        return wait_for(rds, IDENTIFIER, "available")

    return make


@pytest.fixture
def instance(create: Callable[..., dict[str, Any]], target: Target) -> Iterator[dict[str, Any]]:
    """An instance with a managed password and without a database of its own."""
    yield create(DBName=None)
    engine(target).dispose()


@pytest.fixture
def admitted(instance: dict[str, Any], group: str, ec2: Client) -> None:
    """The operator is admitted."""
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[tcp(instance["Endpoint"]["Port"], **OPERATOR)])


@pytest.mark.usefixtures("admitted")
def test_from_nothing_to_seeded_and_again(target: Target) -> None:
    """On an instance without a database the steps make everything once."""
    first, second = [step(target) for step in STEPS], [step(target) for step in STEPS]

    assert [Outcome(created=1), Outcome(created=1), Outcome(created=16)] == first
    assert [Outcome(unchanged=1), Outcome(unchanged=1), Outcome(unchanged=16)] == second


@pytest.mark.usefixtures("admitted")
def test_connection_is_verified_and_not_a_superusers(target: Target) -> None:
    """The client sees TLS that it verified; the master user is no superuser."""
    database.create(target)

    facts = database.connection_facts(target)

    expected = {"tls": True, "sslmode": "verify-full", "superuser": False, "database": "cruddur", "user": "cruddurroot"}
    assert expected == {key: facts[key] for key in expected}


@pytest.mark.usefixtures("admitted")
def test_another_root_certificate_is_not_trusted(target: Target, tmp_path: Path) -> None:
    """With another authority's certificate nothing is sent; the message names the file."""
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))

    with pytest.raises(TlsFailed, match="other.pem: name the right root certificates in PGSSLROOTCERT"):
        connect(replace(target, ssl_root_certificate=str(other)))


@pytest.mark.usefixtures("admitted")
def test_password_is_fetched_for_each_connection(target: Target, rds: Client) -> None:
    """A rotated password goes unnoticed: the open connection stays, the next one uses the new password."""
    database.create(target)
    before = locate(target)
    rds.modify_db_instance(DBInstanceIdentifier=IDENTIFIER, RotateMasterUserPassword=True, ApplyImmediately=True)
    wait_for(rds, IDENTIFIER, "available")

    connect(target).close()

    assert before.password != locate(target).password


@pytest.mark.usefixtures("admitted")
def test_stale_password(target: Target, instance: Mapping[str, Any], secretsmanager: Client) -> None:
    """A secret that does not fit (any more) is a refused login, and the message shows no password."""
    secret = '{"username": "cruddurroot", "password": "stale-password"}'
    secretsmanager.put_secret_value(SecretId=instance["MasterUserSecret"]["SecretArn"], SecretString=secret)

    with pytest.raises(LoginRefused, match="refused the login to user cruddurroot .*may be rotating") as caught:
        connect(target)
    assert "stale-password" not in str(caught.value)


@pytest.mark.usefixtures("instance")
def test_closed_security_group(target: Target) -> None:
    """Silence is told as what it is, and the plans wait for notebook 02."""
    with pytest.raises(ConnectionTimedOut, match="did not answer in time: run 02_open_security_group"):
        connect(target, connect_timeout=2)
    changes = [plan(target).changes[0] for plan in PLANS]

    assert ["known after 02_open_security_group"] * 3 == [change.note for change in changes]


def test_no_instance(target: Target) -> None:
    """Before there is an instance each plan says what it waits for, and each step where to start."""
    changes = [plan(target).changes[0] for plan in PLANS]

    assert [(Action.CREATE, "known after 01_provision_rds")] * 3 == [(change.action, change.note) for change in changes]
    assert "database cruddur" == changes[0].resource
    for step in STEPS:
        with pytest.raises(InstanceNotReady, match="run 01_provision_rds"):
            step(target)


def test_instance_that_is_being_created(target: Target, rds: Client, group: str) -> None:
    """An instance without an endpoint is not ready."""
    rds.create_db_instance(**wanted(IDENTIFIER, VpcSecurityGroupIds=[group], **MANAGED))

    with pytest.raises(InstanceNotReady, match="is creating and has no endpoint yet: run 01_provision_rds"):
        locate(target)
    wait_for(rds, IDENTIFIER, "available")


def test_password_that_is_not_managed(target: Target, create: Callable[..., dict[str, Any]]) -> None:
    """Without a managed password there is nothing to log in with."""
    create(ManageMasterUserPassword=None, MasterUserPassword=PASSWORD)

    with pytest.raises(InstanceNotReady, match="does not keep its password in Secrets Manager: run 01_provision_rds"):
        locate(target)


@pytest.mark.usefixtures("admitted")
def test_stopped_instance(target: Target, rds: Client) -> None:
    """A stopped instance is told with the command that starts it."""
    rds.stop_db_instance(DBInstanceIdentifier=IDENTIFIER)
    wait_for(rds, IDENTIFIER, "stopped")

    with pytest.raises(InstanceNotReady, match="is stopped: start it with `aws rds start-db-instance"):
        connect(target)


@pytest.mark.usefixtures("admitted")
def test_url_of_an_instance(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same database by URL: no call to AWS, the same server."""
    database.create(target)
    found = locate(target)
    url = f"postgresql://{found.user}:{found.password}@{found.host}:{found.port}/cruddur"
    monkeypatch.setenv("CONNECTION_URL", f"{url}?sslmode=verify-full&sslrootcert={found.options['sslrootcert']}")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")

    by_url = targets.load("local")

    assert database.connection_facts(by_url)["tls"]
    engine(by_url).dispose()


@pytest.mark.usefixtures("admitted")
def test_plain_connection_is_refused(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a URL turns TLS off, the server's words are quoted."""
    found = locate(target)
    url = f"postgresql://{found.user}@{found.host}:{found.port}/postgres?sslmode=disable"
    monkeypatch.setenv("CONNECTION_URL", url)

    with pytest.raises(DatabaseUnreachable, match="no encryption"):
        connect(targets.load("local"))
