"""The drill of 08_snapshot_and_restore: wherever it was cut off, the original gets its name back, and the copies go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import reduce
from operator import add

from cruddur_ops import applying
from cruddur_ops.errors import WrongInput
from cruddur_ops.plan import Action, Change, Outcome, Plan
from cruddur_ops.rds import instances, replicas, restores, snapshots, switchover, waiting
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


def _later(step: tuple[Action, str]) -> Change:
    return Change(step[0], f"DB instance {step[1]}", note="known after the steps before it")


def plan_return(target: Target, drill: Drill) -> Plan:
    """Give the original its name back, where a drill was cut off while another instance had it.

    Raises:
        WrongInput: one of them is not what a drill would have left there.
        InstanceNotReady: an instance is missing, or in no state to be renamed.
    """
    require_proven(target, "the drill")
    return return_plan(target, drill, instances.describe_all(target))


def return_plan(target: Target, drill: Drill, everything: Mapping[str, Instance]) -> Plan:
    """The same, decided from what was described.

    Raises:
        WrongInput: one of them is not what a drill would have left there.
        InstanceNotReady: an instance is missing, or in no state to be renamed.
    """
    name = target.db_instance_identifier
    if drill.outgoing not in everything:
        return Plan(f"switchover on {target.name}", (Change(Action.NONE, f"DB instance {name}", note="has its name"),))
    for copy in (name, drill.rewound):
        _require_copy(everything.get(copy))
    found = {one: everything.get(one) for one in (name, drill.outgoing, drill.rewound)}
    return switchover.switchover_plan(target, found, drill.outgoing, drill.rewound)


def plan_clear(target: Target, drill: Drill) -> Plan:
    """Delete the copies of the drill and its snapshot, for good; what is not there is no change.

    Raises:
        WrongInput: an instance of one of these names is no copy, or the original still has another's name.
    """
    require_proven(target, "the drill")
    require_copies(drill, instances.describe_all(target))
    plans = [replicas.plan_delete(target, name) for name in drill.copies]
    whole = reduce(add, [*plans, snapshots.plan_delete_snapshot(target, drill.snapshot)])
    return replace(whole, title=f"removal of the drill on {target.name}")


def require_copies(drill: Drill, found: Mapping[str, Instance]) -> None:
    """Refuse to delete what a drill did not make.

    Raises:
        WrongInput: an instance of one of its names is no copy, or the original still has another's name.
    """
    if drill.outgoing in found:
        raise WrongInput(f"{drill.outgoing} is the original, not a copy: rename it first, with `rds.plan_return`")
    for name in drill.copies:
        _require_copy(found.get(name))


def _require_copy(found: Instance | None) -> None:
    if found and restores.ORIGIN not in found.tags:
        message = f"{found.identifier} was not made by a drill (it has no tag {restores.ORIGIN}), and nothing was changed"
        raise WrongInput(f"{message}: give the drill another name for it")


def clear(plan: Plan, target: Target, drill: Drill, confirm: str = "") -> Outcome:
    """Make the plan of `plan_clear`, and wait until the copies are gone.

    Raises:
        ConfirmationRequired: the target is protected and `confirm` is not its identifier.
        InstanceNotReady: one did not go.
    """
    snapshot = snapshots.describe(target, drill.snapshot)
    if snapshot and snapshot.status == "creating":
        waiting.wait_for_snapshot(target, drill.snapshot)  # RDS deletes none that is being taken
    outcome = applying.apply(plan, target, confirm)
    for name in drill.copies:
        waiting.wait_until_gone(restores.beside(target, name))
    return outcome
