"""What a major upgrade leaves to do in a database: newer versions of the extensions, and statistics for the planner."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from cruddur_ops.change import Action, Change
from cruddur_ops.database.connection import Connection
from cruddur_ops.database.location import database_name
from cruddur_ops.database.planning import in_database, planned
from cruddur_ops.database.statements import ask, compose
from cruddur_ops.errors import InstanceNotReady, NotVerified
from cruddur_ops.plan import Plan, Verified, step
from cruddur_ops.rds import instances, offers
from cruddur_ops.target import Target


@step
def plan_after_upgrade(target: Target) -> Plan:
    """Bring the extensions to what the server has, and look through all tables; pg_upgrade does neither."""
    name = f"database {database_name(target)}"

    def find(connection: Connection) -> Iterator[Change]:
        for row in ask(connection, "upgrade/extensions"):
            if row["installed"] != row["offered"]:
                make = partial(ask, connection, compose("upgrade/update_extension", name=row["name"]))
                yield Change(Action.MODIFY, f"extension {row['name']}", "version", row["installed"], row["offered"], make=make)
        (found,) = ask(connection, "upgrade/not_analyzed")
        make = partial(ask, connection, compose("upgrade/analyze"))
        change = Change(Action.MODIFY, name, "statistics", after="new", note="reads a sample of each table", make=make)
        yield change if found["tables"] else Change(Action.NONE, name, note="its tables were looked through")

    later = Change(Action.MODIFY, name, "statistics", after="new", note="known after the upgrade")
    return planned(target, "After the upgrade", find, later, in_database)


def verify_version(target: Target, version: str) -> Verified:
    """Ask the server itself: what RDS says of a version is not what runs, until it runs."""
    with in_database(target, True) as connection:
        found = str(connection.info.server_version // 10_000)
    instance = instances.require(target)
    said = instance.engine_version
    if "EngineVersion" in instance.pending:
        waits = f"the upgrade of {instance.identifier} waits for the maintenance window {instance.maintenance_window}"
        raise InstanceNotReady(f"{waits}: run this again after it, and it goes on here")
    if {found, offers.major(said)} != {offers.major(version)}:
        raise NotVerified(f"PostgreSQL {found} runs, RDS says {said}, and {version} was wanted: see `cruddur-ops rds logs`")
    return Verified(f"verified: PostgreSQL {offers.major(version)} runs, and RDS says the same")
