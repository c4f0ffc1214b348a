"""Rows of a copy of the database beside the live ones: brought over, with what they refer to and what went with them.

They are kept in temporary tables of the transaction that compares them. Bringing them raises WrongInput where a table or a
condition cannot be used.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import psycopg
from psycopg import sql

from cruddur_ops.database.connection import Connection
from cruddur_ops.database.statements import ask, compose
from cruddur_ops.errors import WrongInput

INCOMING = "rows that come"
KEPT_BY_TRIGGER = "updated_at"  # of a row that is changed back: when that was
NAMES = "`cruddur-ops db status` names them, those of another schema are SCHEMA.TABLE"
CONDITION = "the condition cannot be used", "write what follows WHERE in SQL, such as \"handle = 'londo'\""
REFUSED = (
    psycopg.DataError,
    psycopg.IntegrityError,
    psycopg.InternalError,  # a trigger's own refusal, and writing on the copy
    psycopg.NotSupportedError,
    psycopg.ProgrammingError,
    psycopg.errors.ProtocolViolation,  # $1
)


@dataclass(frozen=True)
class Table:
    """A table that the copy and the live database have."""

    schema: str  # of both
    name: str  # of both
    full: str  # both, as SQL has them
    columns: tuple[str, ...]  # which both have
    key: tuple[str, ...]  # the columns of its primary key
    fixed: tuple[str, ...]  # those that no UPDATE can set (GENERATED ALWAYS AS IDENTITY)

    @property
    def names(self) -> dict[str, sql.Composable | str]:
        """What the statements of sql/recovery want to know."""
        others = [one for one in self.columns if one not in (*self.key, *self.fixed, KEPT_BY_TRIGGER)]
        differs = [compose("parts/differs", column=one) for one in others]
        pairs = zip(differs, others, strict=True)
        named = [compose("parts/name_if", differs=how, name=sql.Literal(one)) for how, one in pairs]
        return {
            "table": sql.Identifier(self.schema, self.name),
            "staged": f"copied {self.full}",
            "columns": listed(self.columns),
            "key": listed(self.key, "copied"),
            "same": equal(self.key, self.key),
            "differs": sql.SQL(" OR ").join([*differs, sql.SQL("false")]),
            "named": sql.SQL(", ").join([*named, sql.SQL("NULL::text")]),
            "assignments": sql.SQL(", ").join(sql.SQL("{0} = copied.{0}").format(sql.Identifier(one)) for one in others),
        }


def listed(columns: Iterable[str], of: str = "") -> sql.Composed:
    """Columns of SQL, of a table."""
    return sql.SQL(", ").join(sql.Identifier(*filter(None, [of]), one) for one in columns)


def equal(copied: Iterable[str], live: Iterable[str]) -> sql.Composed:
    """That columns of a copied row are those of a live one."""
    return compose("parts/same", copied=listed(copied, "copied"), live=listed(live, "live"))


def find(connection: Connection, name: str) -> Table:
    """A table with its columns."""
    with refused(f"{name!a} is no table's name", NAMES):
        found = ask(connection, "recovery/table", name=name)
    if not found:
        raise WrongInput(f"there is no table {name!a}: {NAMES}")
    row = found[0]
    return Table(row["schema"], row["name"], row["full"], tuple(row["columns"]), tuple(row["key"]), tuple(row["fixed"]))


@contextmanager
def refused(what: str, remedy: str) -> Iterator[None]:
    """Say in a sentence what the server refuses of a name, a condition, or the rows that come."""
    try:
        yield
    except REFUSED as error:
        message = " ".join(str(error.diag.message_primary or error).split())
        raise WrongInput(f"{what} ({message}): {remedy}") from error


@dataclass
class Staging:
    """The rows that were brought over so far, by table, in the order in which they were met."""

    live: Connection  # the connection whose transaction has them
    copy: Connection  # where they come from
    tables: dict[str, Table] = field(default_factory=dict)
    _fetched: set[tuple[str, tuple[str, ...], str]] = field(default_factory=set)

    def bring(self, name: str, condition: str) -> int:
        """The rows that fit a condition, then all that they need; how many fit."""
        table = self._table(name)
        found = self._fetch(table, sql.SQL(condition), lacking=False)  # the operator's own SQL
        while sum(self._follow(one) for one in self.references()):
            pass
        return found

    def references(self) -> Iterator[dict[str, Any]]:
        """The foreign keys from and to the tables that were met."""
        seen = []
        for name in list(self.tables):
            seen += [one for one in ask(self.live, "recovery/references", name=name) if one not in seen]
        yield from seen

    def _follow(self, reference: dict[str, Any]) -> int:
        """Bring what rows refer to, and what went with them by a cascade."""
        child, parent = self.tables.get(reference["child"]), self.tables.get(reference["parent"])
        columns, referenced = reference["columns"], reference["referenced"]
        brought = 0
        if child:
            same = equal(columns, referenced)
            place = find(self.live, reference["parent"]).names["table"]
            names = {**child.names, "columns": listed(columns, "copied"), "table": place, "same": same}
            brought += self._fetch_keys(reference["parent"], referenced, ask(self.live, compose("recovery/orphans", **names)))
        if parent and reference["cascades"]:
            names = {**parent.names, "columns": listed(referenced, "copied")}
            brought += self._fetch_keys(reference["child"], columns, ask(self.live, compose("recovery/lacking", **names)))
        return brought

    def _fetch_keys(self, name: str, columns: list[str], rows: list[dict[str, Any]]) -> int:
        new = {row["key"] for row in rows if (name, tuple(columns), row["key"]) not in self._fetched}
        if not new:
            return 0
        self._fetched |= {(name, tuple(columns), key) for key in new}
        text = compose("parts/wanted", columns=listed(columns), keys=sql.Literal(sorted(new)))
        return self._fetch(self._table(name), text, lacking=True)

    def _table(self, name: str) -> Table:
        """The table, with a place for its rows."""
        table = find(self.live, name)
        if table.full not in self.tables:
            there = find(self.copy, name)
            table = replace(table, columns=tuple(one for one in table.columns if one in there.columns))
            if not table.key:
                raise WrongInput(f"{name} has no primary key, by which its rows could be told apart: recover it by hand")
            self.tables[table.full] = table
            ask(self.live, compose("recovery/stage", **table.names))
            ask(self.live, compose("recovery/stage_key", **{**table.names, "key": listed(table.key)}))
        return self.tables[table.full]

    def _fetch(self, table: Table, condition: sql.Composable, *, lacking: bool) -> int:
        """Bring rows from the copy, through a table where those are left out that are not wanted; how many are new."""
        names = {**table.names, "condition": condition}
        incoming = {**names, "staged": INCOMING}
        with refused(*CONDITION):  # a binary answer is asked for so that a second statement is refused
            self.copy.execute(compose("recovery/try", **names), binary=True)
        ask(self.live, compose("recovery/stage", **incoming))
        cursors = self.copy.cursor(), self.live.cursor()
        reading, writing = compose("recovery/read", **names), compose("recovery/write", **incoming)
        unfit = refused(f"the rows of {table.name} do not fit into the table", "recover them by hand")
        with unfit, cursors[0].copy(reading) as source, cursors[1].copy(writing) as sink, refused(*CONDITION):
            for data in iter(partial(source.read), b""):
                sink.write(data)
        if lacking:
            ask(self.live, compose("recovery/keep_lacking", **incoming))
        added: int = ask(self.live, compose("recovery/merge", **names, incoming=INCOMING))[0]["rows"]
        ask(self.live, compose("recovery/forget", staged=INCOMING))
        return added
