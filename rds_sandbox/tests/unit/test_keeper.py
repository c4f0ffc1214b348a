"""Tidying up after sandboxes whose process is gone."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest

from rds_sandbox import keeper


def test_a_sandbox_that_is_starting_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever tidies up in the moment before its lock is held leaves it alone."""
    flock = fcntl.flock
    root = tmp_path / f"{keeper.PREFIX}x"
    root.mkdir()

    def late(file: int, operation: int) -> None:
        monkeypatch.setattr(fcntl, "flock", flock)
        keeper.tidy_all()
        flock(file, operation)

    monkeypatch.setattr(keeper, "temporary_folder", lambda: str(tmp_path))
    monkeypatch.setattr(fcntl, "flock", late)
    with keeper.take(root):
        keeper.tidy_all()
        assert (root / keeper.LOCK).exists()
