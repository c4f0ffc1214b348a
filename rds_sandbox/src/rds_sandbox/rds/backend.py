"""The DB instances of one region and account: moto's RDS, whose instances have servers."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from botocore import xform_name
from moto.core.resource_tagging import TaggedResource
from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends
from moto.kms import models as kms_models
from moto.kms.utils import KeySpec, generate_private_key
from moto.rds import exceptions, models
from moto.rds.exceptions import InvalidParameterCombination, InvalidParameterValue, KMSKeyNotAccessibleFault, RDSClientError
from moto.utilities.utils import CaseInsensitiveDict

from rds_sandbox.patches import backend_of, replaces
from rds_sandbox.rds import facts
from rds_sandbox.rds.instances import SandboxDBInstance
from rds_sandbox.service_roles import assumable

# An instance in another state accepts no change (RDS User Guide, "Viewing DB instance status").
MODIFIABLE = ("available", "storage-optimization")
# But one without room, whose storage may be increased (RDS User Guide, "Amazon RDS DB instance running out of storage").
FULL = "storage-full"
# What has tags and is not there, by its kind (API Reference, AddTagsToResource).
UNKNOWN = {
    "db": "DBInstanceNotFound",
    "deployment": "BlueGreenDeploymentNotFoundFault",
    "es": "SubscriptionNotFound",
    "pg": "DBParameterGroupNotFound",
    "snapshot": "DBSnapshotNotFound",
    "subgrp": "DBSubnetGroupNotFoundFault",
}
MONITORING = "monitoring.rds.amazonaws.com"
DEFAULT_SUBNET_GROUP = "default"
KEYS = ("KmsKeyId", "PerformanceInsightsKMSKeyId", "MasterUserSecretKmsKeyId")  # parameters that name a KMS key
# What is compared with a request.
SETTINGS = (
    "AllocatedStorage", "BackupRetentionPeriod", "CACertificateIdentifier", "DBInstanceClass", "DatabaseInsightsMode", "Engine",
    "EngineLifecycleSupport", "EngineVersion", "Iops", "LicenseModel", "MasterUsername", "MaxAllocatedStorage",
    "MonitoringInterval", "MonitoringRoleArn", "OptionGroupName", "PerformanceInsightsRetentionPeriod", "PreferredBackupWindow",
    "PreferredMaintenanceWindow", "StorageType", "VpcSecurityGroupIds",
)  # fmt: skip
FLAGS = (
    "AutoMinorVersionUpgrade", "CopyTagsToSnapshot", "DeletionProtection", "EnableIAMDatabaseAuthentication",
    "ManageMasterUserPassword", "MultiAZ", "PubliclyAccessible",
)  # fmt: skip


@replaces(kms_models, "generate_private_key")
def private_key(key_spec: str) -> Any:
    """None of a symmetric key, as the default ones are: moto would generate a pair for each, in a tenth of a second."""
    return None if key_spec == KeySpec.SYMMETRIC_DEFAULT else generate_private_key(key_spec)


# Those of one moment: instances come and go in threads of their own while others are described.
replaces(CaseInsensitiveDict, "__iter__")(lambda found: iter([key for key, _ in list(found._store.values())]))
replaces(CaseInsensitiveDict, "items")(lambda found: list(found._store.values()))
replaces(CaseInsensitiveDict, "values")(lambda found: [value for _, value in list(found._store.values())])


def _tag(resource: Any, tags: Iterable[Mapping[str, str]] | None) -> None:
    """Give it these tags; the value of one is optional (API Reference, Tag), and empty then."""
    resource._tags = [{"Key": each["Key"], "Value": each.get("Value") or ""} for each in tags or ()]


models.TaggingMixin.tags = property(lambda resource: resource._tags, _tag)  # type: ignore[assignment]


@backend_of(models.rds_backends)
class SandboxRDSBackend(models.RDSBackend):
    """RDS of one region and account."""

    events: list[Any]

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.retained: dict[str, SandboxDBInstance] = {}  # deleted ones whose automated backups were kept, by resource id
        self.measured: dict[tuple[str, str, Any], Any] = {}  # the values of metrics, by instance, metric and minute
        self.arn_regex = re.compile(self.arn_regex.pattern.replace("(db|", "(db|deployment|"))  # what can have tags

    def find(self, identifier: str, *states: str) -> SandboxDBInstance:
        """The instance; its status must be one of these, where any are given."""
        instance = self.databases.get(identifier)
        if not isinstance(instance, SandboxDBInstance):
            raise exceptions.DBInstanceNotFoundError(identifier)
        if states:
            instance.begun.wait()  # what was accepted a moment ago decides
        if instance.status == "deleting" and states:
            raise wrong_state(f"Instance {identifier} is already being deleted.")
        if states and instance.status not in states:
            raise wrong_state(f"Instance {identifier} is not in {states[0]} state: it is {instance.status}.")
        return instance

    def require_free(self, identifier: str, for_: SandboxDBInstance | None = None) -> None:
        """Refuse an identifier that another instance has, or is about to have."""
        others = [each for each in self.instances() if each is not for_]
        names = {each.db_instance_identifier for each in others}
        names |= {each.pending.get("NewDBInstanceIdentifier", "").lower() for each in others}
        if identifier.lower() in names:
            raise exceptions.DBInstanceAlreadyExists()

    def instances(self) -> list[SandboxDBInstance]:
        """All instances."""
        return [found for found in self.databases.values() if isinstance(found, SandboxDBInstance)]

    def get_db_snapshot(self, identifier: str) -> Any:
        """The snapshot of this name, or of this ARN, in this region."""
        found = self.database_snapshots
        if identifier.startswith("arn:"):
            found = {made.arn: made for made in found.values()}
        if identifier not in found:
            raise exceptions.DBSnapshotNotFoundFault(identifier)
        return found[identifier]

    def require_groups(self, group_ids: list[str], subnet_group: str) -> None:
        """Refuse security groups that do not exist, or are of another VPC than the subnet group; and none at all.

        Source: what AWS's CloudFormation provider says of an empty list (pull request 264); the code is not verified.
        """
        if not group_ids:
            raise InvalidParameterValue("VpcSecurityGroupIds names no security group: leave it out to keep those that there are.")
        vpc_id = self.describe_db_subnet_groups(subnet_group)[0].vpc_id
        for group_id in group_ids:
            group = ec2_backends[self.account_id][self.region_name].get_security_group_from_id(group_id)
            if group is None:
                raise InvalidParameterValue(f"Invalid security group , groupId= {group_id}, groupName=.")
            if group.vpc_id != vpc_id:
                places = f"The DB instance is in {vpc_id} and the EC2 security group is in {group.vpc_id}"
                raise InvalidParameterCombination(f"The DB instance and EC2 security group are in different VPCs. {places}")

    def default_security_group(self, subnet_group: str) -> str:
        """That of the subnet group's VPC (CreateDBInstance, VpcSecurityGroupIds: "the default VPC security group")."""
        vpc_id = self.describe_db_subnet_groups(subnet_group)[0].vpc_id
        ec2: Any = ec2_backends[self.account_id][self.region_name]
        return str(ec2.get_default_security_group(vpc_id).id)

    def parameter_group(self, name: str) -> models.DBParameterGroup:
        """The group of this name; the default ones are always there."""
        family = name.lower().removeprefix("default.")
        if name.lower() not in self.db_parameter_groups and family in facts.families() and family != name:
            made = models.DBParameterGroup(self, name, f"Default parameter group for {family}", family)  # type: ignore[abstract]
            self.db_parameter_groups[made.name] = made
        if name.lower() not in self.db_parameter_groups:
            raise exceptions.DBParameterGroupNotFoundError(name)
        return self.db_parameter_groups[name.lower()]

    def require_parameter_group(self, name: str, version: str) -> None:
        """Refuse a parameter group that there is not, or that is of another family than the engine version."""
        family, wanted = self.parameter_group(name).family, facts.family(facts.major(version))
        if family != wanted:
            raise InvalidParameterCombination(
                f"The parameter group {name} with DBParameterGroupFamily {family} can't be used for this instance. "
                f"Please use a parameter group with DBParameterGroupFamily {wanted}"
            )

    def require_option_group(self, name: str, version: str) -> None:
        """Refuse an option group that there is not, or of another major than the version; the second is not verified."""
        usual = {f"default:postgres-{major}": str(major) for major in facts.majors()}
        made = {each.name: each.major_engine_version for each in self.option_groups.values()}
        major = {**usual, **made}.get(name)
        if major is None:
            raise exceptions.OptionGroupNotFoundFaultError(name)
        if major != str(facts.major(version)):
            why = f"is of major engine version {major}, the DB instance of {version}"
            raise InvalidParameterCombination(f"The option group {name} can't be used: it {why}.")

    def require_monitoring_role(self, arn: str) -> None:
        """Refuse a role that there is not, or that Enhanced Monitoring may not assume; its policies are not asked.

        Source: RDS User Guide, "Setting up and enabling Enhanced Monitoring"; the message as Terraform's users report it.
        """
        if assumable(iam_backends[self.account_id][self.partition], arn, MONITORING) is None:
            why = "IAM role ARN value is invalid or does not include the required permissions for: ENHANCED_MONITORING"
            raise InvalidParameterValue(why)

    def with_keys(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters, with the ARNs of the KMS keys; refused where there is none."""
        return {**asked, **{name: self._validate_kms_key(asked[name]) for name in KEYS if asked.get(name)}}

    def _validate_kms_key(self, kms_key_id: str) -> str:
        try:
            arn = super()._validate_kms_key(kms_key_id)
        except (AttributeError, KeyError) as error:  # of an alias
            raise KMSKeyNotAccessibleFault(kms_key_id) from error
        kms: Any = self.get_backend("kms", self.region_name, arn.split(":")[4])
        if kms.describe_key(arn).key_state != "Enabled":
            raise KMSKeyNotAccessibleFault(kms_key_id)
        return arn

    def _get_resource_for_tagging(self, arn: str) -> Any:
        found = super()._get_resource_for_tagging(arn)
        if found is None or found.arn != arn:  # moto would tag nothing, or what has the name in this region
            raise RDSClientError(UNKNOWN.get(arn.split(":")[5], "InvalidParameterValue"), f"{arn} was not found.")
        return found

    def iter_tagged_resources(self) -> Iterator[TaggedResource]:
        """For the Resource Groups Tagging API: what moto leaves out, too, under the types that ARNs have."""
        own = self.databases, self.database_snapshots, self.blue_green_deployments, self.db_parameter_groups
        for found in (*own, self.event_subscriptions, self.subnet_groups):
            for each in list(found.values()):  # which others change meanwhile
                tags = {tag["Key"]: tag["Value"] for tag in each.tags or []}
                yield TaggedResource(each.arn, tags, f"rds:{each.arn.split(':')[5]}")

    def default_subnet_group(self) -> str:
        """RDS makes the group "default" of the default VPC with the first instance.

        Source of the refusal: terraform-provider-aws issues, and CreateDBInstance's error InvalidSubnet.
        """
        if DEFAULT_SUBNET_GROUP not in self.subnet_groups:
            ec2 = ec2_backends[self.account_id][self.region_name]
            subnets = [subnet for subnet in ec2.describe_subnets() if subnet.vpc_id == ec2.default_vpc.id]
            if not subnets:
                message = "No default subnet detected in VPC. Please contact AWS Support to recreate default Subnets."
                raise RDSClientError("InvalidSubnet", message)
            self.create_subnet_group(DEFAULT_SUBNET_GROUP, "default", subnets, [])
        return DEFAULT_SUBNET_GROUP

    def reset(self) -> None:
        """/moto-api/reset: no server is left running, no backup on disk."""
        for instance in [*self.instances(), *self.retained.values()]:
            instance.machine.remove()
            if instance.archive:
                instance.archive.remove()
        for snapshot in list(self.database_snapshots.values()):
            snapshot.discard()  # type: ignore[attr-defined]  # all of them are ours
        super().reset()


def wrong_state(message: str) -> RDSClientError:
    """The refusal of what an instance cannot do in its present state."""
    return RDSClientError("InvalidDBInstanceState", message)


def described(instance: Any) -> dict[str, Any]:
    """What a request is compared with: the settings under the names of ModifyDBInstance, and what they depend on."""
    key = instance.performance_insights_kms_key_id or instance.performance_insights_key
    return {
        **{name: getattr(instance, xform_name(name)) for name in SETTINGS},
        **{name: bool(getattr(instance, xform_name(name))) for name in FLAGS},
        "DBParameterGroupName": instance.parameter_group_name,
        "DBPortNumber": instance.port,
        "DBSubnetGroupName": instance.db_subnet_group.name,
        "EnablePerformanceInsights": instance.performance_insights_enabled,
        "NewDBInstanceIdentifier": instance.db_instance_identifier,
        "PerformanceInsightsKMSKeyId": key,
        "StorageThroughput": instance.storage_throughput or None,
    }
