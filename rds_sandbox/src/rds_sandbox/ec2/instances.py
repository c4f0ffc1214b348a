"""EC2 instances, which moto makes one by one: more than an account may have at first are refused, as by EC2.

Source: EC2 API Reference, RunInstances and "Error codes for the Amazon EC2 API"; what an account may have goes by vCPUs.
"""

from __future__ import annotations

from moto.ec2.exceptions import EC2ClientError

from rds_sandbox.patches import MOTO, Request, action
from rds_sandbox.tables import limits

MOST = limits("ec2")["instances"]


@action("ec2", "RunInstances")
def run(request: Request) -> object:
    """As many as are asked for at least, if the account may have them."""
    least, most = request.parameters["MinCount"], request.parameters["MaxCount"]
    if not 1 <= least <= most:
        raise EC2ClientError("InvalidParameterValue", f"Value ({least}) for parameter minCount is invalid: maxCount is {most}.")
    if least > MOST:
        raise EC2ClientError(
            "VcpuLimitExceeded", f"You have requested more vCPU capacity than your current limit of {MOST} allows."
        )
    return MOTO
