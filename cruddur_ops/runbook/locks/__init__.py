"""One run per target at a time: on this machine, and where others see it, in the database or in AWS."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType

from cruddur_ops.runbook.locks import local
from cruddur_ops.runbook.locks.holding import Hold
from cruddur_ops.targets import Target

__all__ = ["Hold", "held"]


@contextmanager
def held(target: Target, notebooks: Sequence[str], shared: bool) -> Iterator[Hold]:
    """Hold the target while the block runs.

    Args:
        target: what is held.
        notebooks: what the others are told.
        shared: whether other machines are to see it; a run that changes nothing needs no permission for that.

    Raises:
        RunInProgress: another run holds it.
        OpsError: the database or AWS cannot be asked.
    """
    with local.held(target, notebooks):
        if not shared:
            yield Hold()
            return
        with _place(target).held(target, notebooks) as hold:
            yield hold


def _place(target: Target) -> ModuleType:
    """The database where a URL names it, else AWS; each brings its own driver, which takes time to import."""
    return importlib.import_module(f"{__name__}.{'advisory' if target.connection_url else 'parameter'}")
