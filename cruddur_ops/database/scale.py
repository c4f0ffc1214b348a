"""Data at scale: a crowd of users and activities, brought in by COPY."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg

from cruddur_ops import queries
from cruddur_ops.database import stamp
from cruddur_ops.database.connection import connect
from cruddur_ops.database.crowd import HEADER, TRAILER, Crowd
from cruddur_ops.database.planning import planned, require_agreement
from cruddur_ops.database.refusals import told
from cruddur_ops.database.statements import ask, rows
from cruddur_ops.errors import WrongInput
from cruddur_ops.plan import Action, Change, Outcome, Plan
from cruddur_ops.progress import counting
from cruddur_ops.targets import Target

MAX_ACTIVITIES, MAX_SEED_NUMBER = 100_000_000, 65_535  # 30 GB of tables and indexes; what a user's uuid has room for


class ScaleOutOfRange(WrongInput):
    """No crowd has as many activities, or this seed number; nothing was touched."""


class SeedNumberTaken(WrongInput):
    """The database has data of this seed number, and not as many; nothing was touched."""


def plan_load(target: Target, activities: int, seed_number: int = 1) -> Plan:
    """What `load` would do.

    Raises:
        ScaleOutOfRange: an argument is out of its range.
        SeedNumberTaken: the database has other data of this seed number.
        DatabaseUnreachable: no connection came about.
    """
    wanted = _crowd(activities, seed_number)

    def find() -> tuple[Change, ...]:
        found = rows(target, "scale/found", handle=wanted.handle(0))
        return _changes(wanted, found[0]["user_uuid"])

    return planned(target, "Scale", find, _changes(wanted, None)[0])


def load(target: Target, activities: int, seed_number: int = 1, confirm: str = "") -> Outcome:
    """Generate so many activities and the users who post them, in one transaction; the same again changes nothing.

    The data of each seed number stand beside those of others, and beside all else.

    Args:
        target: where to.
        activities: how many, 1 to 100 million; they are spread over the last 30 days.
        seed_number: the same number gives the same data, 0 to 65535.
        confirm: the DB instance identifier, for a protected target.

    Returns:
        How many rows were created, or were there already.

    Raises:
        ScaleOutOfRange: an argument is out of its range.
        SeedNumberTaken: the database has other data of this seed number.
        StampDiffers: the database belongs to another environment.
        ConfirmationRequired: the target is protected and `confirm` is not its DB instance identifier.
        SchemaMissing: the schema has not been loaded.
        OpsError: the server failed, see `refusals`; nothing of it remains.
    """
    wanted = _crowd(activities, seed_number)
    stamp.require(target)
    with told(), connect(target) as connection:
        ask(connection, "scale/lock")
        (found,) = ask(connection, "scale/found", handle=wanted.handle(0))
        plan = Plan(f"Scale on {target.name}", _changes(wanted, found["user_uuid"]))
        require_agreement(plan, target, confirm)
        if plan.mutating:
            _copy(connection, wanted, found["now"].astimezone(UTC))
    count = wanted.activities + wanted.users
    return Outcome(created=count) if plan.mutating else Outcome(unchanged=count)


def _crowd(activities: int, seed_number: int) -> Crowd:
    if not 1 <= activities <= MAX_ACTIVITIES:
        raise ScaleOutOfRange(f"{activities} activities cannot be generated: ask for 1 to {MAX_ACTIVITIES}")
    if not 0 <= seed_number <= MAX_SEED_NUMBER:
        raise ScaleOutOfRange(f"{seed_number} is no seed number: use 0 to {MAX_SEED_NUMBER}")
    return Crowd(activities, seed_number)


def _changes(wanted: Crowd, found: UUID | None) -> tuple[Change, ...]:
    """Compare with the first user of this seed number, whose uuid tells of how many activities they are.

    Raises:
        SeedNumberTaken: of another number of activities; or somebody else has that user's handle.
    """
    if found not in (None, UUID(bytes=wanted.user_uuid(0))):
        raise _taken(wanted, "the database has other data of it")
    action = Action.NONE if found else Action.CREATE
    note = f"seed number {wanted.seed_number}"
    parts = {"users": wanted.users, "activities": wanted.activities}
    return tuple(Change(action, part, "rows", after=f"{count:,}", note=note) for part, count in parts.items())


def _copy(connection: psycopg.Connection[Any], wanted: Crowd, now: datetime) -> None:
    """Let the server take the rows in while they are being generated, and look at what it got."""
    with counting("seed", wanted.activities, " rows") as count, connection.cursor() as cursor:
        try:
            with cursor.copy(_statement("users")) as copy:
                for line in wanted.user_lines(now):
                    copy.write(line)
            with cursor.copy(_statement("activities")) as copy:
                copy.write(HEADER)
                for block in wanted.blocks(now):
                    copy.write(b"".join(map(bytes, block)))
                    count(len(block))
                copy.write(TRAILER)
        except psycopg.errors.UniqueViolation as error:
            raise _taken(wanted, str(error.diag.message_detail)) from error
    ask(connection, "scale/analyze")


def _statement(table: str) -> bytes:
    return queries.load(f"scale/copy_{table}").text.encode()


def _taken(wanted: Crowd, reason: str) -> SeedNumberTaken:
    message = f"seed number {wanted.seed_number} cannot give {wanted.activities} activities ({reason.rstrip('.')})"
    return SeedNumberTaken(f"{message}: use another --seed-number, or `cruddur-ops db setup` for an empty database")
