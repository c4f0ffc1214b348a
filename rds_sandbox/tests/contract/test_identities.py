"""Users, roles and policies of IAM, and their lists, by plain boto3. What policies decide is tested in test_iam.

Source: IAM API Reference, the page of each action.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from tests.instance import refused
from tests.support import Client, make_client

pytestmark = pytest.mark.usefixtures("emptied_each_time")

ACCOUNT = "arn:aws:iam::123456789012"
LAMBDA = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}


@pytest.fixture
def iam(sandbox: Mapping[str, str]) -> Client:
    """IAM, in which nobody is."""
    return make_client(sandbox, "iam")


def document(**statement: object) -> str:
    """A policy of one statement."""
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_a_policy_that_is_in_use_stays(iam: Client) -> None:
    """DeletePolicy, DeleteConflict: while somebody has it, and while it has other versions than the default one."""
    rules = document(Effect="Allow", Action="rds:*", Resource="*")
    policy = {"PolicyArn": iam.create_policy(PolicyName="kept", PolicyDocument=rules)["Policy"]["Arn"]}
    version = iam.create_policy_version(**policy, PolicyDocument=rules)["PolicyVersion"]["VersionId"]
    iam.create_user(UserName="ann")
    iam.attach_user_policy(UserName="ann", **policy)
    assert "DeleteConflict" == refused(iam.delete_policy, **policy)
    iam.detach_user_policy(UserName="ann", **policy)
    assert "DeleteConflict" == refused(iam.delete_policy, **policy)
    iam.delete_policy_version(**policy, VersionId=version)
    iam.delete_policy(**policy)


def test_whom_a_role_trusts(iam: Client) -> None:
    """CreateRole: a policy with a principal that there is, and without resources; a boundary that there is."""
    for wrong in (
        "{}",
        "x",
        document(Effect="Allow", Action="sts:AssumeRole"),
        document(**LAMBDA, Resource="*"),
        document(**{**LAMBDA, "Principal": {"AWS": f"{ACCOUNT}:user/absent"}}),
    ):
        assert "MalformedPolicyDocument" == refused(iam.create_role, RoleName="own", AssumeRolePolicyDocument=wrong), wrong
    role = {"RoleName": "own", "AssumeRolePolicyDocument": document(**LAMBDA)}
    absent = {"PermissionsBoundary": f"{ACCOUNT}:policy/absent"}
    assert "NoSuchEntity" == refused(iam.create_role, **role, **absent)
    iam.create_role(**role)
    assert "NoSuchEntity" == refused(iam.put_role_permissions_boundary, RoleName="own", **absent)


def test_names_differ_in_more_than_their_case(iam: Client) -> None:
    """CreateUser, UserName, and its like: names "are not distinguished by case"."""
    trust = {"AssumeRolePolicyDocument": document(**LAMBDA)}
    for kind, more in (("user", {}), ("group", {}), ("role", trust), ("instance_profile", {})):
        create, name = getattr(iam, f"create_{kind}"), f"{kind.title().replace('_', '')}Name"
        create(**{name: "jane"}, **more)
        for taken in ("jane", "Jane"):
            assert "EntityAlreadyExists" == refused(create, **{name: taken}, **more)


def test_lists_come_in_pages(iam: Client) -> None:
    """MaxItems and Marker of ListUsers, ListGroups, GetGroup and ListUserPolicies."""
    iam.create_group(GroupName="all")
    for name in ("ann", "bob", "kim"):
        iam.create_user(UserName=name)
        iam.add_user_to_group(GroupName="all", UserName=name)
        iam.put_user_policy(
            UserName="ann", PolicyName=name, PolicyDocument=document(Effect="Allow", Action="rds:*", Resource="*")
        )
    for operation, member, given in (
        ("list_users", "Users", {}),
        ("get_group", "Users", {"GroupName": "all"}),
        ("list_user_policies", "PolicyNames", {"UserName": "ann"}),
    ):
        pages = list(iam.get_paginator(operation).paginate(**given, PaginationConfig={"PageSize": 2}))
        assert [(2, True), (1, False)] == [(len(page[member]), page["IsTruncated"]) for page in pages], operation
    assert ["all"] == [one["GroupName"] for one in iam.list_groups()["Groups"]]
    assert "ValidationError" == refused(iam.list_users, Marker="x")


def test_what_a_change_does_not_name_stays(iam: Client) -> None:
    """UpdateRole, UpdateGroup and UpdateLoginProfile; a path is a filter of lists."""
    role = {"RoleName": "own"}
    iam.create_role(**role, AssumeRolePolicyDocument=document(**LAMBDA), Description="mine", MaxSessionDuration=7200)
    iam.update_role(**role, Description="ours")
    iam.update_role(**role, MaxSessionDuration=14400)
    found = iam.get_role(**role)["Role"]
    assert ("ours", 14400) == (found["Description"], found["MaxSessionDuration"])
    iam.create_group(GroupName="staff")
    iam.update_group(GroupName="staff", NewPath="/of/ours/")
    assert ["staff"] == [each["GroupName"] for each in iam.list_groups(PathPrefix="/of/")["Groups"]]
    assert [] == iam.list_groups(PathPrefix="/other/")["Groups"]
    ann = {"UserName": "ann"}
    iam.create_user(**ann)
    made = iam.create_login_profile(**ann, Password="Passw0rd!", PasswordResetRequired=True)["LoginProfile"]
    assert made["PasswordResetRequired"]
    iam.update_login_profile(**ann, PasswordResetRequired=False)
    assert not iam.get_login_profile(**ann)["LoginProfile"]["PasswordResetRequired"]
    assert [] == iam.list_service_specific_credentials(**ann)["ServiceSpecificCredentials"]


def test_whom_a_policy_bounds(iam: Client) -> None:
    """A policy tells of how many it is the boundary (Policy, PermissionsBoundaryUsageCount)."""
    policy = iam.create_policy(PolicyName="bounds", PolicyDocument=document(Effect="Allow", Action="rds:*", Resource="*"))[
        "Policy"
    ]
    assert 0 == policy["PermissionsBoundaryUsageCount"]
    iam.create_user(UserName="ann", PermissionsBoundary=policy["Arn"])
    iam.create_role(RoleName="own", AssumeRolePolicyDocument=document(**LAMBDA), PermissionsBoundary=policy["Arn"])
    assert 2 == iam.get_policy(PolicyArn=policy["Arn"])["Policy"]["PermissionsBoundaryUsageCount"]
    bounded = iam.get_role(RoleName="own")["Role"]["PermissionsBoundary"]
    assert {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": policy["Arn"]} == bounded
