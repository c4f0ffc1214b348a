"""The DB parameter group of a new major version: what somebody set in the present one is carried over.

A group of AWS's own (`default.postgres16`) needs none: RDS puts the instance into that of the new version. Planning raises
WrongInput where a group of the name is there and is not this target's.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from cruddur_ops import aws, tags
from cruddur_ops.calls import Call
from cruddur_ops.change import Action, Change, removal
from cruddur_ops.plan import Plan, step
from cruddur_ops.rds import instances, upgrade_paths
from cruddur_ops.rds.instances import Instance
from cruddur_ops.rds.offers import ENGINE, major
from cruddur_ops.target import Target

ABSENT_CODE = "DBParameterGroupNotFound"
MOST = 20  # parameters of a request (ModifyDBParameterGroup)
AT_REBOOT = "pending-reboot"  # fits every parameter; the upgrade restarts the server


def wanted(target: Target, found: Instance, version: str) -> str:
    """The group for that version: what was asked for, the present one in the same major, else our own; empty for AWS's own."""
    asked = target.db_parameter_group_name if target.asked("db_parameter_group_name") else ""
    if asked not in ("", found.parameter_group):
        return asked
    if major(version) == major(found.engine_version):
        return found.parameter_group
    return "" if found.parameter_group.startswith("default.") else name(target, version)


def parameter_group(target: Target, version: str) -> str:
    """The group of the target's instance for that version; empty where AWS's own does it."""
    return wanted(target, instances.require(target), version)


def name(target: Target, version: str) -> str:
    """What the runbook calls its own."""
    return f"{target.db_instance_identifier}-{ENGINE}{major(version)}"


@step
def plan_parameter_group(target: Target, version: str) -> Plan:
    """Make the group for the next step towards a version, with the values of the present one that the new version knows.

    The facts name the others.
    """
    title, found = f"parameter group on {target.name}", instances.describe(target)
    if found is None:
        note = "known after the DB instance is there"
        return Plan(title, (Change(Action.CREATE, "parameter group of the new version", note=note),))
    version = upgrade_paths.upgrade_path(target, version).next
    group = wanted(target, found, version)
    if group != name(target, version):
        chosen = group or f"default.{ENGINE}{major(version)}"
        note = "comes with the version" if chosen.startswith("default.") else "is yours"
        return Plan(title, (Change(Action.NONE, f"parameter group {chosen}", note=note),))
    known = {row["ParameterName"]: row for row in upgrade_paths.defaults(target, version)}
    own = values(target, found.parameter_group)
    lost = {key: why for key, value in own.items() if (why := _unfit(known.get(key), value))}
    carried = {key: value for key, value in own.items() if key not in lost}
    changes = tuple(changes_of(target, group, f"{ENGINE}{major(version)}", carried))
    return Plan(title, changes, tuple(f"WARNING: {key} = {own[key]} is left behind: {why}" for key, why in lost.items()))


def values(target: Target, group: str) -> dict[str, str]:
    """What somebody set in a group, by name; nothing where there is none."""
    found = aws.pages(target, "rds", "describe_db_parameters", ABSENT_CODE, DBParameterGroupName=group, Source="user")
    return {row["ParameterName"]: row["ParameterValue"] for row in found if "ParameterValue" in row}


def _unfit(known: Mapping[str, Any] | None, value: str) -> str:
    """Why a value cannot be carried over; empty where it can."""
    if known is None:
        return "the new version does not know it"
    if not known["IsModifiable"]:
        return "nobody sets it in the new version"
    allowed = [one.strip() for one in known.get("AllowedValues", "").split(",")]
    missing = [one for one in value.split(",") if one.strip() not in allowed] if len(allowed) > 1 else []
    return f"the new version allows {', '.join(allowed)}" if missing else ""


def changes_of(target: Target, group: str, family: str, own: Mapping[str, str]) -> Iterator[Change]:
    """Make a group of the target's own, or bring it to these values."""
    resource, found = f"parameter group {group}", _described(target, group)
    if not found:
        labels, about = tags.as_list(tags.of(target)), f"For {target.db_instance_identifier}"
        parameters = {"DBParameterGroupName": group, "DBParameterGroupFamily": family, "Description": about, "Tags": labels}
        yield Change(Action.CREATE, resource, after=family, calls=(Call("rds", "create_db_parameter_group", parameters),))
    there = values(target, group) if found else {}
    differing = [(key, value) for key, value in own.items() if there.get(key) != value]
    for first in range(0, len(differing), MOST):
        part = differing[first : first + MOST]
        asked = [{"ParameterName": key, "ParameterValue": value, "ApplyMethod": AT_REBOOT} for key, value in part]
        call = Call("rds", "modify_db_parameter_group", {"DBParameterGroupName": group, "Parameters": asked})
        for number, (key, value) in enumerate(part):
            yield Change(Action.MODIFY, resource, key, there.get(key), value, calls=() if number else (call,))
    if found and not differing:
        yield Change(Action.NONE, resource)


def _described(target: Target, group: str) -> Mapping[str, Any]:
    """The group as RDS describes it, if it is this target's; empty where there is none."""
    answer = aws.find(target, "rds", "describe_db_parameter_groups", ABSENT_CODE, DBParameterGroupName=group)
    if answer is None:
        return {}
    [found] = answer["DBParameterGroups"]
    labels = instances.labels(target, found["DBParameterGroupArn"])
    tags.require_ours(target, labels, f"parameter group {group}")
    return dict(found)


def removals(target: Target, *groups: str) -> Iterator[Change]:
    """Remove groups that the runbook made for this target; RDS removes none that an instance has."""
    for group in groups:
        if _described(target, group):
            call = Call("rds", "delete_db_parameter_group", {"DBParameterGroupName": group})
            yield removal(f"parameter group {group}", call)
