"""What the function is given: its role with one inline policy, and a log group that forgets."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cruddur_ops import aws, tags
from cruddur_ops.calls import Call
from cruddur_ops.change import Action, Change
from cruddur_ops.cognito import names, policies
from cruddur_ops.target import Target

POLICY = "post-confirmation"
RETENTION_DAYS = 30
AFTER_THE_SECRET = "known after 03_load_schema_and_seed, which makes the secret of cruddur_app"


@dataclass(frozen=True)
class Role:
    """A role of IAM: who may be it, and its inline policy; an empty one where there is none."""

    trust: Mapping[str, Any]
    policy: Mapping[str, Any]
    tags: Mapping[str, str] = field(default_factory=dict)
    made: datetime | None = None


def describe(target: Target) -> Role | None:
    """What has the name of the function's role, whoever's it is; None where there is none."""
    name = names.function_name(target)
    found = aws.find(target, "iam", "get_role", aws.IAM_ABSENT_CODE, RoleName=name)
    if found is None:
        return None
    inline = aws.find(target, "iam", "get_role_policy", aws.IAM_ABSENT_CODE, RoleName=name, PolicyName=POLICY)
    labels, made = tags.as_mapping(found["Role"].get("Tags", [])), found["Role"]["CreateDate"]
    return Role(found["Role"]["AssumeRolePolicyDocument"], inline["PolicyDocument"] if inline else {}, labels, made)


def changes(target: Target, found: Role | None, wanted: Mapping[str, Any] | None) -> list[Change]:
    """Create the role, or mend what differs in it; `wanted` is its policy, None while the secret in it is not there."""
    name = names.function_name(target)
    resource = f"role {name}"
    if wanted is None:
        return [Change(Action.CREATE if found is None else Action.NONE, resource, note=AFTER_THE_SECRET)]
    given = {"RoleName": name, "PolicyName": POLICY, "PolicyDocument": json.dumps(wanted)}
    policy = Call("iam", "put_role_policy", given)
    if found is None:
        after = "its log group, its secret, its network interfaces"
        return [Change(Action.CREATE, resource, after=after, calls=(_creation(target), policy))]
    mended = []
    if found.trust != policies.trust():
        trusted = {"RoleName": name, "PolicyDocument": json.dumps(policies.trust())}
        call = Call("iam", "update_assume_role_policy", trusted)
        mended.append(Change(Action.MODIFY, resource, "trust", "another", "Lambda alone", calls=(call,)))
    if found.policy != wanted:
        mended.append(Change(Action.MODIFY, resource, "policy", "another", "least privilege", calls=(policy,)))
    return mended or [Change(Action.NONE, resource)]


def _creation(target: Target) -> Call:
    given = {
        "RoleName": names.function_name(target),
        "AssumeRolePolicyDocument": json.dumps(policies.trust()),
        "Description": f"Writes confirmed users into the database of {target.db_instance_identifier}",
        "Tags": tags.as_list(tags.of(target) | {tags.REGION: target.region}),
    }
    return Call("iam", "create_role", given)


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
