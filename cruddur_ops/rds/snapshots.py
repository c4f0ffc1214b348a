"""Snapshots of the DB instance: taken, found and removed by name.

A plan raises WrongInput for a name that cannot be used, and InstanceNotReady where an instance is in no state for a snapshot.
"""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from cruddur_ops import aws, tags
from cruddur_ops.change import absent
from cruddur_ops.errors import InstanceNotReady, WrongInput
from cruddur_ops.plan import Action, Call, Change, Plan, step
from cruddur_ops.rds import instances, offers, waiting
from cruddur_ops.rds.instances import Instance, at
from cruddur_ops.target import Target

GROUP = "ParameterGroup"  # the tag with the name of the one that the instance had then, which RDS does not keep


@dataclass(frozen=True)
class Snapshot:
    """A snapshot of a DB instance."""

    name: str = at("DBSnapshotIdentifier", MISSING)
    instance: str = at("DBInstanceIdentifier", MISSING)
    status: str = at("Status", MISSING)  # as RDS calls it, such as "available"
    percent: int = at("PercentProgress", 0)
    kind: str = at("SnapshotType", "manual")  # or "automated", which goes with its instance, or "awsbackup"
    taken: datetime | None = at("SnapshotCreateTime", None)  # None while it is being taken
    gibibytes: int = at("AllocatedStorage", 0)  # of the storage that a restored instance has at least
    arn: str = at("DBSnapshotArn")
    resource_id: str = at("DbiResourceId")  # of the instance, which keeps it when it is renamed
    engine_version: str = at("EngineVersion")
    tags: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        """What a reader of a notebook wants to know, and nothing that differs from run to run."""
        return f"snapshot {self.name} of {self.instance}: {self.status}"


def described(item: Mapping[str, Any]) -> Snapshot:
    """From an item of DescribeDBSnapshots."""
    return Snapshot(**instances.values(Snapshot, item), tags=tags.as_mapping(item.get("TagList", [])))


def describe(target: Target, name: str) -> Snapshot | None:
    """The snapshot of this name; None where there is none."""
    answer = aws.find(target, "rds", "describe_db_snapshots", "DBSnapshotNotFound", DBSnapshotIdentifier=name)
    return described(answer["DBSnapshots"][0]) if answer else None


def of_instance(target: Target) -> list[Snapshot]:
    """All snapshots of the target's DB instance, the newest last."""
    items = aws.pages(target, "rds", "describe_db_snapshots", DBInstanceIdentifier=target.db_instance_identifier)
    return sorted(map(described, items), key=lambda one: (one.taken is None, one.taken and one.taken.timestamp(), one.name))


def of_then(target: Target, name: str, running: str) -> dict[str, str]:
    """What an instance has as the snapshot has it, where that is of another major version than the one that runs, by setting."""
    found = describe(target, name)
    if not found or offers.major(found.engine_version) in ("", offers.major(running)):
        return {}
    group = found.tags.get(GROUP) or f"default.{offers.ENGINE}{offers.major(found.engine_version)}"
    return {"engine_version": found.engine_version, "db_parameter_group_name": group}


def wait(target: Target, name: str, timeout: float = waiting.HOUR) -> Snapshot:
    """Wait until a snapshot can be restored."""

    def look() -> tuple[str, Snapshot | None]:
        found = describe(target, name)
        if found is None:
            raise InstanceNotReady(f"there is no snapshot {name}: `cruddur-ops rds snapshots` lists those that there are")
        if found.status == "failed":
            raise InstanceNotReady(f"the snapshot {name} failed: remove it, and take another")
        return f"{found.status}: {found.percent} %", found if found.status == "available" else None

    return waiting.poll(target, "available", look, timeout, name)


@step
def plan_snapshot(target: Target, name: str, *, existing: bool = False) -> Plan:
    """Take a snapshot of the DB instance; one that is being taken at this moment is waited for.

    Args:
        name: 1 to 255 letters, digits and hyphens, first a letter.
        existing: whether one that is there already will do, if it is of this instance.
    """
    found, taken = instances.require(target), describe(target, name)
    title, resource, settle = f"snapshot on {target.name}", f"snapshot {name}", partial(_wait_until_taken, target, name)
    again = partial(plan_snapshot, target, name, existing=True)  # to verify, the one that was taken will do
    if taken:
        _require_usable(taken, found, existing)
        return Plan(title, (Change(Action.NONE, resource, note=f"is {taken.status} already", settle=settle),), again=again)
    instances.require_ready(found)
    labels = tags.as_list(tags.of(target) | {GROUP: found.parameter_group})
    parameters = {"DBInstanceIdentifier": found.identifier, "DBSnapshotIdentifier": name, "Tags": labels}
    call, note = Call("rds", "create_db_snapshot", parameters), "minutes on AWS; reads and writes go on"
    change = Change(Action.CREATE, resource, after=f"of {found.identifier}", note=note, calls=(call,), settle=settle)
    return Plan(title, (change,), ("it is kept, and billed, until somebody removes it",), again=again)


def _wait_until_taken(target: Target, name: str) -> None:
    """The instance is backing up for some moments more, in which it takes no change."""
    wait(target, name)
    waiting.wait_until_steady(target)


def _require_usable(taken: Snapshot, found: Instance, existing: bool) -> None:
    """Refuse a snapshot of the same name, unless it will do, or an earlier run has just begun it.

    One of an instance that had this name before is another's.
    """
    another = taken.instance != found.identifier or taken.resource_id not in ("", *found.identities)
    if another or not (existing or taken.status == "creating"):
        raise WrongInput(f"there is a snapshot {taken.name} already, of {taken.instance}: choose another name")


@step
def plan_delete_snapshot(target: Target, name: str) -> Plan:
    """Remove a snapshot for good; one that is not there is no change."""
    found, title, resource = describe(target, name), f"snapshot on {target.name}", f"snapshot {name}"
    if found and found.kind != "manual":
        raise WrongInput(f"{name} is an {found.kind} snapshot, which goes with its instance: name one that somebody took")
    if found and found.instance != target.db_instance_identifier and not tags.ours(target, found.tags):
        raise WrongInput(f"{name} is a snapshot of {found.instance}: name the target of that")
    if not found or found.status == "deleting":
        return Plan(title, (absent(resource, found),))
    call = Call("rds", "delete_db_snapshot", {"DBSnapshotIdentifier": name})
    removal = Change(Action.DELETE, resource, before=f"of {found.instance}", note="for good", calls=(call,))
    if found.status != "creating":
        return Plan(title, (removal,))
    note = "is being taken, which is waited for: RDS deletes none before that"
    return Plan(title, (Change(Action.NONE, resource, note=note, settle=partial(wait, target, name)), removal))
