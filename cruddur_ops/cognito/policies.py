"""What the function may do, and who may call it: plain data from pure functions, in the form of IAM."""

VERSION = "2012-10-17"
# AWS managed policy reference, "AWSLambdaVPCAccessExecutionRole".
INTERFACE_ACTIONS = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
)


def trust() -> dict[str, object]:
    """Who may be the role: Lambda alone."""
    principal = {"Service": "lambda.amazonaws.com"}
    return {"Version": VERSION, "Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]}


def execution(function_arn: str, log_group_arn: str, secret_arn: str, key_arn: str = "") -> dict[str, object]:
    """What the function's role may do.

    Lambda makes the network interfaces with the role's rights, on resources that have no name yet; the function's own
    code is denied the same (AWS Lambda Developer Guide, "Giving Lambda functions access to resources in an Amazon VPC").

    Args:
        function_arn: of the function itself.
        log_group_arn: of its log group, without the `:*`.
        secret_arn: of the database user's secret.
        key_arn: of the KMS key that encrypts the secret; empty for Secrets Manager's own.
    """
    own_code = {"ArnEquals": {"lambda:SourceFunctionArn": [function_arn]}}
    key = [allow("SecretKey", ["kms:Decrypt"], key_arn)] if key_arn else []
    statements = [
        allow("Log", ["logs:CreateLogStream", "logs:PutLogEvents"], f"{log_group_arn}:*"),
        allow("Secret", ["secretsmanager:GetSecretValue"], secret_arn),
        *key,
        allow("NetworkInterfaces", list(INTERFACE_ACTIONS), "*"),
        {**allow("NotForTheCode", list(INTERFACE_ACTIONS), "*"), "Effect": "Deny", "Condition": own_code},
    ]
    return {"Version": VERSION, "Statement": statements}


def allow(name: str, actions: list[str], resource: str) -> dict[str, object]:
    """A statement that allows these actions on one resource."""
    return {"Sid": name, "Effect": "Allow", "Action": actions, "Resource": resource}
