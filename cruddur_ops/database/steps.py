"""All the steps from nothing to a seeded database, for one operator at a time."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial

import psycopg
from psycopg import sql

from cruddur_ops import locks
from cruddur_ops.database import label, scripts
from cruddur_ops.database.connection import connect
from cruddur_ops.database.creation import plan_create
from cruddur_ops.database.drop import plan_drop
from cruddur_ops.database.errors import NotPermitted
from cruddur_ops.database.location import database_name
from cruddur_ops.database.migrations import available
from cruddur_ops.database.planning import on_server
from cruddur_ops.database.roles import OWNER, plan_roles, require_secrets
from cruddur_ops.database.schema import plan_migrations, plan_schema
from cruddur_ops.database.seeding import plan_seed
from cruddur_ops.database.statements import ask, compose
from cruddur_ops.errors import OpsError, WrongInput
from cruddur_ops.plan import Action, Outcome, Plan, Verified
from cruddur_ops.target import Target

TRIAL = "cruddur-ops: a trial of schema.sql and seed.sql"  # the comment of its database, which holds nothing
# In this order 03_load_schema_and_seed shows them one by one.
STEPS: Mapping[str, Callable[[Target], Plan]] = {
    "create": plan_create,
    "roles": plan_roles,
    "migrate": plan_migrations,
    "schema-load": plan_schema,
    "seed": plan_seed,
}


def setup(target: Target, *, force: bool = False, tell: Callable[[str], None] = print) -> Outcome:
    """Drop the database and make it anew, step by step; the first failure ends it.

    WrongInput where the target is protected or a file cannot be run, NotPermitted where a right is missing, RunInProgress where
    somebody else changes the target; all of that before anything is dropped.

    Args:
        force: end the sessions of those who are connected.
        tell: is given a line for each step, with its verdict.
    """
    if target.protected:
        remedy = "use `cruddur-ops db migrate`, which keeps what is in it"
        raise WrongInput(f'target "{target.name}" is protected and its database is never set up anew: {remedy}')
    with locks.held(target, "db setup"):
        _require_files()
        _require_rights(target, databases=True)
        _require_loadable(target)
        steps: dict[str, Callable[[Target], Plan]] = {"drop": partial(plan_drop, force=force), **STEPS}
        return sum((_judged(name, plan, target, tell) for name, plan in steps.items()), Outcome())


def require_possible(target: Target) -> Verified:
    """Refuse, before the first step changes anything, what any of them would refuse, as far as it can be known by then."""
    _require_files()
    creation, roles, migrations = (plan(target) for plan in (plan_create, plan_roles, plan_migrations))
    if not migrations.mutating:  # which come before the schema
        plan_schema(target)
        if not roles.mutating:  # without which the seed may fail
            plan_seed(target)
    if not any(change.unknown for change in creation.changes):  # the server answers
        require_secrets(target)
        made = [change for change in creation.mutating if change.action is Action.CREATE]
        _require_rights(target, databases=any(change.resource.startswith("database") for change in made))
    return Verified("verified: nothing that can be known by now stands in the way of any step")


def _require_files() -> None:
    available()
    for name in ("schema", "seed"):
        scripts.require_runnable(name)


def _require_rights(target: Target, *, databases: bool) -> None:
    """Refuse somebody who may not create what is missing."""
    with on_server(target, looking=True) as connection:
        [may] = ask(connection, "operations/may_set_up")
        if not may["roles"] or (databases and not may["databases"]):
            message = f"{connection.info.user} may not create databases and roles"
            raise NotPermitted(f"{message}: connect as a role with CREATEDB and CREATEROLE, as RDS's master user has them")


def _require_loadable(target: Target) -> None:
    """Refuse what the server refuses of the files, while there is a database to lose: they are tried in one of its own."""
    name, tried = database_name(target), f"{database_name(target)[:50]}_trial"
    with on_server(target) as server:
        if label.read(server, name) != target.name:
            return  # and whatever is in it is not dropped
        if there := label.find(server, tried):
            if there["comment"] != TRIAL:
                raise WrongInput(f"the files are tried in database {tried}, and one of that name is there: rename that one")
            ask(server, compose("operations/drop_database", database=tried))  # of a trial that was cut off
        ask(server, compose("operations/create_database", database=tried, owner=OWNER))
        try:
            ask(server, compose("operations/label", database=tried, comment=sql.Literal(TRIAL)))
            with connect(target, tried) as connection, connection.transaction(force_rollback=True):
                scripts.run(connection, "schema")
                scripts.run(connection, "seed", as_owner=False)
        finally:
            with suppress(psycopg.OperationalError):  # the server is lost; the next one drops it
                ask(server, compose("operations/drop_database", database=tried))


def _judged(name: str, plan: Callable[[Target], Plan], target: Target, tell: Callable[[str], None]) -> Outcome:
    try:
        outcome = plan(target).apply()
    except OpsError:
        tell(f"{name:12} failed")
        raise
    tell(f"{name:12} passed  {outcome}")
    return outcome
