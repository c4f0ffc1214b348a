"""The DB instance and its whole life: what RDS offers, what is wanted, what was found, and the plans between them."""

from cruddur_ops.network.groups import plan_group
from cruddur_ops.rds.alarms import plan_alarms
from cruddur_ops.rds.blue_green import chosen as by_blue_green
from cruddur_ops.rds.blue_green import (
    plan_blue_green_removal,
    plan_blue_green_switchover,
    plan_deployment,
    predecessor,
)
from cruddur_ops.rds.drill import Drill, plan_clear, plan_drill, plan_return
from cruddur_ops.rds.drill import name as sibling_name
from cruddur_ops.rds.health import look
from cruddur_ops.rds.history import history
from cruddur_ops.rds.instances import describe
from cruddur_ops.rds.inventory import find as leftovers
from cruddur_ops.rds.inventory import verify_gone
from cruddur_ops.rds.parameter_groups import parameter_group, plan_parameter_group
from cruddur_ops.rds.passwords import plan_managed, plan_own
from cruddur_ops.rds.power import plan_start, plan_stop
from cruddur_ops.rds.practice import plan_practice, plan_practice_removal, practice, practising
from cruddur_ops.rds.provisioning import offer, plan_both, plan_instance
from cruddur_ops.rds.replicas import plan_promote, plan_replica
from cruddur_ops.rds.restores import plan_restore, plan_restore_to_time, sibling
from cruddur_ops.rds.snapshots import plan_snapshot
from cruddur_ops.rds.switchover import plan_switchover
from cruddur_ops.rds.teardown import plan_teardown
from cruddur_ops.rds.upgrade import plan_later, plan_upgrade
from cruddur_ops.rds.upgrade_paths import support, upgrade_path
from cruddur_ops.rds.waiting import wait, wait_until_restorable, wait_until_steady

__all__ = [
    "Drill",
    "by_blue_green",
    "describe",
    "history",
    "leftovers",
    "look",
    "offer",
    "plan_alarms",
    "plan_blue_green_removal",
    "plan_blue_green_switchover",
    "plan_both",
    "plan_clear",
    "plan_deployment",
    "plan_drill",
    "plan_group",
    "plan_instance",
    "parameter_group",
    "plan_later",
    "plan_managed",
    "plan_own",
    "plan_parameter_group",
    "plan_practice",
    "plan_practice_removal",
    "plan_promote",
    "plan_replica",
    "plan_restore",
    "plan_restore_to_time",
    "plan_return",
    "plan_snapshot",
    "plan_start",
    "plan_stop",
    "plan_switchover",
    "plan_teardown",
    "plan_upgrade",
    "practice",
    "predecessor",
    "practising",
    "sibling",
    "sibling_name",
    "support",
    "upgrade_path",
    "verify_gone",
    "wait",
    "wait_until_restorable",
    "wait_until_steady",
]
