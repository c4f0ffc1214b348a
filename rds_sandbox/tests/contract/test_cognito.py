"""User pools: sign-up, codes, the post-confirmation trigger, and what UpdateUserPool resets; through plain boto3."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.functions import code_of, deploy, make_role, wanted
from tests.support import Client, make_client, reset

PASSWORD = "Passw0rd!"
NAMES = {"name": "Andrew", "preferred_username": "andrew"}
SOURCE = """
    import json, time

    def handler(event, context):
        what = event["request"].get("clientMetadata", {}).get("do")
        if what == "raise":
            raise RuntimeError("no row was written")
        if what == "sleep":
            time.sleep(6)
        if what == "nothing":
            return None
        print("EVENT", json.dumps(event))
        return event
"""
SCHEMA = [{"Name": name, "AttributeDataType": "String", "Required": True, "Mutable": True} for name in NAMES]

Call = Callable[..., Any]


@pytest.fixture(scope="module")
def idp(sandbox: Mapping[str, str]) -> Client:
    """boto3's client of Cognito user pools, in an empty sandbox."""
    reset(sandbox)
    return make_client(sandbox, "cognito-idp")


@pytest.fixture(scope="module")
def functions(sandbox: Mapping[str, str], idp: Client) -> Client:
    """boto3's Lambda client."""
    return make_client(sandbox, "lambda")


@pytest.fixture(scope="module")
def function(sandbox: Mapping[str, str], functions: Client) -> str:
    """The ARN of a function that does what the ClientMetadata says."""
    role = make_role(make_client(sandbox, "iam"), "trigger")
    return deploy(functions, wanted("trigger", role, sandbox["RDS_SANDBOX_LAMBDA_RUNTIME"], SOURCE, Timeout=10))


@pytest.fixture(scope="module")
def pool(idp: Client, functions: Client, function: str) -> str:
    """A user pool whose post-confirmation trigger may invoke the function."""
    made = create_pool(idp, LambdaConfig={"PostConfirmation": function})
    permit(functions, made["Arn"])
    return str(made["Id"])


@pytest.fixture(scope="module")
def client_id(idp: Client, pool: str) -> str:
    """An app client of the pool."""
    return create_client(idp, pool)


@pytest.fixture(scope="module")
def sign_up(idp: Client, client_id: str) -> Call:
    """Sign a user up by email address."""

    def call(email: str, password: str = PASSWORD, **attributes: str) -> dict[str, Any]:
        given = [{"Name": name, "Value": value} for name, value in (NAMES | attributes).items() if value]
        answer: dict[str, Any] = idp.sign_up(ClientId=client_id, Username=email, Password=password, UserAttributes=given)
        return answer

    return call


@pytest.fixture(scope="module")
def code_for(control: Call, idp: Client, pool: str) -> Call:
    """The code that was sent to a user, read by the operator."""

    def code(email: str, user_pool: str = pool) -> str:
        username = idp.admin_get_user(UserPoolId=user_pool, Username=email)["Username"]
        codes = control("GET", f"/confirmation-codes?UserPoolId={user_pool}")["Codes"]
        return str(next(each["Code"] for each in codes if each["Username"] == username))

    return code


@pytest.fixture(scope="module")
def confirm(idp: Client, client_id: str, code_for: Call) -> Call:
    """Confirm a sign-up by its code, with this wish to the function."""

    def call(email: str, **metadata: str) -> None:
        idp.confirm_sign_up(
            ClientId=client_id, Username=email, ConfirmationCode=code_for(email), ClientMetadata=metadata or {"do": "answer"}
        )

    return call


def create_pool(idp: Client, **changes: Any) -> dict[str, Any]:
    """A pool in which people sign up by email address."""
    request = {"UsernameAttributes": ["email"], "AutoVerifiedAttributes": ["email"], "Schema": SCHEMA, **changes}
    pool: dict[str, Any] = idp.create_user_pool(PoolName="app", **request)["UserPool"]
    return pool


def create_client(idp: Client, pool: str, **changes: Any) -> str:
    """An app client."""
    flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    made = idp.create_user_pool_client(UserPoolId=pool, ClientName="web", ExplicitAuthFlows=flows, **changes)
    return str(made["UserPoolClient"]["ClientId"])


def permit(functions: Client, source: str, name: str = "cognito", **qualifier: str) -> None:
    """Let a pool invoke the function, or what its qualifier tells."""
    functions.add_permission(
        FunctionName="trigger",
        StatementId=name,
        Action="lambda:InvokeFunction",
        Principal="cognito-idp.amazonaws.com",
        SourceArn=source,
        **qualifier,
    )


def status(idp: Client, pool: str, email: str) -> str:
    """The user's status."""
    found: str = idp.admin_get_user(UserPoolId=pool, Username=email)["UserStatus"]
    return found


def seen(sandbox: Mapping[str, str]) -> list[dict[str, Any]]:
    """The events that the function was given, oldest first."""
    logs = make_client(sandbox, "logs")
    found = logs.filter_log_events(logGroupName="/aws/lambda/trigger", filterPattern="EVENT")["events"]
    return [json.loads(event["message"].removeprefix("EVENT ")) for event in found]


def test_confirming_by_code_invokes_the_function(
    sandbox: Mapping[str, str], idp: Client, pool: str, client_id: str, sign_up: Call, confirm: Call
) -> None:
    """With the event of Cognito's documentation; the email address is verified, and the user can sign in."""
    answer = sign_up("andrew@example.com")
    confirm("andrew@example.com", why="test")
    attributes = {
        "sub": answer["UserSub"],
        "email": "andrew@example.com",
        "email_verified": "true",
        "cognito:user_status": "CONFIRMED",
        **NAMES,
    }
    auth = {"USERNAME": "andrew@example.com", "PASSWORD": PASSWORD}
    signed_in = idp.initiate_auth(ClientId=client_id, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=auth)
    token = signed_in["AuthenticationResult"]["AccessToken"]
    assert 52 == len(idp.associate_software_token(AccessToken=token)["SecretCode"])  # nobody knows it beforehand

    assert {
        "version": "1",
        "region": "ca-central-1",
        "userPoolId": pool,
        "userName": answer["UserSub"],
        "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": client_id},
        "triggerSource": "PostConfirmation_ConfirmSignUp",
        "request": {"userAttributes": attributes, "clientMetadata": {"why": "test"}},
        "response": {},
    } == seen(sandbox)[-1]
    assert {"AttributeName": "email", "DeliveryMedium": "EMAIL", "Destination": "a***@e***"} == answer["CodeDeliveryDetails"]
    assert not answer["UserConfirmed"]
    assert "AccessToken" in signed_in["AuthenticationResult"]


def test_confirming_by_administrator_invokes_the_function(
    sandbox: Mapping[str, str], idp: Client, pool: str, sign_up: Call
) -> None:
    """The same event without a client; nothing is verified by it."""
    sign_up("admin@example.com")
    idp.admin_confirm_sign_up(UserPoolId=pool, Username="admin@example.com")
    event = seen(sandbox)[-1]

    assert "PostConfirmation_ConfirmSignUp" == event["triggerSource"]
    assert "CLIENT_ID_NOT_APPLICABLE" == event["callerContext"]["clientId"]
    assert "email_verified" not in event["request"]["userAttributes"]
    assert "CONFIRMED" == status(idp, pool, "admin@example.com")


def test_another_password_invokes_the_function_too(
    sandbox: Mapping[str, str], idp: Client, client_id: str, sign_up: Call, confirm: Call, code_for: Call
) -> None:
    """With a trigger source of its own; the code is checked, and the new password holds."""
    sign_up("forgetful@example.com")
    confirm("forgetful@example.com")
    idp.forgot_password(ClientId=client_id, Username="forgetful@example.com")
    wish = {"ClientId": client_id, "Username": "forgetful@example.com", "Password": "An0ther!password"}
    with pytest.raises(ClientError) as wrong:
        idp.confirm_forgot_password(**wish, ConfirmationCode="x")
    idp.confirm_forgot_password(**wish, ConfirmationCode=code_for("forgetful@example.com"))
    auth = {"USERNAME": "forgetful@example.com", "PASSWORD": "An0ther!password"}

    assert "CodeMismatchException" == code_of(wrong.value)
    assert "PostConfirmation_ConfirmForgotPassword" == seen(sandbox)[-1]["triggerSource"]
    assert idp.initiate_auth(ClientId=client_id, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=auth)


@pytest.mark.parametrize(
    ("wish", "code", "message"),
    [
        ("raise", "UserLambdaValidationException", "PostConfirmation failed with error no row was written."),
        ("nothing", "InvalidLambdaResponseException", "Unrecognizable lambda output"),
    ],
)
def test_failing_function_is_the_callers_error(
    idp: Client, pool: str, sign_up: Call, confirm: Call, wish: str, code: str, message: str
) -> None:
    """Asked once; the user is confirmed all the same."""
    sign_up(f"{wish}@example.com")
    with pytest.raises(ClientError) as caught:
        confirm(f"{wish}@example.com", do=wish)

    assert (code, message) == (code_of(caught.value), caught.value.response["Error"]["Message"])
    assert "CONFIRMED" == status(idp, pool, f"{wish}@example.com")


@pytest.fixture
def impatient(control: Call) -> Iterator[float]:
    """How long Cognito waits for a trigger during the test, in seconds: not as long as on AWS."""
    control("PUT", "/trigger-seconds", {"Seconds": "0.3"})
    yield 0.3
    control("PUT", "/trigger-seconds", {"Seconds": "5"})


def test_silent_function_is_asked_three_times(idp: Client, pool: str, sign_up: Call, confirm: Call, impatient: float) -> None:
    """Then the caller hears of it, and the user is confirmed all the same."""
    sign_up("slow@example.com")
    began = time.monotonic()
    with pytest.raises(ClientError, match="invocation failed due to error Socket timeout") as caught:
        confirm("slow@example.com", do="sleep")

    assert "UnexpectedLambdaException" == code_of(caught.value)
    assert time.monotonic() - began >= 3 * impatient
    assert "CONFIRMED" == status(idp, pool, "slow@example.com")


@pytest.mark.parametrize(
    "why", ["no permission", "another pool's permission", "an alias's permission", "no function", "another region"]
)
def test_function_that_may_not_be_invoked(idp: Client, functions: Client, function: str, why: str) -> None:
    """An access that is denied, which is also what a deleted function amounts to."""
    arn = {"no function": f"{function}-gone", "another region": function.replace("ca-central-1", "us-east-1")}.get(why, function)
    made = create_pool(idp, LambdaConfig={"PostConfirmation": arn})
    if why == "another pool's permission":
        permit(functions, f"{made['Arn']}x", "another")
    if why == "an alias's permission":
        functions.create_alias(FunctionName="trigger", Name="live", FunctionVersion="$LATEST")
        permit(functions, made["Arn"], "alias", Qualifier="live")
    attributes = [{"Name": name, "Value": value} for name, value in NAMES.items()]
    client = create_client(idp, made["Id"])
    idp.sign_up(ClientId=client, Username="a@example.com", Password=PASSWORD, UserAttributes=attributes)
    with pytest.raises(ClientError, match="invocation failed due to error AccessDeniedException") as caught:
        idp.admin_confirm_sign_up(UserPoolId=made["Id"], Username="a@example.com")

    assert "UnexpectedLambdaException" == code_of(caught.value)
    assert "CONFIRMED" == status(idp, made["Id"], "a@example.com")


def test_codes_are_checked(idp: Client, client_id: str, sign_up: Call, code_for: Call, confirm: Call) -> None:
    """A wrong one, one that a newer one replaced, one that was used; somebody who never signed up."""
    sign_up("code@example.com")
    first = code_for("code@example.com")
    wrong = f"{(int(first) + 1) % 10**6:06}"
    idp.resend_confirmation_code(ClientId=client_id, Username="code@example.com")
    newer = code_for("code@example.com")

    def refused(code: str, username: str = "code@example.com") -> str:
        with pytest.raises(ClientError) as caught:
            idp.confirm_sign_up(ClientId=client_id, Username=username, ConfirmationCode=code)
        return code_of(caught.value)

    found = [refused(code) for code in {wrong, first} - {newer}] + [refused("123456", "nobody@example.com")]
    confirm("code@example.com")

    assert {"CodeMismatchException", "UserNotFoundException"} == set(found)
    assert "NotAuthorizedException" == refused(newer)
    assert 6 == len(newer)
    assert newer.isdecimal()


def test_what_is_confirmed_stays_so(idp: Client, pool: str, client_id: str, sign_up: Call, confirm: Call) -> None:
    """Neither an administrator nor another code confirms it again."""
    sign_up("twice@example.com")
    confirm("twice@example.com")
    with pytest.raises(ClientError, match="Current status is CONFIRMED") as again:
        idp.admin_confirm_sign_up(UserPoolId=pool, Username="twice@example.com")
    with pytest.raises(ClientError) as resent:
        idp.resend_confirmation_code(ClientId=client_id, Username="twice@example.com")
    with pytest.raises(ClientError) as unknown:
        idp.admin_confirm_sign_up(UserPoolId=pool, Username="nobody@example.com")

    assert "NotAuthorizedException" == code_of(again.value)
    assert "InvalidParameterException" == code_of(resent.value)
    assert "UserNotFoundException" == code_of(unknown.value)


@pytest.mark.parametrize(
    ("email", "password", "attributes", "code"),
    [
        ("w@example.com", "Short1!", {}, "InvalidPasswordException"),
        ("w@example.com", "lowercase1!", {}, "InvalidPasswordException"),
        ("w@example.com", "UPPERCASE1!", {}, "InvalidPasswordException"),
        ("w@example.com", "NoNumbers!", {}, "InvalidPasswordException"),
        ("w@example.com", "NoSymbols1", {}, "InvalidPasswordException"),
        ("w@example.com", PASSWORD, {"name": ""}, "InvalidParameterException"),
        ("w@example.com", PASSWORD, {"custom:unknown": "x"}, "InvalidParameterException"),
        ("wrong", PASSWORD, {}, "InvalidParameterException"),
        ("andrew@example.com", PASSWORD, {}, "UsernameExistsException"),
    ],
)
def test_wrong_sign_up_is_refused(
    idp: Client, pool: str, sign_up: Call, email: str, password: str, attributes: dict[str, str], code: str
) -> None:
    """By policy and schema; nobody is added, and no address stands in the message."""
    before = len(idp.list_users(UserPoolId=pool)["Users"])
    with pytest.raises(ClientError) as caught:
        sign_up(email, password, **attributes)

    assert code == code_of(caught.value)
    assert "example.com" not in caught.value.response["Error"]["Message"]
    assert before == len(idp.list_users(UserPoolId=pool)["Users"])


def test_alias_and_case(idp: Client) -> None:
    """An alias signs in once it is verified; letters count only where the pool says so."""
    settings = {"UsernameAttributes": [], "AliasAttributes": ["email"], "UsernameConfiguration": {"CaseSensitive": False}}
    pool = create_pool(idp, **settings)["Id"]
    idp.admin_create_user(UserPoolId=pool, Username="bob", UserAttributes=[{"Name": "email", "Value": "bob@example.com"}])
    with pytest.raises(ClientError) as caught:
        idp.admin_get_user(UserPoolId=pool, Username="bob@example.com")
    verified = [{"Name": "email_verified", "Value": "True"}]
    idp.admin_update_user_attributes(UserPoolId=pool, Username="bob", UserAttributes=verified)

    assert "UserNotFoundException" == code_of(caught.value)
    assert "bob" == idp.admin_get_user(UserPoolId=pool, Username="Bob@Example.com")["Username"]


def test_client_with_a_secret_wants_its_hash(idp: Client, pool: str) -> None:
    """SECRET_HASH is checked."""
    made = idp.create_user_pool_client(UserPoolId=pool, ClientName="server", GenerateSecret=True)["UserPoolClient"]
    digest = hmac.new(made["ClientSecret"].encode(), f"s@example.com{made['ClientId']}".encode(), hashlib.sha256).digest()
    attributes = [{"Name": name, "Value": value} for name, value in NAMES.items()]
    wish = {"ClientId": made["ClientId"], "Username": "s@example.com", "Password": PASSWORD, "UserAttributes": attributes}
    with pytest.raises(ClientError) as caught:
        idp.sign_up(**wish)

    assert "NotAuthorizedException" == code_of(caught.value)
    assert idp.sign_up(**wish, SecretHash=base64.b64encode(digest).decode())["UserSub"]


def test_sign_in_is_by_the_clients_flows_and_secret(idp: Client, pool: str, sign_up: Call, confirm: Call) -> None:
    """Flows that a client does not name are not enabled; a secret asks for its hash (CreateUserPoolClient, InitiateAuth)."""
    sign_up("flows@example.com")
    confirm("flows@example.com")
    made = idp.create_user_pool_client(UserPoolId=pool, ClientName="server", GenerateSecret=True)["UserPoolClient"]
    name = {"UserPoolId": pool, "ClientId": made["ClientId"]}
    digest = hmac.new(made["ClientSecret"].encode(), f"flows@example.com{made['ClientId']}".encode(), hashlib.sha256).digest()
    auth = {"USERNAME": "flows@example.com", "PASSWORD": PASSWORD, "SECRET_HASH": base64.b64encode(digest).decode()}

    def sign_in(flow: str = "USER_PASSWORD_AUTH", **changes: str) -> str:
        try:
            idp.initiate_auth(ClientId=made["ClientId"], AuthFlow=flow, AuthParameters={**auth, **changes})
        except ClientError as error:
            return code_of(error)
        return ""

    assert "InvalidParameterException" == sign_in()
    idp.update_user_pool_client(**name, ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"], RefreshTokenValidity=9)
    assert ["", "NotAuthorizedException", "NotAuthorizedException"] == [
        sign_in(), sign_in(SECRET_HASH="é"), sign_in(PASSWORD="Wrong1!wrong"),
    ]  # fmt: skip
    assert ["NotInSandbox", "NotAuthorizedException"] == [
        sign_in("CUSTOM_AUTH"),
        sign_in("REFRESH_TOKEN_AUTH", REFRESH_TOKEN="x"),
    ]
    changed = idp.update_user_pool_client(**name, ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"])["UserPoolClient"]
    assert (30, "server") == (changed["RefreshTokenValidity"], changed["ClientName"])
    assert made["CreationDate"] == changed["CreationDate"] < changed["LastModifiedDate"]


def test_unconfirmed_and_unknown_users_do_not_sign_in(idp: Client, pool: str, sign_up: Call) -> None:
    """An administrator's sign-in neither; whether a user exists is hidden where the client says so (InitiateAuth)."""
    sign_up("early@example.com")
    flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_ADMIN_USER_PASSWORD_AUTH"]
    for hidden, code in (("LEGACY", "UserNotFoundException"), ("ENABLED", "NotAuthorizedException")):
        made = idp.create_user_pool_client(
            UserPoolId=pool, ClientName="web", ExplicitAuthFlows=flows, PreventUserExistenceErrors=hidden
        )
        request = {"ClientId": made["UserPoolClient"]["ClientId"], "AuthFlow": "USER_PASSWORD_AUTH"}
        early = {"USERNAME": "early@example.com", "PASSWORD": PASSWORD}
        with pytest.raises(ClientError) as caught:
            idp.initiate_auth(**request, AuthParameters={**early, "USERNAME": "nobody@example.com"})
        assert code == code_of(caught.value)
        with pytest.raises(ClientError) as caught:
            idp.admin_initiate_auth(UserPoolId=pool, **{**request, "AuthFlow": "ADMIN_USER_PASSWORD_AUTH"}, AuthParameters=early)
        assert "UserNotConfirmedException" == code_of(caught.value)


def test_an_administrator_makes_users_by_the_pools_rules(idp: Client) -> None:
    """Password policy and schema hold; RESEND changes nothing of the user (AdminCreateUser)."""
    pool = create_pool(idp)["Id"]
    wish = {"UserPoolId": pool, "Username": "made@example.com"}
    for change, code in (
        ({"TemporaryPassword": "short"}, "InvalidPasswordException"),
        ({"UserAttributes": [{"Name": "custom:shoe", "Value": "42"}]}, "InvalidParameterException"),
    ):
        with pytest.raises(ClientError) as caught:
            idp.admin_create_user(**wish, **change)
        assert code == code_of(caught.value)
    made = idp.admin_create_user(**wish)["User"]
    again = idp.admin_create_user(**wish, MessageAction="RESEND")["User"]
    assert (made["Username"], made["Attributes"]) == (again["Username"], again["Attributes"])
    assert 1 == len(idp.list_users(UserPoolId=pool)["Users"])


def test_update_resets_what_is_not_repeated(idp: Client, function: str) -> None:
    """Triggers, policy, verification and recovery go back to their defaults; sign-in names and schema stay."""
    settings = {
        "LambdaConfig": {"PostConfirmation": function},
        "Policies": {"PasswordPolicy": {"MinimumLength": 12}},
        "AccountRecoverySetting": {"RecoveryMechanisms": [{"Priority": 1, "Name": "verified_email"}]},
        "MfaConfiguration": "OFF",
        "UserPoolTags": {"owner": "app"},
        "UsernameConfiguration": {"CaseSensitive": False},
    }
    pool = create_pool(idp, **settings)
    idp.update_user_pool(UserPoolId=pool["Id"], PoolName="renamed")
    found = idp.describe_user_pool(UserPoolId=pool["Id"])["UserPool"]

    assert 12 == pool["Policies"]["PasswordPolicy"]["MinimumLength"]
    assert not pool["Policies"]["PasswordPolicy"]["RequireSymbols"]
    assert {} == found["LambdaConfig"]
    assert found["Policies"]["PasswordPolicy"]["RequireSymbols"]
    assert 8 == found["Policies"]["PasswordPolicy"]["MinimumLength"]
    assert set() == {"AutoVerifiedAttributes", "AccountRecoverySetting", "UserPoolTags"} & found.keys()
    assert (["email"], "renamed") == (found["UsernameAttributes"], found["Name"])
    assert pool["SchemaAttributes"] == found["SchemaAttributes"]
    assert {"CaseSensitive": False} == found["UsernameConfiguration"]


def test_update_refuses_what_describe_answers(idp: Client, pool: str) -> None:
    """Two ways to say how long a temporary password is valid are one too many."""
    found = idp.describe_user_pool(UserPoolId=pool)["UserPool"]
    with pytest.raises(ClientError, match="TemporaryPasswordValidityDays") as caught:
        idp.update_user_pool(UserPoolId=pool, Policies=found["Policies"], AdminCreateUserConfig=found["AdminCreateUserConfig"])

    assert "InvalidParameterException" == code_of(caught.value)


def test_a_pool_that_is_protected_or_has_a_domain_is_not_deleted(idp: Client) -> None:
    """Either must be taken away first."""
    pool = create_pool(idp, DeletionProtection="ACTIVE")["Id"]
    with pytest.raises(ClientError) as caught:
        idp.delete_user_pool(UserPoolId=pool)
    idp.update_user_pool(UserPoolId=pool, DeletionProtection="INACTIVE")
    idp.create_user_pool_domain(UserPoolId=pool, Domain="example")
    with pytest.raises(ClientError, match="a domain configured that should be deleted first") as second:
        idp.delete_user_pool(UserPoolId=pool)
    idp.delete_user_pool_domain(UserPoolId=pool, Domain="example")
    idp.delete_user_pool(UserPoolId=pool)

    assert ["InvalidParameterException"] * 2 == [code_of(one.value) for one in (caught, second)]


def test_closed_pool_takes_no_sign_up(idp: Client) -> None:
    """Where administrators alone create users."""
    pool = create_pool(idp, AdminCreateUserConfig={"AllowAdminCreateUserOnly": True})["Id"]
    with pytest.raises(ClientError) as caught:
        idp.sign_up(ClientId=create_client(idp, pool), Username="a@example.com", Password=PASSWORD)

    assert "NotAuthorizedException" == code_of(caught.value)


def test_other_triggers_are_kept_and_not_pretended(idp: Client, function: str) -> None:
    """A pool may have one; the action in which Cognito would invoke it is not in the sandbox."""
    pool = create_pool(idp, LambdaConfig={"PreSignUp": function})
    with pytest.raises(ClientError) as caught:
        idp.sign_up(ClientId=create_client(idp, pool["Id"]), Username="a@example.com", Password=PASSWORD)

    assert {"PreSignUp": function} == pool["LambdaConfig"]
    assert "NotInSandbox" == code_of(caught.value)
