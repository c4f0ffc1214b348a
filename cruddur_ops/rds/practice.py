"""Something to practise an upgrade on: in the sandbox, an instance of an older major beside the target's, which stays as it is.

On any other target nothing is made, and the target's own instance is meant.
"""

from dataclasses import replace
from functools import partial

from cruddur_ops.change import Action, Change
from cruddur_ops.network import groups
from cruddur_ops.plan import Plan, step
from cruddur_ops.rds import (
    drill,
    instances,
    parameter_groups,
    provisioning,
    replicas,
    snapshots,
    teardown,
    upgrade_paths,
    waiting,
)
from cruddur_ops.rds.offers import ENGINE
from cruddur_ops.target import Target

WORD = "practice"
# What its parameter group has: a value that is carried over, and one of a parameter that went with PostgreSQL 17.
LOGICAL = {"rds.logical_replication": "1"}  # that blue/green asks for
VALUES = {"log_min_duration_statement": "500", "old_snapshot_threshold": "60"}


def practice(target: Target, major: str) -> Target:
    """The target to upgrade: in the sandbox, where a major is named, an instance of that; else the given one.

    It has the security group of the original, so that whoever is let in there is let in here.
    """
    if not major or not target.sandbox or target.protected or target.connection_url:
        return target
    group = groups.describe(target)
    name = drill.name(target, WORD)
    made = {
        "engine_version": major,
        "security_group_id": group.id if group else "",
        "db_parameter_group_name": f"{name}-{ENGINE}{major}",
        "backup_retention_period": target.backup_retention_period or 1,
        "deletion_protection": False,
    }
    confirm = name if target.confirm == target.db_instance_identifier else target.confirm
    new = replace(target.asking("practice", **made), db_instance_identifier=name, confirm=confirm)
    return replace(new, original=target.db_instance_identifier)


def practising(target: Target) -> bool:
    """Whether it is one to practise on."""
    return target.sandbox and target.sources.get("backup_retention_period") == "practice"


@step
def plan_practice(target: Target, *, logical: bool = False) -> Plan:
    """Make it, with a parameter group of its own, on request for logical replication; a target that is none has its instance."""
    title, resource = f"practice on {target.name}", f"DB instance {target.db_instance_identifier}"
    if not practising(target):
        return Plan(title, (Change(Action.NONE, resource, note="is the one to upgrade"),))
    found = instances.describe(target)
    if found:
        note, settle = f"runs PostgreSQL {found.engine_version}", partial(waiting.wait, target)
        return Plan(title, (Change(Action.NONE, resource, note=note, settle=settle),))
    if not target.security_group_id:
        return Plan(title, (Change(Action.CREATE, resource, note="known after 01_provision_rds"),))
    name, family = target.db_parameter_group_name, f"{ENGINE}{target.engine_version}"
    known = {row["ParameterName"] for row in upgrade_paths.defaults(target, target.engine_version)}
    asked = VALUES | (LOGICAL if logical else {})
    values = {name: value for name, value in asked.items() if name in known}
    group = parameter_groups.changes_of(target, name, family, values)
    return Plan(title, (*group, *provisioning.plan_instance(target).changes))


@step
def plan_practice_removal(target: Target, copy: str, snapshot: str) -> Plan:
    """Remove what the practice made; of a target that is none the copy alone, since the snapshot is its way back.

    Args:
        target: the one to practise on.
        copy: the instance on which the way back was tried.
        snapshot: that it was made of.
    """
    title, copies = f"removal of the practice on {target.name}", replicas.plan_delete(target, copy).changes
    if not practising(target):
        return Plan(title, copies)
    removed = teardown.plan_teardown(target, teardown.NONE).changes
    group = parameter_groups.removals(target, target.db_parameter_group_name)
    others = [change for change in group if change.resource not in [one.resource for one in removed]]
    return Plan(title, (*snapshots.plan_delete_snapshot(target, snapshot).changes, *copies, *removed, *others))
