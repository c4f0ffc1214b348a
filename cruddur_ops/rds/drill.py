"""The drill of 08_snapshot_and_restore: wherever it was cut off, the original gets its name back, and the copies go.

A plan raises WrongInput where an instance of one of its names is no copy, and NotProven outside of the sandbox, see `targets`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from cruddur_ops.errors import WrongInput
from cruddur_ops.plan import Action, Change, Plan, step
from cruddur_ops.rds import instances, replicas, restores, snapshots, switchover
from cruddur_ops.rds.instances import Instance
from cruddur_ops.targets import Target, require_proven


@dataclass(frozen=True)
class Drill:
    """The names that a drill gives to what it makes, and for a while to the original.

    Attributes:
        snapshot: of the original.
        restored: the instance that is restored from it.
        rewound: the one that is restored to a moment.
        outgoing: what the original is called while `rewound` has its name.
        replica: the read replica, later promoted.
    """

    snapshot: str
    restored: str
    rewound: str
    outgoing: str
    replica: str

    @property
    def copies(self) -> tuple[str, str, str]:
        """The identifiers of the DB instances that it makes."""
        return self.restored, self.rewound, self.replica

    @property
    def instances(self) -> tuple[str, ...]:
        """The identifiers of all DB instances besides the original's own."""
        return *self.copies, self.outgoing


def plan_drill(target: Target, drill: Drill) -> tuple[Plan, ...]:
    """What a drill changes, by kind, to be approved before it begins; each step is planned in full when its time comes."""
    require_proven(target, "the drill")
    name = target.db_instance_identifier
    found_later = {
        "restore": ((Action.CREATE, drill.restored), (Action.CREATE, drill.rewound)),
        "DB instance": tuple((Action.MODIFY, copy) for copy in drill.copies),
        "switchover": ((Action.MODIFY, name), (Action.MODIFY, drill.rewound)),
        "master password": ((Action.MODIFY, name),),
        "read replica": ((Action.CREATE, drill.replica),),
        "promotion": ((Action.MODIFY, drill.replica),),
        "removal of the drill": tuple((Action.DELETE, copy) for copy in drill.copies),
    }
    return tuple(Plan(f"{kind} on {target.name}", tuple(map(_later, steps))) for kind, steps in found_later.items())


def _later(planned: tuple[Action, str]) -> Change:
    return Change(planned[0], f"DB instance {planned[1]}", note="known after the steps before it")


@step
def plan_return(target: Target, drill: Drill) -> Plan:
    """Give the original its name back, where a drill was cut off while another instance had it."""
    require_proven(target, "the drill")
    found, name = instances.describe_all(target), target.db_instance_identifier
    if drill.outgoing not in found:
        return Plan(f"switchover on {target.name}", (Change(Action.NONE, f"DB instance {name}", note="has its name"),))
    for copy in (name, drill.rewound):
        _require_copy(found.get(copy))
    return switchover.plan_switchover(target, drill.outgoing, drill.rewound)


@step
def plan_clear(target: Target, drill: Drill) -> Plan:
    """Delete the copies of the drill and its snapshot, for good; what is not there is no change."""
    require_proven(target, "the drill")
    found = instances.describe_all(target)
    if drill.outgoing in found:
        raise WrongInput(f"{drill.outgoing} is the original, not a copy: rename it first, with `rds.plan_return`")
    for name in drill.copies:
        _require_copy(found.get(name))
    copies = [change for name in drill.copies for change in replicas.plan_delete(target, name).changes]
    snapshot = snapshots.plan_delete_snapshot(target, drill.snapshot).changes
    return Plan(f"removal of the drill on {target.name}", (*_together(copies), *snapshot))


def _require_copy(found: Instance | None) -> None:
    if found and restores.ORIGIN not in found.tags:
        message = f"{found.identifier} was not made by a drill (it has no tag {restores.ORIGIN}), and nothing was changed"
        raise WrongInput(f"{message}: give the drill another name for it")


def _together(changes: list[Change]) -> tuple[Change, ...]:
    """The same changes, all of them made before the first is waited for: RDS deletes several instances at a time."""
    waits = [change.settle for change in changes if change.settle]
    *first, last = [replace(change, settle=None) for change in changes]
    return *first, replace(last, settle=lambda: [wait() for wait in waits])
