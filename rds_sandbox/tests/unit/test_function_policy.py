"""A function's policy lets in exactly the service and the resource that it names."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rds_sandbox.lambdas.policies import permits

SERVICE = "cognito-idp.amazonaws.com"
POOL = "arn:aws:cognito-idp:ca-central-1:123456789012:userpool/ca-central-1_abc"
STATEMENT: dict[str, Any] = {
    "Effect": "Allow",
    "Principal": {"Service": SERVICE},
    "Action": "lambda:InvokeFunction",
    "Condition": {"ArnLike": {"AWS:SourceArn": POOL}, "StringEquals": {"AWS:SourceAccount": "123456789012"}},
}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"Condition": {}}, True),
        ({"Principal": "*"}, True),
        ({"Action": "lambda:*"}, True),
        ({"Condition": {"ArnLike": {"AWS:SourceArn": POOL[:-3] + "*"}}}, True),
        ({"Effect": "Deny"}, False),
        ({"Action": "lambda:GetFunction"}, False),
        ({"Principal": {"Service": "s3.amazonaws.com"}}, False),
        ({"Principal": {"AWS": "123456789012"}}, False),
        ({"Condition": {"ArnLike": {"AWS:SourceArn": POOL + "d"}}}, False),
        ({"Condition": {"StringEquals": {"AWS:SourceAccount": "999999999999"}}}, False),
        ({"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}, False),
    ],
    ids=str,
)
def test_statement_decides(changes: dict[str, Any], expected: bool) -> None:
    """Effect, principal, action and every condition must hold."""
    assert expected is permits([STATEMENT | changes], SERVICE, POOL, "123456789012")


def test_nothing_is_permitted_without_a_statement() -> None:
    """The policy of a function that nobody was let into."""
    assert not permits([], SERVICE, POOL, "123456789012")


@given(st.text(alphabet="abc:/_-", max_size=20))
def test_another_source_is_never_let_in(suffix: str) -> None:
    """A condition without wildcards holds for its own ARN alone."""
    assert (suffix == "") is permits([STATEMENT], SERVICE, POOL + suffix, "123456789012")
