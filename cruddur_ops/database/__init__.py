"""The database on the server: how to connect, and the steps that create, load and seed it."""

from cruddur_ops.database.after_upgrade import plan_after_upgrade, verify_version
from cruddur_ops.database.blocking import staged_block
from cruddur_ops.database.blue_green import behind, green, upgrade_choice
from cruddur_ops.database.blue_green import obstacles as blue_green_obstacles
from cruddur_ops.database.checksum import forget_markers, mark, markers, next_second, prove
from cruddur_ops.database.creation import plan_create
from cruddur_ops.database.instance import connected, replica_lag, wait_until_caught_up, wait_until_reachable
from cruddur_ops.database.practice import plan_practice_data
from cruddur_ops.database.prechecks import blockers, plan_mend, prechecks
from cruddur_ops.database.recovery import plan_recover
from cruddur_ops.database.roles import plan_roles
from cruddur_ops.database.schema import plan_migrations, plan_schema, schema_checksum
from cruddur_ops.database.seeding import plan_seed
from cruddur_ops.database.sessions import sessions
from cruddur_ops.database.statement_statistics import plan_statement_statistics, slowest
from cruddur_ops.database.status import connection_facts, connection_limit, counts, inspect, sizes, status
from cruddur_ops.database.steps import require_possible

__all__ = [
    "behind",
    "blockers",
    "blue_green_obstacles",
    "connected",
    "connection_facts",
    "connection_limit",
    "counts",
    "forget_markers",
    "green",
    "inspect",
    "mark",
    "markers",
    "next_second",
    "plan_after_upgrade",
    "plan_create",
    "plan_mend",
    "plan_migrations",
    "plan_practice_data",
    "plan_recover",
    "plan_roles",
    "plan_schema",
    "plan_seed",
    "plan_statement_statistics",
    "prechecks",
    "prove",
    "replica_lag",
    "require_possible",
    "schema_checksum",
    "sessions",
    "sizes",
    "slowest",
    "staged_block",
    "status",
    "upgrade_choice",
    "verify_version",
    "wait_until_caught_up",
    "wait_until_reachable",
]
