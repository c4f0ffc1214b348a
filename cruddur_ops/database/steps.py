"""All the steps from nothing to a seeded database, for one operator at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from psycopg import sql

from cruddur_ops.database.connection import connect
from cruddur_ops.database.creation import create
from cruddur_ops.database.drop import drop
from cruddur_ops.database.location import MAINTENANCE_DATABASE, database_name
from cruddur_ops.database.migrating import migrate
from cruddur_ops.database.roles import ensure_roles
from cruddur_ops.database.schema import load_schema
from cruddur_ops.database.seeding import seed
from cruddur_ops.database.statements import ask, compose
from cruddur_ops.errors import OpsError, RunInProgress, WrongInput
from cruddur_ops.plan import Outcome
from cruddur_ops.targets import Target


class SetupRefused(WrongInput):
    """The target is protected: its database is never thrown away as a whole."""


def setup(target: Target, *, force: bool = False, tell: Callable[[str], None] = print) -> Outcome:
    """Drop the database and make it anew: create, roles, schema, migrations, seed; the first failure ends it.

    Args:
        target: whose database.
        force: end the sessions of those who are connected.
        tell: is given a line for each step, with its verdict.

    Raises:
        SetupRefused: the target is protected.
        RunInProgress: somebody else sets the same database up at this moment.
        OpsError: what ended the step that failed.
    """
    if target.protected:
        remedy = "use `cruddur-ops db migrate`, which keeps what is in it"
        raise SetupRefused(f'target "{target.name}" is protected and its database is never set up anew: {remedy}')
    steps: dict[str, Callable[[], Outcome]] = {
        "drop": lambda: drop(target, force=force),
        "create": lambda: create(target),
        "roles": lambda: ensure_roles(target),
        "schema-load": lambda: load_schema(target),
        "migrate": lambda: migrate(target),
        "seed": lambda: seed(target),
    }
    total = Outcome()
    with _alone(target):
        for name, step in steps.items():
            total += _judged(name, step, tell)
    return total


def _judged(name: str, step: Callable[[], Outcome], tell: Callable[[str], None]) -> Outcome:
    try:
        outcome = step()
    except OpsError:
        tell(f"{name:12} failed")
        raise
    tell(f"{name:12} passed  {outcome}")
    return outcome


@contextmanager
def _alone(target: Target) -> Iterator[None]:
    """Hold the database's lock, in the maintenance database since the other is dropped in between.

    Raises:
        RunInProgress: somebody else holds it.
    """
    name = database_name(target)
    with connect(target, MAINTENANCE_DATABASE, autocommit=True) as connection:
        (row,) = ask(connection, compose("operations/lock_setup", database=sql.Literal(name)))
        if not row["locked"]:
            raise RunInProgress(f"somebody else sets database {name} up at this moment: wait, then see `cruddur-ops db status`")
        yield
