"""What DescribeDBInstances shows of a DB instance, where moto has nothing, or something else."""

import base64
import secrets
from datetime import datetime
from typing import Any

from moto.rds import models

from rds_sandbox.machine import Machine
from rds_sandbox.postgres.archive import Archive
from rds_sandbox.rds import changes, facts, managed_secrets, storage_rules, windows
from rds_sandbox.tables import limits

HOSTED_ZONE = "Z0SANDBOX0SANDBOX"
_set_throughput: Any = models.DBInstance.__dict__["storage_throughput"].fset
REPLICATING = {"StatusType": "read replication", "Normal": True, "Status": "replicating"}


class DescribedDBInstance(models.DBInstance):
    """moto's, with the members that it leaves out."""

    backup_target = "region"
    network_type = "IPV4"
    dedicated_log_volume = False
    customer_owned_ip_enabled = False
    activity_stream_status = "stopped"
    is_storage_config_upgrade_available = False
    upgrade_rollout_order = "second"  # the default (API Reference, DBInstance)

    # How it is encrypted: nothing is with a key of AWS's own, `sse-rds` (API Reference, DBInstance).
    storage_encryption_type = property(lambda self: "sse-kms" if self.kms_key_id else "none")
    # While it is being created it has the zone asked for alone, and no time (AWS CLI, create-db-instance).
    shown_zone = property(lambda self: self.availability_zone if self.endpoint else self.zone_asked_for)
    shown_secondary_zone = property(lambda self: self.secondary_availability_zone if self.endpoint else None)
    shown_create_time = property(lambda self: self.created if self.endpoint else None)
    # 0, as on AWS outside clusters; the port asked for where the endpoint could not have it.
    db_instance_port = property(lambda self: self.port if self.endpoint and self.endpoint["Port"] != self.port else 0)
    # Until when it can be restored; absent without backups, and for a replica, whose WAL is its source's.
    latest_restorable_time = property(lambda self: self.archive.latest if self.archive and not self.source else None)
    # What it is a read replica of, under its present name; and the names of its own replicas.
    read_replica_source_db_instance_identifier = property(lambda self: self.source and self.source.db_instance_identifier)
    read_replica_db_instance_identifiers = property(lambda self: [each.db_instance_identifier for each in self.followers])
    # That a read replica replicates; no other instance has any.
    status_infos = property(lambda self: [REPLICATING] if self.source and self.machine.serving else None)
    # 0 where the storage has none of its own.
    storage_throughput = property(lambda self: self._storage_throughput or 0, _set_throughput)
    # Left out where there are none.
    enabled_cloudwatch_logs_exports = property(lambda self: self._exports or None, lambda self, to: setattr(self, "_exports", to))

    port: int
    iops: Any
    backend: Any
    master_user_secret: managed_secrets.GeneratedSecret

    machine: Machine

    class Meta:
        """What moto looks for under another name."""

        serialization_aliases = {
            "AvailabilityZone": "shown_zone",
            "DBSubnetGroup": "shown_subnet_group",
            "InstanceCreateTime": "shown_create_time",
            "SecondaryAvailabilityZone": "shown_secondary_zone",
        }

    def __init__(self, backend: models.RDSBackend, **parameters: Any) -> None:
        major = facts.major(parameters["engine_version"])
        defaults = {"ca_certificate_identifier": "rds-ca-rsa2048-g1", "license_model": "postgresql-license"}
        defaults["storage_type"] = storage_rules.default_type(parameters.get("iops"))
        if parameters.get("storage_encrypted"):
            defaults["kms_key_id"] = backend.kms.describe_key("alias/aws/rds").arn
        asked = (parameters.get(f"preferred_{kind}_window") for kind in ("maintenance", "backup"))
        usual = windows.usual(f"{backend.region_name}/{parameters['db_instance_identifier'].lower()}", *asked)
        own = {"option_group_name": None}  # moto knows none of RDS's own
        super().__init__(backend, **{**usual, **defaults, **parameters, **own})
        self.status, self.zone_asked_for = "creating", parameters.get("availability_zone")  # as its creation named it
        self.database_insights_mode = parameters.get("database_insights_mode") or "standard"
        self.performance_insights_key = parameters.get("performance_insights_kms_key_id")
        self.option_group_name = parameters.get("option_group_name") or f"default:postgres-{major}"
        iops, throughput = storage_rules.baseline(self.storage_type, self.allocated_storage)
        self.iops, self.storage_throughput = self.iops or iops, self.storage_throughput or throughput
        self.dbi_resource_id = "db-" + base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=")
        self.engine_lifecycle_support = parameters.get("engine_lifecycle_support") or "open-source-rds-extended-support"
        self.performance_insights_enabled = bool(parameters.get("enable_performance_insights"))
        self.performance_insights_days = parameters.get("performance_insights_retention_period")
        self.archive: Archive | None = None  # what it can be restored from; None where automated backups are off
        self.source: Any = None  # the instance that it is a read replica of
        # The changes that wait for the maintenance window, under the names of ModifyDBInstance.
        self.pending: dict[str, Any] = {}
        self.joining: list[str] | None = None  # the security groups that it is about to have, while that is being changed
        self.parameter_apply_status = "in-sync"  # of its parameter group
        self.automatic_restart_time: datetime | None = None  # when AWS would start it again; None unless it is stopped

    @property
    def shown_subnet_group(self) -> dict[str, Any]:
        """Its subnet group, with fewer members than DescribeDBSubnetGroups has."""
        group = self.db_subnet_group
        return {
            "DBSubnetGroupName": group.name,
            "DBSubnetGroupDescription": group.description,
            "VpcId": group.vpc_id,
            "SubnetGroupStatus": group.subnet_group_status,
            "Subnets": group.subnets,
        }

    @property
    def endpoint(self) -> dict[str, Any] | None:  # type: ignore[override]
        """Address and port, from the moment that the machine has them."""
        place = self.machine.endpoint
        return {"Address": place[0], "Port": place[1], "HostedZoneId": HOSTED_ZONE} if place else None

    @property
    def certificate_details(self) -> dict[str, Any] | None:
        """The gateway's certificate."""
        till = self.machine.valid_till
        return {"CAIdentifier": self.ca_certificate_identifier, "ValidTill": till.replace(tzinfo=None)} if till else None

    @property
    def pending_modified_values(self) -> dict[str, Any]:
        """What waits for the maintenance window, or is being applied; the password that a new instance is about to have."""
        new = self.status == "creating" and (self.manage_master_user_password or self._master_user_password)
        return changes.shown(self.pending) | ({"MasterUserPassword": "****"} if new else {})

    @property
    def followers(self) -> list[Any]:
        """Its read replicas."""
        return [other for other in self.backend.databases.values() if getattr(other, "source", None) is self]

    @property
    def secondary_availability_zone(self) -> str | None:
        """Where the standby of a Multi-AZ instance is."""
        zones = [each["SubnetAvailabilityZone"]["Name"] for each in self.db_subnet_group.subnets]
        return next((zone for zone in zones if zone != self.availability_zone), None) if self.multi_az else None

    @property
    def performance_insights_retention_period(self) -> int | None:
        """In days, a week unless more was asked for; absent where Performance Insights is off."""
        usual: int = limits("rds")["insights_days"][0]
        return (self.performance_insights_days or usual) if self.performance_insights_enabled else None

    @property
    def performance_insights_kms_key_id(self) -> str | None:
        """The key given, or that of RDS."""
        if not self.performance_insights_enabled:
            return None
        return self.performance_insights_key or str(self.backend.kms.describe_key("alias/aws/rds").arn)

    @property
    def enhanced_monitoring_resource_arn(self) -> str | None:
        """Where CloudWatch Logs would have the metrics of Enhanced Monitoring."""
        if not self.monitoring_interval:
            return None
        place = f"{self.partition}:logs:{self.region}:{self.account_id}"
        return f"arn:{place}:log-group:RDSOSMetrics:log-stream:{self.dbi_resource_id}"

    @property
    def vpc_security_group_membership_list(self) -> list[dict[str, Any]]:
        """Its security groups, and those that it is about to have."""
        now, then = self.vpc_security_group_ids, self.vpc_security_group_ids if self.joining is None else self.joining
        statuses = {group: "active" if group in then else "removing" for group in now} | {
            group: "adding" for group in then if group not in now
        }
        return [{"VpcSecurityGroupId": group, "Status": status} for group, status in statuses.items()]

    @property
    def db_parameter_group_status_list(self) -> list[dict[str, Any]]:
        """Its parameter group, and whether the server has its values."""
        return [{"DBParameterGroupName": self.parameter_group_name, "ParameterApplyStatus": self.parameter_apply_status}]

    @property
    def parameter_group_name(self) -> str:
        """That of its parameter group; of an instance that is deleted there may be no such group any more."""
        name = self.db_parameter_group_name or ""
        is_own = name and not self.is_default_parameter_group(name)
        return name if is_own else self.default_db_parameter_group_details()[1]
