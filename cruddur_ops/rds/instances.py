"""The DB instance as RDS describes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cruddur_ops import aws, tags
from cruddur_ops.errors import InstanceNotReady

if TYPE_CHECKING:
    from cruddur_ops.targets import Target

ABSENT_CODE = "DBInstanceNotFound"
# Statuses as in the RDS User Guide, "Viewing Amazon RDS DB instance status". In these the server answers and
# the settings can be changed; optimizing storage takes hours.
READY = frozenset({"available", "storage-optimization", "storage-full"})
AT_REST = frozenset({"stopped"})
BROKEN = frozenset({"deleting", "delete-precheck", "failed", "insufficient-capacity", "restore-error"})
BROKEN_PREFIXES = ("incompatible-", "inaccessible-encryption-credentials")


@dataclass(frozen=True)
class Instance:
    """A DB instance. Storage is in GiB, retention in days.

    Attributes:
        status: as RDS calls it, such as "available".
        host: of the endpoint; empty until RDS has given it one.
        endpoint_port: of the endpoint; 0 until then.
        port: on which the server was asked to listen.
        max_allocated_storage: up to which the storage grows by itself; None where it does not.
        secret_arn: of the managed master password; empty where RDS manages none.
        pending: changes that RDS has accepted and not made yet, by parameter.
        source: the identifier of the instance that it is a read replica of; empty for any other.
        replicas: the identifiers of its read replicas.
        maintenance_window: weekly, in UTC, such as "sun:03:00-sun:03:30".
        restart_time: when AWS starts the stopped instance by itself; None while it is not stopped.
        restorable_until: the latest moment of a point-in-time restore; None without backups.
        certificate_valid_until: of the server; None where RDS names none.
    """

    identifier: str
    status: str
    engine: str = "postgres"
    engine_version: str = ""
    host: str = ""
    endpoint_port: int = 0
    port: int = 0
    db_name: str = ""
    master_username: str = ""
    db_instance_class: str = ""
    storage_type: str = ""
    allocated_storage: int = 0
    max_allocated_storage: int | None = None
    storage_encrypted: bool = False
    availability_zone: str = ""
    vpc_id: str = ""
    publicly_accessible: bool = False
    backup_retention_period: int = 0
    deletion_protection: bool = False
    copy_tags_to_snapshot: bool = False
    auto_minor_version_upgrade: bool = False
    engine_lifecycle_support: str = ""
    performance_insights: bool = False
    performance_insights_retention_period: int | None = None
    log_exports: tuple[str, ...] = ()
    security_group_ids: tuple[str, ...] = ()
    secret_arn: str = ""
    arn: str = ""
    resource_id: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    pending: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""
    replicas: tuple[str, ...] = ()
    subnet_group: str = ""
    subnet_ids: tuple[str, ...] = ()
    parameter_group: str = ""
    maintenance_window: str = ""
    restart_time: datetime | None = None
    restorable_until: datetime | None = None
    certificate_valid_until: datetime | None = None

    def __repr__(self) -> str:
        """What a reader of a notebook wants to know, and nothing that differs from run to run."""
        return f"{self.identifier}: {self.status}"

    @property
    def ready(self) -> bool:
        """Whether the server answers and the settings can be changed."""
        return self.status in READY

    @property
    def broken(self) -> bool:
        """Whether it will not become available without help."""
        return self.status in BROKEN or self.status.startswith(BROKEN_PREFIXES)


def describe(target: Target) -> Instance | None:
    """The target's DB instance; None where there is none."""
    from botocore.exceptions import ClientError

    rds, identifier = aws.client(target, "rds"), target.db_instance_identifier
    try:
        answer = rds.describe_db_instances(DBInstanceIdentifier=identifier)
    except ClientError as error:
        if aws.error_code(error) == ABSENT_CODE:
            return None
        raise
    return described(answer["DBInstances"][0])


def describe_all(target: Target) -> dict[str, Instance]:
    """Every DB instance of the region by its identifier, as of one moment."""
    pages = aws.client(target, "rds").get_paginator("describe_db_instances").paginate()
    found = [described(item) for page in pages for item in page["DBInstances"]]
    return {one.identifier: one for one in sorted(found, key=lambda one: one.identifier)}


def described(item: Mapping[str, Any]) -> Instance:
    """From an item of DescribeDBInstances; members that RDS leaves out mean none."""
    endpoint = item.get("Endpoint", {})
    return Instance(
        identifier=item["DBInstanceIdentifier"],
        status=item["DBInstanceStatus"],
        engine=item["Engine"],
        engine_version=item["EngineVersion"],
        host=endpoint.get("Address", ""),
        endpoint_port=endpoint.get("Port", 0),
        port=item.get("DbInstancePort") or endpoint.get("Port", 0),  # 0 outside clusters on AWS
        db_name=item.get("DBName", ""),
        master_username=item["MasterUsername"],
        db_instance_class=item["DBInstanceClass"],
        storage_type=item["StorageType"],
        allocated_storage=item["AllocatedStorage"],
        max_allocated_storage=item.get("MaxAllocatedStorage"),
        storage_encrypted=item["StorageEncrypted"],
        availability_zone=item.get("AvailabilityZone", ""),
        vpc_id=item.get("DBSubnetGroup", {}).get("VpcId", ""),
        publicly_accessible=item["PubliclyAccessible"],
        backup_retention_period=item["BackupRetentionPeriod"],
        deletion_protection=item["DeletionProtection"],
        copy_tags_to_snapshot=item["CopyTagsToSnapshot"],
        auto_minor_version_upgrade=item["AutoMinorVersionUpgrade"],
        engine_lifecycle_support=item.get("EngineLifecycleSupport", ""),
        performance_insights=item.get("PerformanceInsightsEnabled", False),
        performance_insights_retention_period=item.get("PerformanceInsightsRetentionPeriod"),
        log_exports=tuple(sorted(item.get("EnabledCloudwatchLogsExports", []))),
        security_group_ids=tuple(sorted(group["VpcSecurityGroupId"] for group in item["VpcSecurityGroups"])),
        secret_arn=item.get("MasterUserSecret", {}).get("SecretArn", ""),
        arn=item["DBInstanceArn"],
        resource_id=item["DbiResourceId"],
        tags=tags.as_mapping(item.get("TagList", [])),
        pending=item.get("PendingModifiedValues", {}),
        source=item.get("ReadReplicaSourceDBInstanceIdentifier", ""),
        replicas=tuple(sorted(item.get("ReadReplicaDBInstanceIdentifiers", []))),
        subnet_group=item.get("DBSubnetGroup", {}).get("DBSubnetGroupName", ""),
        subnet_ids=tuple(sorted(one["SubnetIdentifier"] for one in item.get("DBSubnetGroup", {}).get("Subnets", []))),
        parameter_group="".join(group["DBParameterGroupName"] for group in item.get("DBParameterGroups", [])[:1]),
        maintenance_window=item.get("PreferredMaintenanceWindow", ""),
        restart_time=item.get("AutomaticRestartTime"),
        restorable_until=item.get("LatestRestorableTime"),
        certificate_valid_until=item.get("CertificateDetails", {}).get("ValidTill"),
    )


def log_command(identifier: str) -> str:
    """The command that shows what RDS did with the instance lately."""
    return f"`aws rds describe-events --source-type db-instance --source-identifier {identifier}`"


def require_recoverable(instance: Instance) -> None:
    """Refuse to work on an instance that will not become available by itself.

    Raises:
        InstanceNotReady: it is stopped, on its way out, or broken.
    """
    identifier, status = instance.identifier, instance.status
    if status in AT_REST:
        raise InstanceNotReady(f"{identifier} is {status}: start it with `cruddur-ops rds start`, then repeat")
    if status.startswith("delet"):
        raise InstanceNotReady(f"{identifier} is being deleted: wait until it is gone, then repeat")
    if instance.broken:
        remedy = f"see why with {log_command(identifier)}, and the RDS User Guide under this status"
        raise InstanceNotReady(f"{identifier} is {status}: {remedy}")


def require(target: Target) -> Instance:
    """The target's DB instance.

    Raises:
        InstanceNotReady: there is none.
    """
    found = describe(target)
    if found is None:
        message = f"there is no DB instance {target.db_instance_identifier}: run 01_provision_rds first"
        raise InstanceNotReady(message)
    return found
