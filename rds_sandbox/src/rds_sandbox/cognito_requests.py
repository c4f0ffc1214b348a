"""Cognito's requests: the parameters that moto leaves unread, and triggers that nothing invokes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable
from typing import Any

from moto.cognitoidp.exceptions import NotAuthorizedError
from moto.cognitoidp.models import cognitoidp_backends
from moto.cognitoidp.responses import CognitoIdpResponse
from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult, EmptyResult

from rds_sandbox import cognito_triggers


class NotInSandbox(JsonRESTError):
    """Cognito would invoke a trigger here that the sandbox does not."""

    code = 501

    def __init__(self, trigger: str) -> None:
        """The trigger's name in LambdaConfig."""
        super().__init__("NotInSandbox", f"The trigger {trigger} is not in the sandbox: see docs/fidelity.md of rds-sandbox")


def _backend(self: CognitoIdpResponse) -> Any:
    """The backend of the app client's region: these requests carry no signature, and so no region."""
    return self._get_region_agnostic_backend()._find_backend_for_clientid(self._get_param("ClientId"))


def _client(self: CognitoIdpResponse) -> tuple[Any, str, str]:
    """The backend, the app client's id and the user name of a request whose SecretHash is right.

    Raises:
        NotAuthorizedError: the client has a secret, and the hash is missing or wrong.
    """
    backend, client_id, username = _backend(self), self._get_param("ClientId"), self._get_param("Username")
    client = backend.pool_of(client_id).clients[client_id]
    if client.generate_secret:
        digest = hmac.new(client.secret.encode(), f"{username}{client_id}".encode(), hashlib.sha256).digest()
        if not secrets.compare_digest(base64.b64encode(digest).decode(), self._get_param("SecretHash") or ""):
            raise NotAuthorizedError(f"Unable to verify secret hash for client {client_id}")
    return backend, client_id, username


def confirm_sign_up(self: CognitoIdpResponse) -> ActionResult:
    """ConfirmSignUp."""
    backend, client_id, username = _client(self)
    backend.confirm_sign_up(client_id, username, self._get_param("ConfirmationCode"), self._get_param("ClientMetadata"))
    return EmptyResult()


def admin_confirm_sign_up(self: CognitoIdpResponse) -> ActionResult:
    """AdminConfirmSignUp."""
    backend: Any = self.backend
    pool_id, username = self._get_param("UserPoolId"), self._get_param("Username")
    backend.admin_confirm_sign_up(pool_id, username, self._get_param("ClientMetadata"))
    return EmptyResult()


def resend_confirmation_code(self: CognitoIdpResponse) -> ActionResult:
    """ResendConfirmationCode, which moto lacks."""
    backend, client_id, username = _client(self)
    return ActionResult({"CodeDeliveryDetails": backend.resend_confirmation_code(client_id, username)})


def forgot_password(self: CognitoIdpResponse) -> ActionResult:
    """ForgotPassword."""
    backend, client_id, username = _client(self)
    return ActionResult(backend.forgot_password(client_id, username)[1])


def confirm_forgot_password(self: CognitoIdpResponse) -> ActionResult:
    """ConfirmForgotPassword."""
    backend, client_id, username = _client(self)
    code, metadata = self._get_param("ConfirmationCode"), self._get_param("ClientMetadata")
    backend.confirm_forgot_password(client_id, username, self._get_param("Password"), code, metadata)
    return EmptyResult()


def checks_secret(original: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The action, once the request's SecretHash is found right."""

    def checked(self: CognitoIdpResponse) -> Any:
        _client(self)
        return original(self)

    return checked


def refuses_triggers(original: Callable[[Any], Any], triggers: tuple[str, ...]) -> Callable[[Any], Any]:
    """The action, unless the pool has a trigger that Cognito would invoke in it."""

    def checked(self: CognitoIdpResponse) -> Any:
        for trigger in triggers:
            if _pool_of(self).extended_config["LambdaConfig"].get(trigger):
                raise NotInSandbox(trigger)
        return original(self)

    return checked


def _pool_of(self: CognitoIdpResponse) -> Any:
    pool_id = self._get_param("UserPoolId")
    return self.backend.describe_user_pool(pool_id) if pool_id else _backend(self).pool_of(self._get_param("ClientId"))


def user_pools() -> list[Any]:
    """All user pools of all regions."""
    regions = [backend for account in cognitoidp_backends.values() for backend in account.values()]
    return [pool for backend in regions for pool in backend.user_pools.values()]


def install() -> None:
    """Put these in place of moto's."""
    CognitoIdpResponse.sign_up = checks_secret(CognitoIdpResponse.sign_up)  # type: ignore[method-assign,assignment]
    actions = (confirm_sign_up, admin_confirm_sign_up, resend_confirmation_code, forgot_password, confirm_forgot_password)
    for action in actions:
        setattr(CognitoIdpResponse, action.__name__, action)
    for name, triggers in cognito_triggers.OTHER_TRIGGERS.items():
        setattr(CognitoIdpResponse, name, refuses_triggers(getattr(CognitoIdpResponse, name), triggers))
