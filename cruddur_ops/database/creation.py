"""The database itself: created where it is missing, owned by the schema's owner, stamped with its environment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg import sql

from cruddur_ops.database import stamp
from cruddur_ops.database.location import database_name
from cruddur_ops.database.planning import Step, perform, plan_of, planned, require_agreement
from cruddur_ops.database.refusals import told
from cruddur_ops.database.roles import OWNER, owner_steps
from cruddur_ops.database.server import on_server
from cruddur_ops.database.statements import compose
from cruddur_ops.plan import Action, Change, Outcome, Plan
from cruddur_ops.targets import Target


def plan_create(target: Target) -> Plan:
    """What `create` would do.

    Raises:
        StampDiffers: the database belongs to another environment.
    """
    absent = Change(Action.CREATE, f"database {database_name(target)}")
    return planned(target, "Database", lambda: _changes(target), absent)


def create(target: Target, confirm: str = "") -> Outcome:
    """Create the database where it is missing: in UTF-8, owned by cruddur_owner, stamped with the target's name.

    Raises:
        ConfirmationRequired: the target is protected and `confirm` is not its DB instance identifier.
        StampDiffers: the database belongs to another environment.
        NotPermitted: the user may not create databases or roles.
        RunInProgress: somebody else created it since.
        DatabaseUnreachable: no connection came about.
    """
    with on_server(target) as connection, told():
        steps = list(_steps(connection, target))
        outcome = require_agreement(plan_of("Database", target, steps), target, confirm)
        perform(connection, steps)
        return outcome


def _changes(target: Target) -> list[Change]:
    with on_server(target) as connection, told():
        return [step.change for step in _steps(connection, target)]


def _steps(connection: psycopg.Connection[Any], target: Target) -> Iterator[Step]:
    """What is there, compared with what is wanted."""
    yield from owner_steps(connection)
    name = database_name(target)
    found = stamp.find(connection, name)
    environment = stamp.stamped(found["comment"]) if found else ""
    stamp.require_same(target, environment)
    database, names = f"database {name}", {"database": name, "owner": OWNER}
    if not found:
        yield Step(Change(Action.CREATE, database), compose("operations/create_database", **names))
    elif found["owner"] != OWNER:
        change = Change(Action.MODIFY, database, "owner", found["owner"], OWNER)
        yield Step(change, compose("operations/own_database", **names))
    if found and environment:
        yield Step(Change(Action.NONE, database, "environment", after=environment))
    else:
        comment = sql.Literal(stamp.with_stamp(found["comment"] if found else "", target.name))
        change = Change(Action.MODIFY if found else Action.CREATE, database, "environment", after=target.name)
        yield Step(change, compose("operations/stamp", database=name, comment=comment))
