"""The master password of our own, and given back to RDS: in which order, and what a run that died leaves."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from cruddur_ops import aws, credentials, tags
from cruddur_ops.change import Outcome
from cruddur_ops.errors import InstanceNotReady, WrongInput
from cruddur_ops.plan import Plan
from cruddur_ops.rds.instances import Instance
from cruddur_ops.rds.passwords import plan_managed, plan_own
from cruddur_ops.target import Target
from tests.unit.aws_state import calls_of
from tests.unit.conftest import ACCOUNT

TARGET = Target("test", account_id=ACCOUNT, owner="alice", db_instance_identifier="x")
OWN = Instance("x", "available", host="x.example", endpoint_port=5432, db_name="cruddur", master_username="root")
MANAGED = replace(OWN, secret_arn="arn:aws:secretsmanager:ca-central-1:000000000000:secret:rds!db")
NAME = "x/root"
TAGS = tags.as_list(tags.of(TARGET))
MEMBERS = {"engine": "postgres", "host": "x.example", "port": 5432, "dbname": "cruddur", "username": "root"}


@pytest.fixture
def rds(manager: Any) -> Iterator[Stubber]:
    """What RDS is to answer to ModifyDBInstance."""
    with Stubber(aws.client(TARGET, "rds")) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def keep(manager: Any, password: str = "kept") -> None:
    """Make our own secret, as a run before this one did."""
    manager.create_secret(Name=NAME, SecretString=json.dumps({**MEMBERS, "password": password}), Tags=TAGS)


def given(rds: Stubber, region: dict[str, Instance]) -> dict[str, Any]:
    """Accept a change of the instance, and make it: its parameters are those that are returned."""
    seen: dict[str, Any] = {}

    def make(params: dict[str, Any], **_: Any) -> None:
        seen.update(params)
        region["x"] = MANAGED if params["ManageMasterUserPassword"] else OWN

    rds.add_response("modify_db_instance", {})
    rds.client.meta.events.register("provide-client-params.rds.ModifyDBInstance", make)
    return seen


def lines(plan: Plan) -> list[str]:
    """What the plan shows of its changes."""
    return [str(change).split("  (")[0] for change in plan.changes]


def test_the_secret_comes_first_and_its_password_is_the_instances(
    manager: Any, rds: Stubber, region: dict[str, Instance]
) -> None:
    """It is made in the moment of the call, and stands in no plan."""
    region["x"] = MANAGED
    plan = plan_own(TARGET)
    assert ["+ secret x/root", "~ DB instance x: ManageMasterUserPassword = True -> False"] == lines(plan)
    assert all("SecretString" not in call.parameters for call in calls_of(plan))
    modified = given(rds, region)
    assert Outcome(created=1, changed=1) == plan.apply()
    found = credentials.read(TARGET, NAME)
    assert MEMBERS == {name: value for name, value in found.items() if name != "password"}
    assert (False, found["password"]) == (modified["ManageMasterUserPassword"], modified["MasterUserPassword"])


def test_a_secret_of_a_run_that_died_is_used(manager: Any, rds: Stubber, region: dict[str, Instance]) -> None:
    """It was never without its password: the instance is given that."""
    region["x"] = MANAGED
    rds.add_client_error("modify_db_instance", "InternalFailure")
    with pytest.raises(ClientError):
        plan_own(TARGET).apply()
    made = credentials.read(TARGET, NAME)["password"]
    modified = given(rds, region)
    assert Outcome(changed=1, unchanged=1) == plan_own(TARGET).apply()
    assert made == modified["MasterUserPassword"] == credentials.read(TARGET, NAME)["password"]


def test_one_that_is_scheduled_for_deletion_is_called_back(manager: Any, rds: Stubber, region: dict[str, Instance]) -> None:
    """It could neither be read nor made anew."""
    region["x"] = MANAGED
    keep(manager)
    manager.delete_secret(SecretId=NAME, RecoveryWindowInDays=7)
    plan = plan_own(TARGET)
    assert "~ secret x/root: deletion = scheduled -> called off" == lines(plan)[0]
    modified = given(rds, region)
    plan.apply()
    assert "kept" == modified["MasterUserPassword"]


def test_nothing_is_done_twice(manager: Any, region: dict[str, Instance]) -> None:
    """The password is our own already."""
    region["x"] = OWN
    keep(manager)
    assert "verified: secret x/root and DB instance x are as wanted" == repr(plan_own(TARGET).verify())


@pytest.mark.parametrize("there", [False, True])
def test_a_password_that_nobody_knows(there: bool, manager: Any, region: dict[str, Instance]) -> None:
    """No secret, or one without a value: another password in it would lock everybody out."""
    region["x"] = OWN
    if there:
        manager.create_secret(Name=NAME, Tags=TAGS)
    with pytest.raises(InstanceNotReady, match="nobody knows the password of x: let RDS manage it first"):
        plan_own(TARGET)


@pytest.mark.parametrize("status", ["modifying", "storage-full", "stopped"])
def test_no_secret_is_made_for_an_instance_that_cannot_take_it(status: str, manager: Any, region: dict[str, Instance]) -> None:
    """RDS would refuse the second call, after the first."""
    region["x"] = replace(MANAGED, status=status)
    with pytest.raises(InstanceNotReady, match=f"x is {status}"):
        plan_own(TARGET)


def test_a_replica_has_the_password_of_its_source(region: dict[str, Instance]) -> None:
    """It is changed there."""
    region["x"] = replace(OWN, source="main")
    with pytest.raises(WrongInput, match="x is a read replica, and has the password of main"):
        plan_own(TARGET)


def test_the_password_goes_back_to_rds(manager: Any, rds: Stubber, region: dict[str, Instance]) -> None:
    """And then our own secret, which is worth nothing any more."""
    region["x"] = OWN
    keep(manager)
    plan = plan_managed(TARGET)
    assert ["~ DB instance x: ManageMasterUserPassword = False -> True", "- secret x/root"] == lines(plan)
    modified = given(rds, region)
    plan.apply()
    assert modified["ManageMasterUserPassword"]
    assert "" == credentials.find(TARGET, NAME).arn


def test_a_secret_on_its_way_out_is_left_to_go(manager: Any, region: dict[str, Instance]) -> None:
    """One that is scheduled for deletion counts as not there."""
    region["x"] = MANAGED
    keep(manager)
    manager.delete_secret(SecretId=NAME, RecoveryWindowInDays=7)
    assert ["= DB instance x"] == lines(plan_managed(TARGET))


@pytest.mark.parametrize("more", [{"source": "main"}, {"replicas": ("copy",)}])
def test_rds_manages_no_password_that_replicates(more: dict[str, Any], region: dict[str, Instance]) -> None:
    """The sentence says what to do first."""
    region["x"] = replace(OWN, **more)
    with pytest.raises(WrongInput, match="no master password of x while it replicates: promote or delete the replica"):
        plan_managed(TARGET)


@pytest.mark.parametrize("step", [plan_own, plan_managed])
def test_the_password_that_the_operator_keeps_stays(step: Callable[[Target], Plan], region: dict[str, Instance]) -> None:
    """A drill takes it out of nobody's hands: applications log in with it."""
    region["x"] = OWN
    assert ["= DB instance x"] == lines(step(TARGET.asking("targets.toml", master_user_secret="cruddur/root")))
