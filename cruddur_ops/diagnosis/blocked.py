"""Why an upgrade, or a restore, does not come about: a ladder of what RDS asks, in the order in which it would fail."""

from collections.abc import Iterable, Iterator, Sequence

from cruddur_ops import aws, moment, preflight
from cruddur_ops.database.prechecks import inside
from cruddur_ops.diagnosis.ladder import FIRST, Ladder, Rung, State, climbed, decided, failed, passed, unknown
from cruddur_ops.diagnosis.looking import INSTANCE, instance
from cruddur_ops.rds import health, instances, logs, snapshots, upgrade_paths
from cruddur_ops.rds import prechecks as of_rds
from cruddur_ops.rds.prechecks import Finding
from cruddur_ops.target import Target

VERSION, REPLICAS, STORAGE, MAINTENANCE, CLASS = "version", "replicas", "storage", "maintenance", "class"
INSIDE, EARLIER, SNAPSHOT, QUOTA = "database", "earlier attempt", "snapshot", "quota"
UPGRADE = (FIRST, INSTANCE, VERSION, REPLICAS, STORAGE, CLASS, MAINTENANCE, INSIDE, EARLIER)
RESTORE = (FIRST, SNAPSHOT, CLASS, QUOTA)
# What a restored instance counts towards (RDS API Reference, AccountQuota), and how much of it.
QUOTAS = {"DBInstances": "instances", "AllocatedStorage": "GiB"}


def upgrade(target: Target, version: str) -> Ladder:
    """Look at all that an upgrade of the target's instance to that version goes by."""
    with moment.one():
        return climbed(
            target.name, f"upgrade of {target.db_instance_identifier} to {version}", UPGRADE, _upgrade(target, version)
        )


def restore(target: Target, snapshot: str) -> Ladder:
    """Look at all that a restore of that snapshot as another instance goes by."""
    with moment.one():
        return climbed(target.name, f"restore of {snapshot}", RESTORE, _restore(target, snapshot))


def _upgrade(target: Target, version: str) -> Iterator[Rung]:
    yield decided(FIRST, lambda: passed(FIRST, preflight.check(target).caller))
    yield (ready := decided(INSTANCE, lambda: instance(target)))
    if ready.state is State.FAILED:
        return
    found = instances.require(target)
    yield (way := decided(VERSION, lambda: _version(target, version)))
    path = upgrade_paths.upgrade_path(target, version) if way.state is State.PASSED else None
    yield decided(REPLICAS, lambda: judged(REPLICAS, of_rds.replication(found), "none that stays behind"))
    yield decided(STORAGE, lambda: _storage(target))
    yield decided(MAINTENANCE, lambda: _maintenance(target))
    if path:
        yield decided(CLASS, lambda: judged(CLASS, of_rds.offered(target, path.next), f"{found.db_instance_class} is offered"))
        yield decided(INSIDE, lambda: judged(INSIDE, inside(target, path.next), "nothing that can be seen is in the way"))
    yield decided(EARLIER, lambda: earlier(logs.refusal(target)))


def _restore(target: Target, name: str) -> Iterator[Rung]:
    yield decided(FIRST, lambda: passed(FIRST, preflight.check(target).caller))
    yield (there := decided(SNAPSHOT, lambda: _snapshot(target, name)))
    found = snapshots.describe(target, name) if there.state is State.PASSED else None
    if found:
        yield decided(CLASS, lambda: judged(CLASS, of_rds.offered(target, found.engine_version), "is offered"))
        yield decided(QUOTA, lambda: quota(_quotas(target), {"DBInstances": 1, "AllocatedStorage": found.gibibytes}))


def judged(name: str, findings: Iterable[Finding], well: str) -> Rung:
    """What blocks, with its way out; else what is worth a look."""
    found = list(findings)
    blocking = [one for one in found if one.blocks]
    if blocking:
        return failed(name, "; ".join(one.what for one in blocking), "; ".join(one.remedy for one in blocking))
    return passed(name, "; ".join(one.what for one in found) or well)


def earlier(reason: str) -> Rung:
    """What RDS wrote of an attempt before; whether that was mended since, its log does not tell."""
    return unknown(EARLIER, f"RDS refused one: {reason}") if reason else passed(EARLIER, "none that RDS refused")


def quota(quotas: dict[str, tuple[int, int]], wanted: dict[str, int]) -> Rung:
    """Whether the account may have that much more.

    Args:
        quotas: used and allowed, by RDS's name.
        wanted: how much more, likewise.
    """
    full = [f"{quotas[name][0]} of {quotas[name][1]} {QUOTAS[name]}" for name, more in wanted.items()
            if sum((quotas[name][0], more)) > quotas[name][1]]  # fmt: skip
    if full:
        return failed(
            QUOTA, f"the account has {' and '.join(full)}", "ask for more in Service Quotas, or delete what is not needed"
        )
    return passed(QUOTA, ", ".join(f"{quotas[name][0]} of {quotas[name][1]} {QUOTAS[name]}" for name in wanted))


def _version(target: Target, version: str) -> Rung:
    path = upgrade_paths.upgrade_path(target, version)
    steps: Sequence[str] = (path.running, *path.steps)
    return passed(VERSION, " -> ".join(steps) if path.steps else f"{path.running} runs already")


def _storage(target: Target) -> Rung:
    found, free = instances.require(target), health.metrics(target, "FreeStorageSpace")["FreeStorageSpace"]
    if free is None:
        return unknown(STORAGE, "CloudWatch has no value of the last minutes")
    return judged(STORAGE, of_rds.storage(found, free), f"{free / health.GIB:.1f} of {found.allocated_storage} GiB are free")


def _maintenance(target: Target) -> Rung:
    found = instances.require(target)
    waiting = [*(f"{name} waits for the window" for name in sorted(found.pending)), *health.pending_maintenance(target, found)]
    return passed(MAINTENANCE, "; ".join(waiting) or "nothing pending")


def _snapshot(target: Target, name: str) -> Rung:
    found = snapshots.describe(target, name)
    if found is None:
        return failed(SNAPSHOT, f"there is no snapshot {name}", "choose one that `cruddur-ops rds snapshots` lists")
    if found.status != "available":
        return failed(SNAPSHOT, f"{name} is {found.status}, {found.percent}%", "wait until it is available, or choose another")
    return passed(SNAPSHOT, f"{name} of {found.instance}, PostgreSQL {found.engine_version}, is available")


def _quotas(target: Target) -> dict[str, tuple[int, int]]:
    answer = aws.find(target, "rds", "describe_account_attributes") or {}
    return {one["AccountQuotaName"]: (one["Used"], one["Max"]) for one in answer["AccountQuotas"]}
