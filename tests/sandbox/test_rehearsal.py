"""Rehearsals on a real sandbox: what a report says, and that no copy is left, whatever happens."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from cruddur_ops import database, network, queries, rds, rehearsal
from cruddur_ops.database.connection import connect
from cruddur_ops.rds import instances
from cruddur_ops.rehearsal import Migrations
from cruddur_ops.target import Target

IDENTIFIER, COPY = "cruddur-db-instance", "cruddur-db-instance-rehearsal"
PLANTED = """-- Plants what a rehearsal is to find.
ALTER TABLE activities ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY;
DROP INDEX activities_feed;
"""


@pytest.fixture(scope="module")
def shared(module_target: Target) -> Target:
    """The target `local`, with an instance that is as wanted, and data; its tests leave it so."""
    rds.plan_group(module_target).apply()
    rds.plan_instance(module_target).apply()
    network.plan_access(module_target).apply()
    for plan in (database.plan_create, database.plan_schema, database.plan_seed):
        plan(module_target).apply()
    return module_target


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A copy of sql/ with a migration more."""
    shutil.copytree(queries.FOLDER, tmp_path / "sql")
    monkeypatch.setattr(queries, "FOLDER", tmp_path / "sql")
    (tmp_path / "sql/migrations/0002_plant.up.sql").write_text(PLANTED)
    (tmp_path / "sql/migrations/0002_plant.down.sql").write_text("-- Nothing.\nSELECT 1;\n")
    queries.load.cache_clear()
    yield
    queries.load.cache_clear()


def copies(target: Target) -> list[str]:
    """The instances besides the target's own."""
    return [name for name in instances.describe_all(target) if name != IDENTIFIER]


def test_a_migration_is_rehearsed(shared: Target, planted: None) -> None:
    """The report names the lock and the table that is written anew; the original is as it was, and no copy is left."""
    before = database.counts(shared)
    with connect(shared, autocommit=True) as connection:  # enough for an index to pay
        connection.execute(queries.load("rehearsal/analyze").text.encode())

    report = rehearsal.rehearse(shared, Migrations())

    shown = str(report.require_passed().require_valid(shared))
    assert "ACCESS EXCLUSIVE on activities" in shown
    assert "table activities was written anew" in shown
    assert "migrations/0002_plant.up.sql, line 2: ALTER TABLE" in shown
    assert "squawk: 0002_plant.up.sql, line 3: A normal `DROP INDEX`" in shown
    assert "table activities: 12 rows as before, with other values, since it has other columns" in shown
    assert (before, []) == (database.counts(shared), copies(shared))
