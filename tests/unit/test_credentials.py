"""Secrets that keep a password: what is to be done about one in each state, and what it then holds."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from cruddur_ops import credentials
from cruddur_ops.errors import InstanceNotReady, WrongInput
from cruddur_ops.plan import Outcome, Plan, step
from cruddur_ops.targets import Target
from tests.unit.conftest import ACCOUNT

TARGET = Target("test", account_id=ACCOUNT, owner="tester")
NAME = "cruddur-db-instance/cruddur_app"
MEMBERS = {"engine": "postgres", "host": "here.example.com", "port": 5432, "dbname": "cruddur", "username": "cruddur_app"}


@step
def plan_secret(target: Target, members: dict[str, Any] = MEMBERS) -> Plan:
    """The secret with these members."""
    return Plan("secret", credentials.changes(target, NAME, lambda: members, "of a test"))


def made(members: dict[str, Any] = MEMBERS) -> tuple[str, dict[str, Any]]:
    """The one change that is planned, and what the secret holds once it was applied; nothing is left to do then."""
    plan = plan_secret(TARGET, members)
    (change,) = plan.changes
    plan.apply()
    assert f"verified: secret {NAME} is as wanted" == repr(plan.verify())
    return str(change), credentials.read(TARGET, NAME)


def test_a_secret_is_made(manager: Any) -> None:
    """With a password of its own, tags and a description; the plan has none of the password."""
    shown, found = made()
    assert f"+ secret {NAME}  (0.40 USD a month)" == shown
    assert MEMBERS == {name: value for name, value in found.items() if name != "password"}
    assert 40 < len(found["password"]) < 50
    described = manager.describe_secret(SecretId=NAME)
    assert "of a test" == described["Description"]
    assert {"Key": "ManagedBy", "Value": "cruddur-ops"} in described["Tags"]


def test_one_without_a_value_gets_one(manager: Any) -> None:
    """As a run leaves it that was killed, or as somebody made it by hand."""
    manager.create_secret(Name=NAME)
    assert f"the secret {NAME} has no value" == str(credentials.find(TARGET, NAME))
    shown, found = made()
    assert f"~ secret {NAME}: value = made now" == shown
    assert found["password"]


def test_one_that_is_scheduled_for_deletion_is_kept(manager: Any) -> None:
    """It counts neither as usable nor as absent, and its password stays."""
    manager.create_secret(Name=NAME, SecretString=json.dumps({**MEMBERS, "password": "kept-password"}))
    manager.delete_secret(SecretId=NAME, RecoveryWindowInDays=7)
    found = credentials.find(TARGET, NAME)
    assert (True, False) == (bool(found.arn), found.usable)
    assert {} == credentials.read(TARGET, NAME)
    with pytest.raises(InstanceNotReady, match=f"the secret {NAME} is scheduled for deletion: mend it"):
        credentials.require(TARGET, NAME, "mend it")
    shown, value = made()
    assert f"~ secret {NAME}: deletion = scheduled -> called off" == shown
    assert "kept-password" == value["password"]


def test_one_that_says_where_the_instance_was_is_brought_up_to_date(manager: Any) -> None:
    """The password stays, and so does the database that it was made for."""
    manager.create_secret(Name=NAME, SecretString=json.dumps({**MEMBERS, "dbname": "first", "password": "kept-password"}))
    shown, value = made({**MEMBERS, "host": "there.example.com"})
    assert f"~ secret {NAME}: endpoint = that of the DB instance" == shown
    assert {**MEMBERS, "host": "there.example.com", "dbname": "first", "password": "kept-password"} == value


@pytest.mark.parametrize("text", ["hush-hush", "{}", "[]", '{"password": ""}'])
def test_a_secret_of_somebody_else_is_left_alone(manager: Any, text: str) -> None:
    """What is no JSON with a password is named, and not shown."""
    manager.create_secret(Name=NAME, SecretString=text)
    with pytest.raises(WrongInput, match=f"the secret {NAME} holds no JSON with a password: put its") as caught:
        plan_secret(TARGET)
    assert "hush" not in str(caught.value)


def test_a_secret_is_found_by_its_arn(manager: Any) -> None:
    """As RDS names those that it manages."""
    arn = manager.create_secret(Name="rds!db-1", SecretString='{"username": "root", "password": "managed-password"}')["ARN"]
    assert ("rds!db-1", True) == (credentials.find(TARGET, arn).name, credentials.find(TARGET, arn).usable)
    assert "managed-password" == credentials.read(TARGET, arn)["password"]


def test_no_secret(manager: Any) -> None:
    """Is told as that."""
    with pytest.raises(InstanceNotReady, match=f"the secret {NAME} does not exist: make it"):
        credentials.require(TARGET, NAME, "make it")


def test_deletion(manager: Any) -> None:
    """For good: the name can be used again at once."""
    manager.create_secret(Name=NAME)
    plan = step(lambda target: Plan("secrets", credentials.deletions([NAME] if credentials.find(target, NAME).arn else [])))(
        TARGET
    )
    assert Outcome(deleted=1) == plan.apply()
    assert f"verified: secret {NAME} is gone" == repr(plan.verify())
    assert replace(credentials.find(TARGET, NAME), name="") == credentials.Secret("")
