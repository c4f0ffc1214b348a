"""Teardown, and the listings of what is left: decided from what was described."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from types import ModuleType
from typing import Any

import pytest
from botocore.stub import Stubber

from cruddur_ops import dependents, rds, tags
from cruddur_ops.change import Action, Change
from cruddur_ops.credentials import Secret
from cruddur_ops.errors import ConfirmationRequired, InstanceNotReady, NotOffered, NotVerified, WrongInput
from cruddur_ops.network import groups
from cruddur_ops.network.groups import Group
from cruddur_ops.network.rules import Rule
from cruddur_ops.plan import Plan
from cruddur_ops.rds import alarms, instances, inventory, schedule, snapshots, teardown
from cruddur_ops.rds.instances import Instance
from cruddur_ops.rds.inventory import from_arn
from cruddur_ops.rds.snapshots import Snapshot
from cruddur_ops.target import Target
from tests.unit.aws_state import calls_of
from tests.unit.conftest import Stub

TARGET = Target("test", owner="alice", db_instance_identifier="x")
INSTANCE = Instance("x", "available", backup_retention_period=7, tags=tags.of(TARGET))
REPLICATED = Secret("x/app", "arn:app", replicated=True, tags=tags.of(TARGET))
ARN = "arn:aws:{}:ca-central-1:000000000000:{}"


@pytest.fixture
def down(region: dict[str, Instance], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Plan]:
    """Plans the teardown of an instance like this, with what was made for it."""
    monkeypatch.setattr(schedule, "present", lambda _: {"schedule x-stop": ""})
    monkeypatch.setattr(dependents, "of_group", lambda *_: "")
    monkeypatch.setattr(snapshots, "describe", lambda _, name: {"taken": Snapshot("taken", "x", "available")}.get(name))
    found = [Secret("x/app", "arn:app", tags=tags.of(TARGET)), Secret("x/theirs", "arn:theirs")]
    monkeypatch.setattr(inventory, "secrets", lambda _: found)
    monkeypatch.setattr(inventory, "log_groups", lambda *_: {"/aws/rds/instance/x/postgresql": ""})
    monkeypatch.setattr(alarms, "present", lambda _: {"x-FreeStorageSpace": {"AlarmArn": ARN.format("cloudwatch", "alarm:x")}})
    monkeypatch.setattr(alarms, "subscribed", lambda _: None)
    monkeypatch.setattr(groups, "own", lambda _: [Group("sg-1", "x-access", "vpc-1")])
    rules = [Rule("tcp", 5432, 5432, "203.0.113.7/32", id=f"sgr-{group}", group_id=group) for group in ("sg-1", "sg-9")]
    monkeypatch.setattr(teardown, "rules_of", lambda *_: rules)

    def planned(final_snapshot: str = "none", found: Instance | None = INSTANCE, protected: bool = False, **more: Any) -> Plan:
        region.update({"x": replace(found, security_group_ids=("sg-1",), **more)} if found else {})
        return teardown.plan_teardown(replace(TARGET, protected=protected), final_snapshot)

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
        "delete_alarms",
        "delete_secret",
        "delete_log_group",
        "revoke_security_group_ingress",  # of the rule in somebody else's group
        "delete_security_group",
    ]
    assert expected == operations


@pytest.mark.parametrize(
    ("final_snapshot", "expected"),
    [("none", {"SkipFinalSnapshot": True}), ("last", {"FinalDBSnapshotIdentifier": "last"})],
)
def test_the_data_stay_or_go_as_was_said(final_snapshot: str, expected: dict[str, Any], down: Callable[..., Plan]) -> None:
    """One of the two; automated backups go as well, but for those of a protected target."""
    for protected in (False, True):
        plan = down(final_snapshot, protected=protected)
        [call] = [call for call in calls_of(plan) if call.operation == "delete_db_instance"]
        assert {"DBInstanceIdentifier": "x", "DeleteAutomatedBackups": not protected, **expected} == call.parameters
        assert protected is any("its automated backups stay for 7 days" in change.note for change in plan.changes)


def test_secrets_go_by_their_tags(down: Callable[..., Plan]) -> None:
    """Not by their names; and those of a protected target can be restored for a month."""
    for protected, expected in ((False, {"ForceDeleteWithoutRecovery": True}), (True, {"RecoveryWindowInDays": 30})):
        [call] = [call for call in calls_of(down(protected=protected)) if call.operation == "delete_secret"]
        assert {"SecretId": "arn:app", **expected} == call.parameters


def test_the_password_of_a_replica_that_is_left_stays(
    down: Callable[..., Plan], region: dict[str, Instance], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no other; also where the instance went before. A promoted one's is RDS's, or somebody's choice."""
    monkeypatch.setattr(inventory, "secrets", lambda _: [Secret("x/root", "arn:root", tags=tags.of(TARGET))])
    one = Instance("y", "available", master_username="root", tags={"RestoredFrom": "x"})
    for found, replica in ((INSTANCE, one), (None, one), (INSTANCE, replace(one, tags=tags.of(TARGET)))):
        region["y"] = replica
        [kept] = [change for change in down(found=found).changes if change.resource == "secret x/root"]
        assert (Action.NONE, "stays: y has this password") == (kept.action, kept.note)
        region["y"] = replace(replica, secret_arn="arn:managed")
        assert "delete_secret" in [call.operation for call in calls_of(down(found=found))]


@pytest.mark.parametrize("found", [{}, {"ManagedBy": "cruddur-ops"}, {"ManagedBy": "cruddur-ops", "DBInstance": "y"}])
def test_an_instance_that_is_not_ours_stays(found: dict[str, str], down: Callable[..., Plan]) -> None:
    """Though it has the identifier: 01 shows how it adopts it."""
    with pytest.raises(WrongInput, match="x does not say by its tags that it is this target's: run 01_provision_rds"):
        down(tags=found)


@pytest.mark.parametrize(
    ("final_snapshot", "message"),
    [
        ("", 'a name for the last snapshot, or "none"'),
        ("taken", "a snapshot taken already: choose another"),
        ("a--b", '"a--b" is no name for a snapshot'),
        ("last-", '"last-" is no name for a snapshot'),
        ("1st", '"1st" is no name for a snapshot'),
        ("rds:x", '"rds:x" is no name for a snapshot: write up to 255 letters'),  # as RDS calls its own
        ("l" * 256, "is no name for a snapshot"),
    ],
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
    assert "delete_db_instance" not in [call.operation for call in calls_of(plan)]
    with pytest.raises(ConfirmationRequired, match="--confirm x"):
        replace(plan, target=replace(TARGET, confirm=confirm)).apply()


@pytest.fixture
def shielded(down: Callable[..., Plan], stub: Stub, monkeypatch: pytest.MonkeyPatch) -> tuple[Change, Stubber]:
    """The change that deletes a protected instance, and what RDS is to answer; it shows no protection at once."""
    plan = down(deletion_protection=True)
    monkeypatch.setattr(instances, "describe", lambda _: INSTANCE)
    [change] = [change for change in plan.changes if change.make]
    return change, stub(TARGET, "rds")


def protection(on: bool) -> dict[str, Any]:
    """The request that switches it."""
    return {"DBInstanceIdentifier": "x", "DeletionProtection": on, "ApplyImmediately": True}


def test_protection_goes_directly_before_the_instance(shielded: tuple[Change, Stubber]) -> None:
    """Nothing else is between the two."""
    change, answers = shielded
    answers.add_response("modify_db_instance", {}, protection(False))
    answers.add_response("delete_db_instance", {})
    assert change.make
    change.make()
    answers.assert_no_pending_responses()


def test_a_change_of_protection_that_is_still_under_way_is_waited_for(shielded: tuple[Change, Stubber]) -> None:
    """RDS shows the new value first, and is modifying then: it refuses for a moment."""
    change, answers = shielded
    answers.add_response("modify_db_instance", {}, protection(False))
    answers.add_client_error("delete_db_instance", "InvalidDBInstanceState", "is not in available state: it is modifying")
    answers.add_response("delete_db_instance", {})
    assert change.make
    change.make()
    answers.assert_no_pending_responses()


def test_protection_comes_back_where_the_deletion_fails(shielded: tuple[Change, Stubber]) -> None:
    """Whatever RDS has against it."""
    change, answers = shielded
    answers.add_response("modify_db_instance", {}, protection(False))
    answers.add_client_error("delete_db_instance", "SnapshotQuotaExceeded")
    answers.add_response("modify_db_instance", {}, protection(True))
    assert change.make
    with pytest.raises(NotOffered, match="SnapshotQuotaExceeded"):
        change.make()
    answers.assert_no_pending_responses()


@pytest.mark.parametrize("more", [{"status": "failed"}, {"source": "main"}])
def test_no_last_snapshot_of_what_rds_takes_none(more: dict[str, str], down: Callable[..., Plan]) -> None:
    """It would refuse, after everything else was gone."""
    with pytest.raises(WrongInput, match="RDS takes no last snapshot of it"):
        down("last", **more)


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
    assert (6 if found else 5) == len(plan.mutating)


def test_nothing_goes_while_the_instance_has_another_name(down: Callable[..., Plan], region: dict[str, Instance]) -> None:
    """A switchover was cut off between its renames: secrets and group are still those of the instance."""
    region["x-outgoing"] = replace(INSTANCE, identifier="x-outgoing", resource_id="db-1")
    region["x-incoming"] = replace(INSTANCE, identifier="x-incoming", tags={"ManagedBy": "cruddur-ops", "CopyOf": "db-1"})
    with pytest.raises(InstanceNotReady, match="x-outgoing is the DB instance x, renamed by a switchover"):
        down(found=None)


def test_the_rest_goes_where_the_instance_went_and_its_predecessor_stays(
    down: Callable[..., Plan], region: dict[str, Instance]
) -> None:
    """A teardown that was cut off after a switchover goes on: what had the name before is no reason to end it."""
    region["x-before"] = replace(INSTANCE, identifier="x-before", resource_id="db-1")
    plan = down(found=None)
    assert "delete_security_group" in [call.operation for call in calls_of(plan)]
    assert any(fact.startswith("x-before is this target's too") for fact in plan.facts)


@pytest.mark.parametrize("status", ["available", "deleting"])
def test_what_uses_the_instance_waits(status: str, down: Callable[..., Plan], monkeypatch: pytest.MonkeyPatch) -> None:
    """Until it is gone, also where an earlier run began to delete it."""
    [change] = [change for change in down(status=status).changes if change.resource == "DB instance x"]
    looks = iter([replace(INSTANCE, status="deleting"), None])
    monkeypatch.setattr(instances, "describe", lambda _: next(looks))
    assert change.settle
    change.settle()
    assert [] == list(looks)


@pytest.mark.parametrize(
    ("resource", "module", "name", "answer", "reason"),
    [
        ("security group x-access", dependents, "of_group", "stays with another's rule", "stays with another's rule"),
        ("log group a", inventory, "log_groups", {"a": inventory.PROTECTED}, "is protected from deletion, and stays"),
        ("secret x/app", inventory, "secrets", [REPLICATED], "has replicas in other regions, and stays: delete those first"),
    ],
)
def test_what_aws_would_not_delete_stays(
    resource: str,
    module: ModuleType,
    name: str,
    answer: Any,
    reason: str,
    down: Callable[..., Plan],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And the plan says why, in the place of a refusal once the instance is gone."""
    down()
    monkeypatch.setattr(module, name, lambda *_: answer)
    [change] = [change for change in teardown.plan_teardown(TARGET, "none").changes if change.resource == resource]
    assert (Action.NONE, True) == (change.action, change.note.startswith(reason))


def test_replicas_outlive_it(down: Callable[..., Plan]) -> None:
    """The plan says so."""
    assert ("the replica copy becomes an instance of its own, and goes on billing",) == down(replicas=("copy",)).facts


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
    found = inventory.expired(TARGET, tagged)
    assert [("ca-central-1", 19, "2"), ("ca-central-1", 2, "1"), ("eu-west-1", 1, "6")] == [
        (one.region, one.days, one.resource.name) for one in found
    ]
    assert str(found[-1]).endswith("--db-instance-identifier 6 --region eu-west-1")


def test_found_twice_is_listed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """By tag, which knows whose it is, and by reference, which knows why it stays."""
    arn, labels = ARN.format("rds", "db:x"), {"Owner": "bob", **tags.of(TARGET)}
    monkeypatch.setattr(inventory, "tagged", lambda _: iter([(arn, labels)]))
    monkeypatch.setattr(inventory, "by_reference", lambda _: iter([from_arn(arn, "is available", "because")]))
    assert [("tagged, of alice, for x", "because")] == [(one.why, one.kept) for one in inventory.find(TARGET)]


def test_a_rule_is_listed_with_its_group(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    """By itself only where the group is somebody else's: there it stays behind."""
    arns = [ARN.format("ec2", f"security-group-rule/sgr-{number}") for number in (1, 2)]
    monkeypatch.setattr(inventory, "tagged", lambda _: iter((arn, tags.of(TARGET)) for arn in arns))
    groups = [inventory.Leftover(inventory.GROUP, name, kept=kept) for name, kept in (("sg-1", ""), ("sg-2", inventory.OTHERS))]
    monkeypatch.setattr(inventory, "by_reference", lambda _: iter(groups))
    ports = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432}
    rule = {"SecurityGroupRuleId": "sgr-1", "GroupId": "sg-1", "IsEgress": False, "CidrIpv4": "192.0.2.0/24", **ports}
    wanted = {"Filters": [{"Name": "group-id", "Values": ["sg-1"]}]}
    stub(TARGET, "ec2").add_response("describe_security_group_rules", {"SecurityGroupRules": [rule]}, wanted)
    assert ["sg-1", "sg-2", "sgr-2"] == [one.name for one in inventory.find(TARGET)]


@pytest.fixture
def left(region: dict[str, Instance], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What is left: by tag, and what AWS lists by the name of the instance."""
    listed: dict[str, Any] = {
        "tagged": {},
        "secrets": [],
        "automated_backups": [],
        "log_groups": {},
        "snapshots": [],
        "alarms": {},
    }
    for name in ("secrets", "automated_backups", "log_groups"):
        monkeypatch.setattr(inventory, name, lambda *_, name=name: listed[name])
    monkeypatch.setattr(inventory, "_orphans", lambda *_: iter(()))
    monkeypatch.setattr(inventory, "tagged", lambda _: iter(listed["tagged"].items()))
    monkeypatch.setattr(snapshots, "of_instance", lambda _: listed["snapshots"])
    monkeypatch.setattr(alarms, "present", lambda _: listed["alarms"])
    monkeypatch.setattr(alarms, "subscribed", lambda _: None)
    monkeypatch.setattr(schedule, "present", lambda _: {"IAM role x-stop": "stays with theirs"})
    monkeypatch.setattr(groups, "find", lambda *_: [Group("sg-1", "x-access", "vpc-1")])
    monkeypatch.setattr(dependents, "of_group", lambda *_: "stays with another's rule")
    monkeypatch.setattr(inventory, "GONE_SECONDS", 0.0)
    return listed


def test_what_is_left_says_whose_it_is_and_why_it_stays(left: dict[str, Any], region: dict[str, Instance]) -> None:
    """Others' instances, retained backups, people's snapshots and secrets are no failure of the proof."""
    region["y"] = Instance("y", "available", tags={"ManagedBy": "cruddur-ops", "DBInstance": "y"})
    left["tagged"] = {ARN.format("rds", "db:y"): {"ManagedBy": "cruddur-ops", "DBInstance": "y", "Owner": "bob"}}
    left["snapshots"] = [Snapshot("last", "x", "available", gibibytes=20, arn=ARN.format("rds", "snapshot:last"))]
    scheduled = Secret("x/old", ARN.format("secretsmanager", "secret:x/old-AbCdEf"), scheduled=True, tags=tags.of(TARGET))
    left["secrets"] = [Secret("x/theirs", ARN.format("secretsmanager", "secret:x/theirs-AbCdEf")), scheduled]
    backups = {"Status": "retained", "DBInstanceAutomatedBackupsArn": ARN.format("rds", "auto-backup:ab-1")}
    left["automated_backups"] = [backups]
    kept = {one.name: (one.why, one.kept) for one in inventory.find(TARGET)}
    assert {
        "y": ("tagged, of bob, for y", inventory.OTHERS),
        "last": ("manual snapshot of x, 20 GiB", inventory.ASKED_FOR),
        "x/theirs-AbCdEf": ("of x", inventory.OTHERS),
        "x/old-AbCdEf": ("of x", inventory.SCHEDULED),
        "ab-1": ("retained backups of x", inventory.ASKED_FOR),
        "x-stop": ("stops the instance anew", "stays with theirs"),
        "sg-1": ("x-access", "stays with another's rule"),
    } == kept
    shown = "".join(map(repr, inventory.find(TARGET)))
    assert ("delete-db-snapshot" in shown, "delete-db-instance " in shown) == (True, False)
    assert "verified: nothing of x is left but 5 that were kept; 2 of others are as they were" == repr(rds.verify_gone(TARGET))


def test_what_should_have_gone_is_named(left: dict[str, Any]) -> None:
    """The proof fails, once the index of tags had its time to forget."""
    left["secrets"] = [Secret("x/app", ARN.format("secretsmanager", "secret:x/app-AbCdEf"), tags=tags.of(TARGET))]
    left["alarms"] = {"x-ReplicaLag": {"AlarmArn": ARN.format("cloudwatch", "alarm:x-ReplicaLag")}}
    due = "cloudwatch:alarm x-ReplicaLag, secretsmanager:secret x/app-AbCdEf"
    with pytest.raises(NotVerified, match=f"still there: {due}: plan the teardown again"):
        rds.verify_gone(TARGET)
