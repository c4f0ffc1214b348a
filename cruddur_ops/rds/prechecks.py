"""What stands in the way of a major upgrade, or wants a look: what RDS and CloudWatch know of it. `database` looks inside."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cruddur_ops.errors import NotOffered
from cruddur_ops.rds import health, instances, offers
from cruddur_ops.rds.health import GIB
from cruddur_ops.rds.instances import Instance
from cruddur_ops.target import Target

LEAST_FREE = 0.1  # of the storage: pg_upgrade, the snapshot's blocks and the log that follows want room


@dataclass(frozen=True, order=True)
class Finding:
    """Something that was found, and what to do about it."""

    blocks: bool  # whether the upgrade would fail; else it is to be known before
    what: str
    remedy: str

    def __str__(self) -> str:
        """One line."""
        return f"{'BLOCKS' if self.blocks else 'look'}: {self.what}: {self.remedy}"


def of_instance(target: Target, version: str) -> Iterator[Finding]:
    """What of the instance itself is in the way of an upgrade to that version."""
    found = instances.require(target)
    free = health.metrics(target, "FreeStorageSpace")["FreeStorageSpace"]
    minor = offers.major(version) == offers.major(found.engine_version)
    behind = _behind(target, found, version) if minor else None
    yield from judged(found, free, health.pending_maintenance(target, found), behind)
    yield from offered(target, version)


def offered(target: Target, version: str) -> Iterator[Finding]:
    """Whether RDS has the class and the storage with that version: those of the instance, or where it is gone, the target's."""
    found = instances.describe(target)
    asked = target.asking("", **_wanted(found)) if found else target
    try:
        offers.orderable_zones(asked, version, offers.orderable_options(asked, version))
    except NotOffered as refusal:
        what, _, remedy = str(refusal).partition(": ")
        yield Finding(True, what, remedy)


def _wanted(found: Instance) -> dict[str, object]:
    size = {"allocated_storage": found.allocated_storage, "storage_type": found.storage_type}
    return {"db_instance_class": found.db_instance_class, "availability_zone": "", **size}


def _behind(target: Target, found: Instance, version: str) -> list[str]:
    there = instances.describe_all(target) if found.replicas else {}
    return [name for name in found.replicas if name in there and not offers.meets(there[name].engine_version, version)]


def judged(
    found: Instance, free: float | None, maintenance: Sequence[str], behind: Sequence[str] | None = None
) -> Iterator[Finding]:
    """The same from what was found.

    Args:
        found: the instance.
        free: bytes of its storage; None where CloudWatch has no value.
        maintenance: what RDS wants to do with it.
        behind: the replicas that have an older version than the wanted minor one; None where that is another major.
    """
    if not found.ready:
        yield Finding(True, f"it is {found.status}", instances.AT_REST.get(found.status, "wait until it is available"))
    if found.master_username.startswith("pg_"):
        yield Finding(True, f"its master user is {found.master_username}", "restore its data into an instance with another one")
    yield from storage(found, free)
    yield from replication(found) if behind is None else map(_first, behind)
    if not found.backup_retention_period:
        remedy = "RDS takes no snapshot of its own then: the one that you take before is all there is"
        yield Finding(False, "it keeps no backups", remedy)
    if found.pending:
        what = f"{', '.join(sorted(found.pending))} waits for the maintenance window"
        yield Finding(False, what, "it is made along with the upgrade: have it made before, to tell what changed")
    for action in maintenance:
        yield Finding(False, f"pending maintenance: {action}", "have it made before, in a window of its own")


def storage(found: Instance, free: float | None) -> Iterator[Finding]:
    """Whether there is room for what an upgrade writes, by the bytes that are free."""
    if free is not None and free < found.allocated_storage * GIB * LEAST_FREE:
        what = f"{free / GIB:.1f} of {found.allocated_storage} GiB are free"
        yield Finding(True, what, "set allocated_storage higher and run `cruddur-ops rds modify --at-once`")


def _first(replica: str) -> Finding:
    """RDS User Guide, "Upgrades of the RDS for PostgreSQL DB engine": to a minor version replicas go before their source."""
    command = f"aws rds modify-db-instance --db-instance-identifier {replica} --engine-version ... --apply-immediately"
    return Finding(True, f"its replica {replica} has an older minor version", f"upgrade that before, with `{command}`")


def replication(found: Instance) -> Iterator[Finding]:
    """What becomes of replicas."""
    if found.source:
        yield Finding(True, f"it is a replica of {found.source}", "upgrade that, and it goes along")
    for replica in found.replicas:
        abroad = ":" in replica  # of another region's RDS gives the ARN
        goes = "it does not go along: promote it, and make another afterwards" if abroad else "it goes along, with more downtime"
        yield Finding(abroad, f"there is a replica {replica}", goes)
