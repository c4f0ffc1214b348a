"""Users who sign up in Cognito appear in the database: the user pool, the function that it calls, and what that needs."""

from cruddur_ops.cognito.applying import apply
from cruddur_ops.cognito.deployment import plan, plan_function, plan_identity, plan_pool, plan_trigger
from cruddur_ops.cognito.logs import tail
from cruddur_ops.cognito.packaging import package
from cruddur_ops.cognito.removal import plan_undeploy
from cruddur_ops.cognito.trial import confirm_sign_up, plan_trial, remove, row, sign_up
from cruddur_ops.cognito.users import plan_sync, sync

__all__ = [
    "apply",
    "confirm_sign_up",
    "package",
    "plan",
    "plan_function",
    "plan_identity",
    "plan_pool",
    "plan_sync",
    "plan_trial",
    "plan_trigger",
    "plan_undeploy",
    "remove",
    "row",
    "sign_up",
    "sync",
    "tail",
]
