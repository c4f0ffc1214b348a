"""The way to AWS: credentials, refusals and silence are told apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from io import StringIO
from pathlib import Path

import botocore.endpoint
import click
import pytest
from botocore import exceptions
from botocore.exceptions import ClientError
from click.testing import CliRunner
from moto import mock_aws

from cruddur_ops import aws, ledger, preflight, queries, rds
from cruddur_ops.aws import sessions
from cruddur_ops.cli.table import TABLE
from cruddur_ops.cli.verb import Verb
from cruddur_ops.errors import AccessDenied, AwsUnreachable, NoCredentials, SandboxNotUp, WrongInput
from cruddur_ops.target import Target
from tests.unit.conftest import ACCOUNT, Stub

TARGET = Target("test", owner="alice")
PINNED = replace(TARGET, name="prod", account_id=ACCOUNT)
ELSEWHERE = replace(PINNED, account_id="999999999999")
SANDBOX = Target("local", sandbox=True)
IDENTITY = {"Account": ACCOUNT, "Arn": "arn:aws:iam::123456789012:root", "UserId": "x"}


@pytest.mark.parametrize("code", sorted(aws.DENIED))
def test_denied_calls_name_the_permission(code: str, stub: Stub) -> None:
    """Whatever the service calls it, a denied call is AccessDenied, with the action to ask for."""
    stub(TARGET, "ec2").add_client_error("describe_vpcs", code)
    with pytest.raises(AccessDenied, match="ec2:DescribeVpcs"):
        aws.client(TARGET, "ec2").describe_vpcs()


def test_a_role_that_is_taken_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A target's role makes the calls, and no two targets share what is known of a caller."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        aws.forget()
        target = replace(PINNED, role_arn=f"arn:aws:iam::{ACCOUNT}:role/ops", external_id="x-1")
        assert f"arn:aws:sts::{ACCOUNT}:assumed-role/ops/cruddur-ops-" in aws.caller_identity(target)["Arn"]
        assert "assumed-role" not in aws.caller_identity(PINNED)["Arn"]
    aws.forget()


@pytest.mark.parametrize("code", sorted(aws.UNKNOWN_CALLER))
def test_credentials_that_aws_does_not_accept(code: str, stub: Stub) -> None:
    """Whatever the service calls it, the remedy is to sign in again."""
    stub(TARGET, "rds").add_client_error("describe_db_instances", code)
    with pytest.raises(NoCredentials, match="does not accept.*aws sso login"):
        aws.client(TARGET, "rds").describe_db_instances()


@pytest.mark.parametrize("code", sorted(aws.EXPIRED))
def test_credentials_that_expire_on_the_way(code: str, stub: Stub) -> None:
    """It is no failure of what was done: sign in, repeat."""
    stub(TARGET, "rds").add_client_error("describe_db_instances", code)
    with pytest.raises(NoCredentials, match="have expired .*aws sso login`, then repeat: what was done already is found done"):
        aws.client(TARGET, "rds").describe_db_instances()


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
    """Account and role are AWS's answer, for which a process asks once."""
    aws._identities.clear()
    stub(TARGET, "sts").add_response("get_caller_identity", IDENTITY)
    assert [ACCOUNT, ACCOUNT] == [aws.caller_identity(TARGET)["Account"] for _ in "ab"]


@pytest.mark.usefixtures("account")
def test_another_account_is_not_even_read() -> None:
    """Both accounts are named, and what the credentials are."""
    wrong = 'target "prod" is in account 999999999999, and the credentials of the environment are account 123456789012'
    for ask in (aws.caller_identity, preflight.check, rds.plan_group):
        with pytest.raises(WrongInput, match=wrong):
            ask(ELSEWHERE)
    assert ACCOUNT == aws.caller_identity(PINNED)["Account"]


TYPED = {  # instead of "other-…", which is no value for these
    "moment": "2026-11-20T14:03:00+00:00",
    "version": "18.1",
    "storage_type": "gp3",
    "path": str(queries.FOLDER / "seed.sql"),
}
ON_A_TARGET = [verb for verb in TABLE if any(one.name == "target" for one in verb.command().params)]


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize("verb", ON_A_TARGET, ids=lambda verb: f"{verb.group.name} {verb.name}")
def test_no_verb_asks_another_account_anything(verb: Verb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """But whose it is; the listing of targets and a policy ask nobody."""
    section = '[prod]\naccount_id = "999999999999"\nuser_pool_id = "ca-central-1_AbCdEf123"\n'
    (tmp_path / "targets.toml").write_text(section)
    monkeypatch.setenv("CRUDDUR_TARGETS", str(tmp_path / "targets.toml"))
    made: list[str] = []
    monkeypatch.setattr(ledger, "record", lambda service, operation, _: made.append(operation))
    result = CliRunner().invoke(verb.command(), [*needed(verb), "--target", "prod"])
    if verb.name in ("targets", "policy"):
        assert (0, []) == (result.exit_code, made)
        return
    assert ["GetCallerIdentity"] == made
    assert "account 123456789012's, so nothing was done" in f"{result.output} {result.exception}"


def needed(verb: Verb) -> Iterator[str]:
    """What must be typed after it; arguments that may be left out are."""
    for one in verb.command().params:
        if one.required or one.name in TYPED:
            yield from ([] if isinstance(one, click.Argument) else one.opts[:1])
            yield TYPED.get(str(one.name), f"other-{one.name}")


@pytest.mark.usefixtures("account")
def test_without_an_account_a_target_may_only_look() -> None:
    """Plans and status answer; whatever changes something is refused with the line to add, plan or not."""
    assert f'add account_id = "{ACCOUNT}" to [test] of targets.toml' in repr(preflight.check(TARGET))
    assert "account_id" not in repr(preflight.check(PINNED))
    plan = rds.plan_group(TARGET)
    for change in (plan.apply, lambda: aws.client(TARGET, "ssm").put_parameter(Name="/lock", Value="x", Type="String")):
        with pytest.raises(
            WrongInput, match=r'may only look, .* add account_id = "123456789012", .* to \[test\] of .*targets.toml'
        ):
            change()
    assert 1 == rds.plan_group(PINNED).apply().created


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_RDS"])
def test_a_shell_for_the_sandbox_reaches_no_other_target(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Left behind by `eval "$(cruddur-ops sandbox env)"`, it would leave evidence of prod that is the sandbox's."""
    monkeypatch.setenv(name, "http://127.0.0.1:9")
    for ask in (aws.caller_identity, lambda target: aws.client(target, "rds")):
        with pytest.raises(WrongInput, match=f"{name} is set, and target .prod. is not the sandbox.*`unset {name}`"):
            ask(PINNED)


def test_an_endpoint_of_the_shared_configuration_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A profile may send other programs elsewhere."""
    (tmp_path / "config").write_text("[default]\nendpoint_url = http://127.0.0.1:9\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    aws.forget()
    assert "https://rds.ca-central-1.amazonaws.com" == aws.client(TARGET, "rds").meta.endpoint_url
    aws.forget()


MFA = """\
[profile base]
[profile admin]
role_arn = arn:aws:iam::123456789012:role/admin
source_profile = base
mfa_serial = arn:aws:iam::123456789012:mfa/kosh
[profile derived]
role_arn = arn:aws:iam::123456789012:role/other
source_profile = admin
"""


@pytest.mark.parametrize("profile", ["admin", "derived"])
def test_nobody_can_type_a_code_into_a_notebook(profile: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its kernel has no terminal: the keys are exported first, and then they are used."""
    (tmp_path / "config").write_text(MFA)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setattr("sys.stdin", StringIO())
    aws.forget()
    target = replace(TARGET, profile=profile)
    with pytest.raises(
        NoCredentials, match=f"asks for an MFA code.*aws configure export-credentials --profile {profile} --format"
    ):
        aws.client(target, "rds")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "exported")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "exported")
    assert "exported" == aws.client(target, "rds")._get_credentials().access_key
    aws.forget()


ON_THE_WAY = {
    "ask for another MFA code: repeat": exceptions.RefreshWithMFAUnsupportedError(),
    r"role of the AWS profile cannot be taken on \(AccessDenied\)": ClientError(
        {"Error": {"Code": "AccessDenied"}}, "AssumeRole"
    ),
}


@pytest.mark.parametrize("sentence", ON_THE_WAY)
@pytest.mark.usefixtures("stub")
def test_credentials_that_cannot_be_renewed(sentence: str) -> None:
    """botocore asks for new ones before a call: that fails, and not the call."""

    def fail(**_: object) -> None:
        raise ON_THE_WAY[sentence]

    client = aws.client(TARGET, "rds")
    client.meta.events.register("before-sign.rds", fail)
    with pytest.raises(NoCredentials, match=sentence):
        client.describe_db_instances()


def test_no_credentials() -> None:
    """Without any credentials the remedy is to sign in."""
    aws.forget()
    with pytest.raises(NoCredentials, match="aws sso login"):
        aws.caller_identity(TARGET)
    aws.forget()


def test_a_profile_that_does_not_exist() -> None:
    """The missing profile is named."""
    with pytest.raises(NoCredentials, match='no profile "nobody"'):
        aws.client(replace(TARGET, profile="nobody"), "sts")


@pytest.mark.parametrize(
    ("variable", "value"), [("AWS_PROFILE", "nobody"), ("AWS_MAX_ATTEMPTS", "many"), ("AWS_ENDPOINT_URL", "nonsense")]
)
def test_a_broken_configuration_keeps_no_kernel_from_starting(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    """What is read ahead is left: the notebook that needs it says what is wrong."""
    monkeypatch.setenv(variable, value)
    sessions.read_models()


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


def test_the_sandbox_gets_its_own_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator's credentials are not sent to the sandbox, nor is any profile read, be it there or not."""
    (tmp_path / "config").write_text("[default")
    for name, value in (("ACCESS_KEY_ID", "secret"), ("SECRET_ACCESS_KEY", "secret"), ("PROFILE", "nobody")):
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    aws.forget()
    client = aws.client(replace(SANDBOX, endpoint_url="http://127.0.0.1:9", profile="nobody"), "rds")
    assert "sandbox" == client._get_credentials().access_key


def test_keys_of_another_sandbox_are_told(stub: Stub) -> None:
    """The remedy is to take its owner's, not to sign in at AWS."""
    here = replace(SANDBOX, endpoint_url="http://127.0.0.1:9")
    stub(here, "rds").add_client_error("describe_db_instances", "InvalidClientTokenId")
    with pytest.raises(NoCredentials, match=r"the sandbox does not accept these keys .*cruddur-ops sandbox env"):
        aws.client(here, "rds").describe_db_instances()


def test_the_keys_are_those_of_the_sandbox_at_the_url(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of a shell that `sandbox env` has set up, for that sandbox alone."""
    told = {"AWS_ACCESS_KEY_ID": "AKIAOWN", "AWS_SECRET_ACCESS_KEY": "own", "RDS_SANDBOX_TOKEN": "token"}
    for name, value in {**told, "AWS_ENDPOINT_URL": "http://127.0.0.1:10"}.items():
        monkeypatch.setenv(name, value)
    found = [aws.client(replace(SANDBOX, endpoint_url=f"http://127.0.0.1:{port}"), "rds") for port in (10, 11)]
    assert ["AKIAOWN", "sandbox"] == [client._get_credentials().access_key for client in found]
