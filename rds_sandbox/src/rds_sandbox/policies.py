"""Policies of identities and of resources, evaluated as IAM does; all pure. What cannot be evaluated allows nothing, and denies.

Source: IAM User Guide, "Policy evaluation logic", "IAM JSON policy elements reference".
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

Statement = Mapping[str, Any]
Values = Sequence[str]
# The condition keys whose values are known; what ends with a slash goes on with the name of a tag.
KEYS = (
    "aws:requestedregion", "aws:principalarn", "aws:principalaccount", "aws:tagkeys", "aws:requesttag/", "aws:resourcetag/",
    "rds:db-tag/", "ec2:resourcetag/", "secretsmanager:resourcetag/", "iam:passedtoservice", "iam:awsservicename",
    "ec2:createaction",
)  # fmt: skip
OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda value, wanted: value == wanted,
    "StringEqualsIgnoreCase": lambda value, wanted: value.lower() == wanted.lower(),
    "StringLike": fnmatchcase,
    "ArnEquals": fnmatchcase,
    "ArnLike": fnmatchcase,
    "Bool": lambda value, wanted: value.lower() == wanted.lower(),
}


@dataclass(frozen=True)
class Call:
    """One action on one resource."""

    action: str  # such as rds:DeleteDBInstance
    resource: str | None  # its ARN; "*" for an action that is on none; None where it is not known
    context: Mapping[str, Values] = field(default_factory=dict)  # the values of condition keys, by their names in lower case


def decide(documents: Iterable[str], call: Call, principals: Collection[str] | None = None) -> bool | None:
    """True where a statement allows the call and none denies it; False where one denies it; None where none allows it.

    Where principals are given the policies are a resource's: only statements count that name one of them, and denials
    that name them by what they are not.
    """
    found = [each for document in documents for each in statements(document)]
    if principals is not None:
        found = [each for each in found if _names_principal(each, principals)]
    if any(each["Effect"] == "Deny" and _applies(each, call, unknown=True) for each in found):
        return False
    return True if any(each["Effect"] == "Allow" and _applies(each, call, unknown=False) for each in found) else None


def documents(identity: Any) -> list[str]:
    """Those of a user, group or role of moto's: inline, and attached in their default versions."""
    return [*identity.policies.values(), *(each for policy in identity.managed_policies.values() for each in current(policy))]


def current(policy: Any) -> list[str]:
    """The document of a managed policy of moto's in its default version, alone."""
    return [each.document for each in policy.versions if each.is_default]


def statements(document: str) -> Iterator[Statement]:
    """Those of a policy document."""
    found = json.loads(document).get("Statement", [])
    yield from [found] if isinstance(found, dict) else found


def listed(value: str | list[str]) -> list[str]:
    """An element that may be one string or several."""
    return [value] if isinstance(value, str) else value


def names_service(statement: Statement, service: str) -> bool:
    """Whether the statement is about the service as a principal."""
    principal = statement.get("Principal", {})
    services = principal.get("Service", []) if isinstance(principal, dict) else principal
    return not {service, "*"}.isdisjoint(listed(services))


def is_public(document: str) -> bool | None:
    """Whether a resource's policy allows everybody something; None where that depends on conditions."""
    allowing = [each for each in statements(document) if each["Effect"] == "Allow"]
    wide = [each for each in allowing if "NotPrincipal" in each or _names_principal(each, ("*",))]
    if any("Condition" not in each for each in wide):
        return True
    return None if wide else False


def names_action(statement: Statement, action: str) -> bool:
    """Whether the statement is about the action."""
    patterns = listed(statement.get("Action", statement.get("NotAction", [])))
    return any(fnmatchcase(action.lower(), each.lower()) for each in patterns) is ("Action" in statement)


def _names_principal(statement: Statement, principals: Collection[str]) -> bool:
    if "NotPrincipal" in statement:
        return bool(statement["Effect"] == "Deny")
    named = statement.get("Principal", {})
    return not set(principals).isdisjoint(listed(named.get("AWS", []) if isinstance(named, dict) else named))


def _applies(statement: Statement, call: Call, *, unknown: bool) -> bool:
    """Whether it is about the call; what cannot be told counts as `unknown`."""
    conditions = [
        _holds(operator, key.lower(), [str(each) for each in listed(wanted)], call.context)
        for operator, keys in statement.get("Condition", {}).items()
        for key, wanted in keys.items()
    ]
    told = [_names_resource(statement, call.resource), *conditions]
    return names_action(statement, call.action) and all(unknown if each is None else each for each in told)


def _names_resource(statement: Statement, resource: str | None) -> bool | None:
    patterns = listed(statement.get("Resource", statement.get("NotResource", [])))
    if "*" in patterns:
        return "Resource" in statement
    if resource is None or any("${" in each for each in patterns):
        return None
    return any(fnmatchcase(resource, each) for each in patterns) is ("Resource" in statement)


def _holds(operator: str, key: str, wanted: list[str], context: Mapping[str, Values]) -> bool | None:
    """Whether a condition does; None where that cannot be told."""
    quantifier, _, name = operator.rpartition(":")
    optional, name = name.endswith("IfExists"), name.removesuffix("IfExists")
    negated = "Not" in name
    compare, values = OPERATORS.get(name.replace("Not", "")), context.get(key)
    if not key.startswith(KEYS) or any("${" in each for each in wanted):
        return None
    if name == "Null":
        return (values is None) is (wanted == ["true"])
    if compare is None or ("resourcetag" in key or "db-tag" in key) and "resource" not in context:
        return None
    if not values:
        return optional or negated or quantifier == "ForAllValues"
    fits = [any(compare(value, each) for each in wanted) is not negated for value in values]
    return any(fits) if quantifier == "ForAnyValue" else all(fits)
