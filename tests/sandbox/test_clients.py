"""psql, its environment and waiting on a database on RDS: TLS, the managed password, an instance's states."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trustme

from cruddur_ops.database.instance import wait_until_reachable as wait
from cruddur_ops.database.location import Location, locate
from cruddur_ops.errors import InstanceNotReady
from cruddur_ops.target import Target
from tests.database.support import run
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


def test_psql_of_the_path(target: Target) -> None:
    """The password of this moment, the server's certificate verified."""
    assert (0, "cruddurroot on cruddur\n") == run("connect", "--", "-Atc", QUERY)[:2]


def test_bundled_psql_has_no_tls_and_connects(target: Target) -> None:
    """psycopg's libpq, which has it, takes the place of its own."""
    assert (0, "cruddurroot on cruddur\n") == run("connect", "--", "-Atc", QUERY, PATH="/nowhere")[:2]


@pytest.mark.parametrize("path", [os.environ["PATH"], "/nowhere"])
def test_psql_trusts_whom_we_trust(target: Target, tmp_path: Path, path: str) -> None:
    """With another authority nothing gets through, whichever psql it is: the connection itself, and what was named to psql."""
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    code, _, said = run("connect", "--", "-Atc", QUERY, PATH=path, PGSSLROOTCERT=str(tmp_path / "other.pem"))
    assert (1, True) == (code, "failed the TLS handshake" in said)
    code, _, said = run("connect", "--", "-Atc", QUERY, f"sslrootcert={tmp_path / 'other.pem'}", PATH=path)
    assert (2, True) == (code, "certificate verify failed" in said)


def test_env_names_what_verifies_the_server(target: Target, there: Location) -> None:
    """Endpoint, verify-full and the root certificate; no password."""
    _, printed, said = run("env")
    assert f"export PGHOST={there.host}\nexport PGPORT=5432\nexport PGDATABASE=cruddur\nexport PGUSER=cruddurroot\n" in printed
    assert f"export PGSSLMODE=verify-full\nexport PGSSLROOTCERT={target.ssl_root_certificate}\n" in printed
    assert there.password not in printed + said


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
