"""The lock of a run in the database: seen by all who use the server, and freed when its holder is gone."""

from __future__ import annotations

import getpass
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from cruddur_ops import database, locks, runbook
from cruddur_ops.database import lock, steps
from cruddur_ops.database.planning import on_server
from cruddur_ops.errors import RunInProgress
from cruddur_ops.runbook import Request, Selection
from cruddur_ops.target import Target
from tests.unit.headless import TARGETS, write_notebook

END = "SELECT pg_terminate_backend(pid) AS ended FROM pg_stat_activity WHERE application_name LIKE 'lock of %'"


def test_the_second_is_told_who_holds_it(target: Target) -> None:
    """Also before the database exists; afterwards it is free."""
    told = rf"\({getpass.getuser()}@.* process {os.getpid()}: run of 01, 03, since 2.*\): wait until"
    first = lock.held(target, "run of 01, 03")
    with first, pytest.raises(RunInProgress, match=told), lock.held(target, "x"):
        pass
    with lock.held(target, "x"):
        pass


def test_a_second_run_is_refused(target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It touches nothing; a plan, and a run that changes nothing, need no lock."""
    (tmp_path / "targets.toml").write_text(TARGETS)
    monkeypatch.setenv("CRUDDUR_TARGETS", str(tmp_path / "targets.toml"))
    monkeypatch.setenv("PLAIN_CONNECTION_URL", target.connection_url)
    write_notebook(tmp_path / "notebooks", "00_looks")
    write_notebook(tmp_path / "notebooks", "01_changes", ("apply", "x = 1"))

    def execute(number: str, **options: Any) -> None:
        request = Request(Selection([number]), "plain", **options)
        runbook.execute(runbook.check(request, tmp_path / "notebooks"), tmp_path / "runs")

    with lock.held(target, "something"):
        with pytest.raises(RunInProgress, match="process"):
            execute("01")
        assert not (tmp_path / "runs").exists()
        execute("01", plan_only=True)
        execute("00")
    assert 2 == len([*(tmp_path / "runs").iterdir()])


def test_each_database_has_a_lock_of_its_own(target: Target, empty: Target) -> None:
    """Two targets on one server do not wait for each other."""
    other = type(target)(**{**vars(target), "connection_url": target.connection_url.replace("/test_", "/other_")})
    with lock.held(target, "x"), lock.held(other, "x"):
        assert target.connection_url != other.connection_url


def test_a_holder_that_breaks_off_loses_the_lock(empty: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server frees it; the run is interrupted, and told why."""
    monkeypatch.setattr(locks, "RENEWAL", 0.05)
    with pytest.raises(KeyboardInterrupt), lock.held(empty, "x") as hold:
        with on_server(empty) as other:
            other.execute(END)
        with lock.held(empty, "x"):
            signal.pause()
    assert lock.LOST == hold.lost


def test_no_step_is_applied_while_somebody_else_changes_the_target(empty: Target) -> None:
    """Neither a verb's nor a cell's: all plans are applied in one place. Whoever holds the lock applies what it wants."""
    plan = database.plan_schema(empty)
    with lock.held(empty, "db setup"):
        with pytest.raises(RunInProgress, match="db setup, since .*: wait until"):
            plan.apply()
        with pytest.raises(RunInProgress):
            steps.setup(empty)
    with locks.held(empty, "all of it"):
        plan.apply()


def test_a_kernel_inherits_the_lock_of_its_run(empty: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its plans are those of the run."""
    with lock.held(empty, "run"):
        monkeypatch.setenv(locks.VARIABLE, locks.identity(empty))
        database.plan_schema(empty).apply()
