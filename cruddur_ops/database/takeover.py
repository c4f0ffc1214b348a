"""A database that another schema made, taken over with its data: every difference planned, and made in one transaction.

sql/schema.sql is loaded into a schema of its own, the rows are brought over, and its tables take the place of those that
are there. Planning does all of that but the last, in a transaction that is rolled back.

WrongInput is raised where rows stand in the way, a column would be lost, or something else depends on the tables.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from graphlib import TopologicalSorter
from typing import Any

import psycopg
from psycopg import sql

from cruddur_ops.database import scripts
from cruddur_ops.database.connection import Connection
from cruddur_ops.database.location import database_name
from cruddur_ops.database.migrations import newest
from cruddur_ops.database.planning import planned
from cruddur_ops.database.roles import OWNER
from cruddur_ops.database.schema import loaded, record_loaded, schema_checksum
from cruddur_ops.database.statements import ask, compose
from cruddur_ops.errors import WrongInput
from cruddur_ops.plan import Action, Change, Plan, step
from cruddur_ops.target import Target

SCRATCH = "cruddur_ops_adoption"
NAMED = 3  # rows of a kind that a refusal names
PLACEHOLDER = {"cognito_user_id": "MOCK"}  # what the bootcamp's seed has in the place of nobody's id
Row = Mapping[str, Any]
FACTS = (
    "writers wait until the rows are brought over: stop the application first",
    "times without a zone are read in the TimeZone of the session",
)


@dataclass(frozen=True)
class Column:
    """A column as it should be, and where its values come from."""

    name: str
    value: sql.Composable
    convertible: bool = True


@step
def plan_takeover(target: Target) -> Plan:
    """The tables of sql/schema.sql in the place of those that another schema made, with their rows."""
    absent = Change(Action.NONE, "schema", note="there is no database")
    plan = planned(target, "Takeover", _changes, absent, asks=database_name(target))
    return replace(plan, asks_always=True, facts=FACTS if plan.mutating else ())


def _changes(connection: Connection) -> Iterator[Change]:
    try:
        found = loaded(connection)
    except WrongInput:
        yield from _differences(connection)
        return
    yield Change(Action.NONE, "schema", note=f"version {found[0]} is recorded" if found else "none of its tables is there")


def _differences(connection: Connection) -> Iterator[Change]:
    _load(connection)
    keys = {row["name"]: row["key"] for row in ask(connection, "adoption/tables", schema=SCRATCH)}
    there = {row["name"] for row in ask(connection, "adoption/tables", schema="public")} & keys.keys()
    columns = {name: _columns(connection, name) for name in sorted(there)}
    for name, found in columns.items():
        values = sql.SQL(", ").join(sql.SQL("{} AS {}").format(one.value, sql.Identifier(one.name)) for one in found)
        ask(connection, compose("adoption/convert", converted=_converted(name), columns=values, table=_old(name)))
    _require_none_in_the_way(connection, columns, keys)
    for name in keys:
        yield from _compared(connection, name) if name in there else [Change(Action.CREATE, f"table {name}")]
    make = partial(_make, connection, columns)
    yield Change(Action.CREATE, "schema", f"version {newest()}, checksum", after=schema_checksum()[:12], make=make)


def _load(connection: Connection) -> None:
    """Make the tables as they should be, the owner's where there is one yet."""
    owned = any(row["usable"] for row in ask(connection, "roles/state") if row["role"] == OWNER)
    ask(connection, compose("adoption/create_scratch", scratch=SCRATCH))
    if owned:
        ask(connection, compose("adoption/own_scratch", scratch=SCRATCH, owner=OWNER))
    ask(connection, compose("adoption/work_in", schema=SCRATCH))
    scripts.run(connection, "schema", as_owner=owned)
    connection.execute("RESET ROLE")
    ask(connection, compose("adoption/work_in", schema="public"))


def _old(name: str) -> sql.Identifier:
    return sql.Identifier("public", name)


def _converted(name: str) -> str:
    return f"{name} as it would be"


def _described(connection: Connection, schema: str, name: str) -> dict[str, Row]:
    rows = ask(connection, "adoption/columns", table=sql.Identifier(schema, name).as_string(connection))
    return {row["name"]: row for row in rows}


def _rules(connection: Connection, table: str) -> list[dict[str, Any]]:
    """What a table, as it should be, wants of its rows."""
    return ask(connection, "adoption/rules", table=sql.Identifier(SCRATCH, table).as_string(connection))


def _columns(connection: Connection, table: str) -> list[Column]:
    """Where the values of each column come from; a column that would be lost is refused."""
    old, new = _described(connection, "public", table), _described(connection, SCRATCH, table)
    lost = sorted(old.keys() - new.keys())
    if lost:
        remedy = "add it to sql/schema.sql by a migration, or drop it there"
        raise WrongInput(f"{table}.{lost[0]} is no column of sql/schema.sql, and what it holds would be lost: {remedy}")
    return [_column(connection, name, old.get(name), row) for name, row in new.items() if not row["identity"] or name in old]


def _column(connection: Connection, name: str, old: Row | None, new: Row) -> Column:
    own = sql.Identifier(name)
    taken: sql.Composable = sql.SQL("NULL")
    convertible = old is None
    if old:
        same = old["type"] == new["type"] or new["text"] or new["type"].partition("(")[0] in old["casts"]
        convertible = same
        if same:
            taken = own
        elif old["text"]:
            taken = compose("parts/if_valid", column=own, type=sql.Literal(new["type"]))
    value = compose("parts/as_type", value=taken, type=sql.SQL(new["type"]))
    if old and name in PLACEHOLDER:
        value = compose("parts/without", value=value, placeholder=sql.Literal(PLACEHOLDER[name]))
    if new["default"]:
        value = compose("parts/or_default", value=value, default=sql.SQL(new["default"]))
    return Column(name, value, convertible)


def _require_none_in_the_way(connection: Connection, columns: Mapping[str, list[Column]], keys: Mapping[str, list[str]]) -> None:
    """Name the rows that the tables, as they should be, would refuse."""
    said = []
    for table, found in columns.items():
        key = sql.SQL(", ").join(map(sql.Identifier, keys[table]))
        for what, converted, wrong in _wrongs(connection, table, found, columns):
            rows = ask(connection, compose("adoption/in_the_way", key=key, converted=converted, wrong=wrong))
            if rows:
                names = ", ".join(row["key"] for row in rows[:NAMED]) + (", ..." if len(rows) > NAMED else "")
                said.append(f"{table}: {what}: {names}" if len(rows) == 1 else f"{table}: {what}, {len(rows)} rows: {names}")
    if said:
        raise WrongInput(
            f"rows stand in the way ({'; '.join(said)}): correct or delete them with `cruddur-ops db connect`, then repeat"
        )


def _wrongs(
    connection: Connection, table: str, columns: list[Column], all_columns: Mapping[str, object]
) -> Iterator[tuple[str, sql.Composable, sql.Composable]]:
    """What must not be: in words, where, and as a condition."""
    own, new = sql.Identifier(_converted(table)), _described(connection, SCRATCH, table)
    for one in columns:
        name = sql.Identifier(one.name)
        if not one.convertible:
            became = compose("parts/wrong_type", column=name, type=sql.Literal(new[one.name]["type"]))
            yield f"{one.name} is no {new[one.name]['type']}", _old(table), became
        elif new[one.name]["required"]:
            yield f"{one.name} is missing", own, compose("parts/wrong_absence", column=name)
    for rule in _rules(connection, table):
        yield rule["name"], own, _broken(rule, own, all_columns)


def _broken(rule: Row, own: sql.Identifier, converted: Mapping[str, object]) -> sql.Composed:
    """The condition for a row that breaks a rule."""
    expression = sql.SQL(rule["expression"])
    if rule["kind"] == "check":
        return compose("parts/wrong_check", expression=expression)
    if rule["kind"] == "reference":
        name = rule["parent"]
        parent = sql.Identifier(_converted(name)) if name in converted else sql.Identifier(SCRATCH, name)
        referenced = sql.SQL(rule["referenced"])
        return compose("parts/wrong_reference", expression=expression, referenced=referenced, parent=parent)
    return compose("parts/wrong_double", expression=expression, converted=own, where=sql.SQL(rule["parent"] or "true"))


def _compared(connection: Connection, table: str) -> Iterator[Change]:
    """How a table differs: columns, keys and the like, and the rows that it keeps."""
    change = Change(Action.MODIFY, f"table {table}")
    old, new = _described(connection, "public", table), _described(connection, SCRATCH, table)
    for name, row in new.items():
        before, after = _shown(old.get(name)), _shown(row)
        if before != after:
            yield replace(change, setting=f"column {name}", before=before, after=after)
    defined = [
        {
            (row["kind"], row["definition"])
            for row in ask(connection, "adoption/definitions", schema=schema, table=f"{schema}.{table}")
        }
        for schema in ("public", SCRATCH)
    ]
    for kind, definition in sorted(defined[1] - defined[0]):
        yield replace(change, setting=kind, after=definition)
    for kind, definition in sorted(defined[0] - defined[1]):
        yield replace(change, setting=kind, before=definition)
    (count,) = ask(connection, compose("adoption/count", table=_old(table)))
    yield replace(change, setting="rows", before=f"{count['rows']:,}", after=f"{count['rows']:,}", note="brought over")


def _shown(column: Row | None) -> str | None:
    if column is None:
        return None
    default = f" DEFAULT {column['default']}" if column["default"] else ""
    return f"{column['type']}{' NOT NULL' if column['required'] else ''}{default}"


def _make(connection: Connection, columns: Mapping[str, list[Column]]) -> None:
    """Bring the rows over, and let the tables take the place of those that are there."""
    for name in columns:
        ask(connection, compose("operations/lock_table", schema="public", table=name))
    for name in _in_order(connection, columns):
        listed = sql.SQL(", ").join(sql.Identifier(one.name) for one in columns[name])
        new = sql.Identifier(SCRATCH, name)
        ask(connection, compose("adoption/move_rows", table=new, columns=listed, converted=_converted(name)))
    for name in columns:
        ask(connection, compose("adoption/drop_view", converted=_converted(name)))
    try:
        ask(connection, compose("adoption/drop_old", tables=sql.SQL(", ").join(map(_old, columns))))
        for row in ask(connection, "adoption/objects", schema=SCRATCH):
            connection.execute(row["statement"].encode())
    except (psycopg.errors.DependentObjectsStillExist, psycopg.ProgrammingError) as error:
        remedy = "take away what is in the way, then repeat; nothing was changed"
        raise WrongInput(f"{error.diag.message_primary} ({error.diag.message_detail}): {remedy}") from error
    ask(connection, compose("adoption/drop_scratch", scratch=SCRATCH))
    record_loaded(connection)


def _in_order(connection: Connection, columns: Mapping[str, object]) -> list[str]:
    graph = {}
    for name in columns:
        parents = {rule["parent"] for rule in _rules(connection, name) if rule["kind"] == "reference"}
        graph[name] = (parents & columns.keys()) - {name}
    return list(TopologicalSorter(graph).static_order())
