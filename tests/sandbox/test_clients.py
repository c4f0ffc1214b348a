"""psql, its environment and waiting on a database on RDS: TLS, the managed password, an instance's states."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
import trustme

from cruddur_ops.database.location import Location, locate
from cruddur_ops.database.relay import relayed
from cruddur_ops.database.wait import wait
from cruddur_ops.errors import InstanceNotReady, WrongInput
from cruddur_ops.state import PROJECT
from cruddur_ops.targets import Target
from tests.sandbox.support import Client, from_address, make_group, tcp, wait_for, wanted

IDENTIFIER = "cruddur-db-instance"
MANAGED = {"ManageMasterUserPassword": True, "MasterUserPassword": None}
QUERY = "SELECT current_user || ' on ' || current_database()"


@pytest.fixture(scope="module")
def target(module_target: Target) -> Target:
    """The target `local` on a sandbox that these tests share."""
    return module_target


@pytest.fixture(scope="module", autouse=True)
def instance(target: Target, rds: Client, ec2: Client) -> dict[str, Any]:
    """The target's instance, just about to be created, in a group that admits the operator."""
    group = make_group(ec2, "clients", tcp(5432, **from_address("203.0.113.10/32")))
    rds.create_db_instance(**wanted(IDENTIFIER, **MANAGED, VpcSecurityGroupIds=[group]))
    assert wait(target, timeout=120), "an instance that is being created is waited for"
    return wait_for(rds, IDENTIFIER, "available")


@pytest.fixture
def there(target: Target) -> Location:
    """Where its database is."""
    return locate(target)


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a verb in a process of its own."""
    command = [sys.executable, "-m", "cruddur_ops", "db", *arguments]
    return subprocess.run(command, cwd=PROJECT, env={**os.environ, **variables}, capture_output=True, text=True, timeout=60)


def through(folder: str, location: Location) -> psycopg.Connection[Any]:
    """Connect as a program without TLS does, to the relay."""
    return psycopg.connect(
        host=folder, sslmode="disable", user=location.user, password=location.password, dbname=location.database
    )


def test_psql_of_the_path(target: Target) -> None:
    """The password of this moment, the server's certificate verified."""
    done = run("connect", "--", "-Atc", QUERY)
    assert (0, "cruddurroot on cruddur\n") == (done.returncode, done.stdout)


def test_bundled_psql_has_no_tls_and_connects(target: Target) -> None:
    """The relay speaks TLS in its place."""
    done = run("connect", "--", "-Atc", QUERY, PATH="/nowhere")
    assert (0, "cruddurroot on cruddur\n") == (done.returncode, done.stdout)


def test_env_names_what_verifies_the_server(target: Target, there: Location) -> None:
    """Endpoint, verify-full and the root certificate; no password."""
    done = run("env")
    assert (
        f"export PGHOST={there.host}\nexport PGPORT=5432\nexport PGDATABASE=cruddur\nexport PGUSER=cruddurroot\n" in done.stdout
    )
    assert f"export PGSSLMODE=verify-full\nexport PGSSLROOTCERT={target.ssl_root_certificate}\n" in done.stdout
    assert there.password not in done.stdout + done.stderr


def test_relay_is_this_users_alone_and_goes(there: Location) -> None:
    """Its folder is nobody else's; several connections get through, also much data; afterwards nothing is left."""
    with relayed(there) as folder:
        assert 0o700 == Path(folder).stat().st_mode & 0o777
        with through(folder, there) as first, through(folder, there) as second:
            assert (10**6,) == first.execute("SELECT length(repeat('x', 1000000))").fetchone()
            assert 10**6 == len(second.execute("SELECT repeat('x', 1000000)").fetchall()[0][0])
            second.cancel_safe()
    assert not Path(folder).exists()


@pytest.mark.parametrize("change", [{"sslrootcert": "other"}, {"host": "localhost"}])
def test_relay_trusts_whom_libpq_would(there: Location, tmp_path: Path, change: dict[str, str]) -> None:
    """With another authority, or under another name than the certificate's, nothing gets through."""
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    root = {"sslrootcert": str(tmp_path / "other.pem")} if "sslrootcert" in change else {}
    hostaddr = {"hostaddr": there.host} if "host" in change else {}
    wrong = replace(there, host=change.get("host", there.host), options={**there.options, **root, **hostaddr})

    with relayed(wrong) as folder, pytest.raises(psycopg.OperationalError, match="closed the connection"):
        through(folder, there)


@pytest.mark.parametrize("sslmode", ["require", "verify-ca"])
def test_relay_does_not_verify_the_name_where_nobody_asks(there: Location, sslmode: str) -> None:
    """The other modes of libpq mean the same here."""
    other = replace(there, host="localhost", options={**there.options, "hostaddr": there.host, "sslmode": sslmode})
    with relayed(other) as folder, through(folder, there) as connection:
        assert (1,) == connection.execute("SELECT 1").fetchone()


def test_relay_leads_to_one_host(there: Location) -> None:
    """Several hosts need a psql that knows what to do with them."""
    with pytest.raises(WrongInput, match="install the package postgresql-client"), relayed(replace(there, host="a,b")):
        pass


def test_waiting_ends_at_once_where_it_cannot_help(target: Target, rds: Client) -> None:
    """A missing instance and a stopped one do not come up by themselves; one that is starting does."""
    with pytest.raises(InstanceNotReady, match="run 01_provision_rds"):
        wait(replace(target, db_instance_identifier="nowhere"), timeout=300)
    rds.stop_db_instance(DBInstanceIdentifier=IDENTIFIER)
    wait_for(rds, IDENTIFIER, "stopped")
    with pytest.raises(InstanceNotReady, match="is stopped"):
        wait(target, timeout=300)
    rds.start_db_instance(DBInstanceIdentifier=IDENTIFIER)
    assert wait(target, timeout=120)
