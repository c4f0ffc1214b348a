"""The database itself: created where it is missing, owned by the schema's owner, labelled with its environment."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from psycopg import sql

from cruddur_ops.database import label
from cruddur_ops.database.connection import Connection
from cruddur_ops.database.location import database_name
from cruddur_ops.database.planning import by_statement, on_server, planned
from cruddur_ops.database.roles import OWNER, owner_changes
from cruddur_ops.database.statements import compose
from cruddur_ops.plan import Action, Change, Plan, step
from cruddur_ops.targets import Target


@step
def plan_create(target: Target) -> Plan:
    """The database of the target: in UTF-8, owned by cruddur_owner, labelled with the target's name.

    Raises WrongInput where it belongs to another environment.
    """
    absent = Change(Action.CREATE, f"database {database_name(target)}")
    return planned(target, "Database", partial(_changes, target), absent, on_server)


def _changes(target: Target, connection: Connection) -> Iterator[Change]:
    """What is there, compared with what is wanted."""
    yield from owner_changes(connection)
    name = database_name(target)
    found = label.find(connection, name)
    environment = label.labelled(found["comment"]) if found else ""
    label.require_same(target, environment)
    database, names = f"database {name}", {"database": name, "owner": OWNER}
    if not found:
        change = Change(Action.CREATE, database)
        yield by_statement(connection, change, compose("operations/create_database", **names))
    elif found["owner"] != OWNER:
        change = Change(Action.MODIFY, database, "owner", found["owner"], OWNER)
        yield by_statement(connection, change, compose("operations/own_database", **names))
    if found and environment:
        yield Change(Action.NONE, database, "environment", after=environment)
    else:
        comment = sql.Literal(label.with_label(found["comment"] if found else "", target.name))
        change = Change(Action.MODIFY if found else Action.CREATE, database, "environment", after=target.name)
        yield by_statement(connection, change, compose("operations/label", database=name, comment=comment))
