"""The login roles on RDS and their secrets, seen through plain boto3 and psycopg."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from cruddur_ops import database, tags
from cruddur_ops.database.connection import connect as connect_to
from cruddur_ops.database.location import secret_name
from cruddur_ops.errors import InstanceNotReady, WrongInput
from cruddur_ops.plan import Plan
from cruddur_ops.target import Target
from tests.sandbox.support import Client, connect, from_address, make_group, tcp, wait_for, wanted

IDENTIFIER = "cruddur-db-instance"
APP, READER = f"{IDENTIFIER}/cruddur_app", f"{IDENTIFIER}/cruddur_reader"


@pytest.fixture(scope="module")
def target(module_target: Target, ec2: Client, rds: Client) -> Target:
    """The target `local` with an instance, its database and schema, and no login roles yet."""
    group = make_group(ec2, "roles-on-rds", tcp(5432, **from_address("203.0.113.10/32")))
    managed = {"ManageMasterUserPassword": True, "MasterUserPassword": None}
    rds.create_db_instance(**wanted(IDENTIFIER, **managed, VpcSecurityGroupIds=[group]))
    wait_for(rds, IDENTIFIER, "available")
    database.plan_create(module_target).apply()
    database.plan_schema(module_target).apply()
    return module_target


@pytest.fixture
def roles(target: Target) -> Target:
    """The same with its roles."""
    database.plan_roles(target).apply()
    return target


def mended(target: Target) -> Plan:
    """The plan for the roles as they are; one run later nothing is left to do."""
    plan = database.plan_roles(target)
    assert plan.outcome == database.plan_roles(target).apply()
    assert () == database.plan_roles(target).mutating
    return plan


@pytest.fixture
def value(secretsmanager: Client) -> Callable[[str], dict[str, Any]]:
    """The members of a secret."""
    return lambda name: dict(json.loads(secretsmanager.get_secret_value(SecretId=name)["SecretString"]))


def enter(sandbox: Mapping[str, str], rds: Client, secret: Mapping[str, Any]) -> str:
    """Log in as anybody would who has read the secret; returns as whom."""
    (instance,) = rds.describe_db_instances(DBInstanceIdentifier=IDENTIFIER)["DBInstances"]
    place = {"user": secret["username"], "password": secret["password"], "dbname": secret["dbname"]}
    with connect(sandbox, instance, host=secret["host"], port=secret["port"], **place) as connection:
        return str(connection.execute("SELECT session_user").fetchall()[0][0])


def test_each_has_a_secret_in_the_form_of_rds(
    roles: Target, sandbox: Mapping[str, str], rds: Client, secretsmanager: Client, value: Callable[[str], dict[str, Any]]
) -> None:
    """Whoever reads it gets in, as that role; it is tagged as all else is."""
    for name in (APP, READER):
        secret = value(name)
        assert ["dbname", "engine", "host", "password", "port", "username"] == sorted(secret)
        assert name.endswith(secret["username"]) and enter(sandbox, rds, secret) == secret["username"]
        tags = {tag["Key"]: tag["Value"] for tag in secretsmanager.describe_secret(SecretId=name)["Tags"]}
        assert ("cruddur", "cruddur-ops") == (tags["Project"], tags["ManagedBy"])
    assert value(APP)["password"] != value(READER)["password"]


def test_a_target_connects_as_its_role(roles: Target) -> None:
    """With the role's own secret: session and current user are the role."""
    with connect_to(replace(roles, db_role="cruddur_app")) as connection:
        assert ("cruddur_app", "cruddur_app") == connection.execute("SELECT session_user, current_user").fetchone()


def test_no_password_in_a_plan(target: Target, value: Callable[[str], dict[str, Any]], secretsmanager: Client) -> None:
    """Neither before nor after, in words or in calls."""
    for name in (APP, READER):
        if [one for one in secretsmanager.list_secrets()["SecretList"] if one["Name"] == name]:
            secretsmanager.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    plans = [database.plan_roles(target)]
    database.plan_roles(target).apply()
    plans.append(database.plan_roles(target))

    for name in (APP, READER):
        assert value(name)["password"] not in f"{plans} {[change.calls for plan in plans for change in plan.changes]}"
    assert not any("SecretString" in call.parameters for change in plans[0].changes for call in change.calls)


def test_a_lost_secret_is_made_anew(
    roles: Target, sandbox: Mapping[str, str], rds: Client, secretsmanager: Client, value: Callable[[str], dict[str, Any]]
) -> None:
    """With another password, which the role gets too."""
    before = value(APP)["password"]
    secretsmanager.delete_secret(SecretId=APP, ForceDeleteWithoutRecovery=True)
    with pytest.raises(InstanceNotReady, match=f"the secret {APP} does not exist: run 03_load_schema_and_seed"):
        connect_to(replace(roles, db_role="cruddur_app"))

    assert {f"secret {APP}", "role cruddur_app"} == {change.resource for change in mended(roles).mutating}
    assert before != value(APP)["password"]
    assert "cruddur_app" == enter(sandbox, rds, value(APP))


def test_a_secret_scheduled_for_deletion_is_kept(
    roles: Target, secretsmanager: Client, value: Callable[[str], dict[str, Any]]
) -> None:
    """The deletion is called off, and the password stays."""
    before = value(READER)["password"]
    secretsmanager.delete_secret(SecretId=READER, RecoveryWindowInDays=7)
    with pytest.raises(InstanceNotReady, match="is scheduled for deletion"):
        connect_to(replace(roles, db_role="cruddur_reader"))

    assert "deletion" in [change.setting for change in mended(roles).mutating]
    assert before == value(READER)["password"]


def test_a_role_that_is_new_gets_the_password_that_is_kept(roles: Target, value: Callable[[str], dict[str, Any]]) -> None:
    """As on a server made anew, or where somebody dropped the role."""
    before = value(APP)["password"]
    with connect_to(roles, autocommit=True) as connection:
        connection.execute("DROP OWNED BY cruddur_app")
        connection.execute("DROP ROLE cruddur_app")

    mended(roles)
    assert before == value(APP)["password"]


def test_a_role_whose_password_was_changed_gets_it_back(roles: Target, value: Callable[[str], dict[str, Any]]) -> None:
    """What the secret says is what counts."""
    before = value(APP)["password"]
    with connect_to(roles, autocommit=True) as connection:
        connection.execute("ALTER ROLE cruddur_app PASSWORD 'by-hand'")

    assert ["password"] == [change.setting for change in mended(roles).mutating]
    assert before == value(APP)["password"]


def test_a_role_that_may_not_log_in_may_again(roles: Target) -> None:
    """Its secret would be of no use."""
    with connect_to(roles, autocommit=True) as connection:
        connection.execute("ALTER ROLE cruddur_reader NOLOGIN")

    assert "login" in [change.setting for change in mended(roles).mutating]


def test_an_endpoint_that_moved_is_written_down(
    roles: Target, secretsmanager: Client, value: Callable[[str], dict[str, Any]]
) -> None:
    """As after a restore under the same name; the password stays."""
    before = value(APP)
    secretsmanager.put_secret_value(SecretId=APP, SecretString=json.dumps({**before, "host": "gone.example.com", "port": 1}))

    assert ["endpoint"] == [change.setting for change in mended(roles).mutating]
    assert before == value(APP)


def test_a_secret_without_a_value_gets_one(roles: Target, secretsmanager: Client, value: Callable[[str], dict[str, Any]]) -> None:
    """As a run leaves it that was killed between the two calls."""
    secretsmanager.delete_secret(SecretId=APP, ForceDeleteWithoutRecovery=True)
    secretsmanager.create_secret(Name=APP, Tags=tags.as_list(tags.of(roles)))

    mended(roles)
    assert value(APP)["password"]


def test_a_secret_of_somebody_else_is_not_overwritten(roles: Target, secretsmanager: Client) -> None:
    """What is no JSON with a password is named, with the way out."""
    right = secretsmanager.get_secret_value(SecretId=APP)["SecretString"]
    secretsmanager.put_secret_value(SecretId=APP, SecretString="hush-hush")

    with pytest.raises(WrongInput, match=f"the secret {APP} holds no JSON with a password: put its") as caught:
        database.plan_roles(roles).apply()
    assert "hush-hush" not in str(caught.value)
    secretsmanager.put_secret_value(SecretId=APP, SecretString=right)


def test_the_name_of_a_secret(roles: Target) -> None:
    """Instance and role, so that teardown finds it."""
    assert APP == secret_name(roles.db_instance_identifier, "cruddur_app")


def test_no_password_reaches_the_servers_log(
    roles: Target, value: Callable[[str], dict[str, Any]], secretsmanager: Client
) -> None:
    """The statement holds the verifier alone, as the server itself can show."""
    secretsmanager.delete_secret(SecretId=APP, ForceDeleteWithoutRecovery=True)
    seen: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        execute = psycopg.Connection.execute

        def record(self: Any, query: Any, *arguments: Any, **options: Any) -> Any:
            seen.append(query.as_string(self) if hasattr(query, "as_string") else str(query))
            return execute(self, query, *arguments, **options)

        patch.setattr(psycopg.Connection, "execute", record)
        database.plan_roles(roles).apply()

    (statement,) = [one for one in seen if "PASSWORD" in one]
    assert "'SCRAM-SHA-256$" in statement
    assert value(APP)["password"] not in statement
