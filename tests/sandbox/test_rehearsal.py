"""Rehearsals on a real sandbox: what a report says, and that no copy is left, whatever happens."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cruddur_ops import approvals, calls, database, network, queries, rds, rehearsal, targets
from cruddur_ops.calls import Call
from cruddur_ops.errors import ConfirmationRequired, InstanceNotReady, NotOffered, OpsError, PlanMoved, WrongInput
from cruddur_ops.rds import instances, offers
from cruddur_ops.rehearsal import Migrations, Modification, Script, Upgrade
from cruddur_ops.rehearsal.copies import plan_copy
from cruddur_ops.rehearsal.steps import Step
from cruddur_ops.target import Target
from tests.database.conftest import files
from tests.database.support import execute

__all__ = ["files"]

IDENTIFIER, COPY = "cruddur-db-instance", "cruddur-db-instance-rehearsal"
LOADING = (database.plan_create, database.plan_schema, database.plan_seed)
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
    for plan in LOADING:
        plan(module_target).apply()
    return module_target


@pytest.fixture
def planted(files: Path) -> None:
    """A copy of sql/ with a migration more."""
    (files / "migrations/0002_plant.up.sql").write_text(PLANTED)
    (files / "migrations/0002_plant.down.sql").write_text("-- Nothing.\nSELECT 1;\n")


def copies(target: Target) -> list[str]:
    """The instances besides the target's own."""
    return [name for name in instances.describe_all(target) if name != IDENTIFIER]


def test_a_migration_is_rehearsed(
    shared: Target, planted: None, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The report names the lock and the table that is written anew; the original is as it was, and no copy is left.

    All of it is covered by an approved plan, as 03 shows it.
    """
    before = database.counts(shared)
    shown = (database.plan_migrations(shared), *rehearsal.plan_later(shared))
    plans = [approvals.entry("03", {"title": one.title, "changes": [each.shown for each in one.changes]}) for one in shown]
    folder = tmp_path_factory.mktemp("approved")
    approvals.write({"plans": plans}, folder)
    monkeypatch.setenv(approvals.VARIABLE, str(folder / approvals.NAME))
    report = rehearsal.rehearse(shared, Migrations())

    said = str(report.require_passed().require_valid(shared))
    assert "ACCESS EXCLUSIVE on activities" in said
    assert "would have waited, such as activities/by_author, activities/create" in said
    assert "table activities was written anew" in said
    assert "migrations/0002_plant.up.sql, line 2: ALTER TABLE" in said
    assert "squawk: 0002_plant.up.sql, line 3: A normal `DROP INDEX`" in said
    assert "table activities: 12 rows as before, with other values, since it has other columns" in said
    assert (before, []) == (database.counts(shared), copies(shared))


def test_what_cannot_be_done_is_refused_before_a_copy_is_made(shared: Target, tmp_path: Path) -> None:
    """Each step in a sentence of its own."""
    (tmp_path / "open.sql").write_text("SELECT 'open;\n")
    refused: list[tuple[Step, type[OpsError], str]] = [
        (Upgrade("17"), WrongInput, "never goes back to 17"),
        (Upgrade("99"), NotOffered, "no PostgreSQL 99"),
        (Migrations(), WrongInput, "lacks no migration"),
        (Modification(), WrongInput, "name a class, a storage type"),
        (Modification("db.z9.mega"), NotOffered, "no db.z9.mega"),
        (Script(tmp_path / "none.sql"), WrongInput, "cannot be read"),
        (Script(tmp_path / "open.sql"), WrongInput, "a quote is opened"),
        (Script(tmp_path / "notes.txt"), WrongInput, "does not end in .sql"),
    ]
    for step, kind, sentence in refused:
        with pytest.raises(kind, match=sentence):
            rehearsal.rehearse(shared, step)
    assert [] == copies(shared)


def test_a_copy_that_cannot_be_made(shared: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A quota, a zone that is full, no such snapshot: AWS's own words with a remedy, and nothing is left."""
    script = Script(tmp_path / "one.sql")
    script.path.write_text("SELECT 1;\n")
    with pytest.raises(InstanceNotReady, match="no snapshot nowhere"):
        rehearsal.rehearse(shared, script, "nowhere")
    send = calls._send
    for code in ("InstanceQuotaExceeded", "InsufficientDBInstanceCapacity"):

        def refuse(target: Target, call: Call, code: str = code) -> dict[str, Any]:
            if call.operation.startswith("restore_"):
                raise ClientError({"Error": {"Code": code, "Message": "no"}}, "RestoreDBInstanceToPointInTime")
            return send(target, call)

        monkeypatch.setattr(calls, "_send", refuse)
        with pytest.raises(NotOffered, match=code):
            rehearsal.rehearse(shared, script)
    assert [] == copies(shared)


def test_a_protected_target_is_asked_for(shared: Target, tmp_path: Path) -> None:
    """No copy of production is made, and billed, unless its name was typed."""
    script = Script(tmp_path / "one.sql")
    script.path.write_text("SELECT 1;\n")
    with pytest.raises(ConfirmationRequired, match=IDENTIFIER):
        rehearsal.rehearse(replace(shared, protected=True), script)
    assert [] == copies(shared)


@dataclass(frozen=True)
class Interrupted:
    """A step in which somebody presses Ctrl-C."""

    title = "step that is interrupted"
    files: tuple[Path, ...] = ()

    def check(self, target: Target) -> None:
        """Nothing is refused."""

    def run(self, copy: Target) -> None:
        """As Ctrl-C does."""
        raise KeyboardInterrupt


@pytest.mark.thorough
def test_no_copy_is_left_whatever_happens(shared: Target, tmp_path: Path) -> None:
    """What a killed rehearsal has left goes first; a step that fails is told in the report; an interrupt ends both."""
    plan_copy(shared).apply()
    assert [COPY] == copies(shared)
    script = Script(tmp_path / "two.sql")
    script.path.write_text("CREATE TABLE half (made integer);\nSELECT 1 / 0;\n")
    report = rehearsal.rehearse(shared, script)
    assert ("line 2" in report.failed, []) == (True, copies(shared))
    assert "half" not in str(report)
    with pytest.raises(KeyboardInterrupt):
        rehearsal.rehearse(shared, Interrupted())
    assert [] == copies(shared)


@pytest.mark.thorough
def test_a_rehearsal_is_void_once_the_live_instance_is_another(shared: Target, tmp_path: Path) -> None:
    """Its schema was changed since: it says so; put back, it holds again."""
    script = Script(tmp_path / "one.sql")
    script.path.write_text("SELECT 1;\n")
    report = rehearsal.rehearse(shared, script).require_passed().require_valid(shared)
    assert ((), (), 0.0) == (report.changed, report.differences, report.downtime)
    execute(shared, "ALTER TABLE users ADD COLUMN mood text")
    with pytest.raises(PlanMoved, match="void"):
        report.require_valid(shared)
    execute(shared, "ALTER TABLE users DROP COLUMN mood")
    report.require_valid(shared)


@pytest.mark.thorough
def test_an_upgrade_is_rehearsed(shared: Target, planted: None) -> None:
    """PostgreSQL 18 runs a join of a table with itself otherwise than 16: the report names that statement, and no other."""
    planned = queries.FOLDER / "activities/planted.sql"
    planned.write_text("-- A join that 18 does without.\nSELECT a.uuid FROM activities AS a JOIN activities USING (uuid);\n")
    older = targets.load("local", db_instance_identifier="older", engine_version="16")
    for plan in (rds.plan_group, rds.plan_instance, network.plan_access, *LOADING):
        plan(older).apply()
    with pytest.raises(NotOffered, match="does not upgrade"), pytest.MonkeyPatch.context() as patch:
        patch.setattr(offers, "upgrades", lambda *_: ["16.99"])
        rehearsal.rehearse(older, Upgrade("18"))

    report = rehearsal.rehearse(older, Upgrade("18")).require_passed().require_valid(older)

    assert ["activities/planted"] == [one.name for one in report.changed]
    assert report.outage > 0
    assert not [line for line in report.differences if line.startswith(("table", "sequence", "extension"))]
    assert report.wal is None
    calls.send(shared, Call("rds", "delete_db_instance", {"DBInstanceIdentifier": "older", "SkipFinalSnapshot": True}))
