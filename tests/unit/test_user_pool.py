"""The user pool: which one it is, and its settings read, merged and written."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cruddur_ops import tags
from cruddur_ops.change import Action
from cruddur_ops.cognito import pool
from cruddur_ops.errors import NotFound, WrongInput
from cruddur_ops.target import Target
from tests.unit.aws_calls import invalid, operations
from tests.unit.conftest import Stub

TARGET = Target("test", owner="alice", sandbox=True, endpoint_url="http://127.0.0.1:1")
ELSEWHERE = Target("test", owner="alice")
ARN = "arn:aws:lambda:ca-central-1:123456789012:function:cruddur-db-instance-post-confirmation"
DESCRIBED = operations("cognito-idp")["describe_user_pool"].output_shape.members["UserPool"].members
MEMBERS = frozenset(operations("cognito-idp")["update_user_pool"].input_shape.members)
POOL: dict[str, Any] = {
    "Id": "ca-central-1_AbCdEf123",
    "Name": "cruddur",
    "Arn": "arn:aws:cognito-idp:ca-central-1:123456789012:userpool/ca-central-1_AbCdEf123",
    "Policies": {"PasswordPolicy": {"MinimumLength": 12, "TemporaryPasswordValidityDays": 3}},
    "DeletionProtection": "ACTIVE",
    "LambdaConfig": {"PreSignUp": f"{ARN}-other"},
    "SchemaAttributes": [{"Name": "sub"}],
    "AutoVerifiedAttributes": ["email"],
    "UsernameAttributes": ["email"],
    "VerificationMessageTemplate": {"DefaultEmailOption": "CONFIRM_WITH_CODE"},
    "MfaConfiguration": "OFF",
    "EstimatedNumberOfUsers": 3,
    "EmailConfiguration": {"EmailSendingAccount": "COGNITO_DEFAULT"},
    "UserPoolTags": {"Team": "cruddur"},
    "AdminCreateUserConfig": {"AllowAdminCreateUserOnly": False, "UnusedAccountValidityDays": 3},
    "UserPoolTier": "ESSENTIALS",
}


def test_every_setting_that_can_be_written_is_repeated() -> None:
    """The trigger is the one difference; the name and id are called otherwise; what cannot be written is left out."""
    given = pool.update(TARGET, POOL, ARN)
    assert "" == invalid("cognito-idp", "update_user_pool", given)
    expected = {
        "UserPoolId": "ca-central-1_AbCdEf123",
        "PoolName": "cruddur",
        "LambdaConfig": {"PreSignUp": f"{ARN}-other", "PostConfirmation": ARN},
        "AdminCreateUserConfig": {"AllowAdminCreateUserOnly": False},
    }
    same = ("Policies", "DeletionProtection", "AutoVerifiedAttributes", "VerificationMessageTemplate", "MfaConfiguration")
    repeated = {name: POOL[name] for name in (*same, "EmailConfiguration", "UserPoolTags", "UserPoolTier")}
    assert {**repeated, **expected} == given


def test_the_models_know_no_other_names() -> None:
    """What UpdateUserPool takes and DescribeUserPool does not give is exactly what is renamed, and nested shapes agree."""
    update = operations("cognito-idp")["update_user_pool"].input_shape.members
    assert set(pool.RENAMED.values()) == set(update) - set(DESCRIBED)
    assert {} == {name: update[name].name for name in set(update) & set(DESCRIBED) if update[name].name != DESCRIBED[name].name}


def test_without_another_rule_the_days_of_an_invitation_are_kept() -> None:
    """They are dropped only where the password policy says the same."""
    described = {**POOL, "Policies": {"PasswordPolicy": {"MinimumLength": 12}}}
    given = pool.update(TARGET, described, ARN)
    assert 3 == given["AdminCreateUserConfig"]["UnusedAccountValidityDays"]


OTHERS = MEMBERS - {"AdminCreateUserConfig", "LambdaConfig", "Policies", "PoolName", "UserPoolId"}
TEXTS = st.dictionaries(st.sampled_from(sorted(OTHERS)), st.text(min_size=1))


@given(TEXTS, st.dictionaries(st.sampled_from(["PreSignUp", "PostConfirmation", "CustomMessage"]), st.text()))
def test_nothing_but_the_trigger_ever_changes(settings: dict[str, str], triggers: dict[str, str]) -> None:
    """Whatever a pool has set, it is written as it was read."""
    described = {**settings, "Id": "region_1", "Name": "cruddur", "LambdaConfig": triggers, "Arn": ARN}
    given = pool.update(TARGET, described, ARN)
    assert {**triggers, "PostConfirmation": ARN} == given.pop("LambdaConfig")
    assert {**settings, "UserPoolId": "region_1", "PoolName": "cruddur"} == given


@pytest.mark.parametrize(
    ("found", "wanted", "action"),
    [
        ("", ARN, Action.MODIFY),
        (ARN, ARN, Action.NONE),
        (ARN, "", Action.MODIFY),
        ("", "", Action.NONE),
    ],
)
def test_the_trigger_is_changed_where_it_differs(found: str, wanted: str, action: Action) -> None:
    """From none, and to none; the line names the function."""
    described = {**POOL, "LambdaConfig": {"PostConfirmation": found} if found else {}}
    change = pool.trigger_change(TARGET, described, wanted)
    assert (action, action is Action.MODIFY) == (change.action, bool(change.calls))
    assert "123456789012" not in str(change)


def test_the_line_counts_what_is_repeated() -> None:
    """So that a reader sees that it is not one setting alone that is written."""
    assert "repeats 10 other settings as they are" == pool.trigger_change(TARGET, POOL, ARN).note


def test_a_pool_for_rehearsals_is_created() -> None:
    """Sign-in by email, the three attributes that a row needs required, tagged."""
    change = pool.creation(TARGET, None)
    [call] = change.calls
    assert "" == invalid("cognito-idp", call.operation, call.parameters)
    assert ["email"] == call.parameters["UsernameAttributes"]
    assert {"email", "name", "preferred_username"} == {one["Name"] for one in call.parameters["Schema"] if one["Required"]}
    assert "alice" == call.parameters["UserPoolTags"]["Owner"]


def test_a_pool_that_is_there_is_used() -> None:
    """Whoever made it."""
    assert Action.NONE is pool.creation(TARGET, POOL).action


def test_outside_the_sandbox_a_pool_is_named(stub: Stub) -> None:
    """None is looked for by name, which may be production's, and none is made in passing."""
    assert pool.describe(ELSEWHERE) is None
    for needs in (pool.require, lambda target: pool.creation(target, None)):
        with pytest.raises(NotFound, match="no user pool is named for test: set user_pool_id to the application's"):
            needs(ELSEWHERE)


def test_a_pool_waits_for_what_the_function_needs() -> None:
    """Nothing is made before all of it can be."""
    change = pool.creation(TARGET, None, "known after 03")
    assert ("known after 03", ()) == (change.note, change.calls)


def test_a_trigger_of_another_function_is_not_replaced() -> None:
    """Somebody's sign-ups rely on it; ours, and none, are free."""
    for found in ("", ARN):
        pool.require_free(TARGET, {**POOL, "LambdaConfig": {"PostConfirmation": found}}, ARN)
    for found in (f"{ARN}-old", ARN.replace("ca-central-1", "eu-west-1"), f"{ARN}:alias"):
        with pytest.raises(WrongInput, match="which is not this target's function: take that trigger away yourself"):
            pool.require_free(TARGET, {**POOL, "LambdaConfig": {"PostConfirmation": found}}, ARN)


def test_a_pool_in_another_region_is_refused() -> None:
    """Its id tells, so that nothing is asked; both regions are named."""
    target = Target("test", region="ca-central-1", user_pool_id="eu-west-1_AbCdEf123")
    with pytest.raises(WrongInput, match=r"eu-west-1_AbCdEf123 is in eu-west-1 .+ set user_pool_id to a pool of ca-central-1"):
        pool.describe(target)


@pytest.mark.parametrize("pool_id", ["cruddur", "ca-central-1", "ca-central-1_", "ca-central-1_a b"])
def test_what_is_no_id_of_a_pool_is_refused(pool_id: str) -> None:
    """Exit code 2, with an example."""
    with pytest.raises(WrongInput, match="ca-central-1_AbCdEf123"):
        pool.describe(Target("test", user_pool_id=pool_id))


def test_a_named_pool_that_is_missing_is_an_error(stub: Stub) -> None:
    """Another one is not taken in its place."""
    target = Target("test", user_pool_id="ca-central-1_AbCdEf123")
    stub(target, "cognito-idp").add_client_error("describe_user_pool", "ResourceNotFoundException")
    with pytest.raises(NotFound, match="correct user_pool_id"):
        pool.describe(target)


def test_a_pool_is_found_by_name_on_a_later_page(stub: Stub) -> None:
    """All pages are read; of those that have the name, it is the one with the tags of this target."""
    answers = stub(TARGET, "cognito-idp")
    answers.add_response("list_user_pools", {"UserPools": [{"Id": "r_1", "Name": "other"}], "NextToken": "more"})
    named = [{"Id": pool_id, "Name": TARGET.user_pool_name} for pool_id in ("r_2", "r_3", POOL["Id"])]
    answers.add_response("list_user_pools", {"UserPools": named})
    others = {"r_2": {"ManagedBy": "cruddur-ops", "DBInstance": "other"}, "r_3": {"ManagedBy": "cruddur-ops"}}
    for pool_id, labels in {**others, POOL["Id"]: tags.of(TARGET)}.items():
        described = {"UserPool": {"Id": pool_id, "UserPoolTags": labels}}
        answers.add_response("describe_user_pool", described, {"UserPoolId": pool_id})
    found = pool.describe(TARGET)
    assert found and POOL["Id"] == found["Id"]


def test_two_pools_of_one_name_are_refused(stub: Stub) -> None:
    """A guess could attach the function to the wrong one."""
    pools = [{"Id": f"r_{number}", "Name": TARGET.user_pool_name} for number in (1, 2)]
    answers = stub(TARGET, "cognito-idp")
    answers.add_response("list_user_pools", {"UserPools": pools})
    for one in pools:
        answers.add_response("describe_user_pool", {"UserPool": {"Id": one["Id"], "UserPoolTags": tags.of(TARGET)}})
    with pytest.raises(WrongInput, match="2 user pools of this target are called cruddur-user-pool: name one in user_pool_id"):
        pool.describe(TARGET)


def test_a_pool_is_required(stub: Stub) -> None:
    """Where there is none, the message says which notebook makes one."""
    stub(TARGET, "cognito-idp").add_response("list_user_pools", {"UserPools": []})
    with pytest.raises(NotFound, match="run 05_post_confirmation_lambda"):
        pool.require(TARGET)
