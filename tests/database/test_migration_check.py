"""`db migration check`: what a small table cannot show in time, found on an empty one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from cruddur_ops.cli import main
from cruddur_ops.errors import WrongInput
from cruddur_ops.rehearsal import check
from cruddur_ops.target import Target
from tests.database.support import write

ROWS = {"activities": 5_000_000, "users": 5_000}


@pytest.fixture
def migration(files: Path) -> Callable[..., None]:
    """Writes another migration."""

    def new(name: str, *lines: str) -> None:
        write(files / f"migrations/{name}.up.sql", "\n".join([*lines, ""]))
        write(files / f"migrations/{name}.down.sql", "-- Nothing.\nSELECT 1;\n")

    return new


def test_what_would_keep_a_large_table_waiting_is_found(target: Target, migration: Callable[..., None]) -> None:
    """Each statement with its line, who waits, how many rows there are, and what to write instead; a small table may wait."""
    migration(
        "0002_plant",
        "-- Plants what is to be found.",
        "ALTER TABLE activities ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY;",
        "CREATE INDEX by_name ON users (display_name);",
        "ALTER TABLE activities ADD COLUMN mood text;",
        "ALTER TABLE activities ALTER COLUMN likes_count SET NOT NULL, ADD CHECK (likes_count >= 0);",
    )

    checked = check.check(target, 1, ROWS)

    assert ("0002_plant",) == checked.migrations
    anew, scanned = map(str, checked.findings)
    assert "sql/migrations/0002_plant.up.sql, line 2: this ALTER TABLE writes all rows of activities" in anew
    assert "whoever reads or writes it waits meanwhile; production has 5,000,000" in anew
    assert "line 5: this ALTER TABLE reads all rows of activities" in scanned
    assert "with NOT VALID" in scanned
    with pytest.raises(WrongInput, match="line 2"):
        checked.require_passed()
    assert any("CONCURRENTLY" in one.upper() for one in checked.warnings)


def test_what_keeps_nobody_waiting_passes(target: Target, migration: Callable[..., None]) -> None:
    """Concurrently, and not valid at first; of a table that is new nobody waits for anything."""
    migration("0002_index", "-- cruddur-ops: outside a transaction", "CREATE INDEX CONCURRENTLY by_name ON users (display_name);")
    migration(
        "0003_later",
        "-- Keeps nobody waiting.",
        "ALTER TABLE users ADD CONSTRAINT named CHECK (handle <> '') NOT VALID;",
        "CREATE TABLE moods (mood text);",
        "CREATE INDEX by_mood ON moods (mood);",
    )
    migration("0004_valid", "-- In a transaction of its own.", "ALTER TABLE users VALIDATE CONSTRAINT named;")
    checked = check.check(target, 3, {})
    checked.require_passed()
    assert "0002_index, 0003_later, 0004_valid: no large table is read or written anew while others wait" in str(checked)


def test_the_command(files: Path, migration: Callable[..., None]) -> None:
    """It brings a server of its own, and fails with a sentence where production would wait; a mistyped table is told before."""
    migration("0002_index", "-- Plants.", "CREATE INDEX by_name ON users (display_name);")
    failed = CliRunner().invoke(main, ["db", "migration", "check"])
    assert (2, True) == (failed.exit_code, "has, as with `--rows users=5000`: write" in failed.stderr)
    assert "CREATE INDEX CONCURRENTLY" in failed.stderr
    wrong = CliRunner().invoke(main, ["db", "migration", "check", "--rows", "users"])
    assert (2, True) == (wrong.exit_code, "activities=5000000" in wrong.stderr)
