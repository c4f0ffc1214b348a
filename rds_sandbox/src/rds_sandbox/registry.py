"""The DB instances of one region and account: found, checked, added. What all RDS actions of the sandbox share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from moto.core.utils import utcnow
from moto.ec2.models import ec2_backends
from moto.rds import models
from moto.rds.exceptions import (
    DBInstanceAlreadyExists,
    DBInstanceNotFoundError,
    InvalidParameterCombination,
    RDSClientError,
)

from rds_sandbox import events
from rds_sandbox.events import Event, EventSource
from rds_sandbox.instances import SandboxDBInstance
from rds_sandbox.machine import Host

# An instance in another state accepts no change (RDS User Guide, "Viewing DB instance status").
MODIFIABLE = ("available", "storage-optimization")


class Registry(models.RDSBackend):
    """moto's RDS, whose instances have machines."""

    host: ClassVar[Host]
    events: list[Any]

    def find(self, identifier: str, *states: str) -> SandboxDBInstance:
        """The instance; its status must be one of these, where any are given."""
        instance = self.databases.get(identifier)
        if not isinstance(instance, SandboxDBInstance):
            raise DBInstanceNotFoundError(identifier)
        if instance.status == "deleting" and states:
            raise wrong_state(f"Instance {identifier} is already being deleted.")
        if states and instance.status not in states:
            raise wrong_state(f"Instance {identifier} is not in {states[0]} state: it is {instance.status}.")
        return instance

    def add(self, parameters: dict[str, Any]) -> SandboxDBInstance:
        """Register an instance with these parameters of moto's constructor; its work is not begun.

        Raises:
            RDSClientError: the identifier is taken, or a group is unknown or of another VPC.
        """
        identifier = parameters["db_instance_identifier"]
        if identifier in self.databases:
            raise DBInstanceAlreadyExists()
        parameters = {"db_subnet_group_name": self.default_subnet_group(), **parameters}
        self.require_groups(parameters.get("vpc_security_group_ids") or [], parameters["db_subnet_group_name"])
        instance = SandboxDBInstance(self, self.host, **parameters)  # type: ignore[abstract]  # as in moto's own
        self.databases[identifier] = instance
        return instance

    def require_groups(self, group_ids: list[str], subnet_group: str) -> None:
        """Refuse security groups that do not exist, or are of another VPC than the subnet group."""
        vpc_id = self.describe_db_subnet_groups(subnet_group)[0].vpc_id
        for group_id in group_ids:
            group = ec2_backends[self.account_id][self.region_name].get_security_group_from_id(group_id)
            if group is None:
                raise RDSClientError("InvalidParameterValue", f"Invalid security group , groupId= {group_id}, groupName=.")
            if group.vpc_id != vpc_id:
                places = f"The DB instance is in {vpc_id} and the EC2 security group is in {group.vpc_id}"
                raise InvalidParameterCombination(f"The DB instance and EC2 security group are in different VPCs. {places}")

    def default_subnet_group(self) -> str:
        """RDS makes the group "default" of the default VPC with the first instance."""
        if "default" not in self.subnet_groups:
            ec2 = ec2_backends[self.account_id][self.region_name]
            subnets = [subnet for subnet in ec2.describe_subnets() if subnet.vpc_id == ec2.default_vpc.id]
            self.create_subnet_group("default", "default", subnets, [])
        return "default"

    def say(self, source: EventSource, category: str, message: str) -> None:
        """Record an event."""
        self.events.append(events.record(source, category, message))

    def list_events(self, parameters: Mapping[str, Any]) -> list[Event]:
        """DescribeEvents: what has really happened."""
        return events.select(self.events, parameters, utcnow())

    def instances(self) -> list[SandboxDBInstance]:
        """All instances."""
        return [found for found in self.databases.values() if isinstance(found, SandboxDBInstance)]


def wrong_state(message: str) -> RDSClientError:
    """The refusal of what an instance cannot do in its present state."""
    return RDSClientError("InvalidDBInstanceState", message)


def given(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters without the empty ones, which RDS takes as not sent (Terraform sends `DBName=`)."""
    return {key: value for key, value in parameters.items() if value != ""}


def described(instance: Any) -> dict[str, Any]:
    """What a request is compared with: the settings under the names of ModifyDBInstance, and what they depend on."""
    return {
        "AllocatedStorage": instance.allocated_storage,
        "BackupRetentionPeriod": instance.backup_retention_period,
        "CACertificateIdentifier": instance.ca_certificate_identifier,
        "DBInstanceClass": instance.db_instance_class,
        "DBPortNumber": instance.port,
        "DBSubnetGroupName": instance.db_subnet_group.name,
        "EnableIAMDatabaseAuthentication": bool(instance.enable_iam_database_authentication),
        "EngineVersion": instance.engine_version,
        "Iops": instance.iops,
        "LicenseModel": instance.license_model,
        "ManageMasterUserPassword": bool(instance.manage_master_user_password),
        "MasterUsername": instance.master_username,
        "MaxAllocatedStorage": instance.max_allocated_storage,
        "MultiAZ": bool(instance.multi_az),
        "NewDBInstanceIdentifier": instance.db_instance_identifier,
        "OptionGroupName": instance.option_group_name,
        "PerformanceInsightsEnabled": instance.performance_insights_enabled,
        "StorageThroughput": instance.storage_throughput,
        "StorageType": instance.storage_type,
    }
