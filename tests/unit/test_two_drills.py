"""Two targets in one account: a drill of the one, cut off anywhere, never touches the other's, cut off anywhere, too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cruddur_ops import calls, tags
from cruddur_ops.calls import Call
from cruddur_ops.network import groups
from cruddur_ops.plan import Plan
from cruddur_ops.rds import drill, instances, replicas, restores, snapshots, switchover
from cruddur_ops.rds.drill import Drill
from cruddur_ops.rds.instances import Instance
from cruddur_ops.rds.snapshots import Snapshot
from cruddur_ops.target import Target
from tests.unit.conftest import ACCOUNT

STAGING, PROD = (
    Target(
        name,
        account_id=ACCOUNT,
        owner="alice",
        db_instance_identifier=f"cruddur-{name}",
        deletion_protection=name == "prod",
    )
    for name in ("staging", "prod")
)


class CutOff(BaseException):
    """The process was killed."""


@dataclass
class Account:
    """What RDS has, and after how many calls the process dies."""

    instances: dict[str, Instance] = field(default_factory=dict)
    snapshots: dict[str, Snapshot] = field(default_factory=dict)
    left: int = 1000

    def send(self, _: Target, call: Call, __: object = None) -> dict[str, Any]:
        """Do what the call asks for, and die after the last that is left."""
        if not self.left:
            raise CutOff
        self.left -= 1
        getattr(self, f"_{call.operation}")(call.parameters)
        return {}

    def of(self, target: Target) -> tuple[Any, ...]:
        """All that is the target's: by the identifier, with which all its names begin."""
        name = target.db_instance_identifier
        return tuple(
            {key: one for key, one in found.items() if key.startswith(name)} for found in (self.instances, self.snapshots)
        )

    def _create_db_snapshot(self, given: Mapping[str, Any]) -> None:
        source, name = self.instances[given["DBInstanceIdentifier"]], given["DBSnapshotIdentifier"]
        made = Snapshot(name, source.identifier, "available", resource_id=source.resource_id)
        self.snapshots[name] = replace(made, tags=tags.as_mapping(given["Tags"]))

    def _restore_db_instance_from_db_snapshot(self, given: Mapping[str, Any]) -> None:
        name = given["DBInstanceIdentifier"]
        assert name not in self.instances
        made = Instance(name, "available", resource_id=f"db-{name}", tags=tags.as_mapping(given["Tags"]))
        self.instances[name] = made

    _create_db_instance_read_replica = _restore_db_instance_from_db_snapshot

    def _modify_db_instance(self, given: Mapping[str, Any]) -> None:
        name = given["NewDBInstanceIdentifier"]
        assert name not in self.instances
        self.instances[name] = replace(self.instances.pop(given["DBInstanceIdentifier"]), identifier=name)

    def _delete_db_instance(self, given: Mapping[str, Any]) -> None:
        assert "data" != self.instances.pop(given["DBInstanceIdentifier"]).db_name, "the original was deleted"

    def _delete_db_snapshot(self, given: Mapping[str, Any]) -> None:
        del self.snapshots[given["DBSnapshotIdentifier"]]


def steps(target: Target) -> Iterator[partial[Plan]]:
    """What 08 applies, in order, as far as it is about instances and snapshots."""
    made = Drill.of(target)
    yield partial(drill.plan_return, target, made)
    yield partial(drill.plan_clear, target, made)
    yield partial(snapshots.plan_snapshot, target, made.snapshot, existing=True)
    for copy in (made.restored, made.rewound):
        yield partial(restores.plan_restore, target, made.snapshot, copy)
    yield partial(switchover.plan_switchover, target, made.rewound, made.outgoing)
    yield partial(switchover.plan_switchover, target, made.outgoing, made.rewound)
    yield partial(replicas.plan_replica, target, made.replica)
    yield partial(drill.plan_clear, target, made)


def run(account: Account, target: Target, left: int = 1000) -> None:
    """The drill, to its end or to its death."""
    account.left = left
    try:
        for planned in steps(target):
            planned().apply()
    except CutOff:
        pass


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    """An account in place of AWS."""
    made = Account()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calls, "send", made.send)
        patch.setattr(instances, "describe", lambda target: made.instances.get(target.db_instance_identifier))
        patch.setattr(instances, "describe_all", lambda _: dict(made.instances))
        patch.setattr(snapshots, "describe", lambda _, name: made.snapshots.get(name))
        patch.setattr(groups, "describe", lambda *_: None)
        yield made


def original(target: Target) -> Instance:
    """The target's own instance."""
    name = target.db_instance_identifier
    made = Instance(name, "available", db_name="data", resource_id=f"db-{name}", backup_retention_period=7, tags=tags.of(target))
    return replace(made, deletion_protection=target.deletion_protection, security_group_ids=("sg-1",))


@given(st.integers(0, 12), st.integers(0, 12))
def test_a_drill_touches_its_own_targets_alone(account: Account, theirs: int, ours: int) -> None:
    """Wherever production's was cut off, and then staging's: a second run of that ends it, and production's is as it was."""
    account.instances = {one.identifier: one for one in map(original, (STAGING, PROD))}
    account.snapshots = {}
    run(account, PROD, theirs)
    before = account.of(PROD)
    run(account, STAGING, ours)
    run(account, STAGING)
    assert before == account.of(PROD)
    assert ({"cruddur-staging": original(STAGING)}, {}) == account.of(STAGING)
    run(account, PROD)
    assert ({"cruddur-prod": original(PROD)}, {}) == account.of(PROD)
