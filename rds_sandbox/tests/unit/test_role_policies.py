"""A role's policies: who may assume it, and what they allow."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from rds_sandbox.lambdas.policies import allows
from rds_sandbox.service_roles import trusts

CREATE = "ec2:CreateNetworkInterface"


def role(trust: Any, *policies: Any) -> Any:
    """A role as moto has it: the last policy is a managed one."""
    documents = [json.dumps({"Statement": policy}) for policy in policies]
    versions = [SimpleNamespace(document=each, is_default=each != "{}") for each in ["{}", *documents[-1:]]]
    managed = {"arn": SimpleNamespace(versions=versions)} if documents else {}
    inline = dict(enumerate(documents[:-1]))
    return SimpleNamespace(
        assume_role_policy_document=json.dumps({"Statement": trust}), policies=inline, managed_policies=managed
    )


def allow(*actions: str, **changes: Any) -> dict[str, Any]:
    """A statement."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": "*", **changes}


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        ({"Service": "lambda.amazonaws.com"}, True),
        ({"Service": ["ec2.amazonaws.com", "lambda.amazonaws.com"]}, True),
        ("*", True),
        ({"AWS": "123456789012"}, False),
        ({"Service": "ec2.amazonaws.com"}, False),
    ],
    ids=str,
)
def test_trust_names_the_service(principal: Any, expected: bool) -> None:
    """Alone, among others, or everybody."""
    assert expected is trusts(role(allow("sts:AssumeRole", Principal=principal)), "lambda.amazonaws.com")
    assert expected is trusts(role([allow("sts:*", Principal=principal)]), "lambda.amazonaws.com")


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        ([], False),
        ([allow(CREATE)], True),
        ([allow("logs:PutLogEvents"), allow("EC2:Create*")], True),
        ([[allow("s3:GetObject"), allow("*")]], True),
        ([allow("ec2:Describe*")], False),
        ([allow(CREATE), allow("ec2:*", Effect="Deny")], False),
        ([allow(CREATE), allow("ec2:*", Effect="Deny", Condition={"ArnEquals": {}})], True),
    ],
    ids=str,
)
def test_policies_decide(policies: list[Any], expected: bool) -> None:
    """One that allows is needed, and none that denies without a condition."""
    assert expected is allows(role([], *policies), CREATE)
