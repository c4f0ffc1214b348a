"""What identity policies decide."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from rds_sandbox.policies import Call, decide

DB = "arn:aws:rds:ca-central-1:123456789012:db:mine"
TAGGED: Mapping[str, Sequence[str]] = {
    "resource": ["known"],
    "aws:resourcetag/owner": ["me"],
    "aws:requestedregion": ["ca-central-1"],
}


def statement(effect: str = "Allow", **more: Any) -> dict[str, Any]:
    """One on everything, unless it says otherwise; None takes an element out."""
    found = {"Effect": effect, "Action": "rds:*", "Resource": "*", **more}
    return {key: value for key, value in found.items() if value is not None}


def when(operator: str, key: str, value: Any) -> dict[str, Any]:
    """A condition."""
    return {"Condition": {operator: {key: value}}}


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([], None),
        ([statement()], True),
        ([statement(Action="ec2:*")], None),
        ([statement(Action="RDS:delete*")], True),
        ([statement(Action=None, NotAction="rds:Delete*")], None),
        ([statement(Resource="arn:aws:rds:*:*:db:m*")], True),
        ([statement(Resource="arn:aws:rds:*:*:db:yours")], None),
        ([statement(Resource=None, NotResource="arn:aws:rds:*:*:db:yours")], True),
        ([statement(), statement("Deny", Resource="arn:aws:rds:*:*:db:mine")], False),
        ([statement(), statement("Deny", Resource="arn:aws:rds:*:*:db:yours")], True),
        ([statement(**when("StringEquals", "aws:ResourceTag/Owner", "me"))], True),
        ([statement(**when("StringEquals", "aws:ResourceTag/Owner", ["you", "they"]))], None),
        ([statement(**when("StringNotEquals", "aws:ResourceTag/Owner", "me"))], None),
        ([statement(**when("StringEquals", "aws:ResourceTag/Team", "mine"))], None),
        ([statement(**when("StringEqualsIfExists", "aws:ResourceTag/Team", "mine"))], True),
        ([statement(**when("Null", "aws:ResourceTag/Team", "true"))], True),
        ([statement(**when("StringLike", "aws:RequestedRegion", "ca-*"))], True),
        ([statement(**when("IpAddress", "aws:SourceIp", "203.0.113.0/24"))], None),
        ([statement(), statement("Deny", **when("IpAddress", "aws:SourceIp", "203.0.113.0/24"))], False),
        ([statement(Resource="arn:aws:rds:*:*:db:${aws:username}")], None),
    ],
    ids=str,
)
def test_what_is_decided(statements: list[dict[str, Any]], expected: bool | None) -> None:
    """A denial counts before all else; what cannot be told allows nothing, and denies."""
    assert expected is decide([json.dumps({"Statement": each}) for each in statements], Call("rds:DeleteDBInstance", DB, TAGGED))


def test_an_unknown_resource() -> None:
    """Is allowed by a statement on everything alone, and denied by one on anything."""
    call = Call("rds:CopyOptionGroup", None)
    named, everything = statement(Resource="arn:aws:rds:*"), statement()
    denied = statement("Deny", Resource=DB)
    assert [None, True, False] == [
        decide([json.dumps({"Statement": each})], call) for each in (named, everything, [everything, denied])
    ]
