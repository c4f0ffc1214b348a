"""The database on the server: how to connect, and the steps that create, load and seed it."""

from cruddur_ops.database.blocking import staged_block
from cruddur_ops.database.checksum import forget_markers, mark, markers, next_second, prove
from cruddur_ops.database.creation import plan_create
from cruddur_ops.database.drop import plan_drop
from cruddur_ops.database.expire import plan_expire
from cruddur_ops.database.facts import connection_facts, counts, inspect
from cruddur_ops.database.instance import connected, replica_lag, require_upgradable, wait_until_caught_up
from cruddur_ops.database.killing import plan_kill
from cruddur_ops.database.roles import plan_roles
from cruddur_ops.database.schema import new_migration, plan_migrations, plan_rollback, plan_schema, schema_checksum
from cruddur_ops.database.seeding import plan_seed
from cruddur_ops.database.sessions import sessions
from cruddur_ops.database.statement_statistics import plan_statement_statistics, slowest
from cruddur_ops.database.statements import rows
from cruddur_ops.database.status import status
from cruddur_ops.database.steps import setup
from cruddur_ops.database.synthetic import plan_load

__all__ = [
    "connected",
    "connection_facts",
    "counts",
    "forget_markers",
    "inspect",
    "mark",
    "markers",
    "new_migration",
    "next_second",
    "plan_create",
    "plan_drop",
    "plan_expire",
    "plan_kill",
    "plan_load",
    "plan_migrations",
    "plan_roles",
    "plan_rollback",
    "plan_schema",
    "plan_seed",
    "plan_statement_statistics",
    "prove",
    "replica_lag",
    "require_upgradable",
    "rows",
    "schema_checksum",
    "sessions",
    "setup",
    "slowest",
    "staged_block",
    "status",
    "wait_until_caught_up",
]
