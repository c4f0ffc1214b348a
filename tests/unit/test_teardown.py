"""Teardown, and the listings of what is left: decided from what was described."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from cruddur_ops.errors import ConfirmationRequired, InstanceNotReady, NotProven, WrongInput
from cruddur_ops.network import groups
from cruddur_ops.network.groups import Group
from cruddur_ops.plan import Action, Plan
from cruddur_ops.rds import expired, instances, inventory, schedule, snapshots, teardown
from cruddur_ops.rds.instances import Instance
from cruddur_ops.rds.inventory import from_arn
from cruddur_ops.rds.snapshots import Snapshot
from cruddur_ops.targets import Target
from tests.unit.aws_state import calls_of
from tests.unit.conftest import Stub

TARGET = Target("test", unproven=True, owner="alice", db_instance_identifier="x")
INSTANCE = Instance("x", "available")
ARN = "arn:aws:{}:ca-central-1:000000000000:{}"


@pytest.fixture
def down(region: dict[str, Instance], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Plan]:
    """Plans the teardown of an instance like this, with what was made for it."""
    monkeypatch.setattr(schedule, "present", lambda _: {"schedule x-stop"})
    monkeypatch.setattr(snapshots, "describe", lambda _, name: {"taken": Snapshot("taken", "x", "available")}.get(name))
    monkeypatch.setattr(inventory, "secrets", lambda _: [{"Name": "x/app"}])
    monkeypatch.setattr(inventory, "log_groups", lambda _: ["/aws/rds/instance/x/postgresql"])
    backups = [{"Status": "active", "DbiResourceId": "db-1"}, {"Status": "retained", "DbiResourceId": "db-2"}]
    monkeypatch.setattr(inventory, "automated_backups", lambda _: backups)
    monkeypatch.setattr(groups, "own", lambda _: [Group("sg-1", "x-access", "vpc-1")])

    def planned(final_snapshot: str = "none", found: Instance | None = INSTANCE, **more: Any) -> Plan:
        region.update({"x": replace(found, security_group_ids=("sg-1",), **more)} if found else {})
        return teardown.plan_teardown(TARGET, final_snapshot)

    return planned


def of_instance(plan: Plan) -> list[Action]:
    """What it does about the instance."""
    return [change.action for change in plan.changes if change.resource == "DB instance x"]


def test_everything_goes_in_its_order(down: Callable[..., Plan]) -> None:
    """What stops the instance anew before it, what it uses after it; backups of a live instance go with it."""
    operations = [call.operation for call in calls_of(down())]
    expected = [
        "delete_schedule",
        "delete_db_instance",
        "delete_secret",
        "delete_log_group",
        "delete_db_instance_automated_backup",
        "delete_security_group",
    ]
    assert expected == operations


@pytest.mark.parametrize(
    ("final_snapshot", "expected"),
    [("none", {"SkipFinalSnapshot": True}), ("last", {"FinalDBSnapshotIdentifier": "last"})],
)
def test_the_data_stay_or_go_as_was_said(final_snapshot: str, expected: dict[str, Any], down: Callable[..., Plan]) -> None:
    """One of the two, and automated backups go in either case."""
    [call] = [call for call in calls_of(down(final_snapshot)) if call.operation == "delete_db_instance"]
    assert {"DBInstanceIdentifier": "x", "DeleteAutomatedBackups": True, **expected} == call.parameters


@pytest.mark.parametrize(
    ("final_snapshot", "message"),
    [("", 'a name for the last snapshot, or "none"'), ("taken", "a snapshot taken already: choose another")],
)
def test_what_becomes_of_the_data_is_said(final_snapshot: str, message: str, down: Callable[..., Plan]) -> None:
    """Neither is the default; and RDS would refuse a name that is taken, after protection was off."""
    with pytest.raises(WrongInput, match=message):
        down(final_snapshot)


@pytest.mark.parametrize("confirm", ["", "other"])
def test_a_protected_instance_wants_its_name(confirm: str, down: Callable[..., Plan]) -> None:
    """Whatever the target says of itself; taking protection off is a change of its own, which the plan shows."""
    plan = down(deletion_protection=True)
    assert [Action.MODIFY, Action.DELETE] == of_instance(plan)
    with pytest.raises(ConfirmationRequired, match="--confirm x"):
        replace(plan, target=replace(TARGET, confirm=confirm)).apply()


@pytest.mark.parametrize("status", ["stopped", "failed", "storage-full", "incompatible-restore"])
def test_states_in_which_it_goes(status: str, down: Callable[..., Plan]) -> None:
    """Also when it is broken."""
    assert [Action.DELETE] == of_instance(down(status=status))


@pytest.mark.parametrize("status", ["creating", "modifying", "stopping"])
def test_states_in_which_it_does_not(status: str, down: Callable[..., Plan]) -> None:
    """Delete while creating: RDS would refuse."""
    with pytest.raises(InstanceNotReady, match=f"x is {status}, and RDS would not delete it: wait"):
        down(status=status)


def test_protection_of_a_stopped_instance(down: Callable[..., Plan]) -> None:
    """It cannot be taken off before it runs."""
    with pytest.raises(InstanceNotReady, match="start it with"):
        down(status="stopped", deletion_protection=True)


@pytest.mark.parametrize(("found", "note"), [(None, "is not there"), (replace(INSTANCE, status="deleting"), "is being deleted")])
def test_an_instance_that_is_gone_or_going(found: Instance | None, note: str, down: Callable[..., Plan]) -> None:
    """A second run needs no word about the data any more, and what is left goes."""
    plan = down("", found)
    [change] = [change for change in plan.changes if change.resource == "DB instance x"]
    assert (Action.NONE, note) == (change.action, change.note)
    assert 5 == len(plan.mutating)


@pytest.mark.parametrize("status", ["available", "deleting"])
def test_what_uses_the_instance_waits(status: str, down: Callable[..., Plan], monkeypatch: pytest.MonkeyPatch) -> None:
    """Until it is gone, also where an earlier run began to delete it."""
    [change] = [change for change in down(status=status).changes if change.resource == "DB instance x"]
    looks = iter([replace(INSTANCE, status="deleting"), None])
    monkeypatch.setattr(instances, "describe", lambda _: next(looks))
    assert change.settle
    change.settle()
    assert [] == list(looks)


def test_a_group_that_others_have_stays(down: Callable[..., Plan], region: dict[str, Instance]) -> None:
    """It is said who, and what to do about it."""
    region["copy"] = Instance("copy", "available", security_group_ids=("sg-1",))
    [change] = [change for change in down().changes if change.resource == "security group x-access"]
    assert (Action.NONE, "stays with copy: delete it first, as with `cruddur-ops rds delete copy`") == (
        change.action,
        change.note,
    )


def test_replicas_outlive_it(down: Callable[..., Plan]) -> None:
    """The plan says so."""
    assert ("the replica copy becomes an instance of its own, and goes on billing",) == down(replicas=("copy",)).facts


def test_outside_the_sandbox_it_is_refused() -> None:
    """Until it is proved to leave other people's resources alone."""
    with pytest.raises(NotProven, match="the teardown is not proved yet"):
        teardown.plan_teardown(replace(TARGET, unproven=False), "none")


@pytest.mark.parametrize(
    ("arn", "kind", "name", "command"),
    [
        (ARN.format("rds", "db:x"), "rds:db", "x", "aws rds delete-db-instance --skip-final-snapshot --db-instance-identifier x"),
        (ARN.format("rds", "snapshot:rds:x-1"), "rds:snapshot", "rds:x-1", "goes by itself"),
        (ARN.format("rds", "snapshot:last"), "rds:snapshot", "last", "--db-snapshot-identifier last"),
        (ARN.format("ec2", "security-group/sg-1"), "ec2:security-group", "sg-1", "--group-id sg-1"),
        (ARN.format("logs", "log-group:/aws/rds/x:*"), "logs:log-group", "/aws/rds/x", "--log-group-name /aws/rds/x"),
        (ARN.format("lambda", "function:f"), "lambda:function", "f", "--function-name f"),
        (ARN.format("secretsmanager", "secret:x/app-AbCdEf"), "secretsmanager:secret", "x/app-AbCdEf", "secret:x/app-AbCdEf"),
        (ARN.format("cognito-idp", "userpool/p_1"), "cognito-idp:userpool", "p_1", "--user-pool-id p_1"),
        (ARN.format("sqs", "queue"), "sqs:queue", "queue", "see the console of its service"),
    ],
)
def test_what_removes_a_resource(arn: str, kind: str, name: str, command: str) -> None:
    """By its ARN; of what nobody foresaw, the console."""
    found = from_arn(arn, "why")
    assert (kind, name) == (found.kind, found.name)
    assert command in found.command
    assert f"{kind} {name} (why)" in repr(found)


def test_what_is_expired(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Region by region, the oldest first; what has no date, or one that is to come, is none of it."""
    tagged = {
        "ca-central-1": [("1", "2026-11-18"), ("2", "2026-11-01"), ("3", "2126-01-01"), ("4", ""), ("5", "soon")],
        "eu-west-1": [("6", "2026-11-19")],
    }
    monkeypatch.setattr("cruddur_ops.tags.today", lambda: date(2026, 11, 20))
    for region, resources in tagged.items():
        mapping = [
            {"ResourceARN": ARN.format("rds", f"db:{name}"), "Tags": [{"Key": "Expires", "Value": value}] if value else []}
            for name, value in resources
        ]
        stub(replace(TARGET, region=region), "resourcegroupstaggingapi").add_response(
            "get_resources", {"ResourceTagMappingList": mapping}
        )
    found = expired.find(TARGET, tagged)
    assert [("ca-central-1", 19, "2"), ("ca-central-1", 2, "1"), ("eu-west-1", 1, "6")] == [
        (one.region, one.days, one.resource.name) for one in found
    ]
    assert str(found[-1]).endswith("--db-instance-identifier 6 --region eu-west-1")


def test_found_twice_is_listed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """By tag and by reference: the ARN tells."""
    arn = ARN.format("rds", "db:x")
    monkeypatch.setattr(inventory, "tagged", lambda _: iter([(arn, {"Owner": "bob"})]))
    monkeypatch.setattr(inventory, "by_reference", lambda _: iter([from_arn(arn, "is available")]))
    assert ["tagged, of bob"] == [one.why for one in inventory.find(TARGET)]
