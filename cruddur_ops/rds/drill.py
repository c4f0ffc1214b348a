"""The drill of 08_snapshot_and_restore: wherever it was cut off, the original gets its name back, and the copies go.

Its names are made from the identifier of the DB instance, and prove nothing: what it renames or deletes says in a tag that it is
a copy of this very original, by the DbiResourceId of that.

A plan raises WrongInput where what has one of its names is no such copy, and InstanceNotReady where the drill could not end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from cruddur_ops import limits, tags
from cruddur_ops.change import later
from cruddur_ops.errors import InstanceNotReady, WrongInput
from cruddur_ops.plan import Action, Change, Plan, step
from cruddur_ops.rds import instances, replicas, restores, snapshots, switchover
from cruddur_ops.rds.instances import Instance
from cruddur_ops.target import Target

LONGEST_NAME = 63  # of a DB instance (RDS API Reference, CreateDBInstance)


@dataclass(frozen=True)
class Drill:
    """The names that a drill gives to what it makes, and for a while to the original."""

    snapshot: str  # of the original
    restored: str  # the instance that is restored from it
    rewound: str  # the one that is restored to a moment
    outgoing: str  # what the original is called while `rewound` has its name
    replica: str  # the read replica, later promoted

    @classmethod
    def of(cls, target: Target, **given: str) -> Drill:
        """The names for a target: those that are given, and are not empty, else its identifier with a word behind it."""
        words = ("restored", "rewound", "outgoing", "replica")
        named = {word: name(target, word) for word in words} | {"snapshot": name(target, "drill")}
        drill = cls(**named | {key: value for key, value in given.items() if value})
        drill._require_names(target)
        return drill

    def _require_names(self, target: Target) -> None:
        """Refuse what RDS would refuse, or take for another of them, once the drill is under way."""
        known = {target.db_instance_identifier.lower()}
        for name, limit in ((self.snapshot, limits.NEW_SNAPSHOT), *((one, limits.NAME) for one in self.instances)):
            if not limit.holds(name) or (limit is limits.NAME and name.lower() in known):
                raise WrongInput(f"{name[:60]!a} cannot be a name of the drill: each is another, and is {limit.words}")
            known |= {name.lower()} if limit is limits.NAME else set()

    @property
    def copies(self) -> tuple[str, str, str]:
        """The identifiers of the DB instances that it makes."""
        return self.restored, self.rewound, self.replica

    @property
    def instances(self) -> tuple[str, ...]:
        """The identifiers of all DB instances besides the original's own."""
        return *self.copies, self.outgoing


def name(target: Target, word: str) -> str:
    """The identifier with a word behind it; where it is cut short, no hyphen is left: RDS takes no two in a row."""
    return f"{target.db_instance_identifier[: LONGEST_NAME - len(word) - 1].rstrip('-')}-{word}"


def plan_drill(target: Target, drill: Drill) -> tuple[Plan, ...]:
    """What a drill changes, by kind, to be approved before it begins; each step is planned in full when its time comes."""
    there, name = instances.describe_all(target), target.db_instance_identifier
    found = there.get(drill.outgoing) or there.get(name)  # the original, wherever a drill before this was cut off
    if found:
        tags.require_ours(target, found.tags, f"DB instance {found.identifier}")
    if found and not found.backup_retention_period:
        raise InstanceNotReady(f"{found.identifier} keeps no backups, which the drill needs: set backup_retention_period")
    steps = {
        "restore": (Action.CREATE, (drill.restored, drill.rewound)),
        "DB instance": (Action.MODIFY, drill.copies),
        "switchover": (Action.MODIFY, (name, drill.rewound)),
        "master password": (Action.MODIFY, (name,)),
        "read replica": (Action.CREATE, (drill.replica,)),
        "promotion": (Action.MODIFY, (drill.replica,)),
        "removal of the drill": (Action.DELETE, drill.copies),
    }
    plans = [
        Plan(f"{title} on {target.name}", tuple(later(action, f"DB instance {one}") for one in names))
        for title, (action, names) in steps.items()
    ]
    return *plans, Plan(f"Recovery on {target.name}", (later(Action.CREATE, "marker the last good change"),))


@step
def plan_return(target: Target, drill: Drill) -> Plan:
    """Give the original its name back, where a drill was cut off while another instance had it."""
    found, name = instances.describe_all(target), target.db_instance_identifier
    original = found.get(drill.outgoing)
    if original is None:
        return Plan(f"switchover on {target.name}", (Change(Action.NONE, f"DB instance {name}", note="has its name"),))
    tags.require_ours(target, original.tags, f"DB instance {drill.outgoing}")
    for copy in (name, drill.rewound):
        _require_copy(found.get(copy), original)
    return replace(switchover.plan_switchover(target, drill.outgoing, drill.rewound), again=None)  # this step's own


@step
def plan_clear(target: Target, drill: Drill) -> Plan:
    """Delete the copies of the drill and its snapshot, for good; what is not there is no change."""
    found = instances.describe_all(target)
    if drill.outgoing in found:
        raise WrongInput(f"{drill.outgoing} is the original, not a copy: rename it first, with `rds.plan_return`")
    for name in drill.copies:
        _require_copy(found.get(name), found.get(target.db_instance_identifier))
    snapshot = snapshots.describe(target, drill.snapshot)
    if snapshot:
        tags.require_ours(target, snapshot.tags, f"snapshot {snapshot.name}")
    copies = [found[name] for name in drill.copies if name in found and not found[name].going]
    gone = [
        change for name in drill.copies if found.get(name) not in copies for change in replicas.plan_delete(target, name).changes
    ]
    freed = [replicas.unprotected(target, one) for one in copies if one.deletion_protection]  # as an earlier version left them
    removals = _together([*gone, *(replicas.removal(target, one) for one in copies)])
    removed = snapshots.plan_delete_snapshot(target, drill.snapshot).changes
    return Plan(f"removal of the drill on {target.name}", (*freed, *removals, *removed))


def _require_copy(found: Instance | None, original: Instance | None) -> None:
    if found and not restores.is_copy(found, original):
        whose = f"no copy of {original.identifier}" if original else "a copy of what is not there"
        marks = f"ManagedBy={tags.MANAGED_BY} and {restores.COPY_OF}={original.resource_id if original else '…'}"
        raise WrongInput(f"{found.identifier} is {whose}, by its tags {marks}: give the drill another name for it")


def _together(changes: list[Change]) -> tuple[Change, ...]:
    """The same changes, all of them made before the first is waited for: RDS deletes several instances at a time."""
    waits = [change.settle for change in changes if change.settle]
    *first, last = [replace(change, settle=None) for change in changes]
    return *first, replace(last, settle=lambda: [wait() for wait in waits])
