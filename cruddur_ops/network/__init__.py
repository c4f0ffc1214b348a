"""Who may reach the DB instance: its security group, the operator's address, the rule for it, and whether it lets through."""

from pkgutil import resolve_name
from typing import Any

from cruddur_ops.network.access import plan_access
from cruddur_ops.network.reachability import reachability

__all__ = ["diagnose", "plan_access", "reachability"]


def __getattr__(name: str) -> Any:
    """Import the diagnosis when it is first asked for: it goes on from the network to the login, and is made of higher layers."""
    if name == "diagnose":
        return resolve_name("cruddur_ops.diagnosis:diagnose")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
