"""The permissions boundary for the role of the function: the most that any policy of it may ever allow.

Source: IAM User Guide, "Permissions boundaries for IAM entities".
"""

from typing import Any

from cruddur_ops import aws, targets
from cruddur_ops.cognito import names, policies
from cruddur_ops.database.location import secret_name
from cruddur_ops.database.roles import APP
from cruddur_ops.iam import resources
from cruddur_ops.target import Target


def boundary(target: Target) -> dict[str, Any]:
    """What the function's own policy says, of secrets whose random end is not known yet."""
    targets.require_pinned(target)
    arns = names.Arns(aws.partition(target.region), resources.account(target), target.region, names.function_name(target))
    secret = secret_name(target.db_instance_identifier, APP)
    place = arns.function.partition(":function:")[0].replace(":lambda:", ":secretsmanager:")
    return policies.execution(arns.function, arns.log_group, f"{place}:secret:{secret}-??????", arns.key(target.kms_key_id))
