"""Dropping the target's database: whole, with nobody in it, and no other one."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import psycopg

from cruddur_ops.database.connection import Connection, session
from cruddur_ops.database.errors import NotPermitted, said
from cruddur_ops.database.location import MAINTENANCE_DATABASE, database_name
from cruddur_ops.database.planning import on_server, planned
from cruddur_ops.database.sessions import Session, Sessions, all_sessions
from cruddur_ops.database.statements import ask, compose
from cruddur_ops.errors import InUse, RunInProgress, WrongInput
from cruddur_ops.plan import Action, Change, Plan, step
from cruddur_ops.target import Target

KEPT = frozenset({"rdsadmin", "postgres", "template0", "template1"})  # AWS's own, and those that every server has


@step
def plan_drop(target: Target, *, force: bool = False) -> Plan:
    """The end of the target's database, for which a protected target asks by the database's name.

    Refuses with WrongInput the server's own databases and another environment's; with InUse, when it is applied, as long as
    somebody is connected.

    Args:
        force: end the sessions of those who are connected. AWS's own are never ended.
    """
    name = database_name(target)
    if name in KEPT:
        raise WrongInput(f"database {name} belongs to the server and is never dropped: set db_name to one of your own")
    inside: list[Session] = []

    def find(connection: Connection) -> Iterator[Change]:
        inside[:] = _inside(connection, name)
        yield _change(connection, name, force)

    absent = Change(Action.DELETE, f"database {name}")
    plan = planned(target, "Drop", find, absent, _outside, asks=name)
    return replace(plan, facts=tuple(_fates(inside, force)))


@contextmanager
def _outside(target: Target, looking: bool) -> Iterator[Connection]:
    """In the maintenance database, with no connection of our own to the one that goes."""
    session(target).close()
    with on_server(target, looking, MAINTENANCE_DATABASE) as connection:
        yield connection


def _inside(connection: Connection, name: str) -> list[Session]:
    return [one for one in all_sessions(connection) if one.database == name]


def _change(connection: Connection, name: str, force: bool) -> Change:
    resource = f"database {name}"
    if name not in [row["datname"] for row in ask(connection, "operations/databases")]:
        return Change(Action.NONE, resource, note="there is none")
    note = "with all that is in it, for good"
    return Change(Action.DELETE, resource, note=note, make=partial(_drop, connection, name, force))


def _fates(inside: Iterable[Session], force: bool) -> Iterator[str]:
    fate = "ends with it" if force else "stands in the way"
    return (f"{one} {fate}: {one.doing}" for one in inside)


def _drop(connection: Connection, name: str, force: bool) -> None:
    """Drop it. PostgreSQL looks once more for itself, and says so where somebody was quicker."""
    _require_alone(connection, name, force)
    try:
        ask(connection, compose("operations/drop_database_force" if force else "operations/drop_database", database=name))
    except psycopg.errors.ObjectInUse as error:
        _require_alone(connection, name, force)
        raise InUse(f"{said(error)}: repeat, and see who comes back with `cruddur-ops db sessions`") from error
    except psycopg.errors.InvalidCatalogName as error:
        raise RunInProgress("somebody else dropped the database at the same moment: repeat") from error
    except NotPermitted as error:
        remedy = "connect as a member of its owner, who with --force may end every session, too"
        raise NotPermitted(f"database {name} was not dropped, {said(error.__cause__)}: {remedy}") from error


def _require_alone(connection: Connection, name: str, force: bool) -> None:
    """Refuse to drop while somebody is connected, and list who is; AWS is not forced out either."""
    inside = _inside(connection, name)
    aws_own = [one.user for one in inside if one.aws_own]
    if aws_own:
        raise InUse(f"database {name} is in use by AWS itself ({aws_own[0]}) and was not dropped: repeat in a minute")
    if inside and not force:
        listed = "\n".join(f"  {line}" for line in str(Sessions(tuple(inside))).splitlines())
        remedy = "to drop it nonetheless: end them with `cruddur-ops db kill-sessions`, or drop with --force"
        raise InUse(f"database {name} is in use and was not dropped:\n{listed}\n{remedy}")
