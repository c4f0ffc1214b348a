"""An executable runbook for running an application's Postgres on Amazon RDS.

The public names are looked up on first use, so that importing the package costs next to nothing.
"""

from __future__ import annotations

import pkgutil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from cruddur_ops import activities, cognito, database, iam, network, preflight, queries, rds, rehearsal
    from cruddur_ops.errors import OpsError
    from cruddur_ops.targets import load as load_target

__all__ = [
    "OpsError",
    "activities",
    "cognito",
    "database",
    "iam",
    "load_target",
    "network",
    "preflight",
    "queries",
    "rds",
    "rehearsal",
]

PLACES = {"OpsError": "errors:OpsError", "load_target": "targets:load"}  # of what is no module


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for (PEP 562)."""
    if name in __all__:
        return pkgutil.resolve_name(f"{__name__}.{PLACES.get(name, name)}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)


def load_ipython_extension(shell: InteractiveShell) -> None:
    """What `%load_ext cruddur_ops` calls: makes %sql work on the notebook's target, and keeps secrets out of its outputs."""
    from cruddur_ops import magics, redaction

    redaction.remember_environment()
    if hasattr(shell, "kernel"):
        redaction.guard(shell.kernel.session)
    magics.load(shell)
