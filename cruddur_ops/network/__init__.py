"""Who may reach the DB instance: its security group, the operator's address, the rule for it, and whether it lets through."""

from cruddur_ops.network.access import plan_access
from cruddur_ops.network.reachability import reachability

__all__ = ["plan_access", "reachability"]
