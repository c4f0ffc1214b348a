"""IAM, enforced: users and roles may do what their policies say, held to what AWS documents, through boto3.

IAM User Guide, "Policy evaluation logic" and "Troubleshooting access denied error messages".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

import rds_sandbox
from tests.functions import make_role
from tests.instance import refused
from tests.support import Client, make_client, wait_for, wanted

DENIED, VERSION = "AccessDenied", "2012-10-17"


@pytest.fixture(scope="module")
def enforcing() -> Iterator[Mapping[str, str]]:
    """The environment of a sandbox of its own, with --iam; its owner has two instances, one of them with a tag."""
    with rds_sandbox.sandbox() as it:
        it.enforce_iam()
        for name, tags in (("mine", [{"Key": "Owner", "Value": "jane"}]), ("yours", [])):
            it.client("rds").create_db_instance(**wanted(name, Tags=tags))
        for name in ("mine", "yours"):
            wait_for(it.client("rds"), name, "available")
        yield it.environment


def keys_of(sandbox: Mapping[str, str], name: str, *statements: Mapping[str, Any]) -> dict[str, str]:
    """The environment of a new user with this policy."""
    iam = make_client(sandbox, "iam")
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=json.dumps({"Version": VERSION, "Statement": statements}))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {**sandbox, "AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}


def allow(*actions: str, **more: Any) -> dict[str, Any]:
    """A statement."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": "*", **more}


def test_a_user(enforcing: Mapping[str, str]) -> None:
    """May do what its policies allow, on what they name, and hears which action lacks on which resource."""
    owned = {"StringEquals": {"aws:ResourceTag/Owner": "jane"}}
    jane = keys_of(enforcing, "jane", allow("rds:Describe*"), allow("rds:StopDBInstance", Condition=owned))
    rds: Client = make_client(jane, "rds")
    assert 2 == len(rds.describe_db_instances()["DBInstances"])
    rds.stop_db_instance(DBInstanceIdentifier="mine")
    with pytest.raises(ClientError) as caught:
        rds.stop_db_instance(DBInstanceIdentifier="yours")
    account = "123456789012"
    message = (
        f"User: arn:aws:iam::{account}:user/jane is not authorized to perform: rds:StopDBInstance on resource: "
        f"arn:aws:rds:ca-central-1:{account}:db:yours because no identity-based policy allows the rds:StopDBInstance action"
    )
    assert {"Code": DENIED, "Message": message} == {key: caught.value.response["Error"][key] for key in ("Code", "Message")}
    assert "UnauthorizedOperation" == refused(make_client(jane, "ec2").describe_vpcs)
    assert "AccessDeniedException" == refused(make_client(jane, "secretsmanager").list_secrets)
    assert DENIED == refused(make_client(jane, "s3").list_buckets)
    assert DENIED == refused(make_client(jane, "sts").get_session_token)
    assert make_client(jane, "sts").get_caller_identity()["Arn"].endswith(":user/jane")


def test_a_role_within_its_boundary(enforcing: Mapping[str, str]) -> None:
    """Its own and attached policies, a boundary around them, a denial before all of them; the role is for whom it trusts."""
    iam = make_client(enforcing, "iam")
    rules = [allow("rds:*", "iam:*"), {"Effect": "Deny", "Action": "rds:Delete*", "Resource": "*"}]
    boundary = json.dumps({"Version": VERSION, "Statement": rules})
    limit = iam.create_policy(PolicyName="limit", PolicyDocument=boundary)["Policy"]["Arn"]
    role = make_role(iam, "operator", {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}})
    iam.put_role_permissions_boundary(RoleName="operator", PermissionsBoundary=limit)
    iam.attach_role_policy(RoleName="operator", PolicyArn="arn:aws:iam::aws:policy/PowerUserAccess")
    bob = keys_of(enforcing, "bob", allow("sts:AssumeRole", Resource=role))
    given = make_client(bob, "sts").assume_role(RoleArn=role, RoleSessionName="bob")["Credentials"]
    keys = {"AWS_ACCESS_KEY_ID": given["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"]}
    operator = {**enforcing, **keys}, {"aws_session_token": given["SessionToken"]}
    rds = make_client(operator[0], "rds", **operator[1])
    assert rds.describe_db_instances(DBInstanceIdentifier="yours")["DBInstances"]
    assert DENIED == refused(rds.delete_db_instance, DBInstanceIdentifier="yours", SkipFinalSnapshot=True)
    assert "UnauthorizedOperation" == refused(make_client(operator[0], "ec2", **operator[1]).describe_vpcs)
    assert DENIED == refused(make_client(bob, "rds").describe_db_instances)
    stranger = make_client(keys_of(enforcing, "eve", allow("*")), "sts")
    other = make_role(
        iam, "other", {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    )
    assert DENIED == refused(stranger.assume_role, RoleArn=other, RoleSessionName="eve")


def test_what_a_call_needs_beside_its_own_action(enforcing: Mapping[str, str]) -> None:
    """iam:PassRole for a function's role, secretsmanager:CreateSecret for a managed password."""
    role = make_role(make_client(enforcing, "iam"), "function")
    ann = keys_of(enforcing, "ann", allow("lambda:*", "rds:*"))
    function = {"FunctionName": "hers", "Role": role, "Handler": "app.handler", "Code": {"ZipFile": b"x"}}
    with pytest.raises(ClientError, match=f"iam:PassRole on resource: {role}"):
        make_client(ann, "lambda").create_function(**function, Runtime="python3.11")
    request = wanted("managed", MasterUserPassword=None, ManageMasterUserPassword=True)
    with pytest.raises(ClientError, match="secretsmanager:CreateSecret"):
        make_client(ann, "rds").create_db_instance(**request)
