"""The way to AWS: credentials, refusals and silence are told apart."""

from __future__ import annotations

from dataclasses import replace

import botocore.endpoint
import pytest
from botocore import exceptions
from botocore.exceptions import ClientError

from cruddur_ops import aws
from cruddur_ops.errors import AccessDenied, AwsUnreachable, NoCredentials, SandboxNotUp
from cruddur_ops.targets import Target
from tests.unit.conftest import Stub

TARGET = Target("test")
SANDBOX = Target("local", sandbox=True)
IDENTITY = {"Account": "000000000000", "Arn": "arn:aws:iam::000000000000:root", "UserId": "x"}


@pytest.mark.parametrize("code", sorted(aws.DENIED))
def test_denied_calls_name_the_permission(code: str, stub: Stub) -> None:
    """Whatever the service calls it, a denied call is AccessDenied, with the action to ask for."""
    stub(TARGET, "ec2").add_client_error("describe_vpcs", code)
    with pytest.raises(AccessDenied, match="ec2:DescribeVpcs"):
        aws.client(TARGET, "ec2").describe_vpcs()


@pytest.mark.parametrize("code", sorted(aws.UNKNOWN_CALLER))
def test_credentials_that_aws_does_not_accept(code: str, stub: Stub) -> None:
    """Whatever the service calls it, the remedy is to sign in again."""
    stub(TARGET, "sts").add_client_error("get_caller_identity", code)
    with pytest.raises(NoCredentials, match="aws sso login"):
        aws.caller_identity(TARGET)


def test_other_errors_keep_their_code(stub: Stub) -> None:
    """What nobody foresaw stays botocore's own error, to be matched by its code."""
    stub(TARGET, "rds").add_client_error("describe_db_instances", "DBInstanceNotFound")
    with pytest.raises(ClientError) as caught:
        aws.client(TARGET, "rds").describe_db_instances()
    assert "DBInstanceNotFound" == aws.error_code(caught.value)


def test_errors_that_are_not_from_aws_have_no_code() -> None:
    """A code is matched on any error without asking first."""
    assert "" == aws.error_code(ValueError("DBInstanceNotFound"))


def test_what_may_be_absent(stub: Stub) -> None:
    """A code that says so is None, an answer is an answer, and any other code is an error."""
    answers = stub(TARGET, "rds")
    answers.add_client_error("describe_db_instances", "DBInstanceNotFound")
    answers.add_response("describe_db_instances", {"DBInstances": []})
    answers.add_client_error("describe_db_instances", "InternalFailure")
    assert aws.find(TARGET, "rds", "describe_db_instances", "DBInstanceNotFound") is None
    assert aws.find(TARGET, "rds", "describe_db_instances", "DBInstanceNotFound") is not None
    with pytest.raises(ClientError):
        aws.find(TARGET, "rds", "describe_db_instances", "DBInstanceNotFound")


def test_all_pages_are_read(stub: Stub) -> None:
    """The items of each page, in order."""
    answers, wanted = stub(TARGET, "logs"), {"logGroupNamePrefix": "/"}
    answers.add_response("describe_log_groups", {"logGroups": [{"logGroupName": "a"}], "nextToken": "more"}, wanted)
    answers.add_response("describe_log_groups", {"logGroups": [{"logGroupName": "b"}]}, {**wanted, "nextToken": "more"})
    found = aws.pages(TARGET, "logs", "describe_log_groups", **wanted)
    assert ["a", "b"] == [group["logGroupName"] for group in found]


def test_who_calls(stub: Stub) -> None:
    """Account and role are AWS's answer."""
    stub(TARGET, "sts").add_response("get_caller_identity", IDENTITY)
    assert "000000000000" == aws.caller_identity(TARGET)["Account"]


def test_no_credentials() -> None:
    """Without any credentials the remedy is to sign in."""
    aws.forget()
    with pytest.raises(NoCredentials, match="aws sso login"):
        aws.caller_identity(replace(TARGET, endpoint_url="http://127.0.0.1:9"))
    aws.forget()


def test_a_profile_that_does_not_exist() -> None:
    """The missing profile is named."""
    with pytest.raises(NoCredentials, match='no profile "nobody"'):
        aws.client(replace(TARGET, profile="nobody"), "sts")


UNREACHABLE = (
    exceptions.EndpointConnectionError(endpoint_url="https://rds.example"),
    exceptions.ConnectTimeoutError(endpoint_url="https://rds.example"),
    exceptions.ReadTimeoutError(endpoint_url="https://rds.example"),
    exceptions.ConnectionClosedError(endpoint_url="https://rds.example"),
    exceptions.SSLError(endpoint_url="https://rds.example", error="self-signed"),
)


@pytest.mark.parametrize("error", UNREACHABLE, ids=lambda error: type(error).__name__)
def test_no_answer(error: exceptions.BotoCoreError, stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused, timed out, cut off or not to be trusted: the endpoint is named after botocore's retries."""
    monkeypatch.setattr(botocore.endpoint.time, "sleep", lambda _: None)
    attempts = []

    def fail(**_: object) -> None:
        attempts.append(1)
        raise error

    client = aws.client(TARGET, "rds")
    client.meta.events.register("before-send.rds", fail)
    with pytest.raises(AwsUnreachable, match="rds.example"):
        client.describe_db_instances()
    assert 6 == len(attempts)


def test_the_sandbox_is_not_up() -> None:
    """The remedy is the command that starts it."""
    with pytest.raises(SandboxNotUp, match="cruddur-ops sandbox up"):
        aws.client(SANDBOX, "rds")


@pytest.mark.parametrize("url", ["https://rds.ca-central-1.amazonaws.com", "http://127.0.0.1.example.org"])
def test_a_sandbox_elsewhere_is_refused(url: str) -> None:
    """A rehearsal never reaches another machine, whatever the environment says."""
    with pytest.raises(SandboxNotUp, match="another host"):
        aws.client(replace(SANDBOX, endpoint_url=url), "rds")


def test_the_sandbox_gets_its_own_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator's credentials are not sent to the sandbox, nor is the profile read."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    client = aws.client(replace(SANDBOX, endpoint_url="http://127.0.0.1:9", profile="nobody"), "rds")
    assert "sandbox" == client._get_credentials().access_key
