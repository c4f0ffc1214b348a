"""Dropping the target's database: whole, with nobody in it, and no other one."""

from __future__ import annotations

from typing import Any

import psycopg

from cruddur_ops.database import stamp
from cruddur_ops.database.connection import connect, engine
from cruddur_ops.database.killing import said
from cruddur_ops.database.location import MAINTENANCE_DATABASE, database_name
from cruddur_ops.database.refusals import NotPermitted
from cruddur_ops.database.sessions import Session, Sessions, all_sessions
from cruddur_ops.database.statements import ask, compose
from cruddur_ops.errors import OpsError, RunInProgress, WrongInput
from cruddur_ops.plan import Action, Change, Outcome, Plan, apply, require_confirmation
from cruddur_ops.targets import Target

KEPT = frozenset({"rdsadmin", "postgres", "template0", "template1"})  # AWS's own, and those that every server has


class StillConnected(OpsError):
    """Somebody uses the database, so that it was not dropped."""


def plan_drop(target: Target, *, force: bool = False) -> Plan:
    """What `drop` would do, and who is connected.

    Raises:
        WrongInput: the database belongs to the server itself.
        DatabaseUnreachable: no connection came about.
    """
    name = _droppable(target)
    engine(target).dispose()
    with connect(target, MAINTENANCE_DATABASE, autocommit=True) as connection:
        return drop_plan(target, name, find(connection, name), force=force)


def drop(target: Target, confirm: str = "", *, force: bool = False) -> Outcome:
    """Drop the target's database; where there is none, nothing is left to do.

    Args:
        target: whose database.
        confirm: the database's own name, for a protected target.
        force: end the sessions of those who are connected. AWS's own are never ended.

    Raises:
        WrongInput: the database belongs to the server itself, or to another role.
        StampDiffers: it was created for another target.
        ConfirmationRequired: the target is protected and `confirm` is not the database's name.
        StillConnected: somebody is connected, and nothing forces them out, or AWS is.
        DatabaseUnreachable: no connection came about.
    """
    name = _droppable(target)
    stamp.require(target)
    engine(target).dispose()
    with connect(target, MAINTENANCE_DATABASE, autocommit=True) as connection:
        found = find(connection, name)
        plan = drop_plan(target, name, found, force=force)
        require_confirmation(plan, protected=target.protected, identifier=name, confirm=confirm)
        require_alone(name, found or (), force=force)
        return apply(plan, lambda _: execute(connection, name, force=force))


def _droppable(target: Target) -> str:
    name = database_name(target)
    if name in KEPT:
        raise WrongInput(f"database {name} belongs to the server and is never dropped: set db_name to one of your own")
    return name


def find(connection: psycopg.Connection[Any], name: str) -> tuple[Session, ...] | None:
    """The sessions of a database; None where there is no such database."""
    if name not in [row["datname"] for row in ask(connection, "operations/databases")]:
        return None
    return tuple(one for one in all_sessions(connection) if one.database == name)


def drop_plan(target: Target, name: str, found: tuple[Session, ...] | None, *, force: bool) -> Plan:
    """One change, and a line for each session."""
    title, resource = f"Drop on {target.name}", f"database {name}"
    if found is None:
        return Plan(title, (Change(Action.NONE, resource, note="there is none"),))
    fate = "ends with it" if force else "stands in the way"
    facts = tuple(f"{one} {fate}: {one.doing}" for one in found)
    return Plan(title, (Change(Action.DELETE, resource, note="with all that is in it, for good"),), facts)


def require_alone(name: str, found: tuple[Session, ...], *, force: bool) -> None:
    """Refuse to drop while somebody is connected; AWS is not forced out either.

    Raises:
        StillConnected: so it is; the message lists who is.
    """
    aws_own = [one.user for one in found if one.aws_own]
    if aws_own:
        raise StillConnected(f"database {name} is in use by AWS itself ({aws_own[0]}) and was not dropped: repeat in a minute")
    if found and not force:
        listed = "\n".join(f"  {line}" for line in str(Sessions(found)).splitlines())
        remedy = "to drop it nonetheless: end them with `cruddur-ops db kill-sessions`, or drop with --force"
        raise StillConnected(f"database {name} is in use and was not dropped:\n{listed}\n{remedy}")


def execute(connection: psycopg.Connection[Any], name: str, *, force: bool) -> None:
    """Drop it. PostgreSQL looks once more for itself, and says so where somebody was quicker.

    Raises:
        StillConnected: somebody has connected since, or there are sessions that this user may not end.
        RunInProgress: somebody else has dropped it since.
        WrongInput: the database belongs to another role.
    """
    query = "operations/drop_database_force" if force else "operations/drop_database"
    try:
        ask(connection, compose(query, database=name))
    except psycopg.errors.ObjectInUse as error:
        require_alone(name, find(connection, name) or (), force=force)
        raise StillConnected(f"{said(error)}: repeat, and see who comes back with `cruddur-ops db sessions`") from error
    except psycopg.errors.InvalidCatalogName as error:
        raise RunInProgress("somebody else dropped the database at the same moment: repeat") from error
    except NotPermitted as error:
        remedy = "connect as a member of its owner, who with --force may end every session, too"
        raise NotPermitted(f"database {name} was not dropped, {said(error.__cause__)}: {remedy}") from error
