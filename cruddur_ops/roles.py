"""An IAM role with one inline policy, as a service takes it on: read, made and removed; and the form of a document.

What others have hung on a role tells `dependents.of_role`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cruddur_ops import aws, tags
from cruddur_ops.calls import Call
from cruddur_ops.target import Target

VERSION = "2012-10-17"  # of IAM's language (IAM User Guide, "IAM JSON policy elements: Version")


@dataclass(frozen=True)
class Role:
    """A role of IAM: who may be it, and its inline policy; an empty one where there is none."""

    trust: Mapping[str, Any]
    policy: Mapping[str, Any]
    tags: Mapping[str, str] = field(default_factory=dict)
    made: datetime | None = None


def document(statements: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A policy of these statements."""
    return {"Version": VERSION, "Statement": [*statements]}


def find(target: Target, name: str, policy: str) -> Role | None:
    """The role of this name with the inline policy of that, whoever's it is; None where there is none."""
    found = aws.find(target, "iam", "get_role", aws.IAM_ABSENT_CODE, RoleName=name)
    if found is None:
        return None
    inline = aws.find(target, "iam", "get_role_policy", aws.IAM_ABSENT_CODE, RoleName=name, PolicyName=policy)
    labels, made = tags.as_mapping(found["Role"].get("Tags", [])), found["Role"]["CreateDate"]
    return Role(found["Role"]["AssumeRolePolicyDocument"], inline["PolicyDocument"] if inline else {}, labels, made)


def creation(target: Target, name: str, trust: Mapping[str, Any], description: str, days: int | None = None) -> Call:
    """Make the role, without its policy.

    Args:
        target: whose it is, by its tags.
        name: of the role.
        trust: the document that says who may be it.
        description: what it is for.
        days: see `tags.of`.
    """
    given = {
        "RoleName": name,
        "AssumeRolePolicyDocument": json.dumps(trust),
        "Description": description,
        "Tags": tags.as_list(tags.of(target, days) | {tags.REGION: target.region}),
    }
    return Call("iam", "create_role", given)


def put_policy(name: str, policy: str, wanted: Mapping[str, Any]) -> Call:
    """Give the role this document as its inline policy, in the place of another of that name."""
    given = {"RoleName": name, "PolicyName": policy, "PolicyDocument": json.dumps(wanted)}
    return Call("iam", "put_role_policy", given)


def deletion(name: str, policy: str) -> tuple[Call, Call]:
    """The inline policy away, then the role, which IAM keeps as long as it has one (IAM API Reference, DeleteRole)."""
    named = {"RoleName": name}
    return Call("iam", "delete_role_policy", {**named, "PolicyName": policy}), Call("iam", "delete_role", named)
