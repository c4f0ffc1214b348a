"""Which resources are a target's: by their names where ARNs have those, else by the tags of this runbook.

Source: Service Authorization Reference, the tables of resource types.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cruddur_ops import aws, locks, tags
from cruddur_ops.cognito import names
from cruddur_ops.database.location import secret_name
from cruddur_ops.rds import alarms, drill, schedule
from cruddur_ops.target import Target

SANDBOX_ACCOUNT = "123456789012"
LONGEST_WORD = "before-upgrade"  # behind the identifier, in the name of a sibling
# What an action of its name makes is tagged by the request, and anything else that it is on has tags already.
MADE = {
    "ec2:AuthorizeSecurityGroupIngress": "security-group-rule",
    "ec2:CreateSecurityGroup": "security-group",
    "ec2:CreateVpcEndpoint": "vpc-endpoint",
    "rds:CreateBlueGreenDeployment": "deployment",
    "rds:CreateDBInstance": "db",
    "rds:CreateDBInstanceReadReplica": "db",
    "rds:CreateDBParameterGroup": "pg",
    "rds:CreateEventSubscription": "es",
    "rds:RestoreDBInstanceFromDBSnapshot": "db",
    "rds:RestoreDBInstanceToPointInTime": "db",
    "secretsmanager:CreateSecret": "Secret",
}
# What is done, by RDS or through it, to the secret of a master password that RDS manages; the ARN of its instance is a tag of it.
RDS_SECRETS = frozenset(
    f"secretsmanager:{one}" for one in ("CreateSecret", "DescribeSecret", "GetSecretValue", "RotateSecret", "TagResource")
)


@dataclass(frozen=True)
class Resource:
    """Resources of one type.

    Attributes:
        arns: patterns.
        tags: what they are told by where names do not tell; values are patterns.
        only: the actions that are allowed on them; empty for all.
    """

    arns: tuple[str, ...]
    tags: Mapping[str, str] = field(default_factory=dict)
    only: frozenset[str] = frozenset()


def account(target: Target) -> str:
    """The one that the target names."""
    return target.account_id or SANDBOX_ACCOUNT


def role(target: Target, name: str) -> str:
    """The ARN of a role."""
    return f"arn:{aws.partition(target.region)}:iam::{account(target)}:role/{name}"


def of(target: Target) -> dict[str, list[Resource]]:
    """By service and type, such as "rds:db"."""
    start, place = f"arn:{aws.partition(target.region)}", f"{target.region}:{account(target)}"
    identifier, function, stop = target.db_instance_identifier, names.function_name(target), schedule.name(target)
    siblings = f"{drill.name(target, LONGEST_WORD).removesuffix(LONGEST_WORD)}*"
    ours = {"ManagedBy": tags.MANAGED_BY}
    mine = {**ours, tags.INSTANCE: identifier}

    def named(service: str, *ends: str, tagged: Mapping[str, str] | None = None) -> list[Resource]:
        """What an ARN is already stays so."""
        return [
            Resource(tuple(end if end.startswith("arn:") else f"{start}:{service}:{place}:{end}" for end in ends), tagged or {})
        ]

    key = "*" if "alias/" in target.kms_key_id else target.kms_key_id or "*"
    exported = (f"/aws/rds/instance/{one}/*" for one in (identifier, siblings))
    logs = [f"log-group:{one}" for one in (names.log_group(target), *exported)]
    secrets = [f"secret:{secret_name(one, '*')}" for one in (identifier, siblings)]
    master = (
        target.master_user_secret if target.master_user_secret.startswith("arn:") else f"secret:{target.master_user_secret}-*"
    )
    managed = Resource(
        (f"{start}:secretsmanager:{place}:secret:rds!db-*",),
        {"aws:rds:primaryDBInstanceArn": f"{start}:rds:{place}:db:{identifier}*"},
        RDS_SECRETS,
    )
    return {
        "rds:db": [*named("rds", f"db:{identifier}"), *named("rds", f"db:{siblings}", tagged=ours)],
        "rds:snapshot": named("rds", f"snapshot:{siblings}", f"snapshot:rds:{identifier}-*"),
        "rds:pg": named("rds", f"pg:{target.db_parameter_group_name or 'default.*'}", f"pg:{siblings}", "pg:default.*"),
        "rds:es": named("rds", f"es:{alarms.subscription(target)}", f"es:{siblings}-events"),
        "cloudwatch:alarm": named("cloudwatch", f"alarm:{siblings}", f"alarm:{identifier}-*"),
        "rds:deployment": named("rds", "deployment:*", tagged={**ours, tags.INSTANCE: f"{identifier}*"}),
        "rds:og": named("rds", "og:default:*"),
        "rds:subgrp": named("rds", f"subgrp:{target.db_subnet_group_name or 'default*'}"),
        "rds:auto-backup": named("rds", "auto-backup:*"),
        "ec2:security-group": named(
            "ec2", f"security-group/{target.security_group_id or '*'}", tagged={} if target.security_group_id else mine
        ),
        **{f"ec2:{one}": named("ec2", f"{one}/*", tagged=mine) for one in ("security-group-rule", "vpc-endpoint")},
        **{f"ec2:{one}": named("ec2", f"{one}/*") for one in ("vpc", "subnet", "route-table")},
        "secretsmanager:Secret": [*named("secretsmanager", *secrets, *([master] if target.master_user_secret else [])), managed],
        "iam:role": [Resource((role(target, function), role(target, stop), role(target, f"{siblings}-stop")))],
        "iam:user": [Resource((f"{start}:iam::{account(target)}:user/*",))],
        "lambda:function": named("lambda", f"function:{function}"),
        "logs:log-group": named("logs", *logs, *(f"{one}:*" for one in logs)),
        "ssm:parameter": named("ssm", f"parameter/cruddur-ops/lock/{locks.instance(target)}"),
        "scheduler:schedule": named("scheduler", f"schedule/default/{stop}", f"schedule/default/{siblings}-stop"),
        "cognito-idp:userpool": named(
            "cognito-idp", f"userpool/{target.user_pool_id or '*'}", tagged={} if target.user_pool_id else mine
        ),
        "sns:topic": named("sns", *([target.notify] if target.notify.startswith("arn:") else [])),
        "kms:key": named("kms", key if key.startswith("arn:") else f"key/{key}"),
    }
