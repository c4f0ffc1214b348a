"""The notebooks, run headless: what is asked for is checked first, then executed in order, with evidence.

The names are looked up on first use: the prototype of the kernels starts before the rest is imported.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cruddur_ops.runbook.notebooks import Selection
    from cruddur_ops.runbook.resumption import apply_plan, resume
    from cruddur_ops.runbook.runner import execute, interruptible
    from cruddur_ops.runbook.runs import Request, Run, check

__all__ = ["Request", "Run", "Selection", "apply_plan", "check", "execute", "interruptible", "resume"]

PLACES = {
    "Request": "runs",
    "Run": "runs",
    "Selection": "notebooks",
    "apply_plan": "resumption",
    "check": "runs",
    "execute": "runner",
    "interruptible": "runner",
    "resume": "resumption",
}


def __getattr__(name: str) -> Any:
    """Import a name when it is first asked for (PEP 562)."""
    if name in PLACES:
        return getattr(importlib.import_module(f"{__name__}.{PLACES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
