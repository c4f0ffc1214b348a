"""Roles of IAM that a service is given, to assume them."""

from typing import Any

from moto.iam.exceptions import NotFoundException

from rds_sandbox.policies import names_action, names_service, statements


def assumable(iam: Any, arn: str, service: str) -> Any:
    """The role of this ARN; None where there is none, or one that a service such as lambda.amazonaws.com may not assume."""
    role = find(iam, arn)
    return role if role and trusts(role, service) else None


def find(iam: Any, arn: str) -> Any:
    """The role of this ARN; None where there is none."""
    try:
        return iam.get_role_by_arn(arn)
    except NotFoundException:
        return None


def trusts(role: Any, service: str) -> bool:
    """Whether its trust policy lets the service assume the role."""
    allowing = [each for each in statements(role.assume_role_policy_document) if each["Effect"] == "Allow"]
    return any(names_service(each, service) and names_action(each, "sts:AssumeRole") for each in allowing)
