"""Posting an activity beside a bare INSERT … RETURNING."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from benchmarks.compare import compare, timed
from benchmarks.databases import databases
from cruddur_ops import activities
from cruddur_ops.database.connection import connect

INSERT = "INSERT INTO activities (user_uuid, message, expires_at) VALUES (%s, %s, now() + %s) RETURNING *"
MESSAGE = "Good morning"
ACTIVITIES, ROUNDS = 10_000, 1000


def lines(tiny: bool = False) -> Iterator[str]:
    """Who posts is looked up on one side, and known on the other."""
    count, rounds = (100, 1) if tiny else (ACTIVITIES, ROUNDS)
    with databases() as made:
        target = made.scaled("posts", count)
        author = activities.home(target).activities[0]
        values = (author["user_uuid"], MESSAGE, timedelta(days=7))
        with connect(target, autocommit=True) as bare:
            yield compare(
                "posting an activity : INSERT … RETURNING through psycopg",
                timed(lambda: activities.post(target, author["handle"], MESSAGE)),
                timed(lambda: bare.execute(INSERT, values).fetchone()),
                1.3,
                rounds,
            )
