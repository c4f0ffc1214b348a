"""Snapshots of the DB instance: taken, found and removed by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cruddur_ops import aws, tags
from cruddur_ops.calls import Call
from cruddur_ops.errors import InstanceNotReady, WrongInput
from cruddur_ops.plan import Action, Change, Plan
from cruddur_ops.rds import instances
from cruddur_ops.rds.instances import Instance

if TYPE_CHECKING:
    from cruddur_ops.targets import Target

ABSENT_CODE = "DBSnapshotNotFound"


@dataclass(frozen=True)
class Snapshot:
    """A snapshot of a DB instance.

    Attributes:
        instance: the identifier of the DB instance that it was taken of.
        status: as RDS calls it, such as "available".
        percent: how much of it is done.
        kind: "manual", "automated" or "awsbackup"; automated ones go with their instance.
        taken: when; None while it is being taken.
        gibibytes: of the storage that a restored instance has at least.
    """

    name: str
    instance: str
    status: str
    percent: int = 0
    kind: str = "manual"
    taken: datetime | None = None
    gibibytes: int = 0
    arn: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        """What a reader of a notebook wants to know, and nothing that differs from run to run."""
        return f"snapshot {self.name} of {self.instance}: {self.status}"


def described(item: Mapping[str, Any]) -> Snapshot:
    """From an item of DescribeDBSnapshots."""
    return Snapshot(
        name=item["DBSnapshotIdentifier"],
        instance=item["DBInstanceIdentifier"],
        status=item["Status"],
        percent=item.get("PercentProgress", 0),
        kind=item["SnapshotType"],
        taken=item.get("SnapshotCreateTime"),
        gibibytes=item.get("AllocatedStorage", 0),
        arn=item.get("DBSnapshotArn", ""),
        tags=tags.as_mapping(item.get("TagList", [])),
    )


def describe(target: Target, name: str) -> Snapshot | None:
    """The snapshot of this name; None where there is none."""
    from botocore.exceptions import ClientError

    try:
        answer = aws.client(target, "rds").describe_db_snapshots(DBSnapshotIdentifier=name)
    except ClientError as error:
        if aws.error_code(error) == ABSENT_CODE:
            return None
        raise
    return described(answer["DBSnapshots"][0])


def require(target: Target, name: str) -> Snapshot:
    """The snapshot of this name.

    Raises:
        InstanceNotReady: there is none.
    """
    found = describe(target, name)
    if found is None:
        raise InstanceNotReady(f"there is no snapshot {name}: `cruddur-ops rds snapshots` lists those that there are")
    return found


def of_instance(target: Target) -> list[Snapshot]:
    """All snapshots of the target's DB instance, the newest last."""
    pages = (
        aws.client(target, "rds")
        .get_paginator("describe_db_snapshots")
        .paginate(DBInstanceIdentifier=target.db_instance_identifier)
    )
    found = [described(item) for page in pages for item in page["DBSnapshots"]]
    return sorted(found, key=lambda one: (one.taken is None, one.taken and one.taken.timestamp(), one.name))


def plan_snapshot(target: Target, name: str, *, existing: bool = False) -> Plan:
    """Take a snapshot of the DB instance.

    Args:
        target: whose instance.
        name: 1 to 255 letters, digits and hyphens, first a letter.
        existing: whether one that is there already will do, if it is of this instance.

    Raises:
        WrongInput: the name is taken.
        InstanceNotReady: there is no instance, or it is in no state for a snapshot.
    """
    return snapshot_plan(target, name, instances.require(target), describe(target, name), existing)


def snapshot_plan(target: Target, name: str, found: Instance, taken: Snapshot | None, existing: bool = False) -> Plan:
    """The same, decided from what was described; one that is being taken at this moment is waited for.

    Raises:
        WrongInput: the name is taken.
        InstanceNotReady: the instance is in no state for a snapshot.
    """
    title, resource = f"snapshot on {target.name}", f"snapshot {name}"
    if taken:
        ours = taken.instance == found.identifier
        if not (ours and (existing or taken.status == "creating")):
            message = f"there is a snapshot {name} already, of {taken.instance}: choose another name"
            raise WrongInput(f"{message}, or remove it with `cruddur-ops rds delete-snapshot {name}`")
        return Plan(title, (Change(Action.NONE, resource, note=f"is {taken.status} already"),))
    if not found.ready:
        instances.require_recoverable(found)
        raise InstanceNotReady(f"{found.identifier} is {found.status}: wait until it is available, then repeat")
    labels = tags.as_list(tags.wanted(target.owner, target.instance_days, tags.today()))
    parameters = {"DBInstanceIdentifier": found.identifier, "DBSnapshotIdentifier": name, "Tags": labels}
    call = Call("rds", "create_db_snapshot", parameters)
    note = "minutes on AWS; reads and writes go on"
    cost = "it is kept, and billed, until somebody removes it"
    return Plan(title, (Change(Action.CREATE, resource, after=f"of {found.identifier}", note=note, calls=(call,)),), (cost,))


def plan_delete_snapshot(target: Target, name: str) -> Plan:
    """Remove a snapshot for good; one that is not there is no change.

    Raises:
        WrongInput: it is none that somebody took.
    """
    found, resource = describe(target, name), f"snapshot {name}"
    if found and found.kind != "manual":
        raise WrongInput(f"{name} is an {found.kind} snapshot, which goes with its instance: name one that somebody took")
    if not found:
        return Plan(f"snapshot on {target.name}", (Change(Action.NONE, resource, note="is not there"),))
    call = Call("rds", "delete_db_snapshot", {"DBSnapshotIdentifier": name})
    change = Change(Action.DELETE, resource, before=f"of {found.instance}", note="for good", calls=(call,))
    return Plan(f"snapshot on {target.name}", (change,))
