"""What the master user may do, and may not, through boto3, psycopg and PostgreSQL's own programs.

Amazon RDS User Guide, "Understanding the rds_superuser role" and "Performing logical replication for Amazon RDS for PostgreSQL".
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest

from rds_sandbox.postgres import find_programs
from tests.instance import create, run, statuses
from tests.support import PASSWORD, Client, connect, majors, wait_until


def make_parameters(rds: Client, name: str, values: Mapping[str, str]) -> None:
    """A parameter group."""
    rds.create_db_parameter_group(DBParameterGroupName=name, DBParameterGroupFamily="postgres18", Description="test")
    asked = [{"ParameterName": each, "ParameterValue": value, "ApplyMethod": "pending-reboot"} for each, value in values.items()]
    rds.modify_db_parameter_group(DBParameterGroupName=name, Parameters=asked)


@pytest.fixture(scope="module")
def instance(sandbox: Mapping[str, str], rds: Client, group: str) -> dict[str, Any]:
    """An instance that takes connections without TLS, since the wheel's programs have none, with something in it to dump."""
    make_parameters(rds, "plain", {"rds.force_ssl": "0"})
    made = create(rds, "master", group, DBParameterGroupName="plain")
    run(
        sandbox, made, "CREATE EXTENSION pg_stat_statements", "CREATE EXTENSION pgcrypto", 'CREATE EXTENSION "uuid-ossp"',
        "CREATE TABLE kept (id uuid PRIMARY KEY DEFAULT uuid_generate_v4(), name text)", "INSERT INTO kept (name) VALUES ('one')",
        "CREATE ROLE reader LOGIN PASSWORD 'reader'", "GRANT SELECT ON kept TO reader", "GRANT pg_read_all_data TO reader",
    )  # fmt: skip
    return made


@pytest.fixture(scope="module")
def logical(sandbox: Mapping[str, str], rds: Client, group: str) -> dict[str, Any]:
    """An instance whose parameter group allows logical replication and prepared transactions."""
    make_parameters(rds, "logical", {"rds.force_ssl": "0", "rds.logical_replication": "1", "max_prepared_transactions": "5"})
    return create(rds, "logical", group, DBParameterGroupName="logical")


@pytest.mark.parametrize("catalog", ["pg_authid", "pg_shadow"])
def test_passwords_are_closed(sandbox: Mapping[str, str], instance: dict[str, Any], catalog: str) -> None:
    """Not even their verifiers are to be read."""
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        run(sandbox, instance, f"SELECT * FROM {catalog}")


@pytest.mark.parametrize("major", [15, 18])
def test_what_the_master_user_grants(sandbox: Mapping[str, str], rds: Client, group: str, major: int) -> None:
    """rds_superuser and rds_replication; nothing that reaches the files and programs of the machine."""
    if major not in majors():
        pytest.skip(f"this machine lacks PostgreSQL {major}")
    made = create(rds, f"granting-{major}", group, EngineVersion=str(major))
    run(
        sandbox,
        made,
        "CREATE ROLE another",
        "GRANT rds_superuser, rds_replication TO another",
        "REVOKE rds_superuser FROM another",
    )
    for role in ("pg_execute_server_program", "pg_read_server_files", "pg_write_server_files", "rdsadmin"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            run(sandbox, made, f"GRANT {role} TO another")


def program(tmp_path: Path, instance: Mapping[str, Any], *command: str) -> tuple[int, str]:
    """Exit code and errors of one of PostgreSQL's programs."""
    place = {"PGHOST": instance["Endpoint"]["Address"], "PGPORT": str(instance["Endpoint"]["Port"]), "PGUSER": "master"}
    secret = {"PGPASSWORD": PASSWORD, "PGSSLMODE": "disable"}
    path = find_programs(tmp_path).path(command[0])
    environment = {**os.environ, **place, **secret}
    done = subprocess.run([path, *command[1:]], env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def test_a_dump_restores(sandbox: Mapping[str, str], rds: Client, group: str, instance: dict[str, Any], tmp_path: Path) -> None:
    """Of one instance into another, without an error; pg_dumpall needs --no-role-passwords."""
    dump = str(tmp_path / "dump")
    other = create(rds, "other", group, DBParameterGroupName="plain")
    run(sandbox, other, "CREATE ROLE reader")
    assert (0, "") == program(tmp_path, instance, "pg_dump", "-Fc", "-f", dump, "app")
    assert (0, "") == program(tmp_path, other, "pg_restore", "--exit-on-error", "-d", "app", dump)
    assert [("one",)] == run(sandbox, other, "SELECT name FROM kept")
    code, said = program(tmp_path, instance, "pg_dumpall", "--globals-only")
    assert (1, True) == (code, "permission denied for table pg_authid" in said)
    assert (0, "") == program(tmp_path, instance, "pg_dumpall", "--globals-only", "--no-role-passwords")


def test_logical_slots(sandbox: Mapping[str, str], instance: dict[str, Any], logical: dict[str, Any]) -> None:
    """Where the parameter group allows them, whoever is in rds_replication has them, in SQL and in the protocol; nobody else."""
    create_slot = "SELECT pg_create_logical_replication_slot('mine', 'pgoutput')"
    with pytest.raises(psycopg.Error):
        run(sandbox, instance, create_slot)
    run(sandbox, logical, create_slot, "SELECT pg_drop_replication_slot('mine')")
    run(sandbox, logical, "CREATE ROLE streamer LOGIN PASSWORD 'streamer'")
    streamer = {"user": "streamer", "password": "streamer"}
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        run(sandbox, logical, create_slot, **streamer)
    run(sandbox, logical, "GRANT rds_replication TO streamer")
    with connect(sandbox, logical, **streamer, replication="database") as connection:
        connection.pgconn.exec_(b"CREATE_REPLICATION_SLOT theirs TEMPORARY LOGICAL pgoutput")
        assert [("logical",)] == run(sandbox, logical, "SELECT slot_type FROM pg_replication_slots WHERE slot_name = 'theirs'")


def test_a_subscription(sandbox: Mapping[str, str], instance: dict[str, Any], logical: dict[str, Any]) -> None:
    """The master user of one instance subscribes to another, by its endpoint."""
    tables = ("CREATE TABLE followed (id int PRIMARY KEY)", "INSERT INTO followed VALUES (1)")
    run(sandbox, logical, *tables, "CREATE PUBLICATION here FOR TABLE followed")
    place = f"host={logical['Endpoint']['Address']} port={logical['Endpoint']['Port']} sslmode=disable"
    source = f"{place} dbname=app user=master password={PASSWORD}"
    with connect(sandbox, instance) as connection:  # what makes a slot is in no transaction
        connection.autocommit = True
        connection.execute(tables[0])
        connection.execute(f"CREATE SUBSCRIPTION there CONNECTION '{source}' PUBLICATION here")
        try:
            run(sandbox, logical, "INSERT INTO followed VALUES (2)")
            assert wait_until(lambda: [(1,), (2,)] == connection.execute("SELECT id FROM followed ORDER BY id").fetchall(), 30)
        finally:
            connection.execute("DROP SUBSCRIPTION there")


@pytest.mark.parametrize(
    ("extension", "wrapper", "statements"),
    [
        (
            "postgres_fdw",
            "postgres_fdw",
            ["CREATE FOREIGN TABLE far (it int) SERVER there OPTIONS (table_name 'near')", "SELECT it FROM far"],
        ),
        ("dblink", "dblink_fdw", ["SELECT it FROM dblink('there', 'SELECT it FROM near') AS found (it int)"]),
    ],
)
def test_foreign_data(
    sandbox: Mapping[str, str],
    instance: dict[str, Any],
    logical: dict[str, Any],
    extension: str,
    wrapper: str,
    statements: list[str],
) -> None:
    """What another instance has, by its endpoint (User Guide, "Using the postgres_fdw extension to access external data")."""
    end = logical["Endpoint"]
    place = f"host '{end['Address']}', port '{end['Port']}', dbname 'app', sslmode 'disable'"
    mapping = f"CREATE USER MAPPING FOR master SERVER there OPTIONS (user 'master', password '{PASSWORD}')"
    server = f"CREATE SERVER there FOREIGN DATA WRAPPER {wrapper} OPTIONS ({place})"
    run(sandbox, logical, "DROP TABLE IF EXISTS near", "CREATE TABLE near AS SELECT 7 AS it")
    assert [(7,)] == run(sandbox, instance, f"CREATE EXTENSION {extension}", server, mapping, *statements)
    run(sandbox, instance, f"DROP EXTENSION {extension} CASCADE")


def test_triggers_are_left_out(sandbox: Mapping[str, str], instance: dict[str, Any]) -> None:
    """The parameter rds.superuser_variables: session_replication_role; not what else PostgreSQL keeps for superusers."""
    run(sandbox, instance, "SET session_replication_role = replica", "ALTER ROLE reader SET session_replication_role = replica")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        run(sandbox, instance, "SET log_statement = 'none'")


def test_prepared_transactions(sandbox: Mapping[str, str], instance: dict[str, Any], logical: dict[str, Any]) -> None:
    """As many as the parameter group says: none, by default."""
    prepare = ("BEGIN", "PREPARE TRANSACTION 'mine'")
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
        run(sandbox, instance, *prepare)
    run(sandbox, logical, *prepare)
    run(sandbox, logical, "ROLLBACK PREPARED 'mine'")


def test_no_channel_binding(sandbox: Mapping[str, str], instance: dict[str, Any]) -> None:
    """TLS ends at the gateway: docs/fidelity.md says so."""
    with pytest.raises(psycopg.OperationalError, match="channel binding"):
        connect(sandbox, instance, channel_binding="require")


def test_the_database_of_rds(
    sandbox: Mapping[str, str], rds: Client, group: str, instance: dict[str, Any], tmp_path: Path
) -> None:
    """`rdsadmin` is listed, lets nobody in, and nobody drops it; all else is the master user's, whose password then changes.

    Source: what psql's list of databases shows on RDS, and phpPgAdmin's issue 130 for the refusal.
    """
    acl = "SELECT pg_get_userbyid(datdba), datacl::text FROM pg_database WHERE datname = 'rdsadmin'"
    assert [("rdsadmin", "{rdsadmin=CTc/rdsadmin}")] == run(sandbox, instance, acl)
    with pytest.raises(psycopg.OperationalError, match="pg_hba.conf rejects connection .* database"):
        connect(sandbox, instance, dbname="rdsadmin")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        run(sandbox, instance, "DROP DATABASE rdsadmin")
    everything = ("pg_dumpall", "--no-role-passwords", "--file", str(tmp_path / "all"))
    assert 'database "rdsadmin"' in program(tmp_path, instance, *everything)[1]
    assert (0, "") == program(tmp_path, instance, *everything, "--exclude-database=rdsadmin")

    alone, name = create(rds, "alone", group, BackupRetentionPeriod=1), {"DBInstanceIdentifier": "alone"}
    run(sandbox, alone, "DROP DATABASE postgres")
    with statuses(rds, "alone", "available"):
        rds.modify_db_instance(**name, MasterUserPassword="another-password", ApplyImmediately=True)
    assert [(1,)] == run(sandbox, alone, "SELECT 1", password="another-password")
