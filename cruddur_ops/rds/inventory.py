"""What could still bill: found by tag and by reference, whose it is, why it stays, what removes it, and what is past its date.

By tag finds whatever this runbook made, in the whole region; by reference finds what bears the name of the instance,
though nobody tagged it (RDS and CloudWatch Logs make some of it themselves).

Verifying raises NotVerified where something is left that should have gone.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from cruddur_ops import aws, credentials, dependents, progress, tags
from cruddur_ops.calls import Call
from cruddur_ops.change import Change, removal
from cruddur_ops.credentials import Secret
from cruddur_ops.errors import NotVerified
from cruddur_ops.network import groups
from cruddur_ops.network.rules import made_for, rules_of
from cruddur_ops.plan import Verified
from cruddur_ops.rds import alarms, instances, schedule, snapshots
from cruddur_ops.rds.instances import Instance
from cruddur_ops.target import Target

# Which command removes a resource, by the service and the type in its ARN; {name} is what comes after these.
COMMANDS = {
    "rds:db": "aws rds delete-db-instance --skip-final-snapshot --db-instance-identifier {name}",
    "rds:snapshot": "aws rds delete-db-snapshot --db-snapshot-identifier {name}",
    "rds:deployment": "aws rds delete-blue-green-deployment --blue-green-deployment-identifier {name}",
    "rds:auto-backup": "aws rds delete-db-instance-automated-backup --db-instance-automated-backups-arn {arn}",
    "ec2:security-group": "aws ec2 delete-security-group --group-id {name}",
    "ec2:security-group-rule": "aws ec2 describe-security-group-rules --security-group-rule-ids {name}, then revoke it",
    "ec2:vpc-endpoint": "aws ec2 delete-vpc-endpoints --vpc-endpoint-ids {name}",
    "secretsmanager:secret": "aws secretsmanager delete-secret --secret-id {arn}",
    "cloudwatch:alarm": "aws cloudwatch delete-alarms --alarm-names {name}",
    "rds:es": "aws rds delete-event-subscription --subscription-name {name}",
    "logs:log-group": "aws logs delete-log-group --log-group-name {name}",
    "lambda:function": "aws lambda delete-function --function-name {name}",
    "cognito-idp:userpool": "aws cognito-idp delete-user-pool --user-pool-id {name}",
    "scheduler:schedule": "aws scheduler delete-schedule --name {name}",
    "iam:role": "aws iam delete-role --role-name {name}",
}
GROUP, RULE = "ec2:security-group", "ec2:security-group-rule"
# A run's lock is a standard parameter, which costs nothing (AWS Systems Manager Pricing), and stays: see locks. Nor does a
# DB parameter group.
FREE = frozenset({"rds:pg", "ssm:parameter"})
UNKNOWN = "see the console of its service"
AUTOMATED = "goes by itself with its instance and the automated backups"
PROTECTED = "is protected from deletion, and stays"
OLDER = "was there before the instance, and stays"
UNTAGGED = "stays: it has no tags, so nobody can tell whose it is"
SCHEDULED = "scheduled for deletion: costs nothing, and can be restored until then"
OTHERS = "not this target's, by its tags"
ASKED_FOR = "kept: it may be the only copy, and goes only when it is asked for by name"
KEPT = {"rds:snapshot": ASKED_FOR, "rds:auto-backup": ASKED_FOR, "cognito-idp:userpool": ASKED_FOR}
GONE_SECONDS = 600.0  # for which the index of tags may remember what is gone


@dataclass(frozen=True, order=True)
class Leftover:
    """A resource that is still there."""

    kind: str  # service and type, such as "rds:snapshot"
    name: str  # as its service calls it
    arn: str = ""  # empty where it was found by another name
    why: str = ""  # how it was found, and whose it is
    kept: str = ""  # why it stays; empty for what goes with the target's instance

    @property
    def mine(self) -> bool:
        """Whether it is the target's."""
        return self.kept != OTHERS

    @property
    def command(self) -> str:
        """What removes it; asked for where it is the target's."""
        if self.kind == "rds:snapshot" and self.name.startswith("rds:"):
            return AUTOMATED
        return COMMANDS.get(self.kind, UNKNOWN).format(name=self.name, arn=self.arn or self.name)

    def __repr__(self) -> str:
        """What it is, why it stays, and what removes it, unless it is somebody else's."""
        lines = [self.kept] if self.kept else []
        lines += [self.command] if self.kept not in (OTHERS, AUTOMATED, SCHEDULED) else []
        return "\n    ".join([f"{self.kind} {self.name} ({self.why})", *lines])


def from_arn(arn: str, why: str, kept: str = "") -> Leftover:
    """From an ARN: arn:partition:service:region:account:type/name, or with a colon before the name.

    Names of log groups begin with a slash; secrets have six random characters at the end of theirs.
    """
    service, resource = arn.split(":", 5)[2::3]
    separator = min((mark for mark in ":/" if mark in resource), key=resource.index, default=":")
    kind, _, name = resource.partition(separator)
    kind = f"{service}:{kind}"
    stays = AUTOMATED if name.startswith("rds:") else KEPT.get(kind, "")
    return Leftover(kind, name.removesuffix(":*") or resource, arn, why, kept or stays)


def find(target: Target) -> list[Leftover]:
    """Everything that this runbook made in the region, and everything that bears the name of the target's instance."""
    found = {(one.kind, one.name): one for one in by_reference(target)}
    for one in by_tag(target):  # which knows whose it is
        known = found.get((one.kind, one.name), one)
        found[one.kind, one.name] = replace(one, kept=known.kept or one.kept)
    within = _rules_of_own(target, found)
    return sorted(one for key, one in found.items() if key not in within)


def _rules_of_own(target: Target, found: Mapping[tuple[str, str], Leftover]) -> set[tuple[str, str]]:
    """The rules of the target's own groups, where any rule is found: they stay and go with these."""
    own = [name for (kind, name), one in found.items() if kind == GROUP and one.mine]
    if not own or all(kind != RULE for kind, _ in found):
        return set()
    return {(RULE, rule.id) for rule in rules_of(target, {"group-id": own}, outbound=True)}


def verify_gone(target: Target) -> Verified:
    """Wait until the index of tags has forgotten what is gone, and require that nothing is left but what stays."""

    def look() -> tuple[str, Verified | None]:
        found = find(target)
        due = [f"{one.kind} {one.name}" for one in found if not one.kept]
        others = sum(not one.mine for one in found)
        said = f"verified: nothing of {target.db_instance_identifier} is left but {len(found) - others} that were kept"
        return ", ".join(due), None if due else Verified(f"{said}; {others} of others are as they were")

    def overdue(status: str) -> NotVerified:
        return NotVerified(f"still there: {status}: plan the teardown again, which says why")

    return progress.poll("what is left", look, GONE_SECONDS, overdue)


def by_tag(target: Target) -> Iterator[Leftover]:
    """What carries the tag of this runbook, by the Resource Groups Tagging API; it forgets removed ones within minutes."""
    for arn, labels in tagged(target):
        whose = f"of {labels.get('Owner', 'an unknown owner')}, for {labels.get(tags.INSTANCE, 'an unknown DB instance')}"
        found = from_arn(arn, f"tagged, {whose}", "" if tags.ours(target, labels) else OTHERS)
        if found.kind not in FREE:
            yield found


def tagged(target: Target) -> Iterator[tuple[str, dict[str, str]]]:
    """The ARN and the tags of everything in the region that carries the tag of this runbook."""
    wanted = [{"Key": "ManagedBy", "Values": [tags.MANAGED_BY]}]
    for item in aws.pages(target, "resourcegroupstaggingapi", "get_resources", TagFilters=wanted):
        yield item["ResourceARN"], tags.as_mapping(item["Tags"])


def by_reference(target: Target) -> Iterator[Leftover]:
    """What bears the name of the instance, whoever made it."""
    name, everything = target.db_instance_identifier, instances.describe_all(target)
    instance = everything.get(name)
    if instance:
        yield from_arn(instance.arn, f"is {instance.status}", _unless_ours(target, instance.tags))
    yield from (from_arn(one.arn, f"{one.kind} snapshot of {name}, {one.gibibytes} GiB") for one in snapshots.of_instance(target))
    for item in automated_backups(target):
        kept = "" if item.get("Status") == "retained" else AUTOMATED
        yield from_arn(item["DBInstanceAutomatedBackupsArn"], f"{item.get('Status')} backups of {name}", kept)
    for one in secrets(target):
        stays = SCHEDULED if one.scheduled else credentials.REPLICATED if one.replicated else ""
        yield from_arn(one.arn, f"of {name}", _unless_ours(target, one.tags) or stays)
    for alarm in alarms.present(target).values():
        yield from_arn(alarm["AlarmArn"], f"watches {name}")
    if told := alarms.subscribed(target):
        yield from_arn(told["EventSubscriptionArn"], f"tells of {name}")
    kept = _unless_ours(target, instance.tags if instance else {})
    for log_group, stays in log_groups(target, instance).items():
        yield Leftover("logs:log-group", log_group, why=f"RDS's, of {name}", kept=kept or stays)
    yield from _orphans(target, everything)
    for resource, kept in sorted(schedule.present(target).items()):
        if not resource.startswith("policy"):
            yield _of_schedule(resource, kept)
    for group in groups.find(target, made_for(target)):
        yield Leftover("ec2:security-group", group.id, "", group.name, dependents.of_group(target, group.id))


def _unless_ours(target: Target, labels: Mapping[str, str]) -> str:
    return "" if tags.ours(target, labels) else OTHERS


def _of_schedule(resource: str, kept: str) -> Leftover:
    kind, _, name = resource.rpartition(" ")
    return Leftover(
        {"schedule": "scheduler:schedule", "IAM role": "iam:role"}[kind], name, why="stops the instance anew", kept=kept
    )


def automated_backups(target: Target) -> list[dict[str, Any]]:
    """The automated backups of the instance, also those that were kept when it was deleted."""
    identifier = target.db_instance_identifier
    return aws.pages(target, "rds", "describe_db_instance_automated_backups", DBInstanceIdentifier=identifier)


def secrets(target: Target) -> list[Secret]:
    """Those whose names begin with the instance's identifier, as its roles' and its own master password's do."""
    prefix = f"{target.db_instance_identifier}/"
    wanted = {"Filters": [{"Key": "name", "Values": [prefix]}], "IncludePlannedDeletion": True}
    found = [
        item["ARN"] for item in aws.pages(target, "secretsmanager", "list_secrets", **wanted) if item["Name"].startswith(prefix)
    ]
    return [one for one in (credentials.find(target, arn) for arn in found) if one.arn]  # the list may be late


def log_groups(target: Target, instance: Instance | None) -> dict[str, str]:
    """The log groups to which RDS exports the instance's logs, by name: why one stays, or ""."""
    prefix = f"/aws/rds/instance/{target.db_instance_identifier}/"
    found = aws.pages(target, "logs", "describe_log_groups", logGroupNamePrefix=prefix)
    began = instance.raw["InstanceCreateTime"].timestamp() * 1000 if instance and not instance.lineage else 0
    kept = {item["logGroupName"]: OLDER if item["creationTime"] < began else "" for item in found}
    return kept | {item["logGroupName"]: PROTECTED for item in found if item.get("deletionProtectionEnabled")}


def _orphans(target: Target, everything: Collection[str]) -> Iterator[Leftover]:
    """The log groups of copies, replicas and the like that are gone: their names begin with the instance's."""
    prefix = f"/aws/rds/instance/{target.db_instance_identifier}-"
    for item in aws.pages(target, "logs", "describe_log_groups", logGroupNamePrefix=prefix):
        identifier = item["logGroupName"].split("/")[4]
        if identifier not in everything:
            yield Leftover("logs:log-group", item["logGroupName"], why=f"RDS's, of {identifier}, which is gone", kept=UNTAGGED)


def log_removal(name: str, kept: str) -> Change:
    """A log group goes, unless something keeps it."""
    return removal(f"log group {name}", Call("logs", "delete_log_group", {"logGroupName": name}), kept=kept)


@dataclass(frozen=True, order=True)
class Expired:
    """A resource that was wanted until a day that is over."""

    region: str
    days: int  # since that day
    owner: str
    resource: Leftover

    def __str__(self) -> str:
        """Two lines: whose it is and since when it is over, and what removes it."""
        what = f"{self.resource.kind} {self.resource.name}"
        return f"{self.region}: {what} of {self.owner}, {self.days} days over\n    {self.resource.command} --region {self.region}"


def expired(target: Target, regions: Iterable[str]) -> list[Expired]:
    """What is expired in these regions, region by region, the oldest first."""
    found = [one for region in regions for one in _of_region(replace(target, region=region), tags.today())]
    return sorted(found, key=lambda one: (one.region, -one.days, one.resource))


def _of_region(target: Target, on: date) -> Iterator[Expired]:
    for arn, labels in tagged(target):
        left = tags.days_left(labels, on)
        if left is not None and left < 0:
            yield Expired(target.region, -left, labels.get("Owner", "an unknown owner"), from_arn(arn, "expired"))
