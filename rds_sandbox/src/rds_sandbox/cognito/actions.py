"""The Cognito actions that mean what they say: codes are checked, and the post-confirmation trigger is invoked.

Source: Amazon Cognito user pools API Reference (SignUp, ConfirmSignUp, AdminConfirmSignUp, ResendConfirmationCode,
ForgotPassword, ConfirmForgotPassword, UpdateUserPool, DeleteUserPool).
"""

import base64
import secrets
import threading
from typing import Any

from moto.cognitoidp import models
from moto.cognitoidp.exceptions import InvalidParameterException, NotAuthorizedError, UsernameExistsException, UserNotFoundError
from moto.cognitoidp.models import UserStatus, cognitoidp_backends

from rds_sandbox.cognito import pools, triggers
from rds_sandbox.cognito.pools import SandboxUserPool, pool_of
from rds_sandbox.cognito.sign_in import check_secret
from rds_sandbox.patches import MOTO, Request, action, replaces

# Of authenticator apps, 52 characters as on AWS; moto checks codes by one for all users, which would be known to everybody.
replaces(models, "COGNITO_TOTP_MFA_SECRET")(base64.b32encode(secrets.token_bytes(32)).decode().rstrip("="))
_one_at_a_time = threading.Lock()  # requests come in several threads, and a code counts once


def _check_secret(request: Request) -> SandboxUserPool:
    """The pool, once the request's SecretHash is found right, where the app client has a secret."""
    pool = pool_of(request)
    client = pool.clients[request.parameters["ClientId"]]
    check_secret(client, request.parameters["Username"], request.parameters.get("SecretHash", ""))
    return pool


def _user(request: Request) -> tuple[SandboxUserPool, Any]:
    """The user that the request names, and the pool."""
    pool = _check_secret(request)
    user = pool._get_user(request.parameters["Username"])
    if user is None:
        raise UserNotFoundError("Username/client id combination not found.")
    return pool, user


@replaces(models.CognitoIdpBackend, "_validate_password")
def _validate_password(backend: Any, user_pool_id: str, password: str) -> None:
    """The pool's policy, wherever moto asks for it."""
    backend.describe_user_pool(user_pool_id).check_password(password)


@action("cognito-idp", "CreateUserPool", "UpdateUserPool")
def check_configuration(request: Request) -> object:
    pools.check_configuration(request.parameters)
    return MOTO


@action("cognito-idp", "DeleteUserPool")
def check_protection(request: Request) -> object:
    """A protected pool stays, and so does one that has a domain."""
    pool = pool_of(request)
    if pool.domain:
        raise InvalidParameterException("User pool cannot be deleted. It has a domain configured that should be deleted first.")
    if pool.extended_config.get("DeletionProtection") == "ACTIVE":
        message = "The user pool cannot be deleted because deletion protection is activated."
        raise InvalidParameterException(f"{message} Deletion protection must be inactivated first.")
    return MOTO


@action("cognito-idp", "SignUp")
def sign_up(request: Request) -> dict[str, Any]:
    """Checked, and a code is sent where the pool verifies an attribute."""
    asked, pool = request.parameters, _check_secret(request)
    triggers.refuse_others(request.name, pool)
    if pool.extended_config["AdminCreateUserConfig"].get("AllowAdminCreateUserOnly"):
        raise NotAuthorizedError("SignUp is not permitted for this user pool")
    username, password = asked["Username"], asked["Password"]
    given = {attribute["Name"]: attribute["Value"] for attribute in asked.get("UserAttributes", [])}
    named = "phone_number" if username.startswith("+") else "email"
    if named in pool.extended_config.get("UsernameAttributes", ()):
        given[named] = username
    pool.check_password(password)
    pool.check_attributes(given)
    if pool._get_user(username):
        raise UsernameExistsException("User already exists")
    backend = cognitoidp_backends[pool.account_id][pool.region]
    user, _ = backend.sign_up(asked["ClientId"], username, password, asked.get("UserAttributes", []))
    attribute = _verified_by_code(pool, user)
    sent = pool.send_code(user, "SignUp", attribute) if attribute else {}
    return {"UserConfirmed": user.status is UserStatus.CONFIRMED, "UserSub": user.id, **sent}


@action("cognito-idp", "ResendConfirmationCode")
def resend_confirmation_code(request: Request) -> dict[str, Any]:
    """The code before counts no more."""
    triggers.refuse_others(request.name, pool_of(request))
    pool, user = _user(request)
    if user.status is UserStatus.CONFIRMED:
        raise InvalidParameterException("User is already confirmed.")
    attribute = _verified_by_code(pool, user)
    if attribute is None:
        raise InvalidParameterException("Cannot resend codes. Auto verification not turned on.")
    return pool.send_code(user, "SignUp", attribute)


@action("cognito-idp", "ConfirmSignUp")
def confirm_sign_up(request: Request) -> dict[str, Any]:
    """The code's attribute is verified, the user confirmed, the trigger invoked."""
    pool, user = _user(request)
    with _one_at_a_time:
        _check_unconfirmed(user)
        attribute = pool.use_code(user, "SignUp", request.parameters["ConfirmationCode"])
        user.update_attributes([{"Name": f"{attribute}_verified", "Value": "true"}])
        user.status = UserStatus.CONFIRMED
    triggers.post_confirmation(pool, user, "ConfirmSignUp", request.parameters)
    return {}


@action("cognito-idp", "AdminConfirmSignUp")
def admin_confirm_sign_up(request: Request) -> dict[str, Any]:
    """No code; no attribute is verified."""
    user = request.backend.admin_get_user(request.parameters["UserPoolId"], request.parameters["Username"])
    with _one_at_a_time:
        _check_unconfirmed(user)
        user.status = UserStatus.CONFIRMED
    triggers.post_confirmation(pool_of(request), user, "ConfirmSignUp", request.parameters)
    return {}


@action("cognito-idp", "ForgotPassword")
def forgot_password(request: Request) -> dict[str, Any]:
    """A code goes to a verified attribute, by the order of AccountRecoverySetting."""
    triggers.refuse_others(request.name, pool_of(request))
    pool, user = _user(request)
    attribute = _recovered_by(pool, user)
    if attribute is None:
        message = "Cannot reset password for the user as there is no registered/verified email or phone_number"
        raise InvalidParameterException(message)
    return pool.send_code(user, "ForgotPassword", attribute)


@action("cognito-idp", "ConfirmForgotPassword")
def confirm_forgot_password(request: Request) -> dict[str, Any]:
    """The trigger is invoked here too, with another source."""
    asked, (pool, user) = request.parameters, _user(request)
    pool.check_password(asked["Password"])
    with _one_at_a_time:
        pool.use_code(user, "ForgotPassword", asked["ConfirmationCode"])
        user.password, user.status = asked["Password"], UserStatus.CONFIRMED
    triggers.post_confirmation(pool, user, "ConfirmForgotPassword", asked)
    return {}


def _check_unconfirmed(user: Any) -> None:
    if user.status is not UserStatus.UNCONFIRMED:
        raise NotAuthorizedError(f"User cannot be confirmed. Current status is {user.status.value}")


def _verified_by_code(pool: SandboxUserPool, user: Any) -> str | None:
    """The attribute that a sign-up's code goes to: the telephone number first; None where no code is sent."""
    wanted = pool.extended_config.get("AutoVerifiedAttributes", ())
    return next((name for name in ("phone_number", "email") if name in wanted and user.attribute_lookup.get(name)), None)


def _recovered_by(pool: SandboxUserPool, user: Any) -> str | None:
    """The verified attribute that a code for another password goes to."""
    mechanisms = pool.extended_config.get("AccountRecoverySetting", {}).get("RecoveryMechanisms")
    ordered = sorted(mechanisms or models.LEGACY_ACCOUNT_RECOVERY_MECHANISMS, key=lambda each: each["Priority"])
    names = [each["Name"].removeprefix("verified_") for each in ordered]
    return next((name for name in names if pools.is_verified(user.attribute_lookup, name)), None)
