"""What EC2 says of the account, and how it says what there is not.

Source: Amazon EC2 API Reference, DescribeAccountAttributes; the values are moto's, but for the network's.
"""

import re
from typing import Any

from moto.ec2.exceptions import EC2ClientError

from rds_sandbox.patches import Request, action, replaces
from rds_sandbox.tables import limits

_error = EC2ClientError.__init__


@action("ec2", "DescribeAccountAttributes")
def describe(request: Request) -> dict[str, Any]:
    """Those that are asked for, or all."""
    default = next((vpc.id for vpc in list(request.backend.vpcs.values()) if vpc.is_default), "none")
    known = {**limits("ec2")["account"], "default-vpc": default}
    names = request.parameters.get("AttributeNames", known)
    rows = [{"AttributeName": name, "AttributeValues": [{"AttributeValue": str(value)}]} for name, value in known.items()]
    return {"AccountAttributes": [row for row in rows if row["AttributeName"] in names]}


@replaces(EC2ClientError, "__init__")
def say(error: Any, *given: str) -> None:
    """Without the braces of a set of one id, which moto prints."""
    _error(error, *(re.sub(r"\{'([^{}']*)'\}", r"\1", each) for each in given))
