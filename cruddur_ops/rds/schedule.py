"""The schedule that stops the DB instance anew when AWS has started it after seven days.

EventBridge Scheduler calls StopDBInstance itself, as a universal target (EventBridge Scheduler User Guide, "Using
universal targets"). It does so every hour: while the instance is stopped, RDS refuses, and nothing happens.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from cruddur_ops import aws, dependents, roles, tags
from cruddur_ops.calls import Call
from cruddur_ops.change import Action, Change, removal
from cruddur_ops.rds.instances import Instance
from cruddur_ops.roles import Role
from cruddur_ops.target import Target

STOP = "scheduler:::aws-sdk:rds:stopDBInstance"
EVERY = "rate(1 hour)"
POLICY = "stop-db-instance"
COST = "cost of the schedule: an hour or less of the instance in each week that it is to be stopped; the schedule itself is free"


def name(target: Target) -> str:
    """The name of the schedule, and of the IAM role that it acts with."""
    return f"{target.db_instance_identifier[:57]}-stop"  # 64 characters are allowed


def creations(target: Target, found: Instance) -> list[Change]:
    """What is missing of the schedule, its role and the role's policy is made; what is there and not ours is refused.

    A policy with another content is mended: with it the role could not stop the instance, or could do more than that.
    """
    role = roles.find(target, name(target), POLICY)
    there = dict(_looks(target, role))
    for resource, ours in there.items():
        if not ours:
            tags.require_ours(target, {}, resource)
    wanted = (_role(target, found), _policy(target, found, role.policy if role else {}), _schedule(target, found))
    return [Change(Action.NONE, one.resource) if one.action is Action.CREATE and one.resource in there else one for one in wanted]


def removals(target: Target) -> list[Change]:
    """What is there of the three is removed, so that nothing stops the instance any more; a role that others use stays."""
    there, called = present(target), name(target)
    policy, role = roles.deletion(called, POLICY)
    calls = {
        f"schedule {called}": Call("scheduler", "delete_schedule", {"Name": called}),
        f"policy of role {called}": policy,
        f"IAM role {called}": role,
    }
    return [removal(resource, call, kept=there[resource]) for resource, call in calls.items() if resource in there]


def present(target: Target) -> dict[str, str]:
    """Which of the three are there and ours, by the names that they have in plans: why each stays, empty for what can go."""
    called = name(target)
    found = [resource for resource, ours in _looks(target, roles.find(target, called, POLICY)) if ours]
    kept = dependents.of_role(target, called, POLICY) if f"IAM role {called}" in found else ""
    return {resource: "" if resource.startswith("schedule") else kept for resource in found}


def _looks(target: Target, role: Role | None) -> Iterator[tuple[str, bool]]:
    """Those of the three that are there, and whether each is ours.

    A schedule has no tags: it is ours if it stops this instance, and says that this runbook made it; and so is then
    the role of an earlier version, which it acts with.
    """
    called = name(target)
    schedule = aws.find(target, "scheduler", "get_schedule", "ResourceNotFoundException", Name=called)
    ours = schedule is not None and _stops(target, schedule)
    if schedule is not None:
        yield f"schedule {called}", ours
    if role:
        ours = tags.ours(target, role.tags) or (ours and tags.unclaimed(role.tags))
        if role.policy:
            yield f"policy of role {called}", ours
        yield f"IAM role {called}", ours


def _stops(target: Target, schedule: dict[str, Any]) -> bool:
    """Whether a schedule stops this instance, and is the runbook's."""
    action, made = schedule["Target"], schedule.get("Description", "").startswith(tags.MANAGED_BY)
    wanted = _input(target.db_instance_identifier)
    return made and str(action["Arn"]).endswith(f":{STOP}") and wanted == str(action.get("Input"))


def _input(identifier: str) -> str:
    """The parameters of StopDBInstance, spelt as in the AWS SDK for Java."""
    return json.dumps({"DbInstanceIdentifier": identifier})


def _role(target: Target, found: Instance) -> Change:
    """The role, which EventBridge Scheduler may take for schedules of this account alone."""
    called, account = name(target), found.arn.split(":")[4]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "scheduler.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": account}},
    }
    trust, description = roles.document([statement]), f"Lets EventBridge Scheduler stop {found.identifier}"
    call = roles.creation(target, called, trust, description, days=0)
    return Change(Action.CREATE, f"IAM role {called}", calls=(call,))


def policy(found: Instance) -> dict[str, Any]:
    """What the role may do: stop this instance, nothing else."""
    return roles.document([{"Effect": "Allow", "Action": "rds:StopDBInstance", "Resource": found.arn}])


def _policy(target: Target, found: Instance, before: Mapping[str, Any]) -> Change:
    resource, wanted = f"policy of role {name(target)}", policy(found)
    calls = (roles.put_policy(name(target), POLICY, wanted),)
    if before == wanted:
        return Change(Action.NONE, resource)
    if before:
        return Change(Action.MODIFY, resource, "content", "another", "to stop this instance alone", calls=calls)
    return Change(Action.CREATE, resource, calls=calls)


def _schedule(target: Target, found: Instance) -> Change:
    called, (_, partition, _, _, account, *_) = name(target), found.arn.split(":")
    action = {
        "Arn": f"arn:{partition}:{STOP}",
        "RoleArn": f"arn:{partition}:iam::{account}:role/{called}",
        "Input": _input(found.identifier),
        "RetryPolicy": {"MaximumRetryAttempts": 0},
    }
    parameters = {
        "Name": called,
        "Description": f"{tags.MANAGED_BY} {target.owner}: keeps {found.identifier} stopped",
        "ScheduleExpression": EVERY,
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": action,
    }
    # A role that was just made is not known everywhere yet (IAM User Guide, "Troubleshoot IAM": eventually consistent).
    call = Call("scheduler", "create_schedule", parameters, retry_code="ValidationException", retry_seconds=60)
    return Change(Action.CREATE, f"schedule {called}", after=f"stop it, {EVERY}", calls=(call,))
