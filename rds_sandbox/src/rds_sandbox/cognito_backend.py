"""Cognito whose codes are checked and whose post-confirmation trigger is invoked: moto's backend, made to mean it.

Source: Amazon Cognito user pools API Reference (SignUp, ConfirmSignUp, AdminConfirmSignUp, ResendConfirmationCode,
ForgotPassword, ConfirmForgotPassword, UpdateUserPool, DeleteUserPool).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, cast

from moto.cognitoidp import models
from moto.cognitoidp.exceptions import (
    InvalidParameterException,
    NotAuthorizedError,
    ResourceNotFoundError,
    UsernameExistsException,
    UserNotFoundError,
)
from moto.cognitoidp.models import UserStatus

from rds_sandbox import cognito_codes, cognito_pools, cognito_requests, cognito_triggers
from rds_sandbox.cognito_pools import SandboxUserPool

Metadata = Mapping[str, str] | None

_one_at_a_time = threading.Lock()  # requests come in several threads, and a code counts once


class SandboxCognitoBackend(models.CognitoIdpBackend):
    """Cognito user pools."""

    __module__ = models.CognitoIdpBackend.__module__  # moto finds the URLs of the service by it

    def create_user_pool(self, name: str, extended_config: dict[str, Any]) -> models.CognitoIdpUserPool:
        """CreateUserPool."""
        cognito_pools.check_configuration(extended_config)
        return super().create_user_pool(name, extended_config)

    def update_user_pool(self, user_pool_id: str, extended_config: dict[str, Any]) -> None:
        """UpdateUserPool: what is not repeated goes back to its default."""
        cognito_pools.check_configuration(extended_config)
        super().update_user_pool(user_pool_id, extended_config)

    def delete_user_pool(self, user_pool_id: str) -> None:
        """DeleteUserPool, unless it is protected."""
        if self.describe_user_pool(user_pool_id).extended_config.get("DeletionProtection") == "ACTIVE":
            message = "The user pool cannot be deleted because deletion protection is activated."
            raise InvalidParameterException(f"{message} Deletion protection must be inactivated first.")
        super().delete_user_pool(user_pool_id)

    def pool_of(self, client_id: str) -> SandboxUserPool:
        """The pool of an app client.

        Raises:
            ResourceNotFoundError: there is no such client.
        """
        for pool in self.user_pools.values():
            if client_id in pool.clients:
                return cast(SandboxUserPool, pool)
        raise ResourceNotFoundError(f"User pool client {client_id} does not exist.")

    def _user_of(self, client_id: str, username: str) -> tuple[SandboxUserPool, Any]:
        pool = self.pool_of(client_id)
        user = pool._get_user(username)
        if user is None:
            raise UserNotFoundError("Username/client id combination not found.")
        return pool, user

    def sign_up(
        self, client_id: str, username: str, password: str, attributes: list[dict[str, str]]
    ) -> tuple[models.CognitoIdpUser, Any]:
        """SignUp: checked, and a code is sent where the pool verifies an attribute."""
        pool = self.pool_of(client_id)
        if pool.extended_config["AdminCreateUserConfig"].get("AllowAdminCreateUserOnly"):
            raise NotAuthorizedError("SignUp is not permitted for this user pool")
        given = {attribute["Name"]: attribute["Value"] for attribute in attributes}
        named = "phone_number" if username.startswith("+") else "email"
        if named in pool.extended_config.get("UsernameAttributes", ()):
            given[named] = username
        pool.check_password(password)
        pool.check_attributes(given)
        if pool._get_user(username):
            raise UsernameExistsException("User already exists")
        user, _ = super().sign_up(client_id, username, password, attributes)
        attribute = verified_by_code(pool, user)
        return user, cognito_codes.send(pool, user, "SignUp", attribute) if attribute else None

    def resend_confirmation_code(self, client_id: str, username: str) -> dict[str, str]:
        """ResendConfirmationCode: the code before counts no more."""
        pool, user = self._user_of(client_id, username)
        if user.status is UserStatus.CONFIRMED:
            raise InvalidParameterException("User is already confirmed.")
        attribute = verified_by_code(pool, user)
        if attribute is None:
            message = "Cannot resend codes. Auto verification not turned on."
            raise InvalidParameterException(message)
        return cognito_codes.send(pool, user, "SignUp", attribute)

    def confirm_sign_up(self, client_id: str, username: str, code: str = "", metadata: Metadata = None) -> str:
        """ConfirmSignUp: the code's attribute is verified, the user confirmed, the trigger invoked."""
        pool, user = self._user_of(client_id, username)
        with _one_at_a_time:
            _check_unconfirmed(user)
            attribute = cognito_codes.use(pool, user, "SignUp", code)
            user.update_attributes([{"Name": f"{attribute}_verified", "Value": "true"}])
            user.status = UserStatus.CONFIRMED
        cognito_triggers.post_confirmation(pool, user, "ConfirmSignUp", client_id, metadata)
        return ""

    def admin_confirm_sign_up(self, user_pool_id: str, username: str, metadata: Metadata = None) -> str:
        """AdminConfirmSignUp: no code; no attribute is verified."""
        user = self.admin_get_user(user_pool_id, username)
        with _one_at_a_time:
            _check_unconfirmed(user)
            user.status = UserStatus.CONFIRMED
        pool = self.describe_user_pool(user_pool_id)
        cognito_triggers.post_confirmation(pool, user, "ConfirmSignUp", cognito_triggers.NO_CLIENT, metadata)
        return ""

    def forgot_password(self, client_id: str, username: str) -> tuple[str | None, dict[str, Any]]:
        """ForgotPassword: a code goes to a verified attribute, by the order of AccountRecoverySetting."""
        pool, user = self._user_of(client_id, username)
        attribute = recovered_by(pool, user)
        if attribute is None:
            message = "Cannot reset password for the user as there is no registered/verified email or phone_number"
            raise InvalidParameterException(message)
        return None, {"CodeDeliveryDetails": cognito_codes.send(pool, user, "ForgotPassword", attribute)}

    def confirm_forgot_password(
        self, client_id: str, username: str, password: str, confirmation_code: str, metadata: Metadata = None
    ) -> None:
        """ConfirmForgotPassword: the trigger is invoked here too, with another source."""
        pool, user = self._user_of(client_id, username)
        pool.check_password(password)
        with _one_at_a_time:
            cognito_codes.use(pool, user, "ForgotPassword", confirmation_code)
            user.password, user.status = password, UserStatus.CONFIRMED
        cognito_triggers.post_confirmation(pool, user, "ConfirmForgotPassword", client_id, metadata)

    def _validate_password(self, user_pool_id: str, password: str) -> None:
        """The pool's policy, wherever moto asks for it."""
        cast(SandboxUserPool, self.describe_user_pool(user_pool_id)).check_password(password)


def _check_unconfirmed(user: Any) -> None:
    if user.status is not UserStatus.UNCONFIRMED:
        raise NotAuthorizedError(f"User cannot be confirmed. Current status is {user.status.value}")


def verified_by_code(pool: SandboxUserPool, user: Any) -> str | None:
    """The attribute that a sign-up's code goes to: the telephone number first; None where no code is sent."""
    wanted = pool.extended_config.get("AutoVerifiedAttributes", ())
    return next((name for name in ("phone_number", "email") if name in wanted and user.attribute_lookup.get(name)), None)


def recovered_by(pool: SandboxUserPool, user: Any) -> str | None:
    """The verified attribute that a code for another password goes to."""
    mechanisms = pool.extended_config.get("AccountRecoverySetting", {}).get("RecoveryMechanisms")
    ordered = sorted(mechanisms or models.LEGACY_ACCOUNT_RECOVERY_MECHANISMS, key=lambda each: each["Priority"])
    names = [each["Name"].removeprefix("verified_") for each in ordered]
    return next((name for name in names if user.attribute_lookup.get(f"{name}_verified") == "true"), None)


def install() -> None:
    """Put it all in place of moto's, before anybody made a pool."""
    models.CognitoIdpUserPool = SandboxUserPool  # type: ignore[misc]
    models.cognitoidp_backends.backend = SandboxCognitoBackend
    models.cognitoidp_backends.clear()
    cognito_requests.install()
