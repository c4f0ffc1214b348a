"""Secrets that keep a password: what is to be done about one in each state, and what it then holds."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from cruddur_ops import credentials, tags
from cruddur_ops.change import Outcome
from cruddur_ops.errors import InstanceNotReady, WrongInput
from cruddur_ops.plan import Plan, step
from cruddur_ops.target import Target
from tests.unit.conftest import ACCOUNT

TARGET = Target("test", account_id=ACCOUNT, owner="tester")
NAME = "cruddur-db-instance/cruddur_app"
TAGS = tags.as_list(tags.of(TARGET))
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
    """As a run leaves it that was killed."""
    manager.create_secret(Name=NAME, Tags=TAGS)
    assert f"the secret {NAME} has no value" == str(credentials.find(TARGET, NAME))
    shown, found = made()
    assert f"~ secret {NAME}: value = made now" == shown
    assert found["password"]


def test_one_that_is_scheduled_for_deletion_is_kept(manager: Any) -> None:
    """It counts neither as usable nor as absent, and its password stays."""
    manager.create_secret(Name=NAME, SecretString=json.dumps({**MEMBERS, "password": "kept-password"}), Tags=TAGS)
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
    text = json.dumps({**MEMBERS, "dbname": "first", "password": "kept-password"})
    manager.create_secret(Name=NAME, SecretString=text, Tags=TAGS)
    shown, value = made({**MEMBERS, "host": "there.example.com"})
    assert f"~ secret {NAME}: endpoint = that of the DB instance" == shown
    assert {**MEMBERS, "host": "there.example.com", "dbname": "first", "password": "kept-password"} == value


@pytest.mark.parametrize("text", ["hush-hush", "{}", "[]", '{"password": ""}'])
def test_a_secret_of_somebody_else_is_left_alone(manager: Any, text: str) -> None:
    """What is no JSON with a password is named, and not shown."""
    manager.create_secret(Name=NAME, SecretString=text, Tags=TAGS)
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


OTHERS = [{"ManagedBy": "cruddur-ops", "DBInstance": "cruddur-db-instance-2"}, {"DBInstance": "cruddur-db-instance"}, {}]


@pytest.mark.parametrize("found", OTHERS)
def test_a_secret_that_is_not_ours_stays(found: dict[str, str], manager: Any) -> None:
    """Neither adopted nor deleted, though it has the name: of another target, of other people, of nobody."""
    manager.create_secret(Name=NAME, SecretString='{"password": "theirs"}', Tags=tags.as_list(found))
    with pytest.raises(WrongInput, match=f"a secret {NAME} already, which was not made for cruddur-db-instance: tag it with"):
        plan_secret(TARGET)
    assert [] == [*credentials.deletions(TARGET, [credentials.find(TARGET, NAME)])]


def test_a_secret_of_an_earlier_version_is_claimed(manager: Any) -> None:
    """It says that the runbook made it, and not yet for which instance: the plan shows that it adds that."""
    value = json.dumps({**MEMBERS, "password": "kept-password"})
    manager.create_secret(Name=NAME, SecretString=value, Tags=[{"Key": "ManagedBy", "Value": "cruddur-ops"}])
    shown, found = made()
    assert f"~ secret {NAME}: tag DBInstance = cruddur-db-instance" == shown
    assert "kept-password" == found["password"]


@step
def plan_deletion(target: Target) -> Plan:
    """The secret goes."""
    return Plan("secrets", tuple(credentials.deletions(target, [credentials.find(target, NAME)])))


def test_deletion(manager: Any) -> None:
    """For good: the name can be used again at once."""
    manager.create_secret(Name=NAME, Tags=TAGS)
    plan = plan_deletion(TARGET)
    assert Outcome(deleted=1) == plan.apply()
    assert f"verified: secret {NAME} is gone" == repr(plan.verify())
    assert replace(credentials.find(TARGET, NAME), name="") == credentials.Secret("")


def test_a_protected_target_gets_its_secret_back(manager: Any) -> None:
    """It is gone for every reader, and can be restored for a month; the next plan that wants it does."""
    manager.create_secret(Name=NAME, SecretString=json.dumps({**MEMBERS, "password": "kept-password"}), Tags=TAGS)
    plan = plan_deletion(replace(TARGET, protected=True, confirm="cruddur-db-instance"))
    assert "can be restored for 30 days" == plan.changes[0].note
    plan.apply()
    assert f"verified: secret {NAME} is gone" == repr(plan.verify())
    assert "kept-password" == made()[1]["password"]
