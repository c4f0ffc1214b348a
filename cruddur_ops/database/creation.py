"""The database itself: created where it is missing, owned by the schema's owner, labelled with its environment."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from psycopg import sql

from cruddur_ops.database import label
from cruddur_ops.database.connection import Connection
from cruddur_ops.database.location import database_name
from cruddur_ops.database.planning import by_statement, on_server, planned
from cruddur_ops.database.roles import OWNER, owner_changes
from cruddur_ops.database.statements import compose
from cruddur_ops.plan import Action, Change, Plan, step
from cruddur_ops.target import Target


@step
def plan_create(target: Target) -> Plan:
    """The database of the target: in UTF-8, owned by cruddur_owner, labelled with the target's name.

    Raises WrongInput where it belongs to another environment.
    """
    absent = Change(Action.CREATE, f"database {database_name(target)}")
    return planned(target, "Database", partial(_changes, target), absent, on_server)


@step
def plan_adopt(target: Target) -> Plan:
    """The label on a database that holds something and has none, for which the database's name is typed.

    Raises WrongInput where it is labelled as another environment's.
    """
    absent = Change(Action.NONE, f"database {database_name(target)}", note="there is none")

    def find(connection: Connection) -> Iterator[Change]:
        found = label.find(connection, database_name(target))
        yield from owner_changes(connection) if found else ()
        yield _label(target, connection, found) if found else absent

    plan = planned(target, "Adoption", find, absent, on_server, asks=database_name(target), whose=label.compare)
    return replace(plan, asks_always=True)


def _changes(target: Target, connection: Connection) -> Iterator[Change]:
    yield from owner_changes(connection)
    name = database_name(target)
    found = label.find(connection, name)
    database, names = f"database {name}", {"database": name, "owner": OWNER}
    if not found:
        change = Change(Action.CREATE, database)
        yield by_statement(connection, change, compose("operations/create_database", **names))
    elif found["owner"] != OWNER:
        change = Change(Action.MODIFY, database, "owner", found["owner"], OWNER)
        yield by_statement(connection, change, compose("operations/own_database", **names))
    yield _label(target, connection, found)


def _label(target: Target, connection: Connection, found: Mapping[str, Any] | None) -> Change:
    """The label of a database, which may be about to be created."""
    name, comment = database_name(target), found["comment"] if found else ""
    if environment := label.labelled(comment):
        return Change(Action.NONE, f"database {name}", "environment", after=environment)
    text = sql.Literal(label.with_label(comment, target.name))
    change = Change(Action.MODIFY if found else Action.CREATE, f"database {name}", "environment", after=target.name)
    return by_statement(connection, change, compose("operations/label", database=name, comment=text))
