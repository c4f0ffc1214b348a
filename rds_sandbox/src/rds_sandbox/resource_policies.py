"""What is a policy that is attached to a resource: to a secret, or to a role, whom it trusts.

Source: Secrets Manager API Reference, PutResourcePolicy, and IAM API Reference, CreateRole (MalformedPolicyDocument); IAM User
Guide, "AWS JSON policy elements: Principal".
"""

import re
from typing import Any

from moto.iam.policy_validation import BaseIAMPolicyValidator

from rds_sandbox.policies import Statement, listed, statements
from rds_sandbox.tables import limits


def problem(document: str, iam: Any) -> str:
    """What is wrong with it, empty where nothing is; some of the users and roles of the backend of IAM it may name."""
    try:
        BaseIAMPolicyValidator(document)._validate_syntax()
        named = [each for statement in statements(document) for each in _principals(statement)]
    except (AssertionError, AttributeError, KeyError, TypeError, ValueError):
        return "This policy is malformed, or contains invalid Json."
    unknown = [each for each in named if not _is_known(each, iam)]
    return f"This policy contains an unsupported principal: {', '.join(unknown)}." if unknown else ""


def _principals(statement: Statement) -> list[str]:
    """The accounts, users and roles that it names; KeyError where it names nobody at all."""
    element = statement["NotPrincipal" if "NotPrincipal" in statement else "Principal"]
    return listed(element.get("AWS", []) if isinstance(element, dict) else element)


def _is_known(principal: str, iam: Any) -> bool:
    """Whether it has the form of one, and is there if it is of this account."""
    own = re.fullmatch(rf"arn:[^:]+:iam::{iam.account_id}:(user|role)/.+", principal)
    if not own:
        return bool(re.fullmatch(limits("iam")["principal"], principal))
    return principal in {each.arn for each in (iam.users if own[1] == "user" else iam.roles).values()}
