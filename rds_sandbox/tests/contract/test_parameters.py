"""Parameters of Systems Manager, by plain boto3.

Source: Systems Manager API Reference, PutParameter and DescribeParameters; User Guide, where a test says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.instance import refused
from tests.support import Client, make_client

pytestmark = pytest.mark.usefixtures("emptied_each_time")


@pytest.fixture
def ssm(sandbox: Mapping[str, str]) -> Client:
    """A client of Systems Manager."""
    return make_client(sandbox, "ssm")


def given(**changes: Any) -> dict[str, Any]:
    """A PutParameter request."""
    return {"Name": "/app/setting", "Value": "1", "Type": "String", **changes}


@pytest.mark.parametrize("name", ["/app/setting", "/setting", "setting"])
def test_a_value_is_as_the_pattern_allows(ssm: Client, name: str) -> None:
    """User Guide, "Create a Parameter Store parameter using the AWS CLI": the whole value, by an earlier pattern, too."""
    pattern = r"\d{1,4}"
    assert "ParameterPatternMismatchException" == refused(ssm.put_parameter, **given(Value="x", AllowedPattern=pattern))
    assert "InvalidAllowedPatternException" == refused(ssm.put_parameter, **given(AllowedPattern="("))
    assert "NotInSandbox" == refused(ssm.put_parameter, **given(AllowedPattern=r"\p{Alpha}*"))
    ssm.put_parameter(**given(Name=name, Value="100", AllowedPattern=pattern))
    assert "ParameterPatternMismatchException" == refused(ssm.put_parameter, **given(Name=name, Value="10000", Overwrite=True))
    assert "100" == ssm.get_parameter(Name=name)["Parameter"]["Value"]
    assert 2 == ssm.put_parameter(**given(Name=name, Value="1000", Overwrite=True))["Version"]


def test_how_long_a_value_may_be(ssm: Client) -> None:
    """PutParameter, Value and Tier: 4 KB, or 8 KB of an advanced parameter, which stays one; the tier by the size."""
    assert "ValidationException" == refused(ssm.put_parameter, **given(Value="x" * 4097))
    assert "ValidationException" == refused(ssm.put_parameter, **given(Value="x" * 8193, Tier="Advanced"))
    assert "Standard" == ssm.put_parameter(**given(Value="x" * 4096))["Tier"]
    assert "Standard" == ssm.put_parameter(**given(Tier="Intelligent-Tiering", Overwrite=True))["Tier"]
    longer = given(Value="x" * 8192, Tier="Intelligent-Tiering", Overwrite=True)
    assert "Advanced" == ssm.put_parameter(**longer)["Tier"]
    assert "Advanced" == ssm.put_parameter(**given(Value="x" * 4097, Overwrite=True))["Tier"]
    assert "ValidationException" == refused(ssm.put_parameter, **given(Tier="Standard", Overwrite=True))


def test_what_is_not_given_again(ssm: Client) -> None:
    """PutParameter, Overwrite: the type of data stays."""
    ssm.put_parameter(**given(Value="ami-0123456789abcdef0", DataType="aws:ec2:image"))
    ssm.put_parameter(**given(Value="ami-0123456789abcdef1", Overwrite=True))
    assert "aws:ec2:image" == ssm.get_parameter(Name=given()["Name"])["Parameter"]["DataType"]


def test_what_a_new_one_needs(ssm: Client) -> None:
    """PutParameter: a type, whether or not it may overwrite; a key that there is; no policies here."""
    untyped = {"Name": "/app/setting", "Value": "1", "Overwrite": True}
    assert "ValidationException" == refused(ssm.put_parameter, **untyped)
    assert "InvalidKeyId" == refused(ssm.put_parameter, **given(Type="SecureString", KeyId="alias/nowhere"))
    assert "NotInSandbox" == refused(ssm.put_parameter, **given(Tier="Advanced", Policies="[{}]"))
    ssm.put_parameter(**given(Type="SecureString", KeyId="alias/aws/ssm"))
    assert 2 == ssm.put_parameter(**untyped)["Version"]


def test_what_is_described(ssm: Client) -> None:
    """DescribeParameters: the ARN of each, and those of a tier."""
    ssm.put_parameter(**given())
    ssm.put_parameter(**given(Name="/app/other", Tier="Advanced"))
    advanced = {"Key": "Tier", "Values": ["Advanced"]}
    found = ssm.describe_parameters(ParameterFilters=[advanced])["Parameters"]
    assert ["arn:aws:ssm:ca-central-1:123456789012:parameter/app/other"] == [one["ARN"] for one in found]
    unknown = [{"Key": "Tier", "Values": ["x"]}]
    assert "InvalidFilterOption" == refused(ssm.describe_parameters, ParameterFilters=unknown)


def test_names_in_a_hierarchy(ssm: Client) -> None:
    """PutParameter, Name: a path begins with a slash, and has fifteen levels at most; those of a path come by their names."""
    for name in ("/tree/b", "/tree/a/leaf"):
        ssm.put_parameter(**given(Name=name))
    assert ["/tree/a/leaf", "/tree/b"] == [
        one["Name"] for one in ssm.get_parameters_by_path(Path="/tree", Recursive=True)["Parameters"]
    ]
    assert "ValidationException" == refused(ssm.put_parameter, **given(Name="app/setting"))
    assert "HierarchyLevelLimitExceededException" == refused(ssm.put_parameter, **given(Name="/x" * 16))
    for name in ("setting", "/x" * 15):
        ssm.put_parameter(**given(Name=name))


def test_pages(ssm: Client) -> None:
    """DescribeParameters, MaxResults: as many as are asked for; what there is not has no place among them."""
    assert "ParameterNotFound" == refused(ssm.label_parameter_version, Name="/app/nowhere", Labels=["x"])
    for number in range(12):
        ssm.put_parameter(**given(Name=f"/app/{number}"))
    assert 12 == len(ssm.describe_parameters(MaxResults=50)["Parameters"])
    pages = ssm.get_paginator("describe_parameters").paginate(PaginationConfig={"PageSize": 5})
    assert [5, 5, 2] == [len(page["Parameters"]) for page in pages]
    assert "InvalidNextToken" == refused(ssm.describe_parameters, NextToken="x")
