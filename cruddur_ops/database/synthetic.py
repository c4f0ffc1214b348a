"""Synthetic data: users and activities by the million, made by the server; the same for the same seed number."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from uuid import UUID

import psycopg

from cruddur_ops.database.connection import Connection
from cruddur_ops.database.planning import planned
from cruddur_ops.database.statements import ask
from cruddur_ops.errors import WrongInput
from cruddur_ops.plan import Action, Change, Outcome, Plan, step
from cruddur_ops.progress import counting
from cruddur_ops.target import Target

MAX_ACTIVITIES, MAX_SEED_NUMBER = 100_000_000, 65_535  # 30 GB of tables and indexes; what a user's uuid has room for
ACTIVITIES_EACH = 20  # for a user, on average
PART = 20_000  # activities in a statement: its joins and foreign keys take memory


@dataclass(frozen=True)
class Data:
    """So many activities and the users who post them, by a seed number."""

    activities: int
    users: int
    seed_number: int

    @property
    def first_user(self) -> tuple[str, UUID]:
        """Handle and uuid of the first user, as sql/synthetic/users.sql makes them."""
        return f"ada_{self.seed_number}_0", UUID(f"{self.activities:08x}{self.seed_number:04x}4000800000000{0:07x}")

    def refusal(self, reason: object) -> WrongInput:
        """That the seed number is taken."""
        message = f"seed number {self.seed_number} cannot give {self.activities} activities ({str(reason).rstrip('.')})"
        return WrongInput(f"{message}: use another --seed-number, or an empty database")


@step
def plan_load(target: Target, activities: int, seed_number: int = 1) -> Plan:
    """So many activities over the last 30 days, and the users who post them, in one transaction.

    The data of each seed number stand beside those of others, and beside all else. The outcome counts rows. WrongInput where
    an argument is out of its range, the seed number is taken, or the database belongs to another environment.

    Args:
        activities: how many, 1 to 100 million.
        seed_number: the same number gives the same data, 0 to 65535.
    """
    if not 1 <= activities <= MAX_ACTIVITIES:
        raise WrongInput(f"{activities} activities cannot be generated: ask for 1 to {MAX_ACTIVITIES}")
    if not 0 <= seed_number <= MAX_SEED_NUMBER:
        raise WrongInput(f"{seed_number} is no seed number: use 0 to {MAX_SEED_NUMBER}")
    data = Data(activities, 1 + activities // ACTIVITIES_EACH, seed_number)

    def find(connection: Connection) -> Iterator[Change]:
        handle, uuid = data.first_user
        found = ask(connection, "synthetic/found", handle=handle)
        if found and found[0]["uuid"] != uuid:
            raise data.refusal("the database has other data of it")
        yield from _changes(data, Action.NONE if found else Action.CREATE, connection)

    return planned(target, "Synthetic data", find, next(_changes(data, Action.CREATE)))


def _changes(data: Data, action: Action, connection: Connection | None = None) -> Iterator[Change]:
    parts = {"users": (data.users, _add_users), "activities": (data.activities, _add_activities)}
    for name, (count, add) in parts.items():
        made = partial(add, connection, data) if connection else None
        yield Change(action, name, "rows", after=f"{count:,}", note=f"seed number {data.seed_number}", make=made)


def _add_users(connection: Connection, data: Data) -> Outcome:
    ask(connection, "synthetic/lock")
    try:
        ask(connection, "synthetic/users", **asdict(data))
    except psycopg.errors.UniqueViolation as error:
        raise data.refusal(error.diag.message_detail) from error
    return Outcome(created=data.users)


def _add_activities(connection: Connection, data: Data) -> Outcome:
    with counting("seed", data.activities, " rows") as count:
        for first in range(0, data.activities, PART):
            last = min(first + PART, data.activities) - 1
            ask(connection, "synthetic/activities", first=first, last=last, **asdict(data))
            count(last + 1 - first)
    ask(connection, "synthetic/analyze")
    return Outcome(created=data.activities)
