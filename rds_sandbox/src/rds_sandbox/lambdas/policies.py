"""What policies allow: those of a role, which Lambda asks when a function is created, and that of a function itself.

Resources are left out, and of conditions those that AddPermission can make are known. Sources: IAM User Guide, "IAM JSON
policy elements reference"; AWS Lambda Developer Guide, "Working with resource-based IAM policies in Lambda".
"""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from rds_sandbox.policies import Statement, documents, names_action, names_service, statements


def allows(role: Any, action: str) -> bool:
    """Whether its policies allow the action somewhere, and deny it nowhere without a condition.

    A denial of what the function's own code does has one, `lambda:SourceFunctionArn`, that Lambda's calls never meet.
    """
    matching = [each for document in documents(role) for each in statements(document) if names_action(each, action)]
    return {each["Effect"] for each in matching if each["Effect"] == "Allow" or "Condition" not in each} == {"Allow"}


def permits(own: Iterable[Statement], service: str, source_arn: str, account: str) -> bool:
    """Whether one statement of a function lets this service invoke it for this resource of this account."""
    known = {"aws:sourcearn": source_arn, "aws:sourceaccount": account}
    return any(
        names_service(each, service) and names_action(each, "lambda:InvokeFunction") and _holds(each.get("Condition", {}), known)
        for each in own
        if each.get("Effect") == "Allow"
    )


def _holds(conditions: Mapping[str, Mapping[str, str]], known: Mapping[str, str]) -> bool:
    """All of them; one that is not known does not."""
    return all(fnmatchcase(known.get(key.lower(), ""), pattern) for keys in conditions.values() for key, pattern in keys.items())
