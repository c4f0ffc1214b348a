"""Shells, roles and databases as people have set them up: what the code relies on is pinned, guards are respected and named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cruddur_ops import database
from cruddur_ops.activities import feeds
from cruddur_ops.change import Outcome
from cruddur_ops.database.connection import session
from cruddur_ops.database.errors import StatementFailed
from cruddur_ops.database.location import database_name
from cruddur_ops.target import Target
from tests.database.support import execute, write

CONTENT = "SELECT message, created_at, created_at - expires_at FROM activities ORDER BY uuid"
SETTINGS = {
    "DateStyle": "German, DMY",
    "IntervalStyle": "sql_standard",
    "search_path": "nowhere",
    "standard_conforming_strings": "off",
    "client_encoding": "LATIN1",
    "bytea_output": "escape",
}


def settle(target: Target, name: str, value: str) -> None:
    """Set something for all sessions of the database from now on."""
    execute(target, f"ALTER DATABASE {database_name(target)} SET {name} = '{value}'")
    session(target).close()


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_of_a_database(seeded: Target, name: str) -> None:
    """Rows are read as they were, and every step finds all as wanted."""
    before = execute(seeded, CONTENT)
    settle(seeded, name, SETTINGS[name])

    assert before == execute(seeded, CONTENT)
    assert Outcome(unchanged=1) == database.plan_schema(seeded).apply() == database.plan_migrations(seeded).apply()
    assert Outcome(unchanged=17) == database.plan_seed(seeded).apply()
    assert "12" in str(database.status(seeded))


SHELLS = {"PGCLIENTENCODING": "LATIN1", "PGDATESTYLE": "German", "PGOPTIONS": "-c search_path=nowhere -c DateStyle=German"}


@pytest.mark.parametrize("name", SHELLS)
def test_variables_of_a_shell(seeded: Target, files: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """What is stored is what the file has; what is read is what was stored."""
    monkeypatch.setenv(name, SHELLS[name])
    session(seeded).close()
    assert "12" in str(database.status(seeded))
    write(files / "seed.sql", "UPDATE users SET display_name = 'Lond\u00f6 \u2615' WHERE handle = 'londo';")
    assert Outcome(changed=1) == database.plan_seed(seeded).apply()
    monkeypatch.delenv(name)
    session(seeded).close()

    assert [("Lond\u00f6 \u2615", 10)] == execute(
        seeded, "SELECT display_name, length(convert_to(display_name, 'UTF8')) FROM users WHERE handle = 'londo'"
    )


GUARDS = {
    "default_transaction_read_only": (
        "on",
        "DELETE FROM activities;",
        "read-only transaction: .* see default_tr",
    ),
    "statement_timeout": ("150ms", "SELECT pg_sleep(5);", "statement timeout: .* `SHOW statement_timeout` shows"),
}


@pytest.mark.parametrize("name", GUARDS)
def test_guards_are_respected(seeded: Target, files: Path, name: str) -> None:
    """What a DBA has set stops us as anybody else, and is named."""
    value, text, sentence = GUARDS[name]
    settle(seeded, name, value)
    write(files / "seed.sql", text)

    with pytest.raises(StatementFailed, match=sentence):
        database.plan_seed(seeded)


def test_a_role_with_a_setting_of_its_own(seeded: Target, at: Callable[..., Target]) -> None:
    """The same for what a role has, and for the application's own queries."""
    execute(seeded, "ALTER ROLE cruddurroot SET search_path = nowhere")
    try:
        again = at(database_name(seeded))
        session(again).close()
        assert 5 == len(feeds.home(again, limit=5).activities)
    finally:
        execute(seeded, "ALTER ROLE cruddurroot RESET search_path")
