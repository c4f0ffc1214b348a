"""What a rehearsal measures on a real server: statements of the application, and those of the live instance."""

from __future__ import annotations

from cruddur_ops import queries
from cruddur_ops.rehearsal import statements
from cruddur_ops.target import Target
from tests.database.support import execute

LIVE = ("SELECT message FROM activities WHERE uuid = $1", "SELECT nothing FROM nowhere WHERE it = $1", "SELECT $1 FROM")


def test_statements_are_measured_and_leave_nothing(seeded: Target) -> None:
    """The application's with times, the live ones as generic plans; one that does not fit the schema is left out."""
    found = {one.name: one for one in statements.measure(seeded, LIVE)}
    assert {*LIVE[:1], *(name for name in queries.names() if name.startswith("activities/"))} == found.keys()
    assert all(one.milliseconds is not None for name, one in found.items() if name not in LIVE)
    generic = found[LIVE[0]]
    assert (None, frozenset({"activities"})) == (generic.milliseconds, generic.reads)
    assert "activities" in found["activities/create"].writes
    assert [(12,)] == execute(seeded, "SELECT count(*) FROM activities")


def test_a_statement_that_lost_its_index_is_found(seeded: Target) -> None:
    """By its plan, which names the index that is gone; nothing is found where nothing was done."""
    execute(
        seeded, "INSERT INTO activities (user_uuid, message) SELECT uuid, repeat('x', 200) FROM users, generate_series(1, 900)"
    )
    before = statements.measure(seeded, LIVE)
    assert [] == [one.name for one in statements.compared(before, statements.measure(seeded, LIVE)) if one.nodes]
    execute(seeded, "DROP INDEX activities_feed")
    changed = {one.name: one for one in statements.compared(before, statements.measure(seeded, LIVE)) if one.nodes}
    assert "activities_feed" in str(changed["activities/home"])
