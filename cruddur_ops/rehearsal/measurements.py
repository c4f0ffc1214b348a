"""What is measured before a step and after it, to be held against each other."""

import hashlib
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg

from cruddur_ops import threads
from cruddur_ops.database import checksum
from cruddur_ops.database.checksum import Content
from cruddur_ops.database.connection import Connection, connect
from cruddur_ops.database.location import locate
from cruddur_ops.database.statements import ask, qualified
from cruddur_ops.rds import instances
from cruddur_ops.target import Target

SETTING = "setting"
PROBE_SECONDS = 0.1  # between two connections that show whether the server answers
KINDS = {"r": "table", "i": "index", "m": "materialised view"}


@dataclass(frozen=True)
class State:
    """A database at a moment."""

    definitions: Mapping[str, tuple[str, ...]]  # the schema, by table
    tables: Mapping[str, Content]  # what is in each
    files: Mapping[str, int]  # where each table and index is, by kind and name
    facts: Mapping[tuple[str, str], str | None]  # everything else that a step may change by the way, by kind and name
    bytes: int  # its size
    wal: int  # how far the write-ahead log has come
    version: str  # of the server


def measure(target: Target) -> State:
    """Look at all of that; the tables are read as a whole by the server, which answers a line for each."""
    with connect(target, autocommit=True) as connection:
        tables = checksum.contents(connection)
        relations = ask(connection, "rehearsal/relations")
        files = {f"{KINDS[row['kind']]} {qualified(row['schema'], row['name'])}": row["file"] for row in relations}
        facts = {(row["kind"], row["name"]): row["value"] for row in ask(connection, "rehearsal/facts")}
        return State(definitions(connection), tables, files, facts, **ask(connection, "rehearsal/written")[0])


def definitions(connection: Connection) -> dict[str, tuple[str, ...]]:
    """The parts of the schema by table or view."""
    found: dict[str, list[str]] = {}
    for row in ask(connection, "rehearsal/definitions"):
        found.setdefault(row["relation"].removeprefix("public."), []).append(row["part"])
    return {name: tuple(parts) for name, parts in found.items()}


def digest(target: Target) -> str:
    """Of the version that runs and of the schema, in hexadecimal: what a rehearsal is good for."""
    with connect(target) as connection:
        schema = sorted(definitions(connection).items())
    found = instances.require(target)
    return hashlib.sha256(repr((found.engine_version, schema)).encode()).hexdigest()[:16]


def written_anew(before: State, after: State) -> tuple[str, ...]:
    """The tables and indexes whose rows were all written to another file, and the indexes that are new."""
    found = [f"{name} was written anew" for name, file in after.files.items() if before.files.get(name, file) != file]
    return *found, *(f"{name} is new" for name in after.files if name not in before.files)


def differences(before: State, after: State) -> tuple[str, ...]:
    """What else differs, a line for each."""
    lines = [_content(name, before, after) for name in sorted({*before.tables, *after.tables})]
    for kind, name in sorted({*before.facts, *after.facts}):
        was, is_now = before.facts.get((kind, name)), after.facts.get((kind, name))
        if was != is_now and not (kind == SETTING and None in (was, is_now)):
            lines.append(f"{kind} {name}: {_said(was)} -> {_said(is_now)}")
    gone = sorted(name for kind, name in before.facts.keys() - after.facts.keys() if kind == SETTING)
    new = [name for kind, name in after.facts.keys() - before.facts.keys() if kind == SETTING]
    lines += [f"settings that are gone: {', '.join(gone)}"] if gone else []
    lines += [f"{len(new)} settings are new"] if new else []
    return tuple(filter(None, lines))


def _said(value: str | None) -> str:
    return "none" if value is None else value or '""'


def _content(name: str, before: State, after: State) -> str:
    """How the rows of a table differ; empty where they do not."""
    was, is_now = before.tables.get(name), after.tables.get(name)
    if was == is_now:
        return ""
    if was is None or is_now is None:
        return f"table {name}: {'is new' if was is None else 'is gone'}"
    if was.rows != is_now.rows:
        return f"table {name}: {was.rows} rows -> {is_now.rows}"
    same = before.definitions.get(name) == after.definitions.get(name)
    return f"table {name}: {was.rows} rows as before, with other values" + ("" if same else ", since it has other columns")


@dataclass
class Outage:
    """For how long a server did not answer."""

    seconds: float = 0.0
    _down: float | None = field(default=None)

    def tell(self, answers: bool) -> None:
        """Count from the first time that it did not answer to the next that it did."""
        now = time.monotonic()
        if answers and self._down is not None:
            self.seconds, self._down = self.seconds + now - self._down, None
        elif not answers and self._down is None:
            self._down = now


@contextmanager
def probing(target: Target) -> Iterator[Outage]:
    """Connect again and again as long as the block runs, as an application would."""
    parameters, outage = {**locate(target).parameters, "connect_timeout": 2}, Outage()

    def look(over: threading.Event) -> None:
        while not over.wait(PROBE_SECONDS):
            try:
                psycopg.connect(**parameters).close()
                outage.tell(True)
            except psycopg.Error:
                outage.tell(False)

    try:
        with threads.beside(look):
            yield outage
    finally:
        outage.tell(True)
