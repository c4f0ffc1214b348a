"""The DB instance: what RDS offers, what is wanted, what was found, and the plan between them."""

from cruddur_ops.calls import apply
from cruddur_ops.rds.groups import plan_group
from cruddur_ops.rds.instances import Instance, describe
from cruddur_ops.rds.provisioning import offer, plan_instance, wait

__all__ = ["Instance", "apply", "describe", "offer", "plan_group", "plan_instance", "wait"]
