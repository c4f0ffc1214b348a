"""`cruddur-ops users sync`: the user pool and the table of users, brought together.

An error of the function is not tried again by Cognito, and leaves a confirmed user without a row. Planning raises NotFound
where there is no user pool, and what `database` raises; making the changes RunInProgress, where somebody signed up with the
same handle at this moment.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import psycopg

from cruddur_ops import aws, progress
from cruddur_ops.cognito import pool
from cruddur_ops.cognito.reconciliation import ATTRIBUTES, VERIFIED, Member, Reconciliation, Repair, Row
from cruddur_ops.database.connection import Connection, transaction
from cruddur_ops.database.planning import changing
from cruddur_ops.database.statements import ask
from cruddur_ops.errors import RunInProgress
from cruddur_ops.plan import Change, Plan, step
from cruddur_ops.target import Target

PAGE = 60  # the most that ListUsers gives at once


@step
def plan_sync(target: Target) -> Plan:
    """Give every confirmed user of the pool a row with the values of the pool, in one transaction."""
    members = list_members(target)
    with transaction(target, keep=False) as connection:
        return replace(_plan(target, connection, members), session=partial(_session, target))


@contextmanager
def _session(target: Target) -> Iterator[Plan]:
    members = list_members(target)
    with changing(target) as connection:
        yield _plan(target, connection, members)


def list_members(target: Target) -> list[Member]:
    """All users of the pool, whatever their status; a page at a time."""
    pool_id, wanted = pool.require(target)["Id"], [*ATTRIBUTES, VERIFIED]
    paginator = aws.client(target, "cognito-idp").get_paginator("list_users")
    pages = paginator.paginate(UserPoolId=pool_id, AttributesToGet=wanted, PaginationConfig={"PageSize": PAGE})
    members: list[Member] = []
    with progress.waiting("users of the pool") as show:
        for page in pages:
            members += [Member(attributes_of(user["Attributes"]), user["UserStatus"]) for user in page["Users"]]
            show(str(len(members)))
    return members


def attributes_of(items: list[Mapping[str, str]]) -> dict[str, str]:
    """A user's attributes by name."""
    return {item["Name"]: item.get("Value", "") for item in items}


def _plan(target: Target, connection: Connection, members: list[Member]) -> Plan:
    found = Reconciliation(members, [Row(**row) for row in ask(connection, "users/with_cognito")])
    facts = (f"{found.settled} confirmed users of the pool have their rows", *found.reports)
    return Plan(f"users on {target.name}", tuple(_change(connection, repair) for repair in found.repairs), facts)


def _change(connection: Connection, repair: Repair) -> Change:
    return replace(repair.change, make=partial(_make, connection, repair))


def _make(connection: Connection, repair: Repair) -> None:
    """Run a repair's statement; what PostgreSQL says of a conflict would show the values."""
    message = f"{repair.change.resource} was changed at the same moment: repeat `cruddur-ops users sync`"
    try:
        done = ask(connection, repair.query, **repair.parameters)
    except psycopg.errors.UniqueViolation:
        raise RunInProgress(message) from None
    if not done or "taken" in done[0]["outcome"]:
        raise RunInProgress(message)
