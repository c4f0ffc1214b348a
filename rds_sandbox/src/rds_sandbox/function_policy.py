"""Whether a function's resource-based policy lets a service invoke it.

Source: AWS Lambda Developer Guide, "Working with resource-based IAM policies in Lambda"; conditions are those that
AddPermission can make.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any


def permits(statements: Iterable[Mapping[str, Any]], service: str, source_arn: str, account: str) -> bool:
    """Whether one statement lets this service invoke the function for this resource of this account."""
    return any(_names(each, service) and _conditions_hold(each.get("Condition", {}), source_arn, account) for each in statements)


def _names(statement: Mapping[str, Any], service: str) -> bool:
    principal = statement.get("Principal")
    named = principal.get("Service") if isinstance(principal, dict) else principal
    action = statement.get("Action") in ("lambda:InvokeFunction", "lambda:*", "*")
    return statement.get("Effect") == "Allow" and action and named in (service, "*")


def _conditions_hold(conditions: Mapping[str, Mapping[str, str]], source_arn: str, account: str) -> bool:
    """All of them; one that AddPermission cannot make does not hold."""
    facts = {"aws:sourcearn": source_arn, "aws:sourceaccount": account}
    return all(fnmatchcase(facts.get(key.lower(), ""), pattern) for keys in conditions.values() for key, pattern in keys.items())
