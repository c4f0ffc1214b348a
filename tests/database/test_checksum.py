"""Markers and checksums, on a real server: what a copy of a database is held against."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cruddur_ops import database
from cruddur_ops.database.connection import connect
from cruddur_ops.errors import InstanceNotReady, NotFound
from cruddur_ops.target import Target


def change(target: Target, statement: str) -> None:
    """Run a statement, and commit."""
    with connect(target) as connection:
        connection.execute(statement.encode())


def test_an_unchanged_database_holds(seeded: Target) -> None:
    """Every table is counted and summed up; the table of markers itself is not."""
    marker = database.mark(seeded, "now")
    assert {"activities": 12, "users": 5}.items() <= {name: one.rows for name, one in marker.tables.items()}.items()
    proof = database.prove(seeded, "now")
    assert proof.holds
    assert "users: 5 rows, checksum as it was" in repr(proof)
    assert "restore_markers" not in repr(proof)


@pytest.mark.parametrize(
    ("statement", "line"),
    [
        ("UPDATE users SET display_name = display_name || '!' WHERE handle = 'londo'", "users: DIFFERS: other values"),
        ("DELETE FROM activities WHERE replies_count = 0", "activities: DIFFERS: 12 rows then, "),
        ("CREATE TABLE later (number integer)", "later: is new"),
        ("CREATE SCHEMA other; CREATE TABLE other.later ()", "other.later: is new"),
        ("DROP TABLE schema_history", "schema_history: is gone"),
    ],
)
def test_any_change_shows(seeded: Target, statement: str, line: str) -> None:
    """Other values, other numbers of rows, other tables."""
    database.mark(seeded, "before")
    change(seeded, statement)
    proof = database.prove(seeded, "before")
    assert not proof.holds
    assert line in repr(proof)


def test_the_order_of_rows_does_not_matter(seeded: Target) -> None:
    """A restore may bring them back in another."""
    marker = database.mark(seeded, "before")
    change(seeded, "CREATE TABLE copy AS SELECT * FROM users ORDER BY random(); DELETE FROM copy; DROP TABLE copy")
    change(seeded, "ALTER TABLE users ALTER COLUMN handle SET STATISTICS 100; CLUSTER users USING users_pkey")
    assert marker.tables["users"] == database.mark(seeded, "after").tables["users"]


def test_sessions_of_other_settings_agree(seeded: Target) -> None:
    """A checksum does not depend on how the server or the role writes a time."""
    database.mark(seeded, "before")
    with connect(seeded) as connection:
        name = connection.info.dbname
        connection.execute(f"ALTER DATABASE \"{name}\" SET TimeZone = 'Asia/Tokyo'".encode())
        connection.execute(f'ALTER DATABASE "{name}" SET extra_float_digits = 0'.encode())
    assert database.prove(seeded, "before").holds


def test_writers_wait_for_a_marker(seeded: Target) -> None:
    """What is committed together with the marker is what the marker tells: nobody else writes in between."""
    with connect(seeded) as writer:
        writer.execute("INSERT INTO users (display_name, handle, email) VALUES ('G', 'gkar', 'g@example.com')")
        with connect(seeded) as other:
            held = other.execute("SELECT count(*) FROM pg_locks WHERE relation = 'users'::regclass AND mode = 'RowExclusiveLock'")
            assert (1,) == held.fetchone()
    assert 6 == database.mark(seeded, "after the writer").tables["users"].rows


def test_markers_of_one_label_move(seeded: Target) -> None:
    """A repeated drill has its own moment; the order is that of the moments."""
    first = database.mark(seeded, "a")
    database.mark(seeded, "b")
    again = database.mark(seeded, "a")
    assert first.moment < again.moment
    assert ["b", "a"] == [one.label for one in database.markers(seeded)]


def test_a_label_that_is_not_there(seeded: Target) -> None:
    """It was written later, or never."""
    assert [] == database.markers(seeded)
    with pytest.raises(NotFound, match="holds no marker later"):
        database.prove(seeded, "later")


def test_markers_are_removed(seeded: Target) -> None:
    """With their table; a second time changes nothing."""
    database.mark(seeded, "now")
    database.forget_markers(seeded)
    database.forget_markers(seeded)
    assert [] == database.markers(seeded)


def test_a_second_parts_two_changes(seeded: Target) -> None:
    """What is committed before is before it, what follows after."""
    before = database.mark(seeded, "before").moment
    moment = database.next_second(seeded)
    after = database.mark(seeded, "after").moment
    assert before < moment < after
    assert (0, True) == (moment.microsecond, after - before < timedelta(seconds=5))


def test_a_server_that_is_no_replica(seeded: Target) -> None:
    """It has no lag."""
    with pytest.raises(InstanceNotReady, match="is no replica"):
        database.replica_lag(seeded)
    with pytest.raises(InstanceNotReady, match="is no replica"):
        database.wait_until_caught_up(seeded, seeded)
