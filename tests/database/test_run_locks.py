"""The lock of a run in the database: seen by all who use the server, and freed when its holder is gone."""

from __future__ import annotations

import getpass
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from cruddur_ops import runbook
from cruddur_ops.database.planning import on_server
from cruddur_ops.errors import RunInProgress
from cruddur_ops.runbook import Request, Selection, locks
from cruddur_ops.runbook.locks import advisory
from cruddur_ops.targets import Target
from tests.unit.headless import TARGETS, write_notebook

END = "SELECT pg_terminate_backend(pid) AS ended FROM pg_stat_activity WHERE application_name LIKE 'run of %'"


def test_the_second_is_told_who_holds_it(target: Target) -> None:
    """Also before the database exists; afterwards it is free."""
    told = rf"\(run of {getpass.getuser()}@.* process {os.getpid()} 01,03, since 2.*\): wait until"
    first = advisory.held(target, ["01_provision_rds", "03_load_schema_and_seed"])
    with first, pytest.raises(RunInProgress, match=told), advisory.held(target, []):
        pass
    with advisory.held(target, []):
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

    with advisory.held(target, ["01_changes"]):
        with pytest.raises(RunInProgress, match="process"):
            execute("01")
        assert not (tmp_path / "runs").exists()
        execute("01", plan_only=True)
        execute("00")
    assert 2 == len([*(tmp_path / "runs").iterdir()])


def test_each_database_has_a_lock_of_its_own(target: Target, empty: Target) -> None:
    """Two targets on one server do not wait for each other."""
    other = type(target)(**{**vars(target), "connection_url": target.connection_url.replace("/test_", "/other_")})
    with advisory.held(target, []), advisory.held(other, []):
        assert target.connection_url != other.connection_url


def test_a_holder_that_breaks_off_loses_the_lock(empty: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server frees it; the run is interrupted, and told why."""
    monkeypatch.setattr(locks, "RENEWAL", 0.05)
    with pytest.raises(KeyboardInterrupt), advisory.held(empty, []) as lock:
        with on_server(empty) as other:
            other.execute(END)
        with advisory.held(empty, []):
            signal.pause()
    assert advisory.LOST == lock.lost
