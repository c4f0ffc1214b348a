"""What could still bill: found by tag and by reference, each with the command that removes it.

By tag finds whatever this runbook made, in the whole region; by reference finds what bears the name of the instance,
though nobody tagged it (RDS and CloudWatch Logs make some of it themselves).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cruddur_ops import aws, tags
from cruddur_ops.network import groups
from cruddur_ops.rds import instances, schedule, snapshots
from cruddur_ops.targets import Target

# Which command removes a resource, by the service and the type in its ARN; {name} is what comes after these.
COMMANDS = {
    "rds:db": "aws rds delete-db-instance --skip-final-snapshot --db-instance-identifier {name}",
    "rds:snapshot": "aws rds delete-db-snapshot --db-snapshot-identifier {name}",
    "rds:auto-backup": "aws rds delete-db-instance-automated-backup --db-instance-automated-backups-arn {arn}",
    "ec2:security-group": "aws ec2 delete-security-group --group-id {name}",
    "ec2:security-group-rule": "aws ec2 describe-security-group-rules --security-group-rule-ids {name}, then revoke it",
    "ec2:vpc-endpoint": "aws ec2 delete-vpc-endpoints --vpc-endpoint-ids {name}",
    "secretsmanager:secret": "aws secretsmanager delete-secret --force-delete-without-recovery --secret-id {arn}",
    "logs:log-group": "aws logs delete-log-group --log-group-name {name}",
    "lambda:function": "aws lambda delete-function --function-name {name}",
    "cognito-idp:userpool": "aws cognito-idp delete-user-pool --user-pool-id {name}",
    "scheduler:schedule": "aws scheduler delete-schedule --name {name}",
    "iam:role": "aws iam delete-role --role-name {name}",
}
# A run's lock is a standard parameter, which costs nothing (AWS Systems Manager Pricing), and stays: see runbook/locks.
FREE = frozenset({"ssm:parameter"})
UNKNOWN = "see the console of its service"
AUTOMATED = "goes by itself with its instance and the automated backups"


@dataclass(frozen=True, order=True)
class Leftover:
    """A resource that is still there."""

    kind: str  # service and type, such as "rds:snapshot"
    name: str  # as its service calls it
    arn: str = ""  # empty where it was found by another name
    why: str = ""  # how it was found, and whose it is

    @property
    def command(self) -> str:
        """What removes it."""
        if self.kind == "rds:snapshot" and self.name.startswith("rds:"):
            return AUTOMATED
        return COMMANDS.get(self.kind, UNKNOWN).format(name=self.name, arn=self.arn or self.name)

    def __repr__(self) -> str:
        """Two lines: what it is, and what removes it."""
        return f"{self.kind} {self.name} ({self.why})\n    {self.command}"


def from_arn(arn: str, why: str) -> Leftover:
    """From an ARN: arn:partition:service:region:account:type/name, or with a colon before the name.

    Names of log groups begin with a slash; secrets have six random characters at the end of theirs.
    """
    service, resource = arn.split(":", 5)[2::3]
    separator = min((mark for mark in ":/" if mark in resource), key=resource.index, default=":")
    kind, _, name = resource.partition(separator)
    return Leftover(f"{service}:{kind}", name.removesuffix(":*") or kind, arn, why)


def find(target: Target) -> list[Leftover]:
    """Everything that this runbook made in the region, and everything that bears the name of the target's instance."""
    found = {(one.kind, one.name): one for one in (*by_reference(target), *by_tag(target))}
    return sorted(found.values())


def by_tag(target: Target) -> Iterator[Leftover]:
    """What carries the tag of this runbook, by the Resource Groups Tagging API; it forgets removed ones within minutes."""
    for arn, labels in tagged(target):
        found = from_arn(arn, f"tagged, of {labels.get('Owner', 'an unknown owner')}")
        if found.kind not in FREE:
            yield found


def tagged(target: Target) -> Iterator[tuple[str, dict[str, str]]]:
    """The ARN and the tags of everything in the region that carries the tag of this runbook."""
    wanted = [{"Key": "ManagedBy", "Values": [tags.MANAGED_BY]}]
    for item in aws.pages(target, "resourcegroupstaggingapi", "get_resources", TagFilters=wanted):
        yield item["ResourceARN"], tags.as_mapping(item["Tags"])


def by_reference(target: Target) -> Iterator[Leftover]:
    """What bears the name of the instance, whoever made it."""
    name = target.db_instance_identifier
    instance = instances.describe(target)
    if instance:
        yield from_arn(instance.arn, f"is {instance.status}")
    yield from (from_arn(one.arn, f"{one.kind} snapshot of {name}, {one.gibibytes} GiB") for one in snapshots.of_instance(target))
    yield from (from_arn(item["DBInstanceAutomatedBackupsArn"], f"backups of {name}") for item in automated_backups(target))
    yield from (from_arn(item["ARN"], f"of {name}") for item in secrets(target))
    yield from (Leftover("logs:log-group", item, why=f"of {name}") for item in log_groups(target))
    yield from (_of_schedule(item) for item in sorted(schedule.present(target)) if not item.startswith("policy"))
    yield from (Leftover("ec2:security-group", one.id, why=one.name) for one in groups.own(target))


def _of_schedule(resource: str) -> Leftover:
    kind, _, name = resource.rpartition(" ")
    return Leftover({"schedule": "scheduler:schedule", "IAM role": "iam:role"}[kind], name, why="stops the instance anew")


def automated_backups(target: Target) -> list[dict[str, Any]]:
    """The automated backups of the instance, also those that were kept when it was deleted."""
    identifier = target.db_instance_identifier
    return aws.pages(target, "rds", "describe_db_instance_automated_backups", DBInstanceIdentifier=identifier)


def secrets(target: Target) -> list[dict[str, Any]]:
    """The secrets of the instance's roles and of its own master password: all whose names begin with its identifier."""
    prefix = f"{target.db_instance_identifier}/"
    found = aws.pages(target, "secretsmanager", "list_secrets", Filters=[{"Key": "name", "Values": [prefix]}])
    return [item for item in found if item["Name"].startswith(prefix)]


def log_groups(target: Target) -> list[str]:
    """The names of the log groups to which RDS exports the instance's logs."""
    prefix = f"/aws/rds/instance/{target.db_instance_identifier}/"
    return [item["logGroupName"] for item in aws.pages(target, "logs", "describe_log_groups", logGroupNamePrefix=prefix)]
