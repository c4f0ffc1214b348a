"""What the parts of a deployment are called and tagged with; each target's DB instance has its own."""

from dataclasses import dataclass

from cruddur_ops.errors import WrongInput
from cruddur_ops.target import Target

LONGEST_NAME = 64  # of a function, and of a role (Lambda API Reference, CreateFunction; IAM API Reference, CreateRole)


def function_name(target: Target) -> str:
    """The name of the function, its role and its security group."""
    name = f"{target.db_instance_identifier}-post-confirmation"
    if len(name) > LONGEST_NAME:
        message = f"{name} is too long for a function: set a db_instance_identifier of at most"
        raise WrongInput(f"{message} {LONGEST_NAME - len('-post-confirmation')} characters")
    return name


def log_group(target: Target) -> str:
    """Where Lambda writes what the function prints."""
    return f"/aws/lambda/{function_name(target)}"


def description(target: Target) -> str:
    """What the function and its role are for."""
    return f"Writes confirmed users into the database of {target.db_instance_identifier}"


@dataclass(frozen=True)
class Arns:
    """The ARNs that follow from names: of the partition, such as "aws", and of the function and its role."""

    partition: str
    account: str
    region: str
    name: str

    @property
    def role(self) -> str:
        """Of the function's role."""
        return f"arn:{self.partition}:iam::{self.account}:role/{self.name}"

    @property
    def function(self) -> str:
        """Of the function."""
        return f"arn:{self.partition}:lambda:{self.region}:{self.account}:function:{self.name}"

    @property
    def log_group(self) -> str:
        """Of its log group."""
        return f"arn:{self.partition}:logs:{self.region}:{self.account}:log-group:/aws/lambda/{self.name}"

    def key(self, named: str) -> str:
        """Of a KMS key that a secret names by ARN or id; empty for Secrets Manager's own, which needs no permission."""
        if not named or named.endswith("alias/aws/secretsmanager"):
            return ""
        return named if named.startswith("arn:") else f"arn:{self.partition}:kms:{self.region}:{self.account}:key/{named}"
