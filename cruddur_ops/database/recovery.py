"""Rows that somebody deleted or changed: brought back from a restored copy, into the live table.

A plan raises what `staging` does; WrongInput where the copy belongs to another environment, or tables refer to each other
in a circle.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from graphlib import CycleError, TopologicalSorter
from hashlib import sha256

from cruddur_ops.database import label
from cruddur_ops.database.connection import Connection, connect
from cruddur_ops.database.errors import ConnectionTimedOut, DatabaseMissing
from cruddur_ops.database.location import database_name
from cruddur_ops.database.planning import planned
from cruddur_ops.database.staging import Staging, Table, listed, refused
from cruddur_ops.database.statements import ask, compose
from cruddur_ops.errors import InstanceNotReady, WrongInput
from cruddur_ops.plan import Action, Change, Outcome, Plan, step
from cruddur_ops.rds.restores import sibling
from cruddur_ops.target import Target

IN_THE_WAY = "correct what is in the way with `cruddur-ops db connect`, then repeat; nothing was changed"
LISTED = 50  # rows of a table that are shown one by one


@step
def plan_recover(target: Target, table: str, where: str, copy: str) -> Plan:
    """Bring back the rows of a table that a copy has, and the live table lacks or has otherwise.

    What they refer to comes along where it is gone too, and so does what went with them. Rows that came since stay.

    Args:
        table: its name, with the schema's before it where that is not public.
        where: a condition of SQL, for rows of the copy.
        copy: the DB instance that has the copy; behind a connection URL a database of the same server.
    """
    absent = Change(Action.NONE, f"table {table}", note="there is no table yet")
    return planned(target, "Recovery", partial(_found, target, table, where, copy), absent)


def _found(target: Target, table: str, where: str, copy: str, connection: Connection) -> Iterator[Change]:
    with _copy_of(target, copy) as other:
        staging = Staging(connection, other)
        fitting = staging.bring(table, where)
    changes = [change for one in _in_order(staging) for change in _compared(connection, one)]
    yield from changes
    if not changes:
        yield Change(Action.NONE, f"table {table}", note=f"{fitting:,} of {copy} fit, and are here as they are there")


@contextmanager
def _copy_of(target: Target, copy: str) -> Iterator[Connection]:
    if target.connection_url and copy in ("", database_name(target)):
        raise WrongInput(f"{copy!a} is no copy of {database_name(target)}: name the database that has the rows as they were")
    place, database = (target, copy) if target.connection_url else (sibling(target, copy), None)
    try:
        opened = connect(place, database)
    except (ConnectionTimedOut, DatabaseMissing, InstanceNotReady) as error:
        raise WrongInput(f"the copy {copy} cannot be read: {error}") from error
    with opened as connection:
        connection.read_only = True
        label.require_same(target, label.read(connection, database or database_name(place)))
        yield connection


def _in_order(staging: Staging) -> list[Table]:
    graph: dict[str, set[str]] = {name: set() for name in staging.tables}
    for one in staging.references():
        if one["child"] in graph and one["parent"] in graph and one["child"] != one["parent"]:
            graph[one["child"]].add(one["parent"])
    try:
        return [staging.tables[name] for name in TopologicalSorter(graph).static_order()]
    except CycleError as error:
        raise WrongInput("the tables refer to each other in a circle: recover these rows by hand") from error


def _compared(connection: Connection, table: Table) -> Iterator[Change]:
    key = listed(table.key, "copied")
    lacking = ask(connection, compose("recovery/lacking", **{**table.names, "columns": key}))
    differing = ask(connection, compose("recovery/differing", **table.names))
    yield from _changes(connection, table, Action.CREATE, {row["key"]: "" for row in lacking})
    yield from _changes(connection, table, Action.MODIFY, {row["key"]: ", ".join(row["columns"]) for row in differing})


def _changes(connection: Connection, table: Table, action: Action, rows: dict[str, str]) -> list[Change]:
    """A change for each row, by its key; for many a single one. The first makes all."""
    make = partial(_made, connection, table, "recovery/insert" if action is Action.CREATE else "recovery/update")
    if len(rows) > LISTED:
        digest = sha256("".join(f"{key}{columns}" for key, columns in rows.items()).encode()).hexdigest()[:8]
        many = Change(action, f"rows of {table.name}", "rows", after=f"{len(rows):,}, whose keys come to {digest}")
        counted = Outcome(created=len(rows)) if action is Action.CREATE else Outcome(changed=len(rows))
        return [replace(many, make=partial(make, counted))]
    shown = [Change(action, f"row {_key(key)} of {table.name}", columns) for key, columns in rows.items()]
    return [replace(one, make=make) for one in shown[:1]] + shown[1:]


def _key(text: str) -> str:
    return ", ".join(map(str, json.loads(text)))


def _made(connection: Connection, table: Table, statement: str, counted: Outcome | None = None) -> Outcome | None:
    """What it came to, unless each row has its own line."""
    with refused(f"{table.name} does not take its rows back", IN_THE_WAY):
        ask(connection, compose(statement, **table.names))
    return counted
