"""What a major upgrade leaves to do in the databases of a server: newer extensions, and statistics for the planner."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from psycopg import sql

from cruddur_ops.change import Action, Change
from cruddur_ops.database.connection import Connection
from cruddur_ops.database.errors import DatabaseUnreachable
from cruddur_ops.database.location import database_name
from cruddur_ops.database.planning import in_database, on_server, planned
from cruddur_ops.database.statements import ask, compose
from cruddur_ops.errors import InstanceNotReady, NotVerified
from cruddur_ops.plan import Plan, Verified, step
from cruddur_ops.rds import instances, offers
from cruddur_ops.target import Target

DONE = "its tables were looked through"
Work = tuple[Change, str | sql.Composed | None]  # and the statement that makes it, where the user who connects may


@step
def plan_after_upgrade(target: Target, *, extensions: bool = True) -> Plan:
    """Bring the extensions of all databases to what the server has, and look through all tables; pg_upgrade does neither.

    Args:
        target: whose server.
        extensions: whether they are meant too, which a server that only reads does not allow.
    """
    own = database_name(target)

    def find(connection: Connection) -> Iterator[Change]:
        for change, statement in _left(connection, own, extensions):
            yield replace(change, make=partial(ask, connection, statement)) if statement else change
        for row in ask(connection, "upgrade/databases"):
            if row["name"] != own:
                yield from _elsewhere(target, row["name"], extensions)

    later = Change(Action.MODIFY, f"database {own}", "statistics", after="new", note="known after the upgrade")
    return planned(target, "After the upgrade", find, later, in_database)


def _elsewhere(target: Target, name: str, extensions: bool) -> list[Change]:
    """The same in another database of the server; nothing is said of one in which nothing is left to do."""
    try:
        with on_server(target, True, name) as connection:
            found = [*_left(connection, name, extensions, f" of database {name}")]
    except DatabaseUnreachable:
        note = "lets nobody in as this user: its owner updates its extensions, and looks through its tables with ANALYZE"
        return [Change(Action.NONE, f"database {name}", note=note)]
    made = [replace(change, make=partial(_make, target, name, statement)) for change, statement in found if statement]
    return made + [change for change, statement in found if not statement and change.note != DONE]


def _make(target: Target, name: str, statement: str | sql.Composed) -> None:
    with on_server(target, database=name) as connection:
        ask(connection, statement)


def _left(connection: Connection, database: str, extensions: bool, where: str = "") -> Iterator[Work]:
    """What is left to do in a database: with a statement, or for somebody else."""
    for row in ask(connection, "upgrade/extensions") if extensions else ():
        name, versions = f"extension {row['name']}{where}", (row["installed"], row["offered"])
        if row["allowed"] and row["installed"] != row["offered"]:
            statement = compose("upgrade/update_extension", name=row["name"])
            yield Change(Action.MODIFY, name, "version", *versions), statement
        elif row["installed"] != row["offered"]:
            yield (
                Change(Action.NONE, name, note=f"{' -> '.join(versions)} is its owner's to make: ALTER EXTENSION ... UPDATE"),
                None,
            )
    (found,) = ask(connection, "upgrade/not_analyzed")
    name, others = f"database {database}", f"{found['others']} tables are their owners' to ANALYZE"
    if found["tables"]:
        note = "; ".join(["reads a sample of each table", *([others] if found["others"] else [])])
        yield Change(Action.MODIFY, name, "statistics", after="new", note=note), "upgrade/analyze"
    else:
        yield Change(Action.NONE, name, note=others if found["others"] else DONE), None


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
