"""The database on the server: how to connect, and the steps that create, load and seed it."""

from cruddur_ops.database.blocking import staged_block
from cruddur_ops.database.creation import create, plan_create
from cruddur_ops.database.drop import drop, plan_drop
from cruddur_ops.database.facts import connection_facts, counts
from cruddur_ops.database.inspection import inspect
from cruddur_ops.database.instance import connected, replica_lag, require_upgradable, upgrade_problems, wait_until_caught_up
from cruddur_ops.database.killing import kill_sessions, plan_kill
from cruddur_ops.database.migrating import migrate, plan_migrations, plan_rollback, rollback
from cruddur_ops.database.migrations import new_migration
from cruddur_ops.database.proof import forget_markers, mark, markers, next_second, prove
from cruddur_ops.database.roles import ensure_roles, plan_roles
from cruddur_ops.database.schema import load_schema, plan_schema, schema_checksum
from cruddur_ops.database.seeding import plan_seed, seed
from cruddur_ops.database.sessions import sessions
from cruddur_ops.database.statement_statistics import keep_statement_statistics, plan_statement_statistics, slowest
from cruddur_ops.database.statements import rows
from cruddur_ops.database.status import status
from cruddur_ops.database.steps import setup

__all__ = [
    "connected",
    "connection_facts",
    "counts",
    "create",
    "drop",
    "ensure_roles",
    "forget_markers",
    "inspect",
    "keep_statement_statistics",
    "kill_sessions",
    "load_schema",
    "mark",
    "markers",
    "migrate",
    "new_migration",
    "next_second",
    "plan_create",
    "plan_drop",
    "plan_kill",
    "plan_migrations",
    "plan_roles",
    "plan_rollback",
    "plan_schema",
    "plan_seed",
    "plan_statement_statistics",
    "prove",
    "replica_lag",
    "require_upgradable",
    "rollback",
    "rows",
    "schema_checksum",
    "seed",
    "sessions",
    "setup",
    "slowest",
    "staged_block",
    "status",
    "upgrade_problems",
    "wait_until_caught_up",
]
