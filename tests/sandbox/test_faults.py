"""Every call of every plan fails once in each way; the step is repeated, and the end is the same as without the fault."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from cruddur_ops import aws, cognito, network, rds, tags, targets
from cruddur_ops.errors import InstanceNotReady, OpsError, PlanMoved
from cruddur_ops.rds.replicas import plan_delete
from cruddur_ops.rds.snapshots import plan_delete_snapshot
from cruddur_ops.target import Target
from tests.sandbox.faults import Killed, Line, Step, Strike, faults_of, line, some_of
from tests.sandbox.support import make_client, reset
from tests.unit.headless import until

__all__ = ["line"]
OTHER, SNAPSHOT = "other", "moment"
MOMENTS: dict[str, datetime | None] = {}


@pytest.fixture
def target(sandbox: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> Target:
    """The target `local` on that sandbox, empty."""
    reset(sandbox)
    for name, value in sandbox.items():
        monkeypatch.setenv(name, value)
    return targets.load("local", backup_retention_period=0)  # backups would cost seconds


def provision(target: Target) -> None:
    """What 01 does."""
    rds.plan_group(target).apply()
    rds.plan_instance(target).apply()


def provision_with_backups(target: Target) -> None:
    """With what a replica begins with."""
    provision(dataclasses.replace(target, backup_retention_period=1))
    found = rds.wait(target)  # then a moment that is a whole second after the backup
    MOMENTS[found.resource_id] = until(lambda: later(rds.wait(target).restorable_until, found.restorable_until))


def admit(target: Target) -> None:
    """What 02 does."""
    network.plan_access(target).apply()


def remove_all(target: Target) -> None:
    """What 10 does about the instance."""
    rds.plan_teardown(dataclasses.replace(target, confirm=target.db_instance_identifier), "none").apply()


def enlarge(target: Target) -> None:
    """Several settings at once, and protection."""
    provision(target.asking("parameter", db_instance_class="db.t4g.small", deletion_protection=True))


def reduce(target: Target) -> None:
    """And back."""
    provision(target.asking("parameter", db_instance_class="db.t4g.micro", deletion_protection=False))


def stop(target: Target) -> None:
    """Stop it, with the schedule that stops it anew."""
    rds.plan_stop(target, keep=True).apply()


def start(target: Target) -> None:
    """Start it, and remove the schedule."""
    rds.plan_start(target).apply()


def take(target: Target) -> None:
    """Take a snapshot."""
    rds.plan_snapshot(target, SNAPSHOT, existing=True).apply()


def forget(target: Target) -> None:
    """Remove it."""
    plan_delete_snapshot(target, SNAPSHOT).apply()


def restore(target: Target) -> None:
    """Restore it as a sibling of the original, and make that what is wanted."""
    rds.plan_restore(target, SNAPSHOT, OTHER).apply()
    rds.plan_instance(rds.sibling(target, OTHER)).apply()


def remove(target: Target) -> None:
    """Delete the sibling of the original."""
    plan_delete(target, OTHER).apply()


def later(moment: datetime | None, before: datetime | None) -> datetime | None:
    """The moment, if it is a second after the one before: a plan cuts it to seconds."""
    return moment if moment and before and moment >= before + timedelta(seconds=1) else None


def rewind(target: Target) -> None:
    """Restore to a moment: for all repetitions the same."""
    moment = MOMENTS[rds.wait(target).resource_id]
    assert moment is not None
    rds.plan_restore_to_time(target, moment, OTHER).apply()


def switch(target: Target) -> None:
    """Let the other take over."""
    rds.plan_switchover(target, OTHER, "retired").apply()


def switch_back(target: Target) -> None:
    """And the way back."""
    rds.plan_switchover(target, "retired", OTHER).apply()


def own(target: Target) -> None:
    """Take over the master password."""
    rds.plan_own(target).apply()


def managed(target: Target) -> None:
    """Give it back."""
    rds.plan_managed(target).apply()


def replicate(target: Target) -> None:
    """Make a read replica."""
    rds.plan_replica(target, OTHER).apply()


def promote(target: Target) -> None:
    """Let it go its own way."""
    rds.plan_promote(target, OTHER).apply()


def make_secret(target: Target) -> None:
    """What 03 makes of it, and 05 asks for."""
    parameters = {"Name": f"{target.db_instance_identifier}/cruddur_app", "SecretString": '{"password": "x"}'}
    aws.client(target, "secretsmanager").create_secret(**parameters, Tags=tags.as_list(tags.of(target)))


def make_pool(target: Target) -> None:
    """What 05 does first: AWS would make another pool, if it were asked twice."""
    cognito.plan_pool(target).apply()


def forget_pool(target: Target) -> None:
    """What 10 does about it."""
    cognito.plan_undeploy(target).apply()


# Steps in a circle, and what has to be there before them.
CIRCLES: dict[str, tuple[tuple[Step, ...], tuple[Step, ...]]] = {
    "instance": ((), (provision, admit, remove_all)),
    "settings": ((provision,), (enlarge, reduce)),
    "power": ((provision,), (stop, start)),
    "snapshot": ((provision,), (take, forget)),
    "restore": ((provision, take), (restore, remove)),
    "moment": ((provision_with_backups,), (rewind, remove)),
    "switchover": ((provision, take, restore), (switch, switch_back)),
    "password": ((provision,), (own, managed)),
    "pool": ((make_secret, make_pool, forget_pool), (make_pool, forget_pool)),
    "replica": ((provision_with_backups, own), (replicate, promote, remove)),
}


ALIKE = ("snapshot", "moment", "restore", "replica")  # a copy is made, and goes; without --all the switchover stands for it


def state(environment: Mapping[str, str]) -> dict[str, Any]:
    """Everything that a step could leave behind, without what differs from run to run."""
    services = ("rds", "ec2", "secretsmanager", "scheduler", "iam", "logs", "cognito-idp")
    clients = {service: make_client(environment, service) for service in services}
    instances = clients["rds"].describe_db_instances()["DBInstances"]
    groups = clients["ec2"].describe_security_groups()["SecurityGroups"]
    kept = ("DBInstanceIdentifier", "DBInstanceStatus", "DBInstanceClass", "DeletionProtection", "PendingModifiedValues")
    log_groups = [one["logGroupName"] for one in clients["logs"].describe_log_groups()["logGroups"]]
    return {
        "instances": sorted(str([one[name] for name in kept] + sorted(map(str, one["TagList"]))) for one in instances),
        "sources": [one.get("ReadReplicaSourceDBInstanceIdentifier", "") for one in instances],
        "managed": [bool(one.get("MasterUserSecret")) for one in instances],
        "groups": sorted(f"{one['GroupName']} {len(one['IpPermissions'])}" for one in groups),
        "snapshots": sorted(
            one["DBSnapshotIdentifier"] for one in clients["rds"].describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
        ),
        "secrets": sorted(one["Name"].split("!")[0] for one in clients["secretsmanager"].list_secrets()["SecretList"]),
        "schedules": [one["Name"] for one in clients["scheduler"].list_schedules()["Schedules"]],
        "roles": [one["RoleName"] for one in clients["iam"].list_roles()["Roles"]],
        "pools": [one["Name"] for one in clients["cognito-idp"].list_user_pools(MaxResults=60)["UserPools"]],
        "log groups": [name for name in log_groups if not name.startswith("/aws/rds/")],  # see docs/reliability.md
    }


def same(environment: Mapping[str, str], expected: dict[str, Any]) -> bool:
    """Whether everything is as it was."""
    return expected == state(environment)


def fails(step: Step, target: Target, line: Line, strike: Strike) -> bool:
    """Run a step with a fault; whether that ended it, with a sentence or with the process: a wait goes on."""
    with line.struck(strike):
        try:
            step(target)
        except (OpsError, Killed):
            return True
    assert line.has_struck, f"{step.__name__} did not come to {strike}"
    return False


@pytest.mark.parametrize(
    "circle", [pytest.param(name, marks=pytest.mark.thorough) if name in ALIKE else name for name in CIRCLES]
)
def test_the_same_end_after_a_fault_at_any_call(
    circle: str, target: Target, sandbox: Mapping[str, str], line: Line, pytestconfig: pytest.Config
) -> None:
    """Nothing twice, nothing orphaned: by a listing of all that there is."""
    before, steps = CIRCLES[circle]
    chosen = list if pytestconfig.getoption("--all") else some_of
    for step in before:
        step(target)
    ends, pending = [], []
    for step in steps:
        line.calls = []
        step(target)
        ends.append(state(sandbox))
        pending.append(deque(chosen(faults_of(line.calls))))
    while any(pending):
        for number, step in enumerate(steps):
            _strike(step, target, line, pending[number], functools.partial(same, sandbox, ends[number - 1]))
            repeat(step, target)
            assert ends[number] == state(sandbox), step.__name__
        clear_logs(sandbox)


def clear_logs(environment: Mapping[str, str]) -> None:
    """Remove what a teardown that was cut off leaves in CloudWatch, as `rds leftovers` says: each circle begins as the first."""
    logs = make_client(environment, "logs")
    if not make_client(environment, "rds").describe_db_instances()["DBInstances"]:
        for group in logs.describe_log_groups(logGroupNamePrefix="/aws/rds/")["logGroups"]:
            logs.delete_log_group(logGroupName=group["logGroupName"])


def repeat(step: Step, target: Target) -> None:
    """Run a step again; as long as the instance is busy with what was begun, or shows more of it only now, repeat as it asks."""
    deadline = time.monotonic() + 60
    while True:
        try:
            step(target)
            return
        except (InstanceNotReady, PlanMoved) as error:
            assert "wait" in str(error) or "read the plan again" in str(error)
            assert time.monotonic() < deadline, error
            time.sleep(0.1)


def _strike(step: Step, target: Target, line: Line, pending: deque[Strike], unchanged: Callable[[], bool]) -> None:
    """Let a step fail at its next calls, up to the first fault after which anything may have changed."""
    while pending:
        strike = pending.popleft()
        if not (fails(step, target, line, strike) and strike.early):
            return
        assert unchanged(), f"{step.__name__}: {strike}"
