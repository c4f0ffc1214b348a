"""Logical replication of a whole server to a copy of it, which begins where the copy ends.

Sources: PostgreSQL 18, chapter 29 "Logical Replication", and pg_createsubscriber's reference page, whose way this is: the slots
are made while a standby waits, which then recovers to the last slot's position, and takes the changes after it.
"""

import os
from collections.abc import Mapping
from contextlib import suppress

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from rds_sandbox.postgres import queries, replication
from rds_sandbox.postgres.server import ADMINISTRATOR, Server, compose

RECOVERY_SECONDS = 600


def publish(server: Server, name: str) -> tuple[dict[str, str], str]:
    """Keep all changes from now on: the slot of each database, and the position of the last one."""
    slots, position = {}, ""
    for database, oid in server.ask("own_databases"):
        slots[database] = f"{name}_{oid}"
        server.ask("publish", database, {"name": name})
        position = server.ask("create_logical_slot", database, {"slot": sql.Literal(slots[database])})[0][0]
    server.ask("commit")  # recovery stops before the first record that is not wanted: there must be one
    return slots, position


def end_recovery(server: Server, position: str) -> None:
    """Let a standby that has ended recover to this position, and no further, and be a server of its own."""
    until = {"recovery_target_lsn": position, "recovery_target_inclusive": "off", "recovery_target_action": "promote"}
    server.start({**until, "hot_standby": "off"}, seconds=RECOVERY_SECONDS)
    replication.forget_source(server)


def subscribe(server: Server, source: Server, name: str, slots: Mapping[str, str], position: str) -> None:
    """Take the changes of each database from its slot, from this position on."""
    # The password stands in a file: statements end up in logs, and in pg_stat_statements.
    password = server.folder / "passfile"
    password.write_text(f"*:*:*:*:{source.password}\n")
    os.chown(password, server.programs.account.uid, server.programs.account.gid)
    password.chmod(0o600)
    for database, slot in slots.items():
        place = make_conninfo(host=str(source.folder), user=ADMINISTRATOR, dbname=database, passfile=str(password))
        values = {"connection": sql.Literal(place), "slot": sql.Literal(slot), "lsn": sql.Literal(position)}
        with server.administrator(database) as connection:
            for step in ("subscribe", "start_subscription"):
                connection.execute(compose(step, name=name, subscription=sql.Literal(name), **values))


def unsubscribe(server: Server, name: str, slots: Mapping[str, str]) -> None:
    """Take changes no longer; the source, which may have ended, keeps its slots."""
    for database in slots:
        with suppress(psycopg.errors.UndefinedObject):  # it may not have got so far
            server.ask("unsubscribe", database, {"name": name})


def unpublish(server: Server, name: str, slots: Mapping[str, str]) -> None:
    """Keep nothing for a subscriber that is gone."""
    for database, slot in slots.items():
        replication.drop_slot(server, slot)
        server.ask("unpublish", database, {"name": name})


def copy_sequences(source: Server, server: Server, slots: Mapping[str, str]) -> None:
    """Set the sequences, which are not replicated, to the values of the source."""
    for database in slots:
        with server.administrator(database) as connection:
            for sequence, value in source.ask("sequences", database):
                connection.execute(queries.load("set_sequence"), {"sequence": sequence, "value": value})


def fingerprints(server: Server, slots: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Digests of what is not replicated: of the schema of each database, and of its large objects."""
    schemas, objects = zip(*(server.ask("fingerprint", database)[0] for database in slots), strict=True)
    return list(schemas), list(objects)
