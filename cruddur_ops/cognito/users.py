"""`cruddur-ops users sync`: the user pool and the table of users, brought together.

An error of the function is not tried again by Cognito, and leaves a confirmed user without a row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import sqlalchemy

from cruddur_ops import aws, progress
from cruddur_ops.cognito import pool
from cruddur_ops.cognito.reconciliation import ATTRIBUTES, Member, Reconciliation, Repair, Row
from cruddur_ops.cognito.trial import attributes_of
from cruddur_ops.database.connection import engine
from cruddur_ops.database.statements import fetch
from cruddur_ops.errors import RunInProgress
from cruddur_ops.plan import Outcome, Plan, require_confirmation

if TYPE_CHECKING:
    from cruddur_ops.targets import Target

PAGE = 60  # the most that ListUsers gives at once


def plan_sync(target: Target) -> Plan:
    """What `sync` would do.

    Raises:
        PoolMissing: there is no user pool.
        SchemaMissing: the schema has not been loaded.
        DatabaseUnreachable: no connection came about.
    """
    members = list_members(target)
    with engine(target).connect() as connection:
        return _plan(target, _compare(connection, members))


def sync(target: Target, confirm: str = "") -> Outcome:
    """Give every confirmed user of the pool a row, and seeded users their Cognito ids, in one transaction.

    Raises:
        ConfirmationRequired: the target is protected and `confirm` is not its DB instance identifier.
        PoolMissing: there is no user pool.
        RunInProgress: somebody signed up with the same handle at this moment.
        SchemaMissing: the schema has not been loaded.
        DatabaseUnreachable: no connection came about.
    """
    members = list_members(target)
    with engine(target).begin() as connection:
        found = _compare(connection, members)
        plan = _plan(target, found)
        require_confirmation(plan, protected=target.protected, identifier=target.db_instance_identifier, confirm=confirm)
        for repair in found.repairs:
            _make(connection, repair)
        return plan.outcome


def list_members(target: Target) -> list[Member]:
    """All users of the pool, whatever their status; a page at a time."""
    pool_id, wanted = pool.require(target)["Id"], list(ATTRIBUTES)
    paginator = aws.client(target, "cognito-idp").get_paginator("list_users")
    pages = paginator.paginate(UserPoolId=pool_id, AttributesToGet=wanted, PaginationConfig={"PageSize": PAGE})
    members: list[Member] = []
    with progress.waiting("users of the pool") as show:
        for page in pages:
            members += [Member(attributes_of(user["Attributes"]), user["UserStatus"]) for user in page["Users"]]
            show(str(len(members)))
    return members


def _compare(connection: sqlalchemy.Connection, members: list[Member]) -> Reconciliation:
    rows = [Row(**row) for row in fetch(connection, "users/with_cognito")]
    return Reconciliation(members, rows)


def _plan(target: Target, found: Reconciliation) -> Plan:
    facts = (f"{found.settled} confirmed users of the pool have their rows", *found.reports)
    return Plan(f"users on {target.name}", tuple(repair.change for repair in found.repairs), facts)


def _make(connection: sqlalchemy.Connection, repair: Repair) -> None:
    """Run a repair's statement; what PostgreSQL says of a conflict would show the values."""
    message = f"{repair.change.resource} was changed at the same moment: repeat `cruddur-ops users sync`"
    try:
        done = fetch(connection, repair.query, **repair.parameters)
    except psycopg.errors.UniqueViolation:
        raise RunInProgress(message) from None
    if not done:
        raise RunInProgress(message)
