"""The home feed: of many activities beside few, beside bare psycopg, and beside the application's first query."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks.compare import compare, shown, timed
from benchmarks.databases import databases
from cruddur_ops import activities, queries
from cruddur_ops.activities import cursor as cursors
from cruddur_ops.activities import feeds
from cruddur_ops.database.connection import connect
from cruddur_ops.target import Target

SIZES = 10_000, 5_000_000, 1_000_000
PAGES = {"first": 0, "hundredth": 99}
ROUNDS = 1000


def lines(tiny: bool = False) -> Iterator[str]:
    """First page and hundredth: many beside few, ours beside psycopg; then the original query."""
    few_activities, many_activities, original = (100, 200, 200) if tiny else SIZES
    rounds = 1 if tiny else ROUNDS
    with databases() as made:
        few, many = made.scaled("few", few_activities), made.scaled("many", many_activities)
        for name, pages in PAGES.items():
            title = f"home feed, {name} page, {many_activities:,} activities : {few_activities:,}"
            yield _of_many(title, few, many, pages, rounds)
        for name, pages in PAGES.items():
            yield _beside_psycopg(name, many, pages, rounds)
        yield _original(made.scaled("original", original), original)


def _of_many(title: str, few: Target, many: Target, pages: int, rounds: int) -> str:
    cursor_of_few, cursor_of_many = _cursor(few, pages), _cursor(many, pages)
    return compare(
        title,
        timed(lambda: activities.home(many, cursor_of_many)),
        timed(lambda: activities.home(few, cursor_of_few)),
        1.3,
        rounds,
    )


def _beside_psycopg(name: str, target: Target, pages: int, rounds: int) -> str:
    cursor = _cursor(target, pages)
    statement = queries.load("activities/home").text.encode()
    parameters = {**cursors.parameters(cursor), "limit": feeds.LIMIT + 1}
    with connect(target, autocommit=True) as bare:
        return compare(
            f"home feed, {name} page : psycopg execute",
            timed(lambda: activities.home(target, cursor)),
            timed(lambda: bare.execute(statement, parameters).fetchall()),
            1.15,
            rounds,
        )


def _original(target: Target, count: int) -> str:
    """One run tells enough: it is some thousand times as much."""
    statement = (Path(__file__).parent / "original_home.sql").read_bytes()
    with connect(target, autocommit=True) as bare:
        seconds = timed(lambda: bare.execute(statement).fetchall())()
    return f"the original query (full join, no limit, JSON of all) at {count:,} activities: {shown(seconds)}"


def _cursor(target: Target, pages: int) -> str:
    """What leads past so many pages."""
    cursor = ""
    for _ in range(pages):
        cursor = activities.home(target, cursor).next_cursor
    return cursor
