"""Versions of secrets and their staging labels, lists and policies, by plain boto3.

Source: Secrets Manager API Reference, the page of each action.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.functions import deploy, make_role
from tests.functions import wanted as function
from tests.instance import refused
from tests.support import Client, make_client, wait_until

pytestmark = pytest.mark.usefixtures("emptied_each_time")

NAME = {"SecretId": "labelled"}
ROTATION = """
    import boto3

    def handler(event, context):
        secrets, name, token = boto3.client("secretsmanager"), {"SecretId": event["SecretId"]}, event["ClientRequestToken"]
        labels = secrets.describe_secret(**name)["VersionIdsToStages"]
        if "AWSPENDING" not in labels[token]:
            raise ValueError(labels)
        pending = {**name, "VersionId": token, "VersionStage": "AWSPENDING"}
        if event["Step"] == "createSecret":
            try:
                secrets.get_secret_value(**pending)
            except secrets.exceptions.ResourceNotFoundException:
                value = "from " + secrets.get_secret_value(**name)["SecretString"]
                secrets.put_secret_value(**name, ClientRequestToken=token, SecretString=value, VersionStages=["AWSPENDING"])
        if event["Step"] == "testSecret" and secrets.get_secret_value(**pending)["SecretString"] == "from bad":
            raise ValueError("nobody is let in")
        if event["Step"] == "finishSecret":
            (current,) = [version for version, its in labels.items() if "AWSCURRENT" in its]
            move = {"VersionStage": "AWSCURRENT", "MoveToVersionId": token, "RemoveFromVersionId": current}
            secrets.update_secret_version_stage(**name, **move)
"""


@pytest.fixture
def versions(secretsmanager: Client) -> list[str]:
    """The ids of two versions of a secret, `one` and `two`, of which the second is current."""
    first = secretsmanager.create_secret(Name="labelled", SecretString="one")["VersionId"]
    return [first, secretsmanager.put_secret_value(**NAME, SecretString="two")["VersionId"]]


@pytest.fixture
def rotator(sandbox: Mapping[str, str], secretsmanager: Client) -> str:
    """The ARN of a function that makes each value from the one before; it lets Secrets Manager in."""
    functions, role = make_client(sandbox, "lambda"), make_role(make_client(sandbox, "iam"), "rotation")
    arn = deploy(functions, function("rotation", role, sandbox["RDS_SANDBOX_LAMBDA_RUNTIME"], ROTATION, Timeout=30))
    permission = {"StatementId": "rotates", "Action": "lambda:InvokeFunction", "Principal": "secretsmanager.amazonaws.com"}
    functions.add_permission(FunctionName="rotation", **permission)
    return arn


def labels(secretsmanager: Client) -> dict[str, list[str]]:
    """Of each value that has any."""
    found = secretsmanager.describe_secret(**NAME)["VersionIdsToStages"]
    return {secretsmanager.get_secret_value(**NAME, VersionId=each)["SecretString"]: sorted(its) for each, its in found.items()}


def test_what_is_current_is_what_the_label_says(secretsmanager: Client, versions: list[str]) -> None:
    """UpdateSecretVersionStage: AWSCURRENT moves back, AWSPREVIOUS to where it was; GetSecretValue gives the current version."""
    first, second = versions
    move = {"VersionStage": "AWSCURRENT", "MoveToVersionId": first, "RemoveFromVersionId": second}
    secretsmanager.update_secret_version_stage(**NAME, **move)
    assert "one" == secretsmanager.get_secret_value(**NAME)["SecretString"]
    assert {"one": ["AWSCURRENT"], "two": ["AWSPREVIOUS"]} == labels(secretsmanager)
    pending = secretsmanager.put_secret_value(**NAME, SecretString="three", VersionStages=["AWSPENDING"])["VersionId"]
    assert "one" == secretsmanager.get_secret_value(**NAME)["SecretString"]
    move = {"VersionStage": "AWSCURRENT", "MoveToVersionId": pending, "RemoveFromVersionId": first}
    secretsmanager.update_secret_version_stage(**NAME, **move)
    assert "three" == secretsmanager.get_secret_value(**NAME)["SecretString"]
    assert {"one": ["AWSPREVIOUS"], "three": ["AWSCURRENT", "AWSPENDING"]} == labels(secretsmanager)
    secretsmanager.put_secret_value(**NAME, SecretString="four")
    assert {"three": ["AWSPENDING", "AWSPREVIOUS"], "four": ["AWSCURRENT"]} == labels(secretsmanager)


def test_a_label_belongs_to_one_version(secretsmanager: Client, versions: list[str]) -> None:
    """PutSecretValue, VersionStages: a label that another version has is taken from it, and others stay where they are."""
    secretsmanager.update_secret_version_stage(**NAME, VersionStage="blue", MoveToVersionId=versions[1])
    secretsmanager.put_secret_value(**NAME, SecretString="three", VersionStages=["AWSCURRENT", "green"])
    assert {"two": ["AWSPREVIOUS", "blue"], "three": ["AWSCURRENT", "green"]} == labels(secretsmanager)
    secretsmanager.put_secret_value(**NAME, SecretString="four", VersionStages=["AWSCURRENT", "green"])
    assert {"two": ["blue"], "three": ["AWSPREVIOUS"], "four": ["AWSCURRENT", "green"]} == labels(secretsmanager)
    secretsmanager.put_secret_value(**NAME, SecretString="five", VersionStages=["blue"])
    assert {"three": ["AWSPREVIOUS"], "four": ["AWSCURRENT", "green"], "five": ["blue"]} == labels(secretsmanager)


def test_moves_that_are_refused(secretsmanager: Client, versions: list[str]) -> None:
    """UpdateSecretVersionStage, RemoveFromVersionId: the version that has the label must be named, and nothing happens else."""
    first, second = versions
    move = secretsmanager.update_secret_version_stage
    move(**NAME, VersionStage="blue", MoveToVersionId=first)
    for wrong in (
        {"VersionStage": "blue", "MoveToVersionId": second},
        {"VersionStage": "blue", "MoveToVersionId": second, "RemoveFromVersionId": second},
        {"VersionStage": "AWSCURRENT", "MoveToVersionId": first},
        {"VersionStage": "AWSCURRENT", "RemoveFromVersionId": second},
        {"VersionStage": "green", "MoveToVersionId": "0" * 32},
        {"VersionStage": "blue"},
    ):
        assert "InvalidParameterException" == refused(move, **NAME, **wrong), wrong
    assert {"one": ["AWSPREVIOUS", "blue"], "two": ["AWSCURRENT"]} == labels(secretsmanager)
    move(**NAME, VersionStage="blue", RemoveFromVersionId=first)
    assert {"one": ["AWSPREVIOUS"], "two": ["AWSCURRENT"]} == labels(secretsmanager)
    assert "ResourceNotFoundException" == refused(move, SecretId="nowhere", VersionStage="blue", MoveToVersionId=first)


def test_the_list_of_versions(secretsmanager: Client, versions: list[str]) -> None:
    """ListSecretVersionIds: the ARN, dates of each version, those without labels on request, and pages."""
    began = time.time() - 60
    third = secretsmanager.put_secret_value(**NAME, SecretString="three")["VersionId"]
    secretsmanager.get_secret_value(**NAME)
    found = secretsmanager.list_secret_version_ids(**NAME)
    assert secretsmanager.describe_secret(**NAME)["ARN"] == found["ARN"]
    assert {versions[1]: ["AWSPREVIOUS"], third: ["AWSCURRENT"]} == {
        one["VersionId"]: one["VersionStages"] for one in found["Versions"]
    }
    assert [third] == [one["VersionId"] for one in found["Versions"] if "LastAccessedDate" in one]
    assert all(one["CreatedDate"].timestamp() > began for one in found["Versions"])
    assert all(["DefaultEncryptionKey"] == one["KmsKeyIds"] for one in found["Versions"])
    first = secretsmanager.list_secret_version_ids(**NAME, IncludeDeprecated=True, MaxResults=2)
    rest = secretsmanager.list_secret_version_ids(**NAME, IncludeDeprecated=True, NextToken=first["NextToken"])
    assert [versions, [third]] == [[one["VersionId"] for one in page["Versions"]] for page in (first, rest)]
    assert "VersionStages" not in first["Versions"][0] and "NextToken" not in rest
    assert {versions[1], third} == secretsmanager.describe_secret(**NAME)["VersionIdsToStages"].keys()
    assert "ResourceNotFoundException" == refused(secretsmanager.list_secret_version_ids, SecretId="nowhere")
    assert "InvalidNextTokenException" == refused(secretsmanager.list_secret_version_ids, **NAME, NextToken="x")


def test_the_order_of_secrets(secretsmanager: Client) -> None:
    """ListSecrets, SortOrder and SortBy: by creation, unless by name, and the other way round."""
    for name in ("b", "c", "a"):
        secretsmanager.create_secret(Name=name, SecretString="x")

    def listed(**given: Any) -> str:
        pages = secretsmanager.get_paginator("list_secrets").paginate(MaxResults=2, **given)
        return "".join(one["Name"] for page in pages for one in page["SecretList"])

    assert ("bca", "acb") == (listed(SortOrder="asc"), listed(SortOrder="desc"))
    assert ("abc", "cba") == (listed(SortBy="name"), listed(SortBy="name", SortOrder="desc"))
    assert "c" == listed(Filters=[{"Key": "name", "Values": ["c"]}])


def test_a_policy_for_everybody(secretsmanager: Client, versions: list[str]) -> None:
    """PutResourcePolicy, BlockPublicPolicy: a wildcard for the principal is refused; conditions nobody here evaluates."""
    statement = {"Effect": "Allow", "Principal": "*", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
    account = {"AWS": "arn:aws:iam::123456789012:root"}
    put = secretsmanager.put_resource_policy
    for code, changes in (
        ("PublicPolicyException", {}),
        ("PublicPolicyException", {"Principal": {"AWS": ["*", account["AWS"]]}}),
        ("NotInSandbox", {"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}),
        ("MalformedPolicyDocumentException", {"Principal": {"AWS": "arn:aws:iam::123456789012:role/nobody"}}),
        ("MalformedPolicyDocumentException", {"Principal": {"AWS": "somebody"}}),
        ("MalformedPolicyDocumentException", {"Effect": "Perhaps"}),
    ):
        document = json.dumps({"Version": "2012-10-17", "Statement": [{**statement, **changes}]})
        assert code == refused(put, **NAME, ResourcePolicy=document, BlockPublicPolicy=True)
    assert "ResourcePolicy" not in secretsmanager.get_resource_policy(**NAME)
    document = json.dumps({"Version": "2012-10-17", "Statement": [{**statement, "Principal": account}]})
    put(**NAME, ResourcePolicy=document, BlockPublicPolicy=True)
    assert document == secretsmanager.get_resource_policy(**NAME)["ResourcePolicy"]
    for wrong in ("[]", "{}", json.dumps({"Statement": [{key: statement[key] for key in ("Effect", "Action", "Resource")}]})):
        assert "MalformedPolicyDocumentException" == refused(put, **NAME, ResourcePolicy=wrong)
    assert "InvalidParameterException" == refused(put, **NAME, ResourcePolicy=document, PolicyName="other")


def test_the_token_of_a_version(secretsmanager: Client, versions: list[str]) -> None:
    """PutSecretValue, ClientRequestToken: what a version has is not overwritten, one that is pending neither."""
    token = "0" * 32
    put = {**NAME, "ClientRequestToken": token}
    for stages in (["AWSPENDING"], ["AWSCURRENT"]):  # the same value: nothing happens, not to the labels either
        made = secretsmanager.put_secret_value(**put, SecretString="three", VersionStages=stages)
        assert (token, ["AWSPENDING"]) == (made["VersionId"], made["VersionStages"])
    assert "ResourceExistsException" == refused(secretsmanager.put_secret_value, **put, SecretString="four")
    assert "ResourceExistsException" == refused(secretsmanager.update_secret, **put, SecretBinary=b"four")
    assert {"one": ["AWSPREVIOUS"], "two": ["AWSCURRENT"], "three": ["AWSPENDING"]} == labels(secretsmanager)


def test_values_in_a_batch(secretsmanager: Client, versions: list[str]) -> None:
    """BatchGetSecretValue: by a list or by filters, in pages; what fails of one is in Errors."""
    secretsmanager.create_secret(Name="empty")
    secretsmanager.create_secret(Name="going", SecretBinary=b"x")
    get = secretsmanager.batch_get_secret_value
    assert b"x" == get(SecretIdList=["going"])["SecretValues"][0]["SecretBinary"]
    secretsmanager.delete_secret(SecretId="going")
    answer = get(SecretIdList=["labelled", "empty", "going", "nowhere"])
    assert ["two"] == [one["SecretString"] for one in answer["SecretValues"]]
    assert [
        ("empty", "ResourceNotFoundException"),
        ("going", "InvalidRequestException"),
        ("nowhere", "ResourceNotFoundException"),
    ] == [(one["SecretId"], one["ErrorCode"]) for one in answer["Errors"]]
    everything = [{"Key": "name", "Values": ["labelled", "empty", "going"]}]
    first = get(Filters=everything, MaxResults=1)
    rest = get(Filters=everything, NextToken=first["NextToken"])
    assert (1, 1) == (len(first["SecretValues"]), len(rest["Errors"]))
    for wrong in ({}, {"SecretIdList": ["x"], "Filters": everything}, {"SecretIdList": ["x"], "MaxResults": 1}):
        assert "InvalidParameterException" == refused(get, **wrong)
    assert "InvalidNextTokenException" == refused(get, Filters=everything, NextToken="x")


def test_the_key_of_a_secret(sandbox: Mapping[str, str], secretsmanager: Client) -> None:
    """One that is disabled, or waits for its deletion, neither encrypts nor decrypts (PutSecretValue, GetSecretValue)."""
    kms = make_client(sandbox, "kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    secretsmanager.create_secret(Name="labelled", SecretString="one", KmsKeyId=key)
    kms.disable_key(KeyId=key)
    assert "DecryptionFailure" == refused(secretsmanager.get_secret_value, **NAME)
    assert "EncryptionFailure" == refused(secretsmanager.put_secret_value, **NAME, SecretString="two")
    assert "EncryptionFailure" == refused(secretsmanager.create_secret, Name="other", KmsKeyId=key)
    secretsmanager.update_secret(**NAME, KmsKeyId="alias/aws/secretsmanager")
    assert "one" == secretsmanager.get_secret_value(**NAME)["SecretString"]


def test_small_answers(sandbox: Mapping[str, str], secretsmanager: Client, versions: list[str]) -> None:
    """An empty description is one (UpdateSecret); replication answers with the ARN; all errors have the status 400."""
    secretsmanager.update_secret(**NAME, Description="x")
    secretsmanager.update_secret(**NAME, Description="")
    found = secretsmanager.describe_secret(**NAME)
    assert "Description" not in found
    assert "InvalidParameterException" == refused(secretsmanager.replicate_secret_to_regions, **NAME, AddReplicaRegions=[{}])
    made = secretsmanager.replicate_secret_to_regions(**NAME, AddReplicaRegions=[{"Region": "us-west-2"}])
    there = make_client(sandbox, "secretsmanager", "us-west-2")
    assert ["DefaultEncryptionKey"] == there.list_secret_version_ids(**NAME)["Versions"][0]["KmsKeyIds"]
    left = secretsmanager.remove_regions_from_replication(**NAME, RemoveReplicaRegions=["us-west-2"])
    assert (found["ARN"], found["ARN"]) == (made["ARN"], left["ARN"])
    with pytest.raises(secretsmanager.exceptions.ResourceNotFoundException) as caught:
        secretsmanager.get_secret_value(SecretId="nowhere")
    assert 400 == caught.value.response["ResponseMetadata"]["HTTPStatusCode"]


def test_a_function_rotates_in_four_steps(secretsmanager: Client, versions: list[str], rotator: str) -> None:
    """The pending version gets a value, is tried, and becomes current (RotateSecret; guide, "Lambda rotation functions")."""
    rules = {"RotationLambdaARN": rotator, "RotationRules": {"AutomaticallyAfterDays": 7}}
    token = secretsmanager.rotate_secret(**NAME, **rules)["VersionId"]
    assert wait_until(lambda: "LastRotatedDate" in secretsmanager.describe_secret(**NAME))
    found = secretsmanager.get_secret_value(**NAME)
    assert (token, "from two") == (found["VersionId"], found["SecretString"])
    assert {"two": ["AWSPREVIOUS"], "from two": ["AWSCURRENT", "AWSPENDING"]} == labels(secretsmanager)
    told = secretsmanager.describe_secret(**NAME)
    assert (True, rotator, 7) == (
        told["RotationEnabled"], told["RotationLambdaARN"], told["RotationRules"]["AutomaticallyAfterDays"],
    )  # fmt: skip
    assert token == secretsmanager.rotate_secret(**NAME, **rules, ClientRequestToken=token)["VersionId"]  # a lost answer
    assert "from two" == secretsmanager.get_secret_value(**NAME)["SecretString"]
    secretsmanager.rotate_secret(**NAME)
    assert wait_until(lambda: secretsmanager.get_secret_value(**NAME)["SecretString"] == "from from two")


def test_a_rotation_that_fails_leaves_the_value(
    sandbox: Mapping[str, str], secretsmanager: Client, versions: list[str], rotator: str
) -> None:
    """Its version stays pending, and the next rotation is refused until that is gone (guide, "Troubleshoot … rotation")."""
    secretsmanager.put_secret_value(**NAME, SecretString="bad")
    rules = {"RotationLambdaARN": rotator, "RotationRules": {"AutomaticallyAfterDays": 7}}
    token = secretsmanager.rotate_secret(**NAME, **rules)["VersionId"]
    failed = {"logGroupName": "/aws/lambda/rotation", "filterPattern": "nobody"}
    logs = make_client(sandbox, "logs")
    assert wait_until(lambda: bool(logs.describe_log_groups()["logGroups"] and logs.filter_log_events(**failed)["events"]))
    assert "bad" == secretsmanager.get_secret_value(**NAME)["SecretString"]
    assert "InvalidRequestException" == refused(secretsmanager.rotate_secret, **NAME)
    secretsmanager.update_secret_version_stage(**NAME, VersionStage="AWSPENDING", RemoveFromVersionId=token)
    assert "LastRotatedDate" not in secretsmanager.describe_secret(**NAME)


def test_a_rotation_wants_a_function_that_lets_it_in(secretsmanager: Client, versions: list[str]) -> None:
    """One that there is not, or whose policy does not name Secrets Manager, changes nothing (RotateSecret)."""
    gone = "arn:aws:lambda:ca-central-1:123456789012:function:gone"
    assert "InvalidRequestException" == refused(secretsmanager.rotate_secret, **NAME)
    assert "AccessDeniedException" == refused(secretsmanager.rotate_secret, **NAME, RotationLambdaARN=gone)
    assert "RotationEnabled" not in secretsmanager.describe_secret(**NAME)


def test_a_label_that_no_version_has(secretsmanager: Client, versions: list[str]) -> None:
    """The message names the label: another one may be there."""
    with pytest.raises(ClientError, match="can't find the specified secret value for staging label: NOBODYS") as caught:
        secretsmanager.get_secret_value(**NAME, VersionStage="NOBODYS")
    assert "ResourceNotFoundException" == caught.value.response["Error"]["Code"]


def test_a_tag_without_a_value(secretsmanager: Client, versions: list[str]) -> None:
    """Its value is empty (API Reference, Tag), and secrets are found by values nevertheless."""
    secretsmanager.tag_resource(**NAME, Tags=[{"Key": "bare"}])
    secretsmanager.create_secret(Name="bare", SecretString="x", Tags=[{"Key": "bare"}])
    assert [{"Key": "bare", "Value": ""}] == secretsmanager.describe_secret(SecretId="bare")["Tags"]
    for value, found in (("x", []), ("", ["bare", "labelled"])):
        filters = [{"Key": "tag-value", "Values": [value]}]
        assert found == sorted(each["Name"] for each in secretsmanager.list_secrets(Filters=filters)["SecretList"])
        assert found == sorted(each["Name"] for each in secretsmanager.batch_get_secret_value(Filters=filters)["SecretValues"])


def test_at_most_fifty_tags(secretsmanager: Client, versions: list[str]) -> None:
    """API Reference, TagResource: those that are there count, and one that is given anew counts once."""
    tags = [{"Key": f"key-{number}", "Value": ""} for number in range(50)]
    secretsmanager.tag_resource(**NAME, Tags=tags)
    secretsmanager.tag_resource(**NAME, Tags=tags[:1])
    more = [{"Key": "one-more", "Value": ""}]
    assert "InvalidParameterException" == refused(secretsmanager.tag_resource, **NAME, Tags=more)
