"""The DB instance as RDS describes it.

Where there is none, or it will not become available by itself, what needs it raises InstanceNotReady.
"""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from datetime import datetime
from typing import Any

import jmespath

from cruddur_ops import aws, tags
from cruddur_ops.calls import Call
from cruddur_ops.errors import InstanceNotReady
from cruddur_ops.network import groups
from cruddur_ops.target import Target

# Statuses as in the RDS User Guide, "Viewing Amazon RDS DB instance status". In these the server answers and
# the settings can be changed; optimizing storage takes hours.
READY = frozenset({"available", "storage-optimization"})
FULL = "storage-full"  # RDS has shut the server down (RDS User Guide, "Amazon RDS event categories"); its storage can be changed
AT_REST = {
    "stopped": "start it with `cruddur-ops rds start`",
    FULL: "RDS has shut the server down: set allocated_storage higher and run `cruddur-ops rds modify --at-once`",
}
BROKEN = frozenset({"deleting", "delete-precheck", "failed", "insufficient-capacity", "restore-error"})
BUSY_CODE = "InvalidDBInstanceState"  # of RDS, while it is at work at another change
BROKEN_PREFIXES = ("incompatible-", "inaccessible-encryption-credentials")
# The tag with the identifier that an instance has, and the DbiResourceIds of those that had it before a blue/green switchover.
LINEAGE = "Lineage"
PORT = "[DbInstancePort, Endpoint.Port][?@ > `0`] | [0]"  # DbInstancePort is 0 outside clusters on AWS


def at(path: str, default: Any = "") -> Any:
    """A field, and where an item that RDS describes has its value (JMESPath, as for `aws --query`)."""
    return field(default=default, metadata={"at": path})


def read(item: Mapping[str, Any], path: str) -> Any:
    """What the item has there, lists in order; None where it has nothing."""
    value = jmespath.search(path, item)
    return sorted(value) if isinstance(value, list) else value


@dataclass(frozen=True)
class Instance:
    """A DB instance. Storage is in GiB, retention in days."""

    identifier: str = at("DBInstanceIdentifier", MISSING)
    status: str = at("DBInstanceStatus", MISSING)  # as RDS calls it, such as "available"
    engine: str = at("Engine", "postgres")
    engine_version: str = at("EngineVersion")
    host: str = at("Endpoint.Address")  # empty until RDS has given it one
    endpoint_port: int = at("Endpoint.Port", 0)  # 0 until then
    port: int = at(PORT, 0)  # on which the server was asked to listen
    db_name: str = at("DBName")
    master_username: str = at("MasterUsername")
    db_instance_class: str = at("DBInstanceClass")
    storage_type: str = at("StorageType")
    allocated_storage: int = at("AllocatedStorage", 0)
    max_allocated_storage: int | None = at("MaxAllocatedStorage", None)  # up to which it grows by itself; None: it does not
    vpc_id: str = at("DBSubnetGroup.VpcId")
    publicly_accessible: bool = at("PubliclyAccessible", False)
    backup_retention_period: int = at("BackupRetentionPeriod", 0)
    deletion_protection: bool = at("DeletionProtection", False)
    security_group_ids: tuple[str, ...] = at("VpcSecurityGroups[].VpcSecurityGroupId", ())
    secret_arn: str = at("MasterUserSecret.SecretArn")  # of the managed master password; empty where RDS manages none
    arn: str = at("DBInstanceArn")
    resource_id: str = at("DbiResourceId")
    source: str = at("ReadReplicaSourceDBInstanceIdentifier")  # the instance that it is a read replica of
    replicas: tuple[str, ...] = at("ReadReplicaDBInstanceIdentifiers", ())
    subnet_group: str = at("DBSubnetGroup.DBSubnetGroupName")
    subnet_ids: tuple[str, ...] = at("DBSubnetGroup.Subnets[].SubnetIdentifier", ())
    parameter_group: str = at("DBParameterGroups[0].DBParameterGroupName")
    maintenance_window: str = at("PreferredMaintenanceWindow")  # weekly, in UTC, such as "sun:03:00-sun:03:30"
    restart_time: datetime | None = at("AutomaticRestartTime", None)  # when AWS starts the stopped instance by itself
    restorable_until: datetime | None = at("LatestRestorableTime", None)  # the latest moment; None without backups
    certificate_valid_until: datetime | None = at("CertificateDetails.ValidTill", None)
    tags: Mapping[str, str] = field(default_factory=dict)
    pending: Mapping[str, Any] = field(default_factory=dict)  # changes that RDS has accepted and not made yet, by parameter
    raw: Mapping[str, Any] = field(default_factory=dict, compare=False)  # all of it, as described

    def __repr__(self) -> str:
        """What a reader of a notebook wants to know, and nothing that differs from run to run."""
        return f"{self.identifier}: {self.status}"

    @property
    def lineage(self) -> tuple[str, ...]:
        """The DbiResourceIds of those whose name it has taken over; the tag of another's name says nothing."""
        own, *others = self.tags.get(LINEAGE, "").split() or [""]
        return tuple(others) if own == self.identifier else ()

    @property
    def identities(self) -> frozenset[str]:
        """Its DbiResourceId, and those."""
        return frozenset(filter(None, [self.resource_id, *self.lineage]))

    @property
    def ready(self) -> bool:
        """Whether the server answers and the settings can be changed."""
        return self.status in READY

    @property
    def going(self) -> bool:
        """Whether it is being deleted."""
        return self.status.startswith("delet")

    @property
    def broken(self) -> bool:
        """Whether it will not become available without help."""
        return self.status in BROKEN or self.status.startswith(BROKEN_PREFIXES)


def values(kind: Any, item: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of this kind that RDS has described; members that it leaves out mean none."""
    found = {spec.name: read(item, spec.metadata["at"]) for spec in fields(kind) if "at" in spec.metadata}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in found.items() if value is not None}


def described(item: Mapping[str, Any]) -> Instance:
    """From an item of DescribeDBInstances."""
    labels, pending = tags.as_mapping(item.get("TagList", [])), item.get("PendingModifiedValues", {})
    return Instance(**values(Instance, item), tags=labels, pending=pending, raw=item)


def describe(target: Target) -> Instance | None:
    """The target's DB instance; None where there is none."""
    item = groups.instance(target)
    return described(item) if item else None


def describe_all(target: Target) -> dict[str, Instance]:
    """Every DB instance of the region by its identifier, as of one moment."""
    found = [described(item) for item in aws.pages(target, "rds", "describe_db_instances")]
    return {one.identifier: one for one in sorted(found, key=lambda one: one.identifier)}


def labels(target: Target, arn: str) -> dict[str, str]:
    """The tags of something else that RDS has, by its ARN."""
    found = aws.find(target, "rds", "list_tags_for_resource", ResourceName=arn) or {}
    return tags.as_mapping(found["TagList"])


def require(target: Target) -> Instance:
    """The target's DB instance."""
    found = describe(target)
    if found is None:
        require_not_renamed(target)
        remedy = "run 01_provision_rds first"
        if target.original:
            remedy = "make it with `cruddur-ops rds restore` or `cruddur-ops rds replica` first"
        raise InstanceNotReady(f"there is no DB instance {target.db_instance_identifier}: {remedy}")
    return found


def require_not_renamed(target: Target) -> None:
    """Refuse to go on between the two renames of a switchover: the instance is there, and nobody has its name."""
    for one in describe_all(target).values():
        if tags.ours(target, one.tags) and one.identifier != target.db_instance_identifier:
            message = (
                f"{one.identifier} is the DB instance {target.db_instance_identifier}, renamed by a switchover that was cut off"
            )
            raise InstanceNotReady(
                f"{message}: repeat that `cruddur-ops rds switch-over`, or 08_snapshot_and_restore after a drill"
            )


def require_recoverable(instance: Instance) -> None:
    """Refuse to work on an instance that is at rest, on its way out, or broken."""
    identifier, status = instance.identifier, instance.status
    if status in AT_REST:
        raise InstanceNotReady(f"{identifier} is {status}: {AT_REST[status]}, then repeat")
    if instance.going:
        raise InstanceNotReady(f"{identifier} is being deleted: wait until it is gone, then repeat")
    if instance.broken:
        remedy = f"see why with {log_command(identifier)}, and the RDS User Guide under this status"
        raise InstanceNotReady(f"{identifier} is {status}: {remedy}")


def require_ready(instance: Instance) -> None:
    """Refuse to work on an instance that does not answer now, though it may by and by."""
    if not instance.ready:
        require_recoverable(instance)
        raise InstanceNotReady(f"{instance.identifier} is {instance.status}: wait until it is available, then repeat")


def protection(identifier: str, *, on: bool) -> Call:
    """The call that protects the instance from deletion, or no longer."""
    return Call(
        "rds", "modify_db_instance", {"DBInstanceIdentifier": identifier, "DeletionProtection": on, "ApplyImmediately": True}
    )


def still_protected(found: Instance) -> str:
    """What a wait for the end of protection says meanwhile."""
    return "protected still" if found.deletion_protection else ""


def log_command(identifier: str) -> str:
    """The command that shows what RDS did with the instance lately."""
    return f"`aws rds describe-events --source-type db-instance --source-identifier {identifier}`"
