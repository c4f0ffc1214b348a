"""What the function is given: its role with one inline policy, and a log group that forgets."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cruddur_ops import aws, roles, tags
from cruddur_ops.calls import Call
from cruddur_ops.change import Action, Change
from cruddur_ops.cognito import names, policies
from cruddur_ops.roles import Role
from cruddur_ops.target import Target

POLICY = "post-confirmation"
RETENTION_DAYS = 30
AFTER_THE_SECRET = "known after 03_load_schema_and_seed, which makes the secret of cruddur_app"


def describe(target: Target) -> Role | None:
    """What has the name of the function's role, whoever's it is; None where there is none."""
    return roles.find(target, names.function_name(target), POLICY)


def changes(target: Target, found: Role | None, wanted: Mapping[str, Any] | None) -> list[Change]:
    """Create the role, or mend what differs in it; `wanted` is its policy, None while the secret in it is not there."""
    name = names.function_name(target)
    resource = f"role {name}"
    if wanted is None:
        return [Change(Action.CREATE if found is None else Action.NONE, resource, note=AFTER_THE_SECRET)]
    policy = roles.put_policy(name, POLICY, wanted)
    if found is None:
        after = "its log group, its secret, its network interfaces"
        creation = roles.creation(target, name, policies.trust(), names.description(target))
        return [Change(Action.CREATE, resource, after=after, calls=(creation, policy))]
    mended = []
    if found.trust != policies.trust():
        trusted = {"RoleName": name, "PolicyDocument": json.dumps(policies.trust())}
        call = Call("iam", "update_assume_role_policy", trusted)
        mended.append(Change(Action.MODIFY, resource, "trust", "another", "Lambda alone", calls=(call,)))
    if found.policy != wanted:
        mended.append(Change(Action.MODIFY, resource, "policy", "another", "least privilege", calls=(policy,)))
    return mended or [Change(Action.NONE, resource)]


@dataclass(frozen=True)
class LogGroup:
    """The function's log group: the days after which it forgets, 0 for never."""

    retention: int
    tags: Mapping[str, str] = field(default_factory=dict)
    protected: bool = False  # from deletion


def describe_log_group(target: Target) -> LogGroup | None:
    """What has the name of the function's log group; None where there is none."""
    name = names.log_group(target)
    for found in aws.pages(target, "logs", "describe_log_groups", logGroupNamePrefix=name):
        if found["logGroupName"] == name:
            arn = found["arn"].removesuffix(":*")
            labels = aws.find(target, "logs", "list_tags_for_resource", "ResourceNotFoundException", resourceArn=arn)
            protected = found.get("deletionProtectionEnabled", False)
            return LogGroup(found.get("retentionInDays", 0), labels["tags"] if labels else {}, protected)
    return None


def log_change(target: Target, log: LogGroup | None) -> Change:
    """Create the log group before Lambda does, whose own would keep everything for ever."""
    name = names.log_group(target)
    resource, after = f"log group {name}", f"{RETENTION_DAYS} days"
    retention = Call("logs", "put_retention_policy", {"logGroupName": name, "retentionInDays": RETENTION_DAYS})
    found = log.retention if log else None
    if found is None:
        creation = Call("logs", "create_log_group", {"logGroupName": name, "tags": tags.of(target)})
        return Change(Action.CREATE, resource, "retention", after=after, calls=(creation, retention))
    if found != RETENTION_DAYS:
        return Change(Action.MODIFY, resource, "retention", f"{found} days" if found else "for ever", after, calls=(retention,))
    return Change(Action.NONE, resource)
