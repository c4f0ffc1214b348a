"""Blue/green deployments: what is planned at each of their statuses, whose they are, and what RDS's refusals come to."""

from dataclasses import replace
from typing import Any

import pytest

from cruddur_ops import database, rds
from cruddur_ops.database import blue_green as choice
from cruddur_ops.database.prechecks import Findings
from cruddur_ops.errors import ConfirmationRequired, InstanceNotReady, NotVerified, WrongInput
from cruddur_ops.rds import blue_green, offers, prices, replicas, restores, snapshots, waiting
from cruddur_ops.rds.blue_green import Deployment
from cruddur_ops.rds.instances import LINEAGE, Instance
from cruddur_ops.rds.snapshots import Snapshot
from cruddur_ops.target import Target
from tests.unit.aws_state import calls_of
from tests.unit.conftest import ACCOUNT, Stub
from tests.unit.test_upgrade import FOUND

TARGET = Target("test", account_id=ACCOUNT, owner="alice", db_instance_identifier="main", sandbox=True)
ARN = f"arn:aws:rds:ca-central-1:{ACCOUNT}:db:"
OURS = {"ManagedBy": "cruddur-ops", "DBInstance": "main"}
BLUE = replace(FOUND, resource_id="db-BLUE", secret_arn="", tags=OURS)
SWITCHED = {**OURS, LINEAGE: "main db-BLUE"}
OLD = replace(BLUE, identifier="main-old1", tags=SWITCHED)
NEW = replace(BLUE, engine_version="18.1", resource_id="db-GREEN", tags=SWITCHED)
Region = dict[str, Instance]


@pytest.fixture
def region(region: Region, monkeypatch: pytest.MonkeyPatch) -> Region:
    """A region in which RDS goes from 16.3 to 18.1, without a deployment."""
    monkeypatch.setattr(offers, "upgrades", lambda _, running: ["18.1"] if running == "16.3" else [])
    monkeypatch.setattr(offers, "versions", lambda _: ["16.3", "18.1"])
    monkeypatch.setattr(snapshots, "describe", lambda *_: None)
    monkeypatch.setattr(prices, "an_hour", lambda _: "0.02 USD an hour")
    deployed(monkeypatch, "")
    region["main"] = BLUE
    return region


def deployed(monkeypatch: pytest.MonkeyPatch, *statuses: str, details: str = "DDL changes were made") -> None:
    """RDS describes the deployment with one status after the other, and then with the last; without a name there is none."""
    left = list(statuses)

    def find(_: Target) -> Deployment | None:
        status = left.pop(0) if len(left) > 1 else left[0]
        return Deployment("bgd-1", status, details, f"{ARN}main", f"{ARN}main-green-abc123", tags=OURS) if status else None

    monkeypatch.setattr(blue_green, "find", find)


def planned(*blocked: str) -> Any:
    """The plan of a deployment, of which so much is in the way."""
    return rds.plan_deployment(TARGET, "18", lambda *_: blocked)


def test_a_deployment_is_made(region: Region) -> None:
    """The instance is tagged first, so that whoever takes over its name is known by it; source, version and group are named."""
    region["main"] = replace(BLUE, parameter_group="tuned16")
    tagging, creation = calls_of(planned())
    assert [{"Key": LINEAGE, "Value": "main db-BLUE"}] == tagging.parameters["Tags"]
    named = {
        "BlueGreenDeploymentName": "main-upgrade",
        "TargetEngineVersion": "18.1",
        "TargetDBParameterGroupName": "main-postgres18",
    }
    assert named.items() <= creation.parameters.items()
    assert "cost: 0.02 USD an hour more, until the old instance is removed" in planned().facts
    del region["main"]
    assert [True] == [change.unknown for change in planned().changes]


def test_what_is_in_the_way_is_found_before_the_call(region: Region) -> None:
    """The plan is to be seen all the same."""
    plan = planned("RDS manages the master password")
    assert "+ blue/green deployment main-upgrade = PostgreSQL 18.1, from 16.3" in str(plan)
    with pytest.raises(WrongInput, match="does not do, and nothing was changed: RDS manages the master password: mend that"):
        plan.apply()


def test_a_deployment_that_failed_is_made_anew(region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its green instance it goes first, whose protection ends before; one that works is waited for; after one, none."""
    region["main-green-abc123"] = replace(BLUE, identifier="main-green-abc123", deletion_protection=True)
    deployed(monkeypatch, "INVALID_CONFIGURATION")
    operations = [call.operation for call in calls_of(planned())]
    assert operations[:2] == ["modify_db_instance", "delete_blue_green_deployment"]
    assert operations[-1] == "create_blue_green_deployment"
    for status in ("PROVISIONING", "AVAILABLE", "SWITCHOVER_FAILED"):
        deployed(monkeypatch, status)
        assert () == planned().mutating
    deployed(monkeypatch, "SWITCHOVER_COMPLETED")
    with pytest.raises(InstanceNotReady, match="main-upgrade is of the step before"):
        planned()
    region["main"] = NEW
    assert "main runs PostgreSQL 18.1 already" in str(planned())


def test_a_switchover(region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is planned once the deployment is there; says that nothing leads back; after it there is nothing to do."""
    assert [True] == [change.unknown for change in rds.plan_blue_green_switchover(TARGET, "18").changes]
    deployed(monkeypatch, "AVAILABLE")
    plan = rds.plan_blue_green_switchover(TARGET, "18", 60)
    [call] = calls_of(plan)
    assert {"BlueGreenDeploymentIdentifier": "bgd-1", "SwitchoverTimeout": 60} == call.parameters
    assert "EngineVersion = 16.3 -> 18.1" in str(plan)
    assert any("the way back is the old instance or a snapshot, without what was written since" in fact for fact in plan.facts)
    deployed(monkeypatch, "SWITCHOVER_IN_PROGRESS")
    assert () == rds.plan_blue_green_switchover(TARGET, "18").mutating
    region["main"] = NEW
    deployed(monkeypatch, "SWITCHOVER_COMPLETED")
    assert "main  (runs PostgreSQL 18.1)" in str(rds.plan_blue_green_switchover(TARGET, "18"))


@pytest.mark.parametrize("seconds", [29, 3601])
def test_a_time_that_rds_does_not_take(region: Region, seconds: int) -> None:
    """Said before anything is asked."""
    with pytest.raises(WrongInput, match=f"30 to 3600 seconds, and not {seconds}"):
        rds.plan_blue_green_switchover(TARGET, "18", seconds)


def test_ddl_underway_voids_the_deployment(region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    """The switchover is refused with RDS's reason, before the call; the wait for a deployment ends with it."""
    deployed(monkeypatch, "INVALID_CONFIGURATION", details="Replication degraded: DDL changes were made")
    plan = rds.plan_blue_green_switchover(TARGET, "18")
    for act in (plan.apply, lambda: blue_green._wait(TARGET, "AVAILABLE")):
        with pytest.raises(
            NotVerified, match=r"\(Replication degraded: DDL changes were made\), and main is as it was: mend that"
        ):
            act()


def test_a_switchover_over_its_time(region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    """RDS leaves all as it was, and the sentence says so; what an earlier attempt came to ends no wait."""
    before = Deployment("bgd-1", "SWITCHOVER_FAILED")
    reason = "canceled due to the switchover timeout"
    deployed(monkeypatch, "SWITCHOVER_FAILED", "SWITCHOVER_IN_PROGRESS", "SWITCHOVER_FAILED", details=reason)
    with pytest.raises(NotVerified, match=rf"did not switch over, and main is as it was \({reason}\): mend that"):
        blue_green._wait_switched(TARGET, before)
    deployed(monkeypatch, "SWITCHOVER_FAILED", "SWITCHOVER_IN_PROGRESS", "SWITCHOVER_COMPLETED")
    monkeypatch.setattr(waiting, "wait", lambda *_, **__: region["main"])
    blue_green._wait_switched(TARGET, before)


def test_the_old_instance_goes_when_it_is_asked_for(region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the switchover, by both marks; a protected one wants its name, and what becomes of its data is said."""
    region.update({"main": NEW, "main-old1": replace(OLD, deletion_protection=True)})
    deployed(monkeypatch, "SWITCHOVER_COMPLETED")
    plan = rds.plan_blue_green_removal(TARGET, "main-last")
    lines = [str(change) for change in plan.mutating]
    assert lines[0].startswith("~ DB instance main-old1: DeletionProtection = True -> False")
    assert lines[1] == "- DB instance main-old1  (for good; its data stay in the snapshot main-last)"
    assert lines[2].startswith("- blue/green deployment main-upgrade")
    with pytest.raises(ConfirmationRequired):
        plan.apply()
    with pytest.raises(WrongInput, match="say what becomes of the data"):
        rds.plan_blue_green_removal(TARGET, "")
    region["main-old1"] = OLD
    deployed(monkeypatch, "")
    assert ["delete_db_instance"] == [call.operation for call in calls_of(rds.plan_blue_green_removal(TARGET, "none"))]
    del region["main-old1"]
    assert () == rds.plan_blue_green_removal(TARGET, "main-last").mutating


def test_before_the_switchover_the_green_instance_goes(region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    """The target's own stays; what RDS is at work at is waited for by whoever asks."""
    deployed(monkeypatch, "AVAILABLE")
    [call] = calls_of(rds.plan_blue_green_removal(TARGET, "none"))
    assert {"BlueGreenDeploymentIdentifier": "bgd-1", "DeleteTarget": True} == call.parameters
    for status in ("PROVISIONING", "SWITCHOVER_IN_PROGRESS"):
        deployed(monkeypatch, status)
        with pytest.raises(InstanceNotReady, match=f"main-upgrade is {status}"):
            rds.plan_blue_green_removal(TARGET, "none")


def test_nobody_elses_instance_is_an_old_one(region: Region) -> None:
    """Neither one of the name alone, nor the one from which tags were copied to another."""
    region.update({"main": NEW, "main-old1": replace(OLD, resource_id="db-OTHER")})
    assert rds.predecessor(TARGET) is None
    region["main-old1"] = replace(OLD, tags={**SWITCHED, "DBInstance": "main-old1"})
    assert rds.predecessor(TARGET) is None
    other = replace(TARGET, db_instance_identifier="other")
    region.update({"main": BLUE, "other": replace(NEW, identifier="other", tags={**SWITCHED, "DBInstance": "other"})})
    assert rds.predecessor(other) is None


def test_what_was_made_before_the_switchover_is_known_after_it(region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copies, the old instance and the snapshot, though the DbiResourceId is another; under another name the tag is void."""
    copy = replace(
        BLUE, identifier="main-copy", resource_id="db-COPY", tags={**OURS, "DBInstance": "main-copy", "CopyOf": "db-BLUE"}
    )
    assert restores.is_copy(copy, NEW)
    assert not restores.is_copy(copy, replace(NEW, tags=OURS))
    assert not restores.is_copy(copy, replace(NEW, identifier="other"))
    region.update({"main": NEW, "main-copy": copy, "main-old1": OLD})
    for name in ("main-copy", "main-old1"):
        assert ["delete_db_instance"] == [call.operation for call in calls_of(replicas.plan_delete(TARGET, name))]
    taken = Snapshot("before", "main", "available", resource_id="db-BLUE")
    monkeypatch.setattr(snapshots, "describe", lambda *_: taken)
    assert () == rds.plan_snapshot(TARGET, "before", existing=True).mutating


def test_whose_deployment(stub: Stub) -> None:
    """One of the name that is somebody else's is refused; a long identifier is cut to what RDS takes."""
    target = replace(TARGET, sandbox=False)
    item = {"BlueGreenDeploymentIdentifier": "bgd-1", "Status": "AVAILABLE", "TagList": [{"Key": "DBInstance", "Value": "other"}]}
    named = {"Filters": [{"Name": "blue-green-deployment-name", "Values": ["main-upgrade"]}]}
    stub(target, "rds").add_response("describe_blue_green_deployments", {"BlueGreenDeployments": [item]}, named)
    with pytest.raises(WrongInput, match="there is a blue/green deployment main-upgrade already, which was not made for main"):
        blue_green.find(target)
    assert 60 >= len(blue_green.name(replace(TARGET, db_instance_identifier="a" * 51 + "-" + "b" * 11)))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"secret_arn": "arn"}, "RDS manages the master password, which blue/green does not take along"),
        ({"replicas": ("near",)}, "it replicates: blue/green takes no cascading and no cross-region replicas along"),
        ({"source": "first"}, "it replicates: blue/green takes no cascading and no cross-region replicas along"),
        ({"backup_retention_period": 0}, "it keeps no backups, which blue/green begins with"),
    ],
)  # fmt: skip
def test_what_of_the_instance_speaks_against_it(changes: dict[str, Any], reason: str) -> None:
    """Each in a sentence."""
    assert [] == list(choice.against(BLUE))
    assert [reason] == list(choice.against(replace(BLUE, **changes)))


def test_an_upgrade_in_place_while_a_deployment_is_there(region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused before RDS refuses it; after the switchover nothing is in its way."""
    monkeypatch.setitem(database.blockers.__globals__, "prechecks", lambda _, version: Findings(version, ()))
    deployed(monkeypatch, "AVAILABLE")
    underway = ("main-upgrade is AVAILABLE: go on by blue/green, or remove the deployment first",)
    assert underway == database.blockers(TARGET, "18.1")
    for status in ("SWITCHOVER_COMPLETED", ""):
        deployed(monkeypatch, status)
        assert () == database.blockers(TARGET, "18.1")


def test_a_method_that_is_none() -> None:
    """It is refused by name, wherever it comes from."""
    assert [False, True] == [rds.by_blue_green(method) for method in ("in place", "blue/green")]
    with pytest.raises(WrongInput, match='"green" is no method of an upgrade: choose one of in place, blue/green'):
        rds.by_blue_green("green")


def test_a_teardown_names_what_stays_under_another_name(region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would go on billing."""
    for name in ("inventory.secrets", "inventory.log_groups", "groups.own", "rules_of", "schedule.removals", "alarms.removals"):
        monkeypatch.setattr(f"cruddur_ops.rds.teardown.{name}", lambda *_: {})
    region.update({"main": NEW, "main-old1": OLD})
    assert any("main-old1 is this target's too" in fact for fact in rds.plan_teardown(TARGET, "none").facts)
