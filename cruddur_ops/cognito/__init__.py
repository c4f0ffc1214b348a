"""Users who sign up in Cognito appear in the database: the user pool, the function that it calls, and what that needs."""

from cruddur_ops.cognito.deployment import plan, plan_function, plan_identity, plan_pool, plan_trigger
from cruddur_ops.cognito.diagnosis import diagnose
from cruddur_ops.cognito.packaging import package
from cruddur_ops.cognito.removal import plan_remove_pool, plan_teardown, plan_undeploy
from cruddur_ops.cognito.smoke_test import plan_smoke_test, plan_smoke_test_removal, smoke_test_log, smoke_test_row
from cruddur_ops.cognito.users import plan_sync

__all__ = [
    "diagnose",
    "package",
    "plan",
    "plan_function",
    "plan_identity",
    "plan_pool",
    "plan_remove_pool",
    "plan_smoke_test",
    "plan_smoke_test_removal",
    "plan_sync",
    "plan_teardown",
    "plan_trigger",
    "plan_undeploy",
    "smoke_test_log",
    "smoke_test_row",
]
